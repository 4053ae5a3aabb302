"""The seat itself: a notebook opens, runs, is saved; the console and the network are watched."""

from __future__ import annotations

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook


def small():
    cells = [new_markdown_cell("# A title"), new_code_cell("6 * 7"), new_code_cell("print('now')")]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


def test_a_notebook_runs_and_is_saved(seat, lab):
    page = seat(small(), name="small.ipynb")
    page.run_all()
    assert page.text(1) == "42"
    page.write(2, "print('later')")
    page.run(page.find("later"))
    assert page.text(2) == "later"
    page.save()
    (path,) = lab.root.glob("*/small.ipynb")
    saved = nbformat.read(path, 4)
    assert saved.cells[2].outputs[0].text == "later\n"


def test_complaints_and_requests_are_noted(seat):
    page = seat(small())
    page.page.evaluate("() => { console.error('a complaint'); fetch('https://example.org/x').catch(() => null) }")
    page.page.wait_for_timeout(200)
    assert page.outside == ["https://example.org/x"]
    assert any("a complaint" in text for text in page.complaints)
    page.outside.clear()
    page.complaints.clear()
