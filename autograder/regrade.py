"""Grade a class again, and write nothing before somebody has seen what it would change.

What the examiner says of each submission is kept aside, so that nothing is examined twice, however a run ends. It is
recorded first into a copy of the course: late penalties, marks given by hand and nbgrader's own refusals are then what
they will be. When that is agreed to, the same results are recorded in the course itself, each student's whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import marks
from .bundle import Bundle
from .classroom import Examiner, Graded, Source, Summary, grade_class
from .cluster import code_digest
from .differences import Move, compare
from .gradebook import Course, CourseError
from .intake import Unreadable
from .journal import Journal
from .marks import UnitMarks
from .workplace import ExaminerLost, Stopped

MAX_SETTING = 1 << 20  # bytes of a file in the course's folder that may say how to mark
PLAN = "writing.json"
AHEAD = 4


class Kept:
    """Stands where an examiner does: what one has said of the same bytes, else asks it, and keeps the answer.

    Args:
        folder: where answers are kept, named after the submission's digest.
        examiner: None to ask nobody.
    """

    def __init__(self, folder: Path, examiner: Examiner | None = None) -> None:
        self.folder, self.examiner = folder, examiner
        self.apart = getattr(examiner, "apart", False)
        self.lost: dict[str, str] = {}
        self._change = threading.Condition()
        self._ahead = 0  # answers from the folder that are not recorded yet
        self._closed = False

    def has(self, submission: bytes) -> bool:
        """Whether nobody need be asked."""
        return self._path(_digest(submission)).is_file()

    def examine(self, submission: bytes) -> bytes:
        """The result of one submission; errors are the examiner's.

        Raises:
            Stopped: nobody is there to be asked.
        """
        digest = _digest(submission)
        path = self._path(digest)
        with contextlib.suppress(FileNotFoundError):
            found = path.read_bytes()
            self._wait()
            return found
        if digest in self.lost and self.examiner is None:
            raise ExaminerLost(self.lost[digest])
        if self.examiner is None:
            raise Stopped("something was handed in while this ran. Give the same command again.")
        try:
            result = self.examiner.examine(submission)
        except ExaminerLost as error:
            self.lost[digest] = str(error)
            raise
        begun = path.with_suffix(f".{threading.get_ident()}.begun")  # the same bytes may come from two students at once
        begun.write_bytes(result)
        begun.replace(path)
        return result

    def _wait(self) -> None:
        """Wait until there is room: reading is quicker than recording, and a class need not fit into memory.

        Raises:
            Stopped: `close` was called.
        """
        with self._change:
            self._change.wait_for(lambda: self._ahead < AHEAD or self._closed)
            if self._closed:
                raise Stopped
            self._ahead += 1

    def recorded(self) -> None:
        """One more is recorded."""
        with self._change:
            self._ahead = max(0, self._ahead - 1)
            self._change.notify_all()

    def took(self, submission: bytes, seconds: float) -> float:
        """How long examining took, the first time."""
        path = self._path(_digest(submission)).with_suffix(".seconds")
        try:
            return float(path.read_text(encoding="ascii"))
        except (OSError, ValueError):
            with contextlib.suppress(OSError):
                path.write_text(str(seconds), encoding="ascii")
            return seconds

    def close(self) -> None:
        with self._change:
            self._closed = True
            self._change.notify_all()
        if self.examiner is not None:
            self.examiner.close()

    def _path(self, digest: str) -> Path:
        return self.folder / f"{digest}.json"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass
class Chosen:
    """Who is graded again."""

    sources: dict[str, Source] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)  # recorded, and their work is not here: they keep what they have
    new: list[str] = field(default_factory=list)  # handed in, and never graded: left to `autograder grade`


def choose(recorded: Iterable[str], found: Mapping[str, Source]) -> Chosen:
    """Sort out who was graded and whose work is there."""
    recorded = set(recorded)
    return Chosen(
        {student: source for student, source in found.items() if student in recorded},
        sorted(recorded - found.keys()),
        sorted(found.keys() - recorded),
    )


class Regrade:
    """One regrade of a unit in a course: `examine`, look at `moves`, then `write` or leave it.

    Args:
        settings: what results depend on besides unit, code and submission (limits).
    """

    def __init__(self, bundle: Bundle, course: Course, sources: Mapping[str, Source], settings: Any = None) -> None:
        self.bundle, self.course, self.sources = bundle, course, dict(sources)
        self.unit = bundle.unit.name
        key = _digest(f"{bundle.key} {code_digest()} {settings}".encode())[:16]
        place = course.folder / ".gradus" / "regrade" / self.unit
        self.folder, self.answers, self.copy = place / key, place / key / "answers", place / key / "copy"
        for other in place.glob("*"):  # of a source, or a grader, that is another now
            if other != self.folder:
                shutil.rmtree(other, ignore_errors=True)
        self.answers.mkdir(parents=True, exist_ok=True)
        self.before = marks.read(course.folder, self.unit)
        self.after: UnitMarks = self.before
        self.moves: list[Move] = []
        self.lost: dict[str, str] = {}  # digest of a submission with which examiners were lost, and what was said
        self.written: list[str] = []  # by a run of this regrade that was stopped while it wrote

    def waiting(self) -> list[str]:
        """Those of whose work nothing is known yet, so that an examiner is needed."""
        return [student for student, source in self.sources.items() if not self._known(source)]

    def _known(self, source: Source) -> bool:
        try:
            return Kept(self.answers).has(source.read())
        except (OSError, Unreadable):  # said without an examiner
            return True

    def examine(
        self, examiner: Examiner | None, jobs: int = 0, finished: Callable[[Graded], None] | None = None
    ) -> Summary:
        """Grade into a copy of the course, and find the differences.

        Args:
            examiner: None if nobody is `waiting`.

        Raises:
            CourseError: the copy could not be made, or nbgrader refuses the unit as it is now.
        """
        copy = self._copy()
        summary = self._record(Kept(self.answers, examiner), self.sources, copy, jobs, finished)
        if not (summary.left or summary.unrecorded):
            self.after = marks.read(copy.folder, self.unit)
            self.moves = self._with_written(compare(self.before, self.after, self.sources))
        return summary

    def _record(
        self,
        kept: Kept,
        sources: dict[str, Source],
        course: Course,
        jobs: int,
        finished: Callable[[Graded], None] | None,
    ) -> Summary:
        kept.lost = self.lost

        def recorded(graded: Graded) -> None:
            kept.recorded()
            if finished:
                finished(graded)

        return grade_class(self.bundle, sources, course, kept, jobs, recorded)

    def _copy(self) -> Course:
        """The course as it is, without anybody's work; ready for the unit as it is now."""
        shutil.rmtree(self.copy, ignore_errors=True)
        self.copy.mkdir(parents=True)
        here, there = self.course.folder, self.copy
        try:
            with (
                contextlib.closing(sqlite3.connect(f"{(here / 'gradebook.db').as_uri()}?mode=ro", uri=True)) as old,
                contextlib.closing(sqlite3.connect(there / "gradebook.db")) as new,
            ):
                old.backup(new)
        except sqlite3.Error as error:
            raise CourseError(f"{here / 'gradebook.db'} cannot be copied ({error}).") from None
        for path in here.iterdir():  # nbgrader's settings, a late policy
            if path.is_file() and not path.name.startswith("gradebook.db") and path.stat().st_size <= MAX_SETTING:
                shutil.copyfile(path, there / path.name)
        for step in ("source", "release"):
            if (here / step / self.unit).is_dir():
                shutil.copytree(here / step / self.unit, there / step / self.unit)
        if (here / "submitted").is_dir():  # when they were handed in
            (there / "submitted").symlink_to(here / "submitted", target_is_directory=True)
        copy = Course(there)
        copy.before, copy.times = here, self.course.times
        copy.prepare(self.bundle.unit)
        return copy

    @property
    def nothing(self) -> bool:
        """Whether the course has all of this already."""
        same = all(self.before.results[name].bundle == self.bundle.key for name in self.sources)
        return same and not self.written and all(move.empty for move in self.moves)

    def write(self, finished: Callable[[Graded], None] | None = None) -> Summary:
        """Record what was examined; after Ctrl-C or a crash, `examine` and `write` go on with the rest."""
        plan = {"moves": [move.to_dict() for move in self.moves]}
        begun = self.folder / f"{PLAN}.begun"
        begun.write_text(json.dumps(plan), encoding="utf-8")
        begun.replace(self.folder / PLAN)
        self.course.prepare(self.bundle.unit)
        left = {name: source for name, source in self.sources.items() if name not in self.written}
        summary = self._record(Kept(self.answers), left, self.course, 1, finished)
        if not (summary.left or summary.unrecorded):
            self.drop()
        return summary

    def _with_written(self, moves: list[Move]) -> list[Move]:
        """`moves`, with what a run that was stopped had already written as it was before that run."""
        try:
            planned = json.loads((self.folder / PLAN).read_text(encoding="utf-8"))["moves"]
            before = {move.student: move for move in map(Move.from_dict, planned)}
        except (OSError, ValueError, TypeError, LookupError):
            return moves
        entries = Journal(self.course.folder, self.unit).last()
        for move in moves:
            entry, new = entries.get(move.student), self.after.results[move.student]
            mine = entry is not None and entry.bundle == self.bundle.key and entry.digest == new.digest
            if mine and move.empty and move.student in before:
                self.written.append(move.student)
        return [before[move.student] if move.student in self.written else move for move in moves]

    def drop(self) -> None:
        """Forget what was kept aside."""
        shutil.rmtree(self.folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            for folder in list(self.folder.parents)[:2]:
                folder.rmdir()
