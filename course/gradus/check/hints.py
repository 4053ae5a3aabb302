"""Hints by matching: a wrong answer is compared with what known mistakes answered.

A bank holds, for each mistake, its hint and what each test saw of it, as numbers. It holds no code.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from .report import Report
from .values import agree

FOLDER = Path(__file__).resolve().parent.parent / "hints"


@dataclass(frozen=True)
class Known:
    """A known mistake: test name -> [status, signatures seen]."""

    name: str
    hint: str
    tests: dict[str, list]


@dataclass(frozen=True)
class Bank:
    """The known mistakes of a unit, by exercise."""

    exercises: dict[str, list[Known]]

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Bank:
        return cls({name: [Known(**known) for known in bank] for name, bank in data["exercises"].items()})

    @classmethod
    def load(cls, unit: str | None) -> Bank:
        """The bank that ships with the hand-out of `unit`; an empty one if there is none."""
        return _load(FOLDER / f"{unit}.json")

    def match(self, report: Report) -> tuple[str, str] | None:
        """(name, hint) of the mistake that answers as `report` does, or None.

        First a mistake that agrees on every test; else the one that agrees on the most failed tests, at
        least half of them, and more than any other. That both stopped with a ValueError somewhere says little: where
        nothing but the kinds of errors is the same, every test has to agree.
        """
        failed = [row for row in report.rows if row.status in ("fail", "error")]
        if not failed or any(row.status == "missing" for row in report.rows):
            return None
        ranked = []
        for known in self.exercises.get(report.exercise, []):
            same = [row for row in failed if _same(known.tests.get(row.test), row.status, row.seen)]
            passes = all(
                known.tests.get(row.test, ["pass"])[0] == "pass" for row in report.rows if row.status == "pass"
            )
            exact = len(same) == len(failed) and passes
            if exact or any(row.status == "fail" or row.seen[0][0] not in ("s", "e") for row in same):
                ranked.append((exact, len(same), known))
        ranked.sort(key=lambda entry: (entry[0], entry[1]), reverse=True)
        if not ranked:
            return None
        exact, count, best = ranked[0]
        if 2 * count < len(failed) or count == 0:
            return None
        if len(ranked) > 1 and ranked[1][:2] == (exact, count):
            return None  # two mistakes explain it equally well: better silent than wrong
        return best.name, best.hint


def _same(known: list | None, status: str, seen: list) -> bool:
    return known is not None and known[0] == status and bool(seen) and agree(known[1], seen)


def entry(name: str, hint: str, report: Report, hidden: bool) -> dict[str, Any]:
    """What is kept of a mistake's `report`: of hidden tests only where `hidden`, of passed ones no numbers."""
    rows = [row for row in report.rows if hidden or not row.hidden]
    tests = {row.test: [row.status, [] if row.status == "pass" else row.seen] for row in rows}
    return {"name": name, "hint": hint, "tests": tests}


def defines(unit: str | None) -> dict[str, list[str]]:
    """What each exercise of `unit` defines: "softmax", "Tensor", or "Tensor.relu" for a method that it adds."""
    return _read(FOLDER / f"{unit}.json").get("defines", {})


def names_of(parts: dict[str, list[str]]) -> list[str]:
    """The functions and classes among what exercises define (`defines`), a class once whatever is added to it."""
    return list(dict.fromkeys(name.split(".")[0] for names in parts.values() for name in names))


@cache
def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}


@cache
def _load(path: Path) -> Bank:
    return Bank.from_dict(_read(path) or {"exercises": {}})
