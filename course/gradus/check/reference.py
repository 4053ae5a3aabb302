"""What hidden tests may lean on, and the mark of a probe."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar

from .guard import watched
from .traces import probes

F = TypeVar("F", bound=Callable[..., Any])


def inside(function: F) -> F:
    """Mark a probe: a function that the examiner runs beside the student's code.

    In a notebook the probe is there already, and is only watched. It must return plain data.
    """
    parameters = list(inspect.signature(function).parameters)
    probes.add(function.__code__)

    @functools.wraps(function)
    def probe(*args: Any, **kwargs: Any) -> Any:
        return watched(function.__name__, function, args, kwargs, parameters)

    return probe  # type: ignore[return-value]


def load_reference(code: str) -> ModuleType:
    """Run `code` in a module of its own and return it. Only hidden tests carry such code."""
    module = ModuleType("gradus_reference")
    sys.modules[module.__name__] = module  # so that classes defined there can be inspected
    exec(compile(code, "<reference>", "exec"), module.__dict__)
    return module
