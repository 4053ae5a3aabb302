"""Checks: every test runs, messages name what is wrong, nothing reaches stderr."""

from __future__ import annotations

import contextlib
import io
import linecache

import numpy as np
import pytest
import torch

from gradus.check import assert_close, assert_gradient, assert_raises, assert_unchanged, inside
from gradus.check.asserts import CheckFailure
from gradus.check.hints import Bank, entry
from gradus.check.report import Report
from gradus.check.run import run_cell_tests

CELL = """
def test_rows():
    "each row sums to one"
    assert_close(softmax(np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])).sum(axis=1), [1.0, 1.0])

def test_large():
    "scores of 1000 do not overflow"
    assert_close(softmax(np.array([[1000.0, 1000.0]])), [[0.5, 0.5]])

def test_plain():
    "a plain assert"
    assert softmax(np.zeros((2, 4)))[0, 0] == 0.25, "a quarter each"

### BEGIN HIDDEN TESTS
def test_random():
    "random scores"
    z = rng.normal(size=(7, 5))
    assert_close(softmax(z), np.exp(z) / np.exp(z).sum(axis=1, keepdims=True))
### END HIDDEN TESTS

check("softmax", points=4)
"""
RIGHT = (
    "def softmax(z):\n    e = np.exp(z - z.max(axis=-1, keepdims=True))\n    return e / e.sum(axis=-1, keepdims=True)\n"
)
WHOLE = "def softmax(z):\n    e = np.exp(z - z.max(axis=-1, keepdims=True))\n    return e / e.sum()\n"
OVERFLOW = "def softmax(z):\n    e = np.exp(z)\n    return e / e.sum(axis=-1, keepdims=True)\n"


def run(answer: str) -> Report:
    space: dict = {"np": np, "__name__": "student"}
    exec("from gradus.check import *", space)
    linecache.cache["answer"] = (len(answer), None, answer.splitlines(keepends=True), "answer")
    exec(compile(answer, "answer", "exec"), space)
    return run_cell_tests(CELL, "<check softmax>", space, "softmax", ["softmax"])


def test_right_answer_gets_everything():
    report = run(RIGHT)
    assert report.score == 4.0
    assert [row.hidden for row in report.rows] == [False, False, False, True]


def test_every_test_runs_and_the_score_is_the_share():
    report = run(OVERFLOW)
    assert [row.status for row in report.rows] == ["pass", "fail", "pass", "pass"]
    assert report.score == 3.0
    assert "NaN" in report.rows[1].message
    assert any("overflow" in warning for warning in report.rows[1].warnings)


def test_values_of_a_plain_assert_are_shown():
    row = run(WHOLE).rows[2]
    assert "0.125 == 0.25" in row.message and "a quarter each" in row.message


def test_failed_row_shows_call_and_result():
    row = run(WHOLE).rows[0]
    assert row.call.startswith("softmax(array (2, 3)")
    assert row.result.startswith("array (2, 3)")


@pytest.mark.parametrize("answer", ["def softmax(z):\n    raise NotImplementedError()\n", "x = 1\n"])
def test_missing_is_told_from_wrong(answer):
    report = run(answer)
    assert {row.status for row in report.rows} == {"missing"}
    assert "`softmax`" in report.headline()
    assert report.score == 0


def test_a_half_written_exercise_is_told_what_is_missing():
    source = "def test_a():\n    assert f(1) == 2\n\ndef test_b():\n    assert f(-1) == 0\n\ncheck('f', points=2)"
    space = {}
    exec("def f(x):\n    if x < 0:\n        raise NotImplementedError()\n    return 2 * x", space)
    report = run_cell_tests(source, "<check f>", space, "f", ["f"])
    assert [row.status for row in report.rows] == ["pass", "missing"]
    assert "You have not written `f` yet." in report.text()


def test_a_librarys_not_implemented_is_an_error_with_what_it_says():
    """torch raises NotImplementedError where a tensor of the device `meta` is asked for its numbers."""
    source = "def test_a():\n    assert f(torch.ones(2, device='meta')) == 2\n\ncheck('f', points=1)"
    space = {"torch": torch}
    exec(compile("def f(x):\n    return x.to('cpu')", "<cell f>", "exec"), space)
    row = run_cell_tests(source, "<check f>", space, "f", ["f"]).rows[0]
    assert row.status == "error" and "line 2, in f" in row.message and "meta tensor" in row.message


def test_colours_of_a_terminal_are_taken_out_of_an_error():
    row = run("def softmax(z):\n    raise ValueError('\\033[1mbold\\033[0m')\n").rows[0]
    assert row.message.endswith("ValueError: bold")


def test_in_a_notebook_no_line_of_the_checks_cell_is_the_students(monkeypatch):
    """There a check's cell has a file like any other cell's; its helpers and its asserts are the course's all the same."""
    from gradus.check import notebook

    source = "@inside\ndef probe(x):\n    assert f(x) == 2, 'f should give 2'\n\n"
    source += "def helper(x):\n    return f(x, x)\n\n"
    source += "def test_probe():\n    assert probe(1) == 1\n\ndef test_helper():\n    assert helper(1) == 1\n\n"
    source += "score = check('f', points=1)"
    space = {"__name__": "__main__", "inside": inside, "check": notebook.check}
    exec(compile("def f(x, y=None):\n    return x if y is None else x.y", "<cell f>", "exec"), space)
    file = "/tmp/ipykernel_1/2.py"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    monkeypatch.setattr(notebook, "_in_notebook", lambda: True)
    exec(compile(source, file, "exec"), space)
    first, second = space["score"].report.rows
    assert (first.status, first.message) == ("fail", "f should give 2")
    assert second.message.startswith("line 2, in f\nAttributeError")


def test_in_a_notebook_a_call_of_the_setups_is_not_shown_as_the_students(monkeypatch):
    from gradus.check import notebook

    monkeypatch.setattr(notebook, "defines", lambda unit: {"f": ["f"]})
    source = "def test_a():\n    assert f(1) == by_setup(1)\n\nscore = check('f', points=1)"
    space = {"__name__": "__main__", "check": notebook.check}
    exec("def f(x):\n    return x\n\ndef by_setup(x):\n    return 2 * x", space)
    linecache.cache["<cell 7>"] = (len(source), None, source.splitlines(keepends=True), "<cell 7>")
    exec(compile(source, "<cell 7>", "exec"), space)
    row = space["score"].report.rows[0]
    assert (row.status, row.call, row.result) == ("fail", "f(1)", "1")


def test_trace_is_cut_to_the_students_lines():
    row = run("def softmax(z):\n    scale = 2\n    return np.expo(z)\n").rows[0]
    assert row.status == "error"
    assert row.message.splitlines()[0] == "line 3, in softmax: return np.expo(z)"
    assert "AttributeError" in row.message and "site-packages" not in row.message


def test_change_in_place_is_refused_and_named():
    row = run(RIGHT.replace("    e =", "    z -= z.max()\n    e =")).rows[0]
    assert row.status == "fail" and "changed its argument `z` in place" in row.message


def test_object_equal_to_everything_gets_nothing():
    answer = """
class Yes:
    def __eq__(self, other): return True
    def __getitem__(self, i): return self
    def sum(self, **k): return self
def softmax(z): return Yes()
"""
    assert run(answer).score == 0


@pytest.mark.parametrize("answer", ["def softmax(z):\n    return None\n", "def softmax(z):\n    return z * np.nan\n"])
def test_no_answer_gets_nothing(answer):
    assert run(answer).score == 0


def test_hidden_tests_show_their_title_only():
    report = run(WHOLE)
    page = report.html()
    assert "random scores" in page and "hidden test" in page
    assert report.rows[3].message not in page
    assert report.rows[3].message not in report.text()


def test_html_escapes_what_students_say():
    page = run("def softmax(z):\n    raise ValueError('<script>alert(1)</script>')\n").html()
    assert "<script>" not in page


def test_nothing_reaches_stderr_or_stdout(capfd):
    run("import sys\ndef softmax(z):\n    print('out')\n    print('err', file=sys.stderr)\n    return z\n")
    out, err = capfd.readouterr()
    assert out == "" and err == ""


def test_prints_are_shown_with_the_failure():
    assert "n = 3" in run("def softmax(z):\n    print('n =', z.shape[-1])\n    return z\n").rows[0].printed


def bank() -> Bank:
    known = [entry("whole", "give sum an axis", run(WHOLE), True), entry("overflow", "subtract", run(OVERFLOW), True)]
    return Bank.from_dict({"exercises": {"softmax": known}})


@pytest.mark.parametrize(("answer", "name"), [(WHOLE, "whole"), (OVERFLOW, "overflow")])
def test_known_mistake_draws_its_own_hint(answer, name):
    found = bank().match(run(answer))
    assert found is not None and found[0] == name


def test_unknown_mistake_and_right_answer_draw_none():
    assert bank().match(run("def softmax(z):\n    return z * 3\n")) is None
    assert bank().match(run(RIGHT)) is None


def test_errors_of_one_kind_are_a_known_mistake_only_if_every_test_agrees():
    crash = "def softmax(z):\n    if z.shape != (2, 3):\n        raise ValueError('here')\n    return z\n"
    known = Bank.from_dict({"exercises": {"softmax": [entry("crash", "look there", run(crash), True)]}})
    assert known.match(run(crash)) == ("crash", "look there")
    assert known.match(run("def softmax(z):\n    raise ValueError('elsewhere')\n")) is None


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("def softmax(z)\n    return z\n", True),  # does not compile: the softmax of before is still there
        ("def softmax(z):\n    return z\nundefined\n", True),
        ("class Soft:\n    def softmax(self, z)\n", True),
        ("def softmaxes(z)\n    return z\n", False),  # another function's
        ("undefined\n", False),
        ("def softmax(z):\n    return z\n", False),
    ],
)
def test_a_check_says_when_the_cell_before_it_has_failed(cell, told, monkeypatch):
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    from gradus.check import notebook

    shell = InteractiveShell(user_ns={}, config=Config({"HistoryManager": {"enabled": False}}))
    with contextlib.redirect_stdout(io.StringIO()):
        shell.run_cell(cell, store_history=False)
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    said = notebook._older_code(["softmax"])
    assert ("stopped with" in said) is told
    assert not told or ("SyntaxError" in said) != ("NameError" in said)


def test_bank_keeps_no_numbers_of_passed_tests():
    known = entry("overflow", "h", run(OVERFLOW), True)
    assert known["tests"]["test_rows"] == ["pass", []]


def test_report_survives_a_round_trip():
    report = run(WHOLE)
    assert Report.from_dict({k: v for k, v in report.to_dict().items()}).to_dict() == report.to_dict()


@pytest.mark.parametrize(
    ("actual", "expected", "says"),
    [
        (np.zeros((3,)), np.zeros((2, 3)), "has shape (3,); (2, 3) is expected"),
        ([1.0, 2.0], np.array([1.0, 2.0]), "is a list; a NumPy array of shape (2,)"),
        (None, 3.0, "is None; a number is expected"),
        (torch.zeros(2), np.zeros(2), "is a torch tensor"),
        (np.zeros(2), torch.zeros(2), "is a NumPy array; a torch tensor"),
        (np.array([1.0, np.nan]), [1.0, 2.0], "1 of 2 values are NaN"),
        (np.array([1.0, np.inf]), [1.0, 2.0], "1 of 2 values are infinite"),
        (float("nan"), 3.0, "the result is NaN (not a number); expected 3."),
        (float("-inf"), 3.0, "the result is -inf; expected 3."),
        (
            np.array([[1.0, 2.0], [3.0, 5.0]]),
            [[1.0, 2.0], [3.0, 4.0]],
            "75 % of the values are right; first difference at [1, 1]: got 5, expected 4",
        ),
        ({"a": 1.0}, {"b": 1.0}, "has the keys"),
        ({"a": np.zeros(2)}, {"a": np.ones(2)}, "['a']"),
        ((1.0,), (1.0, 2.0), "1 parts; 2"),
        ((np.zeros(2), np.zeros(3)), (np.zeros(2), np.ones(3)), "[1]"),
        ("Hello", "Hello!", "'Hello!'"),
        (np.array([1, 0]), np.array([True, False]), "True and False"),
        (np.array([None, 1]), np.zeros(2), "not numbers"),
        ([1.0, None], [1.0, 2.0], "the result[1] is None; a number is expected"),
        ([1.0, np.zeros(2)], [1.0, 2.0], "the result[1] has shape (2,); () is expected"),
        (True, False, "the result is True; expected False."),
        ([True, True], [True, False], "first difference at [1]: got True, expected False."),
    ],
)
def test_assert_close_says(actual, expected, says):
    with pytest.raises(CheckFailure) as error:
        assert_close(actual, expected)
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (np.float64(0.5), 0.5),
        (np.array(0.5), 0.5),
        (1, 1.0),
        (torch.ones(2), torch.ones(2)),
        (torch.ones(2, requires_grad=True), torch.ones(2)),
        ([np.zeros(2), {"a": (1, "x")}], [np.zeros(2), {"a": (1, "x")}]),
        (np.array([np.nan]), np.array([np.nan])),
        (np.zeros((0, 3)), np.zeros((0, 3))),
        (None, None),
        (True, True),
    ],
)
def test_assert_close_passes(actual, expected):
    assert_close(actual, expected)


def test_assert_raises():
    assert_raises(ValueError, int, "x")
    with pytest.raises(CheckFailure, match="should be raised"):
        assert_raises(ValueError, int, "3")
    with pytest.raises(CheckFailure, match="It raised TypeError"):
        assert_raises(ValueError, int, [])


def test_assert_unchanged():
    assert_unchanged(np.sum, np.ones(3))
    with pytest.raises(CheckFailure, match="Argument 0 was changed"):
        assert_unchanged(lambda x: x.sort(), np.array([2.0, 1.0]))


def test_assert_gradient_names_argument_and_index():
    def f(w, x):
        return (w**2).sum() * x

    w = np.array([1.0, 2.0, 3.0])
    assert_gradient(f, lambda w, x: 2 * w * x, w, 2.0)
    assert_gradient(f, lambda w, x: (2 * w * x, (w**2).sum()), w, 2.0, argument=(0, 1))
    with pytest.raises(CheckFailure) as error:
        assert_gradient(f, lambda w, x: np.array([2.0, 4.0, 3.0]) * x, w, 2.0)
    assert "argument 0 (`w`)" in str(error.value) and "at [2]" in str(error.value) and "0.5" in str(error.value)
    with pytest.raises(CheckFailure, match="at \\[0\\]"):
        assert_gradient(f, lambda w, x: w * np.nan, w, 2.0)


def test_an_assert_in_a_probe_is_left_alone():
    """Beside the student's code nothing is recorded; a hint would match in one place and not in the other."""
    import ast

    from gradus.check.rewrite import rewrite

    text = "@inside\ndef probe(x):\n    assert x\n\ndef test_a():\n    assert probe(1)"
    changed = ast.unparse(rewrite(ast.parse(text)))
    assert changed.count("__assert_true__") == 1 and "assert x" in changed


def test_a_students_own_assert_is_an_error_with_its_line_a_probes_assert_is_a_finding():
    source = (
        "@inside\ndef probe(x):\n    assert f(x) == 2, 'f should give 2'\n    return 1\n\n"
        "def test_probe():\n    assert probe(1) == 1\n\ndef test_own():\n    assert f(5) == 1\n\ncheck('f', points=2)"
    )
    space = {"inside": inside}
    exec(compile("def f(x):\n    assert x < 3, 'too large'\n    return x", "<cell f>", "exec"), space)
    report = run_cell_tests(source, "<check f>", space, "f", ["f"])
    assert [(row.status, row.message) for row in report.rows] == [
        ("fail", "f should give 2"),
        ("error", "line 2, in f\nAssertionError: too large"),
    ]


def test_what_was_said_above_is_not_said_again():
    from gradus.check.report import Row

    rows = [Row("a", "test_a", "fail", message="wrong", call="f(1)"), Row("b", "test_b", "fail", message="wrong")]
    rows.append(Row("c", "test_c", "fail", message="other"))
    shown = Report("f", 3, rows).text()
    assert shown.count("wrong") == 1 and "The same as above." in shown and "other" in shown


def test_what_is_too_long_to_show_is_cut_between_numbers():
    from gradus.check.values import short

    shown = short((np.arange(6) * 1111.5, np.arange(6) * 2222.5), 60)
    assert shown.endswith(", ...") and len(shown) <= 60
    numbers = shown.removesuffix(", ...").partition("[")[2].replace("]", ",").split(",")
    assert float(numbers[-1]) in np.arange(6) * 1111.5
    assert short("x" * 100, 20) == "'" + "x" * 16 + "..."
