"""What has been graded, line by line, so that a run that was killed goes on where it stopped; and each result in full."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from .results import ExamResult


class Busy(RuntimeError):
    """Another run is at work in the same course folder."""


@dataclass(frozen=True)
class Entry:
    """One result that stands in the gradebook."""

    student: str
    digest: str  # of the submission's bytes
    bundle: str  # the unit's key: source, checks, bank
    outcome: str
    score: float
    points: float
    seed: int
    seconds: float
    when: str  # UTC, ISO 8601


class Journal:
    """An append-only file of a unit's results in a course folder. A line is written after the gradebook was."""

    def __init__(self, folder: Path, unit: str) -> None:
        self.path = folder / ".gradus" / f"{unit}.journal.jsonl"
        self.results = folder / ".gradus" / "results" / unit

    def last(self) -> dict[str, Entry]:
        """Student -> the last entry. A line that a crash cut short is passed over, and so is what is none of ours."""
        found: dict[str, Entry] = {}
        known = {field.name for field in fields(Entry)}
        try:
            lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return {}
        for line in lines:
            with contextlib.suppress(ValueError, TypeError, AttributeError, RecursionError):
                # a later version may write more about each
                entry = Entry(**{name: value for name, value in json.loads(line).items() if name in known})
                found[entry.student] = entry
        return found

    def add(self, entry: Entry) -> None:
        """Write one line, for certain on the disk when this returns.

        Raises:
            OSError: it could not be written.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab+") as file:
            torn = False
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                torn = file.read(1) != b"\n"
            file.write(b"\n" * bool(torn) + json.dumps(asdict(entry)).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def keep(self, entry: Entry, result: ExamResult) -> None:
        """Keep a result in full but for notebook and outputs, which lie in autograded/: before its line is added.

        Raises:
            OSError: it could not be written.
        """
        self.results.mkdir(parents=True, exist_ok=True)
        path = self.results / f"{entry.student}.json"
        begun = path.with_name(f".{path.name}~")
        begun.write_bytes(b"\n".join([json.dumps(_mark(entry)).encode(), result.slim().to_bytes()]))
        begun.replace(path)

    def kept(self, entry: Entry) -> ExamResult | None:
        """The result that an entry is about, if it was kept and can be read."""
        with contextlib.suppress(OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
            mark, data = (self.results / f"{entry.student}.json").read_bytes().split(b"\n", 1)
            if json.loads(mark) == _mark(entry):
                return ExamResult.from_bytes(data)
        return None


def _mark(entry: Entry) -> list[str]:
    """What tells one grading of a student's from another."""
    return [entry.digest, entry.bundle, entry.when]


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other runs out of a course folder: the gradebook has one writer.

    Raises:
        Busy: another run is there. OSError: the folder cannot be written.
    """
    path = folder / ".gradus" / "lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise Busy(
                f"Another autograder (process {file.read().strip() or 'unknown'}) is at work in {folder}."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
