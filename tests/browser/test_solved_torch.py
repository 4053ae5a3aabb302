"""The units in PyTorch, from 07 on, as in test_solved_numpy.py: a file of their own, that two run side by side."""

from __future__ import annotations

import pytest

from .lesson import UNITS, whole_lesson


@pytest.mark.timeout(900)
@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit >= "07"])
def test_solved(unit, seat, student):
    whole_lesson(unit, seat, student)
