"""nbgrader's Validate button in JupyterLab, on what Gradus hands out."""

from __future__ import annotations

import re

import nbformat

from autograder.release import filled

from .lesson import loaded

UNIT, EXERCISE = "00_welcome", "greet"


def test_validate(seat, student, lab):
    """The button in the notebook's bar: what is solved passes, and what has a mistake in it does not.

    nbgrader runs the whole notebook at each click, so of the hand-out's cells this one has those of an exercise alone.
    """
    exercise = loaded(UNIT).exercises[EXERCISE]
    place = lab.root / student(UNIT)
    notebook = nbformat.read(place, 4)
    wanted = {EXERCISE, f"check-{EXERCISE}"}
    notebook.cells = [
        cell
        for cell in notebook.cells
        if cell.get("metadata", {}).get("gradus", {}).get("role") == "setup" or cell.id in wanted
    ]
    nbformat.write(filled(notebook, {EXERCISE: exercise.cell.source}), place)
    page = seat(str(place.relative_to(lab.root)))

    def validate():
        page.page.get_by_role("button", name="Validate").click()
        answer = page.page.locator(".jp-Dialog").filter(has_text=re.compile("Validation Results"))
        answer.filter(has_text=re.compile("passes|failed")).wait_for()
        words = answer.inner_text()
        answer.get_by_role("button", name="Ok").click()
        answer.wait_for(state="detached")
        return words

    assert "passes all the tests" in validate()
    page.write(page.find("def greet(name)"), exercise.mistakes[0].source.strip())
    page.save()
    words = validate()
    assert words.count("cell failed") == 1 and "passes" not in words
