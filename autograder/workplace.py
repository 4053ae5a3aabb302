"""Where submissions are examined: a warm parent of examiners and one of students' processes, each in its sandbox.

`Workplace.examine` is the worker's whole interface, from a submission's bytes to a result's bytes; here, in a pool of
threads, or on another machine (`examine_here`).
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from . import sandbox
from .bundle import Bundle
from .kernel import Kernel, Limits
from .warm import Nursery, NurseryGone, students
from .wire import Channel, WireError

EXAMINER_BYTES = 4 << 30
MAX_SUBMISSION = 48 << 20  # of what is larger the examiner gets enough to say so; a message takes no more than 64 MiB
STARTS = 3  # of warm parents, for one submission
GRACE_SECONDS = 120  # what the examiner itself may take beyond the student's time


class ExaminerLost(RuntimeError):
    """An examiner ended without a result; the message says how. It may go better at a second try."""


class Stopped(RuntimeError):
    """The workplace was closed while this was examined."""


def seed_of(submission: bytes) -> int:
    """The seed of a submission's random streams: the same bytes, the same numbers."""
    return int.from_bytes(hashlib.sha256(submission).digest()[:6], "big")


class _NotBegun(NurseryGone):
    """It had ended before it was asked, so that no submission can have brought it about."""


class Workplace:
    """Examines submissions of one unit, any number at a time; a context manager."""

    def __init__(self, bundle: bytes, limits: Limits | None = None, kind: str = "auto") -> None:
        self.bundle, self.limits, self.kind = bundle, limits or Limits(), sandbox.choose(kind)
        self._lock = threading.Lock()
        self._closed = False
        self._pair = self._open()

    def _open(self) -> tuple[Nursery, Nursery]:
        """Start both warm parents, side by side.

        Raises:
            SandboxError: one did not come up.
        """
        bundle = Bundle.from_bytes(self.bundle)
        preload = ["numpy", "matplotlib.pyplot", *bundle.imports]
        setups = [cell.source for cell in bundle.unit.setups]

        def examiners() -> Nursery:
            with tempfile.TemporaryFile() as file:
                file.write(self.bundle)
                file.seek(0)
                return Nursery.start(self.kind, "autograder.examine:prepare", [file.fileno()], preload=preload)

        with ThreadPoolExecutor(2) as pool:
            first, second = pool.submit(students, self.kind, preload=preload, setups=setups), pool.submit(examiners)
        failed = first.exception() or second.exception()
        if failed is None:
            return first.result(), second.result()
        for future in (first, second):
            if future.exception() is None:
                future.result().close()
        raise failed

    def examine(self, submission: bytes) -> bytes:
        """The result of one submission, as `ExamResult.to_bytes` gives it.

        Raises:
            ExaminerLost: its examiner died or hung.
            Stopped: `close` was called meanwhile.
        """
        for _ in range(STARTS):
            pair = self._pair
            try:
                return self._examine(pair, submission)
            except NurseryGone as error:
                if self._closed:
                    raise Stopped from None
                self._anew(pair)
                why = str(error)
                if not isinstance(error, _NotBegun):  # this one may be what ended it
                    break
            except ExaminerLost:
                if self._closed:
                    raise Stopped from None
                raise
        raise ExaminerLost(why)

    def _anew(self, pair: tuple[Nursery, Nursery]) -> None:
        """Start warm parents in the place of `pair`, unless somebody has.

        Raises:
            SandboxError: they did not come up. Stopped: `close` was called meanwhile.
        """
        with self._lock:
            if self._pair is pair:
                for nursery in pair:
                    nursery.close()
                self._pair = self._open()
            if self._closed:  # they would outlive it
                self.close()
                raise Stopped

    def _examine(self, pair: tuple[Nursery, Nursery], submission: bytes) -> bytes:
        students, examiners = pair
        seconds = self.limits.total_seconds + GRACE_SECONDS
        limits = {"CORE": 0, "AS": EXAMINER_BYTES, "CPU": int(seconds), "FSIZE": 1 << 30}
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                child = examiners.child([theirs.fileno(), students.control.fileno()], limits, EXAMINER_BYTES, seed=0)
            except NurseryGone as error:
                ours.close()
                raise _NotBegun(str(error)) from None
        channel = Channel(ours)
        submission = submission[:MAX_SUBMISSION]
        try:
            request = {"submission": submission, "limits": asdict(self.limits), "seed": seed_of(submission)}
            deadline = time.monotonic() + seconds
            channel.send(request | {"inside": students.inside}, deadline)
            answer = channel.receive(deadline)
        except TimeoutError:
            raise ExaminerLost(f"no result after {seconds:g} s") from None
        except (EOFError, OSError, WireError) as error:
            raise ExaminerLost(child.ended(1.0) or f"the examiner ended ({type(error).__name__})") from None
        finally:
            channel.close()
            child.stop()
        if "result" in answer:
            return answer["result"]
        if answer.get("gone"):
            raise NurseryGone(answer["error"])
        raise ExaminerLost(str(answer.get("error")))

    @contextlib.contextmanager
    def student(self) -> Iterator[Kernel]:
        """A process such as a submission's cells run in, to try out what it can do.

        Raises:
            KernelDied: it did not start.
        """
        kernel = Kernel.start(self.limits, self._pair[0])
        try:
            yield kernel
        finally:
            kernel.close()

    def close(self) -> None:
        """End everything; what is being examined raises `Stopped`."""
        self._closed = True
        for nursery in self._pair:
            nursery.close()

    def __enter__(self) -> Workplace:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_here: dict[Any, Workplace] = {}
_here_lock = threading.Lock()


def examine_here(bundle: bytes, submission: bytes, limits: dict[str, Any], kind: str) -> bytes:
    """`Workplace.examine` for a worker on any machine, which keeps its workplace for the next submission."""
    key = (hashlib.sha256(bundle).hexdigest(), tuple(sorted(limits.items())), kind)
    with _here_lock:
        place = _here.get(key)
        if place is None:
            for other in _here.values():
                other.close()
            _here.clear()
            place = _here[key] = Workplace(bundle, Limits(**limits), kind)
            atexit.register(place.close)
    return place.examine(submission)
