"""Grade a whole class: examiners side by side, one writer, and nothing lost however it ends."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from .bundle import Bundle
from .examine import unexamined
from .gradebook import Course, CourseError
from .intake import Unreadable
from .journal import Entry, Journal
from .ledger import Unwritable, refusal
from .results import ExamResult
from .workplace import ExaminerLost, Stopped, seed_of

ENDING = ("SIGINT", "SIGTERM", "SIGHUP")
LOOK_SECONDS = 0.5  # how often a wait is left, for a signal that another thread was given
CLOSING_SECONDS = 5.0  # how long what was closed is waited for
# the machine's, not the submission's
EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


class Source(Protocol):
    """Where a submission comes from: read when its turn comes, so that a class need not fit into memory."""

    def read(self) -> bytes: ...


class Examiner(Protocol):
    """Whatever examines submissions: a `Workplace`, or a cluster."""

    def examine(self, submission: bytes) -> bytes: ...

    def close(self) -> None: ...


@dataclass
class Graded:
    """One finished submission."""

    student: str
    result: ExamResult
    seconds: float
    digest: str = ""
    problem: str = ""  # why it could not be recorded


@dataclass
class Summary:
    """What a run did."""

    graded: dict[str, Graded] = field(default_factory=dict)
    unchanged: dict[str, Entry] = field(default_factory=dict)  # graded before, from the same bytes by the same unit
    left: list[str] = field(default_factory=list)  # not graded when the run was stopped
    stopped: str = ""  # why, where nobody asked for it

    @property
    def results(self) -> dict[str, ExamResult]:
        return {student: graded.result for student, graded in self.graded.items()}

    @property
    def unrecorded(self) -> list[str]:
        return [student for student, graded in self.graded.items() if graded.problem]


def default_jobs() -> int:
    """As many as there are processors for this process."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def unchanged(bundle: Bundle, sources: Mapping[str, Source], course: Course) -> dict[str, Entry]:
    """Those whose result stands in the journal: the same submission, graded with the same unit."""
    found = {}
    for student, entry in Journal(course.folder, bundle.unit.name).last().items():
        if student in sources and entry.bundle == bundle.key:
            with contextlib.suppress(OSError):
                try:
                    digest = _digest(sources[student].read())
                except Unreadable as error:
                    digest = _digest(str(error).encode())
                if digest == entry.digest:
                    found[student] = entry
    return found


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def grade_class(
    bundle: Bundle,
    sources: Mapping[str, Source],
    course: Course,
    examiner: Examiner,
    jobs: int = 0,
    finished: Callable[[Graded], None] = lambda graded: None,
) -> Summary:
    """Grade and record `sources`. One that fails is recorded as such, and stops no other.

    A submission whose examiner was lost is tried again when the others are done, and by itself, so that one that
    brings a warm parent down takes no neighbour along twice. After that it is set aside with no points.

    On Ctrl-C (SIGTERM and SIGHUP are taken alike) what is finished is recorded, what is not is left as it was, and
    `left` names it. So it is when no examiner can be had any more, or nothing can be recorded (a full disk, say);
    then `stopped` says why.

    Args:
        examiner: what examines, asked from `jobs` threads; closed when the run is stopped.
        jobs: how many at a time; 0 for as many as there are processors.
        finished: called after each result was recorded, in this thread.
    """
    run = _Run(bundle, sources, course, examiner, finished)
    try:
        with _handling(ENDING, lambda number, frame: run.inbox.put(END)):
            again = run.batch(list(sources), jobs or default_jobs(), last=False)
            # a cluster gives each second try a worker of its own
            run.batch(again, jobs or default_jobs() if getattr(examiner, "apart", False) else 1, last=True)
    finally:
        course.close()
    run.summary.left = [student for student in sources if student not in run.summary.graded]
    return run.summary


END = object()  # a request to end


class _Run:
    """A class under way. Threads examine; the one that calls `batch` records, and hears of requests to end.

    Such a request is a message like a result is, and interrupts nothing: no write is ever half done for it.
    """

    def __init__(
        self,
        bundle: Bundle,
        sources: Mapping[str, Source],
        course: Course,
        examiner: Examiner,
        finished: Callable[[Graded], None],
    ) -> None:
        self.bundle, self.sources, self.examiner, self.finished = bundle, sources, examiner, finished
        self.inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.summary, self.writer = Summary(), Writer(bundle, course)
        self.stopping = threading.Event()  # nobody begins another submission
        self.closed = False  # nor is what is under way waited for
        self.full = False  # nor can anything be recorded

    def batch(self, students: list[str], jobs: int, last: bool) -> list[str]:
        """Grade some, `jobs` at a time; return those whose examiner was lost, unless this is the last try."""
        waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
        for student in students:
            waiting.put(student)
        lost: list[str] = []
        at_work = min(jobs, len(students))
        for _ in range(at_work):
            threading.Thread(target=self._work, args=(waiting, lost, last), daemon=True).start()
        while at_work:
            try:
                came = self.inbox.get(timeout=CLOSING_SECONDS if self.closed else LOOK_SECONDS)
            except queue.Empty:
                if self.closed:
                    break  # one that does not come back, and is the examiner's to end
                continue
            if came is None:
                at_work -= 1
            elif came is END:
                self._close()
            else:
                self._take(came)
        return lost

    def _work(self, waiting: queue.SimpleQueue[str], lost: list[str], last: bool) -> None:
        with contextlib.suppress(queue.Empty):
            while not self.stopping.is_set():
                student = waiting.get_nowait()
                try:
                    self.inbox.put(_graded(self.bundle, student, self.sources[student], self.examiner, last))
                except ExaminerLost:
                    lost.append(student)
                except Stopped as error:
                    self._stop(str(error))
                except Exception as error:  # a fault of the machine or of ours: no student's score may come of it
                    self._stop(f"{type(error).__name__}: {error}")
        self.inbox.put(None)

    def _take(self, graded: Graded) -> None:
        if self.full:
            return
        try:
            self.writer.record(graded)
        except Unwritable as error:
            self.full = True
            self._stop(str(error))
            self._close()
            return
        # a terminal that was closed or a pipe that nobody reads (Rich exits then) is no reason to lose a class
        with contextlib.suppress(OSError, SystemExit):
            self.finished(graded)
        graded.result = graded.result.slim()  # or a large class would fill the memory
        self.summary.graded[graded.student] = graded

    def _stop(self, why: str) -> None:
        self.summary.stopped = self.summary.stopped or why
        self.stopping.set()

    def _close(self) -> None:
        self.stopping.set()
        if not self.closed:
            self.closed = True
            self.examiner.close()


def _graded(bundle: Bundle, student: str, source: Source, examiner: Examiner, last: bool) -> Graded:
    """Read and examine one submission.

    Args:
        last: if its examiner is lost, set it aside with no points.

    Raises:
        ExaminerLost: its examiner was lost, and it is not the last try.
        Stopped: the examiner was closed. OSError: this machine is at its limits.
    """
    start, digest = time.monotonic(), ""
    try:
        data = source.read()
    except OSError as error:
        if error.errno in EXHAUSTED:
            raise
        why = error.strerror or str(error)
        result = unexamined(bundle, "unreadable", f"The file cannot be read ({why}). Hand in the .ipynb file itself.")
        return Graded(student, result, time.monotonic() - start, digest)
    except Unreadable as error:  # it says what the student can do
        digest = _digest(str(error).encode())
        return Graded(student, unexamined(bundle, "unreadable", str(error)), time.monotonic() - start, digest)
    digest = _digest(data)
    try:
        result = _result(examiner.examine(data))
    except ExaminerLost as error:
        if not last:
            raise
        why = (str(error).strip().splitlines() or ["no reason given"])[-1]
        result = unexamined(bundle, "died", f"Grading did not finish, tried twice: {why}")
        result.seed = seed_of(data)
    seconds = time.monotonic() - start
    took = getattr(examiner, "took", None)  # one that need not examine what it has examined before
    return Graded(student, result, took(data, seconds) if took else seconds, digest)


def _result(data: bytes) -> ExamResult:
    try:
        return ExamResult.from_bytes(data)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise ExaminerLost(f"the examiner's result cannot be read ({type(error).__name__})") from None


class Writer:
    """The one that writes: gradebook and autograded notebook first, then the journal's line.

    A kill between the two costs nothing: what the journal does not know is graded again, and the same submission gets
    the same score in the same place of the gradebook.
    """

    def __init__(self, bundle: Bundle, course: Course) -> None:
        self.bundle, self.course = bundle, course
        self.journal = Journal(course.folder, bundle.unit.name)

    def record(self, graded: Graded) -> None:
        """Record a result. Where one student's cannot be, its outcome becomes "unrecorded", and `problem` says why.

        Raises:
            Unwritable: nobody's can be: a full or read-only disk, a gradebook that is locked or another's.
        """
        result = graded.result
        try:
            self.course.record(graded.student, self.bundle.unit.name, result)
        except Unwritable:
            raise
        except CourseError as error:
            self._unrecorded(graded, str(error))
            return
        except Exception as error:  # ours or nbgrader's: a submission that brings it about may cost only its own
            self._unrecorded(graded, f"{type(error).__name__}: {error}")
            return
        try:
            entry = Entry(
                graded.student,
                graded.digest,
                self.bundle.key,
                result.outcome,
                result.score,
                result.points,
                result.seed,
                round(graded.seconds, 3),
                datetime.now(UTC).isoformat(timespec="seconds"),
            )
            self.journal.keep(entry, result)
            self.journal.add(entry)
        except OSError as error:
            raise refusal(error, self.journal.path) from None

    @staticmethod
    def _unrecorded(graded: Graded, why: str) -> None:
        graded.problem, graded.result.outcome = why, "unrecorded"


@contextlib.contextmanager
def _handling(names: tuple[str, ...], handler: Callable[[int, Any], object]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    # one that is ignored, as nohup does, stays so
    wanted = [number for number in numbers if signal.getsignal(number) not in (signal.SIG_IGN, None)]
    before = {number: signal.signal(number, handler) for number in wanted}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


@contextlib.contextmanager
def ending_as_interrupt() -> Iterator[None]:
    """Take a request to end, or a closed terminal, as Ctrl-C."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    with _handling(ENDING[1:], interrupt):
        yield


@dataclass(frozen=True)
class File:
    """A submission in a file of its own."""

    path: Path

    def read(self) -> bytes:
        from .grading import read_submission

        return read_submission(self.path)
