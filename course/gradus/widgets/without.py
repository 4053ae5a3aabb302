"""What stands in for a drawing pad and for points to drag where the package anywidget is missing."""

from __future__ import annotations

import functools
import importlib.util
from typing import Any

import numpy as np


def have_anywidget() -> bool:
    """Whether the package is there that brings our own widgets to the page."""
    return importlib.util.find_spec("anywidget") is not None


def chooser(examples: dict[str, np.ndarray], wish: str, label: str) -> Any:
    """A control that chooses among examples; its value is the array."""
    import ipywidgets

    names = ipywidgets.Dropdown(options=list(examples), description=label)
    made = _plain_class()([_missing(wish), names], next(iter(examples.values()), np.zeros((0, 0))))
    names.observe(lambda change: setattr(made, "value", examples[change["new"]]), names="value")
    return made


def fixed(value: np.ndarray, wish: str) -> Any:
    """A control that cannot be moved."""
    return _plain_class()([_missing(wish)], value)


def _missing(wish: str) -> Any:
    import ipywidgets

    return ipywidgets.HTML(
        f"{wish}, install the package <code>anywidget</code>: run <code>%pip install anywidget</code> in a cell, then "
        "restart the kernel and run the cells from the top."
    )


@functools.cache
def _plain_class() -> type:
    import ipywidgets
    import traitlets

    class Plain(ipywidgets.VBox):
        value = traitlets.Any()

        def __init__(self, children: list[Any], value: np.ndarray) -> None:
            super().__init__(children)
            self.value = value

    return Plain
