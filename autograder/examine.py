"""The examiner: from the bytes of a submission to a result, a function and nothing else.

The student's cells run in one process, the checks in this one. What crosses between them is plain data.
"""

from __future__ import annotations

import contextlib
import copy
import gc
import importlib
import os
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any

import nbformat
import numpy as np
from nbformat import NotebookNode

from gradus.check.asserts import assert_close
from gradus.check.leaning import told
from gradus.check.report import Report, Row
from gradus.check.run import compiled, run_cell_tests

from .bundle import Bundle
from .intake import Unreadable, needed_demos, rebuild, role
from .kernel import Kernel, Limits
from .pack import unpack
from .results import ExamResult
from .source import Exercise
from .trial import check_file
from .warm import Nursery, NurseryGone
from .wire import Channel, decode, encode


class Session:
    """A student's kernel, put back on its feet when it dies.

    What ran before is run again in a new kernel, without the cell that killed the old one, so that one
    endless loop does not cost the exercises after it.
    """

    def __init__(
        self,
        bundle: Bundle,
        limits: Limits,
        nursery: Nursery | None = None,
        seed: int = 0,
        files: Mapping[str, bytes] | None = None,
    ) -> None:
        self.bundle, self.limits, self.nursery, self.seed = bundle, limits, nursery, seed
        self.files = dict(files or {})  # what the student handed in beside the notebook
        self.ran: list[str] = []
        self.deaths: list[str] = []
        self.processor = 0.0  # seconds, of the kernels that have ended
        self.end = time.monotonic() + limits.total_seconds
        self.kernel: Kernel | None = None
        self.space = bundle.space

    def run(self, source: str) -> list[dict[str, Any]]:
        """Run a cell of the student's; return its outputs."""
        if time.monotonic() > self.end:
            return [
                _error(
                    "TimeoutError",
                    f"not run: the {self.limits.total_seconds:g} s for one notebook were used up",
                )
            ]
        kernel = self._alive()
        result = kernel.run_cell(source)
        if result.died or result.timed_out:
            self._bury(kernel, result.timed_out)
            return [*result.outputs, _error("KernelStopped", _reason(kernel, self.limits, result.timed_out))]
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
        space.update(kernel.stand_ins(self.bundle.defines, self.bundle.parameters), inside=kernel.inside)
        names = self.bundle.names[exercise.name]
        try:
            report = run_cell_tests(exercise.check.source, check_file(exercise.name), space, exercise.name, names)
        except Exception as error:  # what the check cell does outside its tests is the author's
            report = unmarked(
                exercise, f"The check itself failed ({type(error).__name__}: {error}). Tell your instructor."
            )
        if not kernel.alive:
            self._bury(kernel, any("Timeout" in row.message for row in report.rows))
        found = self.bundle.bank.match(report)
        if found:
            report.mistake, report.hint = found
        return report

    def evidence(self) -> list[str]:
        """What the student's cells did to their process, where it still lives."""
        if self.kernel is None or not self.kernel.alive or time.monotonic() > self.end:
            return []
        return self.kernel.evidence()

    def _bury(self, kernel: Kernel, timed_out: bool) -> None:
        """Note a death as the student's own.

        Raises:
            NurseryGone: the warm parent has ended, and its children with it.
        """
        if not timed_out and self.nursery is not None and self.nursery.gone():
            raise NurseryGone("the warm parent of students' processes has ended")
        self.deaths.append(_outcome(kernel, timed_out))
        self._drop()

    def _alive(self) -> Kernel:
        while self.kernel is None or not (self.kernel.alive or time.monotonic() > self.end):
            self._drop()
            self.kernel = Kernel.start(self.limits, self.nursery, self.seed)
            self.kernel.end = self.end
            self.kernel.give(self.files)
            for source in self.ran:
                again = self.kernel.run_cell(source)
                if again.died or again.timed_out:  # it ran to its end before: once more, without it
                    self.ran.remove(source)
                    break
        return self.kernel

    def _drop(self) -> None:
        if self.kernel is not None:
            self.kernel.close()
            self.processor += self.kernel.processor
            self.kernel = None

    close = _drop


def unmarked(exercise: Exercise, why: str) -> Report:
    """A report that gives nothing, and says why."""
    return Report(
        exercise.name,
        exercise.points,
        [Row("the exercise could not be checked", "none", "error", False, why)],
    )


def _outcome(kernel: Kernel, timed_out: bool) -> str:
    if timed_out or kernel.ended == "processor time":
        return "timeout"
    return "memory" if kernel.ended == "memory" else "died"


def _reason(kernel: Kernel, limits: Limits, timed_out: bool) -> str:
    if timed_out:
        return f"stopped after {limits.cell_seconds:g} s: an endless loop?"
    return kernel.ending() or "this cell ended the Python process"


def _error(name: str, value: str) -> dict[str, Any]:
    return {"output_type": "error", "ename": name, "evalue": value, "traceback": [f"{name}: {value}"]}


def _verdict(report: Report, count: int) -> dict[str, Any]:
    return {
        "output_type": "execute_result",
        "execution_count": count,
        "metadata": {},
        "data": report.mimebundle(),
    }


def examine(
    submission: bytes, bundle: Bundle, limits: Limits | None = None, nursery: Nursery | None = None, seed: int = 0
) -> ExamResult:
    """Grade one submission.

    Whatever the bytes are, a result comes back: what cannot be read earns nothing and says why.

    Args:
        submission: a notebook's bytes, or a pack of it and the unit's files (see `pack`).
        nursery: the warm parent of students' processes; without one they start cold and in no sandbox.
        seed: of the student's random streams.
    """
    unit = bundle.unit
    try:
        packed = unpack(submission, unit.files)
        rebuilt = rebuild(bundle.release, packed.notebook)
    except Unreadable as reason:
        return unexamined(bundle, "unreadable", str(reason))
    session = Session(bundle, limits or Limits(), nursery, seed, packed.files)
    reports: dict[str, Report] = {}
    outputs: dict[str, list[dict[str, Any]]] = {}
    answers: dict[str, str] = {}  # the cells' texts
    cells = rebuilt.notebook.cells
    demos = needed_demos(cells)
    try:
        for count, cell in enumerate(cells, 1):
            if cell.cell_type != "code" or (role(cell) == "demo" and cell.id not in demos):
                continue
            if role(cell) == "check":
                exercise = unit.exercises[cell.metadata.gradus.exercise]
                report = reports[exercise.name] = session.check(exercise)
                passed = {name: other.whole for name, other in reports.items()}
                called = bundle.names[exercise.name]
                report.note = told(report, [answers.get(exercise.name, "")], called, bundle.contributions, passed)
                outputs[cell.id] = [_verdict(report, count)]
            else:
                answers[cell.id] = cell.source
                outputs[cell.id] = session.run(cell.source)
        evidence = [*packed.evidence, *rebuilt.evidence, *session.evidence()]
    finally:
        session.close()
    outcome = session.deaths[0] if session.deaths else "graded"
    result = _result(outcome, reports, rebuilt.notebook, outputs, packed.notes + rebuilt.notes)
    result.evidence = evidence
    result.notes += [line for line in evidence if line not in result.notes]
    result.seed = seed
    result.processor = round(session.processor, 3)
    return result


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


REHEARSAL = """
def test_right():
    assert_close(f(np.ones(3)), np.ones(3))

def test_wrong():
    assert_close(f(np.zeros((2, 2))), np.eye(2))

def test_false():
    assert f(1) == 2, "no"

def test_fault():
    f(1)[2]

check("rehearsal", points=1)
"""


def _rehearse(bundle: Bundle) -> None:
    """Do once what is the same for every submission, or slow the first time, so that forked children find it done."""
    space = {"f": lambda value: decode(encode([value]))[0], "np": np, "assert_close": assert_close}
    report = run_cell_tests(REHEARSAL, check_file("rehearsal"), space, "rehearsal", ["f"])
    bundle.bank.match(report)
    report.mimebundle()
    rebuilt = rebuild(bundle.release, nbformat.writes(bundle.release).encode())
    needed_demos(rebuilt.notebook.cells)
    unexamined(bundle, "unreadable", "").to_bytes()
    for exercise in bundle.unit.exercises.values():
        compiled(exercise.check.source, check_file(exercise.name))
    bundle.space, bundle.defines, bundle.parameters, bundle.names  # noqa: B018 made here, once for all


def prepare(spec: dict[str, Any]) -> Callable[[socket.socket, dict[str, Any]], None]:
    """In a warm parent of examiners: read the bundle and run its setup cells; return what a forked child does."""
    with os.fdopen(spec["fds"][0], "rb") as file:
        bundle = Bundle.from_bytes(file.read())
    for name in spec.get("preload", []):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    _rehearse(bundle)
    gc.set_threshold(50_000)  # a child lives for seconds: collecting costs it more than it frees

    def born(connection: socket.socket, request: dict[str, Any]) -> None:
        channel = Channel(connection)
        given = channel.receive()
        students = Nursery(socket.socket(fileno=request["fds"][0]), given["inside"])
        try:
            result = examine(given["submission"], bundle, Limits(**given["limits"]), students, given["seed"])
            answer: dict[str, Any] = {"result": result.to_bytes()}
        except NurseryGone as error:
            answer = {"error": str(error), "gone": True}
        except BaseException as error:
            answer = {"error": f"{type(error).__name__}: {error}"[:2000]}
        channel.send(answer)

    return born
