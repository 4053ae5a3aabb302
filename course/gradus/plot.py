"""One style for every figure: colours that colour-blind readers can tell apart (Okabe and Ito, 2008)."""

from __future__ import annotations

from typing import Any

BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00"
COLOURS = [BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY]


def figure(columns: int = 1, rows: int = 1, width: float = 7.2, height: float = 3.4) -> tuple[Any, Any]:
    """A figure and its axes, in the course's style, outside pyplot's list of open figures.

    Returns:
        (Figure, Axes) or, for more than one panel, (Figure, array of Axes).
    """
    from matplotlib.figure import Figure

    made = Figure(figsize=(width, height), layout="constrained")
    axes = made.subplots(rows, columns)
    for axis in [axes] if rows * columns == 1 else axes.flat:
        axis.set_prop_cycle(color=COLOURS)
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.25)
    return made, axes
