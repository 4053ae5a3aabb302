"""Wrong answers that the bank does not know, grouped by what they answered.

Students whose code fails the same tests in the same way and gave the same values there have most likely the same
misunderstanding, however different their code looks.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gradus.check.report import Report, Row
from gradus.check.run import used_names
from gradus.check.values import agree

from .source import Exercise, Unit

FAILED = ("fail", "error")


@dataclass(frozen=True)
class Group:
    """Students with the same wrong answer to an exercise."""

    key: str  # short, the same as long as the values are
    exercise: str
    students: tuple[str, ...]
    rows: tuple[Row, ...]  # those that failed, of the first student
    same_values: bool  # False where the tests saw no values: then only what failed is the same
    follows: tuple[str, ...]  # earlier exercises that its code calls and that all of these students have wrong


def written(exercise: Exercise, report: Report) -> bool:
    """Whether there was an answer to be tested: the submission was examined that far, and its names were there."""
    lost = tuple(f"NameError: name '{name}' is not defined" for name in exercise.defines)  # as a probe says it
    return bool(report.rows) and not any(
        row.test == "none" or row.status == "missing" or (row.status == "error" and row.message.rstrip().endswith(lost))
        for row in report.rows
    )


def known_to_none(exercise: Exercise, report: Report) -> bool:
    """Whether an answer is written, ran to its end, is wrong, and like no known mistake."""
    ran = written(exercise, report) and not any(map(_stopped, report.rows))
    return ran and report.mistake is None and any(row.status in FAILED for row in report.rows)


def _stopped(row: Row) -> bool:
    """Whether the process ended, or was ended: no value came of that, and outcomes tell of it."""
    return row.status == "error" and row.message.startswith(("KernelTimeout:", "KernelDied:"))


def groups(unit: Unit, reports: Mapping[str, Mapping[str, Report]]) -> list[Group]:
    """The groups of a class, those first that share most.

    Args:
        reports: student -> exercise -> report.
    """
    found = []
    for exercise in unit.exercises.values():
        mine = {
            student: by_name[exercise.name]
            for student, by_name in sorted(reports.items())
            if exercise.name in by_name and known_to_none(exercise, by_name[exercise.name])
        }
        calls = _calls(unit, exercise)
        for members in _alike(mine):
            rows = tuple(row for row in mine[members[0]].rows if row.status in FAILED)
            follows = [name for name in calls if all(_wrong(reports[student].get(name)) for student in members)]
            key = min(_key(exercise.name, mine[student]) for student in members)
            same = any(row.seen for row in rows)
            found.append(Group(key, exercise.name, tuple(members), rows, same, tuple(follows)))
    order = list(unit.exercises)
    return sorted(found, key=lambda g: (bool(g.follows), -len(g.students), order.index(g.exercise), g.key))


def _alike(reports: Mapping[str, Report]) -> list[list[str]]:
    """The students of one exercise, those together whose reports agree."""
    found: list[list[str]] = []
    for student, report in reports.items():
        for members in found:
            if same_answer(reports[members[0]], report):
                members.append(student)
                break
        else:
            found.append([student])
    return found


def same_answer(a: Report, b: Report) -> bool:
    """Whether two reports tell of the same tests, with the same outcome and the same values."""
    return len(a.rows) == len(b.rows) and all(
        (x.test, x.status) == (y.test, y.status) and (x.status == "pass" or agree(x.seen, y.seen))
        for x, y in zip(a.rows, b.rows, strict=True)
    )


def _key(exercise: str, report: Report) -> str:
    told = [[row.test, row.status, row.status != "pass" and _rounded(row.seen)] for row in report.rows]
    return hashlib.sha256(json.dumps([exercise, told]).encode()).hexdigest()[:6]


def _rounded(seen: Any) -> Any:
    if isinstance(seen, (list, tuple)):
        return [_rounded(part) for part in seen]
    return f"{seen:.3g}" if isinstance(seen, float) else seen


def _calls(unit: Unit, exercise: Exercise) -> list[str]:
    """The earlier exercises whose functions the reference of `exercise`, or its check, calls."""
    used = set(used_names(ast.parse(exercise.cell.source))) | set(used_names(ast.parse(exercise.check.source)))
    earlier = list(unit.exercises)[: list(unit.exercises).index(exercise.name)]
    return [name for name in earlier if set(unit.exercises[name].defines) & used]


def _wrong(report: Report | None) -> bool:
    return report is not None and report.passed < len(report.rows)
