"""Controls for `explore`: each has a label with its unit, a sensible range, and works by keyboard.

On a slider the arrow keys go one step, Page Up and Page Down five, Home and End to the ends; the number beside it can be
clicked and typed over.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from typing import Any


def slider(
    value: float, low: float, high: float, step: float | None = None, label: str = "", *, log: bool = False
) -> Any:
    """A slider from `low` to `high`.

    Args:
        value: where it starts.
        low, high: its ends.
        step: between stops; without one, 1 for whole numbers and a hundredth of the range for others. With `log` the
            step is in powers of ten: 0.1 if not given.
        label: what it is, with the unit: "shift (m)".
        log: the stops are powers of ten apart, for a learning rate. `value`, `low` and `high` are the rates themselves.

    Returns:
        A control whose value is an int if `value`, `low`, `high` and `step` are whole numbers, a float otherwise.

    Raises:
        ValueError: `value` is outside `low` to `high`, or `low` is not below `high`, or `log` has a `low` of 0 or less.
    """
    import ipywidgets

    name = label or "value"
    if not low < high:
        raise ValueError(f"the slider {name!r} goes from {low} to {high}: the first must be the smaller one")
    if not low <= value <= high:
        raise ValueError(f"the slider {name!r} starts at {value}, outside {low} to {high}")
    if log:
        if low <= 0:
            raise ValueError(f"the slider {name!r} has log=True and starts at {low}: it must start above 0")
        return ipywidgets.FloatLogSlider(
            value=value, min=math.log10(low), max=math.log10(high), step=step or 0.1, base=10,
            description=label, readout_format=".2g",
        )  # fmt: skip
    if all(isinstance(n, int) for n in (value, low, high, step or 1)):
        return ipywidgets.IntSlider(value=value, min=low, max=high, step=step or 1, description=label)
    step = step or (high - low) / 100
    places = max(_places(step), _places(value))
    return ipywidgets.FloatSlider(
        value=value, min=low, max=high, step=step, description=label, readout_format=f".{places}f"
    )


def _places(number: float) -> int:
    """Decimal places that show `number`: 0.25 two, 0.125 three; no more than six, and three for what never ends."""
    least = max(0, min(6, -math.floor(math.log10(abs(number)) + 1e-9))) if number else 0
    return next((n for n in range(least, 7) if math.isclose(number, round(number, n), rel_tol=1e-9)), max(3, least))


def choice(options: Iterable[Any], value: Any = None, label: str = "") -> Any:
    """One of several.

    Args:
        options: names, or a dict of names and what they stand for, or pairs (name, what it stands for).
        value: what is chosen at first; the first of them if None.
        label: what is chosen.
    """
    import ipywidgets

    given = list(options.items()) if isinstance(options, dict) else list(options)
    extra = {} if value is None else {"value": value}
    return ipywidgets.Dropdown(options=given, description=label, **extra)


def switch(value: bool = False, label: str = "") -> Any:
    """On or off: its value is True or False."""
    import ipywidgets

    return ipywidgets.Checkbox(value=value, description=label)


def player(
    last: int, label: str = "step", *, first: int = 0, value: int | None = None, step: int = 1, seconds: float = 0.5
) -> Any:
    """A whole number from `first` to `last` that moves by itself: play, one back, one forward, and a slider.

    Args:
        last: the highest number.
        label: what it counts.
        first: the lowest number.
        value: where it starts; `first` if None.
        step: how far it goes at a time.
        seconds: between two numbers while it plays.
    """
    if last < first:
        raise ValueError(f"the player {label!r} goes from {first} to {last}: the first must not be the larger one")
    return _player_class()(first, last, first if value is None else value, label, step, seconds)


@functools.cache
def _player_class() -> type:
    import ipywidgets
    import traitlets

    class Player(ipywidgets.VBox):
        """Play, step buttons and a slider that share one `value`."""

        value = traitlets.Int()

        def __init__(self, first: int, last: int, value: int, label: str, step: int, seconds: float) -> None:
            self.slider = ipywidgets.IntSlider(value=value, min=first, max=last, step=step, description=label)
            self.play = ipywidgets.Play(
                value=value,
                min=first,
                max=last,
                step=step,
                interval=round(1000 * seconds),
                description=f"play: {label}",
            )
            if self.play.has_trait("show_repeat"):  # ipywidgets 7 draws a button that means little here
                self.play.show_repeat = False
            self.back = ipywidgets.Button(description="◀ back", tooltip=f"one {label} back", layout={"width": "5.5em"})
            self.ahead = ipywidgets.Button(
                description="next ▶", tooltip=f"one {label} forward", layout={"width": "5.5em"}
            )
            super().__init__([self.slider, ipywidgets.HBox([self.play, self.back, self.ahead])], value=value)
            ipywidgets.jslink((self.play, "value"), (self.slider, "value"))
            traitlets.link((self.slider, "value"), (self, "value"))
            self.back.on_click(lambda _: self._go(-step))
            self.ahead.on_click(lambda _: self._go(step))

        def _go(self, by: int) -> None:
            self.slider.value = min(max(self.slider.value + by, self.slider.min), self.slider.max)

        @property
        def description(self) -> str:
            return str(self.slider.description)

    return Player
