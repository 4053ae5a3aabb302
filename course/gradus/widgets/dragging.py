"""Points that are dragged in the picture itself: a control for `explore` whose value is an array of places."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import plot
from .without import fixed, have_anywidget


def points(
    start: Any,
    label: str = "the points",
    *,
    names: Sequence[str] | None = None,
    colours: Sequence[str] | None = None,
    axes: int = 0,
) -> Any:
    """Points to drag in the figure that `explore` draws.

    Args:
        start: (N, 2), where they lie at first, in the units of the figure's axes.
        label: what they are.
        names: one for each, for those who hear them; "point 1" and so on if None.
        colours: one for each.
        axes: the number of the panel in which they lie, counted from 0. Its scales are linear. Set its limits in `draw`,
            so that they stay: a point goes as far as they do.

    Returns:
        A control whose value is an array (N, 2). Without the package anywidget the points stay where they are, and a
        line says what is missing.

    Raises:
        ValueError: `start` is not (N, 2), or the names or colours are not N.
    """
    places = np.array(start, dtype=float)
    if places.ndim != 2 or places.shape[1] != 2:
        raise ValueError(f"start has the shape {places.shape}; it must be (N, 2), a row for each point")
    count = len(places)
    names = [f"point {number + 1}" for number in range(count)] if names is None else list(names)
    colours = [plot.VERMILION] * count if colours is None else list(colours)
    if len(names) != count or len(colours) != count:
        raise ValueError(f"there are {count} points, {len(names)} names and {len(colours)} colours")
    if not have_anywidget():
        return fixed(places, "To drag the points")
    made = _points_class()(label=label, names=names, colours=colours, places=places.tolist())
    made.axes = axes
    return made


@functools.cache
def _points_class() -> type:
    import anywidget
    import traitlets

    class Points(anywidget.AnyWidget):
        _esm = Path(__file__).with_name("dragging.js")
        _css = Path(__file__).with_name("dragging.css")
        label = traitlets.Unicode().tag(sync=True)
        names: Any = traitlets.List().tag(sync=True)
        colours: Any = traitlets.List().tag(sync=True)
        places: Any = traitlets.List().tag(sync=True)
        alt = traitlets.Unicode().tag(sync=True)
        size: Any = traitlets.List([720, 340]).tag(sync=True)  # the picture's, in pixels
        frame: Any = traitlets.List().tag(sync=True)  # left, top, width, height of the axes, as shares of the picture
        limits: Any = traitlets.List([0.0, 1.0, 0.0, 1.0]).tag(sync=True)
        picture = traitlets.Bytes().tag(sync=True)
        value = traitlets.Any()  # the places as an array (N, 2)
        axes = 0

        @traitlets.observe("places")
        def _told(self, change: Any) -> None:
            places = np.array(self.places, dtype=float).reshape(-1, 2)
            if self.value is None or not np.array_equal(places, self.value):
                self.value = places

        def place(self, made: Any, data: bytes, alt: str) -> None:
            """Show a picture, and lay the points over its axes."""
            shown = made.axes[self.axes] if self.axes < len(made.axes) else None
            wide, high = made.bbox.size
            with self.hold_sync():
                self.size, self.alt = [float(wide), float(high)], alt
                if shown is None or not shown.axison:  # a message
                    self.frame = []
                else:
                    if shown.get_xscale() != "linear" or shown.get_yscale() != "linear":
                        raise ValueError("points can be dragged where both scales are linear")
                    box = shown.get_position()
                    self.frame = [box.x0, 1 - box.y1, box.width, box.height]
                    self.limits = [*map(float, shown.get_xlim()), *map(float, shown.get_ylim())]
                self.picture = data

        def still(self, made: Any) -> bytes:
            """The picture with the points drawn into it, for a page without Python."""
            if self.frame:
                made.axes[self.axes].scatter(*self.value.T, s=90, c=self.colours, edgecolors="white", zorder=5)
            return plot.png(made)

    return Points
