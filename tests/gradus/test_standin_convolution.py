"""The stand-in for unit 08 passes the unit's own checks, hidden tests included."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.isolate import isolated
from autograder.source import load_unit
from autograder.trial import local_trial, warm
from gradus.standin import convolution

UNIT = load_unit(Path(__file__).resolve().parents[2] / "solutions" / "08_convolution.py")


@pytest.fixture(scope="module", autouse=True)
def imports_done():
    warm(UNIT)


def test_it_brings_all_that_the_unit_defines():
    assert set(convolution.__all__) == {name for e in UNIT.exercises.values() for name in e.defines}


@pytest.mark.parametrize("name", UNIT.exercises)
def test_it_passes_the_check(name):
    exercise = UNIT.exercises[name]
    answer = f"from gradus.standin.convolution import {', '.join(exercise.defines)}"
    found = isolated(lambda: local_trial(UNIT, exercise, [exercise.cell.source, answer], hidden=True).to_dict(), 60)
    assert [(row["title"], row["message"]) for row in found["rows"] if row["status"] != "pass"] == []
