"""Every unit as a student meets it: from a fresh hand-out, in JupyterLab, in a real browser.

Each is opened and run untouched, and its widgets are moved. With the answers filled in, only units that run within
seconds are run here; all the others are run without a browser in tests/solutions.
"""

from __future__ import annotations

import re

import nbformat
import pytest

from autograder.source import load_unit

from . import hands
from .conftest import ROOT

UNITS = sorted(path.stem for path in (ROOT / "course").glob("[0-9]*.ipynb"))
SOLVED = [unit for unit in UNITS if unit[:2] in ("00", "02")]


def answers(unit):
    return {
        name: exercise.cell.source for name, exercise in load_unit(ROOT / "solutions" / f"{unit}.py").exercises.items()
    }


def verdicts(page, exercises):
    """Exercise -> points earned, points, as the tables on the page say; or what is said in their place.

    A table that a text shows as an example is none of an exercise's.
    """
    found = {}
    for table in page.page.locator(".gradus-check").all():
        words = table.locator("> div").first.inner_text()
        name, _, rest = words.partition(": ")
        if name not in exercises:
            continue
        points = re.search(r"([\d.]+) of ([\d.]+) points\.$", rest)
        found[name] = (float(points[1]), float(points[2])) if points else rest
    return found


def looks_whole(page):
    """Nothing on the page has gone wrong: no error, no formula or picture or widget that could not be shown."""
    outputs = page.page.locator(".jp-OutputArea-output")
    assert outputs.locator("visible=true").filter(has_text="Traceback (most recent call last)").count() == 0
    assert page.page.locator('[data-mime-type="application/vnd.jupyter.stderr"]').all_inner_texts() == []
    assert outputs.get_by_text("model not found").locator("visible=true").count() == 0
    assert page.page.locator("mjx-merror").count() == 0
    broken = page.page.evaluate(
        """async () => {
          const images = [...document.querySelectorAll('.jp-Notebook img')].filter(i => i.checkVisibility());
          await Promise.all(images.map(image => image.decode().catch(() => null)));
          return images.filter(i => !i.naturalWidth || !(i.alt || i.title)).map(i => i.outerHTML.slice(0, 200));
        }"""
    )
    assert broken == [], "a picture is broken, or has no alternative text"


@pytest.mark.parametrize("unit", UNITS)
def test_a_fresh_handout(unit, seat, student):
    """It opens, reads well, runs to the end with nothing written; its widgets move; its checks say what to do."""
    place = student(unit)
    page = seat(place)
    notebook = nbformat.read(ROOT / "course" / f"{unit}.ipynb", 4)
    words = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    title = re.search(r"^# (.+)", words, re.M)[1]
    assert page.page.locator(".jp-RenderedMarkdown h1").first.inner_text().strip(" \n¶") == title.strip()
    page.run_all()
    looks_whole(page)
    checks = [cell for cell in notebook.cells if cell.metadata.get("gradus", {}).get("role") == "check"]
    exercises = [cell.metadata.gradus.exercise for cell in checks]
    earned = verdicts(page, exercises)
    assert list(earned) == exercises
    assert all("not written" in said or said[0] == 0 for said in earned.values()), earned
    said = [hands.said(box) for box in hands.boxes(page)]
    assert not any(text.startswith(hands.STOPPED) for text in said)
    # the first picture that does not wait for an exercise; the house's rule puts one at the beginning
    for box in hands.boxes(page):
        slider = box.locator("[role=slider]")
        if slider.count() and not hands.waits(box):
            hands.sees_change(box, lambda slider=slider.first: hands.press(slider))
            break


@pytest.mark.parametrize("unit", SOLVED)
def test_solved(unit, seat, student):
    """With the reference written in: all checks are green, and each widget's picture follows its slider."""
    page = seat(student(unit, answers(unit)))
    page.run_all()
    looks_whole(page)
    points = {name: float(e.points) for name, e in load_unit(ROOT / "solutions" / f"{unit}.py").exercises.items()}
    assert verdicts(page, points) == {name: (full, full) for name, full in points.items()}
    assert hands.boxes(page)
    for box in hands.boxes(page):
        assert not hands.waits(box) and not hands.said(box).startswith(hands.STOPPED)
        hands.sees_change(box, lambda box=box: hands.press(box.locator("[role=slider]").first))


def test_a_slider_by_mouse_and_by_keyboard(seat, student):
    page = seat(student("00_welcome"))
    page.run_all()
    box = hands.boxes(page)[0]
    slider = box.locator("[role=slider]")
    start = hands.number(slider)
    hands.sees_change(box, lambda: hands.drag(slider, 0.9))
    dragged = hands.number(slider)
    assert dragged > start + 2
    hands.sees_change(box, lambda: hands.press(slider, "ArrowLeft"))
    assert hands.number(slider) == pytest.approx(dragged - 0.5)
    cells = page.page.evaluate("jupyterapp.shell.currentWidget.content.activeCellIndex")
    hands.sees_change(box, lambda: hands.press(slider, "Home"))
    assert hands.number(slider) == 0.5
    # JupyterLab, which moves between cells by the same keys, has not taken them too
    assert page.page.evaluate("jupyterapp.shell.currentWidget.content.activeCellIndex") == cells
    assert page.page.locator(".jp-mod-editMode").count() == 0


def test_a_known_mistake_is_told_its_hint(seat, student):
    """Typed into the cell, run with Shift+Enter; the table, the hint; then mended, and green."""
    mistakes = load_unit(ROOT / "solutions" / "00_welcome.py").exercises["column_means"].mistakes
    mistake = next(m for m in mistakes if m.name == "of-rows")
    page = seat(student("00_welcome"))
    for cell, source in enumerate(page.sources()):
        if "gradus.unit(" in source:
            page.run(cell)
    at = page.find("def column_means(X)")

    def answer(source):
        page.cell(at).locator(".cm-content").click()
        page.page.keyboard.press("ControlOrMeta+A")
        page.page.keyboard.insert_text(source)
        assert page.sources()[at] == source
        for _ in range(2):  # the answer, and the check that stands below it
            page.page.keyboard.press("Shift+Enter")
        table = page.output(at + 1).locator(".gradus-check")
        table.filter(has_text="column_means: ").wait_for()
        page.wait()
        return table

    table = answer(mistake.source.strip())
    assert f"Hint. {mistake.hint}" in table.inner_text()
    assert table.locator('[aria-label="fail"]').count() > 0
    table = answer(answers("00_welcome")["column_means"].strip())
    assert "3 of 3 points." in table.inner_text() and "Hint." not in table.inner_text()
    assert table.locator('[aria-label="fail"]').count() == 0
