"""The gates: a unit is built only if its tests are themselves tested.

The untouched stub gets nothing, the reference and the variants everything, every known mistake less than
everything and its own hint, and answers that are no answers get nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from gradus.check.hints import Bank, entry
from gradus.check.report import Report

from . import trial
from .bank import SECONDS, shipped
from .isolate import IsolatedError, isolated
from .source import Exercise, Unit
from .warm import Nursery


@dataclass(frozen=True)
class Problem:
    """What a gate found: file, line of the cell's header, and the reason."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


def _tried(unit: Unit, exercise: Exercise, answers: list[str], hidden: bool = True, mutate: Any = None) -> Report:
    def run() -> dict[str, Any]:
        return trial.local_trial(unit, exercise, answers, hidden, mutate).to_dict()

    return Report.from_dict(isolated(run, SECONDS))


def _lost(report: Report) -> str:
    return "; ".join(
        f"{row.test}: {' '.join(row.message.split())[-400:] or row.status}"
        for row in report.rows
        if row.status != "pass"
    )


def check_exercise(unit: Unit, exercise: Exercise) -> Iterator[Problem | dict[str, Any]]:
    """Put one exercise through the gates: yields problems, and an entry of the bank for every mistake."""
    path = str(unit.path)

    def problem(line: int, message: str) -> Problem:
        return Problem(path, line, f'exercise "{exercise.name}": {message}')

    def attempt(line: int, what: str, answers: list[str], **options: Any) -> Report | Problem:
        try:
            return _tried(unit, exercise, answers, **options)
        except IsolatedError as error:
            return problem(line, f"{what} could not be run: {str(error).strip().splitlines()[-1]}")

    stub = attempt(exercise.cell.line, "the untouched stub", [exercise.stub])
    if isinstance(stub, Problem):
        yield stub
    elif stub.score:
        got = [row.test for row in stub.rows if row.status == "pass"]
        yield problem(exercise.cell.line, f"the untouched stub gets {stub.score:g} points ({', '.join(got)} pass)")
    right = [("the reference", exercise.cell.line, [exercise.cell.source])]
    right += [
        (f"variant {i}", cell.line, [exercise.cell.source, cell.source]) for i, cell in enumerate(exercise.variants, 1)
    ]
    sound = True
    for what, line, answers in right:
        report = attempt(line, what, answers)
        if isinstance(report, Problem):
            yield report
            sound = False
        elif report.score < exercise.points:
            yield problem(line, f"{what} loses points: {_lost(report)}")
            sound = False
    if not sound:
        return  # what mistakes and mutants get says nothing while the right answer is refused
    yield from _mistakes(unit, exercise, attempt, problem)
    for kind in trial.MUTANTS:
        yield from _mutant(unit, exercise, kind, problem)


def _mistakes(
    unit: Unit,
    exercise: Exercise,
    attempt: Callable[..., Report | Problem],
    problem: Callable[[int, str], Problem],
) -> Iterator[Problem | dict[str, Any]]:
    reports = []
    for mistake in exercise.mistakes:
        what = f'mistake "{mistake.name}"'
        report = attempt(mistake.line, what, [exercise.cell.source, mistake.source])
        if isinstance(report, Problem):
            yield report
        elif report.score >= exercise.points:
            yield problem(mistake.line, f"{what} gets full marks: no test catches it")
        else:
            reports.append((mistake, report))
    known = [entry(mistake.name, mistake.hint, report, hidden=True) for mistake, report in reports]
    yield from known
    whole = {"unit": unit.name, "exercises": {exercise.name: known}}
    banks = (
        ("in grading", Bank.from_dict(whole), True),
        ("in the notebook", Bank.from_dict(shipped(whole, unit)), False),
    )
    for mistake, report in reports:
        for where, bank, hidden in banks:
            rows = [row for row in report.rows if hidden or not row.hidden]
            if all(row.status == "pass" for row in rows):
                continue
            found = bank.match(Report(report.exercise, report.points, rows))
            if found is None:
                yield problem(
                    mistake.line,
                    f'mistake "{mistake.name}" draws no hint {where}: another mistake answers just the same, '
                    "or the tests see no numbers. Add a test that tells them apart.",
                )
            elif found[0] != mistake.name:
                yield problem(mistake.line, f'mistake "{mistake.name}" draws the hint of "{found[0]}" {where}')


def _mutant(unit: Unit, exercise: Exercise, kind: str, problem: Callable[[int, str], Problem]) -> Iterator[Problem]:
    def run() -> dict[str, Any]:
        mutate = trial.mutant(kind)
        report = trial.local_trial(unit, exercise, [exercise.cell.source], True, mutate)
        return {"report": report.to_dict(), "spoiled": trial.spoiled}

    try:
        answer = isolated(run, SECONDS)
    except IsolatedError as error:
        yield problem(exercise.check.line, f'the answer "{kind}" could not be run: {str(error).splitlines()[-1]}')
        return
    report = Report.from_dict(answer["report"])
    fooled = [row.test for row in report.rows if row.status == "pass"]
    if kind == "in place":  # a test that hands over numbers only has nothing that could be modified
        fooled = [test for test in fooled if test in answer["spoiled"]]
    if fooled:
        says = {
            "in place": "an answer that modifies its arguments in place passes",
            "equal to everything": "an object that calls itself equal to everything passes",
            "wrong values": "an answer of the right shape with wrong values passes",
        }.get(kind, f"an answer of {kind} passes")
        yield problem(exercise.check.line, f"{says} {', '.join(fooled)}")


def examiner_problems(
    unit: Unit, bank: Bank, nursery: Nursery | None = None, only: str | None = None
) -> Iterator[Problem]:
    """Reference, variants and mistakes once more, as grading runs them: the two ways must agree.

    Args:
        nursery: the warm parent of the process that they run in; without one it is started cold, in no sandbox.
        only: the one exercise to be tried; all of them if None.
    """
    from .bundle import Bundle
    from .examine import Session
    from .kernel import Limits

    limits = Limits(total_seconds=3600, cell_seconds=300)  # the author's own cells: what is slow is the machine
    session = Session(Bundle(unit, None, bank), limits, nursery)  # type: ignore[arg-type]
    try:
        for cell in unit.setups:
            error = next((output for output in session.run(cell.source) if output["output_type"] == "error"), None)
            if error:
                said = f"this set-up cell stopped in the examiner ({error['ename']}: {error['evalue']})"
                yield Problem(str(unit.path), cell.line, f"{said}; no exercise was tried there")
                return
        for exercise in unit.exercises.values():
            if only in (None, exercise.name):
                yield from _examined(unit, exercise, session)
    finally:
        session.close()


def _examined(unit: Unit, exercise: Exercise, session: Any) -> Iterator[Problem]:
    def verdict(answer: str | None) -> Report:
        for other in unit.exercises.values():  # all anew: an answer may have patched an earlier class
            session.run(other.cell.source)
        if answer:
            session.run(answer)
        return session.check(exercise)

    def problem(line: int, message: str) -> Problem:
        return Problem(str(unit.path), line, f'exercise "{exercise.name}", in the examiner: {message}')

    right: list[tuple[str, int, str | None]] = [("the reference", exercise.cell.line, None)]
    right += [(f"variant {i}", cell.line, cell.source) for i, cell in enumerate(exercise.variants, 1)]
    for what, line, answer in right:
        report = verdict(answer)
        if report.score < exercise.points:
            yield problem(line, f"{what} loses points: {_lost(report)}")
    for mistake in exercise.mistakes:
        report = verdict(mistake.source)
        if report.score >= exercise.points:
            yield problem(mistake.line, f'mistake "{mistake.name}" gets full marks')
        elif report.mistake != mistake.name:
            drawn = f'the hint of "{report.mistake}"' if report.mistake else "no hint"
            yield problem(mistake.line, f'mistake "{mistake.name}" draws {drawn}: {_lost(report)}')
