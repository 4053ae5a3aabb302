"""What a student has at the end of unit 06: a small deep-learning library of their own, from engine to training loop."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from gradus import carry, course, home
from gradus.carry import bring
from tests.gradus.cells import CARRIED, own_library


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """Notebooks by unit, all references kept; and nothing of it left behind."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(home, "grading", False)
        patch.delenv("NBGRADER_EXECUTION", raising=False)
        patch.setenv("GRADUS_HOME", str(tmp_path_factory.mktemp("student")))
        before = course.current_unit()
        bring._known.clear()
        yield own_library()
        course.unit(before)
        bring._known.clear()
        for name in [name for name in sys.modules if name.startswith("mine.")]:
            del sys.modules[name]


@pytest.mark.parametrize("unit", CARRIED)
def test_every_exercise_is_carried_forward(unit, library):
    said = library[unit].said
    assert {name: text for name, text in said.items() if not text.startswith("Carried forward")} == {}
    assert all(carry.carried(unit).own.values())


def test_later_units_stand_on_the_students_own(library):
    network = carry.carried("06_network")
    assert network.Linear.__module__ == "mine.network"
    layer = network.Linear(2, 3, np.random.default_rng(0))
    assert type(layer.w).__module__ == "mine.backprop"


def test_a_network_of_the_students_own_learns_the_digits(library):
    space = library["06_network"].space
    dice = np.random.default_rng(0)
    net = space["Sequential"](space["Linear"](64, 32, dice), space["Tensor"].relu, space["Linear"](32, 10, dice))
    optimiser = space["Optimiser"](net.parameters(), space["adam_step"], lr=0.01)
    for _ in range(8):
        space["train_epoch"](net, space["X_train"], space["y_train"], optimiser, 32, dice)
    answers = net(space["Tensor"](space["X_val"])).data.argmax(axis=1)
    assert np.mean(answers == space["y_val"]) > 0.93


def test_the_files_can_be_read_by_themselves(library, tmp_path):
    """Each is Python that runs from its first line to its last."""
    for path in sorted((home.home() / "mine").glob("*.py")):
        exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), {"__name__": f"read_{path.stem}"})


def test_the_library_lists_it(library):
    shown = carry.library().text()
    for name in ("Tensor", "adam_step", "softmax", "Sequential"):
        assert name in shown
    assert "stand-in" not in "\n".join(line for line in shown.splitlines() if any(unit in line for unit in CARRIED))
