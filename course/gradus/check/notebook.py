"""``check`` as a notebook's cell calls it."""

from __future__ import annotations

import ast
import builtins
import contextlib
import inspect
import linecache
import os
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from ..course import current_unit
from .hints import Bank, defines, names_of
from .leaning import told
from .report import Report
from .rewrite import HELPERS, rewrite
from .run import hidden_tests, run_tests, used_names
from .traces import files

_lines: dict[str, set[int]] = {}  # of each file, the lines on which check() was called
_passed: dict[str | None, dict[str, bool]] = {}  # unit -> exercise checked in this process -> did all tests pass?


class Score(float):
    """A check's points, shown as its table in a notebook. nbgrader reads the number."""

    report: Report

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return self.report.mimebundle()


def check(exercise: str, points: float, changes: Sequence[str] = ()) -> Score:
    """Run the ``test_*`` functions that stand above in the same cell; show and return the points earned.

    Args:
        exercise: the exercise's name.
        points: what it is worth; the score is the share of the tests that passed.
        changes: names of arguments that the exercise is meant to modify in place. Any other argument
            that a call modifies fails the test.
    """
    frame = sys._getframe(1)
    caller, filename, line = frame.f_globals, frame.f_code.co_filename, frame.f_lineno
    known = _lines.setdefault(filename, set())
    floor = max((n for n in known if n < line), default=0)  # a script holds many checks, a cell one
    known.add(line)
    if _in_notebook():  # a cell is a file of its own, and this one is locked
        files.add(filename)
    source = "".join(linecache.getlines(filename))
    space, names = _definitions(source, filename, caller, floor, line)
    unit = current_unit()
    parts = defines(unit)
    mine = names_of(parts)
    if mine:  # of the functions that a test calls, those of the set-up are not the learner's: not shown as "called"
        names = [name for name in names if name in mine or name not in caller]
    with _quiet():
        report = run_tests(exercise, space, points, names, changes, hidden_tests(source))
    found = Bank.load(unit).match(report)
    if found:
        report.mistake, report.hint = found
    passed = _passed.setdefault(unit, {})
    passed[exercise] = report.whole
    from ..carry.gather import text_of  # carrying reads the checks' hints

    texts = (text_of(name, caller) for name in parts.get(exercise, []))  # looked up for a failed answer alone
    leaning = told(report, texts, names, parts, passed)
    report.note = " ".join(filter(None, [leaning, _older_code(names), _afterwards(report, caller)]))
    score = Score(report.score)
    score.report = report
    if not _in_notebook():
        print(report.text())
    return score


def _older_code(names: Sequence[str]) -> str:
    """A warning if the cell that ran before this one should have defined one of `names`, and stopped with an error.

    A notebook keeps what it had: the check has then judged the function of some earlier run.
    """
    last = getattr(_shell(), "last_execution_result", None)
    if last is None or last.success:
        return ""
    source = getattr(last.info, "raw_cell", None) or ""
    if not any(re.search(rf"^\s*(def|class)\s+{re.escape(name)}\b", source, re.MULTILINE) for name in names):
        return ""
    error = last.error_before_exec or last.error_in_exec
    return (
        f"The cell above stopped with {type(error).__name__}: what you see here is about the code that ran before it."
    )


def _afterwards(report: Report, caller: dict[str, Any]) -> str:
    """What follows from a verdict in a notebook: it is noted, and code whose check has passed is kept for later units."""
    from ..carry import keep
    from ..journal import record

    said = [record(current_unit(), report)]
    if report.rows and report.whole:
        said.append(keep(report.exercise, caller, len(report.rows)))
    return " ".join(filter(None, said))


def _definitions(
    source: str, filename: str, caller: dict[str, Any], floor: int, line: int
) -> tuple[dict[str, Any], list[str]]:
    """A copy of the caller's names with the cell's functions made anew, their asserts rewritten; and the
    names of the student's functions and classes that the tests use."""
    space = dict(caller)
    for name in [n for n in space if n.startswith("test_")]:
        del space[name]  # tests of earlier cells
    try:
        tree = ast.parse(source, filename)
    except SyntaxError:
        tree = ast.Module([], [])
    functions: list[ast.stmt] = [
        node for node in tree.body if isinstance(node, ast.FunctionDef) and floor < node.lineno < line
    ]
    if functions:
        space.update(HELPERS)
        module = rewrite(ast.Module(functions, []))
        names = [name for name in used_names(module) if _own(caller.get(name), caller)]
        names = [n for n in names if n not in {getattr(f, "name", None) for f in functions}]
        names += [n for n in used_names(module) if n not in space and not hasattr(builtins, n)]
        exec(compile(module, filename, "exec"), space)
        return space, names
    tests = {  # no source to be had (some front ends): the functions as they are
        name: value
        for name, value in caller.items()
        if name.startswith("test_") and inspect.isfunction(value) and value.__code__.co_filename == filename
    }
    space.update(tests)
    return space, []


def _own(value: Any, caller: dict[str, Any]) -> bool:
    return (inspect.isfunction(value) or inspect.isclass(value)) and value.__module__ == caller.get("__name__")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Send what C libraries write to file descriptor 2 nowhere: nbgrader takes all points for it."""
    try:
        kept, sink = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    except OSError:
        yield
        return
    try:
        os.dup2(sink, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(sink)


def _shell() -> Any:
    """IPython, where the check runs in it; None elsewhere."""
    try:
        from IPython import get_ipython
    except ImportError:
        return None
    return get_ipython()


def _in_notebook() -> bool:
    return hasattr(_shell(), "kernel")
