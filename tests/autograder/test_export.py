"""Marks out: every figure as in the gradebook, every student in the file or named, no cell that is a formula."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from nbgrader.api import Gradebook

from autograder import marks
from autograder.bundle import Bundle
from autograder.classroom import Graded, Writer
from autograder.cli import main
from autograder.examine import examine
from autograder.export import as_json, headings, number, plain_csv, safe
from autograder.gradebook import Course
from autograder.identity import Students, name_of, number_of
from autograder.lms import Wishes, alike, canvas, moodle
from autograder.release import filled, solved_notebook, to_text
from autograder.sheet import Sheet, TemplateError, value

from .tiny import write

UNIT = "99_tiny"
ADA, BOB, EVE = "lovelaceada_101", "Bob Babbage_102", "=cmd()_103"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Ada has all right and a marked answer, Bob a known mistake, Eve no notebook, and Zoe has handed in nothing."""
    base = tmp_path_factory.mktemp("export")
    bundle = Bundle.load(write(base))
    right = {name: exercise.cell.source for name, exercise in bundle.unit.exercises.items()}
    whole = bundle.unit.exercises["softmax"].mistakes[0].source
    papers = {
        ADA: to_text(solved_notebook(bundle.unit)),
        BOB: to_text(filled(bundle.release, right | {"softmax": f"{right['softmax']}\n\n{whole}"})),
        EVE: "no notebook",
    }
    course = Course(base / "grading")
    course.prepare(bundle.unit)
    writer = Writer(bundle, course)
    for student, text in papers.items():
        writer.record(Graded(student, examine(text.encode(), bundle, seed=3), 0.5, digest=student))
    course.close()
    with Gradebook(course.db_url, "gradus") as book:
        book.find_grade("why", UNIT, UNIT, ADA).manual_score = 1.25
        book.find_grade("why", UNIT, UNIT, ADA).needs_manual_grade = False
        book.find_comment("why", UNIT, UNIT, ADA).manual_comment = "Well <put>, Ada."
        book.update_or_create_student(ADA, first_name="Ada", last_name="Lovelace", email="ada@example.org")
        book.update_or_create_student(EVE, first_name="=HYPERLINK(1)", last_name="Müller, O'Eve", email="@eve")
        book.update_or_create_student("zoe_104")
        book.db.commit()
    return SimpleNamespace(base=base)


@pytest.fixture
def course(made, tmp_path, monkeypatch):
    shutil.copytree(made.base, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    return Course("grading")


def unit(course, names=True):
    return marks.read(course.folder, UNIT, names)


def table(exported, separator=","):
    text = exported.data.decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))


def records(exported):
    head, *rows = table(exported)
    return {row[0]: dict(zip(head, row, strict=True)) for row in rows}


# CSV and JSON


def test_plain_csv_is_what_the_gradebook_says(course):
    exported = plain_csv(unit(course))
    assert exported.data.startswith(b"\xef\xbb\xbf")
    rows = records(exported)
    with Gradebook(course.db_url, "gradus") as book:
        for student in (ADA, BOB, EVE):
            row, submission = rows[safe(student)], book.find_submission(UNIT, student)
            assert float(row["raw score"]) == submission.score and float(row["maximum"]) == submission.max_score
            for grade in submission.notebooks[0].grades:
                assert float(row[grade.name.removeprefix("check-")]) == grade.score
    ada, bob = rows[ADA], rows[BOB]
    assert (ada["first name"], ada["last name"], ada["by hand"], ada["total"]) == ("Ada", "Lovelace", "1.25", "7.25")
    assert (bob["softmax"], bob["mistakes"], bob["waiting for a mark"], bob["seed"]) == ("2", "softmax: whole", "", "3")
    assert rows["zoe_104"]["outcome"] == "not handed in" and rows["zoe_104"]["total"] == ""
    assert exported.notes == ["In the gradebook, with nothing handed in: zoe_104."]


def test_no_cell_is_a_formula(course):
    for exported in (plain_csv(unit(course)), canvas(unit(course)), moodle(unit(course))):
        for row in table(exported):
            assert not any(cell.strip(" \n")[:1] in tuple("=+@\t\r") for cell in row), row
            assert not any(cell.startswith("-") and cell != "-" for cell in row), row
    eve = records(plain_csv(unit(course)))["'" + EVE]
    assert eve["first name"] == "'=HYPERLINK(1)" and eve["email"] == "'@eve" and eve["last name"] == "Müller, O'Eve"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", " =1", "\n=1", "＝1"])
def test_what_is_made_safe(text):
    assert safe(text) == "'" + text


def test_what_is_left_alone():
    assert [safe(text) for text in ("", "Ada", "a=b", "3-4", "O'Neil")] == ["", "Ada", "a=b", "3-4", "O'Neil"]
    assert [number(points) for points in (3.0, 3.5, 1.005, 0.1 + 0.2, 123456.5)] == [
        "3",
        "3.5",
        "1",
        "0.3",
        "123456.50",
    ]


def test_an_exercise_may_be_called_like_a_column():
    assert headings({"check-total": 1, "check-f": 1, "why": 2}) == {
        "check-total": "check-total",
        "check-f": "f",
        "why": "why",
    }


def test_json_says_all_and_its_version(course):
    data = json.loads(as_json(unit(course)).data)
    assert (data["format"], data["version"], data["unit"], data["maximum"]) == ("gradus-marks", 1, UNIT, 8)
    assert [cell["label"] for cell in data["cells"]] == ["softmax", "Scaler", "why"]
    found = {result["student"]: result for result in data["results"]}
    model = unit(course).results
    for student, result in found.items():
        for name in (
            "automatic",
            "by_hand",
            "extra",
            "raw",
            "penalty",
            "total",
            "maximum",
            "outcome",
            "mistakes",
            "seed",
        ):
            assert result[name] == getattr(model[student], name), name
    tests = found[BOB]["cells"]["check-softmax"]["tests"]
    assert [test["status"] for test in tests] == ["fail", "pass", "pass", "fail"] and tests[3]["hidden"]
    assert found[ADA]["comments"] == {"why": "Well <put>, Ada."} and data["absent"][0]["student"] == "zoe_104"
    assert found[EVE]["notes"] and found[EVE]["outcome"] == "unreadable"


def test_without_names_there_are_none(course):
    for make in (plain_csv, as_json):
        text = make(unit(course, names=False)).data.decode()
        assert not any(word in text for word in ("lovelace", "Lovelace", "Bob", "Müller", "zoe", "example.org", "101"))
    assert sorted(r["total"] for r in records(plain_csv(unit(course, False))).values()) == ["", "0", "4", "7.25"]


def test_waiting_answers_are_told(course):
    with Gradebook(course.db_url, "gradus") as book:
        book.find_grade("why", UNIT, UNIT, ADA).needs_manual_grade = True
        book.db.commit()
    assert f"Answers that nobody has marked yet count 0: {ADA}." in plain_csv(unit(course)).notes
    assert f"Answers that nobody has marked yet count 0: {ADA}." in canvas(unit(course)).notes


# who is who


def test_students_are_found_by_number_and_name():
    assert number_of("lovelaceada_12345") == 12345 and number_of("ada") is None and name_of("Ada L_7") == "Ada L"
    ours = Students([("ada_17", ("", "Ada@Example.org")), ("bob_17", ()), ("eve_18", ("evelogin",))])
    assert ours.numbered("Participant 18") == ours.numbered("018") == "eve_18"
    assert ours.numbered("17") is None  # two have it
    assert ours.numbered("Eve") is None and ours.numbered("") is None
    assert (
        ours.named("", "EVELOGIN") == "eve_18" and ours.named("ada@example.org") == "ada_17" and ours.named("x") is None
    )


def test_names_are_compared_by_their_letters():
    assert alike("Lovelace, Ada", "lovelaceada_12345") and alike("Ada Lovelace (Participant 3)", "Ada Lovelace_3")
    assert alike("Ada Lovelace", "Participant_3") and alike("李明", "liming_3")
    assert not alike("Turing, Alan", "lovelaceada_12345")


# Canvas

CANVAS = (
    "\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,Essay (900),99_tiny (901),Homework Current Score,Final Grade\n"
    ",,,,,,Manual Posting,,\n"
    "    Points Possible,,,,,10.00,8.00,(read only),(read only)\n"
    '"Lovelace, Ada",101,s1,ada1,One,7.00,,70,C\n'
    '"Babbage, Bob",102,s2,bob2,One,8.00,3.00,80,B\n'
    '"Noether, Emmy",105,s5,emmy,One,9.00,,90,A\n'
    '"Student, Test",999,,test,One,,,,\n'
)


@pytest.fixture
def template(tmp_path):
    def write_it(text, name="download.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return write_it


def test_canvas_gets_its_own_table_back_with_one_column_filled(course, template):
    exported = canvas(unit(course), template(CANVAS))
    assert exported.data.startswith("\ufeffStudent,ID,".encode())
    head, posting, possible, ada, bob, emmy, test = table(exported)
    assert head == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "99_tiny (901)"]
    assert posting[-1] == "Manual Posting" and possible == ["    Points Possible", "", "", "", "", "8.00"]
    assert ada == ["Lovelace, Ada", "101", "s1", "ada1", "One", "7.25"]
    assert bob[-1] == "4" and emmy[-1] == "" and test[0] == "Student, Test" and test[-1] == ""
    assert exported.left_out == [EVE]
    assert "In Canvas's table, with no result here, left as they are: Noether, Emmy." in exported.notes
    assert "Have another score in Canvas by now, which this replaces: Babbage, Bob." in exported.notes
    assert len(exported.notes) == 2


def test_canvas_scaled_to_its_own_maximum(course, template):
    text = CANVAS.replace("10.00,8.00", "10.00,100.00")
    assert table(canvas(unit(course), template(text)))[3][-1] == "90.62"
    exported = canvas(unit(course), template(text), Wishes(scale=False))
    assert table(exported)[3][-1] == "7.25" and "Canvas counts to 100, the unit to 8: NOT scaled." in exported.notes
    assert canvas(unit(course), template(text)).notes[0] == "Canvas counts to 100, the unit to 8: scaled."


def test_canvas_of_another_country(course, template):
    text = (
        CANVAS.replace(",", ";")
        .replace("Lovelace; Ada", "Lovelace, Ada")
        .replace("8.00", "8,00")
        .replace("3.00", "4,00")
    )
    exported = canvas(unit(course), template(text))
    rows = table(exported, ";")
    assert [row[-1] for row in rows[3:5]] == ["7.25", "4"] and not any("another score" in n for n in exported.notes)


def test_canvas_excused_and_unassigned_are_left(course, template):
    text = CANVAS.replace("One,7.00,,70", "One,7.00,EX,70").replace("8.00,3.00,80", "8.00,N/A,80")
    exported = canvas(unit(course), template(text))
    assert [row[-1] for row in table(exported)[3:5]] == ["EX", "N/A"]
    assert "Excused in Canvas, or not assigned, and left so: Lovelace, Ada, Babbage, Bob." in exported.notes


def test_canvas_the_absent_may_get_nothing(course, template):
    exported = canvas(unit(course), template(CANVAS), Wishes(absent_zero=True))
    assert table(exported)[5][-1] == "0" and any("given 0: Noether, Emmy" in note for note in exported.notes)


def test_canvas_first_and_last_names_apart(course, template):
    text = CANVAS.replace("Student,ID", "LastName,FirstName,ID").replace('"Lovelace, Ada"', "Lovelace,Ada")
    text = text.replace('"Babbage, Bob"', "Babbage,Bob").replace('"Noether, Emmy"', "Noether,Emmy")
    text = (
        text.replace('"Student, Test"', "Student,Test")
        .replace("Possible,", "Possible,,")
        .replace(",,,,,,Man", ",,,,,,,Man")
    )
    exported = canvas(unit(course), template(text))
    assert table(exported)[3] == ["Lovelace", "Ada", "101", "s1", "ada1", "One", "7.25"]
    assert not any("differ" in note for note in exported.notes)


def test_canvas_names_the_columns_that_there_are(course, template):
    with pytest.raises(TemplateError, match=r"No column is called 99_tiny.*Essay \(900\), Tiny problem \(901\)"):
        canvas(unit(course), template(CANVAS.replace("99_tiny", "Tiny problem")))
    for column in ("Tiny problem", "901", "tiny PROBLEM (901)"):
        path = template(CANVAS.replace("99_tiny", "Tiny problem"))
        assert table(canvas(unit(course), path, Wishes(column=column)))[3][-1] == "7.25"
    assert table(canvas(unit(course), template(CANVAS.replace("99_tiny", "Tiny"))))[0][-1] == "Tiny (901)"
    with pytest.raises(TemplateError, match="Several columns are called"):
        canvas(unit(course), template(CANVAS.replace("Essay", "99 Tiny")))


def test_canvas_a_number_that_is_anothers_is_told(course, template):
    text = CANVAS.replace('"Lovelace, Ada"', '"Turing, Alan"')
    exported = canvas(unit(course), template(text))
    assert f"Matched by number though the names differ: look at these: Turing, Alan = {ADA}." in exported.notes


def test_canvas_two_rows_for_one_student_get_nothing(course, template):
    text = CANVAS.replace("Noether, Emmy", "Lovelace, A").replace(",105,", ",101,")
    exported = canvas(unit(course), template(text))
    assert table(exported)[3][-1] == "" and ADA in exported.left_out
    assert any("Two rows of Canvas's for one student" in note for note in exported.notes)


def test_canvas_by_login_where_there_is_no_number(course, template):
    with Gradebook(course.db_url, "gradus") as book:
        book.update_or_create_student(EVE, lms_user_id="emmy")
        book.db.commit()
    assert canvas(unit(course), template(CANVAS)).left_out == []


def test_canvas_without_its_export(course):
    rows = table(canvas(unit(course)))
    assert rows[0] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", UNIT]
    assert rows[1] == ["    Points Possible", "", "", "", "", "8"]
    assert ["Lovelace, Ada", "101", "", "", "", "7.25"] in rows and ["Bob Babbage", "102", "", "", "", "4"] in rows


# Moodle

MOODLE = (
    "Identifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed,"
    "Last modified (submission),Last modified (grade),Feedback comments\n"
    'Participant 101,Ada Lovelace,ada@example.org,Submitted for grading,,8.00,Yes,"Thursday, 1 October 2026, 11:59 PM",-,\n'
    "Participant 102,Bob Babbage,bob@example.org,Submitted for grading,3.00,8.00,Yes,-,-,<p>Mine</p>\n"
    "Participant 103,Eve,eve@example.org,Submitted for grading,,8.00,No,-,-,\n"
    "Participant 105,Emmy Noether,emmy@example.org,No submission,,8.00,Yes,-,-,\n"
)


def test_moodles_worksheet_comes_back_filled(course, template):
    exported = moodle(unit(course), template(MOODLE))
    head, ada, bob, eve, emmy = table(exported)
    assert head == table(SimpleNamespace(data=MOODLE.encode()))[0]
    assert ada[:8] == [
        *("Participant 101", "Ada Lovelace", "ada@example.org", "Submitted for grading", "7.25", "8.00", "Yes"),
        "Thursday, 1 October 2026, 11:59 PM",
    ]
    assert ada[9].startswith("99_tiny: 7.25 of 8 points.<br>softmax: 4 of 4.<br>Scaler: 2 of 2.<br>why: 1.25 of 2.")
    assert "Well &lt;put&gt;, Ada." in ada[9]
    assert (bob[4], bob[9]) == ("4", "<p>Mine</p>") and eve[4] == emmy[4] == ""
    told = " ".join(exported.notes)
    assert "Have a comment in Moodle by now, which is left: Bob Babbage (Participant 102)" in told
    assert "Locked in Moodle, where the grade cannot be changed: Eve (Participant 103)" in told
    assert "with no result here, left as they are: Emmy Noether (Participant 105)" in told
    assert exported.left_out == [] and not exported.data.startswith(b"\xef\xbb\xbf")


def test_moodles_comment_of_ours_is_renewed_and_may_be_left_out(course, template):
    once = moodle(unit(course), template(MOODLE.replace("<p>Mine</p>", "")))
    assert "Hint" not in table(once)[2][9] and "softmax: 2 of 4. You divided by the sum" in table(once)[2][9]
    with Gradebook(course.db_url, "gradus") as book:
        book.find_grade("check-softmax", UNIT, UNIT, BOB).manual_score = 4
        book.db.commit()
    again = moodle(unit(course), template(once.data.decode()))
    assert table(again)[2][9].startswith("99_tiny: 6 of 8 points.<br>softmax: 4 of 4.<br>")
    assert table(moodle(unit(course), template(MOODLE), Wishes(text=False)))[1][9] == ""


def test_moodle_scaled_and_cut_down_to_its_maximum(course, template):
    text = MOODLE.replace("8.00", "100.00")
    assert table(moodle(unit(course), template(text)))[1][4] == "90.62"
    with Gradebook(course.db_url, "gradus") as book:
        book.find_grade("why", UNIT, UNIT, ADA).extra_credit = 5
        book.db.commit()
    exported = moodle(unit(course), template(MOODLE))
    assert table(exported)[1][4] == "8"
    assert any("More than Moodle's maximum, cut down to it: Ada" in note for note in exported.notes)


def test_moodle_in_another_language(course, template):
    text = MOODLE.replace("Identifier", "ID").replace("Participant ", "Teilnehmer/in").replace(",Grade,", ",Bewertung,")
    with pytest.raises(TemplateError, match="say --column for Grade"):
        moodle(unit(course), template(text))
    assert table(moodle(unit(course), template(text), Wishes(column="Bewertung")))[1][4] == "7.25"


def test_moodle_without_its_worksheet(course):
    rows = {row[0]: row for row in table(moodle(unit(course)))}
    assert rows["Participant 101"][1:6] == ["Ada Lovelace", "ada@example.org", "", "7.25", "8"]
    assert rows["Participant 102"][1] == "Bob Babbage"


# downloads that are none


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no table"),
        ("a,b\n", "holds no table"),
        ("a,b\n1,2\n", "is no gradebook export of Canvas's: its columns are a, b"),
        (MOODLE, "no gradebook export of Canvas's"),
        (CANVAS + '"Lovelace, A",1,2,3,4,5,6,7,8,9\n', "row 8: 10 cells under 9 headings"),
        (CANVAS + '"torn', "no table that can be read"),
    ],
)
def test_what_is_no_export_of_canvas(course, template, text, words):
    with pytest.raises(TemplateError, match=words):
        canvas(unit(course), template(text))


def test_other_ways_of_saving(course, template):
    assert table(canvas(unit(course), template(CANVAS.removeprefix("\ufeff"), encoding="utf-16")))[3][-1] == "7.25"
    with pytest.raises(TemplateError, match="no UTF-8 text"):
        canvas(unit(course), template(CANVAS.removeprefix("\ufeff").replace("Ada", "Ad\u00e4"), encoding="latin-1"))
    with pytest.raises(TemplateError, match="no grading worksheet of Moodle's"):
        moodle(unit(course), template(CANVAS))
    assert Sheet.read(template("a,b\r\n1,2\r\n")).data() == b"a,b\r\n1,2\r\n"
    assert [value(text) for text in ("3", "3,5", " 4.25 ", "-1", "", "EX", "1.2.3")] == [
        3,
        3.5,
        4.25,
        -1,
        None,
        None,
        None,
    ]


# the commands


def run(*words):
    done = CliRunner().invoke(main, ["export", *words])
    assert done.exception is None or isinstance(done.exception, SystemExit), (done.output, done.exception)
    return done.exit_code, " ".join(done.output.split())


def test_the_commands_write_where_they_say(course, template):
    code, said = run("csv", UNIT)
    assert code == 0 and "Written: grading/exports/99_tiny.csv" in said and "zoe_104" in said
    assert run("json", "99", "--out", "deep/marks.json", "--no-names")[0] == 0
    assert json.loads(Path("deep/marks.json").read_text())["names"] is False
    code, said = run("canvas", UNIT, "--template", str(template(CANVAS)))
    assert code == 1 and f"1 with a result, and NOT in the file: {EVE}." in said  # told, and by the exit status too
    assert "Lovelace" in Path("grading/exports/99_tiny.canvas.csv").read_text()
    code, said = run("moodle", UNIT, "--template", str(template(MOODLE)))
    assert code == 0 and "Written: grading/exports/99_tiny.moodle.csv" in said


def test_the_table_alone_goes_to_the_screen(course):
    done = CliRunner().invoke(main, ["export", "csv", UNIT, "--out", "-"])
    assert done.exit_code == 0 and done.stdout_bytes.startswith("\ufeffstudent,first name".encode())
    assert "zoe_104." in done.stderr and "zoe_104." not in done.stdout


def test_exports_bring_penalties_into_the_gradebook(course):
    with Gradebook(course.db_url, "gradus") as book:
        book.update_or_create_submission(UNIT, BOB, timestamp="2026-10-03 12:00:00 UTC")
    (course.folder / "late.toml").write_text("[default]\ndue = 2026-10-01T12:00:00Z\npenalty = 0.5\n")
    assert run("csv", UNIT)[0] == 0
    row = records(SimpleNamespace(data=Path("grading/exports/99_tiny.csv").read_bytes()))[BOB]
    assert (row["raw score"], row["late penalty"], row["total"], row["hours late"]) == ("4", "1", "3", "48")
    with Gradebook(course.db_url, "gradus") as book:
        assert book.find_submission(UNIT, BOB).late_submission_penalty == 1


def test_the_commands_say_what_is_wrong(course, template, tmp_path):
    code, said = run("canvas", UNIT, "--template", str(template("a,b\n1,2\n")))
    assert code == 1 and "no gradebook export of Canvas's" in said and "Nothing was written." in said
    assert not (course.folder / "exports").exists()
    code, said = run("csv", UNIT, "--course", "elsewhere")
    assert code == 1 and "There is no gradebook in" in said
    Course("empty").prepare(Bundle.load(next((tmp_path / "project" / "solutions").glob("*.py"))).unit)
    code, said = run("csv", UNIT, "--course", "empty")
    assert code == 1 and "Nothing of 99_tiny is graded" in said
    (course.folder / "exports").write_text("a file")
    code, said = run("csv", UNIT)
    assert code == 1 and "cannot be written" in said
