"""What the students of a unit wrote: the cells of their graded notebooks, for reports that show an example."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from .marks import Result
from .plaincode import plain, words
from .source import Unit


def answers(folder: Path, unit: Unit, students: Iterable[str]) -> dict[str, dict[str, str]]:
    """Student -> exercise -> the cell as it was graded. Who has no graded notebook, or one that cannot be read, is
    left out."""
    return {
        student: {
            str(cell["id"]): str(cell["source"])
            for cell in cells
            if cell.get("metadata", {}).get("gradus", {}).get("role") == "exercise" and cell["id"] in unit.exercises
        }
        for student, cells in _notebooks(folder, unit, students)
    }


def code(folder: Path, unit: Unit, students: Iterable[str], added: str) -> dict[str, dict[str, str]]:
    """As `answers`, and under the name `added` the code cells that the student put beside the exercises."""
    found = answers(folder, unit, students)
    for student, cells in _notebooks(folder, unit, found):
        extra = [
            str(cell["source"]) for cell in cells if cell.get("metadata", {}).get("gradus", {}).get("role") == "extra"
        ]
        found[student][added] = "\n\n".join(extra)
    return found


def _notebooks(folder: Path, unit: Unit, students: Iterable[str]) -> Iterator[tuple[str, list[dict]]]:
    """Students and the cells of their graded notebooks, where there is one that can be read."""
    for student in students:
        path = folder / "autograded" / student / unit.name / f"{unit.name}.ipynb"
        with contextlib.suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            if all(
                isinstance(cell["metadata"].get("gradus", {}), dict) and {"id", "source"} <= cell.keys()
                for cell in cells
            ):
                yield student, cells


def plain_answers(unit: Unit, exercise: str, papers: dict[str, dict[str, str]], students: Iterable[str]) -> dict:
    """Student -> the code of an exercise without anything private in it; of those whose code is Python."""
    defines = unit.exercises[exercise].defines
    codes = {s: plain(papers[s][exercise], defines) for s in students if exercise in papers.get(s, {})}
    return {student: code for student, code in codes.items() if code}


def private_words(result: Result) -> set[str]:
    """The words by which a student could be known: of the name in the course, and of what the gradebook has."""
    person = result.person
    mail = person.email.split("@")[0]
    return words(" ".join((re.sub(r"[_.\-]", " ", result.student), person.full, mail, person.login)))


def known_words(unit: Unit) -> set[str]:
    """Words that the unit's own source has: in a student's code they tell nothing about the student."""
    return set().union(*(words(cell.source) for cell in unit.cells)) if unit.cells else set()
