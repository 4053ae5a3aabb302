"""Marks out: a plain table, JSON, and what the formats of learning systems have in common."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .cli_tools import names
from .marks import Cell, Person, Result, UnitMarks

BOM = "\ufeff"  # without it Excel takes UTF-8 for something else
VERSION = 1  # of the JSON; another number when a field goes or changes its meaning
FORMULA = "=+-@\t\r＝＋－＠"  # what a spreadsheet takes for the beginning of a formula
FIXED = (
    *("student", "first name", "last name", "email", "outcome"),
    *("automatic", "by hand", "extra credit", "raw score", "late penalty", "total", "maximum"),
    *("submitted", "due", "hours late", "waiting for a mark", "mistakes", "to be looked at", "graded", "seed"),
)


@dataclass
class Exported:
    """A file's content, and what an instructor should know of it, a line each."""

    data: bytes
    notes: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)  # students who have a result, and are not in the file


def safe(text: str) -> str:
    """A text that no spreadsheet takes for a formula: names and comments come from strangers."""
    return f"'{text}" if text.lstrip(" \n")[:1] in tuple(FORMULA) else text


def number(value: float) -> str:
    """Points, to two decimals and no more than are needed."""
    return f"{round(value, 2):g}" if abs(value) < 1e5 else f"{value:.2f}"


def to_text(rows: Iterable[Iterable[Any]], separator: str = ",", end: str = "\r\n") -> str:
    """A table as CSV (RFC 4180): quoted where it must be."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, lineterminator=end).writerows(rows)
    return text.getvalue()


def headings(points: dict[str, float]) -> dict[str, str]:
    """Graded cell -> its column: the exercise's name, unless another column is called so."""
    found: dict[str, str] = {}
    for name in points:
        label = Cell(name, 0.0).label
        found[name] = name if label in FIXED or label in found.values() else label
    return found


def plain_csv(marks: UnitMarks) -> Exported:
    """One line a student, for a spreadsheet: every exercise, what was given by hand, the penalty, the total."""
    columns = headings(marks.points)
    head = [*FIXED[:5], *columns.values(), *FIXED[5:]]
    rows: list[list[Any]] = [[safe(text) for text in head]]
    for result in marks.results.values():
        person = result.person
        rows.append(
            [
                *map(safe, (result.student, person.first, person.last, person.email, result.outcome)),
                *(number(result.cells[name].score) for name in columns),
                *map(number, (result.automatic, result.by_hand, result.extra, result.raw, result.penalty)),
                *map(number, (result.total, result.maximum)),
                *map(_time, (result.submitted, result.due)),
                number(result.late.total_seconds() / 3600),
                safe(", ".join(result.waiting)),
                safe(", ".join(f"{exercise}: {mistake}" for exercise, mistake in result.mistakes.items())),
                safe("; ".join(result.evidence)),
                _time(result.graded),
                "" if result.seed is None else str(result.seed),
            ]
        )
    for student, person in marks.absent.items():
        known = [safe(text) for text in (student, person.first, person.last, person.email)]
        rows.append([*known, "not handed in", *[""] * (len(head) - 5)])
    return Exported((BOM + to_text(rows)).encode(), notes(marks))


def _time(when: datetime | None) -> str:
    return when.astimezone(UTC).isoformat(timespec="seconds") if when else ""


def as_json(marks: UnitMarks, now: datetime | None = None) -> Exported:
    """Everything that the result model has, in the format that GUIDE.md describes."""
    data = {
        "format": "gradus-marks",
        "version": VERSION,
        "unit": marks.unit,
        "made": _time(now or datetime.now(UTC)),
        "names": marks.named,
        "maximum": marks.maximum,
        "cells": [
            {"name": name, "label": Cell(name, 0.0).label, "question": Cell(name, 0.0).question, "points": points}
            for name, points in marks.points.items()
        ],
        "results": [_result(result) for result in marks.results.values()],
        "absent": [{"student": student, **_person(person)} for student, person in marks.absent.items()],
    }
    return Exported((json.dumps(data, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "replace"), notes(marks))


def _person(person: Person) -> dict[str, str]:
    return {"first_name": person.first, "last_name": person.last, "email": person.email, "login": person.login}


def _result(result: Result) -> dict[str, Any]:
    return {
        "student": result.student,
        **_person(result.person),
        "outcome": result.outcome,
        "automatic": result.automatic,
        "by_hand": result.by_hand,
        "extra": result.extra,
        "raw": result.raw,
        "penalty": result.penalty,
        "penalty_reason": result.penalty_reason,
        "total": result.total,
        "maximum": result.maximum,
        "submitted": _time(result.submitted) or None,
        "due": _time(result.due) or None,
        "late_seconds": result.late.total_seconds(),
        "graded": _time(result.graded) or None,
        "seed": result.seed,
        "digest": result.digest or None,
        "unit_key": result.bundle or None,
        "waiting": list(result.waiting),
        "mistakes": result.mistakes,
        "notes": list(result.notes),
        "evidence": list(result.evidence),
        "comments": result.comments,
        "cells": {name: _cell(cell) for name, cell in result.cells.items()},
    }


def _cell(cell: Cell) -> dict[str, Any]:
    report = cell.report
    return {
        "score": round(cell.score, 2),
        "points": cell.points,
        "auto": cell.auto,
        "manual": cell.manual,
        "extra": cell.extra,
        "waiting": cell.waiting,
        "tests": None
        if report is None
        else [{"test": r.test, "title": r.title, "status": r.status, "hidden": r.hidden} for r in report.rows],
    }


def notes(marks: UnitMarks) -> list[str]:
    """What an instructor should know before these marks go out."""
    found = []
    waiting = [student for student, result in marks.results.items() if result.waiting]
    if waiting:
        found.append(f"Answers that nobody has marked yet count 0: {names(waiting)}.")
    if marks.absent:
        found.append(f"In the gradebook, with nothing handed in: {names(list(marks.absent))}.")
    return found


def write(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    begun = path.with_name(f".{path.name}.begun")
    begun.write_bytes(data)
    begun.replace(path)
