"""A whole class: what fails costs no other anything, what is finished stays, and what is left is graded once later."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from nbgrader.api import Gradebook

from autograder import ledger, sandbox
from autograder.bundle import Bundle
from autograder.classroom import Summary, default_jobs, grade_class, unchanged
from autograder.cli import main
from autograder.examine import examine
from autograder.gradebook import Course
from autograder.isolate import IsolatedError, isolated
from autograder.journal import Busy, Entry, Journal, alone
from autograder.release import filled, solved_notebook, to_text
from autograder.workplace import ExaminerLost, Stopped

from .tiny import write

UNIT = "99_tiny"
ROOT = Path(__file__).resolve().parents[2]
closed_in = pytest.mark.skipif(
    sys.platform != "linux" or sandbox.abilities().best == "none", reason="no sandbox works here: autograder doctor"
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A bundle, a perfect and an unwritten paper with their results, and a course with the unit in it."""
    base = tmp_path_factory.mktemp("classroom")
    path = write(base)
    bundle = Bundle.load(path)
    papers = {"right": to_text(solved_notebook(bundle.unit)).encode(), "stub": to_text(bundle.release).encode()}
    results = {name: examine(data, bundle).to_bytes() for name, data in papers.items()}
    course = Course(base / "course")
    course.prepare(bundle.unit)
    course.close()
    return SimpleNamespace(base=base, path=path, bundle=bundle, papers=papers, results=results)


@pytest.fixture
def course(made, tmp_path):
    return Course(shutil.copytree(made.base / "course", tmp_path / "course"))


class Paper:
    """A submission in memory."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self) -> bytes:
        return self.data


class Fake:
    """An examiner that gives what it was told to, one thing after another for each student; the last for ever."""

    def __init__(self, made: SimpleNamespace, **acts: list) -> None:
        self.made, self.acts = made, acts
        self.asked: list[str] = []
        self.at_work: set[str] = set()
        self.beside: dict[str, int] = {}  # how many others were under way, at the last asking
        self.closed = threading.Event()
        self.lock = threading.Lock()

    def examine(self, submission: bytes) -> bytes:
        student = submission.decode()
        with self.lock:
            self.beside[student] = len(self.at_work)
            self.at_work.add(student)
            acts = self.acts.get(student, ["right"])
            act = acts[min(self.asked.count(student), len(acts) - 1)]
            self.asked.append(student)
        try:
            if callable(act):
                act = act()
            if isinstance(act, Exception):
                raise act
            return act if isinstance(act, bytes) else self.made.results[act]
        finally:
            with self.lock:
                self.at_work.remove(student)

    def close(self) -> None:
        self.closed.set()


def a_class(*students: str) -> dict[str, Paper]:
    return {student: Paper(student.encode()) for student in students}


def outcomes(summary: Summary) -> dict[str, tuple[str, float]]:
    return {student: (result.outcome, result.score) for student, result in summary.results.items()}


def noted(course: Course) -> list[str]:
    """The students of the journal's lines, in order."""
    path = Journal(course.folder, UNIT).path
    return [json.loads(line)["student"] for line in path.read_text().splitlines()] if path.exists() else []


# what becomes of each


def test_each_is_recorded_once_with_its_score(made, course):
    summary = grade_class(made.bundle, a_class("ada", "bob", "eve"), course, Fake(made, bob=["stub"]))
    assert outcomes(summary) == {"ada": ("graded", 6), "bob": ("graded", 0), "eve": ("graded", 6)}
    assert course.scores(UNIT) == {"ada": 6, "bob": 0, "eve": 6}
    assert sorted(noted(course)) == ["ada", "bob", "eve"]
    assert (summary.left, summary.stopped, summary.unrecorded) == ([], "", [])
    assert course._ledger is None  # let go of


def test_a_class_of_nobody_is_no_work(made, course):
    summary = grade_class(made.bundle, {}, course, Fake(made))
    assert summary == Summary() and noted(course) == []


def test_so_many_at_a_time_as_was_asked_for(made, course):
    most = []

    def look():
        time.sleep(0.02)
        most.append(len(fake.at_work))
        return "stub"

    students = [f"s{i}" for i in range(6)]
    for jobs in (1, 3):
        most.clear()
        fake = Fake(made, **{student: [look] for student in students})
        grade_class(made.bundle, a_class(*students), course, fake, jobs)
        assert len(most) == 6 and max(most) <= jobs
    assert default_jobs() == len(os.sched_getaffinity(0))


def test_a_lost_examiner_is_no_students_fault_once(made, course):
    fake = Fake(made, bob=[ExaminerLost("signal 9"), "right"])
    summary = grade_class(made.bundle, a_class("ada", "bob", "eve"), course, fake, 1)
    assert outcomes(summary) == dict.fromkeys(("ada", "bob", "eve"), ("graded", 6))
    assert fake.asked == ["ada", "bob", "eve", "bob"]


def test_after_two_lost_examiners_it_is_set_aside_with_the_reason(made, course):
    fake = Fake(made, bob=[ExaminerLost("no line is\nsignal 9")])
    summary = grade_class(made.bundle, a_class("ada", "bob", "eve"), course, fake, 2)
    assert outcomes(summary) == {"ada": ("graded", 6), "bob": ("died", 0), "eve": ("graded", 6)}
    assert fake.asked.count("bob") == 2
    assert summary.results["bob"].notes == ["Grading did not finish, tried twice: signal 9"]
    assert course.scores(UNIT) == {"ada": 6, "bob": 0, "eve": 6}
    assert summary.results["bob"].seed  # of the submission, as any other's


def test_second_tries_are_made_alone(made, course):
    """Or one that brings a warm parent down would take an innocent neighbour along both times."""
    both = threading.Barrier(2, timeout=20)

    def down():
        both.wait()  # the two were under way together
        raise ExaminerLost("the warm parent has ended")

    fake = Fake(made, ada=[down, "right"], bob=[down, ExaminerLost("again")])
    summary = grade_class(made.bundle, a_class("ada", "bob", "eve"), course, fake, 2)
    assert outcomes(summary) == {"ada": ("graded", 6), "bob": ("died", 0), "eve": ("graded", 6)}
    assert fake.beside["ada"] == fake.beside["bob"] == 0


@pytest.mark.parametrize("junk", [b"", b"{}", b"[]", b"null", b'{"outcome": 1}', b"\xff", b"[" * 100_000])
def test_a_result_that_is_none_is_a_lost_examiner(junk, made, course):
    summary = grade_class(made.bundle, a_class("ada", "bob"), course, Fake(made, ada=[junk]), 1)
    assert outcomes(summary) == {"ada": ("died", 0), "bob": ("graded", 6)}


def test_an_examiner_that_is_closed_leaves_the_rest(made, course):
    fake = Fake(made, bob=[Stopped("the scheduler is gone")])
    summary = grade_class(made.bundle, a_class("ada", "bob", "eve"), course, fake, 1)
    assert outcomes(summary) == {"ada": ("graded", 6)}
    assert (summary.stopped, summary.left) == ("the scheduler is gone", ["bob", "eve"])
    assert course.scores(UNIT) == {"ada": 6}


@pytest.mark.parametrize("fault", [RuntimeError("a bug"), OSError(errno.EMFILE, "Too many open files"), MemoryError()])
def test_a_fault_of_ours_costs_nobody_points(fault, made, course):
    fake = Fake(made, bob=[fault])
    summary = grade_class(made.bundle, a_class("ada", "bob", "eve"), course, fake, 1)
    assert outcomes(summary) == {"ada": ("graded", 6)} and summary.left == ["bob", "eve"]
    assert summary.stopped.startswith(type(fault).__name__)
    again = grade_class(made.bundle, a_class("bob", "eve"), course, Fake(made))
    assert again.left == [] and course.scores(UNIT) == {"ada": 6, "bob": 6, "eve": 6}


@pytest.mark.parametrize(
    "fault, stops",
    [
        (OSError("it is a link"), False),
        (PermissionError(errno.EACCES, "Permission denied"), False),
        (OSError(errno.EMFILE, "Too many open files"), True),
    ],
)
def test_a_file_that_cannot_be_read_gets_nothing_unless_it_is_the_machines_fault(fault, stops, made, course):
    class Unread:
        def read(self) -> bytes:
            raise fault

    sources = a_class("ada") | {"bob": Unread()} | a_class("eve")
    summary = grade_class(made.bundle, sources, course, Fake(made), 1)
    if stops:
        assert summary.left == ["bob", "eve"] and "Too many open files" in summary.stopped
    else:
        assert outcomes(summary) == {"ada": ("graded", 6), "bob": ("unreadable", 0), "eve": ("graded", 6)}
        assert (fault.strerror or str(fault)) in summary.results["bob"].notes[0]


@pytest.mark.parametrize("gone", [BrokenPipeError(), OSError(errno.EIO, "the terminal is closed"), SystemExit(1)])
def test_a_terminal_that_is_gone_loses_nothing(gone, made, course):
    def finished(graded):
        raise gone

    summary = grade_class(made.bundle, a_class("ada", "bob"), course, Fake(made), 1, finished)
    assert summary.left == [] and course.scores(UNIT) == {"ada": 6, "bob": 6}


# what cannot be recorded


def test_one_students_folder_that_is_a_file_costs_only_that_one(made, course):
    (course.folder / "autograded").mkdir()
    (course.folder / "autograded" / "bob").write_text("a file")
    summary = grade_class(made.bundle, a_class("ada", "bob", "eve"), course, Fake(made), 1)
    assert summary.unrecorded == ["bob"] and summary.left == [] and summary.stopped == ""
    assert "autograded/bob" in summary.graded["bob"].problem
    assert course.scores(UNIT) == {"ada": 6, "eve": 6} and noted(course) == ["ada", "eve"]
    (course.folder / "autograded" / "bob").unlink()
    assert list(unchanged(made.bundle, a_class("ada", "bob", "eve"), course)) == ["ada", "eve"]


def test_a_fault_in_recording_one_costs_only_that_one(made, course, monkeypatch):
    record = Course.record

    def odd(self, student, unit, result):
        if student == "bob":
            raise KeyError("nbgrader's")
        record(self, student, unit, result)

    monkeypatch.setattr(Course, "record", odd)
    summary = grade_class(made.bundle, a_class("ada", "bob", "eve"), course, Fake(made), 1)
    assert summary.unrecorded == ["bob"] and "KeyError" in summary.graded["bob"].problem
    assert course.scores(UNIT) == {"ada": 6, "eve": 6} and noted(course) == ["ada", "eve"]


def stopped_after(made, course, count, begin_trouble, says, students=("a", "b", "c", "d", "e")):
    """Grade until trouble begins after so many; then everything else must be left, with one message."""
    said = []

    def finished(graded):
        said.append(graded)
        if len(said) == count:
            begin_trouble()

    fake = Fake(made)
    summary = grade_class(made.bundle, a_class(*students), course, fake, 1, finished)
    assert re.search(says, summary.stopped), summary.stopped
    assert [graded.student for graded in said] == list(students[:count]) == list(summary.graded)
    assert summary.left == list(students[count:]) and summary.unrecorded == [] and fake.closed.is_set()
    return summary


def goes_on(made, course, students=("a", "b", "c", "d", "e")):
    """The same again, when the trouble is over: exactly the rest, each once."""
    sources = a_class(*students)
    before = unchanged(made.bundle, sources, course)
    rest = {student: source for student, source in sources.items() if student not in before}
    fake = Fake(made)
    summary = grade_class(made.bundle, rest, course, fake, 1)
    assert fake.asked == list(rest) and summary.left == [] == summary.unrecorded
    assert course.scores(UNIT) == dict.fromkeys(students, 6)
    assert sorted(noted(course)) == sorted(students) and sound(course)
    return list(rest)


def sound(course):
    with contextlib.closing(sqlite3.connect(course.folder / "gradebook.db")) as database:
        return database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.fixture
def small_disk(tmp_path):
    """A disk of its own, as root can make one: mount(options) sets how."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(options):
        command = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
        if os.geteuid() or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("no disk can be mounted here")

    yield SimpleNamespace(folder=folder, mount=mount)
    subprocess.run(["umount", "--lazy", str(folder)], capture_output=True)


def test_a_full_disk_stops_the_class_once_and_the_same_goes_on(made, course, small_disk):
    small_disk.mount("size=2m")
    full = Course(shutil.copytree(course.folder, small_disk.folder / "course"))

    def fill():
        with contextlib.suppress(OSError), (small_disk.folder / "ballast").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    stopped_after(made, full, 2, fill, "the disk is full. Make room and give the same command again")
    (small_disk.folder / "ballast").unlink()
    assert goes_on(made, full) == ["c", "d", "e"]


def test_a_disk_that_turns_read_only_stops_the_class_once(made, course, small_disk):
    small_disk.mount("size=4m")
    disk = Course(shutil.copytree(course.folder, small_disk.folder / "course"))

    def turn():
        disk.close()  # or the disk is busy
        small_disk.mount("remount,ro")

    stopped_after(made, disk, 2, turn, "Is the disk read-only")
    small_disk.mount("remount,rw")
    assert goes_on(made, disk) == ["c", "d", "e"]


def test_a_limit_on_file_sizes_stops_the_class_once(made, course):
    """A full disk without a disk of one's own: no file may grow beyond what the gradebook has."""
    students = [f"s{i}" for i in range(60)]
    most = (course.folder / "gradebook.db").stat().st_size

    def limited():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        summary = grade_class(made.bundle, a_class(*students), course, Fake(made), 1)
        return [list(summary.graded), summary.left, summary.unrecorded, summary.stopped]

    done, left, unrecorded, stopped = isolated(limited)
    assert "the disk is full" in stopped and unrecorded == [] and left and done + left == students
    assert course.scores(UNIT) == dict.fromkeys(done, 6) and noted(course) == done
    assert goes_on(made, course, students) == left


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO, errno.EDQUOT])
@pytest.mark.parametrize("file", [UNIT + ".ipynb", UNIT + ".journal.jsonl"])
def test_an_error_of_the_disk_in_either_file_stops_the_class_once(number, file, made, course, monkeypatch):
    """The notebook's comes before the gradebook's commit, the journal's after."""
    real = os.fsync

    def broken(descriptor):
        if file in os.readlink(f"/proc/self/fd/{descriptor}"):
            raise OSError(number, os.strerror(number))
        real(descriptor)

    stopped_after(made, course, 2, lambda: monkeypatch.setattr(os, "fsync", broken), "cannot be")
    monkeypatch.setattr(os, "fsync", real)
    goes_on_even_if_in_the_journal(made, course)


def goes_on_even_if_in_the_journal(made, course):
    """A line whose fsync failed may be there all the same; what matters is that each has its score once."""
    sources = a_class("a", "b", "c", "d", "e")
    before = unchanged(made.bundle, sources, course)
    assert {"a", "b"} <= set(before) <= {"a", "b", "c"}
    rest = {student: source for student, source in sources.items() if student not in before}
    assert grade_class(made.bundle, rest, course, Fake(made), 1).left == []
    assert course.scores(UNIT) == dict.fromkeys(sources, 6) and sound(course)
    assert set(Journal(course.folder, UNIT).last()) == set(sources)


def test_a_locked_gradebook_stops_the_class_once(made, course, monkeypatch):
    monkeypatch.setattr(ledger, "BUSY_SECONDS", 0.2)
    other = sqlite3.connect(course.folder / "gradebook.db", isolation_level=None)
    stopped_after(made, course, 2, lambda: other.execute("BEGIN IMMEDIATE"), "is in use by another program")
    other.close()
    assert goes_on(made, course) == ["c", "d", "e"]


def test_a_gradebook_that_turns_into_a_newer_ones_stops_the_class_once(made, course):
    def upgrade():
        course.close()
        with contextlib.closing(sqlite3.connect(course.folder / "gradebook.db")) as database:
            database.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
            database.commit()

    stopped_after(made, course, 2, upgrade, "made by a newer nbgrader")
    assert noted(course) == ["a", "b"]


def test_a_folder_that_is_not_ours_to_write_stops_the_class_once(made, course):
    (course.folder / "autograded").write_text("a file")
    stopped_after(made, course, 0, lambda: None, "autograded")
    (course.folder / "autograded").unlink()
    assert goes_on(made, course) == ["a", "b", "c", "d", "e"]


def test_killed_between_gradebook_and_journal_it_is_graded_again_to_the_same(made, course, monkeypatch):
    add = Journal.add

    def killed(self, entry):
        if entry.student == "b":
            os.kill(os.getpid(), signal.SIGKILL)
        add(self, entry)

    with monkeypatch.context() as patch, pytest.raises(IsolatedError, match="-9"):
        patch.setattr(Journal, "add", killed)
        isolated(lambda: len(grade_class(made.bundle, a_class("a", "b", "c"), course, Fake(made), 1).graded))
    assert course.scores(UNIT) == {"a": 6, "b": 6} and noted(course) == ["a"]
    assert goes_on(made, course, ("a", "b", "c")) == ["b", "c"]
    with Gradebook(course.db_url, "gradus") as gradebook:
        assert len(gradebook.assignment_submissions(UNIT)) == 3
        assert [len(s.notebooks[0].grades) for s in gradebook.assignment_submissions(UNIT)] == [3, 3, 3]


# the journal


def entry(student="ada", digest="d", bundle="k", score=6.0) -> Entry:
    return Entry(student, digest, bundle, "graded", score, 6.0, 1, 0.5, "2026-11-24T12:00:00+00:00")


def test_the_last_line_of_a_student_holds(tmp_path):
    journal = Journal(tmp_path, UNIT)
    assert journal.last() == {}
    for one in (entry(score=1.0), entry("bob"), entry(score=2.0)):
        journal.add(one)
    assert journal.last() == {"ada": entry(score=2.0), "bob": entry("bob")}
    assert Journal(tmp_path, "98_other").last() == {}


JUNK = [
    b"",
    b"\0" * 4096,
    b"\xff\xfe",
    b"null",
    b"7",
    b'"ada"',
    b"[1, 2]",
    b"{}",
    b'{"student": "bob"}',
    b'{"student": ["bob"]}',
    b"[" * 200_000,
    b'{"a":' * 50_000,
]


@pytest.mark.parametrize("junk", JUNK)
def test_lines_that_are_none_are_passed_over(junk, tmp_path):
    journal = Journal(tmp_path, UNIT)
    journal.add(entry())
    with journal.path.open("ab") as file:
        file.write(junk + b"\n")
    journal.add(entry("bob"))
    assert journal.last() == {"ada": entry(), "bob": entry("bob")}


@pytest.mark.parametrize("kept", [0, 1, 20, 100, -1])
def test_a_torn_line_costs_no_other(kept, tmp_path):
    journal = Journal(tmp_path, UNIT)
    for student in ("ada", "bob"):
        journal.add(entry(student))
    first, second = journal.path.read_bytes().splitlines(keepends=True)
    journal.path.write_bytes(first + second[:kept])
    whole = kept == -1  # only its end is missing
    assert set(journal.last()) == ({"ada", "bob"} if whole else {"ada"})
    journal.add(entry("eve"))
    assert set(journal.last()) == ({"ada", "bob", "eve"} if whole else {"ada", "eve"})


def test_a_later_versions_lines_are_understood(tmp_path):
    journal = Journal(tmp_path, UNIT)
    journal.add(entry())
    line = json.loads(journal.path.read_text())
    journal.path.write_text(json.dumps(line | {"machine": "m", "student": "bob"}) + "\n")
    assert journal.last() == {"bob": entry("bob")}


def test_odd_names_are_kept(tmp_path):
    journal = Journal(tmp_path, UNIT)
    names = ["Zoë\u2028x", "a\nb", '"q"', "\\xe9", "名前"]
    for name in names:
        journal.add(entry(name))
    assert list(journal.last()) == names


def test_only_what_is_the_same_stands(made, course):
    sources = a_class("same", "changed", "other-unit", "gone", "unread")
    journal = Journal(course.folder, UNIT)
    for student, source in sources.items():
        key = "another" if student == "other-unit" else made.bundle.key
        journal.add(entry(student, hashlib.sha256(source.data).hexdigest(), key))
    sources["changed"].data += b" "
    del sources["gone"]

    def unread():
        raise OSError("it is a link")

    sources["unread"].read = unread
    assert list(unchanged(made.bundle, sources, course)) == ["same"]


def test_what_could_not_be_read_is_tried_again(made, course):
    class Unread:
        def read(self) -> bytes:
            raise OSError("it is a link")

    grade_class(made.bundle, {"ada": Unread()}, course, Fake(made))
    assert noted(course) == ["ada"]
    assert unchanged(made.bundle, a_class("ada"), course) == {} == unchanged(made.bundle, {"ada": Unread()}, course)


# one at a time


def test_a_second_run_in_the_folder_is_refused(tmp_path):
    with (
        alone(tmp_path),
        pytest.raises(Busy, match=rf"process {os.getpid()}\) is at work in {tmp_path}"),
        alone(tmp_path),
    ):
        pass
    with alone(tmp_path):
        pass


def test_a_run_that_was_killed_shuts_nobody_out(tmp_path):
    def die():
        with alone(tmp_path):
            os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(IsolatedError, match="-9"):
        isolated(die)
    with alone(tmp_path):
        pass


# the command


@pytest.fixture
def project(made, tmp_path, monkeypatch):
    """A project's folder with eight who have handed in, and in it."""
    folder = tmp_path / "project"
    shutil.copytree(made.base / "solutions", folder / "solutions")
    right = {name: exercise.cell.source for name, exercise in made.bundle.unit.exercises.items()}
    for number in range(8):
        path = folder / "grading" / "submitted" / f"s{number}" / UNIT / f"{UNIT}.ipynb"
        path.parent.mkdir(parents=True)
        answer = f"{right['softmax']}\n\n__import__('time').sleep(0.4)  # {number}\n"
        answers = {"softmax": answer} | ({"Scaler": right["Scaler"]} if number % 2 else {})
        path.write_text(to_text(filled(made.bundle.release, answers)), encoding="utf-8")
    monkeypatch.chdir(folder)
    return folder


SCORES = {f"s{number}": 6 if number % 2 else 4 for number in range(8)}


def begin(*words: str) -> subprocess.Popen:
    """The command as a process of its own, its output in `log`."""
    with open("log", "ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "autograder.cli", "grade", UNIT, *words],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"},
            # a shell may start pytest with Ctrl-C ignored
            preexec_fn=lambda: [signal.signal(number, signal.SIG_DFL) for number in (2, 15, 1)],
        )


def finished_ones() -> list[str]:
    return re.findall(r"^\[\d+/\d+\] (\w+):", Path("log").read_text(), re.MULTILINE)


def wait_for(condition, process, seconds=90):
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, Path("log").read_text()
        assert time.monotonic() < deadline, Path("log").read_text()
        time.sleep(0.01)


@closed_in
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_class_that_is_stopped_goes_on_where_it_was(name, project):
    process = begin("--jobs", "2")
    wait_for(lambda: len(finished_ones()) >= 2, process)
    process.send_signal(getattr(signal, name))
    process.send_signal(getattr(signal, name))  # the impatient ask twice
    assert process.wait(60) == 130, Path("log").read_text()
    said = Path("log").read_text()
    course = Course("grading")
    done = finished_ones()
    assert "Traceback" not in said and 2 <= len(done) < 8
    assert sorted(noted(course)) == sorted(done) == sorted(course.scores(UNIT))
    left = [student for student in SCORES if student not in done]
    assert f"{len(done)} graded, {len(left)} left: {', '.join(left)}. The same command goes on with those." in said
    Path("log").unlink()
    process = begin("--jobs", "2")
    assert process.wait(120) == 0, Path("log").read_text()
    assert sorted(finished_ones()) == left and f"{len(done)} graded before and unchanged" in Path("log").read_text()
    assert course.scores(UNIT) == SCORES and sorted(noted(course)) == sorted(SCORES) and sound(course)


@closed_in
def test_nohup_is_respected(project):
    """Who ignores that the terminal is closed wants the class graded."""
    with open("log", "ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "autograder.cli", "grade", UNIT, "--only", "s0", "--only", "s1"],
            stdout=log,
            stderr=log,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
        )
    wait_for(finished_ones, process)
    process.send_signal(signal.SIGHUP)
    assert process.wait(60) == 0
    assert Course("grading").scores(UNIT) == {"s0": 4, "s1": 6}


@closed_in
def test_a_request_to_end_before_anything_is_graded_changes_no_score(project):
    process = begin()
    wait_for((project / "grading" / ".gradus" / "lock").exists, process)
    process.send_signal(signal.SIGTERM)
    # CPython ends by the signal itself where the interrupt passed through an exec() (each named tuple's, while modules
    # are imported), caught or not; a shell says 130 of either
    assert process.wait(60) in (130, -signal.SIGINT), Path("log").read_text()
    assert "Stopped before anything was graded." in Path("log").read_text() and noted(Course("grading")) == []


@closed_in
def test_a_second_command_meanwhile_says_so_and_changes_nothing(project):
    process = begin("--jobs", "1")
    wait_for(finished_ones, process)
    done = CliRunner().invoke(main, ["grade", "99", "--only", "s7", "--force"])
    assert done.exit_code == 1, done.output
    assert f"Nothing was graded. Another autograder (process {process.pid}) is at work in" in done.output
    assert process.wait(120) == 0
    assert Course("grading").scores(UNIT) == SCORES and sorted(noted(Course("grading"))) == sorted(SCORES)


def run(*words: str, status: int = 0) -> str:
    done = CliRunner().invoke(main, ["grade", "99", *words])
    assert done.exit_code == status, done.output
    return done.output


def shown(output: str) -> list[str]:
    return sorted(re.findall(r"^\[\d+/\d+\] (\w+):", output, re.MULTILINE))


@closed_in
def test_only_since_force_and_what_has_not_changed(project):
    old = time.time() - 5 * 86400
    submitted = project / "grading" / "submitted"
    for number in range(4, 8):
        os.utime(submitted / f"s{number}" / UNIT / f"{UNIT}.ipynb", (old, old))
    assert shown(run("--only", "s1", "--only", "s6")) == ["s1", "s6"]
    assert shown(run("--since", "2d")) == ["s0", "s2", "s3"]  # s1 has not changed
    for since in ("90m", "3h", time.strftime("%Y-%m-%d", time.localtime(time.time() - 86400))):
        assert "4 graded before and unchanged" in run("--since", since)
    at = time.strftime("%Y-%m-%dT%H:%M", time.localtime(old - 120))
    assert shown(run("--since", at)) == ["s4", "s5", "s7"]
    assert Course("grading").scores(UNIT) == SCORES
    assert shown(run()) == [] and sorted(noted(Course("grading"))) == sorted(SCORES)
    assert shown(run("--force", "--only", "s3")) == ["s3"]
    path = submitted / "s5" / UNIT / f"{UNIT}.ipynb"
    path.write_text((submitted / "s0" / UNIT / f"{UNIT}.ipynb").read_text())
    assert shown(run()) == ["s5"]
    assert Course("grading").scores(UNIT) == SCORES | {"s5": 4}


def test_a_wrong_choice_changes_nothing(project):
    for words, says in {
        ("--only", "s9"): "s9 has handed in nothing (of 8 students found).",
        ("--since", "yesterday"): "--since yesterday is no time: give 2026-11-24",
        ("--since", "9999-13-01"): "is no time",
    }.items():
        assert says in run(*words, status=1)
    assert "Nothing was handed in since 2999-01-01; of 8 all are older." in run("--since", "2999-01-01")
    assert not (project / "grading" / "gradebook.db").exists()


def test_a_folder_that_cannot_be_written_is_said_at_once(project, small_disk, monkeypatch):
    small_disk.mount("size=4m")
    shutil.copytree(project / "grading", small_disk.folder / "grading")
    small_disk.mount("remount,ro")
    output = run("--course", str(small_disk.folder / "grading"), status=1)
    assert "Nothing was graded." in output and "Is the disk read-only" in output and "Traceback" not in output


def test_a_newer_gradebook_is_said_at_once(made, project):
    Course("grading").prepare(made.bundle.unit)
    with contextlib.closing(sqlite3.connect("grading/gradebook.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
        database.commit()
    before = Path("grading/gradebook.db").read_bytes()
    output = run(status=1)
    assert "Nothing was graded." in output and "made by a newer nbgrader" in output
    assert Path("grading/gradebook.db").read_bytes() == before and noted(Course("grading")) == []


@closed_in
def test_a_disk_that_fills_up_is_said_once_and_the_same_command_goes_on(project, monkeypatch):
    add, added = Journal.add, []

    def full(self, one):
        if len(added) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
        added.append(one.student)
        add(self, one)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "add", full)
        output = run("--jobs", "2", status=1)
    assert output.count("the disk is full. Make room and give the same command again.") == 1
    assert "3 graded, 5 left: " in output and len(shown(output)) == 3
    assert sorted([*shown(run()), *added]) == sorted(SCORES)
    assert Course("grading").scores(UNIT) == SCORES and sorted(noted(Course("grading"))) == sorted(SCORES)
