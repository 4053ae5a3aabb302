"""Intake: the student's text goes into the hand-out; nothing else of the file counts."""

from __future__ import annotations

import copy
import json

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.intake import MAX_BYTES, MAX_CELLS, Unreadable, needed_demos, rebuild
from autograder.release import release_notebook, solved_notebook, to_text
from autograder.source import load_unit

from .tiny import write


@pytest.fixture(scope="module")
def unit(tmp_path_factory):
    return load_unit(write(tmp_path_factory.mktemp("intake")))


@pytest.fixture(scope="module")
def release(unit):
    return release_notebook(unit)


@pytest.fixture
def solved(unit):
    return json.loads(to_text(solved_notebook(unit)))


def bytes_of(notebook):
    return json.dumps(notebook).encode()


def sources(rebuilt):
    return {cell.id: cell.source for cell in rebuilt.notebook.cells}


def at(notebook, identity):
    return next(i for i, cell in enumerate(notebook["cells"]) if cell.get("id") == identity)


def answers_are_there(rebuilt):
    found = sources(rebuilt)
    return "shifted.sum(" in found["softmax"] and "self.mean_" in found["Scaler"] and "model answer" in found["why"]


def test_a_solved_notebook(release, solved):
    rebuilt = rebuild(release, bytes_of(solved))
    assert answers_are_there(rebuilt) and rebuilt.notes == []
    nbformat.validate(rebuilt.notebook)


def test_the_hand_out_is_not_touched(release, solved):
    before = nbformat.writes(release, version=4)
    rebuild(release, bytes_of(solved))
    assert nbformat.writes(release, version=4) == before


# Honest breakage


def without_ids(notebook):
    for cell in notebook["cells"]:
        cell.pop("id")
    notebook["nbformat_minor"] = 4
    return bytes_of(notebook)


def as_format_3(notebook):
    cells = []
    for cell in notebook["cells"]:
        cell = dict(cell)
        if cell["cell_type"] == "code":
            cell["input"] = cell.pop("source")
        cells.append(cell)
    return bytes_of({"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": cells}]})


def as_lists(notebook):
    for cell in notebook["cells"]:
        if isinstance(cell["source"], str):
            cell["source"] = cell["source"].splitlines(keepends=True)
    return bytes_of(notebook)


def stripped_of_metadata(notebook):
    """Some editors keep neither nbgrader's metadata nor ours; the ids remain."""
    for cell in notebook["cells"]:
        cell["metadata"] = {"colab": {"base_uri": "https://localhost"}, "id": "abc"}
    return bytes_of(notebook)


def with_wrong_metadata(notebook):
    for cell, value in zip(notebook["cells"], [None, [], "x", 3, {"nbgrader": 7, "gradus": []}] * 9, strict=False):
        cell["metadata"] = value
    return bytes_of(notebook)


def with_other_schema(notebook):
    for cell in notebook["cells"]:
        if "nbgrader" in cell["metadata"]:
            cell["metadata"]["nbgrader"]["schema_version"] = 99
    return bytes_of(notebook)


def with_outputs(notebook):
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * 1000}, 3, None]
    return bytes_of(notebook)


HONEST = {
    "UTF-16": lambda n: json.dumps(n, ensure_ascii=False).encode("utf-16"),
    "UTF-16 without a mark": lambda n: json.dumps(n, ensure_ascii=False).encode("utf-16-le"),
    "UTF-32": lambda n: json.dumps(n, ensure_ascii=False).encode("utf-32"),
    "byte-order mark": lambda n: b"\xef\xbb\xbf" + bytes_of(n),
    "latin-1": lambda n: json.dumps(n, ensure_ascii=False).replace("Words", "Wörds").encode("latin-1"),
    "no ids": without_ids,
    "format 3": as_format_3,
    "format 5": lambda n: bytes_of(n | {"nbformat": 5, "nbformat_minor": 0}),
    "sources as lists": as_lists,
    "metadata stripped": stripped_of_metadata,
    "metadata of wrong types": with_wrong_metadata,
    "another schema": with_other_schema,
    "outputs of wrong types": with_outputs,
    "no metadata at the top": lambda n: bytes_of({"cells": n["cells"]}),
    "trailing spaces": lambda n: b"\n\n" + bytes_of(n) + b"\n \n",
}


@pytest.mark.parametrize("name", HONEST)
def test_honest_breakage_costs_nothing(name, release, solved):
    rebuilt = rebuild(release, HONEST[name](solved))
    assert answers_are_there(rebuilt)
    nbformat.validate(rebuilt.notebook)


def test_reversed_cells_come_back_in_order(release, solved):
    solved["cells"].reverse()
    rebuilt = rebuild(release, bytes_of(solved))
    assert answers_are_there(rebuilt)
    assert [c.id for c in rebuilt.notebook.cells] == [c.id for c in release.cells]


def test_a_copied_cell_is_taken_once_and_said(release, solved):
    i = at(solved, "softmax")
    solved["cells"].insert(i, solved["cells"][i])
    rebuilt = rebuild(release, bytes_of(solved))
    assert answers_are_there(rebuilt)
    assert any("softmax" in note and "2 times" in note for note in rebuilt.notes)


def test_a_stub_beside_its_filled_copy_does_not_win(release, solved):
    i = at(solved, "softmax")
    stub = dict(solved["cells"][i], source=next(c.source for c in release.cells if c.id == "softmax"))
    solved["cells"].insert(i, stub)
    assert answers_are_there(rebuild(release, bytes_of(solved)))


def code(source, **more):
    return {"cell_type": "code", "source": source, "metadata": {}, **more}


def ran(rebuilt):
    """What defines softmax, in the order of the cells, with the check among them."""
    cells = [c for c in rebuilt.notebook.cells if "def softmax" in c.source or c.id == "check-softmax"]
    return ["check" if c.id == "check-softmax" else c.source for c in cells]


def test_copies_of_an_exercise_count_as_they_did_for_the_student(release, solved):
    """A first attempt left standing, a second below it; and one after the check, which is played with no more."""
    i = at(solved, "softmax")
    first, second, third = (dict(solved["cells"][i], source=f"def softmax(z):\n    return {n}") for n in (1, 2, 3))
    check = at(solved, "check-softmax")
    solved["cells"][i:check] = [first, second]
    solved["cells"].insert(at(solved, "check-softmax") + 1, third)
    rebuilt = rebuild(release, bytes_of(solved))
    assert ran(rebuilt) == [first["source"], second["source"], "check", third["source"]]
    assert [note for note in rebuilt.notes if "softmax" in note] == [
        "cell softmax is there 3 times: the first that was filled in was taken; the others run where they stand"
    ]


@pytest.mark.parametrize("identity", [None, "fresh"])
def test_an_exercise_deleted_and_written_anew_is_found(release, solved, identity):
    """In a new cell, without our marks and with an id of its own: the hand-out's stub must not run after it."""
    i = at(solved, "softmax")
    answer = "".join(solved["cells"][i]["source"])
    solved["cells"][i : i + 1] = [code("factor = 1"), code(answer + "\n", **({"id": identity} if identity else {}))]
    rebuilt = rebuild(release, bytes_of(solved))
    assert ran(rebuilt) == [answer + "\n", "check"]
    order = [c.source for c in rebuilt.notebook.cells]
    assert order.index("factor = 1") < order.index(answer + "\n")


def test_a_scratch_cell_is_not_taken_for_the_exercise(release, solved):
    i = at(solved, "softmax")
    answer = "".join(solved["cells"][i]["source"])
    scratch = "def softmax(z):\n    return 'scratch'"
    solved["cells"].insert(i, code(scratch, id="mine"))
    assert ran(rebuild(release, bytes_of(solved))) == [scratch, answer, "check"]


def test_deleted_cells_are_put_back_and_said(release, solved):
    solved["cells"] = [c for c in solved["cells"] if c["id"] not in ("check-softmax", "Scaler")]
    rebuilt = rebuild(release, bytes_of(solved))
    assert sources(rebuilt)["check-softmax"] == next(c.source for c in release.cells if c.id == "check-softmax")
    assert any("check-softmax" in n and "missing" in n for n in rebuilt.notes)
    assert any("Scaler" in n and "missing" in n for n in rebuilt.notes)


def test_added_cells_stay_where_they_stood(release, solved):
    i = at(solved, "softmax")
    solved["cells"].insert(i, {"cell_type": "code", "source": "def helper(x):\n    return x", "metadata": {}})
    rebuilt = rebuild(release, bytes_of(solved))
    order = [c.id for c in rebuilt.notebook.cells]
    assert order.index("extra-1") == order.index("softmax") - 1
    assert "helper" in sources(rebuilt)["extra-1"]


# Tampering


def test_an_edited_check_is_undone_and_said(release, solved):
    i = at(solved, "check-softmax")
    solved["cells"][i]["source"] = "4.0"
    solved["cells"][i]["metadata"]["nbgrader"]["points"] = 400
    rebuilt = rebuild(release, bytes_of(solved))
    cell = next(c for c in rebuilt.notebook.cells if c.id == "check-softmax")
    assert "def test_rows" in cell.source and cell.metadata.nbgrader.points == 4
    assert any("check-softmax" in note and "edited" in note for note in rebuilt.notes)


def test_tags_and_outputs_do_not_come_along(release, solved):
    for cell in solved["cells"]:
        cell["metadata"]["tags"] = ["skip-execution", "raises-exception"]
        if cell["cell_type"] == "code":
            cell["outputs"] = [{"output_type": "execute_result", "data": {"text/plain": "4.0"}, "metadata": {}}]
    rebuilt = rebuild(release, bytes_of(solved))
    assert all("tags" not in cell.metadata for cell in rebuilt.notebook.cells)
    assert all(not cell.get("outputs") for cell in rebuilt.notebook.cells)


def test_a_solution_that_calls_itself_a_check(release, solved):
    """A cell of the student's with a check's grade_id counts as an edited check, not as a check."""
    solved["cells"].insert(
        3,
        {
            "cell_type": "code",
            "source": "4.0",
            "id": "mine",
            "metadata": {"nbgrader": {"grade_id": "check-softmax", "grade": True, "points": 4}},
        },
    )
    rebuilt = rebuild(release, bytes_of(solved))
    assert [c.id for c in rebuilt.notebook.cells].count("check-softmax") == 1
    assert "def test_rows" in sources(rebuilt)["check-softmax"]


def test_ten_thousand_cells(release, solved):
    solved["cells"] += [{"cell_type": "code", "source": "1", "metadata": {}}] * 10_000
    rebuilt = rebuild(release, bytes_of(solved))
    assert answers_are_there(rebuilt) and len(rebuilt.notebook.cells) <= MAX_CELLS + len(release.cells)
    assert any(str(MAX_CELLS) in note for note in rebuilt.notes)


def test_odd_characters(release, solved):
    solved["cells"][at(solved, "softmax")]["source"] += "\n# \0 \ud800 \u202e"
    rebuilt = rebuild(release, bytes_of(solved))
    text = sources(rebuilt)["softmax"]
    assert "\0" not in text
    text.encode("utf-8")


UNREADABLE = {
    "empty": (b"", "empty"),
    "spaces": (b" \n ", "empty"),
    "not JSON": (b"PK\x03\x04 a zip", "no valid JSON"),
    "half a file": (b'{"cells": [{"cell_type": "code", "source": "x', "no valid JSON"),
    "a list": (b"[1, 2]", "no notebook cells"),
    "a number": (b"3", "no notebook cells"),
    "null": (b"null", "no notebook cells"),
    "no cells": (b"{}", "no notebook cells"),
    "cells of the wrong type": (b'{"cells": "x"}', "no notebook cells"),
    "worksheets of the wrong type": (b'{"worksheets": [3]}', "no notebook cells"),
    "worksheets that hold no lists": (b'{"worksheets": [{"cells": 7}, {"cells": "abc"}, {}]}', "no notebook cells"),
    "digits without end": (b'{"cells": ' + b"9" * 10_000 + b"}", "no valid JSON"),
    "bytes": (bytes(range(256)) * 40, "no valid JSON"),
    "half of UTF-16": ('{"cells": []}'.encode("utf-16")[:-1], "no valid JSON"),
    "a hundred thousand brackets": (b"[" * 100_000, "no valid JSON"),
    "too large": (b" " * (MAX_BYTES + 1), "at most"),
    "NaN in it": (b'{"cells": NaN}', "no notebook cells"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_says_what_to_do(name, release):
    data, says = UNREADABLE[name]
    with pytest.raises(Unreadable, match=says) as error:
        rebuild(release, data)
    assert "hand" in str(error.value).lower()


@given(st.data())
@settings(deadline=None, max_examples=150)
def test_any_damage_is_rebuilt_or_refused(release, unit, data):
    """Values anywhere in a good notebook are replaced by odd ones: the result is a valid notebook, or Unreadable."""
    notebook = json.loads(to_text(solved_notebook(unit)))
    odd = st.sampled_from([None, 0, -1.5, True, "", "x", [], {}, [None], {"a": 1}, "\ud800", 10**400])
    for _ in range(data.draw(st.integers(1, 5))):
        here = notebook
        while True:
            keys = list(here) if isinstance(here, dict) else list(range(len(here)))
            if not keys:
                break
            key = data.draw(st.sampled_from(keys))
            if isinstance(here[key], (dict, list)) and here[key] and data.draw(st.booleans()):
                here = here[key]
                continue
            here[key] = copy.deepcopy(data.draw(odd))  # drawn twice, a list would come to hold itself
            break
    try:
        rebuilt = rebuild(release, bytes_of(notebook))
    except Unreadable:
        return
    nbformat.validate(rebuilt.notebook)
    assert [c.id for c in rebuilt.notebook.cells if not c.id.startswith("extra")] == [c.id for c in release.cells]


def test_only_demos_that_are_needed_are_run(release, solved):
    """A demo that nothing of the student's reads is left out; one that binds a name he uses, or that he changed, is not."""
    solved["cells"][at(solved, "demo-1")]["source"] = 'print("a demo")\nscale = 2'
    changed = rebuild(release, bytes_of(solved)).notebook
    assert needed_demos(changed.cells) == {"demo-1"}
    untouched = rebuild(release, to_text(release).encode()).notebook
    assert needed_demos(untouched.cells) == set()


def demos_run(release, solved, **added):
    """Demos that run when the student adds `cell` and the hand-out's demo binds `data`."""
    changed = copy.deepcopy(release)
    next(c for c in changed.cells if c.id == "demo-1").source = "import math as m\ndata = [1, 2]"
    notebook = json.loads(to_text(changed))
    notebook["cells"] += [code(source) for source in added.values()]
    return needed_demos(rebuild(changed, bytes_of(notebook)).notebook.cells)


@pytest.mark.parametrize(
    "source",
    ["print(data)", "def f():\n    return data", "class C:\n    n = len(data)", "y = [d for d in data]",
     "%time print(data)\ndata", "files = !ls\nprint(data)", "f = lambda: m.pi"],
)  # fmt: skip
def test_a_demo_that_a_students_cell_leans_on_is_run(release, solved, source):
    """Though another cell has a local variable, or an argument, of the same name."""
    assert demos_run(release, solved, cell=source, local="def g(data, m=1):\n    for data in []: pass") == {"demo-1"}


@pytest.mark.parametrize(
    "source", ["data = 3\nprint(data)", "def f(data):\n    return data", "print('data')", "x.data"]
)
def test_a_demo_that_nothing_leans_on_is_not_run(release, solved, source):
    assert demos_run(release, solved, cell=source) == set()


@pytest.mark.parametrize(
    "source",
    [
        "-" * 190_000 + "1",
        "(" * 190_000,
        "a." * 95_000 + "b",
        "x" + "+x" * 90_000,
        "f(" * 90_000,
        "lambda:" * 28_000 + "1",
    ],
    ids=lambda source: source[:3],
)
def test_a_source_made_to_break_the_parser(release, solved, source):
    solved["cells"] += [code(source)] * 5
    del solved["cells"][at(solved, "softmax")]
    rebuilt = rebuild(release, bytes_of(solved))
    needed_demos(rebuilt.notebook.cells)
    assert len(rebuilt.notebook.cells) == len(release.cells) + 5


@pytest.mark.parametrize("kind", [json.loads("[" * 900 + "]" * 900), {}, 3, None, "markdwon", "raw"], ids=repr)
def test_a_cell_of_no_kind_is_passed_over(release, solved, kind):
    solved["cells"].append({"cell_type": kind, "source": "x", "metadata": {}})
    rebuilt = rebuild(release, bytes_of(solved))
    assert answers_are_there(rebuilt) and len(rebuilt.notebook.cells) == len(release.cells)


def test_five_hundred_cells_are_not_too_many(release, solved):
    solved["cells"] += [code("1")] * (MAX_CELLS - len(solved["cells"]))
    assert rebuild(release, bytes_of(solved)).notes == []
