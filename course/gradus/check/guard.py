"""Calls of an exercise's functions, watched: arguments kept, results recorded, changes in place refused."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .asserts import CheckFailure, record
from .values import copied, short, unchanged


class Watch:
    """What one test saw of the exercise: its last call.

    It is put into words when they are asked for, that is when the test has failed: words cost more than most calls.
    """

    def __init__(self, changes: Sequence[str] = ()) -> None:
        self.changes = set(changes)
        self.depth = 0
        self.called: tuple[str, list, list[str]] | None = None  # name, copies of the arguments, names of the last ones
        self.answered: list = []  # a copy of the result, if there was one

    @property
    def call(self) -> str:
        if self.called is None:
            return ""
        name, values, keys = self.called
        labels = [""] * (len(values) - len(keys)) + [f"{key}=" for key in keys]
        shown = [label + short(value, 200) for label, value in zip(labels, values, strict=True)]
        return f"{name}({', '.join(shown)})"

    @property
    def result(self) -> str:
        return short(self.answered[0]) if self.answered else ""


_watch: Watch | None = None


@contextmanager
def watching(watch: Watch) -> Iterator[Watch]:
    global _watch
    before, _watch = _watch, watch
    try:
        yield watch
    finally:
        _watch = before


def changes_count() -> bool:
    """Whether what a call does to its arguments may count: in a test only where the call is watched, and told of,
    or where the check says that arguments are meant to change."""
    return _watch is None or _watch.depth > 0 or bool(_watch.changes)


def watched(name: str, function: Callable, args: tuple, kwargs: dict, parameters: Sequence[str] = ()) -> Any:
    """Call ``function(*args, **kwargs)`` under the test's eyes.

    Raises:
        CheckFailure: an argument was modified in place and the check does not allow it.
    """
    watch = _watch
    if watch is None or watch.depth:
        return function(*args, **kwargs)
    labels = [parameters[i] if i < len(parameters) else f"argument {i}" for i in range(len(args))] + list(kwargs)
    values = [*args, *kwargs.values()]
    before = [copied(value) for value in values]
    watch.called, watch.answered = (name, before, list(kwargs)), []
    watch.depth += 1
    try:
        result = function(*args, **kwargs)
    except Exception as error:
        record(type(error).__name__)
        raise
    finally:
        watch.depth -= 1
    record(result)
    watch.answered = [copied(result)]
    for label, was, now in zip(labels, before, values, strict=True):
        if label not in watch.changes and not unchanged(was, now):
            raise CheckFailure(
                f"`{name}` changed its argument `{label}` in place: it was {short(was, 120)}, it is now {short(now, 120)}. "
                "Work on a copy, or build a new array."
            )
    return result


def _parameters(function: Callable) -> list[str]:
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return []


def _wrapped(name: str, function: Callable, method: bool = False) -> Callable:
    parameters = _parameters(function)

    def call(*args: Any, **kwargs: Any) -> Any:
        if method:  # `self` may change: that is what methods are for
            return watched(name, lambda *a, **k: function(args[0], *a, **k), args[1:], kwargs, parameters[1:])
        return watched(name, function, args, kwargs, parameters)

    call.__name__ = getattr(function, "__name__", name)
    call.__doc__ = getattr(function, "__doc__", None)
    call.__wrapped__ = function  # type: ignore[attr-defined]
    return call


@contextmanager
def guarded(namespace: dict[str, Any], names: Sequence[str]) -> Iterator[None]:
    """Put a watch on the functions and classes called `names` in `namespace`; take it off at the end.

    Functions are replaced in `namespace` (a copy made for the check). Methods are replaced in the class
    itself, since instances are made elsewhere, and put back.
    """
    undo: list[tuple[type, str, Any]] = []
    try:
        for name in names:
            value = namespace.get(name)
            if inspect.isfunction(value):
                namespace[name] = _wrapped(name, value)
            elif inspect.isclass(value):
                for attribute, member in list(vars(value).items()):
                    if inspect.isfunction(member) and (not attribute.startswith("_") or attribute == "__call__"):
                        undo.append((value, attribute, member))
                        setattr(value, attribute, _wrapped(f"{name}.{attribute}", member, method=True))
        yield
    finally:
        for owner, attribute, member in undo:
            setattr(owner, attribute, member)
