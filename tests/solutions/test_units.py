"""Every unit, solved, runs from top to bottom, and every one of its checks is green."""

from __future__ import annotations

from pathlib import Path

import pytest
from nbclient import NotebookClient

from autograder.release import release_notebook, solved_notebook
from autograder.source import load_unit, unit_paths
from gradus.carry import bring, shelf
from gradus.check.hints import defines

ROOT = Path(__file__).resolve().parents[2]
UNITS = unit_paths(ROOT / "solutions")


def run(notebook, folder):
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    client.execute()
    return notebook


def scores(notebook):
    found = {}
    for cell in notebook.cells:
        if cell.metadata.get("gradus", {}).get("role") == "check":
            results = [o for o in cell.outputs if o.output_type == "execute_result"]
            found[cell.metadata.gradus.exercise] = float(results[-1].data["text/plain"])
    return found


def noises(notebook):
    return [
        (cell.id, output)
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "error" or output.get("name") == "stderr"
    ]


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_solved_notebook_runs_and_gets_full_marks(path, tmp_path, monkeypatch):
    unit = load_unit(path)
    notebook = run(solved_notebook(unit), tmp_path)
    assert scores(notebook) == {name: exercise.points for name, exercise in unit.exercises.items()}
    assert noises(notebook) == []
    monkeypatch.setenv("GRADUS_HOME", str(tmp_path))
    if unit.name in bring.units():  # what later units use was carried forward, and can run by itself
        kept = shelf.read(unit.name)
        assert bring.complete(kept, defines(unit.name)) == set(unit.exercises)
        bring.run(kept, unit.exercises, "mine_tried")


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_untouched_handout_runs_without_an_error_and_gets_nothing(path, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADUS_HEADLESS", "handout")  # the same, but for an exercise that is not written
    unit = load_unit(path)
    notebook = run(release_notebook(unit), tmp_path)
    assert set(scores(notebook).values()) == {0.0}
    assert noises(notebook) == []


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_unit_keeps_the_form(path):
    unit = load_unit(path)
    text = path.read_text(encoding="utf-8")
    assert 4 <= len(unit.exercises) <= 8
    assert "explore(" in text and "What you can do now" in text and "Further reading" in text
    assert 2 <= len(unit.questions) <= 3
