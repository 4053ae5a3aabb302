"""The units in NumPy, 00 to 06, with the reference written in: green checks, and every control moves its picture."""

from __future__ import annotations

import pytest

from .lesson import UNITS, whole_lesson


@pytest.mark.timeout(900)  # all of a unit's own cells, and a redraw for each of its controls twice
@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit < "07"])
def test_solved(unit, seat, student):
    whole_lesson(unit, seat, student)
