"""The examiner: from the bytes of a submission to a result, a function and nothing else.

The student's cells run in one process, the checks in this one. What crosses between them is plain data.
"""

from __future__ import annotations

import ast
import copy
import sys
import time
import types
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from gradus.check import load_reference
from gradus.check.hints import Bank
from gradus.check.report import Report, Row
from gradus.check.run import run_cell_tests

from .bank import full_bank
from .celltext import added_to
from .intake import Unreadable, needed_demos, rebuild, role
from .kernel import Kernel, Limits
from .release import handout
from .results import ExamResult
from .source import Exercise, Unit, find_unit
from .trial import check_file, exercise_names, reference_code


@dataclass
class Bundle:
    """All that is needed to examine submissions of one unit."""

    unit: Unit
    release: NotebookNode
    bank: Bank = field(repr=False)

    @classmethod
    def load(cls, unit: str | Path) -> Bundle:
        """The bundle of a unit, by name or by its source's path.

        Raises:
            SourceError: the source cannot be built.
        """
        found = find_unit(unit)
        return cls(found, nbformat.reads(handout(found), as_version=4), full_bank(found))


class Session:
    """A student's kernel, put back on its feet when it dies.

    What ran before is run again in a new kernel, without the cell that killed the old one, so that one
    endless loop does not cost the exercises after it.
    """

    def __init__(self, bundle: Bundle, limits: Limits) -> None:
        self.bundle, self.limits = bundle, limits
        self.defines = {n: k for e in bundle.unit.exercises.values() for n, k in e.defines.items()}
        self.parameters = {n: p for e in bundle.unit.exercises.values() for n, p in parameters(e).items()}
        self.ran: list[str] = []
        self.deaths: list[str] = []
        self.end = time.monotonic() + limits.total_seconds
        self.kernel: Kernel | None = None
        self.space = _examiner_space(bundle.unit)

    def run(self, source: str) -> list[dict[str, Any]]:
        """Run a cell of the student's; return its outputs."""
        if time.monotonic() > self.end:
            return [
                _error(
                    "TimeoutError",
                    f"not run: the {self.limits.total_seconds:g} s for one notebook were used up",
                )
            ]
        result = self._alive().run_cell(source)
        if result.died or result.timed_out:
            why = (
                f"stopped after {self.limits.cell_seconds:g} s: an endless loop?"
                if result.timed_out
                else "this cell ended the Python process"
            )
            self.deaths.append("timeout" if result.timed_out else "died")
            self._drop()
            return [*result.outputs, _error("KernelStopped", why)]
        self.ran.append(source)
        return result.outputs

    def check(self, exercise: Exercise) -> Report:
        """The verdict on one exercise, hidden tests and all."""
        if time.monotonic() > self.end:
            return unmarked(
                exercise, f"Not checked: the {self.limits.total_seconds:g} s for one notebook were used up."
            )
        kernel = self._alive()
        space = dict(self.space)
        space.update(kernel.stand_ins(self.defines, self.parameters), inside=kernel.inside)
        names = exercise_names(self.bundle.unit, exercise)
        try:
            report = run_cell_tests(exercise.check.source, check_file(exercise.name), space, exercise.name, names)
        except Exception as error:  # what the check cell does outside its tests is the author's
            report = unmarked(
                exercise, f"The check itself failed ({type(error).__name__}: {error}). Tell your instructor."
            )
        if not kernel.alive:
            self.deaths.append("timeout" if any("Timeout" in row.message for row in report.rows) else "died")
            self._drop()
        found = self.bundle.bank.match(report)
        if found:
            report.mistake, report.hint = found
        return report

    def _alive(self) -> Kernel:
        while self.kernel is None or not (self.kernel.alive or time.monotonic() > self.end):
            self._drop()
            self.kernel = Kernel.start(self.limits)
            self.kernel.end = self.end
            for source in self.ran:
                again = self.kernel.run_cell(source)
                if again.died or again.timed_out:  # it ran to its end before: once more, without it
                    self.ran.remove(source)
                    break
        return self.kernel

    def _drop(self) -> None:
        if self.kernel is not None:
            self.kernel.close()
            self.kernel = None

    close = _drop


def parameters(exercise: Exercise) -> dict[str, list[str]]:
    """The argument names of each function and public method ("Class.method") that the reference of
    `exercise` defines: those that a notebook watches."""
    found = {}
    for node in ast.parse(exercise.cell.source).body:
        methods = node.body if isinstance(node, ast.ClassDef) else [node]
        for function in methods:
            if not isinstance(function, ast.FunctionDef):
                continue
            names = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
            owner = node.name if isinstance(node, ast.ClassDef) else added_to(function)
            if owner is None:
                found[function.name] = names
            elif function.name == "__call__" or not function.name.startswith("_"):
                found[f"{owner}.{function.name}"] = names[1:]
    return found


def unmarked(exercise: Exercise, why: str) -> Report:
    """A report that gives nothing, and says why."""
    return Report(
        exercise.name,
        exercise.points,
        [Row("the exercise could not be checked", "none", "error", False, why)],
    )


def _examiner_space(unit: Unit) -> dict[str, Any]:
    module = types.ModuleType("examiner")
    sys.modules[module.__name__] = module
    for cell in unit.setups:
        exec(compile(cell.source, f"<setup {cell.line}>", "exec"), module.__dict__)
    module.__dict__["reference"] = load_reference(reference_code(unit))
    return module.__dict__


def _error(name: str, value: str) -> dict[str, Any]:
    return {"output_type": "error", "ename": name, "evalue": value, "traceback": [f"{name}: {value}"]}


def _verdict(report: Report, count: int) -> dict[str, Any]:
    return {
        "output_type": "execute_result",
        "execution_count": count,
        "metadata": {},
        "data": report.mimebundle(),
    }


def examine(submission: bytes, bundle: Bundle, limits: Limits | None = None) -> ExamResult:
    """Grade one submission.

    Whatever the bytes are, a result comes back: what cannot be read earns nothing and says why.
    """
    unit = bundle.unit
    try:
        rebuilt = rebuild(bundle.release, submission)
    except Unreadable as reason:
        return unexamined(bundle, "unreadable", str(reason))
    session = Session(bundle, limits or Limits())
    reports, outputs = {}, {}
    cells = rebuilt.notebook.cells
    demos = needed_demos(cells)
    try:
        for count, cell in enumerate(cells, 1):
            if cell.cell_type != "code" or (role(cell) == "demo" and cell.id not in demos):
                continue
            if role(cell) == "check":
                exercise = unit.exercises[cell.metadata.gradus.exercise]
                reports[exercise.name] = session.check(exercise)
                outputs[cell.id] = [_verdict(reports[exercise.name], count)]
            else:
                outputs[cell.id] = session.run(cell.source)
    finally:
        session.close()
    outcome = "timeout" if "timeout" in session.deaths else "died" if session.deaths else "graded"
    return _result(outcome, reports, rebuilt.notebook, outputs, rebuilt.notes)


def _result(
    outcome: str,
    reports: dict[str, Report],
    notebook: NotebookNode,
    outputs: dict[str, list],
    notes: list[str],
) -> ExamResult:
    """The result, with the verdicts written into the check cells of `notebook`."""
    for count, cell in enumerate(notebook.cells, 1):
        if cell.cell_type != "code":
            continue
        found = outputs.get(cell.id, [])
        if role(cell) == "check" and not found:
            report = reports[cell.metadata.gradus.exercise]
            found = [_verdict(report, count)]  # never without a verdict: nbgrader reads silence as full marks
        cell.outputs = [nbformat.from_dict(o) for o in found]
        cell.execution_count = count if found else None
    return ExamResult(
        outcome=outcome,
        reports={name: report.to_dict() for name, report in reports.items()},
        outputs=outputs,
        notebook=notebook,
        notes=notes,
    )


def unexamined(bundle: Bundle, outcome: str, why: str) -> ExamResult:
    """The result of a submission that could not be examined: no points, and the reason."""
    reports = {e.name: unmarked(e, why) for e in bundle.unit.exercises.values()}
    return _result(outcome, reports, copy.deepcopy(bundle.release), {}, [why])


def examine_bytes(submission: bytes, unit: str, limits: Limits | None = None) -> bytes:
    """`examine` for a worker: from bytes and a unit's name to bytes."""
    return examine(submission, Bundle.load(unit), limits).to_bytes()
