"""Widgets that are driven by a student's own function: `explore` draws a figure anew when a control moves.

    explore(draw, lr=slider(0.1, 0.001, 10, label="learning rate", log=True), steps=slider(10, 0, 200, label="steps"))

The controls: `slider`, `choice`, `switch`, `player` (steps forward and back by themselves), `pad` (a digit drawn by hand)
and `points` (dragged in the picture). Any ipywidgets widget with a `value` is a control too.
`film` shows pictures that were drawn beforehand, and stays alive on a page without Python.
"""

from .controls import choice, player, slider, switch
from .dragging import points
from .drawing import pad
from .frames import film
from .show import explore, written

__all__ = ["choice", "explore", "film", "pad", "player", "points", "slider", "switch", "written"]
