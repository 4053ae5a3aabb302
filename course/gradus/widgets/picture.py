"""From a figure to the bytes of a picture, quickly enough to follow a slider.

Where a redraw's time goes, and what is done about each (tests/benchmarks/widgets.py measures it): ``savefig`` lays a figure
out twice, so it is not used; laying out costs as much as drawing, so a layout is used again while nothing that it depends
on has changed, or while labels and legends take as much room as they did; measuring text is remembered by the renderer, so the renderer is kept; strong compression is slow.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import linecache
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import plot
from ..check.hints import defines, names_of
from ..check.traces import is_unwritten, student_function, student_lines
from ..course import current_unit


@dataclass
class _Layout:
    """Where the axes of a figure stood, and what that rests on."""

    needs: Any  # all of it, read off the figure; None: cannot be told
    frame: Any  # the part that the room around the axes does not show; None likewise
    room: list[Any]  # what sticks out of each of the axes, in pixels
    places: list[Any]


class Painter:
    """Draws one widget's figures, one after the other."""

    def __init__(self) -> None:
        self._renderers: dict[tuple[float, float, float], Any] = {}
        self._layout: _Layout | None = None
        self._luck = 2  # how often measuring may still fail before it is left alone

    def png(self, made: Any) -> bytes:
        """A matplotlib Figure as a PNG."""
        from matplotlib.layout_engine import ConstrainedLayoutEngine

        if not isinstance(made.get_layout_engine(), ConstrainedLayoutEngine):
            return plot.png(made, self._renderers)
        frame = _frame(made)
        needs = _layout_needs(made, frame)
        if self._fits(made, needs, frame):
            made.set_layout_engine("none")
            return plot.png(made, self._renderers)
        data = plot.png(made, self._renderers)
        self._layout = _Layout(needs, frame, [], [axis.get_position(original=True) for axis in made.axes])
        if frame is not None and self._luck > 0:
            self._layout.room = _room(made, self._renderers)
        return data

    def _fits(self, made: Any, needs: Any, frame: Any) -> bool:
        """Put the axes where those of the figure before stood, if that is where a new layout would put them."""
        kept = self._layout
        if kept is None:
            return False
        if needs is not None and kept.needs == needs:
            _put(made, kept.places)
            return True
        if frame is None or kept.frame != frame or not kept.room:
            return False
        # A layout is made of the room that labels, titles and legends take around the axes: as much room, the same layout.
        # Measuring it is a third of the work of a layout.
        before = [axis.get_position(original=True) for axis in made.axes]
        _put(made, kept.places)
        if np.allclose(_room(made, self._renderers), kept.room, rtol=0, atol=0.01, equal_nan=True):
            self._luck += 1
            return True
        _put(made, before)
        self._luck -= 1
        return False


def _put(made: Any, places: list[Any]) -> None:
    for axis, place in zip(made.axes, places, strict=True):
        axis.set_position(place)
        axis.set_in_layout(True)


def _room(made: Any, renderers: dict[tuple[float, float, float], Any]) -> list[list[float]]:
    """How far what belongs to each of the axes reaches beyond its place, in pixels: left, bottom, right, top."""
    renderer, found = plot.renderer(made, renderers), []
    for axis in made.axes:
        whole = axis.get_tightbbox(renderer, for_layout_only=True)
        place = axis.get_position(original=True).transformed(made.transFigure)
        found.append([np.nan] * 4 if whole is None else list(place.extents - whole.extents))
    return found


def _frame(made: Any) -> list[Any] | None:
    """What a figure's layout depends on besides the room around its axes. None: cannot be told."""
    if len(made.subfigs):
        return None
    frame: list[Any] = [tuple(made.get_size_inches()), made.dpi, made.get_layout_engine().get()]
    frame += [_words(text) for text in made.texts]
    frame += [(legend._loc, _words(text)) for legend in made.legends for text in legend.get_texts()]
    for axis in made.axes:
        place = _place(axis)
        if place is None or axis.child_axes or axis.tables:
            return None
        frame.append((place, axis.axison, str(axis.get_aspect()), axis.name))
        frame.append(getattr(axis, "_colorbar_info", {}).get("location"))
    return frame


def _layout_needs(made: Any, frame: list[Any] | None) -> Any:
    """All that a figure's layout depends on: two figures with equal needs are laid out alike. None: cannot be told."""
    if frame is None:
        return None
    needs = list(frame)
    for axis in made.axes:
        if any(not artist.get_clip_on() for artist in (*axis.lines, *axis.patches, *axis.collections)):
            return None
        for line in (axis.xaxis, axis.yaxis):
            needs += [line.get_scale(), tuple(line.get_view_interval()), _height(line.label), _ticks(line)]
        legend = axis.get_legend()
        needs += [_height(text) for text in (axis.title, axis._left_title, axis._right_title)]
        needs += [_words(text) for text in [*axis.texts, *(legend.get_texts() if legend else [])]]
    return needs


def _place(axis: Any) -> Any:
    """Where in its grid a panel stands, or that it is a colour bar; None for all else."""
    if type(axis.get_axes_locator()).__name__ == "_ColorbarAxesLocator":
        return "colour bar", axis.get_box_aspect()
    where = axis.get_subplotspec()
    if where is None or axis.get_axes_locator() is not None:
        return None
    grid = where.get_gridspec()
    return where.num1, where.num2, grid.nrows, grid.ncols


def _words(text: Any) -> Any:
    return text.get_text(), text.get_position(), text.get_fontsize(), text.get_rotation()


def _height(text: Any) -> Any:
    """A title's or label's length moves nothing; its height does: its lines, and what is in a formula."""
    words = text.get_text()
    return (words if "$" in words else words.count("\n") if words else None), text.get_fontsize()


def _ticks(line: Any) -> Any:
    """What decides which numbers or names stand along an axis of known limits."""
    from matplotlib import ticker

    locator, formatter = line.get_major_locator(), line.get_major_formatter()
    given: Any = tuple(locator()) if isinstance(locator, ticker.FixedLocator) else ()
    if isinstance(formatter, ticker.FixedFormatter):
        shown = tuple(map(str, formatter.seq))
    elif isinstance(formatter, (ticker.FormatStrFormatter, ticker.StrMethodFormatter)):
        shown = (formatter.fmt,)
    elif isinstance(formatter, (ticker.ScalarFormatter, ticker.LogFormatter, ticker.NullFormatter)):
        shown = ()
    else:  # a function's, or names of categories: they may change with nothing else to see it by
        given = tuple(line.get_majorticklocs())
        shown = tuple(formatter.format_ticks(given))
    return type(locator), given, type(formatter), shown, line.get_tick_params().get("labelsize")


def failure(error: Exception) -> Any:
    """A Figure that says what went wrong in a student's function, and where; or what has to be written first."""
    name = _unwritten(error)
    if name is not None:
        said = f": {name} is not written yet" if name else ""
        text = f"This picture is drawn by your own function{said}.\nWrite the exercise above, then run this cell again."
    else:
        lines = [line for line in [_where(error), f"{type(error).__name__}: {error}"] if line]
        text = "\n".join(["Your function stopped here:", *lines])[:400]
    return plot.message(_wrapped(text), height=2.0)


def _unwritten(error: Exception) -> str | None:
    """The function that is not written yet, "" if that is not known; None if the error is of another kind."""
    if not is_unwritten(error, names_of(defines(current_unit()))):
        return None
    return str(error.name) if isinstance(error, NameError) else student_function(error.__traceback__)


def _wrapped(text: str, width: int = 78) -> str:
    import textwrap

    return "\n".join(part for line in text.splitlines() for part in textwrap.wrap(line, width) or [""])


def _where(error: Exception) -> str:
    lines = student_lines(error.__traceback__)
    linecache.checkcache()
    return lines[-1] if lines else ""


@contextlib.contextmanager
def swiftly() -> Iterator[None]:
    """Draw without long pauses for Python's search for rubbish, which would otherwise begin after a few pictures.

    Each figure is tens of thousands of objects that refer to each other. Searching all that the notebook holds, torch
    among it, takes a third of a second; searching what is young, as is done here afterwards, a few milliseconds.
    """
    usual = gc.get_threshold()
    gc.set_threshold(200_000, usual[1], 1_000_000)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        with contextlib.suppress(RuntimeError):  # no loop that runs: left to Python
            asyncio.get_running_loop().call_later(0.05, gc.collect, 1)  # when the picture is on its way


def drawn(draw: Callable[..., Any], values: dict[str, Any] | tuple[Any], painter: Painter) -> tuple[bytes, str, Any]:
    """What `draw` makes of the values (by name, or one alone): a PNG, a text in its place, and the Figure.

    What `draw` raises goes on; `failure` makes a picture of it. No figure stays open in pyplot.

    Raises:
        TypeError: `draw` returned something that is no figure.
    """
    import matplotlib.pyplot as plt

    before = set(plt.get_fignums())
    try:
        made = draw(**values) if isinstance(values, dict) else draw(*values)
        if not hasattr(made, "canvas"):
            raise TypeError(f"{getattr(draw, '__name__', 'draw')} must return a Figure; it returned {made!r}"[:200])
        return painter.png(made), _alternative(draw, made), made
    finally:
        for number in set(plt.get_fignums()) - before:
            plt.close(number)


def _alternative(draw: Callable[..., Any], made: Any) -> str:
    said = (draw.__doc__ or "").strip().splitlines()
    return getattr(made, "alt", "") or (said[0] if said else plot.describe(made))
