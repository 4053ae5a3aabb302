"""Pictures drawn beforehand, with a slider that needs no Python: alive in a notebook, on the website, in a saved page."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from .. import plot
from .controls import player
from .picture import Painter, drawn, failure
from .show import explore, headless, publish
from .without import have_anywidget


def film(
    draw: Callable[[Any], Any],
    values: Iterable[Any],
    label: str = "step",
    *,
    names: Sequence[str] | None = None,
    start: int = 0,
    seconds: float = 0.6,
) -> None:
    """Show `draw(value)` for each of `values`, one at a time, with a slider, step buttons and play.

    Args:
        draw: takes a value and returns a matplotlib Figure. Called for each value now: keep it under about forty.
        values: what to draw.
        label: what the slider counts.
        names: one for each value, shown beside the slider; the values themselves if None.
        start: the number of the picture to begin with.
        seconds: between two pictures while it plays.

    The arrow keys move the slider. What goes wrong in `draw` is shown in the picture.
    """
    shown = list(values)
    if not shown:
        raise ValueError(f"the film of {label!r} has no pictures: `values` is empty")
    texts = [str(value) for value in shown] if names is None else [str(name) for name in names]
    if len(texts) != len(shown):
        raise ValueError(f"there are {len(shown)} values and {len(texts)} names")
    if not have_anywidget():
        control = player(len(shown) - 1, label, value=start, seconds=seconds)

        def one(at: int) -> Any:
            return draw(shown[at])

        one.__doc__ = draw.__doc__
        return explore(one, at=control)
    painter = Painter()
    frames, alts = [], []
    for value, text in zip(shown, texts, strict=True):
        try:
            data, alt, _ = drawn(draw, (value,), painter)
        except Exception as error:
            if headless() == "solved" or (headless() and not isinstance(error, NotImplementedError)):
                raise
            made = failure(error)
            frames, alts, texts, start = [painter.png(made)], [plot.describe(made)], [text], 0
            break
        frames.append(data)
        alts.append(f"{alt} {label}: {text}")
    widget = _film_class()(frames=frames, alts=alts, names=texts, label=label, at=start, seconds=seconds)
    return publish(widget, frames[start], alts[start], alive=True)


@functools.cache
def _film_class() -> type:
    import anywidget
    import traitlets

    class Film(anywidget.AnyWidget):
        _esm = Path(__file__).with_name("frames.js")
        _css = Path(__file__).with_name("frames.css")
        frames: Any = traitlets.List().tag(sync=True)
        alts: Any = traitlets.List().tag(sync=True)
        names: Any = traitlets.List().tag(sync=True)
        label = traitlets.Unicode().tag(sync=True)
        at = traitlets.Int().tag(sync=True)
        seconds = traitlets.Float().tag(sync=True)

    return Film
