"""What a second grading would change: whose score moves, why, and by how much."""

from __future__ import annotations

import csv
import statistics
from collections import Counter
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gradus.check.report import Report

from .export import safe
from .marks import ROUNDING, Cell, Result, UnitMarks

UNCHECKED = "none"  # the name of the one row in the report of an exercise that could not be checked


@dataclass
class Change:
    """What is another in one exercise or question of one student."""

    label: str
    old: float | None  # the automatic scores
    new: float | None
    passed: dict[str, str] = field(default_factory=dict)  # tests that failed and pass now, with their titles
    failed: dict[str, str] = field(default_factory=dict)
    added: dict[str, tuple[str, bool]] = field(default_factory=dict)  # title, and whether it passes
    removed: dict[str, tuple[str, bool]] = field(default_factory=dict)  # title, and whether it passed
    why: list[str] = field(default_factory=list)  # what else there is to say, in words

    @property
    def moves(self) -> bool:
        return (self.old is None) != (self.new is None) or abs((self.old or 0.0) - (self.new or 0.0)) > ROUNDING

    def text(self) -> str:
        """In a line."""
        parts = []
        if self.passed:
            parts.append(f"now passes: {'; '.join(self.passed.values())}")
        if self.failed:
            parts.append(f"now fails: {'; '.join(self.failed.values())}")
        parts += [f"new test {'passed' if good else 'failed'}: {title}" for title, good in self.added.values()]
        parts += [f"test gone ({'passed' if good else 'failed'}): {title}" for title, good in self.removed.values()]
        parts += self.why
        if self.moves and not parts:
            parts.append("the tests of the last grading are not known")
        head = f"{self.label} {_number(self.old)} → {_number(self.new)}" if self.moves else self.label
        return f"{head} ({'. '.join(parts)})" if parts else head


@dataclass
class Move:
    """What is another for one student; `by` is 0 if the score that counts is what it was."""

    student: str
    old: float
    new: float
    changes: list[Change] = field(default_factory=list)
    why: list[str] = field(default_factory=list)
    by_hand: list[str] = field(default_factory=list)  # marks that stay though the score under them moves
    words: bool = False  # whether only what the student reads is another

    @property
    def by(self) -> float:
        return round(self.new - self.old, 2)

    @property
    def moved(self) -> bool:
        return abs(self.by) > ROUNDING

    @property
    def empty(self) -> bool:
        """Whether nothing at all is another."""
        return not (self.moved or self.changes or self.why or self.words)

    def text(self) -> str:
        return "; ".join([*self.why, *(change.text() for change in self.changes), *self.by_hand])

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Move:
        changes = [Change(**change) for change in data.pop("changes")]
        return cls(**data, changes=changes)


def compare(before: UnitMarks, after: UnitMarks, students: Collection[str]) -> list[Move]:
    """One `Move` for each of `students`, those without any difference among them."""
    return [_move(before.results[name], after.results[name]) for name in sorted(students)]


def _move(old: Result, new: Result) -> Move:
    move = Move(old.student, old.total, new.total)
    if old.digest and old.digest != new.digest:
        move.why.append("handed in anew since the last grading")
    if old.outcome and old.outcome != new.outcome:
        move.why.append(f"{old.outcome} → {new.outcome}")
    for name, cell in new.cells.items():
        change = _change(old.cells.get(name), cell)
        if change.moves or change.passed or change.failed or change.added or change.removed or change.why:
            move.changes.append(change)
        if change.moves and cell.manual is not None:
            move.by_hand.append(f"{cell.label}: the mark of {cell.manual:g} given by hand stays. Look at it again")
        move.words |= _said(old.cells.get(name)) != _said(cell)
    if abs(old.penalty - new.penalty) > ROUNDING:
        move.why.append(f"late: {new.penalty:g} taken off instead of {old.penalty:g}")
    return move


def _change(old: Cell | None, new: Cell) -> Change:
    change = Change(new.label, old.auto if old else None, new.auto)
    if old is None:
        return change
    if abs(old.points - new.points) > ROUNDING:
        change.why.append(f"worth {new.points:g} points instead of {old.points:g}")
    if old.report is None or new.report is None:
        return change
    then, now = _tests(old.report), _tests(new.report)
    if then and now:
        for test, (title, good) in now.items():
            if test not in then:
                change.added[test] = title, good
            elif good != then[test][1]:
                (change.passed if good else change.failed)[test] = title
        change.removed = {test: found for test, found in then.items() if test not in now}
    elif bool(then) != bool(now):
        report = new.report if then else old.report
        change.why.append(("could not be checked: " if then else "could not be checked before: ") + report.headline())
    if old.report.mistake != new.report.mistake:
        names = [report.mistake or "none" for report in (old.report, new.report)]
        change.why.append("recognised mistake: {} → {}".format(*names))
    return change


def _tests(report: Report) -> dict[str, tuple[str, bool]]:
    """Test -> title, and whether it passed; nothing if the exercise could not be checked."""
    return {row.test: (row.title, row.status == "pass") for row in report.rows if row.test != UNCHECKED}


def _said(cell: Cell | None) -> list[Any]:
    """What the student reads of a check."""
    if cell is None or cell.report is None:
        return []
    return [cell.report.hint, *([row.test, row.title, row.status, row.message] for row in cell.report.rows)]


def summary(moves: list[Move]) -> str:
    """The numbers, in two sentences."""
    moved = [move for move in moves if move.moved]
    if not moved:
        text = f"No score moves: {len(moves)} graded again, and all have the score they had."
    else:
        up = sum(move.by > 0 for move in moved)
        mean = statistics.mean(move.by for move in moved)
        text = (
            f"{len(moved)} of {len(moves)} move, {mean:+.2f} in the mean of those "
            f"({mean * len(moved) / len(moves):+.2f} over all): {up} up, {len(moved) - up} down."
        )
    rest = [move for move in moves if not move.moved]
    other = sum(not move.empty for move in rest if move.changes or move.why)
    words = sum(move.words for move in rest if not (move.changes or move.why))
    if other:
        text += f" {other} more keep their score, with other tests or mistakes under it."
    if words:
        text += f" {words} more get other words to read."
    return text


def by_test(moves: list[Move]) -> list[tuple[str, str, str, int, int]]:
    """Exercise, test, what happened to it, and how many gained or lost by it: (…, "changed", now pass, now fail)."""
    counts: Counter[tuple[str, str, str, bool]] = Counter()
    titles: dict[tuple[str, str], str] = {}
    for move in moves:
        for change in move.changes:
            for test, title in (*change.passed.items(), *change.failed.items()):
                titles[change.label, test] = title
                counts[change.label, test, "changed", test in change.passed] += 1
            for kind, tests in (("new", change.added), ("gone", change.removed)):
                for test, (title, good) in tests.items():
                    titles[change.label, test] = title
                    counts[change.label, test, kind, good] += 1
    rows = dict.fromkeys((label, test, kind) for label, test, kind, _ in counts)
    return [
        (label, titles[label, test], kind, counts[label, test, kind, True], counts[label, test, kind, False])
        for label, test, kind in sorted(rows)
    ]


def write_csv(path: Path, moves: list[Move]) -> None:
    """A line for each student in whom anything is another.

    Raises:
        OSError: it cannot be written.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["student", "old", "new", "difference", "why"])
        for move in moves:
            if not move.empty:
                text = move.text() or "other words to read"
                writer.writerow([safe(move.student), move.old, move.new, move.by, safe(text)])


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"
