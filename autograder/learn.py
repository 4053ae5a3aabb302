"""A new known mistake out of what students answered: from a group of the report to a cell in the unit's source.

The student's code runs in the sandbox until an instructor has read it. What is written holds no word of the student's:
comments, docstrings and prints are gone, and code in which a name stands is not taken.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradus.check.hints import Bank
from gradus.check.report import Report

from .figures import class_figures
from .isolate import IsolatedError
from .marks import read
from .papers import answers, known_words, plain_answers, private_words
from .plaincode import differing, ranked_examples, reaches
from .source import HEADER, SourceErrors, Unit, load_unit
from .unknown import Group
from .warm import Nursery, NurseryGone, students
from .wire import Channel, WireError

TRIES = 3  # codes of a group that are put through the gates
SECONDS = 600
BYTES = 4 << 30


class LearnError(ValueError):
    """No mistake came of it; the message says why, and what to do."""


@dataclass(frozen=True)
class Found:
    """A group of the class, and the codes that stand for it, best first."""

    path: Path
    text: str  # of the source
    unit: Unit
    group: Group
    report: Report  # of one of its students
    codes: tuple[str, ...]


@dataclass(frozen=True)
class Proposal:
    """The source with the new cell in it, which passed the gates."""

    path: Path
    before: str
    after: str
    cell: str
    line: int


def find(path: Path, course: Path, exercise: str, key: str) -> Found:
    """Find a group of wrong answers by the report's name for it.

    Raises:
        LearnError: there is no such exercise or group, or no code that could be shown. CourseError, SourceErrors: the
            gradebook or the source cannot be read.
    """
    course, text, unit = Path(course).resolve(), _text(path), load_unit(path)
    if exercise not in unit.exercises:
        raise LearnError(f"{unit.name} has no exercise {exercise!r}. It has: {', '.join(unit.exercises)}.")
    figures = class_figures(unit, read(course, unit.name))
    mine = [group for group in figures.groups if group.exercise == exercise]
    group = next((group for group in mine if group.key == key), None)
    if group is None:
        there = ", ".join(f"{g.key} ({len(g.students)})" for g in mine) or "none"
        raise LearnError(
            f"{exercise} has no group {key!r} of wrong answers now. Groups, with their students: {there}. "
            f"`autograder report {unit.name}` shows them."
        )
    papers = answers(course, unit, group.students)
    codes = plain_answers(unit, exercise, papers, group.students)
    if not codes:
        raise LearnError(
            f"None of the {len(group.students)} answers can be read as Python. Write the mistake yourself."
        )
    private = {student: private_words(figures.marks.results[student]) for student in group.students}
    ranked = ranked_examples(codes, private, known_words(unit))
    if not ranked:
        raise LearnError("The student's name stands in the code of this group. Write the mistake yourself.")
    report = figures.reports[group.students[0]][exercise]
    return Found(path, text, unit, group, report, tuple(ranked))


def propose(found: Found, name: str, hint: str, gates: Gates) -> Proposal:
    """Make the cell, and put the unit's source with it through the gates, in the sandbox.

    Raises:
        LearnError: name or hint will not do, the code does more than compute, or the gates refuse it.
    """
    unit, exercise = found.unit, found.unit.exercises[found.group.exercise]
    hint = " ".join(hint.split())
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise LearnError(f"{name!r} is no name for a mistake: small letters, digits and hyphens, as in whole-array.")
    if not hint:
        raise LearnError("The hint is empty. Say in a sentence or two what went wrong, and what to do.")
    refused: list[str] = []
    allowed = _imported(unit)
    for code in found.codes[:TRIES]:
        reached = reaches(code, allowed)
        if reached:
            refused.append(f"It does more than compute ({', '.join(reached)}), and is not run.")
            continue
        # a mistake runs after the reference, and is easier to read with nothing but what is wrong
        cell = _cell(exercise.name, name, hint, differing(code, exercise.cell.source))
        after, line = _inserted(found.text, unit, exercise.name, cell)
        problems = _read_again(found.path, after, exercise.name, name, hint)
        problems = problems or _through_gates(found, after, name, gates)
        if not problems:
            return Proposal(found.path, found.text, after, cell, line)
        refused.append("\n".join(problems))
    why = refused[0] if refused[0].endswith(".") else f"{refused[0]}."
    if found.group.follows:
        why += f" It may only follow from {', '.join(found.group.follows)}, which these students have wrong too."
    raise LearnError(f"The source was refused with this mistake in it: {why}")


def write(proposal: Proposal) -> None:
    """Put the new source in the place of the old one.

    Raises:
        LearnError: the file was changed meanwhile, or cannot be written.
    """
    target = proposal.path.resolve()
    begun = target.with_name(f".{target.name}~")
    try:
        if _text(target) != proposal.before:
            raise LearnError(f"{proposal.path} was changed meanwhile. Give the command again.")
        begun.write_bytes(proposal.after.encode())
        os.chmod(begun, target.stat().st_mode & 0o7777)
        begun.replace(target)
    except OSError as error:
        begun.unlink(missing_ok=True)
        raise LearnError(f"{proposal.path} cannot be written ({error.strerror}).") from None


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8")  # line ends as they are


def _imported(unit: Unit) -> set[str]:
    found = re.findall(r"^\s*(?:import|from)\s+(\w+)", "\n".join(c.source for c in unit.setups), re.MULTILINE)
    return set(found) - {"gradus", "autograder", "os", "sys", "subprocess", "pathlib", "shutil", "socket"}


def _cell(exercise: str, name: str, hint: str, code: str) -> str:
    """A mistake cell as the sources have them."""
    words = json.dumps(hint, ensure_ascii=False)
    return f'# %% mistake="{exercise}" name="{name}" hint={words}\n{code}'


def _inserted(text: str, unit: Unit, exercise: str, cell: str) -> tuple[str, int]:
    """The source with `cell` after the last mistake of its exercise, and the cell's line."""
    known = unit.exercises[exercise]
    after = known.mistakes[-1].line if known.mistakes else known.check.line
    lines = text.splitlines(keepends=True)
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    at = next((i for i in range(after, len(lines)) if HEADER.match(lines[i])), len(lines))
    head = "".join(lines[:at]).rstrip()
    tail = "".join(lines[at:])
    new = end.join(["", "", "", *cell.splitlines(), *(["", "", ""] if tail else [""])])
    return f"{head}{new}{tail}", head.count("\n") + 4


def _read_again(path: Path, text: str, exercise: str, name: str, hint: str) -> list[str]:
    """What is wrong with the new source as a text; [] if it reads as it was meant."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        copy.write_bytes(text.encode())
        try:
            unit = load_unit(copy)
        except SourceErrors as errors:
            return [str(error).partition(": ")[2] for error in errors.errors]
    new = unit.exercises[exercise].mistakes[-1]
    if (new.name, new.hint) != (name, hint):
        return [f"the hint does not come back as it was given ({new.hint!r}): leave odd characters out"]
    return []


def _through_gates(found: Found, text: str, name: str, gates: Gates) -> list[str]:
    """The gates' problems with the exercise, its new mistake among the others."""
    request = {"name": found.path.stem, "source": text, "exercise": found.group.exercise}
    answer = gates.run(request)
    if answer["problems"]:
        return [_without_place(line) for line in answer["problems"]]
    bank = Bank.from_dict({"exercises": {found.group.exercise: answer["entries"]}})
    drawn = bank.match(found.report)
    if drawn is None or drawn[0] != name:
        return ["run after the right answers to the other exercises, the code does not answer as these students did"]
    return []


def _without_place(line: str) -> str:
    return re.sub(r"^\S*?\.py:(\d+): ", r"line \1: ", line)


class Gates:
    """Gates in a sandbox, as a context manager: one warm parent for them, one for the student's process in grading.

    Raises:
        SandboxError: one did not come up.
    """

    def __init__(self, kind: str) -> None:
        with contextlib.ExitStack() as stack:
            preload = ["numpy", "matplotlib.pyplot"]
            self._students = stack.enter_context(students(kind, preload=preload))
            self._gates = stack.enter_context(Nursery.start(kind, "autograder.learn:prepare"))
            self._open = stack.pop_all()

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Problems and entries of the bank, for one exercise of a source.

        Raises:
            LearnError: they came to no end, or to none that says anything.
        """
        ours, theirs = socket.socketpair()
        limits = {"CORE": 0, "AS": BYTES, "CPU": SECONDS, "FSIZE": 1 << 28}
        channel = Channel(ours)
        try:
            with theirs:
                child = self._gates.child([theirs.fileno(), self._students.control.fileno()], limits, BYTES, seed=0)
            deadline = time.monotonic() + SECONDS
            try:
                channel.send(request | {"inside": self._students.inside}, deadline)
                answer = channel.receive(deadline)
            finally:
                child.stop()
        except TimeoutError:
            raise LearnError(f"The gates did not come to an end in {SECONDS} s.") from None
        except (EOFError, OSError, WireError, NurseryGone) as error:
            raise LearnError(f"The gates ended without an answer ({type(error).__name__}).") from None
        finally:
            channel.close()
        if "error" in answer:
            raise LearnError(f"The gates could not be run: {answer['error']}")
        return answer

    def __enter__(self) -> Gates:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()


def prepare(spec: dict[str, Any]) -> Callable[[socket.socket, dict[str, Any]], None]:
    """In a warm parent: what its forked child does, which is to run the gates on one exercise of a source."""
    from . import gates  # noqa: F401 imported once, before the fork

    def born(connection: socket.socket, request: dict[str, Any]) -> None:
        channel = Channel(connection)
        given = channel.receive()
        nursery = Nursery(socket.socket(fileno=request["fds"][0]), given["inside"])
        try:
            channel.send(_gated(given, nursery))
        except (IsolatedError, SourceErrors, OSError, ValueError) as error:
            channel.send({"error": f"{type(error).__name__}: {error}"[:2000]})

    return born


def _gated(given: dict[str, Any], nursery: Nursery) -> dict[str, Any]:
    from .gates import Problem, check_exercise, examiner_problems
    from .trial import warm

    path = Path(tempfile.mkdtemp()) / f"{given['name']}.py"
    path.write_bytes(given["source"].encode())
    unit = load_unit(path)
    warm(unit)
    found = list(check_exercise(unit, unit.exercises[given["exercise"]]))
    problems = [str(one) for one in found if isinstance(one, Problem)]
    entries = [one for one in found if not isinstance(one, Problem)]
    if not problems:
        bank = Bank.from_dict({"exercises": {given["exercise"]: entries}})
        problems = [str(one) for one in examiner_problems(unit, bank, nursery, given["exercise"])]
    return {"problems": problems, "entries": entries}
