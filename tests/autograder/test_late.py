"""The late policy: read from its file, judged, written where nbgrader keeps penalties, and never twice."""

from __future__ import annotations

import csv
import re
import shutil
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderApp

from autograder import late, marks
from autograder.bundle import Bundle
from autograder.classroom import Graded, Writer
from autograder.cli import main
from autograder.examine import examine
from autograder.gradebook import Course, CourseError
from autograder.identity import Students
from autograder.journal import Busy, alone
from autograder.penalties import settle
from autograder.release import solved_notebook, to_text
from autograder.times import TimesError, read_times

from .tiny import write

UNIT = "99_tiny"
DUE = datetime(2026, 10, 1, 22, 59, tzinfo=UTC)  # a minute to midnight in London

POLICY = """
zone = "Europe/London"

[default]
penalty = "10 %"

[units.99_tiny]
due = 2026-10-01T23:59:00
grace = "15 min"
cap = "50 %"
latest = "7 days"

[units.99_tiny.extensions]
bob = "2 days"
eve = 2026-10-05T12:00:00
"""


def policy(text=POLICY, unit=UNIT):
    return late.parse(text).of(unit)


def taken(found, score, after, maximum=10.0, student="ada"):
    return found.judge(score, maximum, DUE + after, found.due_for(student, None)).penalty


# the judgement


def test_each_day_begun_counts():
    found = policy()
    assert found.due == DUE
    for after, points in (
        (timedelta(0), 0),
        (-timedelta(days=3), 0),
        (timedelta(minutes=15), 0),  # within the grace
        (timedelta(minutes=16), 1),
        (timedelta(hours=24), 1),
        (timedelta(hours=24, seconds=1), 2),
        (timedelta(days=5), 5),
        (timedelta(days=6), 5),  # the cap
        (timedelta(days=7), 5),
        (timedelta(days=7, seconds=1), 9),  # after the last time that counts: all of the score
    ):
        assert taken(found, 9.0, after) == points, after


def test_the_reason_says_what_was_counted():
    found = policy()
    reason = found.judge(9.0, 10.0, DUE + timedelta(days=1, hours=6), DUE).reason
    assert reason == "1 day 6 hours late: 10 % for each day begun: 2 points taken off"
    assert "at most 50 %" in found.judge(9.0, 10.0, DUE + timedelta(days=6), DUE).reason
    assert "after the last time that counts: 0 points" in found.judge(9.0, 10.0, DUE + timedelta(days=8), DUE).reason
    assert found.judge(9.0, 10.0, DUE + timedelta(minutes=9), DUE).reason == "9 minutes late: nothing taken off"
    assert found.judge(9.0, 10.0, DUE, DUE).reason == ""


@pytest.mark.parametrize(
    ("lines", "score", "days", "points"),
    [
        ("penalty = 0.5", 9, 3, 1.5),
        ('penalty = "1 point"', 9, 2.5, 3),
        ('penalty = "10 %"\nof = "score"', 4, 2, 0.8),
        ('penalty = "10 %"\ncount = "exact"', 9, 1.5, 1.5),
        ('penalty = "1 %"\nper = "hour"', 9, 1, 2.4),
        ('penalty = "10 %"\nper = "week"', 9, 8, 2),
        ('penalty = "20 %"\nfloor = "50 %"', 9, 4, 4),
        ('penalty = "20 %"\nfloor = 5', 3, 4, 0),  # a score that is below it already
        ('penalty = "20 %"\ncap = 3', 9, 4, 3),
        ('penalty = "100 %"', 9, 1, 9),  # never below nothing
        ("", 9, 4, 0),
    ],
)
def test_kinds_of_policies(lines, score, days, points):
    found = policy(f"[default]\ndue = 2026-10-01T22:59:00Z\n{lines}")
    assert taken(found, score, timedelta(days=days)) == pytest.approx(points)


def test_an_extension_is_a_length_or_a_time():
    found = policy()
    assert taken(found, 9.0, timedelta(days=2), student="bob") == 0
    assert taken(found, 9.0, timedelta(days=2, hours=1), student="bob") == 1
    assert found.due_for("eve", None) == datetime(2026, 10, 5, 11, tzinfo=UTC)
    assert taken(found, 9.0, timedelta(days=8), student="bob") == 5  # latest counts from the student's own time


def test_a_last_time_never_comes_before_the_students_own():
    found = policy('[default]\ndue = 2026-10-01T22:59:00Z\nlatest = 2026-10-02T00:00:00Z\npenalty = "10 %"')
    assert taken(found, 9.0, timedelta(minutes=50)) == 1 and taken(found, 9.0, timedelta(hours=2)) == 9
    assert found.judge(9.0, 10.0, DUE + timedelta(days=3), DUE + timedelta(days=3)).penalty == 0


def test_a_time_that_is_not_known_costs_nothing():
    found = policy()
    assert found.judge(9.0, 10.0, None, DUE) == found.judge(9.0, 10.0, DUE, None) == late.Judgement(0.0, timedelta(0))


def test_summer_time_is_the_zones():
    text = 'zone = "Europe/London"\n[default]\ndue = {}'
    assert policy(text.format("2026-10-01T12:00:00")).due == datetime(2026, 10, 1, 11, tzinfo=UTC)
    assert policy(text.format("2026-11-01T12:00:00")).due == datetime(2026, 11, 1, 12, tzinfo=UTC)
    assert policy(text.format("2026-10-01T12:00:00+02:00")).due == datetime(2026, 10, 1, 10, tzinfo=UTC)
    assert policy(text.format("2026-10-01")).due == datetime(2026, 10, 1, 22, 59, 59, tzinfo=UTC)  # by the day's end
    assert policy(text.format('"2026-10-01 12:00"')).due == datetime(2026, 10, 1, 11, tzinfo=UTC)


def test_units_without_a_part_of_their_own():
    assert policy(POLICY, "02_neuron").penalty == late.Amount(10, True) and policy(POLICY, "02_neuron").due is None
    assert policy('[units.99_tiny]\npenalty = "1 %"', "02_neuron") is None


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[default]\npenalty = 10 %", 2, "no TOML"),
        ('[default]\n\npenalty = "ten"', 3, "default.penalty = 'ten': a number of points or a share is wanted"),
        ("[default]\npenalty = -1", 2, "default.penalty = -1"),
        ('[default]\npenalty = "120 %"', 2, "more than 100 % cannot be taken"),
        ("[default]\npenalty = true", 2, "default.penalty = True"),
        ("[default]\ngrace = 15", 2, "default.grace = 15: a length of time is wanted"),
        ('[default]\ngrace = "15 parsecs"', 2, 'such as "15 min"'),
        ('[default]\nper = "month"', 2, 'one of "hour", "day", "week"'),
        ('[default]\ndeu = "x"', 2, "default.deu: no such key; there may be due, grace"),
        ("[default]\ndue = 2026-10-01T12:00:00", 2, 'names no zone: write zone = "Europe/London"'),
        ('zone = "Mars/Olympus"', 1, "zone = 'Mars/Olympus': no time zone that this machine knows"),
        ('# one\nunit = 3\n[default]\npenalty = "1 %"', 2, "unit"),
        ("[units]\n02_neuron = 3", 2, "units.02_neuron: a table is wanted"),
        ('[units.02_neuron]\ndue = "soon"', 2, "no time; write 2026-10-01T23:59:00"),
        ('[units."02_neuron"]\n[units."02_neuron".extensions]\n"a b" = "x"', 3, "units.02_neuron.extensions.a b = 'x'"),
        ('[default]\nextensions = "x"', 2, "no such key"),
        ('[default]\nlatest = "later"', 2, "neither a length of time"),
    ],
)
def test_a_fault_is_told_with_line_and_key(text, line, words):
    with pytest.raises(late.LateError) as caught:
        late.parse(text, "grading/late.toml")
    said = str(caught.value)
    assert said.startswith("grading/late.toml") and f"line {line}" in said and words in said, said


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("15 min", timedelta(minutes=15)),
        ("1 day 12 hours", timedelta(days=1.5)),
        ("2d", timedelta(days=2)),
        ("1.5 weeks", timedelta(days=10.5)),
    ],
)
def test_lengths_of_time(text, length):
    assert late.duration(text) == length


@pytest.mark.parametrize("text", ["", "day", "3", "3 days later", "3 4 days", "-3 days"])
def test_what_is_no_length_of_time(text):
    with pytest.raises(ValueError, match="length of time"):
        late.duration(text)


# in the gradebook


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    base = tmp_path_factory.mktemp("late")
    bundle = Bundle.load(write(base))
    result = examine(to_text(solved_notebook(bundle.unit)).encode(), bundle)
    course = Course(base / "course")
    course.prepare(bundle.unit)
    return SimpleNamespace(base=base, bundle=bundle, result=result)


@pytest.fixture
def course(made, tmp_path, monkeypatch):
    shutil.copytree(made.base / "course", tmp_path / "grading")
    shutil.copytree(made.base / "solutions", tmp_path / "solutions")
    monkeypatch.chdir(tmp_path)
    return Course("grading")


def hand_in(course, made, **times):
    course.times = {student: when for student, when in times.items() if when}
    writer = Writer(made.bundle, course)
    for student in times:
        writer.record(Graded(student, made.result, 0.1, digest=student))
    course.close()


def in_the_book(course):
    """Student -> the penalty that nbgrader shows, and its assignment's due time."""
    with Gradebook(course.db_url, "gradus") as book:
        due = book.find_assignment(UNIT).duedate
        return {s.student.id: s.late_submission_penalty for s in book.assignment_submissions(UNIT)}, due


TIMES = {
    "ada": "2026-10-01 20:00:00 UTC",
    "bob": "2026-10-03 12:00:00 UTC",
    "cyd": "2026-10-03 12:00:00 UTC",
    "dan": "",
}


def test_grading_takes_the_penalty_off(course, made):
    (course.folder / "late.toml").write_text(POLICY)
    hand_in(course, made, **TIMES)
    # cyd: two days begun, 10 % of 8 points each; bob has an extension; of dan nothing is known
    assert in_the_book(course) == ({"ada": 0, "bob": 0, "cyd": 1.6, "dan": 0}, datetime(2026, 10, 1, 22, 59))
    cyd = marks.read(course.folder, UNIT).results["cyd"]
    assert (cyd.raw, cyd.penalty, cyd.total, cyd.due) == (6, 1.6, 4.4, DUE)
    assert cyd.penalty_reason == "1 day 13 hours late: 10 % for each day begun: 1.6 points taken off"
    [page] = [path for path in course.feedback(UNIT) if "cyd" in str(path)]
    assert "Score: 4.4 / 8" in page.read_text() and cyd.penalty_reason in page.read_text()


def test_a_policy_that_comes_later_is_settled_and_twice_is_once(course, made):
    hand_in(course, made, **TIMES)
    assert in_the_book(course) == ({"ada": 0, "bob": 0, "cyd": 0, "dan": 0}, None)
    assert settle(course.folder, UNIT).policy is None  # and nothing was touched
    (course.folder / "late.toml").write_text(POLICY)
    assert marks.read(course.folder, UNIT).results["cyd"].penalty == 1.6  # exports and reports need not wait
    assert [r.student for r in settle(course.folder, UNIT, write=False).changed] == ["cyd"]
    assert in_the_book(course)[0]["cyd"] == 0
    [cyd] = settle(course.folder, UNIT).changed
    assert (cyd.recorded_penalty, cyd.penalty) == (0, 1.6)
    assert in_the_book(course)[0] == {"ada": 0, "bob": 0, "cyd": 1.6, "dan": 0}
    assert settle(course.folder, UNIT).changed == []
    hand_in(course, made, **TIMES)  # nor does grading again take it twice
    assert in_the_book(course)[0]["cyd"] == 1.6
    (course.folder / "late.toml").write_text(POLICY.replace("10 %", "5 %"))
    assert [r.penalty for r in settle(course.folder, UNIT).changed] == [0.8]
    assert marks.read(course.folder, UNIT).results["cyd"].raw == 6


def test_marks_by_hand_move_the_penalty_that_is_of_the_score(course, made):
    (course.folder / "late.toml").write_text(POLICY.replace("[default]", '[default]\nof = "score"'))
    hand_in(course, made, **TIMES)
    assert in_the_book(course)[0]["cyd"] == 1.2
    with Gradebook(course.db_url, "gradus") as book:
        book.find_grade("why", UNIT, UNIT, "cyd").manual_score = 2
        book.db.commit()
    assert marks.read(course.folder, UNIT).results["cyd"].total == 6.4
    settle(course.folder, UNIT)
    assert in_the_book(course)[0]["cyd"] == 1.6
    with Gradebook(course.db_url, "gradus") as book:
        assert book.find_grade("why", UNIT, UNIT, "cyd").manual_score == 2


def test_nbgraders_own_export_shows_it(course, made, monkeypatch):
    (course.folder / "late.toml").write_text(POLICY)
    hand_in(course, made, **TIMES)
    monkeypatch.chdir(course.folder)
    NbGraderApp.clear_instance()
    from nbgrader.apps import ExportApp

    ExportApp.clear_instance()
    try:
        ExportApp.launch_instance(["--to", "marks.csv", f"--CourseDirectory.db_url={course.db_url}"])
    except SystemExit as ended:
        assert not ended.code
    finally:
        ExportApp.clear_instance()
        NbGraderApp.clear_instance()
    rows = {row["student_id"]: row for row in csv.DictReader((course.folder / "marks.csv").open())}
    cyd = rows["cyd"]
    assert (cyd["raw_score"], cyd["late_submission_penalty"], cyd["score"]) == ("6.0", "1.6", "4.4")
    assert cyd["duedate"] == "2026-10-01 22:59:00"


def test_without_a_file_nbgraders_own_plugin_decides(course, made):
    (course.folder / "nbgrader_config.py").write_text(
        'c = get_config()\nc.LateSubmissionPlugin.penalty_method = "zero"\n'
    )
    with Gradebook(course.db_url, "gradus") as book:
        book.update_or_create_assignment(UNIT, duedate="2026-10-01 22:59:00 UTC")
    hand_in(course, made, cyd=TIMES["cyd"])
    cyd = marks.read(course.folder, UNIT).results["cyd"]
    assert (cyd.penalty, cyd.total, cyd.late) == (6, 0, timedelta(days=1, hours=13, minutes=1))


def test_a_bad_file_stops_grading_before_it_begins(course, made):
    (course.folder / "late.toml").write_text("[default]\npenalty = 'ten'\n")
    with pytest.raises(CourseError, match=r"late\.toml, line 2, default\.penalty"):
        course.prepare(made.bundle.unit)
    with pytest.raises(CourseError, match=r"late\.toml, line 2"):
        marks.read(course.folder, UNIT)


def test_while_a_class_is_graded_nothing_is_settled(course, made):
    hand_in(course, made, ada="")
    with alone(course.folder), pytest.raises(Busy):
        settle(course.folder, UNIT)


# times from tables


CLASS = Students([("ada_17", ("", "ada@example.org")), ("Bob B_23", ("bob", "")), ("eve", ())])
LONDON = ZoneInfo("Europe/London")


def times(tmp_path, text, zone=LONDON):
    (tmp_path / "times.csv").write_text(text)
    return read_times(tmp_path / "times.csv", CLASS, zone)


def test_a_table_of_times(tmp_path):
    found, strangers = times(
        tmp_path,
        "student,time\nada_17,2026-10-02T09:30:00\nbob,2026-10-02 09:30:00 UTC\neve,-\n\n"
        'nobody,2026-10-02T09:30:00\n"23",2026-10-02 09:30:00 UTC\n',
    )
    assert found == {
        "ada_17": datetime(2026, 10, 2, 8, 30, tzinfo=UTC),
        "Bob B_23": datetime(2026, 10, 2, 9, 30, tzinfo=UTC),
    }
    assert strangers == ["nobody"]


def test_moodles_worksheet_has_the_times(tmp_path):
    found, strangers = times(
        tmp_path,
        "\ufeffIdentifier,Full name,Status,Grade,Last modified (submission)\n"
        'Participant 17,Ada,Submitted for grading,,"Thursday, 1 October 2026, 11:59 PM"\n'
        "Participant 23,Bob,No submission,,-\n"
        'Participant 99,Zoe,Submitted for grading,,"Friday, 2 October 2026, 13:05"\n',
    )
    assert found == {"ada_17": DUE} and strangers == ["Participant 99"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,when\nada_17,2026-10-02", 'line 1: the columns "student" and "time" are wanted'),
        ("", "There is nothing"),
        ("student,time\nada_17,yesterday", "line 2: 'yesterday': no time that is understood"),
        ("student,time\nada_17,10/11/2026", "no time that is understood"),  # October or November
        ("student,time\nada_17,2026-10-02 09:30:00 XYZ", "no time zone that this machine knows"),
        ("student,time\nada_17", "line 2: 1 cells"),
        ("student,time\nada_17,2026-10-02\nada_17,2026-10-03", "line 3: ada_17 has another time further up"),
    ],
)
def test_bad_tables_of_times(tmp_path, text, words):
    with pytest.raises(TimesError, match=re.escape(words)):
        times(tmp_path, text)


def test_a_time_without_a_zone_is_refused(tmp_path):
    with pytest.raises(TimesError, match="names no zone"):
        times(tmp_path, "student,time\nada_17,2026-10-02T09:30:00", zone=None)


# the command


def run(*words):
    found = CliRunner().invoke(main, list(words))
    assert found.exception is None or isinstance(found.exception, SystemExit), found.output
    return found.exit_code, " ".join(found.output.split())


def test_the_command_shows_and_writes(course, made, tmp_path):
    hand_in(course, made, **dict.fromkeys(TIMES, ""))
    code, said = run("late", UNIT)
    assert code == 0 and "No late policy for 99_tiny" in said
    (course.folder / "late.toml").write_text(POLICY)
    (tmp_path / "times.csv").write_text(
        "student,time\ncyd,2026-10-03T13:00:00\nada,2026-10-01T20:00:00\nzoe,2026-10-01\n"
    )
    code, said = run("late", UNIT, "--times", "times.csv", "--dry-run")
    assert code == 0 and "Penalties would change in the gradebook: cyd 0 -> 1.6." in said
    assert in_the_book(course)[0]["cyd"] == 0
    code, said = run("late", UNIT, "--times", "times.csv")
    assert "In times.csv, and nobody here: zoe." in said and "2 times of submission recorded" in said
    assert "1 of 4 are late. When 2 handed in is not known" in said and "cyd 0 -> 1.6" in said
    assert in_the_book(course)[0] == {"ada": 0, "bob": 0, "cyd": 1.6, "dan": 0}
    code, said = run("late", "99")
    assert "The gradebook has these penalties already." in said
    hand_in(course, made, cyd="")  # graded again: the time stays
    assert in_the_book(course)[0]["cyd"] == 1.6


def test_the_command_names_what_is_wrong(course, made, tmp_path):
    hand_in(course, made, ada="")
    (course.folder / "late.toml").write_text("[default]\npenalty = 'ten'\n")
    code, said = run("late", UNIT)
    assert code == 1 and "late.toml, line 2, default.penalty" in said and "Nothing was changed." in said
    (course.folder / "late.toml").unlink()
    (tmp_path / "times.csv").write_text("student,time\nada,2026-10-02T09:30:00\n")
    code, said = run("late", UNIT, "--times", "times.csv")
    assert code == 1 and "times.csv, line 2" in said and "names no zone" in said
    code, said = run("late", UNIT, "--times", "times.csv", "--zone", "Europe/Nowhere")
    assert code == 1 and "no time zone that this machine knows" in said
    code, said = run("late", UNIT, "--course", "elsewhere")
    assert code == 1 and "There is no gradebook in" in said
