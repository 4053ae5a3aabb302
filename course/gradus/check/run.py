"""Run the tests of one check, each whatever the others did."""

from __future__ import annotations

import ast
import contextlib
import functools
import io
import linecache
import types
import warnings
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .asserts import CheckFailure, recording
from .guard import Watch, guarded, watching
from .report import Report, Row
from .rewrite import HELPERS, rewrite
from .traces import is_unwritten, student_lines, student_trace, type_name

rng = np.random.default_rng(0)  # a test sees a fresh one of its own under this name


def seed(exercise: str, test: str) -> int:
    """The seed of a test's `rng`: the same everywhere, another for every test."""
    return zlib.crc32(f"{exercise}/{test}".encode())


def hidden_tests(source: str) -> set[str]:
    """Names of the tests between the hidden-test markers of `source`."""
    names, inside = set(), False
    for line in source.splitlines():
        if "BEGIN HIDDEN TESTS" in line:
            inside = True
        elif "END HIDDEN TESTS" in line:
            inside = False
        elif inside and line.startswith("def test_"):
            names.add(line[4:].split("(")[0].strip())
    return names


def used_names(tree: ast.AST) -> list[str]:
    """Every name that `tree` reads, once each, in order."""
    loads = (n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))
    return list(dict.fromkeys(loads))


@functools.lru_cache(maxsize=64)
def compiled(source: str, filename: str) -> types.CodeType:
    """A check cell's code, its asserts made to show their values."""
    return compile(rewrite(ast.parse(source, filename)), filename, "exec")


def run_cell_tests(
    source: str, filename: str, namespace: dict[str, Any], exercise: str, exercise_names: Sequence[str]
) -> Report:
    """Run a whole check cell in a copy of `namespace` and return its report.

    `namespace` holds what the setup cells define, the exercise's functions (or their stand-ins) and,
    where hidden tests are run, `reference`. `exercise_names` are watched.
    """
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    made: list[Report] = []
    space = dict(namespace)

    def check(name: str, points: float, changes: Sequence[str] = ()) -> float:
        made.append(run_tests(name, space, points, exercise_names, changes, hidden_tests(source), filename))
        return made[-1].score

    space.update(HELPERS, check=check)
    exec(compiled(source, filename), space)
    if not made:
        raise ValueError(f"the check cell of {exercise!r} does not call check({exercise!r}, points=...)")
    return made[-1]


def run_tests(
    exercise: str,
    space: dict[str, Any],
    points: float,
    exercise_names: Sequence[str],
    changes: Sequence[str] = (),
    hidden: set[str] | frozenset[str] = frozenset(),
    filename: str | None = None,
) -> Report:
    """Run every ``test_*`` function of `space` that `filename` defined (all of them if None).

    `space` is a namespace made for this check: the exercise's functions in it are replaced by watched ones.
    """
    tests = [
        value
        for name, value in space.items()
        if name.startswith("test_")
        and hasattr(value, "__code__")
        and (filename is None or value.__code__.co_filename == filename)
    ]
    with guarded(space, exercise_names):
        rows = [_run_one(exercise, test, space, exercise_names, changes, hidden) for test in tests]
    return Report(exercise, float(points), rows)


def _run_one(
    exercise: str,
    test: Callable[[], None],
    space: dict[str, Any],
    exercise_names: Sequence[str],
    changes: Sequence[str],
    hidden: set[str] | frozenset[str],
) -> Row:
    name = test.__name__
    title = (test.__doc__ or name.removeprefix("test_").replace("_", " ")).strip().splitlines()[0]
    row = Row(title=title, test=name, hidden=name in hidden)
    space["rng"] = np.random.default_rng(seed(exercise, name))
    printed, kind = io.StringIO(), ""
    before = recording(row.seen)
    watch = Watch(changes)
    try:
        # Nothing may reach stderr: nbgrader gives a cell that writes there no points at all.
        with (
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(io.StringIO()),
            warnings.catch_warnings(record=True) as warned,
            watching(watch),
        ):
            warnings.simplefilter("always")
            try:
                test()
            except (NotImplementedError, NameError) as error:
                if is_unwritten(error, exercise_names):
                    row.status, row.message = "missing", _missing(error, exercise, exercise_names)
                else:
                    row.status, row.message, kind = "error", student_trace(error), type_name(error)
            except AssertionError as error:
                lines = getattr(error, "student_lines", None)
                if lines is None and not isinstance(
                    error, CheckFailure
                ):  # an assert of the student's own, or a probe's
                    lines = student_lines(error.__traceback__)
                if lines:
                    row.status, row.message, kind = "error", student_trace(error), type_name(error)
                else:
                    row.status, row.message = "fail", str(error)
            except Exception as error:
                row.status, row.message, kind = "error", student_trace(error), type_name(error)
    finally:
        recording(before)
    if row.status == "error":
        row.seen.append(["e", kind])
    if row.status in ("fail", "error"):
        row.call, row.result = watch.call, watch.result
        row.warnings = list(dict.fromkeys(f"{w.category.__name__}: {w.message}"[:200] for w in warned))[:3]
        row.printed = printed.getvalue()[-600:]
    return row


def _missing(error: BaseException, exercise: str, names: Sequence[str]) -> str:
    """Which of the exercise's functions is not there yet."""
    if isinstance(error, NameError):
        name = getattr(error, "name", exercise)
        return f"`{name}` is not defined. Write it in the cell above, and run that cell."
    name = getattr(error, "exercise_name", None)
    traceback = error.__traceback__
    while name is None and traceback is not None:
        called = traceback.tb_frame.f_code.co_qualname if hasattr(traceback.tb_frame.f_code, "co_qualname") else ""
        if called.split(".")[0] in names:
            name = called
        traceback = traceback.tb_next
    return f"You have not written `{name or exercise}` yet."
