"""A test is mended after a class was graded: who moves, why, and that nothing is written before somebody agrees."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import os
import shutil
import signal
import sqlite3
from dataclasses import replace
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from nbgrader.api import Gradebook

from autograder import cli_regrade, marks
from autograder.bundle import Bundle
from autograder.cli import main
from autograder.collect import collect
from autograder.differences import Move, by_test, compare, summary
from autograder.gradebook import Course, CourseError
from autograder.journal import Journal
from autograder.marks import Cell, Result, UnitMarks
from autograder.regrade import Regrade, choose
from autograder.release import filled, solved_notebook, to_text
from autograder.workplace import Workplace
from gradus.check.report import Report, Row

from .tiny import SOURCE, write

UNIT = "99_tiny"
TITLE = "a quarter and three quarters"
STRICT = SOURCE.replace("[[0.25, 0.75]]", "[[0.25, 0.76]]")  # the instructor's own slip
MISTAKE = "def softmax(z):\n    scores = np.exp(z - z.max(axis=-1, keepdims=True))\n    return scores / scores.sum()\n"


class Known:
    """An examiner that has examined everything before; counts what it is asked."""

    jobs = 1

    def __init__(self, answers):
        self.answers, self.asked = answers, []

    def examine(self, submission):
        self.asked.append(submission)
        return self.answers[hashlib.sha256(submission).hexdigest()]

    def close(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Both versions of the unit, a class's papers, and what the examiner says of them by each."""
    base = tmp_path_factory.mktemp("regrade")
    sources = {"strict": write(base / "strict", STRICT), "mended": write(base / "mended", SOURCE)}
    bundles = {name: Bundle.load(path) for name, path in sources.items()}
    unit, release = bundles["strict"].unit, bundles["strict"].release
    right = {name: exercise.cell.source for name, exercise in unit.exercises.items()}
    papers = {
        "ada": to_text(solved_notebook(unit)),
        "bob": to_text(filled(release, {"softmax": right["softmax"]})),
        "cyd": to_text(filled(release, {"Scaler": right["Scaler"]})),
        "dan": to_text(filled(release, right | {"softmax": MISTAKE})),
        "eve": "not a notebook",
    }
    answers = {}
    for name, bundle in bundles.items():
        with Workplace(bundle.to_bytes()) as place:
            examined = {hashlib.sha256(p.encode()).hexdigest(): place.examine(p.encode()) for p in papers.values()}
        answers[name] = examined
    course = Course(base / "course")
    for student, paper in papers.items():
        path = course.folder / "submitted" / student / UNIT / f"{UNIT}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(paper, encoding="utf-8")
    from autograder.classroom import grade_class

    course.prepare(bundles["strict"].unit)
    found = collect([course.folder / "submitted"], UNIT).sources
    grade_class(bundles["strict"], found, course, Known(answers["strict"]))
    return SimpleNamespace(base=base, bundles=bundles, papers=papers, answers=answers, sources=sources)


@pytest.fixture
def course(made, tmp_path):
    shutil.copytree(made.base / "course", tmp_path / "grading", symlinks=True)
    return Course(tmp_path / "grading")


def regrade(made, course, version="mended", examiner=None):
    """A regrade that has been examined, not written."""
    chosen = choose(marks.read(course.folder, UNIT).results, collect([course.folder / "submitted"], UNIT).sources)
    run = Regrade(made.bundles[version], course, chosen.sources)
    summary = run.examine(examiner or Known(made.answers[version]))
    assert not summary.left and not summary.unrecorded
    return run


def state(course):
    """All that the course says: the database's content, and every file outside the grader's own folder."""
    with contextlib.closing(sqlite3.connect(course.folder / "gradebook.db")) as database:
        rows = list(database.iterdump())
    files = [path for path in course.folder.rglob("*") if path.is_file() and path.suffix != ".db"]
    own = course.folder / ".gradus"
    return rows, {
        str(path): path.read_bytes() for path in files if path.name != "lock" and own / "regrade" not in path.parents
    }


def totals(course):
    return {name: result.total for name, result in marks.read(course.folder, UNIT).results.items()}


def by_hand(course, student, **given):
    """As formgrader saves: a mark for the question, one over the check, a comment, extra credit."""
    with Gradebook(course.db_url, "gradus") as gradebook:
        for name, score in given.items():
            grade = gradebook.find_grade(name.replace("_", "-"), UNIT, UNIT, student)
            grade.manual_score, grade.needs_manual_grade = score, False
        gradebook.find_grade("check-Scaler", UNIT, UNIT, student).extra_credit = 0.5
        gradebook.find_comment("why", UNIT, UNIT, student).manual_comment = "Well put."
        gradebook.db.commit()


def test_a_mended_test_moves_those_it_failed(made, course):
    assert totals(course) == {"ada": 5, "bob": 3, "cyd": 2, "dan": 3, "eve": 0}
    run = regrade(made, course)
    assert {move.student: move.by for move in run.moves} == {"ada": 1, "bob": 1, "cyd": 0, "dan": 1, "eve": 0}
    moves = {move.student: move for move in run.moves}
    assert moves["ada"].text() == f"softmax 3 → 4 (now passes: {TITLE})"
    assert moves["cyd"].empty and moves["eve"].empty
    assert by_test(run.moves) == [("softmax", TITLE, "changed", 3, 0)]
    assert summary(run.moves).startswith("3 of 5 move, +1.00 in the mean of those (+0.60 over all): 3 up, 0 down.")
    assert totals(course) == {"ada": 5, "bob": 3, "cyd": 2, "dan": 3, "eve": 0}
    done = run.write()
    assert sorted(done.graded) == ["ada", "bob", "cyd", "dan", "eve"]
    assert totals(course) == {"ada": 6, "bob": 4, "cyd": 2, "dan": 4, "eve": 0}
    assert "0.76" not in (course.folder / "autograded" / "ada" / UNIT / f"{UNIT}.ipynb").read_text()
    assert not (course.folder / ".gradus" / "regrade").exists()


def test_looking_writes_nothing(made, course):
    before = state(course)
    run = regrade(made, course)
    assert run.moves and not run.nothing
    assert state(course) == before


def test_what_was_given_by_hand_survives(made, course):
    """Marks, comments, extra credit; a mark over a check whose score moves is shown, and waits for another look."""
    by_hand(course, "ada", why=1.5)
    by_hand(course, "bob", why=2, check_softmax=2.5)
    run = regrade(made, course)
    moves = {move.student: move for move in run.moves}
    assert (moves["ada"].old, moves["ada"].new) == (7, 8)
    assert (moves["bob"].old, moves["bob"].new, moves["bob"].moved) == (5, 5, False)
    assert moves["bob"].by_hand == ["softmax: the mark of 2.5 given by hand stays. Look at it again"]
    run.write()
    after = marks.read(course.folder, UNIT).results
    assert after["ada"].cells["why"].manual == 1.5 and after["bob"].cells["check-softmax"].manual == 2.5
    assert {s: after[s].cells["check-Scaler"].extra for s in ("ada", "bob")} == {"ada": 0.5, "bob": 0.5}
    assert {s: after[s].comments["why"] for s in ("ada", "bob")} == {"ada": "Well put.", "bob": "Well put."}
    assert after["ada"].waiting == () and after["bob"].waiting == ("softmax",)
    [page] = [path for path in course.feedback(UNIT) if "ada" in str(path)]
    assert "Well put." in page.read_text() and "not marked yet" not in page.read_text()


def test_a_mark_saved_while_somebody_thinks_is_kept(made, course):
    run = regrade(made, course)
    by_hand(course, "ada", why=1)
    run.write()
    ada = marks.read(course.folder, UNIT).results["ada"]
    assert ada.cells["why"].manual == 1 and ada.total == 7.5


def test_the_same_unit_again_says_that_nothing_moves(made, course):
    run = regrade(made, course, "strict")
    assert run.nothing and all(move.empty for move in run.moves)
    assert summary(run.moves) == "No score moves: 5 graded again, and all have the score they had."


def test_nothing_is_examined_twice(made, course):
    first, second = Known(made.answers["mended"]), Known({})
    regrade(made, course, examiner=first)
    again = regrade(made, course, examiner=second)
    assert len(first.asked) == 5 and second.asked == [] and not again.waiting()
    assert len(regrade(made, course, "strict", third := Known(made.answers["strict"])).moves) == 5
    assert len(third.asked) == 5  # another source: what was kept of the first is gone
    assert len(list((course.folder / ".gradus" / "regrade" / UNIT).iterdir())) == 1


def test_stopped_while_writing_goes_on(made, course, monkeypatch):
    """Each student has the old marks or the new ones, and the second run tells the whole story."""
    monkeypatch.setattr("autograder.regrade.AHEAD", 1)
    by_hand(course, "dan", why=2)
    run = regrade(made, course)
    shown = {move.student: move.by for move in run.moves}
    done = run.write(lambda graded: os.kill(os.getpid(), signal.SIGINT))
    assert done.left and done.graded
    half, old, new = totals(course), {"ada": 5, "bob": 3, "dan": 5.5}, {"ada": 6, "bob": 4, "dan": 6.5}
    for student in old:
        assert half[student] == (new if student in done.graded else old)[student]
    again = regrade(made, course, examiner=Known({}))
    assert set(again.written) == set(done.graded)
    assert {move.student: move.by for move in again.moves} == shown
    rest = again.write()
    assert set(rest.graded) == set(done.left)
    assert {student: totals(course)[student] for student in new} == new
    assert marks.read(course.folder, UNIT).results["dan"].cells["why"].manual == 2
    assert regrade(made, course).nothing


def test_killed_while_writing_loses_nothing(made, course, monkeypatch):
    """Between the gradebook and the journal's line."""
    run = regrade(made, course)

    def crash(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Journal, "add", crash)
        run.write()
    again = regrade(made, course, examiner=Known({}))
    again.write()
    assert totals(course) == {"ada": 6, "bob": 4, "cyd": 2, "dan": 4, "eve": 0}
    with Gradebook(course.db_url, "gradus") as gradebook:
        assert len(gradebook.assignment_submissions(UNIT)) == 5


def test_how_long_examining_took_is_remembered(made, course):
    regrade(made, course).write()
    seconds = {name: entry.seconds for name, entry in Journal(course.folder, UNIT).last().items()}
    run = regrade(made, course, "strict")
    for path in run.answers.glob("*.seconds"):
        path.write_text("12.5")
    run.write()
    after = {name: entry.seconds for name, entry in Journal(course.folder, UNIT).last().items()}
    assert after != seconds and {after[name] for name in ("ada", "bob", "cyd", "dan")} == {12.5}


def test_work_that_is_gone_is_kept_and_work_that_is_new_is_told(made, course):
    submitted = course.folder / "submitted"
    shutil.rmtree(submitted / "bob")
    path = submitted / "cyd" / UNIT / f"{UNIT}.ipynb"
    path.write_text(made.papers["ada"], encoding="utf-8")
    (submitted / "flo" / UNIT).mkdir(parents=True)
    shutil.copy(path, submitted / "flo" / UNIT)
    chosen = choose(marks.read(course.folder, UNIT).results, collect([submitted], UNIT).sources)
    assert (sorted(chosen.sources), chosen.gone, chosen.new) == (["ada", "cyd", "dan", "eve"], ["bob"], ["flo"])
    run = regrade(made, course)
    [cyd] = [move for move in run.moves if move.student == "cyd"]
    assert cyd.by == 4 and cyd.why == ["handed in anew since the last grading"]
    run.write()
    assert totals(course) == {"ada": 6, "bob": 3, "cyd": 6, "dan": 4, "eve": 0}


def test_other_exercises_are_refused_before_anybody_is_asked(made, course, tmp_path):
    """nbgrader cannot add a cell once students are graded."""
    more = SOURCE + '\n# %% [markdown] question="more" points=1\n# Another model answer.\n'
    bundle = Bundle.load(write(tmp_path, more))
    before = state(course)
    found = collect([course.folder / "submitted"], UNIT).sources
    with pytest.raises(CourseError, match="have changed since students were graded"):
        Regrade(bundle, course, found).examine(Known({}))
    assert state(course) == before


# the command


@pytest.fixture
def command(made, course, monkeypatch):
    """`autograder regrade` in a folder whose unit was mended, at a terminal where somebody answers."""
    folder = course.folder.parent
    shutil.copytree(made.base / "mended" / "solutions", folder / "solutions")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(cli_regrade, "open_examiner", lambda *_: Known(made.answers["mended"]))

    def run(*words, answer=None):
        if answer is not None:
            monkeypatch.setattr(cli_regrade, "_at_a_terminal", lambda: True)
        return CliRunner().invoke(main, ["regrade", UNIT, *words], input=answer, terminal_width=200)

    return run


def test_a_no_writes_nothing_and_a_yes_does(course, command):
    before = state(course)
    said = command("--csv", "moves.csv", answer="n\n")
    assert said.exit_code == 1 and "Nothing was written." in said.output and "3 of 5 move" in said.output
    [extra] = [path for path in state(course)[1] if path not in before[1]] or [None]
    assert state(course) == before and extra is None
    rows = list(csv.DictReader((course.folder.parent / "moves.csv").open(encoding="utf-8")))
    assert [row["student"] for row in rows if float(row["difference"])] == ["ada", "bob", "dan"]
    said = command(answer="y\n")
    assert said.exit_code == 0 and "graded again already" in said.output
    assert totals(course)["ada"] == 6
    said = command(answer="y\n")
    assert said.exit_code == 0 and "No score moves" in said.output and "Nothing to write." in said.output


def test_without_a_terminal_only_yes_writes(course, command):
    before = state(course)
    said = command()
    assert said.exit_code == 1 and f"autograder regrade {UNIT} --yes" in said.output
    assert state(course) == before
    assert command("--yes").exit_code == 0
    assert totals(course) == {"ada": 6, "bob": 4, "cyd": 2, "dan": 4, "eve": 0}


def test_only_one_student(course, command):
    assert command("--yes", "--only", "ada").exit_code == 0
    assert totals(course) == {"ada": 6, "bob": 3, "cyd": 2, "dan": 3, "eve": 0}
    said = command("--only", "adda")
    assert said.exit_code == 1 and "Did you mean ada?" in said.output


def test_bad_wishes_get_a_reason(course, command, tmp_path):
    shutil.rmtree(course.folder / "submitted")
    said = command("--yes")
    assert said.exit_code == 1 and "5 recorded, but their work is not in submitted/" in said.output
    assert "nothing to grade again" in said.output
    said = command("--course", str(tmp_path / "nowhere"))
    assert said.exit_code == 1 and "no gradebook" in said.output


# the comparison, on numbers made up for it


def row(test, status="pass", title=""):
    return Row(title or f"the {test}", test, status)


def one(rows, points=4.0, mistake=None, manual=None, score=None, **rest):
    """Results of one student in one check."""
    report = Report("softmax", points, rows, mistake)
    auto = report.score if score is None else score
    cell = Cell("check-softmax", points, auto, manual, report=report)
    result = Result("ada", UNIT, {"check-softmax": cell}, **{"outcome": "graded", "digest": "d", **rest})
    return UnitMarks(UNIT, {"check-softmax": points}, {"ada": result})


def only_move(before, after):
    [move] = compare(before, after, ["ada"])
    assert Move.from_dict(move.to_dict()) == move
    return move


def test_tests_that_came_went_and_turned():
    before = one([row("a"), row("b", "fail"), row("c"), row("d", "fail")])
    after = one([row("a", "fail"), row("b"), row("d", "error"), row("e")])
    move = only_move(before, after)
    [change] = move.changes
    assert change.passed == {"b": "the b"} and change.failed == {"a": "the a"}
    assert change.added == {"e": ("the e", True)} and change.removed == {"c": ("the c", True)}
    assert not move.moved and move.text() == (
        "softmax (now passes: the b. now fails: the a. new test passed: the e. test gone (passed): the c)"
    )
    assert by_test([move]) == [
        ("softmax", "the a", "changed", 0, 1),
        ("softmax", "the b", "changed", 1, 0),
        ("softmax", "the c", "gone", 1, 0),
        ("softmax", "the e", "new", 1, 0),
    ]
    assert "1 more keep their score, with other tests or mistakes under it." in summary([move])


def test_points_mistakes_outcomes_and_penalties():
    before = one([row("a"), row("b", "fail")], mistake="whole", outcome="timeout", penalty=1.0)
    after = one([row("a"), row("b", "fail")], points=6.0, mistake="rows", penalty=0.5)
    move = only_move(before, after)
    assert move.by == 1.5  # 3 - 0.5 against 2 - 1
    assert move.why == ["timeout → graded", "late: 0.5 taken off instead of 1"]
    assert move.changes[0].why == ["worth 6 points instead of 4", "recognised mistake: whole → rows"]


def test_an_exercise_that_could_not_be_checked():
    lost = [Row("the exercise could not be checked", "none", "error", False, "no memory")]
    move = only_move(one([row("a"), row("b")]), one(lost))
    assert move.by == -4 and move.changes[0].failed == {} and move.changes[0].why[0].startswith("could not be checked")


def test_a_score_of_which_the_tests_are_not_known():
    """Plain nbgrader graded it, or an earlier version of this."""
    before = one([row("a")], score=1.0)
    cells = {name: replace(cell, report=None) for name, cell in before.results["ada"].cells.items()}
    before = replace(before, results={"ada": replace(before.results["ada"], cells=cells)})
    assert only_move(before, one([row("a")])).text() == "softmax 1 → 4 (the tests of the last grading are not known)"


def test_new_words_alone_move_nobody():
    before, after = (one([row("a"), replace(row("b", "fail"), message=text)]) for text in ("old", "new"))
    move = only_move(before, after)
    assert move.words and not move.empty and not move.moved
    assert summary([move]).endswith("1 more get other words to read.")
