"""What the gradebook keeps: every score once, every mark given by hand, whatever goes wrong in between."""

from __future__ import annotations

import os
import shutil
import signal
from types import SimpleNamespace

import nbgrader.api
import pytest
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde, GenerateAssignment
from nbgrader.preprocessors import SaveAutoGrades

from autograder.bundle import Bundle
from autograder.examine import examine
from autograder.gradebook import Course, CourseError
from autograder.grading import find_submissions
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
    assert "Score: 4.0 / 8.0" in shown


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
    assert found == find_submissions([course.folder / "submitted"], UNIT) and list(found) == ["Jos\\xe9"]
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


RECORDING = {
    "autograded/ is emptied": (Autograde, "init_assignment", lambda method: killed),
    "one of two scores is in": (SaveAutoGrades, "_add_score", killed_at_the_second),
    "the notebook is not written": (Autograde, "write_single_notebook", killed_at_the_second),
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
    assert course.scores(UNIT)["bob"] == 4 and course.scores(UNIT)["ada"] in (4, 6)
    assert course.submissions(UNIT)["ada"].read_text(encoding="utf-8") == made.papers["perfect"]
    course.prepare(made.unit)
    course.record("ada", UNIT, made.results["perfect"])
    assert course.scores(UNIT) == {"ada": 6, "bob": 4} and kept_by_hand(course, "ada")
    assert len(course.feedback(UNIT)) == 2


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
        patch.setattr(nbgrader.api, "get_alembic_version", killed)
        isolated(lambda: course.prepare(made.unit))
    course.prepare(made.unit)
    course.record("ada", UNIT, made.results["half"])
    assert course.scores(UNIT) == {"ada": 4}
    with Gradebook(course.db_url, "gradus") as gradebook:
        version = gradebook.db.execute(nbgrader.api.text("SELECT version_num FROM alembic_version")).scalar()
    assert version  # without it `nbgrader db upgrade` has nothing to go by


def test_a_file_that_is_no_gradebook_is_left_alone(made, tmp_path):
    course = Course(tmp_path / "course")
    course.folder.mkdir()
    (course.folder / "gradebook.db").write_text("Dear all, " * 100, encoding="utf-8")
    with pytest.raises(CourseError, match=r"gradebook\.db cannot be used"):
        course.prepare(made.unit)
    assert (course.folder / "gradebook.db").read_text(encoding="utf-8").startswith("Dear all")
