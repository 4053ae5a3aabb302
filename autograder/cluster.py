"""Examine on a Dask cluster, with the function that examines here.

Which worker gets which submission is decided here rather than by Dask: a submission that was under way when its worker
was lost goes, once more, to a worker that is doing nothing else, so that it cannot take innocent neighbours along.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import CancelledError
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import gradus

from .kernel import Limits
from .workplace import ExaminerLost, Stopped, examine_here

LOOK_SECONDS = 1.0  # how often the workers are counted
PATIENCE_SECONDS = 60.0  # how long a cluster without workers is waited for


class ClusterError(RuntimeError):
    """The cluster cannot be used; the message says why and what to do."""


class Cluster:
    """Stands where a `Workplace` would, with the workers of a Dask scheduler; a context manager.

    Args:
        address: of the scheduler, such as tcp://10.0.0.1:8786.
        bundle: what `Bundle.to_bytes` gives.
        limits: for every notebook.
        kind: of sandbox, chosen on each worker's own machine.

    Raises:
        ClusterError: nobody answers, no worker is there, or a worker runs another version of this code.
    """

    apart = True  # a second try gets a worker that has nothing else to do

    def __init__(self, address: str, bundle: bytes, limits: Limits | None = None, kind: str = "auto") -> None:
        try:
            from distributed import Client
        except ImportError:
            raise ClusterError("--scheduler needs Dask: pip install 'gradus[grader,cluster]'.") from None
        self.bundle, self.limits, self.kind = bundle, asdict(limits or Limits()), kind
        try:
            self._client = Client(address, timeout=15, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ClusterError(f"No Dask scheduler answers at {address} ({error}).") from None
        self._change = threading.Condition()
        self._busy: Counter[str] = Counter()  # submissions that each worker has under way
        self._lost: dict[str, str] = {}  # digest of a submission to the worker that was lost with it
        self._closed = False
        self._seen = time.monotonic()  # when the scheduler last answered
        try:
            self._workers: dict[str, int] = dict(self._client.nthreads())
            if not self._workers:
                raise ClusterError(f"The scheduler at {address} has no worker yet. Start some: dask worker {address}")
            self._compare()
        except BaseException:
            self._client.close()
            raise
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    @property
    def jobs(self) -> int:
        """How many submissions the cluster takes at a time."""
        return sum(self._workers.values())

    def _compare(self) -> None:
        """Refuse workers with other code than this: they could give other scores."""
        try:
            found = self._client.run(code_digest)
        except Exception as error:  # whatever a worker that lacks the package raises, it says so
            raise ClusterError(f"The workers cannot run the grader ({error}). Install gradus[grader] there.") from None
        other = sorted(worker for worker, digest in found.items() if digest != code_digest())
        if other:
            raise ClusterError(
                f"{len(other)} of {len(found)} workers run another version of gradus or autograder than this machine "
                f"({', '.join(other[:3])}), so scores could differ. Install the same version everywhere."
            )

    def _watch(self) -> None:
        while not self._closed:
            try:
                workers = dict(self._client.nthreads())
                self._seen = time.monotonic()
            except Exception:  # the scheduler is gone, or away for the moment; its workers may still be at work
                workers = self._workers
            with self._change:
                self._workers = workers
                self._change.notify_all()
            time.sleep(LOOK_SECONDS)

    def _look(self) -> None:
        """Raise Stopped once the scheduler is gone."""
        if self._closed:
            raise Stopped
        if self._client.status == "closed" or time.monotonic() - self._seen > PATIENCE_SECONDS:
            raise Stopped("the scheduler is gone")

    def examine(self, submission: bytes) -> bytes:
        """The result of one submission, as `ExamResult.to_bytes` gives it.

        Raises:
            ExaminerLost: its worker or examiner was lost.
            Stopped: `close` was called, or the scheduler or all workers have been away for a minute.
        """
        digest = hashlib.sha256(submission).hexdigest()
        with self._place(digest) as worker:
            try:
                answer = self._ask(worker, submission)
            except CancelledError:
                answer = {"gone": "cancelled"}
            if "gone" in answer:
                self._look()
                self._lost[digest] = worker
                raise ExaminerLost(f"the worker {worker} was lost with this submission under way ({answer['gone']})")
            if "lost" in answer:
                raise ExaminerLost(answer["lost"])
            if "fault" in answer:
                raise Stopped(f"the worker {worker} cannot grade: {answer['fault']}")
            return answer["result"]

    def _ask(self, worker: str, submission: bytes) -> dict[str, Any]:
        future = self._client.submit(
            answer_here, self.bundle, submission, self.limits, self.kind, workers=[worker], pure=False
        )
        try:
            while True:
                try:
                    return future.result(timeout=LOOK_SECONDS)
                except TimeoutError:
                    self._look()
                except Exception as error:  # KilledWorker and its kin: Dask's own, for answers are data
                    return {"gone": type(error).__name__}
                if worker not in self._workers:
                    return {"gone": "it left the cluster"}
        finally:
            with contextlib.suppress(Exception):  # a scheduler that is gone
                future.cancel()

    @contextlib.contextmanager
    def _place(self, digest: str) -> Iterator[str]:
        """A worker with room; for a submission that lost one before, another that has nothing else to do."""
        before = self._lost.get(digest)
        deadline = time.monotonic() + PATIENCE_SECONDS
        with self._change:
            while True:
                self._look()
                free = {
                    worker: threads - self._busy[worker]
                    for worker, threads in self._workers.items()
                    if self._busy[worker] < threads
                }
                if before is not None:
                    idle = [worker for worker in free if not self._busy[worker]]
                    others = [worker for worker in idle if worker != before]
                    free = {worker: free[worker] for worker in others or idle}
                if free:
                    break
                if self._workers:
                    deadline = time.monotonic() + PATIENCE_SECONDS
                elif time.monotonic() > deadline:
                    raise Stopped(f"no worker has been there for {PATIENCE_SECONDS:g} s")
                self._change.wait(LOOK_SECONDS)
            worker = max(free, key=lambda name: free[name])
            taken = self._workers[worker] if before is not None else 1
            self._busy[worker] += taken
        try:
            yield worker
        finally:
            with self._change:
                self._busy[worker] -= taken
                self._change.notify_all()

    def close(self) -> None:
        """Let the cluster go; what is under way there raises `Stopped` here."""
        with self._change:
            self._closed = True
            self._change.notify_all()
        self._client.close()

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def answer_here(*words: Any) -> dict[str, Any]:
    """`examine_here` whose failures travel as text: what an exception brings along need not cross to other machines."""
    try:
        return {"result": examine_here(*words)}
    except ExaminerLost as error:
        return {"lost": str(error)}
    except Exception as error:
        return {"fault": f"{type(error).__name__}: {error}"}


@cache
def code_digest() -> str:
    """A digest of the code that scores depend on: all of gradus and autograder."""
    digest = hashlib.sha256()
    for package in (Path(gradus.__file__).parent, Path(__file__).parent):
        for path in sorted(package.rglob("*.py")):
            digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
