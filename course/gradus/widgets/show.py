"""`explore`: one function for every widget of the course.

The picture is an ordinary image inside a widget, so that it is quick to redraw. A second output carries the picture by
itself: it is hidden while the widget is alive, and is what a page without Python shows (a saved notebook, nbconvert, PDF).
"""

from __future__ import annotations

import base64
import functools
import html
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from .. import plot
from ..home import in_colab
from .picture import Painter, drawn, failure, swiftly
from .without import have_anywidget

T = TypeVar("T")


def written(function: Callable[..., T], *args: Any, **kwargs: Any) -> T | None:
    """``function(*args, **kwargs)``, or None while the exercise behind it is not written yet."""
    try:
        return function(*args, **kwargs)
    except (NotImplementedError, NameError):
        if headless() == "solved":
            raise
        return None


def headless() -> str:
    """What a run without a front end asks of widgets, from $GRADUS_HEADLESS.

    "": nothing; what fails is shown in the picture. "handout": what a draw raises is raised, but for an exercise that is
    not written. "solved": all that it raises, since there everything is written.
    """
    return os.environ.get("GRADUS_HEADLESS", "")


def explore(draw: Callable[..., Any], **controls: Any) -> None:
    """Show the figure that `draw` returns, and draw it anew whenever a control moves.

    Args:
        draw: called with the controls' values by name; returns a matplotlib Figure. The first line of its docstring is
            the picture's alternative text.
        controls: what `slider`, `choice`, `switch`, `player`, `pad` and `points` make, or any widget with a `value`.

    What goes wrong in `draw` is shown in the picture: an exercise that is not written yet stops no cell. While a picture
    is being drawn the front end holds back the values that a fast drag passes through, and sends the newest.
    """
    import ipywidgets

    painter = Painter()
    shown: dict[str, Any] = {}
    canvas = next(
        (control for control in controls.values() if hasattr(control, "frame")), None
    )  # points in the picture
    if canvas is None:
        canvas = _image_class()(format="png", layout=ipywidgets.Layout(max_width="100%", width=f"{_WIDTH}px"))

    def redraw() -> None:
        values = {name: control.value for name, control in controls.items()}
        if shown.get("values") is not None and _same(values, shown["values"]):
            return  # a control that tells of the same value twice
        try:
            data, alt, made = drawn(draw, values, painter)
        except Exception as error:
            if headless() == "solved" or (headless() and not isinstance(error, NotImplementedError)):
                raise
            made = failure(error)
            data, alt = painter.png(made), plot.describe(made)
        shown.update(values=values, png=data, alt=alt)
        if hasattr(canvas, "frame"):
            canvas.place(made, data, alt)
            if "still" not in shown:
                shown["still"] = canvas.still(made)
        else:
            with canvas.hold_sync():  # one message: a picture is never there with another's text
                canvas.value = data
                if canvas.has_trait("tooltip"):  # ipywidgets 8: the image's name for a screen reader
                    canvas.tooltip = alt

    def follow(change: Any) -> None:
        with swiftly():
            redraw()

    redraw()
    for control in controls.values():
        control.observe(follow, names="value")
    others = [control for control in controls.values() if control is not canvas]
    _align(others)
    box = ipywidgets.VBox([*others, canvas, *_guard()])
    publish(box, shown.get("still", shown["png"]), shown["alt"])


_WIDTH = round(7.2 * plot.DPI)


@functools.cache
def _image_class() -> type:
    import ipywidgets
    import traitlets

    class Picture(ipywidgets.Image):
        # ipywidgets 8 has no alternative text for images. A tooltip names one for a screen reader, but the page asks
        # for the description's length before it sets it, and Image has no description.
        description = traitlets.Unicode("").tag(sync=True)

    return Picture


def _guard() -> list[Any]:
    """Something unseen that keeps JupyterLab's keys out of the controls beside it; nothing where that is not needed."""
    if in_colab() or not have_anywidget():
        return []
    return [_guard_class()()]


@functools.cache
def _guard_class() -> type:
    import anywidget

    class Guard(anywidget.AnyWidget):
        _esm = Path(__file__).with_name("keys.js")

    return Guard


def _same(values: dict[str, Any], before: dict[str, Any]) -> bool:
    import numpy as np

    return all(
        np.array_equal(value, before[name])
        if isinstance(value, np.ndarray)
        else value is before[name] or value == before[name]
        for name, value in values.items()
    )


def _align(controls: list[Any]) -> None:
    """Give descriptions that nobody gave a width the room that the longest of them needs."""
    # a switch has its label behind it, and in front as much room as the others' labels take
    texts = [str(getattr(control, "description", "")) for control in controls if not control.has_trait("indent")]
    width = f"{min(max(map(len, texts), default=0) * 0.95 + 2, 30):.0f}ch"
    for control in (getattr(control, "slider", control) for control in controls):
        if control.has_trait("tooltip") and control.tooltip is None:  # the page would say "null"
            control.tooltip = str(getattr(control, "description", ""))
        style = getattr(control, "style", None)
        if style is not None and style.has_trait("description_width") and not style.description_width:
            style.description_width = width
            if control.layout.width is None:
                control.layout.width = "min(100%, 560px)"


def publish(widget: Any, data: bytes | str, alt: str, alive: bool = False) -> None:
    """Put a widget into the cell's output, and after it the picture that stands for it where no Python runs.

    Args:
        widget: to be shown.
        data, alt: the picture, as a PNG or as HTML, and a text in its place.
        alive: the widget works without Python too. Both outputs say so in their metadata ("gradus"), for those who make
            pages: a widget that is not alive is better left out of them.
    """
    from IPython.display import display

    name = f"gradus-live-{secrets.token_hex(6)}"
    widget.add_class(name)
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    display(
        {"application/vnd.jupyter.widget-view+json": view, "text/html": "", "text/plain": alt},
        metadata={"gradus": {"widget": "alive" if alive else "needs-python"}},
        raw=True,
    )
    page = data if isinstance(data, str) else plot.picture_html(data, alt)
    still = {"text/html": _still(name, page), "text/plain": alt}
    if isinstance(data, bytes):
        still["image/png"] = base64.b64encode(data).decode()
    display(still, metadata={"gradus": {"still": True}}, raw=True)


def _still(name: str, page: str) -> str:
    """The picture for a page on which the widget called `name` is not alive. Style only, no script."""
    still = f"gradus-still-{name.rpartition('-')[2]}"
    lab = f".jp-OutputArea-child:has(+ .jp-OutputArea-child .{still})"  # JupyterLab's "model not found" above it
    return (
        f"<style>body:has(.{name}) .{still},body:not(:has(.{name})) {lab}{{display:none}}</style>"
        f'<div class="{still}">{page}'
        f'<div style="opacity:.75;font-size:90%">{html.escape("Run this cell to move it.")}</div></div>'
    )
