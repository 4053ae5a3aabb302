"""Plain nbgrader, which runs everything in one kernel, gives honest work the very scores that we give.

One course twice: `ours` is prepared and graded by `autograder`, `plain` by nbgrader's own commands alone.
"""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from click.testing import CliRunner
from nbgrader.api import Gradebook
from nbgrader.apps import NbGrader
from nbgrader.apps.api import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from nbgrader.server_extensions.formgrader.formgrader import FormgradeExtension
from nbgrader.server_extensions.validate_assignment.handlers import ValidateAssignmentHandler
from tornado.web import Application

from autograder.cli import main
from autograder.gradebook import Course
from autograder.release import filled, release_notebook, solved_notebook, to_text
from autograder.source import load_unit

from .tiny import write

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
UNITS = ["99_tiny", "00_welcome"]


def papers(unit):
    """Student -> notebook. The i-th mistake is made in every exercise at once: checks are graded one by one."""
    release = release_notebook(unit)
    right = {name: exercise.cell.source for name, exercise in unit.exercises.items()}
    first = next(iter(right))
    made = {
        "perfect": solved_notebook(unit),
        "stub": release,
        "partial": filled(release, {first: right[first], unit.questions[0].name: "Because."}),
        "syntax-error": filled(release, right | {first: "def f(:\n    return 1"}),
    }
    for kind in ("mistakes", "variants"):
        for turn in range(max(len(getattr(exercise, kind)) for exercise in unit.exercises.values())):
            answers = dict(right)
            for name, exercise in unit.exercises.items():
                if turn < len(getattr(exercise, kind)):
                    answers[name] += "\n\n" + getattr(exercise, kind)[turn].source
            made[f"{kind}-{turn}"] = filled(release, answers)
    return made


def nbgrader(folder, *arguments):
    """Run an nbgrader command in `folder`; return what it said."""
    environment = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [BIN / "nbgrader", *arguments], cwd=folder, env=environment, text=True, capture_output=True, timeout=280
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Both courses, both units, handed in and graded."""
    base = tmp_path_factory.mktemp("parity")
    units = {"99_tiny": load_unit(write(base)), "00_welcome": load_unit(ROOT / "solutions" / "00_welcome.py")}
    ours, plain = Course(base / "ours"), base / "plain"
    for unit in units.values():
        ours.prepare(unit)
        for student, notebook in papers(unit).items():
            path = ours.folder / "submitted" / student / unit.name / f"{unit.name}.ipynb"
            path.parent.mkdir(parents=True)
            path.write_text(to_text(notebook), encoding="utf-8")
    ignore = shutil.ignore_patterns("gradebook.db", "release")
    shutil.copytree(ours.folder, plain, ignore=ignore)
    for unit in units.values():
        done = CliRunner().invoke(main, ["grade", str(unit.path), "--course", str(ours.folder)])
        assert done.exit_code == 0, done.output
        nbgrader(plain, "generate_assignment", unit.name)
        nbgrader(plain, "autograde", unit.name, "--Execute.shutdown_kernel=immediate")  # its default asks and waits
    return SimpleNamespace(ours=ours, plain=plain, units=units, base=base)


def grades(folder, unit):
    """(student, cell) -> automatic score, most points, whether a person must look."""
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}", "gradus") as gradebook:
        return {
            (submission.student.id, grade.name): (grade.auto_score, grade.max_score, grade.needs_manual_grade)
            for submission in gradebook.assignment_submissions(unit)
            for notebook in submission.notebooks
            for grade in notebook.grades
        }


@pytest.mark.parametrize("unit", UNITS)
def test_both_ways_give_each_cell_the_same_score(unit, course):
    ours, plain = grades(course.ours.folder, unit), grades(course.plain, unit)
    cells = len(course.units[unit].exercises) + len(course.units[unit].questions)
    assert len(ours) == cells * len(papers(course.units[unit]))
    assert ours == plain


@pytest.mark.parametrize("unit", UNITS)
def test_the_scores_are_those_deserved(unit, course):
    """So that the two ways do not agree on nonsense."""
    exercises = course.units[unit].exercises
    ours = grades(course.ours.folder, unit)
    first = next(iter(exercises))
    for name, exercise in exercises.items():
        got = {student: score[0] for (student, cell), score in ours.items() if cell == f"check-{name}"}
        for student in ("perfect", "variants-0"):
            assert got[student] == exercise.points
        assert got["stub"] == 0
        assert got["partial"] == (exercise.points if name == first else 0)
        assert got["syntax-error"] == (0 if name == first else exercise.points)
        for turn in range(len(exercise.mistakes)):
            assert got[f"mistakes-{turn}"] < exercise.points


@pytest.mark.parametrize("unit", UNITS)
def test_plain_generate_assignment_makes_our_handout(unit, course):
    path = course.plain / "release" / unit / f"{unit}.ipynb"
    plain = nbformat.read(path, as_version=4)
    built = nbformat.reads(to_text(release_notebook(course.units[unit])), as_version=4)

    def form(notebook):
        return [(c.id, c.cell_type, c.source, dict(c.metadata.get("nbgrader", {}))) for c in notebook.cells]

    assert form(plain) == form(built)
    if unit == "00_welcome":
        assert form(nbformat.read(ROOT / "course" / f"{unit}.ipynb", as_version=4)) == form(built)


def test_validate_passes_a_solved_notebook_and_fails_the_stub(course):
    folder = course.base / "validate"
    folder.mkdir()
    for name in ("perfect", "stub"):
        notebook = papers(course.units["99_tiny"])[name]
        (folder / f"{name}.ipynb").write_text(to_text(notebook), encoding="utf-8")
    said = nbgrader(folder, "validate", "perfect.ipynb", "stub.ipynb")
    solved, _, stub = said.partition("Success! Your notebook passes all the tests.")
    assert "FAILED" not in solved
    assert "VALIDATION FAILED ON 3 CELL(S)!" in stub  # two checks, and the question that nobody answered


def test_list_and_export_know_our_gradebook(course):
    exchange = f"--Exchange.root={course.base / 'exchange'}"
    (course.base / "exchange").mkdir(mode=0o777)
    (course.base / "exchange").chmod(0o777)
    nbgrader(course.ours.folder, "release_assignment", "99_tiny", exchange)
    assert "gradus 99_tiny" in nbgrader(course.ours.folder, "list", exchange)
    nbgrader(course.ours.folder, "export", "--to", "grades.csv")
    with (course.ours.folder / "grades.csv").open(encoding="utf-8", newline="") as file:
        rows = {(row["assignment"], row["student_id"]): row for row in csv.DictReader(file)}
    for unit in UNITS:
        scores = course.ours.scores(unit)
        exported = {student: float(row["score"]) for (name, student), row in rows.items() if name == unit}
        assert {student: exported.pop(student) for student in scores} == scores
        assert set(exported.values()) <= {0.0}  # of the other unit's students, who handed nothing in here
        assert len(scores) == len(papers(course.units[unit])) and max(scores.values()) > 0


def test_formgrader_loads_the_course(course, monkeypatch):
    monkeypatch.chdir(course.ours.folder)
    app = NbGrader()
    app.load_config_file()
    api = NbGraderAPI(CourseDirectory(config=app.config), config=app.config)
    assignment = api.get_assignment("99_tiny")
    assert assignment["num_submissions"] == len(papers(course.units["99_tiny"]))
    assert assignment["max_score"] == 8
    submissions = {found["student"]: found for found in api.get_submissions("99_tiny")}
    assert all(found["autograded"] for found in submissions.values())
    assert submissions["perfect"]["score"] == 6 and submissions["perfect"]["needs_manual_grade"]
    assert submissions["stub"]["score"] == 0 and not submissions["stub"]["needs_manual_grade"]
    assert {found["name"] for found in api.get_assignments()} == set(UNITS)

    web = Application(base_url="/")
    extension = FormgradeExtension()
    extension.root_dir = str(course.ours.folder)
    extension.initialize([])
    extension.init_tornado_settings(web)
    extension.init_handlers(web)
    assert not web.settings["nbgrader_bad_setup"]
    assert Path(extension.coursedir.root) == course.ours.folder and extension.coursedir.course_id == "gradus"


def test_the_validate_button_tells_right_from_wrong(course, monkeypatch):
    """JupyterLab's Validate, without the HTTP around it."""
    folder = course.ours.folder
    monkeypatch.chdir(folder)
    handler = SimpleNamespace(
        root_dir=str(folder), log=None, load_config=lambda: ValidateAssignmentHandler.load_config(None)
    )
    for student, failed in (("mistakes-0", 3), ("perfect", 0)):
        answer = ValidateAssignmentHandler.validate_notebook(handler, f"submitted/{student}/99_tiny/99_tiny.ipynb")
        assert answer["success"], answer["value"]
        assert len(answer["value"].get("failed", [])) == failed
