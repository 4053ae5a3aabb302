"""The command line: whatever is asked wrongly gets one clear message, and changes nothing."""

from __future__ import annotations

import json
import re
import shutil
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from autograder.bundle import Bundle
from autograder.cli import main
from autograder.gradebook import Course, CourseError
from autograder.release import solved_notebook, to_text

from .tiny import SOURCE, write

UNIT = "99_tiny"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A project that has been built, and what its students hand in."""
    base = tmp_path_factory.mktemp("cli")
    bundle = Bundle.load(write(base))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(base)
        done = CliRunner().invoke(main, ["build"])
    assert done.exit_code == 0, done.output
    return SimpleNamespace(
        base=base, said=done.output, solved=to_text(solved_notebook(bundle.unit)), stub=to_text(bundle.release)
    )


@pytest.fixture
def project(built, tmp_path, monkeypatch):
    """A copy of the project, and in it."""
    folder = tmp_path / "project"
    shutil.copytree(built.base, folder)
    monkeypatch.chdir(folder)
    return folder


def run(*arguments):
    return CliRunner().invoke(main, list(arguments))


def refused(*arguments, status=1):
    """The one message that these arguments draw."""
    done = run(*arguments)
    assert done.exit_code == status, done.output
    assert isinstance(done.exception, SystemExit)  # said by click, not thrown at the user
    assert "Traceback" not in done.output
    lines = [line for line in done.output.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1 and done.output.splitlines()[-1] == lines[0]
    return lines[0].removeprefix("Error: ")


def state(folder):
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def hand_in(folder, student, text, unit=UNIT):
    path = folder / student / unit / f"{unit}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return path


def graded():
    return Course("grading").scores(UNIT)


# build


def test_build_writes_the_handout_and_its_hints(built, project):
    assert "99_tiny: all gates passed, written: course/99_tiny.ipynb, course/gradus/hints/99_tiny.json" in built.said
    assert (project / "course" / "99_tiny.ipynb").read_text(encoding="utf-8") == built.stub
    hints = json.loads((project / "course" / "gradus" / "hints" / "99_tiny.json").read_text(encoding="utf-8"))
    assert set(hints["exercises"]) == {"softmax", "Scaler"}


def test_build_check_passes_when_fresh_and_writes_nothing(project):
    before = state(project / "course")
    done = run("build", "--check")
    assert done.exit_code == 0 and "99_tiny: all gates passed, up to date" in done.output
    assert state(project / "course") == before


def test_build_check_names_the_command_that_mends_and_it_does(project):
    target = project / "course" / "99_tiny.ipynb"
    target.write_text(target.read_text(encoding="utf-8").replace("Words.", "Wards."), encoding="utf-8")
    (project / "course" / "98_gone.ipynb").write_text("{}", encoding="utf-8")
    before = state(project / "course")
    done = run("build", "--check")
    assert done.exit_code == 1
    assert "course/99_tiny.ipynb is not what solutions/99_tiny.py makes. Run: autograder build 99_tiny" in done.output
    assert "course/98_gone.ipynb: no source makes this file. Delete it." in done.output
    assert state(project / "course") == before
    command = re.search(r"Run: autograder (build \S+)", done.output)[1].split()
    assert run(*command).exit_code == 0
    (project / "course" / "98_gone.ipynb").unlink()
    assert run("build", "--check", "99").exit_code == 0


def test_build_names_file_and_line_of_a_fault(project):
    path = project / "solutions" / "99_tiny.py"
    path.write_text(SOURCE.replace('# %% check="softmax"', '# %% check="softmaxx"'), encoding="utf-8")
    done = run("build")
    assert done.exit_code == 1 and "Traceback" not in done.output
    assert re.search(r'solutions/99_tiny.py:\d+: exercise "softmax" has no check', done.output)


# any command


@pytest.mark.parametrize("command", [["build"], ["grade"], ["feedback"], ["demo", "--unit"]])
def test_an_unknown_unit_names_the_known_ones(command, project):
    before = state(project)
    assert refused(*command, "42") == "There is no unit '42'. Units: 99_tiny"
    assert state(project) == before


@pytest.mark.parametrize("command", [["build"], ["grade", "99"], ["feedback", "99"], ["demo", "--unit", "99"]])
def test_the_wrong_folder_is_named(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    message = refused(*command)
    assert str(tmp_path) in message or "Run this in the project's folder." in message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [["grade", "99"], ["demo"]])
def test_a_source_with_faults_is_not_graded(command, project):
    hand_in(project / "grading" / "submitted", "ada", "{}")
    path = project / "solutions" / "99_tiny.py"
    path.write_text(SOURCE.replace('# %% check="softmax"', '# %% check="softmaxx"'), encoding="utf-8")
    done = run(*command)
    assert done.exit_code == 1 and isinstance(done.exception, SystemExit)
    assert "99_tiny.py:" in done.output and "has no check" in done.output and "Traceback" not in done.output
    assert not (project / "grading" / "gradebook.db").exists()


# grade


def test_grade_without_submissions_changes_nothing(project):
    before = state(project)
    message = refused("grade", "99")
    assert "No submission found" in message and "grading/submitted/NAME/99_tiny/99_tiny.ipynb" in message
    assert state(project) == before and not (project / "grading").exists()


def test_grade_takes_the_submitted_folder(project, built):
    for student in ("ada", "bob [b]"):  # a name is no markup
        hand_in(project / "grading" / "submitted", student, built.solved)
    hand_in(project / "grading" / "submitted", "ada", "{}", "98_other")
    done = run("grade", "99_tiny")
    assert done.exit_code == 0, done.output
    assert graded() == {"ada": 6, "bob [b]": 6}
    assert done.output.count("bob [b]") == 2 and "Next: autograder feedback 99_tiny" in done.output
    done = run("feedback", "99")
    assert done.exit_code == 0
    assert len(re.findall(r"^/.*99_tiny\.html$", done.output, re.MULTILINE)) == 2


def test_grade_takes_a_folder_of_notebooks(project, built):
    inbox = project / "inbox"
    (inbox / "late" / ".ipynb_checkpoints").mkdir(parents=True)
    (inbox / "__MACOSX").mkdir()
    (inbox / "ada.ipynb").write_text(built.solved, encoding="utf-8")
    (inbox / "late" / "bob.ipynb").write_text(built.stub, encoding="utf-8")
    (inbox / "late" / ".ipynb_checkpoints" / "bob-checkpoint.ipynb").write_text("{}", encoding="utf-8")
    (inbox / "__MACOSX" / "._ada.ipynb").write_text("junk", encoding="utf-8")  # what a Mac puts into archives
    (inbox / "ada.txt").write_text("not mine", encoding="utf-8")
    done = run("grade", "99", "inbox")
    assert done.exit_code == 0, done.output
    assert graded() == {"ada": 6, "bob": 0}


def test_grade_takes_a_submitted_tree_with_other_units_in_it(project, built):
    hand_in(project / "collected", "ada", built.solved)
    hand_in(project / "collected", "ada", built.solved, "98_other")
    hand_in(project / "collected", "bob", built.solved, "98_other")
    done = run("grade", "99", "collected")
    assert done.exit_code == 0, done.output
    assert graded() == {"ada": 6}


def test_grade_takes_a_file(project, built, monkeypatch):
    (project / "ada.ipynb").write_text(built.solved, encoding="utf-8")
    path = hand_in(project / "collected", "bob", built.stub)
    done = run("grade", "99", "ada.ipynb", "--course", "elsewhere")
    assert done.exit_code == 0 and not (project / "grading").exists()
    monkeypatch.chdir(path.parent.parent)  # the name is the folder's, however the path is written
    solutions = str(project / "solutions" / "99_tiny.py")
    done = run("grade", solutions, f"{UNIT}/{UNIT}.ipynb", "--course", str(project / "elsewhere"))
    assert done.exit_code == 0, done.output
    assert Course(project / "elsewhere").scores(UNIT) == {"ada": 6, "bob": 0}


def test_grade_refuses_a_missing_file_beside_one_that_is_there(project, built):
    (project / "ada.ipynb").write_text(built.solved, encoding="utf-8")
    before = state(project)
    assert refused("grade", "99", "ada.ipynb", "bbo.ipynb") == "bbo.ipynb is not there. Nothing was changed."
    assert state(project) == before


def test_grade_refuses_two_files_for_one_student(project, built):
    for folder, text in (("monday", built.stub), ("tuesday", built.solved)):
        (project / folder).mkdir()
        (project / folder / "ada.ipynb").write_text(text, encoding="utf-8")
    before = state(project)
    message = refused("grade", "99", "monday", "tuesday")
    assert "Two files for student ada: monday/ada.ipynb and tuesday/ada.ipynb" in message
    assert "Nothing was changed." in message and state(project) == before


def test_grade_takes_the_same_file_twice_as_one(project, built):
    for folder in ("monday", "tuesday"):
        (project / folder).mkdir()
        (project / folder / "ada.ipynb").write_text(built.solved, encoding="utf-8")
    done = run("grade", "99", "monday", "tuesday")
    assert done.exit_code == 0 and graded() == {"ada": 6}


def test_grade_refuses_an_empty_folder(project):
    (project / "inbox").mkdir()
    assert "No submission found (looked at inbox)" in refused("grade", "99", "inbox")


def test_grade_refuses_a_name_that_leads_elsewhere(project, built):
    (project / "...ipynb").write_text(built.solved, encoding="utf-8")
    assert "names no student" in refused("grade", "99", "...ipynb")


def test_what_is_no_notebook_is_graded_as_such(project):
    (project / "ada.ipynb").write_text("Dear teacher, my dog ate it.", encoding="utf-8")
    done = run("grade", "99", "ada.ipynb")
    assert done.exit_code == 0, done.output
    assert "ada: 0 / 6, unreadable" in done.output and graded() == {"ada": 0}


def test_a_result_that_cannot_be_recorded_is_said_and_stops_no_other(project, built, monkeypatch):
    for student in ("ada", "bob"):
        hand_in(project / "grading" / "submitted", student, built.solved)
    record = Course.record

    def refuse(self, student, unit, result):
        if student == "ada":
            raise CourseError("autograded/ada is a file.")
        record(self, student, unit, result)

    monkeypatch.setattr(Course, "record", refuse)
    assert refused("grade", "99") == "1 of 2 could not be recorded; the reasons stand above."
    assert graded() == {"bob": 6}
    assert "ada: NOT recorded: autograded/ada is a file." in run("grade", "99").output


@pytest.mark.parametrize("command", ["grade", "feedback"])
def test_a_course_that_is_a_file_is_refused(command, project):
    (project / "grading").write_text("Dear all", encoding="utf-8")
    assert "is a file: a course is a folder." in refused(command, "99")


def test_a_gradebook_that_is_none_is_refused(project, built):
    hand_in(project / "grading" / "submitted", "ada", built.solved)
    (project / "grading" / "gradebook.db").write_text("Dear all, " * 100, encoding="utf-8")
    assert "gradebook.db cannot be used" in refused("grade", "99")


def test_exercises_that_changed_after_grading_are_refused(project, built):
    hand_in(project / "grading" / "submitted", "ada", built.solved)
    assert run("grade", "99").exit_code == 0
    write(project, SOURCE.replace('"softmax"', '"probabilities"'))
    for _ in range(2):
        message = refused("grade", "99")
        assert "Nothing was graded." in message and "have changed since students were graded in" in message
    assert graded() == {"ada": 6}


# feedback


def test_feedback_before_grading_says_what_comes_first(project):
    message = refused("feedback", "99")
    assert "First: autograder grade 99_tiny" in message and str(project / "grading") in message
    assert not (project / "grading").exists()
    Course("grading").prepare(Bundle.load("99_tiny").unit)  # prepared, and nobody graded
    assert "First: autograder grade 99_tiny" in refused("feedback", "99")
