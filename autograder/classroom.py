"""Grade a whole class: examiners side by side, one writer, and nothing lost however it ends."""

from __future__ import annotations

import contextlib
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
from typing import Protocol

from .bundle import Bundle
from .examine import unexamined
from .gradebook import Course, CourseError
from .journal import Entry, Journal
from .results import ExamResult
from .workplace import ExaminerLost, Stopped, seed_of

TRIES = 2


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
                if _digest(sources[student].read()) == entry.digest:
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

    On Ctrl-C (SIGTERM and SIGHUP are taken alike) what is finished is recorded, what is not is left as it was, and
    `left` names it. So it is when no examiner can be had any more; then `stopped` says why.

    Args:
        examiner: what examines, asked from `jobs` threads; closed when the run is stopped.
        jobs: how many at a time; 0 for as many as there are processors.
        finished: called after each result was recorded, in this thread.
    """
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for student in sources:
        waiting.put(student)
    done: queue.SimpleQueue[Graded | None] = queue.SimpleQueue()
    stop = threading.Event()

    def work() -> None:
        try:
            while not stop.is_set():
                student = waiting.get_nowait()
                done.put(_graded(bundle, student, sources[student], examiner))
        except queue.Empty:
            pass
        except Stopped as error:
            summary.stopped = summary.stopped or str(error)
        except Exception as error:  # a fault of the machine or of ours: no student's score may come of it
            summary.stopped = f"{type(error).__name__}: {error}"
            stop.set()
        finally:
            done.put(None)

    summary, writer = Summary(), Writer(bundle, course)
    jobs = min(jobs or default_jobs(), len(sources))
    threads = [threading.Thread(target=work, daemon=True) for _ in range(jobs)]
    at_work = len(threads)

    def take(graded: Graded | None) -> None:
        nonlocal at_work
        if graded is None:
            at_work -= 1
            return
        writer.record(graded)
        finished(graded)
        graded.result = graded.result.slim()  # or a large class would fill the memory
        summary.graded[graded.student] = graded

    with ending_as_interrupt():
        try:
            for thread in threads:
                thread.start()
            while at_work:
                with contextlib.suppress(queue.Empty):
                    graded = done.get(timeout=0.5)  # with a limit, or Ctrl-C would wait for the next result
                    with uninterrupted():
                        take(graded)
        except KeyboardInterrupt:
            with _handling(ENDING, lambda number, frame: None):  # a second Ctrl-C must not lose what is finished
                stop.set()
                examiner.close()
                with contextlib.suppress(queue.Empty):
                    while at_work:
                        take(done.get(timeout=5))
    summary.left = [student for student in sources if student not in summary.graded]
    return summary


def _graded(bundle: Bundle, student: str, source: Source, examiner: Examiner) -> Graded:
    """Read and examine one submission; after two lost examiners it is set aside with no points."""
    start, digest = time.monotonic(), ""
    try:
        data = source.read()
        digest = _digest(data)
        result = _examined(bundle, data, examiner)
    except OSError as error:
        why = error.strerror or str(error)
        result = unexamined(bundle, "unreadable", f"The file cannot be read ({why}). Hand in the .ipynb file itself.")
    return Graded(student, result, time.monotonic() - start, digest)


def _examined(bundle: Bundle, data: bytes, examiner: Examiner) -> ExamResult:
    why = ""
    for _ in range(TRIES):
        try:
            return ExamResult.from_bytes(examiner.examine(data))
        except ExaminerLost as error:
            why = (str(error).strip().splitlines() or ["no reason given"])[-1]
    result = unexamined(bundle, "died", f"Grading did not finish, tried {TRIES} times: {why}")
    result.seed = seed_of(data)
    return result


class Writer:
    """The one that writes: gradebook and autograded notebook first, then the journal's line."""

    def __init__(self, bundle: Bundle, course: Course) -> None:
        self.bundle, self.course = bundle, course
        self.journal = Journal(course.folder, bundle.unit.name)

    def record(self, graded: Graded) -> None:
        """Record a result. Where that fails its outcome becomes "unrecorded", and `problem` says why."""
        result = graded.result
        try:
            self.course.record(graded.student, self.bundle.unit.name, result)
            self.journal.add(
                Entry(
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
            )
        except (CourseError, OSError) as error:
            graded.problem = str(error)
            result.outcome = "unrecorded"


ENDING = ("SIGINT", "SIGTERM", "SIGHUP")


@contextlib.contextmanager
def _handling(names: tuple[str, ...], handler: Callable[[int, object], object]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.signal(number, handler) for number in numbers}
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


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Keep Ctrl-C waiting until a write is whole."""
    caught: list[int] = []
    with _handling(ENDING, lambda number, frame: caught.append(number)):
        yield
    if caught:
        raise KeyboardInterrupt


@dataclass(frozen=True)
class File:
    """A submission in a file of its own."""

    path: Path

    def read(self) -> bytes:
        from .grading import read_submission

        return read_submission(self.path)
