"""Stand-ins pass their unit's own checks, hidden tests included."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from autograder.isolate import isolated
from autograder.source import find_unit
from autograder.trial import local_trial, warm

SOLUTIONS = Path(__file__).resolve().parents[2] / "solutions"
UNITS = {name: find_unit(name, SOLUTIONS) for name in ("06_network", "08_convolution", "10_recurrence")}


@pytest.fixture(scope="module", autouse=True)
def imports_done():
    for unit in UNITS.values():
        warm(unit)


@pytest.mark.parametrize("name", UNITS)
def test_it_brings_all_that_the_unit_defines(name):
    module = import_module(f"gradus.standin.{name.split('_', 1)[1]}")
    assert set(module.__all__) == {made for e in UNITS[name].exercises.values() for made in e.defines}


@pytest.mark.parametrize(("unit", "name"), [(unit, name) for unit in UNITS for name in UNITS[unit].exercises])
def test_it_passes_the_check(unit, name):
    exercise = UNITS[unit].exercises[name]
    answer = f"from gradus.standin.{unit.split('_', 1)[1]} import {', '.join(exercise.defines)}"
    answers = [exercise.cell.source, answer]
    found = isolated(lambda: local_trial(UNITS[unit], exercise, answers, hidden=True).to_dict(), 60)
    assert [(row["title"], row["message"]) for row in found["rows"] if row["status"] != "pass"] == []
