"""A sheet to draw a digit on, by mouse, touch or keyboard: a control for `explore` whose value is an array of ink."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .without import chooser, have_anywidget


def pad(
    shape: tuple[int, int] = (28, 28),
    examples: Any = None,
    label: str = "your digit",
    *,
    brush: float | None = None,
    start: int | None = 0,
    centre: bool = False,
) -> Any:
    """A sheet to draw on.

    Args:
        shape: (H, W), cells down and across.
        examples: what can be had by a click or a key instead of drawing: arrays (K, H, W) of ink from 0 to 1, or a dict
            of names and arrays (H, W). If None, ten handwritten digits (scikit-learn's), enlarged to `shape`.
        label: what is drawn.
        brush: half the width of the pen, in cells; fits the shape if None.
        start: the number of the example to begin with; None for an empty sheet.
        centre: move what is drawn so that its centre of mass is in the middle, as in MNIST (LeCun and others, 1998).

    Returns:
        A control whose value is an array (H, W) of ink, from 0, white, to 1, black. Without the package anywidget: a
        control that chooses among the examples, and says what is missing.

    Raises:
        ValueError: the examples do not have the shape.
    """
    known = _named(examples, shape)
    if not have_anywidget():
        return chooser(known, "To draw by hand", label)
    made = _pad_class()(
        rows=shape[0],
        columns=shape[1],
        brush=max(0.45, max(shape) / 24) if brush is None else float(brush),
        examples=[_bytes(ink) for ink in known.values()],
        names=list(known),
        label=label,
    )
    made.centre = centre
    made.ink = _bytes(list(known.values())[start] if start is not None and known else np.zeros(shape))
    return made


def centred(ink: np.ndarray) -> np.ndarray:
    """`ink` (H, W) moved by whole cells so that its centre of mass is in the middle. An empty sheet stays as it is."""
    total = ink.sum()
    if not total:
        return ink
    rows, columns = np.indices(ink.shape)
    down = round((ink.shape[0] - 1) / 2 - (rows * ink).sum() / total)
    right = round((ink.shape[1] - 1) / 2 - (columns * ink).sum() / total)
    moved = np.zeros_like(ink)
    height, width = ink.shape
    to_rows = slice(max(down, 0), height + min(down, 0))
    to_columns = slice(max(right, 0), width + min(right, 0))
    moved[to_rows, to_columns] = ink[max(-down, 0) : height - max(down, 0), max(-right, 0) : width - max(right, 0)]
    return moved


def _named(examples: Any, shape: tuple[int, int]) -> dict[str, np.ndarray]:
    if examples is None:
        found = {str(digit): _digit(digit, shape) for digit in range(10)}
    elif isinstance(examples, Mapping):
        found = {str(name): np.asarray(ink, dtype=float) for name, ink in examples.items()}
    else:
        found = {str(number): np.asarray(ink, dtype=float) for number, ink in enumerate(examples)}
    for name, ink in found.items():
        if ink.shape != tuple(shape):
            raise ValueError(f"example {name} has the shape {ink.shape}; the sheet's is {tuple(shape)}")
        if not (np.isfinite(ink).all() and ink.min() >= 0 and ink.max() <= 1):
            raise ValueError(f"example {name} has values outside 0 to 1: ink goes from 0, white, to 1, black")
    return found


def _digit(digit: int, shape: tuple[int, int]) -> np.ndarray:
    """The first handwritten `digit`, (8, 8), enlarged with smooth edges; in a larger sheet with a margin, as in MNIST."""
    from PIL import Image

    from ..data import digits

    images, labels = digits()
    ink = images[labels == digit][0]
    if tuple(shape) == ink.shape:
        return ink
    small = Image.fromarray((255 * ink).astype(np.uint8))
    height, width = (max(1, round(side * 5 / 7)) for side in shape)
    sheet = np.zeros(shape)
    top, left = (shape[0] - height) // 2, (shape[1] - width) // 2
    enlarged = small.resize((width, height), Image.Resampling.BICUBIC)
    sheet[top : top + height, left : left + width] = np.asarray(enlarged) / 255.0
    return sheet


def _bytes(ink: np.ndarray) -> bytes:
    return np.round(255 * np.asarray(ink)).astype(np.uint8).tobytes()


@functools.cache
def _pad_class() -> type:
    import anywidget
    import traitlets

    class Pad(anywidget.AnyWidget):
        _esm = Path(__file__).with_name("drawing.js")
        _css = Path(__file__).with_name("drawing.css")
        rows = traitlets.Int().tag(sync=True)
        columns = traitlets.Int().tag(sync=True)
        brush = traitlets.Float().tag(sync=True)
        label = traitlets.Unicode().tag(sync=True)
        examples: Any = traitlets.List().tag(sync=True)
        names: Any = traitlets.List().tag(sync=True)
        ink = traitlets.Any(b"").tag(sync=True)  # from the page it comes as a memoryview, which Bytes refuses
        value = traitlets.Any()  # the ink as an array (H, W)
        centre = False

        @traitlets.observe("ink")
        def _told(self, change: Any) -> None:
            drawn = np.frombuffer(bytes(self.ink), dtype=np.uint8)
            if drawn.size == self.rows * self.columns:
                sheet = drawn.reshape(self.rows, self.columns) / 255.0
                # assigned only if it differs: traitlets cannot compare arrays
                sheet = centred(sheet) if self.centre else sheet
                if self.value is None or not np.array_equal(sheet, self.value):
                    self.value = sheet

    return Pad
