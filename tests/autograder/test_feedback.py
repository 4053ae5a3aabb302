"""What a student reads afterwards: everything that helps, nothing hidden, and nothing live."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from autograder.bundle import Bundle
from autograder.gradebook import Course
from autograder.release import filled, solved_notebook, to_text

from .tiny import graded, write

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
    assert "Score: 4.0 / 8.0" in told
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
    assert "$x < y$" in told.replace("&lt;", "<") and "a<b" in told.replace("a< b", "a<b")


def test_the_page_of_an_unreadable_submission_says_why(course):
    told = text(course, "broken")
    assert "Notes from the grader" in told
    assert "no valid JSON" in told and "Download it again from Jupyter" in told
    assert "Score: 0.0 / 8.0" in told
    assert told.count("0 of 1 tests passed") == 2
    assert course.scores("99_tiny")["broken"] == 0


def test_notes_say_what_the_grader_put_right(course):
    assert "cell setup-1 was edited: the hand-out's was used" in text(course, "copied")
    assert "Notes from the grader" not in text(course, "ada")


def test_nbgraders_own_feedback_hides_the_hidden_tests_too(course):
    """The button in formgrader runs it, and knows of no preprocessor of ours but by the folder's configuration."""
    before = page(course, "whole")
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command = [Path(sys.executable).parent / "nbgrader", "generate_feedback", "99_tiny", "--force", "--student=whole"]
    done = subprocess.run(command, cwd=course.folder, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "test_random" not in page(course, "whole") and "load_reference" not in page(course, "whole")
    assert text(course, "whole") == words(before)
