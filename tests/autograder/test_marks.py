"""The result model says what the gradebook says, and no more than grading has kept."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from nbgrader.api import Gradebook

from autograder import marks
from autograder.bundle import Bundle
from autograder.classroom import Graded, Writer
from autograder.examine import examine
from autograder.gradebook import Course, CourseError
from autograder.release import filled, solved_notebook, to_text

from .tiny import write

UNIT = "99_tiny"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Four examined papers: all right, one exercise right, a known mistake, no notebook."""
    base = tmp_path_factory.mktemp("marks")
    bundle = Bundle.load(write(base))
    right = {name: exercise.cell.source for name, exercise in bundle.unit.exercises.items()}
    whole = bundle.unit.exercises["softmax"].mistakes[0]
    papers = {
        "perfect": to_text(solved_notebook(bundle.unit)),
        "half": to_text(filled(bundle.release, {"softmax": right["softmax"]})),
        "mistaken": to_text(filled(bundle.release, right | {"softmax": f"{right['softmax']}\n\n{whole.source}"})),
        "broken": "not a notebook",
    }
    results = {name: examine(text.encode(), bundle, seed=7) for name, text in papers.items()}
    return SimpleNamespace(base=base, bundle=bundle, results=results)


@pytest.fixture
def course(made, tmp_path):
    """A course in which the four are graded, as a class is."""
    found = Course(tmp_path / "course")
    found.prepare(made.bundle.unit)
    writer = Writer(made.bundle, found)
    for name, result in made.results.items():
        writer.record(Graded(name, result, 1.25, digest=f"digest of {name}"))
    found.close()
    return found


def by_hand(course, student="perfect"):
    with Gradebook(course.db_url, "gradus") as book:
        book.find_grade("why", UNIT, UNIT, student).manual_score = 1.5
        book.find_grade("why", UNIT, UNIT, student).needs_manual_grade = False
        book.find_grade("check-Scaler", UNIT, UNIT, student).manual_score = 1
        book.find_grade("check-softmax", UNIT, UNIT, student).extra_credit = 0.5
        book.find_comment("why", UNIT, UNIT, student).manual_comment = "Well put."
        book.find_comment("softmax", UNIT, UNIT, student).manual_comment = "Short."
        book.db.commit()


def test_a_result_says_what_grading_found(course, made):
    found = marks.read(course.folder, UNIT)
    assert list(found.results) == ["broken", "half", "mistaken", "perfect"] and found.maximum == 8
    assert found.points == {"check-softmax": 4, "check-Scaler": 2, "why": 2}  # in the notebook's order
    perfect, half, broken = (found.results[name] for name in ("perfect", "half", "broken"))
    assert (perfect.automatic, perfect.raw, perfect.total, perfect.maximum) == (6, 6, 6, 8)
    assert perfect.waiting == ("why",) and half.waiting == () and half.total == 4
    assert [cell.label for cell in perfect.cells.values() if cell.question] == ["why"]
    assert (perfect.outcome, broken.outcome, broken.total) == ("graded", "unreadable", 0)
    assert "no valid JSON" in broken.notes[0]
    assert (perfect.seed, perfect.seconds, perfect.digest) == (7, 1.25, "digest of perfect")
    assert perfect.bundle == made.bundle.key
    assert abs(perfect.graded - datetime.now(UTC)) < timedelta(minutes=5)
    assert perfect.submitted is None and perfect.late == timedelta(0)


def test_the_tests_and_the_recognised_mistake_are_known(course):
    mistaken = marks.read(course.folder, UNIT).results["mistaken"]
    assert mistaken.mistakes == {"softmax": "whole"}
    report = mistaken.cells["check-softmax"].report
    assert report.hint == "You divided by the sum of the whole array."
    assert {row.test: row.status for row in report.rows} == {
        "test_rows": "fail",
        "test_large": "pass",
        "test_known": "pass",
        "test_random": "fail",
    }
    assert mistaken.cells["check-softmax"].score == report.score == 2


def test_marks_by_hand_count_as_nbgrader_counts_them(course):
    with Gradebook(course.db_url, "gradus") as book:
        book.find_grade("why", UNIT, UNIT, "perfect").extra_credit = 3  # of an answer that nobody has marked
        book.db.commit()
    assert marks.read(course.folder, UNIT).results["perfect"].extra == 0
    by_hand(course)
    found = marks.read(course.folder, UNIT).results
    perfect = found["perfect"]
    assert (perfect.automatic, perfect.by_hand, perfect.extra, perfect.raw) == (6, 2.5, 3.5, 10)
    assert perfect.waiting == () and perfect.cells["check-Scaler"].by_hand and perfect.cells["why"].score == 4.5
    assert perfect.cells["why"].comment == "Well put."
    assert perfect.comments == {"why": "Well put.", "softmax": "Short."}
    with Gradebook(course.db_url, "gradus") as book:
        for name, result in found.items():
            submission = book.find_submission(UNIT, name)
            assert result.raw == submission.score and result.maximum == submission.max_score
            assert bool(result.waiting) == submission.needs_manual_grade


def test_a_score_of_another_grader_has_no_report(course):
    with Gradebook(course.db_url, "gradus") as book:
        book.find_grade("check-softmax", UNIT, UNIT, "perfect").auto_score = 3
        book.db.commit()
    cells = marks.read(course.folder, UNIT).results["perfect"].cells
    assert cells["check-softmax"].report is None and cells["check-softmax"].score == 3
    assert cells["check-Scaler"].report.passed == 2


def test_what_was_kept_of_another_grading_is_not_taken(course):
    path = course.folder / ".gradus" / "results" / UNIT / "half.json"
    mark, data = path.read_bytes().split(b"\n", 1)
    path.write_bytes(json.dumps([*json.loads(mark)[:2], "1999"]).encode() + b"\n" + data)
    (path.parent / "perfect.json").write_bytes(b"torn")
    found = marks.read(course.folder, UNIT).results
    assert found["half"].cells["check-softmax"].report is None and found["half"].total == 4
    assert found["perfect"].outcome == "graded" and found["perfect"].mistakes == {}


def test_time_extension_and_penalty_come_from_the_gradebook(course):
    with Gradebook(course.db_url, "gradus") as book:
        book.update_or_create_assignment(UNIT, duedate="2026-10-01 12:00:00 UTC")
        late = book.update_or_create_submission(UNIT, "half", timestamp="2026-10-03 18:00:00 UTC")
        late.extension = timedelta(days=1)
        late.notebooks[0].late_submission_penalty = 1.5
        book.db.commit()
    half = marks.read(course.folder, UNIT).results["half"]
    assert half.due == datetime(2026, 10, 2, 12, tzinfo=UTC) and half.late == timedelta(days=1, hours=6)
    assert (half.raw, half.penalty, half.total) == (4, 1.5, 2.5)


def test_persons_and_the_absent(course):
    with Gradebook(course.db_url, "gradus") as book:
        book.update_or_create_student("perfect", first_name="Ada", last_name="Lovelace", email="ada@example.org")
        book.update_or_create_student("eve", first_name="Eve")
        book.db.commit()
    found = marks.read(course.folder, UNIT)
    assert found.results["perfect"].person == marks.Person("Ada", "Lovelace", "ada@example.org")
    assert found.results["perfect"].person.full == "Ada Lovelace" and found.results["half"].person.full == ""
    assert list(found.absent) == ["eve"]


def test_without_names_nobody_can_be_told(course):
    with Gradebook(course.db_url, "gradus") as book:
        book.update_or_create_student("perfect", first_name="Ada", last_name="Lovelace", email="ada@example.org")
        book.update_or_create_student("eve", first_name="Eve")
        book.db.commit()
    by_hand(course)
    open_, closed = marks.read(course.folder, UNIT), marks.read(course.folder, UNIT, names=False)
    assert not closed.named and not any(word in repr(closed) for word in ("perfect", "Ada", "eve", "Eve", "Well put"))
    assert sorted(r.total for r in closed.results.values()) == sorted(r.total for r in open_.results.values())
    assert closed == marks.read(course.folder, UNIT, names=False)  # the same pseudonyms each time
    assert len(closed.results) == 4 and len(closed.absent) == 1
    (course.folder / ".gradus" / "pseudonyms.key").unlink()
    assert closed.results.keys() != marks.read(course.folder, UNIT, names=False).results.keys()


def test_reading_writes_nothing_into_the_gradebook(course):
    path = course.folder / "gradebook.db"
    path.chmod(0o444)
    before = path.read_bytes()
    assert marks.read(course.folder, UNIT).results
    assert path.read_bytes() == before
    assert marks.read(course.folder, "98_other").results == {}


def test_no_gradebook_is_said(tmp_path):
    with pytest.raises(CourseError, match=r"There is no gradebook in .*First: autograder grade 02_neuron"):
        marks.read(tmp_path, "02_neuron")
    sqlite3.connect(tmp_path / "gradebook.db").executescript("CREATE TABLE other (x)")
    with pytest.raises(CourseError, match="no gradebook of nbgrader's"):
        marks.read(tmp_path, "02_neuron")
