"""The demonstration class: everyone gets what the work deserves, and no folder but its own is touched."""

from __future__ import annotations

import io
import re
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from rich.console import Console

from autograder.bundle import Bundle
from autograder.cli import main
from autograder.demo import MARK, demo_class, run_demo
from autograder.gradebook import Course
from autograder.source import load_unit

from .tiny import SOURCE, write

TOTAL = 6.0


def run(folder, path):
    said = io.StringIO()
    return run_demo(folder, [path], Console(file=said, width=200)), said.getvalue()


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    base = tmp_path_factory.mktemp("demo")
    path = write(base)
    status, said = run(base / "class", path)
    return SimpleNamespace(folder=base / "class", path=path, status=status, said=said)


@pytest.fixture(scope="module")
def students(demo):
    return {student.name: student for student in demo_class(Bundle.load(demo.path))}


def row(demo, name):
    return next(line for line in demo.said.splitlines() if re.match(rf". {re.escape(name)} ", line))


def test_everyone_gets_what_the_work_deserves(demo, students):
    assert demo.status == 0, demo.said
    assert "Every student got what the work deserves." in demo.said and "NOT as deserved" not in demo.said
    assert Course(demo.folder).scores("99_tiny") == {name: student.score for name, student in students.items()}


def test_the_class_holds_every_kind(demo, students):
    kinds = {name for name in students if not name.startswith("mistake-")}
    assert kinds == {
        "perfect", "stubs-only", "variants", "crash", "raises", "endless-loop", "broken-json", "copied-cell",
        "patched-allclose",
    }  # fmt: skip
    made = {student.mistake for student in students.values() if student.mistake}
    exercises = load_unit(demo.path).exercises.values()
    assert made == {(e.name, m.name) for e in exercises for m in e.mistakes}


def test_what_is_deserved_is_right(students):
    """Worked out by hand: what demo_class reads off the bank is not just what grading makes of it."""
    deserved = {name: student.score for name, student in students.items()}
    assert deserved["perfect"] == deserved["variants"] == deserved["copied-cell"] == TOTAL
    assert deserved["stubs-only"] == deserved["broken-json"] == deserved["patched-allclose"] == 0
    assert deserved["crash"] == deserved["raises"] == deserved["endless-loop"] == 4  # the last exercise's two are lost
    assert deserved["mistake-softmax-whole"] == 4  # with one row, as two of four tests have, that is right
    assert deserved["mistake-softmax-overflow"] == 5 and deserved["mistake-Scaler-plus"] == 5


def test_each_mistake_is_told_its_own_hint(demo, students):
    hints = re.findall(r'name="([\w-]+)" hint="([^"]+)"', SOURCE)
    assert len(hints) == 8
    for name, student in students.items():
        page = (demo.folder / "feedback" / name / "99_tiny" / "99_tiny.html").read_text(encoding="utf-8")
        told = [mistake for mistake, hint in hints if hint in page]
        assert told == ([student.mistake[1]] if student.mistake else []), name


def test_the_patched_one_gains_nothing(demo):
    assert Course(demo.folder).scores("99_tiny")["patched-allclose"] == 0
    assert " 0 " in row(demo, "patched-allclose") and "graded" in row(demo, "patched-allclose")


def test_outcomes_are_named(demo):
    for name, outcome in (("crash", "died"), ("endless-loop", "timeout"), ("broken-json", "unreadable")):
        assert outcome in row(demo, name) and "as deserved" in row(demo, name)


def test_the_report_counts_the_class(demo, students):
    table = (demo.folder / "reports" / "99_tiny.students.csv").read_text(encoding="utf-8").splitlines()
    assert table[0].startswith("student,score,points,late penalty,outcome,softmax,Scaler,why,")
    assert len(table) == 1 + len(students)
    assert any(line.startswith("perfect,6.0,8.0,0.0,graded,4.0,2.0,") for line in table)
    page = (demo.folder / "reports" / "99_tiny.html").read_text(encoding="utf-8")
    assert "17 submissions" in page and "You added the mean." in page


@pytest.mark.parametrize("fill", ["a class", "letters", "a file"])
def test_a_folder_that_is_not_ours_is_refused_and_untouched(fill, tmp_path):
    """A real class's folder has nbgrader_config.py and a gradebook, as a demonstration's has."""
    path, folder = write(tmp_path), tmp_path / "precious"
    if fill == "a class":
        Course(folder).prepare(load_unit(path))
    elif fill == "letters":
        folder.mkdir()
        (folder / "letter.txt").write_text("Dear all", encoding="utf-8")
    else:
        folder.write_text("Dear all", encoding="utf-8")
    before = state(folder)
    status, said = run(folder, path)
    assert status == 2 and "--folder" in said
    assert state(folder) == before


def state(folder):
    files = [folder, *sorted(folder.rglob("*"))]
    return {path: path.read_bytes() if path.is_file() else None for path in files}


def test_running_twice_works(demo):
    """Last, for it makes the class anew: what the first run left is gone, what it found comes out again."""
    before = Course(demo.folder).scores("99_tiny")
    stale = demo.folder / "submitted" / "gone" / "99_tiny"
    stale.mkdir(parents=True)
    (stale / "99_tiny.ipynb").write_text("{}", encoding="utf-8")
    assert (demo.folder / MARK).is_file()
    status, said = run(demo.folder, demo.path)
    assert status == 0, said
    assert Course(demo.folder).scores("99_tiny") == before


def test_without_units_it_says_where_to_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["demo"])
    assert done.exit_code == 2 and "Run this in the project's folder" in done.output
    assert list(tmp_path.iterdir()) == []
