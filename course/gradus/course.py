"""Which unit is running, and how a class grows over several cells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

_current: str | None = None


def unit(name: str) -> None:
    """Say which unit this notebook is: its hints are looked up under that name."""
    global _current
    _current = name


def current_unit() -> str | None:
    """The name that `unit` was last called with."""
    return _current


def add_to(cls: type) -> Callable[[F], F]:
    """A decorator that makes a function a method of `cls`.

    So each method of a growing class can be an exercise of its own::

        @add_to(Tensor)
        def relu(self): ...
    """

    def add(function: F) -> F:
        setattr(cls, function.__name__, function)
        return function

    return add
