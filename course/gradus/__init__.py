"""The helper package of the course: checks, hints, data, widgets. It holds no answer to an exercise."""

from .carry import carried, library
from .course import add_to, current_unit, unit
from .device import device
from .environment import report
from .loop import track
from .overview import progress

__version__ = "0.1.0"
__all__ = [
    "__version__",
    "add_to",
    "carried",
    "current_unit",
    "device",
    "library",
    "progress",
    "report",
    "track",
    "unit",
]
