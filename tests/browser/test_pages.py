"""The pages that grading leaves, in a browser: the student's feedback, the class report, formgrader."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from autograder.bundle import Bundle
from autograder.demo import demo_class
from autograder.gradebook import Course
from autograder.marks import read
from autograder.report import write_report

from ..autograder.tiny import graded
from .lesson import ROOT
from .seat import Server

UNIT = "00_welcome"


@pytest.fixture(scope="module")
def taught(chromium, tmp_path_factory):
    """A class of four, graded, with its pages. All that looks at them stands in this file: grading takes a while."""
    bundle, course = Bundle.load(ROOT / "solutions" / f"{UNIT}.py"), Course(tmp_path_factory.mktemp("class"))
    course.prepare(bundle.unit)
    students = demo_class(bundle)
    chosen = {s.name: s for s in students if s.name in ("perfect", "stubs-only", "broken-json")}
    wrong = next(s for s in students if s.mistake)
    chosen[wrong.name] = wrong
    for student in chosen.values():
        path = course.folder / "submitted" / student.name / UNIT / f"{UNIT}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_bytes(student.data)
    graded(bundle, course.submissions(UNIT), course)
    course.close()
    hint = next(m.hint for m in bundle.unit.exercises[wrong.mistake[0]].mistakes if m.name == wrong.mistake[1])
    course.feedback(UNIT)
    report, *_ = write_report(course.folder, bundle.unit)
    return SimpleNamespace(course=course, unit=bundle.unit, wrong=wrong, hint=hint, report=report, students=chosen)


def fits(page):
    """Nothing is cut off at the side."""
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth + 1")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_feedback(scheme, taught, visit):
    page = visit(
        (taught.course.folder / "feedback" / taught.wrong.name / UNIT / f"{UNIT}.html").as_uri(), color_scheme=scheme
    )
    assert page.get_by_text(taught.hint).locator("visible=true").count() == 1
    words = page.locator("body").inner_text()
    assert all(f"{name}: " in words for name in taught.unit.exercises)
    assert words.count("tests passed") == len(taught.unit.exercises)
    assert page.locator("[aria-label=fail]").locator("visible=true").count() > 0
    assert page.evaluate("[...document.images].every(i => i.naturalWidth > 0 && i.alt)")
    assert page.locator("script").count() == 0 and fits(page)


def test_feedback_for_what_could_not_be_read(taught, visit):
    page = visit((taught.course.folder / "feedback" / "broken-json" / UNIT / f"{UNIT}.html").as_uri())
    assert "Notes from the grader" in page.locator("body").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_class_report(scheme, taught, visit):
    page = visit(taught.report.as_uri(), color_scheme=scheme)
    words = page.locator("body").inner_text()
    assert "4 submissions" in words and taught.hint in words and "broken-json" in words
    assert page.locator("script").count() == 0 and fits(page)
    # its links to students' pages lead somewhere
    links = page.evaluate("[...document.links].map(a => a.href).filter(h => h.startsWith('file:') && !h.includes('#'))")
    for link in dict.fromkeys(links):
        assert page.goto(link).ok or page.url == link


@pytest.fixture(scope="module")
def office(taught, tmp_path_factory):
    """JupyterLab in the course's folder, as an instructor starts it."""
    with Server.start(taught.course.folder, tmp_path_factory.mktemp("office")) as server:
        yield server


def test_formgrader(taught, office, visit):
    """From the gradebook to one submission; its formulas are set; a mark by hand and a comment are kept."""
    page = visit(f"{office.url}/formgrader/gradebook?token={office.token}")
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
    page.locator(".MathJax .math").first.wait_for()
    assert page.locator(".MathJax_Error").count() == 0
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
