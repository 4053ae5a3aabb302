"""What hidden tests may lean on, and the mark of a probe."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def inside(function: F) -> F:
    """Mark a probe: a function that the examiner runs beside the student's code.

    In a notebook the probe is there already, so nothing is done. It must return plain data.
    """
    return function


def load_reference(code: str) -> ModuleType:
    """Run `code` in a module of its own and return it. Only hidden tests carry such code."""
    module = ModuleType("gradus_reference")
    sys.modules[module.__name__] = module  # so that classes defined there can be inspected
    exec(compile(code, "<reference>", "exec"), module.__dict__)
    return module
