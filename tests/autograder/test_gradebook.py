"""What the gradebook keeps: every score once, every mark given by hand, whatever goes wrong in between."""

from __future__ import annotations

import contextlib
import copy
import os
import random
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
from nbgrader.api import Gradebook
from nbgrader.converters import GenerateAssignment
from nbgrader.preprocessors import SaveAutoGrades

from autograder import ledger
from autograder.bundle import Bundle
from autograder.collect import collect
from autograder.examine import examine
from autograder.gradebook import Course, CourseError
from autograder.isolate import IsolatedError, isolated
from autograder.release import filled, solved_notebook, to_text
from autograder.source import load_unit

from .tiny import SOURCE, graded, write

UNIT = "99_tiny"
NOTHING = {"check-softmax": 0, "check-Scaler": 0, "why": 0}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A bundle, examined papers, and a course with the unit in it and nobody's work."""
    base = tmp_path_factory.mktemp("gradebook")
    bundle = Bundle.load(write(base))
    right = {name: exercise.cell.source for name, exercise in bundle.unit.exercises.items()}
    papers = {
        "perfect": to_text(solved_notebook(bundle.unit)),
        "half": to_text(filled(bundle.release, {"softmax": right["softmax"]})),
        "stub": to_text(bundle.release),
        "broken": "not a notebook",
    }
    results = {name: examine(text.encode(), bundle) for name, text in papers.items()}
    Course(base / "course").prepare(bundle.unit)
    return SimpleNamespace(base=base, bundle=bundle, unit=bundle.unit, papers=papers, results=results)


@pytest.fixture
def course(made, tmp_path):
    shutil.copytree(made.base / "course", tmp_path / "course")
    return Course(tmp_path / "course")


def cells(course, student, unit=UNIT, what="auto_score"):
    with Gradebook(course.db_url, "gradus") as gradebook:
        [notebook] = gradebook.find_submission(unit, student).notebooks
        return {grade.name: getattr(grade, what) for grade in notebook.grades}


def autograded(course, student, unit=UNIT):
    return (course.folder / "autograded" / student / unit / f"{unit}.ipynb").read_text(encoding="utf-8")


def test_scores_are_recorded_by_cell(course, made):
    for name in ("perfect", "half", "stub"):
        course.record(name, UNIT, made.results[name])
    assert cells(course, "perfect") == {"check-softmax": 4, "check-Scaler": 2, "why": None}
    assert cells(course, "half") == {"check-softmax": 4, "check-Scaler": 0, "why": 0}
    assert cells(course, "stub") == NOTHING
    assert cells(course, "stub", what="max_score") == {"check-softmax": 4, "check-Scaler": 2, "why": 2}
    assert course.scores(UNIT) == {"perfect": 6, "half": 4, "stub": 0}


def test_recording_twice_does_not_double(course, made):
    for name in ("perfect", "perfect", "half", "half"):
        course.record("ada", UNIT, made.results[name])
    assert course.scores(UNIT) == {"ada": 4}  # the last one holds
    with Gradebook(course.db_url, "gradus") as gradebook:
        assert [student.id for student in gradebook.students] == ["ada"]
        [submission] = gradebook.assignment_submissions(UNIT)
        assert len(submission.notebooks) == 1 and len(submission.notebooks[0].grades) == 3
    assert autograded(course, "ada").count("4 of 4 tests passed") == 1


def by_hand(course, student):
    """Marks and words that a person gave in formgrader."""
    with Gradebook(course.db_url, "gradus") as gradebook:
        gradebook.find_grade("why", UNIT, UNIT, student).manual_score = 1.5
        gradebook.find_grade("check-Scaler", UNIT, UNIT, student).manual_score = 1
        gradebook.find_grade("check-softmax", UNIT, UNIT, student).extra_credit = 0.5
        gradebook.find_comment("why", UNIT, UNIT, student).manual_comment = "Well put."
        gradebook.db.commit()


def kept_by_hand(course, student):
    with Gradebook(course.db_url, "gradus") as gradebook:
        comment = gradebook.find_comment("why", UNIT, UNIT, student).comment
    marks = cells(course, student, what="manual_score")
    return comment == "Well put." and marks == {"why": 1.5, "check-Scaler": 1, "check-softmax": None}


def test_marks_given_by_hand_survive_a_second_grading(course, made):
    course.record("ada", UNIT, made.results["half"])
    by_hand(course, "ada")
    course.record("ada", UNIT, made.results["perfect"])
    assert kept_by_hand(course, "ada")
    assert cells(course, "ada") == {"check-softmax": 4, "check-Scaler": 2, "why": None}
    assert cells(course, "ada", what="score") == {"check-softmax": 4.5, "check-Scaler": 1, "why": 1.5}
    needs = cells(course, "ada", what="needs_manual_grade")
    assert needs == {"check-softmax": False, "check-Scaler": True, "why": True}  # look again: the work is another
    course.record("ada", UNIT, made.results["broken"])
    assert kept_by_hand(course, "ada")
    [page] = course.feedback(UNIT)
    assert "Well put." in page.read_text(encoding="utf-8")


def test_questions_wait_for_a_person_if_answered(course, made):
    for name in ("perfect", "stub"):
        course.record(name, UNIT, made.results[name])
    assert cells(course, "perfect", what="needs_manual_grade") == dict.fromkeys(NOTHING, False) | {"why": True}
    assert cells(course, "stub", what="needs_manual_grade") == dict.fromkeys(NOTHING, False)


def test_what_cannot_be_read_gets_nothing_and_the_reason(course, made, tmp_path):
    """And the student after it is graded."""
    solution = tmp_path / "solution.ipynb"
    solution.write_text(made.papers["perfect"], encoding="utf-8")
    hand_in(course, "no-json", "not a notebook")
    hand_in(course, "zzz", made.papers["perfect"])
    for student in ("link", "folder", "pipe", "dangling"):
        path = hand_in(course, student, "")
        path.unlink()
        if student == "link":
            path.symlink_to(solution)
        elif student == "folder":
            path.mkdir()
        elif student == "pipe":
            os.mkfifo(path)
        else:
            path.symlink_to(tmp_path / "nowhere.ipynb")
    found = course.submissions(UNIT)
    said = []
    results = graded(made.bundle, found, course, said.append).results
    assert len(said) == len(results) == len(course.scores(UNIT)) == 6
    for student, why in {"no-json": "no valid JSON", "link": "a link", "folder": "no ordinary file",
                         "pipe": "no ordinary file", "dangling": "a link"}.items():  # fmt: skip
        assert results[student].outcome == "unreadable" and why in results[student].notes[0]
        assert cells(course, student) == NOTHING
        assert why in autograded(course, student) and "Notes from the grader" in autograded(course, student)
    assert course.scores(UNIT)["zzz"] == 6


def hand_in(course, student, text, unit=UNIT):
    path = course.folder / "submitted" / student / unit / f"{unit}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return path


NAMES = [
    "José O'Neil",
    "[ab] x",
    "a x",
    "wh?t*",
    "*",
    " spaces ",
    "{student_id} %s",
    "-rf",
    '"q" <b>&',
    "名前",
    "a.b+c\\d",
]


def test_a_name_may_hold_odd_characters(course, made):
    """nbgrader takes a name for a pattern: "*" is everybody, "[ab] x" is "a x", and not itself."""
    for name in NAMES:
        course.record(name, UNIT, made.results["half"])
    course.record("*", UNIT, made.results["perfect"])
    course.record("[ab] x", UNIT, made.results["stub"])
    assert course.scores(UNIT) == dict.fromkeys(NAMES, 4) | {"*": 6, "[ab] x": 0}
    assert {page.parent.parent.name for page in course.feedback(UNIT)} == set(NAMES)
    shown = (course.folder / "feedback" / "a x" / UNIT / f"{UNIT}.html").read_text(encoding="utf-8")
    assert "Score: 4 / 8" in shown


def test_a_name_that_is_no_text_is_spelt_out(course, made):
    """Archives from Windows unpack to names in another encoding."""
    folder = os.fsencode(course.folder / "submitted") + b"/Jos\xe9/" + UNIT.encode()
    try:
        os.makedirs(folder)
    except OSError:
        pytest.skip("this file system holds text names only")
    with open(folder + f"/{UNIT}.ipynb".encode(), "w", encoding="utf-8") as file:
        file.write(made.papers["perfect"])
    found = course.submissions(UNIT)
    assert list(found) == list(collect([course.folder / "submitted"], UNIT).sources) == ["Jos\\xe9"]
    graded(made.bundle, found, course)
    assert course.scores(UNIT) == {"Jos\\xe9": 6}


def test_the_folder_may_have_odd_characters(made, tmp_path):
    course = Course(tmp_path / "Year [1] *")
    shutil.copytree(made.base / "course", course.folder)
    course.record("ada", UNIT, made.results["half"])
    assert course.scores(UNIT) == {"ada": 4} and len(course.feedback(UNIT)) == 1


def test_a_second_unit_in_the_same_course(course, made):
    other = load_unit(write(course.folder.parent, SOURCE.replace(UNIT, "98_other"), "98_other"))
    course.record("ada", UNIT, made.results["half"])
    course.prepare(other)
    bundle = Bundle.load(other.path)
    course.record("ada", "98_other", examine(to_text(solved_notebook(other)).encode(), bundle))
    course.record("bob", "98_other", examine(to_text(bundle.release).encode(), bundle))
    course.prepare(made.unit)
    course.record("ada", UNIT, made.results["perfect"])
    assert course.scores(UNIT) == {"ada": 6}
    assert course.scores("98_other") == {"ada": 6, "bob": 0}
    assert len(course.feedback(UNIT)) == 1 and len(course.feedback("98_other")) == 2


def test_preparing_again_changes_nothing_and_a_new_text_is_taken(course, made, tmp_path):
    path = course.folder / "release" / UNIT / f"{UNIT}.ipynb"
    before = path.stat().st_mtime_ns
    course.prepare(made.unit)
    assert path.stat().st_mtime_ns == before
    course.record("ada", UNIT, made.results["half"])
    course.prepare(load_unit(write(tmp_path, SOURCE.replace('"each row sums to one"', '"rows sum to one"'))))
    assert "rows sum to one" in path.read_text(encoding="utf-8")
    assert course.scores(UNIT) == {"ada": 4}


def test_exercises_that_change_after_grading_are_refused_each_time(course, made, tmp_path):
    """nbgrader keeps the cells that were graded. Going on would record scores of one unit under another's."""
    course.record("ada", UNIT, made.results["half"])
    renamed = load_unit(write(tmp_path, SOURCE.replace('"softmax"', '"probabilities"')))
    for _ in range(2):
        with pytest.raises(CourseError, match="have changed since students were graded"):
            course.prepare(renamed)
    assert course.scores(UNIT) == {"ada": 4}
    course.prepare(made.unit)
    course.record("ada", UNIT, made.results["perfect"])
    assert course.scores(UNIT) == {"ada": 6}


@pytest.mark.parametrize("text, late", [("2030-01-02 10:00:00 UTC", True), ("last night", False), ("", False)])
def test_the_time_of_submission(text, late, course, made):
    hand_in(course, "ada", made.papers["half"]).with_name("timestamp.txt").write_text(text, encoding="utf-8")
    with Gradebook(course.db_url, "gradus") as gradebook:
        gradebook.update_or_create_assignment(UNIT, duedate="2030-01-02 09:00:00 UTC")
    course.record("ada", UNIT, made.results["half"])
    assert course.scores(UNIT) == {"ada": 4}
    with Gradebook(course.db_url, "gradus") as gradebook:
        assert gradebook.find_submission(UNIT, "ada").total_seconds_late == (3600 if late else 0)
    assert ("holds no time" in autograded(course, "ada")) == (not late)


def killed(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)


def killed_at_the_second(method):
    seen = []

    def call(*args, **kwargs):
        seen.append(1)
        return method(*args, **kwargs) if len(seen) < 2 else killed()

    return call


def killed_afterwards(method):
    def call(*args, **kwargs):
        method(*args, **kwargs)
        killed()

    return call


RECORDING = {
    "nothing is written": (ledger.Ledger, "writing", lambda method: killed),
    "one of two scores is in": (SaveAutoGrades, "_add_score", killed_at_the_second),
    "all scores are in, nothing is committed": (ledger.Ledger, "_write", killed_afterwards),
    "all is committed, the notebook is the old one": (Path, "replace", lambda method: killed),
}


@pytest.mark.parametrize("moment", RECORDING)
def test_a_write_that_is_cut_short_loses_nothing(moment, course, made, monkeypatch):
    owner, name, wrap = RECORDING[moment]
    course.record("ada", UNIT, made.results["half"])
    course.record("bob", UNIT, made.results["half"])
    by_hand(course, "ada")
    hand_in(course, "ada", made.papers["perfect"])
    with monkeypatch.context() as patch, pytest.raises(IsolatedError, match="-9"):
        patch.setattr(owner, name, wrap(getattr(owner, name)))
        isolated(lambda: course.record("ada", UNIT, made.results["perfect"]))
    assert kept_by_hand(course, "ada")
    assert course.scores(UNIT) == {"bob": 4, "ada": 6 if "committed, the notebook" in moment else 4}
    assert autograded(course, "ada").count("4 of 4 tests passed") == 1  # a whole one
    assert sound(course)
    assert course.submissions(UNIT)["ada"].read_text(encoding="utf-8") == made.papers["perfect"]
    course.prepare(made.unit)
    course.record("ada", UNIT, made.results["perfect"])
    assert course.scores(UNIT) == {"ada": 6, "bob": 4} and kept_by_hand(course, "ada")
    assert os.listdir(course.folder / "autograded" / "ada" / UNIT) == [f"{UNIT}.ipynb"]
    assert len(course.feedback(UNIT)) == 2


def sound(course):
    with contextlib.closing(sqlite3.connect(course.folder / "gradebook.db")) as database:
        return database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_killed_at_any_moment_a_run_loses_at_most_the_one_at_work(course, made):
    """The gradebook has each that was said to be recorded, and goes on with the rest."""
    rng = random.Random(4)
    for number in range(12):
        reading, writing = os.pipe()
        pid = os.fork()
        if not pid:
            try:
                for i in range(200):
                    course.record(f"{number}-{i}", UNIT, made.results["half"])
                    os.write(writing, b"+")
            finally:
                os._exit(1)
        os.close(writing)
        time.sleep(rng.uniform(0.05, 0.3))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        with open(reading, "rb") as file:
            said = len(file.read())
        assert sound(course)
        mine = {name: score for name, score in course.scores(UNIT).items() if name.startswith(f"{number}-")}
        assert set(mine.values()) <= {4} and said <= len(mine) <= said + 1
    course.record("last", UNIT, made.results["perfect"])
    assert course.scores(UNIT)["last"] == 6


def test_a_mark_saved_meanwhile_waits_for_the_grader_and_is_kept(course, made):
    course.record("ada", UNIT, made.results["half"])
    saved = threading.Thread(target=by_hand, args=(course, "ada"))
    book = course._open(UNIT)
    with book.writing("bob", made.results["half"].notebook, None):
        saved.start()
        saved.join(0.3)
        assert saved.is_alive()
    saved.join(20)
    assert kept_by_hand(course, "ada") and course.scores(UNIT) == {"ada": 4.0, "bob": 4.0}


def test_late_work_is_punished_as_the_course_says(course, made):
    config = course.folder / "nbgrader_config.py"
    config.write_text(config.read_text() + 'c.LateSubmissionPlugin.penalty_method = "zero"\n', encoding="utf-8")
    stamp = hand_in(course, "ada", made.papers["half"]).with_name("timestamp.txt")
    stamp.write_text("2030-01-02 10:00:00 UTC", encoding="utf-8")
    with Gradebook(course.db_url, "gradus") as gradebook:
        gradebook.update_or_create_assignment(UNIT, duedate="2030-01-02 09:00:00 UTC")
    for name in ("ada", "bob"):
        course.record(name, UNIT, made.results["half"])
    with Gradebook(course.db_url, "gradus") as gradebook:
        late = {name: gradebook.find_submission(UNIT, name).late_submission_penalty for name in ("ada", "bob")}
    assert late == {"ada": 4, "bob": 0}
    config.write_text("c = get_config()\nc.x = 1 / 0\n", encoding="utf-8")
    with pytest.raises(CourseError, match=r"nbgrader_config\.py has a fault: ZeroDivisionError"):
        Course(course.folder).record("bob", UNIT, made.results["half"])


def test_a_preparation_that_is_cut_short_is_made_up_for(course, made, tmp_path, monkeypatch):
    changed = load_unit(write(tmp_path, SOURCE.replace("points=4", "points=8")))
    with monkeypatch.context() as patch, pytest.raises(IsolatedError, match="-9"):
        patch.setattr(GenerateAssignment, "start", killed)
        isolated(lambda: course.prepare(changed))
    course.prepare(changed)
    with Gradebook(course.db_url, "gradus") as gradebook:
        assert gradebook.find_grade_cell("check-softmax", UNIT, UNIT).max_score == 8


def test_a_gradebook_that_was_only_begun_is_made_anew(made, tmp_path, monkeypatch):
    course = Course(tmp_path / "new")
    with monkeypatch.context() as patch, pytest.raises(IsolatedError, match="-9"):
        patch.setattr(ledger, "known_versions", killed)
        isolated(lambda: course.prepare(made.unit))
    course.prepare(made.unit)
    course.record("ada", UNIT, made.results["half"])
    assert course.scores(UNIT) == {"ada": 4}


def test_a_new_gradebook_is_what_nbgrader_makes(tmp_path):
    """The same tables, and the version without which `nbgrader db upgrade` has nothing to go by."""
    beside = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    script = "import sys; from nbgrader.api import Gradebook; Gradebook(sys.argv[1], 'gradus').close()"
    theirs, ours = tmp_path / "theirs.db", tmp_path / "ours.db"
    subprocess.run(
        [sys.executable, "-c", script, f"sqlite:///{theirs}"], env=os.environ | {"PATH": beside}, check=True, timeout=60
    )
    ledger.make(ours)
    kept = []
    for path in (theirs, ours):
        with contextlib.closing(sqlite3.connect(path)) as database:
            kept.append(set(database.execute("SELECT name, sql FROM sqlite_master WHERE sql NOT LIKE '%alembic%'")))
            kept.append(database.execute("SELECT version_num FROM alembic_version").fetchall())
    assert kept[:2] == kept[2:] and len(kept[0]) > 10


def everything(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "version, says",
    [
        ("ffffffffffff", "made by a newer nbgrader .* Nothing was changed. Install"),
        (ledger.known_versions()[0], "made by an older nbgrader .* nbgrader db upgrade"),
        (None, "whose making was cut short"),
    ],
)
def test_another_versions_gradebook_is_left_alone(version, says, course, made):
    course.record("ada", UNIT, made.results["half"])
    course.close()
    with contextlib.closing(sqlite3.connect(course.folder / "gradebook.db")) as database:
        if version is None:
            database.execute("DROP TABLE alembic_version")
        else:
            database.execute("UPDATE alembic_version SET version_num = ?", [version])
        database.execute("DROP TABLE course")  # nbgrader would make it anew
        database.commit()
    before = everything(course.folder)
    for act in (lambda: course.prepare(made.unit), lambda: course.record("ada", UNIT, made.results["perfect"])):
        with pytest.raises(CourseError, match=says):
            act()
    assert everything(course.folder) == before


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


def test_a_full_disk_says_so_and_the_same_goes_on_later(course, made, small_disk):
    small_disk.mount("size=1m")
    full = Course(shutil.copytree(course.folder, small_disk.folder / "course"))
    full.record("ada", UNIT, made.results["half"])
    (small_disk.folder / "ballast").write_bytes(bytes(300_000))
    recorded = ["ada"]
    with pytest.raises(CourseError, match=r"the disk is full\. Make room and give the same command again"):
        for number in range(200):
            full.record(f"s{number}", UNIT, made.results["half"])
            recorded.append(f"s{number}")
    with contextlib.suppress(OSError), (small_disk.folder / "more").open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    for _ in range(3):
        with pytest.raises(CourseError, match="disk is full"):
            full.record("ada", UNIT, made.results["perfect"])
    assert full.scores(UNIT) == dict.fromkeys(recorded, 4) and sound(full)
    assert "2 of 2 tests passed" not in autograded(full, "ada")
    for name in ("ballast", "more"):
        (small_disk.folder / name).unlink()
    full.record("ada", UNIT, made.results["perfect"])
    assert full.scores(UNIT) == dict.fromkeys(recorded, 4) | {"ada": 6}
    assert "2 of 2 tests passed" in autograded(full, "ada")
    full.close()


def test_a_limit_on_file_sizes_is_a_full_disk(course, made):
    """The same without a disk of one's own: no file may grow beyond what it is."""
    course.record("ada", UNIT, made.results["half"])
    course.close()
    most = (course.folder / "gradebook.db").stat().st_size

    def limited():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        names = []
        try:
            for number in range(200):
                course.record(f"s{number}", UNIT, made.results["half"])
                names.append(f"s{number}")
        except CourseError as error:
            return [names, str(error)]

    names, said = isolated(limited)
    assert "the disk is full" in said
    assert course.scores(UNIT) == dict.fromkeys(["ada", *names], 4) and sound(course)
    course.record("bob", UNIT, made.results["perfect"])
    assert course.scores(UNIT)["bob"] == 6


def test_a_read_only_disk_says_so(course, made, small_disk):
    small_disk.mount("size=4m")
    kept = Course(shutil.copytree(course.folder, small_disk.folder / "course"))
    kept.record("ada", UNIT, made.results["half"])
    kept.close()
    small_disk.mount("remount,ro")
    new = Course(small_disk.folder / "new")
    for act in (
        lambda: new.prepare(made.unit),
        lambda: kept.record("ada", UNIT, made.results["perfect"]),
        lambda: kept.record("bob", UNIT, made.results["perfect"]),
    ):
        with pytest.raises(CourseError, match=r"cannot be written .* Is the disk read-only"):
            act()
    kept.prepare(made.unit)  # has nothing to write
    small_disk.mount("remount,rw")
    kept.record("bob", UNIT, made.results["perfect"])
    assert kept.scores(UNIT) == {"ada": 4, "bob": 6}
    kept.close()


def test_a_file_that_is_no_gradebook_is_left_alone(made, tmp_path):
    course = Course(tmp_path / "course")
    course.folder.mkdir()
    (course.folder / "gradebook.db").write_text("Dear all, " * 100, encoding="utf-8")
    with pytest.raises(CourseError, match=r"gradebook\.db cannot be used"):
        course.prepare(made.unit)
    assert (course.folder / "gradebook.db").read_text(encoding="utf-8").startswith("Dear all")


def test_what_a_killed_write_left_is_undone_by_the_next_run(made, tmp_path):
    """The rollback journal is hot: who opens the gradebook must be allowed to play it back."""
    course = Course(tmp_path)
    course.prepare(made.bundle.unit)
    code = f"""
import os, sqlite3
book = sqlite3.connect({str(tmp_path / "gradebook.db")!r}, isolation_level=None)
book.execute("PRAGMA cache_size = 1")
book.execute("BEGIN IMMEDIATE")
for i in range(200):
    book.execute("INSERT INTO student (id, first_name) VALUES (?, ?)", (f"s{{i}}", "x" * 3000))
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", code], check=False)
    assert (tmp_path / "gradebook.db-journal").exists()
    again = Course(tmp_path)
    again.prepare(made.bundle.unit)
    with Gradebook(again.db_url, "gradus") as book:
        assert not book.students and book.find_notebook(UNIT, UNIT).grade_cells
    assert not (tmp_path / "gradebook.db-journal").exists()


def test_what_was_marked_by_hand_needs_no_second_look_when_nothing_is_new(course, made):
    """Grading the same work again asks for no mark twice; another answer, or another score under a mark, does."""
    course.record("ada", UNIT, made.results["perfect"])
    by_hand(course, "ada")
    with Gradebook(course.db_url, "gradus") as gradebook:
        for name in ("why", "check-Scaler"):  # as formgrader does when a mark is saved
            gradebook.find_grade(name, UNIT, UNIT, "ada").needs_manual_grade = False
        gradebook.db.commit()
    course.record("ada", UNIT, made.results["perfect"])
    assert kept_by_hand(course, "ada")
    assert cells(course, "ada", what="needs_manual_grade") == dict.fromkeys(NOTHING, False)
    noted = copy.deepcopy(made.results["perfect"])
    noted.notes = ["a note"]  # the notebook has one cell more
    for result in (noted, noted):
        course.record("ada", UNIT, result)
        assert cells(course, "ada", what="needs_manual_grade") == dict.fromkeys(NOTHING, False)
    lower = copy.deepcopy(noted)  # the test was mended, the work is the same
    [check] = [cell for cell in lower.notebook.cells if cell.id == "check-Scaler"]
    check.outputs[0].data["text/plain"] = "1.0"
    course.record("ada", UNIT, lower)
    assert kept_by_hand(course, "ada")
    assert cells(course, "ada", what="needs_manual_grade") == dict.fromkeys(NOTHING, False) | {"check-Scaler": True}
