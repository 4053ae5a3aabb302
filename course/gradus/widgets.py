"""Sliders and pictures: one function for every widget of the course.

The picture is an ordinary image inside a widget, so that it is quick to redraw. The same output carries the
picture by itself too, so that a page without a kernel shows something.
"""

from __future__ import annotations

import base64
import io
import linecache
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def written(function: Callable[..., T], *args: Any, **kwargs: Any) -> T | None:
    """``function(*args, **kwargs)``, or None while the exercise behind it is not written yet."""
    try:
        return function(*args, **kwargs)
    except (NotImplementedError, NameError):
        return None


def explore(draw: Callable[..., Any], **controls: Any) -> None:
    """Show the figure that `draw` returns, and draw it anew whenever a control moves.

    Args:
        draw: called with the controls' values by name; returns a matplotlib Figure.
        controls: ipywidgets widgets with a `value`, such as FloatSlider.

    What goes wrong in `draw` is shown in the picture: an exercise that is not written yet stops no cell.
    """
    import ipywidgets
    from IPython.display import display

    def picture() -> bytes:
        return _png(draw, {name: control.value for name, control in controls.items()})

    first = picture()
    image = ipywidgets.Image(value=first, format="png", layout=ipywidgets.Layout(max_width="100%", width="720px"))
    image.alt = (draw.__doc__ or "a figure drawn by your own function").strip().splitlines()[0]

    def redraw(change: Any) -> None:
        image.value = picture()

    for control in controls.values():
        control.observe(redraw, names="value")
    box = ipywidgets.VBox([*controls.values(), image])
    data: dict[str, Any] = {
        "image/png": base64.b64encode(first).decode(),
        "text/plain": image.alt,
        "application/vnd.jupyter.widget-view+json": {
            "version_major": 2,
            "version_minor": 0,
            "model_id": box.model_id,
        },
    }
    display(data, raw=True)


def _png(draw: Callable[..., Any], values: dict[str, Any]) -> bytes:
    import matplotlib.pyplot as plt

    before = set(plt.get_fignums())
    try:
        figure = draw(**values)
    except NotImplementedError:
        figure = _message(
            "This picture is drawn by your own function.\nWrite the exercise above, then run this cell again."
        )
    except Exception as error:
        figure = _message(f"Your function stopped here:\n{_where(error)}\n{type(error).__name__}: {error}"[:400])
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    for number in set(plt.get_fignums()) - before:
        plt.close(number)
    return buffer.getvalue()


def _where(error: Exception) -> str:
    from .check.traces import student_lines

    lines = student_lines(error.__traceback__)
    linecache.checkcache()
    return lines[-1] if lines else ""


def _message(text: str) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 2.0))
    figure.text(0.5, 0.5, text, ha="center", va="center", fontsize=12)
    return figure
