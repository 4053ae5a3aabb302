"""A failed answer that leans on another is told so, and only then."""

from __future__ import annotations

import pytest

from autograder.source import find_unit
from gradus.check.leaning import told
from gradus.check.report import Report, Row

from .cells import ROOT, Notebook

DEFINES = {
    "scores": ["scores"],
    "loss": ["loss"],
    "Tensor": ["Tensor"],
    "relu": ["Tensor.relu"],
    "exp": ["Tensor.exp"],
    "fit": ["fit"],
}


def report(exercise, *statuses):
    return Report(exercise, 3.0, [Row(f"test {n}", f"test_{n}", status) for n, status in enumerate(statuses)])


def says(exercise, text, passed, called=()):
    return told(report(exercise, "pass", "fail"), [text], called, DEFINES, passed)


FIT = "def fit(X):\n    for _ in range(3):\n        step = lambda: loss(scores(X))\n    return step()"


def test_the_faulty_one_is_named():
    assert says("fit", FIT, {"scores": True, "loss": False}) == (
        "This uses `loss`, which does not pass its own check: mend that first."
    )
    assert says("fit", FIT, {"scores": False, "loss": False}) == (
        "This uses `scores` and `loss`, which do not pass their own checks: mend them first."
    )


def test_what_the_tests_call_counts():
    assert "`scores`" in says("fit", "def fit(X):\n    return 1", {"scores": False}, called=["fit", "scores"])


@pytest.mark.parametrize(
    ("text", "passed"),
    [
        (FIT, {"scores": True, "loss": True}),
        (FIT, {}),  # not checked yet: nothing is known
        ("def fit(X):\n    loss = 3\n    return loss", {"loss": False}),  # a name of its own
        ("def fit(X):\n    return X.loss", {"loss": False}),
        ("def fit(X:\n", {"loss": False}),
        (FIT, {"fit": False, "scores": True}),
    ],
)
def test_nothing_is_said(text, passed):
    assert says("fit", text, passed) == ""


def test_methods_added_to_one_class_do_not_accuse_each_other():
    text = "@add_to(Tensor)\ndef exp(self):\n    return Tensor(1)"
    assert says("exp", text, {"relu": False, "Tensor": True}) == ""
    assert "`Tensor`" in says("exp", text, {"relu": False, "Tensor": False})


def test_a_right_answer_is_left_in_peace():
    assert told(report("fit", "pass", "pass"), [FIT], [], DEFINES, {"loss": False}) == ""


def test_in_a_notebook():
    """A right `fit_logistic` on a wrong `bce_gradient`: said while the gradient's check fails, and no longer."""
    unit = find_unit("02_neuron", ROOT / "solutions")
    notebook = Notebook(unit.name)
    for cell in unit.setups:
        notebook.run(cell.source)
    for exercise in unit.exercises.values():
        notebook.run(exercise.cell.source)
    gradient, fit = unit.exercises["bce_gradient"], unit.exercises["fit_logistic"]

    def verdict(exercise):
        lines = exercise.check.source.splitlines()
        at = next(number for number, line in enumerate(lines) if line.startswith("check("))
        notebook.run("\n".join([*lines[:at], "score = " + lines[at]]))
        return notebook.space["score"].report

    notebook.space["reference"] = type("Reference", (), {e: notebook.space[e] for e in unit.exercises})
    notebook.run(
        gradient.cell.source
        + "\n\n_right = bce_gradient\n\ndef bce_gradient(*given):\n    dw, db = _right(*given)\n    return -dw, db\n"
    )
    assert verdict(gradient).passed == 0
    failed = verdict(fit)
    assert failed.passed < len(failed.rows)
    assert failed.note.startswith("This uses `bce_gradient`, which does not pass its own check")
    notebook.run(gradient.cell.source)
    assert verdict(gradient).note.startswith("This uses") is False
    assert "This uses" not in verdict(fit).note
