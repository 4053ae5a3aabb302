"""What the students of a unit wrote: the cells of their graded notebooks, for reports that show an example."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from .marks import Result
from .plaincode import plain, words
from .source import Unit


def answers(folder: Path, unit: Unit, students: Iterable[str]) -> dict[str, dict[str, str]]:
    """Student -> exercise -> the cell as it was graded. Who has no graded notebook, or one that cannot be read, is
    left out."""
    found = {}
    for student in students:
        path = folder / "autograded" / student / unit.name / f"{unit.name}.ipynb"
        try:
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            found[student] = {
                str(cell["id"]): str(cell["source"])
                for cell in cells
                if cell.get("metadata", {}).get("gradus", {}).get("role") == "exercise" and cell["id"] in unit.exercises
            }
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            continue
    return found


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
