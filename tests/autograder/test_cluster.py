"""Grading on a Dask cluster: the same scores as here, and lost workers cost nobody anything."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from autograder import cluster
from autograder.bundle import Bundle
from autograder.classroom import grade_class
from autograder.cluster import Cluster, ClusterError
from autograder.gradebook import Course
from autograder.release import solved_notebook, to_text
from autograder.results import ExamResult
from autograder.workplace import ExaminerLost, Workplace

from .tiny import write

DASK = Path(sys.executable).with_name("dask")


class Machines:
    """A scheduler and its workers, as processes of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.processes = folder, []
        file = folder / "scheduler.json"
        self._start("scheduler", "--port", "0", "--no-dashboard", "--scheduler-file", str(file))
        deadline = time.monotonic() + 60
        while not file.exists():
            assert time.monotonic() < deadline, "the scheduler did not start"
            time.sleep(0.05)
        self.address = json.loads(file.read_text())["address"]

    def _start(self, *words: str, **more: str) -> subprocess.Popen:
        with (self.folder / f"{words[0]}{len(self.processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                [str(DASK), *words],
                env=os.environ | {"OMP_NUM_THREADS": "1"} | more,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def worker(self, name: str, *words: str, **more: str) -> subprocess.Popen:
        words = ("--nthreads", "1", "--name", name, "--local-directory", str(self.folder / name), *words)
        return self._start("worker", self.address, "--no-nanny", "--no-dashboard", *words, **more)

    def wait(self, count: int) -> None:
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=60)

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def machines(tmp_path):
    made = Machines(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return Bundle.load(write(tmp_path_factory.mktemp("cluster")))


@pytest.fixture(scope="module")
def solved(bundle):
    return to_text(solved_notebook(bundle.unit)).encode()


def points(bundle) -> float:
    return sum(exercise.points for exercise in bundle.unit.exercises.values())


def test_scores_are_those_of_this_machine(machines, bundle, solved):
    machines.worker("one")
    machines.wait(1)
    stub = to_text(bundle.release).encode()
    with Cluster(machines.address, bundle.to_bytes()) as there, Workplace(bundle.to_bytes()) as here:
        assert there.jobs == 1
        for data in (solved, stub, b"no notebook"):
            far, near = (ExamResult.from_bytes(place.examine(data)) for place in (there, here))
            assert (far.outcome, far.score, far.seed) == (near.outcome, near.score, near.seed)
            assert far.reports == near.reports


def test_a_lost_workers_submission_is_graded_elsewhere(machines, bundle, solved, tmp_path):
    first = machines.worker("one")
    machines.wait(1)
    sources = {f"s{i}": Bytes(solved + b"\n" * i) for i in range(3)}
    results = {}

    def replace() -> None:
        deadline = time.monotonic() + 60
        while not lost.started and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(first.pid, signal.SIGKILL)
        machines.worker("two")

    with Cluster(machines.address, bundle.to_bytes()) as place:
        lost = Watched(place)
        killer = threading.Thread(target=replace)
        killer.start()
        course = Course(tmp_path / "grading")
        course.prepare(bundle.unit)
        results = grade_class(bundle, sources, course, lost, jobs=1).results
        killer.join()
    assert {student: (result.outcome, result.score) for student, result in results.items()} == {
        student: ("graded", points(bundle)) for student in sources
    }
    assert lost.lost == 1  # the one that was under way, and it got its second try


def test_a_submission_that_takes_workers_with_it_is_set_aside_after_two(
    machines, bundle, solved, tmp_path, monkeypatch
):
    """Every worker that is given the poison dies; the others' scores are whole, and nobody is tried a third time."""
    monkeypatch.setattr(cluster, "LOOK_SECONDS", 0.3)
    poison = b"poison"
    # what no sandbox lets a submission do, so the worker is made to
    deadly = tmp_path / "deadly.py"
    deadly.write_text(
        "import os\n"
        "from autograder.workplace import Workplace\n"
        "def examine(self, data, real=Workplace.examine):\n"
        "    return os._exit(9) if data == b'poison' else real(self, data)\n"
        "if Workplace.examine.__module__ == 'autograder.workplace':  # Dask loads this twice\n"
        "    Workplace.examine = examine\n"
    )
    for number in range(3):
        machines.worker(f"w{number}", "--preload", str(deadly))
    machines.wait(3)
    sources = {"poison": Bytes(poison), **{f"s{i}": Bytes(solved + b"\n" * i) for i in range(4)}}
    course = Course(tmp_path / "grading")
    course.prepare(bundle.unit)
    with Cluster(machines.address, bundle.to_bytes()) as place:
        summary = grade_class(bundle, sources, course, place, jobs=place.jobs)
        alive = [process.poll() is None for process in machines.processes[1:]]
    assert (summary.stopped, sum(alive)) == ("", 1)
    results = summary.results
    assert results.pop("poison").outcome == "died"
    assert {(result.outcome, result.score) for result in results.values()} == {("graded", points(bundle))}


def test_other_code_on_a_worker_is_refused(machines, bundle, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(Path(cluster.__file__).parent, other / "autograder")
    (other / "autograder" / "extra.py").write_text("# another version\n")
    machines.worker("other", PYTHONPATH=str(other))
    machines.wait(1)
    with pytest.raises(ClusterError, match="1 of 1 workers run another version"):
        Cluster(machines.address, bundle.to_bytes())


def test_no_scheduler_and_no_worker_are_said(machines, bundle):
    with pytest.raises(ClusterError, match=r"has no worker yet\. Start some: dask worker tcp://"):
        Cluster(machines.address, bundle.to_bytes())
    machines.close()
    with pytest.raises(ClusterError, match="No Dask scheduler answers at tcp://"):
        Cluster(machines.address, bundle.to_bytes())


def test_a_cluster_that_goes_away_leaves_the_rest_ungraded(machines, bundle, solved, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "LOOK_SECONDS", 0.2)
    monkeypatch.setattr(cluster, "PATIENCE_SECONDS", 2.0)
    machines.worker("one")
    machines.wait(1)
    sources = {f"s{i}": Bytes(solved + b"\n" * i) for i in range(3)}
    course = Course(tmp_path / "grading")
    course.prepare(bundle.unit)
    with Cluster(machines.address, bundle.to_bytes()) as place:
        watched = Watched(place)

        def finished(graded) -> None:
            machines.close()

        summary = grade_class(bundle, sources, course, watched, jobs=1, finished=finished)
    assert len(summary.graded) >= 1 and summary.left
    assert {result.outcome for result in summary.results.values()} <= {"graded"}
    assert "the scheduler is gone" in summary.stopped


def test_workers_that_all_leave_are_waited_for_then_the_rest_is_left(machines, bundle, solved, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "LOOK_SECONDS", 0.2)
    monkeypatch.setattr(cluster, "PATIENCE_SECONDS", 2.0)
    only = machines.worker("one")
    machines.wait(1)
    sources = {f"s{i}": Bytes(solved + b"\n" * i) for i in range(3)}
    course = Course(tmp_path / "grading")
    course.prepare(bundle.unit)
    with Cluster(machines.address, bundle.to_bytes()) as place:
        summary = grade_class(bundle, sources, course, place, jobs=1, finished=lambda graded: only.kill())
    assert summary.left
    assert {result.outcome for result in summary.results.values()} == {"graded"}
    assert "no worker has been there for 2 s" in summary.stopped


class Bytes:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self) -> bytes:
        return self.data


class Watched:
    """An examiner that counts."""

    def __init__(self, place: Cluster) -> None:
        self.place, self.started, self.lost = place, False, 0

    def examine(self, submission: bytes) -> bytes:
        self.started = True
        try:
            return self.place.examine(submission)
        except ExaminerLost:
            self.lost += 1
            raise

    def close(self) -> None:
        self.place.close()
