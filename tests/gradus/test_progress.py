"""Progress: one file, whole or set aside; the table says what is passed and what comes next."""

from __future__ import annotations

import json
import os

import pytest

import gradus
from gradus import home, journal, overview
from gradus.check.report import Report, Row


@pytest.fixture(autouse=True)
def own(tmp_path, monkeypatch):
    """A student's folder, with two units of the course in it."""
    monkeypatch.setattr(home, "_start", tmp_path)
    monkeypatch.setattr(home, "grading", False)
    monkeypatch.delenv("GRADUS_HOME", raising=False)
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    monkeypatch.setattr(overview, "_hinted", lambda: [overview.Unit("01_first", exercises={"a": None, "b": None})])
    write(tmp_path, "01_first", "You will begin & go on", {"a": 3, "b": 2})
    write(tmp_path, "02_second", "You will end", {"c": 4})
    return tmp_path


def write(folder, unit, title, exercises, name=None):
    cells = [{"cell_type": "markdown", "metadata": {}, "source": [f"# {title}\n", "\n", "Text."]}]
    for exercise, points in exercises.items():
        about = {"gradus": {"role": "check", "exercise": exercise}, "nbgrader": {"points": points}}
        cells.append({"cell_type": "code", "metadata": about, "source": ""})
    data = {"metadata": {"gradus": {"unit": unit}}, "cells": cells}
    (folder / f"{name or unit}.ipynb").write_text(json.dumps(data), encoding="utf-8")


def verdict(exercise, *statuses, points=4.0):
    return Report(exercise, points, [Row(f"test {i}", f"test_{i}", status) for i, status in enumerate(statuses)])


def test_nothing_done_yet():
    found = gradus.progress()
    assert [(unit.name, unit.title, unit.exercises) for unit in found.units] == [
        ("01_first", "You will begin & go on", {"a": 3.0, "b": 2.0}),
        ("02_second", "You will end", {"c": 4.0}),
    ]
    assert "0 of 5" in found.text() and "○ a ○ b" in found.text()
    assert "Next: a, in 01_first.ipynb" in found.text()


def test_passed_tried_and_what_is_next():
    assert journal.record("01_first", verdict("a", "pass", "pass", points=3)) == ""
    journal.record("01_first", verdict("b", "pass", "fail", points=2))
    found = gradus.progress()
    assert (found.mark("01_first", "a"), found.mark("01_first", "b"), found.mark("02_second", "c")) == ("✓", "◐", "○")
    assert found.points(found.units[0]) == (4.0, 5.0)
    assert found.next() == (found.units[0], "b")
    page = found._repr_html_()
    assert 'href="01_first.ipynb#cell-id=b"' in page and "b 1/2" in page and "begin &amp; go on" in page
    journal.record("01_first", verdict("b", "pass", "pass", points=2))
    assert gradus.progress().next()[1] == "c"
    journal.record("02_second", verdict("c", "pass"))
    assert gradus.progress().next() is None and "Every exercise is passed" in gradus.progress().text()


def test_a_unit_that_was_begun_comes_before_one_that_was_not():
    journal.record("02_second", verdict("c", "fail"))
    assert gradus.progress().next()[1] == "c"


def test_what_fails_now_is_not_passed_though_it_was():
    journal.record("01_first", verdict("a", "pass", "pass", points=3))
    journal.record("01_first", verdict("a", "pass", "error", points=3))
    entry = journal.read().units["01_first"]["a"]
    assert (entry.last, entry.best, entry.tries, entry.done) == (1.5, 3.0, 2, False)


def test_an_untouched_exercise_is_not_a_try():
    journal.record("01_first", verdict("a", "missing", "missing"))
    assert not journal.path().exists() and gradus.progress().mark("01_first", "a") == "○"


def test_a_check_in_a_notebook_is_recorded(monkeypatch):
    from gradus.check import check

    gradus.unit("01_first")
    try:
        space = {"check": check, "__name__": "nb"}
        source = 'def test_one():\n    "one"\n    assert 1 == 1\n\nresult = check("a", points=3)\n'
        import linecache

        linecache.cache["<cell-a>"] = (len(source), None, source.splitlines(keepends=True), "<cell-a>")
        exec(compile(source, "<cell-a>", "exec"), space)
    finally:
        gradus.unit(None)
    assert space["result"] == 3.0 and gradus.progress().mark("01_first", "a") == "✓"


@pytest.mark.parametrize("how", ["validate", "grading", "no unit"])
def test_nothing_is_recorded_where_work_is_graded(monkeypatch, how):
    if how == "validate":
        monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    elif how == "grading":
        monkeypatch.setattr(home, "grading", True)
    journal.record(None if how == "no unit" else "01_first", verdict("a", "pass"))
    assert not journal.path().exists()


@pytest.mark.parametrize(
    "damage",
    ['{"format": 1, "units": {"01_first": {"a', "[]", '{"format": 1, "units": {"u": {"e": {}}}}', b"\xff\xfe\x00"],
)
def test_a_damaged_file_is_set_aside_and_said(damage, own):
    damage = damage if isinstance(damage, bytes) else damage.encode()
    journal.path().write_bytes(damage)
    said = journal.record("01_first", verdict("a", "pass"))
    (aside,) = own.glob("progress-damaged-*.json")
    assert "was damaged" in said and aside.name in said and aside.read_bytes() == damage
    assert gradus.progress().mark("01_first", "a") == "✓"  # and goes on
    assert journal.record("01_first", verdict("b", "pass")) == ""  # said once


def test_a_newer_file_is_left_alone():
    text = '{"format": 2, "units": {}}'
    journal.path().write_text(text)
    assert "newer gradus" in journal.record("01_first", verdict("a", "pass"))
    assert journal.path().read_text() == text and "newer gradus" in gradus.progress().text()


def test_a_write_that_fails_keeps_the_old_file_and_costs_no_check(monkeypatch, own):
    journal.record("01_first", verdict("a", "pass"))
    before = journal.path().read_bytes()

    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert "No space left" in journal.record("01_first", verdict("b", "pass"))
    assert journal.path().read_bytes() == before
    assert [path.name for path in own.iterdir() if path.suffix == ".tmp"] == []


def test_a_copy_or_a_broken_notebook_changes_nothing(own):
    write(own, "02_second", "A copy", {"c": 4}, name="02_second-Copy1")
    (own / "03_third.ipynb").write_text("{ half")
    found = gradus.progress()
    assert [(unit.name, unit.file) for unit in found.units][1] == ("02_second", "02_second.ipynb")


def test_one_notebook_in_an_empty_folder(own):
    for path in own.glob("*.ipynb"):
        path.unlink()
    journal.record("07_other", verdict("z", "pass", points=2))
    found = gradus.progress()
    assert [unit.name for unit in found.units] == ["01_first", "07_other"]
    assert found.points(found.units[1]) == (2.0, 2.0) and found.points(found.units[0]) == (0, None)
    assert "href" not in found._repr_html_()  # nothing here to open
