"""Every unit with the reference written in, in JupyterLab: all checks are green, and every control moves its picture."""

from __future__ import annotations

import pytest

from . import hands
from .lesson import UNITS, answers, loaded, looks_whole, verdicts


@pytest.mark.timeout(900)  # all of a unit's own cells, and a redraw for each of its controls twice
@pytest.mark.parametrize("unit", UNITS)
def test_solved(unit, seat, student):
    page = seat(student(unit, answers(unit)))
    page.run_all(600)
    looks_whole(page)
    points = {name: float(exercise.points) for name, exercise in loaded(unit).exercises.items()}
    assert verdicts(page, points) == {name: (full, full) for name, full in points.items()}
    boxes, troubles = hands.boxes(page), []
    assert boxes
    for box in boxes:
        title = hands.said(box)[:60]
        if hands.waits(box) or hands.STOPPED.match(title):
            troubles.append(title)
            continue
        troubles += [f"{title!r}: {trouble}" for trouble in hands.troubles(box)]
    assert troubles == []
