"""Kill -9 at random moments, a few times; `tests/benchmarks/faults.py` does it two hundred times."""

from __future__ import annotations

import sys

import pytest

from autograder import sandbox

from ..benchmarks.faults import STUDENTS, fire

if sys.platform != "linux" or sandbox.abilities().best != "bubblewrap":
    pytest.skip(f"warm bubblewrap does not work here ({sandbox.abilities().bubblewrap})", allow_module_level=True)


@pytest.mark.timeout(300)
def test_nothing_is_lost_under_fire():
    hits, outcomes, classes = fire(8, seed=1, say=False)
    assert hits.total() == 8 and outcomes.total() == classes * STUDENTS
    assert outcomes["graded"] >= outcomes.total() - hits.total() * 2
