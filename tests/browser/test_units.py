"""Every unit as a student meets it: from a fresh hand-out, in JupyterLab, in a real browser.

Each is opened and run untouched here; test_solved_*.py have them with the answers filled in.
"""

from __future__ import annotations

import re

import nbformat
import pytest

from . import hands
from .lesson import ROOT, UNITS, answers, loaded, looks_whole, verdicts


@pytest.mark.parametrize("unit", UNITS)
def test_a_fresh_handout(unit, seat, student):
    """It opens, reads well, runs to the end with nothing written; its checks say what to do, and so do its pictures."""
    place = student(unit)
    page = seat(place)
    notebook = nbformat.read(ROOT / "course" / f"{unit}.ipynb", 4)
    words = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    title = re.search(r"^# (.+)", words, re.M)[1]
    assert page.page.locator(".jp-RenderedMarkdown h1").first.inner_text().strip(" \n¶") == title.strip()
    page.run_all(300)
    looks_whole(page)
    checks = [cell for cell in notebook.cells if cell.metadata.get("gradus", {}).get("role") == "check"]
    exercises = [cell.metadata.gradus.exercise for cell in checks]
    earned = verdicts(page, exercises)
    assert list(earned) == exercises
    assert all("not written" in said or said[0] == 0 for said in earned.values()), earned
    boxes = hands.boxes(page)
    assert not any(hands.STOPPED.match(hands.said(box)) for box in boxes)
    # the house's rule: something moves before any exercise is written
    box = next(box for box in boxes if not hands.waits(box))
    hands.sees_change(box, lambda: hands.press(box.locator("[role=slider]").first))


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
    mistakes = loaded("00_welcome").exercises["column_means"].mistakes
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
