"""What a student has done so far, in one file: what each check said last, and the best that it ever said.

The file is `progress.json` in `home()`. It is written whole or not at all. One that cannot be read is set aside beside it,
never overwritten, and the student is told. Nothing is recorded while work is graded.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from . import home
from .check.report import Report

FORMAT = 1
NAME = "progress.json"


@dataclass
class Entry:
    """One exercise: the points of its check, last and best, of how many; how many tests passed; how often it was tried."""

    points: float
    last: float
    best: float
    passed: int
    tests: int
    tries: int
    at: str  # of the last check, local time

    @property
    def done(self) -> bool:
        """Whether the last check passed all its tests."""
        return 0 < self.tests == self.passed


@dataclass
class Journal:
    """What the file holds: unit -> exercise -> Entry. `said` is what the student must know about the file itself."""

    units: dict[str, dict[str, Entry]] = field(default_factory=dict)
    said: str = ""
    readable: bool = True  # False: a newer gradus wrote it, and it is left alone


def path() -> Path:
    """Where the file is."""
    return home.home() / NAME


def read() -> Journal:
    """The file as it stands; an empty journal if there is none. A damaged file is set aside."""
    try:
        text = path().read_text(encoding="utf-8")
    except FileNotFoundError:
        return Journal()
    except UnicodeDecodeError:
        return _set_aside("it holds no text")
    except OSError as error:
        return Journal(said=f"{home.shown(path())} cannot be read ({error.strerror}).", readable=False)
    try:
        data = json.loads(text)
        if data["format"] > FORMAT:
            why = f"{home.shown(path())} was written by a newer gradus. It is left as it is; update gradus to go on with it."
            return Journal(said=why, readable=False)
        units = {
            str(unit): {str(name): _entry(known) for name, known in exercises.items()}
            for unit, exercises in data["units"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return _set_aside(f"{type(error).__name__}: {error}"[:120])
    return Journal(units)


def record(unit: str | None, report: Report) -> str:
    """Note what a check said; what the student should know, mostly nothing. Never raises: a note costs no check."""
    if unit is None or not report.rows or not home.keeping():
        return ""
    try:
        journal = read()  # anew each time: another notebook may have written
        if not journal.readable:
            return journal.said
        known = journal.units.setdefault(unit, {})
        before = known.get(report.exercise)
        if all(row.status == "missing" for row in report.rows) and before is None:
            return journal.said  # an untouched exercise whose check was run is not a try
        known[report.exercise] = Entry(
            points=report.points,
            last=report.score,
            best=max(report.score, before.best if before else 0.0),
            passed=report.passed,
            tests=len(report.rows),
            tries=(before.tries if before else 0) + 1,
            at=f"{datetime.now():%Y-%m-%d %H:%M}",
        )
        _write(journal)
        return journal.said
    except OSError as error:
        return f"Your progress could not be noted: {home.shown(path())} cannot be written ({error.strerror})."
    except Exception as error:
        return f"Your progress could not be noted ({type(error).__name__}: {error})."


def _entry(known: dict[str, Any]) -> Entry:
    return Entry(
        points=float(known["points"]),
        last=float(known["last"]),
        best=float(known["best"]),
        passed=int(known["passed"]),
        tests=int(known["tests"]),
        tries=int(known["tries"]),
        at=str(known["at"]),
    )


def _write(journal: Journal) -> None:
    target = path()
    target.parent.mkdir(parents=True, exist_ok=True)
    units = {unit: {n: asdict(e) for n, e in entries.items()} for unit, entries in sorted(journal.units.items())}
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".progress-", suffix=".tmp")
    try:
        with open(handle, "w", encoding="utf-8", newline="\n") as file:
            json.dump({"format": FORMAT, "units": units}, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        for patience in (0.05, 0.2, 0.0):  # on Windows a file that somebody is reading cannot be replaced
            try:
                os.replace(temporary, target)
                return
            except PermissionError:
                if not patience:
                    raise
                time.sleep(patience)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _set_aside(why: str) -> Journal:
    target = path()
    aside = target.with_name(f"progress-damaged-{datetime.now():%Y%m%d-%H%M%S}.json")
    said = f"{home.shown(target)} was damaged ({why})"
    with contextlib.suppress(OSError):
        os.replace(target, aside)
        return Journal(
            said=f"{said}. It lies beside as {aside.name}; a new one was begun. Your notebooks are untouched."
        )
    return Journal(said=f"{said} and could not be set aside; nothing is noted.", readable=False)
