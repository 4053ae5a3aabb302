"""nbgrader's own buttons and pages on what Gradus makes: Validate in JupyterLab, and formgrader's gradebook and marks."""

from __future__ import annotations

import re

import pytest

from autograder.marks import read
from autograder.source import load_unit

from .conftest import ROOT
from .seat import Server
from .test_pages import UNIT, taught  # noqa: F401

# Its pages load MathJax from there, whatever is configured: formulas stay as they were typed where there is no network,
# and the browser complains twice, that it did not come and that it is not there.
MATHS = ("cdnjs.cloudflare.com/ajax/libs/mathjax",)
NO_MATHS = ("MathJax is not defined", "net::ERR_FAILED")


def test_validate(seat, student):
    """The button in the notebook's bar: a solved notebook passes, and one with a mistake in it does not."""
    unit = load_unit(ROOT / "solutions" / f"{UNIT}.py")
    answers = {name: exercise.cell.source for name, exercise in unit.exercises.items()}
    answers |= {str(question.name): question.source for question in unit.questions}
    page = seat(student(UNIT, answers))

    def validate():
        page.page.get_by_role("button", name="Validate").click()
        answer = page.page.locator(".jp-Dialog").filter(has_text=re.compile("Validation Results"))
        answer.filter(has_text=re.compile("passes|failed")).wait_for()
        words = answer.inner_text()
        answer.get_by_role("button", name="Ok").click()
        answer.wait_for(state="detached")
        return words

    assert "passes all the tests" in validate()
    page.write(page.find("def greet(name)"), unit.exercises["greet"].mistakes[0].source.strip())
    page.save()
    words = validate()
    assert words.count("cell failed") == 1 and "passes" not in words


@pytest.fixture(scope="module")
def office(taught, tmp_path_factory):  # noqa: F811
    """JupyterLab in the course's folder, as an instructor starts it."""
    with Server.start(taught.course.folder, tmp_path_factory.mktemp("office")) as server:
        yield server


def test_formgrader(taught, office, visit):  # noqa: F811
    """From the gradebook to one submission; a mark by hand and a comment are kept."""
    page = visit(f"{office.url}/formgrader/gradebook?token={office.token}", asks=MATHS, complains=NO_MATHS)
    page.get_by_role("link", name=UNIT).click()
    page.get_by_role("link", name=UNIT).click()  # the notebook of that name
    page.locator("table tbody tr td a").first.wait_for()
    rows = page.locator("table tbody tr")
    rows.nth(len(taught.students) - 1).wait_for()
    rows.first.locator("a").first.click()
    # what is typed before the page has fetched its marks is overwritten by them; then it says what is in an empty field
    page.locator("input#why-axis_extra_credit[placeholder]").wait_for()
    page.locator("textarea#why-axis-comment[placeholder]").wait_for()
    assert page.locator(".gradus-check").count() == len(taught.unit.exercises)
    shown = page.locator("body").inner_text()
    score = page.locator("input.score#why-axis")
    with page.expect_response(lambda answer: "/api/grade/" in answer.url and answer.request.method == "PUT"):
        score.fill("0.5")
        score.press("Tab")
    comment = page.locator("textarea#why-axis-comment")
    with page.expect_response(lambda answer: "/api/comment/" in answer.url and answer.request.method == "PUT"):
        comment.fill("Half of it.")
        comment.press("Tab")
    page.reload()
    page.wait_for_function("document.querySelector('input.score#why-axis')?.value === '0.5'")
    results = read(taught.course.folder, UNIT).results.values()
    marked = [result for result in results if "Half of it." in str(result)]
    assert len(marked) == 1, shown
