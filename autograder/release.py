"""From a unit's source to notebooks: nbgrader's source notebook, the hand-out, the solved notebook.

The hand-out goes through nbgrader's own release preprocessors, so that what it accepts we hand out.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.converters.generate_assignment import GenerateAssignment
from traitlets.config import Config

from . import hosted
from .address import Address
from .celltext import cleared, visible
from .source import Cell, Unit
from .trial import reference_code

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def _nbgrader(grade_id: str, *, grade: bool, solution: bool, locked: bool, points: float | None) -> dict[str, Any]:
    data: dict[str, Any] = {
        "schema_version": 3,
        "grade_id": grade_id,
        "grade": grade,
        "solution": solution,
        "locked": locked,
        "task": False,
    }
    if points is not None:
        data["points"] = points
    return data


def _with_reference(unit: Unit, source: str) -> str:
    """A check cell whose hidden tests bring the reference solutions along, for plain nbgrader."""
    if "reference." not in source or "BEGIN HIDDEN TESTS" not in source:
        return source
    code = "\n".join(line for line in reference_code(unit).splitlines() if "SOLUTION" not in line)
    lines = source.splitlines()
    at = next(i for i, line in enumerate(lines) if "BEGIN HIDDEN TESTS" in line)
    lines.insert(at + 1, f"from gradus.check import load_reference; reference = load_reference({code!r})")
    return "\n".join(lines)


def _without_gap(source: str) -> str:
    """A check cell whose hidden tests leave no hole behind when they are taken out."""
    return re.sub(r"(### END HIDDEN TESTS\n)\n+", r"\1", source)


def _cell(unit: Unit, cell: Cell, number: int) -> NotebookNode | None:
    if cell.kind in ("mistake", "variant"):
        return None
    role: dict[str, Any] = {"role": cell.kind}
    marks, grade_id, source = None, f"{cell.kind}-{number}", cell.source
    if cell.kind == "setup":
        marks = _nbgrader(grade_id, grade=False, solution=False, locked=True, points=None)
    elif cell.options.get("locked"):
        grade_id = f"locked-{number}"
        marks = _nbgrader(grade_id, grade=False, solution=False, locked=True, points=None)
        role["locked"] = True
    elif cell.kind == "exercise":
        grade_id = str(cell.name)
        marks = _nbgrader(grade_id, grade=False, solution=True, locked=False, points=None)
        role |= {k: v for k, v in cell.options.items() if k in ("exercise", "minutes", "difficulty")}
    elif cell.kind == "check":
        grade_id = f"check-{cell.name}"
        marks = _nbgrader(grade_id, grade=True, solution=False, locked=True, points=cell.options["points"])
        role["exercise"] = cell.name
        source = _without_gap(_with_reference(unit, source))
    elif cell.kind == "question":
        grade_id = str(cell.name)
        marks = _nbgrader(grade_id, grade=True, solution=True, locked=False, points=cell.options["points"])
    metadata: dict[str, Any] = {"gradus": role}
    if marks:
        metadata["nbgrader"] = marks
    if cell.kind in ("markdown", "question"):
        return new_markdown_cell(source, id=grade_id, metadata=metadata)
    return new_code_cell(source, id=grade_id, metadata=metadata)


def source_notebook(unit: Unit) -> NotebookNode:
    """nbgrader's source version: solutions and hidden tests in it. It never leaves the instructor."""
    counts: dict[str, int] = {}
    cells = hosted.cells(unit.name, Address.of(Path(unit.path).resolve().parent.parent))
    for cell in unit.cells:
        counts[cell.kind] = counts.get(cell.kind, 0) + 1
        made = _cell(unit, cell, counts[cell.kind])
        if made is not None:
            cells.append(made)
    metadata = {
        "kernelspec": dict(KERNEL),
        "language_info": {"name": "python"},
        "gradus": {"unit": unit.name},
    }
    notebook = new_notebook(cells=cells, metadata=metadata)
    notebook.nbformat_minor = 5
    return notebook


def release_notebook(unit: Unit) -> NotebookNode:
    """The hand-out as a notebook: stubs in place of solutions, no hidden tests, no outputs."""
    notebook = source_notebook(unit)
    resources: dict[str, Any] = {"metadata": {"name": unit.name}, "nbgrader": {}}
    for kind in GenerateAssignment.preprocessors.default_args[0]:  # type: ignore[attr-defined]
        if kind.__name__ == "SaveCells":  # the gradebook's business, when a class is graded
            continue
        notebook, resources = kind(parent=None, config=Config()).preprocess(notebook, resources)
    return notebook


def to_text(notebook: NotebookNode) -> str:
    """A notebook as text, the same bytes for the same content."""
    return nbformat.writes(notebook, version=4, indent=1) + "\n"


def handout(unit: Unit) -> str:
    """The hand-out's bytes, as text."""
    return to_text(release_notebook(unit))


def solved_notebook(unit: Unit) -> NotebookNode:
    """The hand-out with the reference solutions written in: what a perfect student hands in."""
    notebook = release_notebook(unit)
    answers = {name: exercise.cell.source for name, exercise in unit.exercises.items()}
    answers |= {str(cell.name): cell.source for cell in unit.questions}
    return filled(notebook, answers)


def filled(notebook: NotebookNode, answers: dict[str, str]) -> NotebookNode:
    """A copy of a hand-out with `answers` (grade_id -> source) written into its cells."""
    made = copy.deepcopy(notebook)
    for cell in made.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        if grade_id in answers:
            lines = answers[grade_id].splitlines()
            cell.source = "\n".join(
                line for line in lines if "## BEGIN SOLUTION" not in line and "## END SOLUTION" not in line
            )
    return made


def secrets(unit: Unit) -> list[tuple[Cell, str]]:
    """Lines of answers, hidden tests, mistakes and variants, each with its cell: what no student may receive.

    Short lines, and lines that the unit shows anyway, tell nothing and are left out.
    """
    shown: set[str] = set()
    for cell in unit.cells:
        if cell.kind in ("markdown", "setup", "demo"):
            shown |= _lines(cell.source)
        elif cell.kind == "exercise":
            shown |= _lines(cleared(cell.source))
        elif cell.kind == "check":
            shown |= _lines(visible(cell.source))
    return [
        (cell, line)
        for cell in unit.cells
        if cell.kind in ("exercise", "check", "mistake", "variant", "question")
        for line in sorted(_lines(cell.source) - shown)
    ]


def leaks(unit: Unit, release: NotebookNode, package: Path) -> Iterator[tuple[int, str]]:
    """The `secrets` of `unit` that a student would receive: line of their cell, message.

    Looked for in `release`, the hand-out, and in the files of `package` (gradus).
    """
    secret = secrets(unit)
    handed = {f"the hand-out {unit.name}.ipynb": _lines("\n".join(c.source for c in release.cells))}
    for path in sorted(package.rglob("*.py")):
        handed[f"{package.name}/{path.relative_to(package)}"] = _lines(path.read_text(encoding="utf-8"))
    for where, present in handed.items():
        for cell, line in secret:
            if line in present:
                yield cell.line, f"a line of this {cell.kind} cell would reach the student in {where}: {line}"


def _lines(text: str) -> set[str]:
    lines = {line.strip() for line in text.splitlines()}
    return {line for line in lines if len(line) > 24 and "###" not in line and not line.endswith(":")}
