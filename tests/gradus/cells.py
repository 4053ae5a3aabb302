"""Cells run one after another without a kernel, and a whole library of a student's own, made of the references."""

from __future__ import annotations

import linecache
from pathlib import Path

from autograder.source import Unit, find_unit
from gradus import carry, course

ROOT = Path(__file__).resolve().parents[2]
CARRIED = ["03_backprop", "04_descent", "05_activations", "06_network", "08_convolution", "10_recurrence"]


class Notebook:
    """One namespace for all cells; their text in linecache and in `In`, as IPython keeps it."""

    def __init__(self, unit: str) -> None:
        self.space: dict = {"__name__": "__main__", "In": [""]}
        course.unit(unit)

    def run(self, text: str) -> Notebook:
        name = f"<cell {id(self)} {len(self.space['In'])}>"
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        self.space["In"].append(text)
        exec(compile(text, name, "exec"), self.space)
        return self

    def keep(self, exercise: str, tests: int = 3) -> str:
        return carry.keep(exercise, self.space, tests)


def solve(unit: Unit) -> Notebook:
    """Set-up and reference solutions of a unit, each kept as if its check had passed. What is said is returned in
    `said`, exercise -> sentence."""
    notebook = Notebook(unit.name)
    for cell in unit.setups:
        notebook.run(cell.source)
    notebook.said = {}  # type: ignore[attr-defined]
    for exercise in unit.exercises.values():
        notebook.run(exercise.cell.source)
        notebook.said[exercise.name] = notebook.keep(exercise.name)  # type: ignore[attr-defined]
    return notebook


def own_library() -> dict[str, Notebook]:
    """A student's whole library in $GRADUS_HOME/mine, each unit on top of those before it."""
    return {name: solve(find_unit(name, ROOT / "solutions")) for name in CARRIED}
