"""One style for every figure, with text for those who cannot see it.

A figure is a white card, in JupyterLab's light theme and in its dark one: no grey is readable on both (a text needs 4.5
to 1, and the best grey gets 4.3 on each), and units draw in black and in white. The colours are those of Okabe and Ito
(2008), which colour-blind readers can tell apart, made darker until each stands out from the card by 3 to 1, as WCAG 2.2
asks of lines and marks.
"""

from __future__ import annotations

import base64
import functools
import io
from typing import Any

BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION = "#005A94", "#C98500", "#00906A", "#C468A0", "#3C9CD8", "#B84300"
COLOURS = [BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY]
CARD, INK, FRAME = "#ffffff", "#1a1a1a", "#6b6b6b"  # behind all, text, axes
DPI = 100  # a figure of 7.2 inches is 720 pixels wide

STYLE: dict[str, Any] = {
    "figure.facecolor": CARD,
    "figure.dpi": DPI,
    "savefig.facecolor": CARD,
    "axes.facecolor": CARD,
    "axes.edgecolor": FRAME,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 11,
    "axes.labelsize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.alpha": 0.25,
    "grid.color": "#b0b0b0",
    "text.color": INK,
    "xtick.color": FRAME,
    "ytick.color": FRAME,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "lines.linewidth": 1.8,
    "font.size": 10,
}


def figure(columns: int = 1, rows: int = 1, width: float = 7.2, height: float = 3.4) -> tuple[Any, Any]:
    """A figure and its axes, in the course's style, outside pyplot's list of open figures.

    Args:
        columns, rows: how many panels.
        width, height: in inches; 7.2 fits a notebook's page.

    Returns:
        (Figure, Axes) or, for more than one panel, (Figure, array of Axes). As a cell's last line the figure shows
        itself, with an alternative text made of its titles and labels; set ``figure.alt`` to write a better one.
    """
    import matplotlib
    from cycler import cycler

    style: Any = STYLE | {"axes.prop_cycle": cycler(color=COLOURS)}
    with matplotlib.rc_context(style):
        made = _figure_class()(figsize=(width, height), layout="constrained")
        axes = made.subplots(rows, columns)
    made.get_layout_engine().set(w_pad=0.08, h_pad=0.06)  # inches: room at the edges of the card
    for axis in [axes] if rows * columns == 1 else axes.flat:
        axis.locator_params(nbins=6)  # fewer numbers are easier to read, and half of a redraw's time goes into them
    return made, axes


def message(text: str, height: float = 1.4) -> Any:
    """A figure that says something: what is still missing, and what to do. Returns a Figure."""
    made, axes = figure(height=height)
    axes.axis("off")
    axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=12, transform=axes.transAxes)
    made.alt = text
    return made


@functools.cache
def diverging() -> Any:
    """A colour map for values on both sides of a middle: orange below, white in the middle, blue above."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("gradus", [ORANGE, "white", BLUE])


def png(made: Any, renderers: dict[tuple[float, float, float], Any] | None = None) -> bytes:
    """A figure as a PNG, quickly: laid out once (savefig does it twice), compressed lightly.

    Args:
        made: a matplotlib Figure.
        renderers: kept from call to call; they remember how large each text is.
    """
    import numpy as np
    from PIL import Image

    before = made.canvas
    canvas = _canvas(made, renderers)
    try:
        canvas.draw()
        pixels = np.asarray(canvas.buffer_rgba())
        buffer = io.BytesIO()
        Image.fromarray(pixels).convert("RGB").save(buffer, "png", compress_level=1)
    finally:
        made.set_canvas(before)
    return buffer.getvalue()


def renderer(made: Any, renderers: dict[tuple[float, float, float], Any]) -> Any:
    """What measures the texts of `made`, out of `renderers` if it is there."""
    before = made.canvas
    try:
        return _canvas(made, renderers).get_renderer()
    finally:
        made.set_canvas(before)


def _canvas(made: Any, renderers: dict[tuple[float, float, float], Any] | None) -> Any:
    canvas = _canvas_class()(made)
    canvas.kept = {} if renderers is None else renderers
    return canvas


def describe(made: Any) -> str:
    """A text in place of a figure: ``made.alt``, or else what its titles, labels and legends say."""
    given = getattr(made, "alt", "")
    if given:
        return str(given)
    heading = made.get_suptitle() if hasattr(made, "get_suptitle") else ""  # matplotlib 3.8 has it
    parts = [heading] if heading else []
    for axis in made.axes:
        words = [axis.get_title() or "a plot"]
        if axis.get_xlabel() or axis.get_ylabel():
            words.append(f"{axis.get_ylabel() or 'values'} against {axis.get_xlabel() or 'position'}")
        legend = axis.get_legend()
        if legend is not None:
            words.append("with " + ", ".join(text.get_text() for text in legend.get_texts()))
        parts.append(", ".join(words))
    return "Figure: " + "; ".join(parts).replace("\n", " ") + "." if parts else "Figure."


def picture_html(data: bytes, alt: str, attributes: str = "") -> str:
    """An ``<img>`` that holds its own PNG, on its card."""
    import html

    return (
        f'<img alt="{html.escape(alt, quote=True)}" src="data:image/png;base64,{base64.b64encode(data).decode()}" '
        f'style="max-width:100%;background:{CARD};border-radius:4px"{attributes}>'
    )


@functools.cache
def _figure_class() -> type:
    """matplotlib's Figure, which shows itself with an alternative text. Made late: matplotlib is slow to import."""
    from matplotlib.figure import Figure

    class CourseFigure(Figure):
        alt = ""

        def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
            data, alt = png(self), describe(self)
            return {
                "text/html": picture_html(data, alt),
                "image/png": base64.b64encode(data).decode(),
                "text/plain": alt,
            }

    return CourseFigure


@functools.cache
def _canvas_class() -> type:
    """matplotlib's Agg canvas, with renderers that are kept from figure to figure of the same size."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg

    class KeptCanvas(FigureCanvasAgg):
        kept: dict[tuple[float, float, float], Any]

        def get_renderer(self) -> Any:
            width, height = self.figure.bbox.size
            key = (width, height, self.figure.dpi)
            if key not in self.kept:
                self.kept[key] = RendererAgg(*key)
            self.renderer = self.kept[key]
            return self.renderer

    return KeptCanvas
