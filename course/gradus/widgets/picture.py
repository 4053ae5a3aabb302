"""From a figure to the bytes of a picture, quickly enough to follow a slider.

Where a redraw's time goes, and what is done about each (tests/benchmarks/widgets.py measures it): ``savefig`` lays a figure
out twice, so it is not used; laying out costs as much as drawing, so a layout is used again while nothing that it depends
on has changed; measuring text is remembered by the renderer, so the renderer is kept; strong compression is slow.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable
from typing import Any

from .. import plot
from ..check.hints import defines
from ..check.traces import student_function, student_lines
from ..course import current_unit


class Painter:
    """Draws one widget's figures, one after the other."""

    def __init__(self) -> None:
        self._renderers: dict[tuple[float, float, float], Any] = {}
        self._layout: tuple[Any, list[Any]] | None = None  # what it depended on, where each of the axes stood

    def png(self, made: Any) -> bytes:
        """A matplotlib Figure as a PNG."""
        if made.get_layout_engine() is None:
            return plot.png(made, self._renderers)
        needs = _layout_needs(made)
        if needs is not None and self._layout is not None and self._layout[0] == needs:
            made.set_layout_engine("none")
            for axis, place in zip(made.axes, self._layout[1], strict=True):
                axis.set_position(place)
        data = plot.png(made, self._renderers)
        if needs is not None and made.get_layout_engine() is not None:
            self._layout = needs, [axis.get_position(original=True) for axis in made.axes]
        return data


def _layout_needs(made: Any) -> Any:
    """All that a figure's layout depends on: two figures with equal needs are laid out alike. None: cannot be told."""
    if made.legends or len(made.subfigs):
        return None
    needs: list[Any] = [tuple(made.get_size_inches()), made.dpi, type(made.get_layout_engine())]
    needs += [_words(text) for text in made.texts]  # the heading is one of them
    for axis in made.axes:
        place = _place(axis)
        if place is None or axis.child_axes or axis.tables:
            return None
        needs.append((place, axis.axison, str(axis.get_aspect()), axis.name))
        for line in (axis.xaxis, axis.yaxis):
            ticks = _ticks(line)
            if ticks is None:
                return None
            needs += [line.get_scale(), tuple(line.get_view_interval()), _height(line.label), ticks]
        legend = axis.get_legend()
        needs += [_height(text) for text in (axis.title, axis._left_title, axis._right_title)]
        needs += [_words(text) for text in [*axis.texts, *(legend.get_texts() if legend else [])]]
    return needs


def _place(axis: Any) -> Any:
    """Where in its grid a panel stands, or that it is a colour bar; None for all else, and for what sticks out of it."""
    if type(axis.get_axes_locator()).__name__ == "_ColorbarAxesLocator":
        return "colour bar", axis.get_box_aspect()
    where = axis.get_subplotspec()
    artists = [*axis.lines, *axis.patches, *axis.collections]
    if where is None or axis.get_axes_locator() is not None or any(not artist.get_clip_on() for artist in artists):
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
    """What decides which numbers or names stand along an axis; None if it cannot be told."""
    from matplotlib import ticker

    locator, formatter = line.get_major_locator(), line.get_major_formatter()
    if isinstance(formatter, ticker.FixedFormatter):
        shown = tuple(map(str, formatter.seq))
    elif isinstance(formatter, (ticker.FormatStrFormatter, ticker.StrMethodFormatter)):
        shown = (formatter.fmt,)
    elif isinstance(formatter, (ticker.ScalarFormatter, ticker.LogFormatter, ticker.NullFormatter)):
        shown = ()
    else:  # a function's, or names of categories: they may change with nothing to see it by
        return None
    given = tuple(locator()) if isinstance(locator, ticker.FixedLocator) else ()
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
    """The function that is not written yet, "" if that is not known; None if the error is of another kind.

    A stub's error says nothing; torch raises the same kind with a text, for what it cannot do. An exercise whose cell
    was never run is no name at all.
    """
    if isinstance(error, NotImplementedError) and not str(error):
        return student_function(error.__traceback__)
    made = {name.split(".")[0] for own in defines(current_unit()).values() for name in own}
    if isinstance(error, NameError) and error.name in made:
        return str(error.name)
    return None


def _wrapped(text: str, width: int = 78) -> str:
    import textwrap

    return "\n".join(part for line in text.splitlines() for part in textwrap.wrap(line, width) or [""])


def _where(error: Exception) -> str:
    lines = student_lines(error.__traceback__)
    linecache.checkcache()
    return lines[-1] if lines else ""


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
