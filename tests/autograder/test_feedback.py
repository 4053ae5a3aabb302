"""What a student reads afterwards: everything that helps, nothing hidden, and nothing live."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbgrader.api import Gradebook

from autograder import feedback
from autograder.bundle import Bundle
from autograder.gradebook import Course, CourseError
from autograder.release import filled, solved_notebook, to_text
from autograder.source import load_unit, unit_paths

from .tiny import graded, write

UNITS = unit_paths(Path(__file__).parents[2] / "solutions")

EVIL = "<script>evil()</script>"
ATTACK = f'''
from IPython.display import HTML, Javascript, Latex, Markdown, SVG, display
from IPython import get_ipython
print("{EVIL}")
display(HTML("{EVIL}"), Javascript("evil()"), Markdown("{EVIL}"), Latex("{EVIL}"))
display(SVG('<svg xmlns="http://www.w3.org/2000/svg" onload="evil()"></svg>'))
display({{"image/png": '"><script>evil()</script>', "text/plain": "{EVIL}"}}, raw=True)
display({{"text/html": "{EVIL}", "application/javascript": "evil()"}}, raw=True, metadata={{"isolated": True}})

def softmax(z):
    """{EVIL}"""
    return "{EVIL}"

raise ValueError("{EVIL}")
'''
ANSWER = f"""{EVIL} <img src=x onerror=evil()> [a](javascript:evil()) ![b](x"onerror="evil()) <a href="javascript:evil()">c</a>
[d][e] <javascript:evil()> [f](JAVA&#x73;CRIPT:evil()) [g](<javascript:evil()>) [h](data:text/html,evil())

[e]: javascript:evil()

$x < y$ and `a<b`, ${EVIL}$

<details open ontoggle=evil()>d</details>

<!-- {EVIL} -->
"""
PEEK = """def softmax(z):
    print("INPUT", z.shape, z.ravel().tolist())
    return z
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return Bundle.load(write(tmp_path_factory.mktemp("feedback")))


@pytest.fixture(scope="module")
def course(bundle, tmp_path_factory):
    unit = bundle.unit
    right = {name: exercise.cell.source for name, exercise in unit.exercises.items()}

    def paper(**answers):
        return to_text(filled(bundle.release, right | answers)).encode()

    papers = {
        "ada": to_text(solved_notebook(unit)).encode(),
        "whole": paper(softmax=right["softmax"] + "\n\n" + unit.exercises["softmax"].mistakes[0].source),
        "peek": paper(softmax=PEEK),
        "attack": paper(softmax=ATTACK, why=ANSWER),
        "broken": paper()[:3000],
        "copied": paper()
        .replace(b'"id": "setup-1"', b'"id": "setup-x"')
        .replace(b"import numpy as np", b"import numpy"),
    }
    course = Course(tmp_path_factory.mktemp("feedback") / "course")
    course.prepare(unit)
    found = {}
    for student, data in papers.items():
        path = course.folder / "submitted" / student / unit.name / f"{unit.name}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
        found[student] = path
    course.results = graded(bundle, found, course).results
    course.pages = course.feedback(unit.name)
    return course


def page(course, student):
    return (course.folder / "feedback" / student / "99_tiny" / "99_tiny.html").read_text(encoding="utf-8")


def text(course, student):
    return words(page(course, student))


def words(html):
    return " ".join(BeautifulSoup(html, "html.parser").get_text().split())


def test_every_student_has_a_page(course):
    assert [path.parent.parent.name for path in course.pages] == sorted(course.results)


def test_tables_and_hints_are_in_it(course):
    assert text(course, "ada").count("tests passed") == 2 and "Hint." not in text(course, "ada")
    told = text(course, "whole")
    assert "You divided by the sum of the whole array." in told
    assert "2 of 4 tests passed: 2 of 4 points." in told and "2 of 2 tests passed: 2 of 2 points." in told
    assert "Score: 4 / 8" in told
    assert "first difference at [0]" in told  # what was wrong, in the visible test


@pytest.mark.parametrize("student", ["ada", "whole", "peek", "attack", "broken", "copied"])
def test_hidden_tests_are_told_by_title_alone(student, course):
    told = text(course, student)
    assert "def test_rows" in told  # so a hidden one would be found
    for secret in ("test_random", "HIDDEN TESTS", "load_reference", "reference", "rng.normal", "SOLUTION"):
        assert secret not in told, secret
    if student in ("ada", "whole", "peek"):
        assert "random scores (hidden test)" in told


def test_numbers_of_hidden_tests_are_nowhere(course):
    """The whole notebook is wrong, so every visible test says what went in; the hidden one does not."""
    told = text(course, "peek")
    assert "INPUT (1, 2)" in told
    assert "(7, 5)" not in told and "7, 5" not in page(course, "peek")
    assert course.results["peek"].reports["softmax"]["rows"][-1]["status"] == "fail"


def live(html):
    """What a browser would run, or fetch."""
    found = []
    for tag in BeautifulSoup(html, "html.parser").find_all(True):
        if tag.name in ("script", "iframe", "object", "embed", "base", "form", "svg", "link", "meta", "details"):
            found.append(str(tag))
        for name, value in tag.attrs.items():
            goes = name in ("src", "href") and ":" in value and not value.startswith("data:image/png;base64,")
            if goes or name.startswith("on"):
                found.append(f"{name}={value}")
    return found


def test_nothing_of_the_students_is_live(course):
    assert live(page(course, "attack")) == live(page(course, "ada"))
    assert "evil()" in text(course, "attack")  # it is there to be read


def test_an_answer_in_words_can_still_be_read(course):
    told = text(course, "attack")
    assert "x<y" in told.replace(" ", "") and "a<b" in told.replace("a< b", "a<b")


def test_the_page_of_an_unreadable_submission_says_why(course):
    told = text(course, "broken")
    assert "Notes from the grader" in told
    assert "no valid JSON" in told and "Download it again from Jupyter" in told
    assert "Score: 0 / 8" in told
    assert told.count("0 of 1 tests passed") == 2
    assert course.scores("99_tiny")["broken"] == 0


def test_notes_say_what_the_grader_put_right(course):
    assert "cell setup-1 was edited: the hand-out's was used" in text(course, "copied")
    assert "Notes from the grader" not in text(course, "ada")


def test_nbgraders_own_feedback_hides_the_hidden_tests_too(course):
    """The button in formgrader runs it, and knows of no preprocessor of ours but by the folder's configuration."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command = [Path(sys.executable).parent / "nbgrader", "generate_feedback", "99_tiny", "--force", "--student=whole"]
    done = subprocess.run(command, cwd=course.folder, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "nbgrader" in page(course, "whole") and "def test_rows" in text(course, "whole")
    assert "test_random" not in page(course, "whole") and "load_reference" not in page(course, "whole")
    course.feedback("99_tiny")  # ours again


def show(cells, marks=None, student="ada"):
    return feedback.page(student, "99_tiny", new_notebook(cells=cells), marks or feedback.Marks())


def test_a_page_needs_nothing_else_and_forbids_all_else(course):
    for student in course.results:
        soup = BeautifulSoup(page(course, student), "html.parser")
        assert not soup.find_all(["script", "link", "iframe", "object", "embed", "svg", "form", "input", "base"])
        policy = soup.find("meta", {"http-equiv": "Content-Security-Policy"})["content"]
        assert policy.startswith("default-src 'none'") and "script" not in policy
        assert len(page(course, student)) < 100_000


def test_what_a_person_marked_and_wrote_is_in_it(bundle, tmp_path):
    course = Course(tmp_path)
    course.prepare(bundle.unit)
    path = tmp_path / "ada.ipynb"
    path.write_bytes(to_text(filled(bundle.release, {"why": "Because <b>so</b>."})).encode())
    graded(bundle, {"ada": path}, course)
    course.feedback("99_tiny")
    assert "Not marked yet." in text(course, "ada") and "not marked yet / 2" in text(course, "ada")
    with Gradebook(course.db_url, "gradus") as book:
        part = book.find_submission_notebook("99_tiny", "99_tiny", "ada")
        part.late_submission_penalty = 0.5
        for grade in part.grades:
            if "why" in grade.name:
                grade.manual_score, grade.needs_manual_grade, name = 1.5, False, grade.name
        book.find_comment(name, "99_tiny", "99_tiny", "ada").manual_comment = "Well <i>said</i>.\nBut why?"
        book.db.commit()
    course.feedback("99_tiny")
    told = text(course, "ada")
    assert "1.5 of 2 points." in told and "Score: 1 / 8" in told and "late: 0.5 points taken off" in told
    assert "Well <i>said</i>. But why?" in told and "marked yet" not in told.lower()


def test_a_notebook_without_marks_is_told_and_stops_no_other(bundle, course):
    folder = course.folder / "autograded" / "nobody" / "99_tiny"
    folder.mkdir(parents=True)
    (folder / "99_tiny.ipynb").write_text(to_text(new_notebook()))
    try:
        with pytest.raises(CourseError, match=r"pages were written; nobody stand.*--force"):
            course.feedback("99_tiny")
    finally:
        shutil.rmtree(folder.parent)
    assert page(course, "ada")


def test_much_output_is_cut_and_said():
    flood = new_output("stream", text="x" * 300_000 + "the end")
    shown = show([new_code_cell("1", outputs=[flood])])
    assert len(shown) < 60_000 and "characters left out" in shown and "the end" in shown
    shown = show([new_code_cell("1", outputs=[flood] * 400) for _ in range(5)])
    assert len(shown) < 1_500_000


def test_many_pictures_are_left_out_and_said():
    picture = new_output("display_data", {"image/png": "A" * 900_000, "text/plain": "<Figure>"})
    shown = show([new_code_cell("1", outputs=[picture] * 5)])
    assert shown.count("data:image/png") == 2 and shown.count("A picture is left out") == 3


def test_an_output_cannot_play_with_the_terminal_or_the_order_of_letters():
    shown = show([new_code_cell("1", outputs=[new_output("stream", text="\x1b[31mred\x1b[0m \x07\u202etxt")])])
    assert "red \ufffdtxt" in shown and "\x1b" not in shown and "\x07" not in shown


@pytest.mark.parametrize(
    "source",
    ["[" * 20_000, "*_" * 9_000, "`" * 19_999, "> " * 9_000, "$" * 20_001, "|a" * 9_000, "![](" * 5_000, "<" * 20_000,
     "$" + "{" * 900 + "$", "$" + r"\frac" * 150 + "$", "$" + "x^" * 400 + "$", "\n".join("- " * i for i in range(150))],
)  # fmt: skip
def test_words_made_to_be_slow_are_shown_all_the_same(source):
    assert "Your answer" in show([new_markdown_cell(source, metadata={"gradus": {"role": "question"}})])


def test_formulas_need_no_script():
    shown = show([new_markdown_cell(r"$\sigma(z) = \frac{1}{1 + e^{-z}}$ and $\href{javascript:evil()}{x}$ "
                                    r"and $\text{<script>evil()</script>}$")])  # fmt: skip
    assert "<mfrac>" in shown and not [found for found in live(shown) if "evil" in found]
    assert 'href="javascript' not in shown and "<script>evil" not in shown


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_every_formula_of_the_course_is_drawn(unit):
    text = solved_notebook(load_unit(unit))
    drawn = "".join(feedback._markdown(cell.source, True) for cell in text.cells if cell.cell_type == "markdown")
    soup = BeautifulSoup(drawn, "html.parser")
    assert not [code for code in soup.find_all("code") if "\\" in code.get_text() and "$" not in code.get_text()
                and any(word in code.get_text() for word in ("\\frac", "\\sum", "\\begin"))]  # fmt: skip
    assert "$$" not in soup.get_text()
