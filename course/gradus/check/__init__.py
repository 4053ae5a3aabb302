"""Checks: a cell of small ``test_*`` functions, then ``check(name, points)``.

Every test runs, whatever the others did. The score is the share that passed. The same cell runs in
JupyterLab, in Colab, in plain nbgrader and in Gradus's own examiner.
"""

from .asserts import assert_close, assert_gradient, assert_raises, assert_unchanged
from .notebook import check
from .reference import inside, load_reference
from .run import rng

__all__ = [
    "assert_close",
    "assert_gradient",
    "assert_raises",
    "assert_unchanged",
    "check",
    "inside",
    "load_reference",
    "rng",
]
