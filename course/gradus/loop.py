"""`gradus.track`: a loop that says how far it is, and that the Stop button ends cleanly."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any, Generic, TypeVar

from . import home

T = TypeVar("T")


class Track(Generic[T]):
    """What `track` returns: goes through the loop once. `stopped` tells whether the Stop button ended it."""

    def __init__(self, items: Iterable[T], label: str, total: int | None) -> None:
        self.stopped = False
        self._items, self._total = items, total
        self._bar: Any = None
        if home.keeping():
            from .bar import (
                Bar,  # tqdm is imported where it is used: in Colab gradus runs before all that it needs is there
            )

            self._bar = Bar(items, desc=label, total=total, file=sys.stdout, mininterval=0.2, miniters=1)

    def __iter__(self) -> Iterator[T]:
        with _Stop() as stop:
            try:
                for item in self._items if self._bar is None else self._bar:
                    yield item
                    if stop.pressed:
                        self.stopped = True
                        break
            finally:
                if self._bar is not None:
                    self._bar.end(self.stopped)

    def __len__(self) -> int:
        return len(self._items) if self._total is None else self._total  # type: ignore[arg-type]

    def show(self, **figures: float | str) -> None:
        """Show figures beside the bar, such as ``loss=0.31``. Costs nothing to speak of: call it at every step."""
        if self._bar is not None:
            self._bar.figures = figures


def track(items: Iterable[T], label: str = "", total: int | None = None) -> Track[T]:
    """Go through `items` and show what is happening, how fast, and how long it still takes.

    ::

        steps = gradus.track(range(2000), "training")
        for step in steps:
            loss = ...
            steps.show(loss=loss)

    The Stop button (Kernel > Interrupt) lets the step in hand finish and then ends the loop: the cell goes on below it, and
    what was reached is kept. Pressed twice it stops at once, with KeyboardInterrupt. Loops in loops all end. Nothing is
    shown while work is graded, and nothing ever goes to stderr.

    Args:
        items: what the loop goes through: a range, a list, a DataLoader.
        label: what is happening.
        total: how many items there are, where `items` does not know.
    """
    return Track(items, label, total)


class _Stop:
    """While it lasts, the first interrupt is noted and the second is an interrupt."""

    def __init__(self) -> None:
        self.pressed = False
        self._before: Any = None
        self._set = False

    def __enter__(self) -> _Stop:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self.press)
            self._set = True
        return self

    def __exit__(self, *what: object) -> None:
        if self._set and signal.getsignal(signal.SIGINT) == self.press:
            signal.signal(signal.SIGINT, self._before)

    def press(self, number: int, frame: FrameType | None) -> None:
        if self.pressed:
            raise KeyboardInterrupt
        self.pressed = True
        outer = getattr(self._before, "__self__", None)
        if isinstance(outer, _Stop) and not outer.pressed:  # a loop in a loop: both end
            outer.press(number, frame)
