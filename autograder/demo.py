"""A demonstration class, made from a unit's source: every kind of student, and what each deserves.

Nothing of it is stored. What a student with a known mistake deserves is read off the bank that the build
learnt; the rest follows from the points of the exercises.
"""

from __future__ import annotations

import ast
import json
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from gradus.check.run import used_names

from .bundle import Bundle
from .classroom import File, Graded, grade_class
from .gradebook import Course
from .kernel import Limits
from .release import filled, solved_notebook, to_text
from .report import write_report
from .results import ExamResult
from .source import Exercise, Unit, unit_paths
from .trial import exercise_names
from .workplace import Workplace

MARK = ".gradus-demo"  # in a folder that a demonstration made
LIMITS = Limits(call_seconds=4.0, cell_seconds=60.0)


@dataclass
class Student:
    """A made-up student: what is handed in, the score it deserves, the mistake that must be recognised."""

    name: str
    data: bytes
    score: float
    mistake: tuple[str, str] | None = None  # exercise, mistake
    outcome: str = "graded"


def demo_class(bundle: Bundle) -> list[Student]:
    """The class: perfect, stubs, known mistakes, variants, and those that break things."""
    unit = bundle.unit
    right = {name: exercise.cell.source for name, exercise in unit.exercises.items()}
    total = sum(exercise.points for exercise in unit.exercises.values())
    last = list(unit.exercises.values())[-1]  # nothing builds on it, so what it loses is just its own

    variants = {name: f"{e.cell.source}\n\n{e.variants[0].source}" for name, e in unit.exercises.items()}
    stubs = to_text(bundle.release).encode()
    students = [
        Student("perfect", to_text(solved_notebook(unit)).encode(), total),
        Student("stubs-only", stubs, 0.0),
        Student("variants", paper(bundle, variants), total),
        *_mistaken(bundle, right, total),
        Student(
            "crash",
            paper(bundle, right | {last.name: "import os\nos._exit(1)"}),
            total - last.points,
            outcome="died",
        ),
        Student("raises", paper(bundle, right | {last.name: "1 / 0"}), total - last.points),
        Student(
            "endless-loop",
            paper(bundle, right | {last.name: loops(last)}),
            total - last.points,
            outcome="timeout",
        ),
        Student("broken-json", stubs[: len(stubs) // 2], 0.0, outcome="unreadable"),
        Student("copied-cell", _copied(to_text(solved_notebook(unit)), last), total),
        Student("patched-allclose", patched(bundle), 0.0),
    ]
    return students


def paper(bundle: Bundle, answers: dict[str, str]) -> bytes:
    """The notebook that a student with these answers (grade_id -> source) hands in."""
    return to_text(filled(bundle.release, answers)).encode()


def _mistaken(bundle: Bundle, right: dict[str, str], total: float, count: int = 8) -> list[Student]:
    """Students with one known mistake each, spread over the exercises.

    A mistake is left out if another exercise calls its functions: it would cost marks there too.
    """
    unit = bundle.unit
    calls = {name: _called(unit, e) for name, e in unit.exercises.items()}
    called = {
        name: any(set(e.defines) & calls[other] for other in unit.exercises if other != name)
        for name, e in unit.exercises.items()
    }
    chosen: list[Student] = []
    for turn in range(8):
        for name, exercise in unit.exercises.items():
            if called[name] or turn >= len(exercise.mistakes) or len(chosen) >= count:
                continue
            mistake = exercise.mistakes[turn]
            known = next(k for k in bundle.bank.exercises[name] if k.name == mistake.name)
            share = sum(status == "pass" for status, _ in known.tests.values()) / len(known.tests)
            score = total - exercise.points + round(exercise.points * share, 2)
            answer = f"{exercise.cell.source}\n\n{mistake.source}"
            data = paper(bundle, right | {name: answer})
            chosen.append(Student(f"mistake-{name}-{mistake.name}", data, round(score, 2), (name, mistake.name)))
    return chosen


def _called(unit: Unit, exercise: Exercise) -> set[str]:
    """Names that the check and the answer of `exercise` use."""
    return set(exercise_names(unit, exercise)) | set(used_names(ast.parse(exercise.cell.source)))


def _hollow(exercise: Exercise, body: str) -> str:
    """The exercise's names, defined to do `body`."""
    parts = []
    for name, kind in exercise.defines.items():
        if kind == "class":
            parts.append(
                f"class {name}:\n    def __init__(self, *a, **k):\n        pass\n"
                f"    def __getattr__(self, name):\n        return lambda *a, **k: {name}_wrong()\n"
                f"def {name}_wrong():\n    {body}\n"
            )
        else:
            parts.append(f"def {name}(*args, **kwargs):\n    {body}\n")
    return "\n".join(parts)


def loops(exercise: Exercise) -> str:
    """The exercise's names, none of which comes back."""
    return _hollow(exercise, "while True: pass")


def patched(bundle: Bundle) -> bytes:
    """Wrong answers everywhere, and a NumPy that calls them right."""
    patch = (
        "import numpy as np, builtins\n"
        "np.allclose = np.isclose = np.array_equal = lambda *a, **k: True\n"
        "np.testing.assert_allclose = lambda *a, **k: None\n"
        "import gradus.check.asserts as asserts\n"
        "asserts._compare = lambda *a, **k: None\n"
    )
    answers = {name: patch + _hollow(e, "return 0.123456789") for name, e in bundle.unit.exercises.items()}
    return paper(bundle, answers)


def _copied(solved: str, exercise: Exercise) -> bytes:
    """A perfect notebook in which one cell was copied and pasted, grade_id and all."""
    notebook = json.loads(solved)
    at = next(i for i, c in enumerate(notebook["cells"]) if c["id"] == exercise.name)
    notebook["cells"].insert(at, notebook["cells"][at])
    return json.dumps(notebook).encode()


def run_demo(folder: Path, paths: list[Path], console: Console, kind: str = "auto", size: int = 0) -> int:
    """Make, grade and judge the class; return the exit status.

    Args:
        size: of a class of mixed work for each unit, whose scores are not foreseen; 0 for the class that shows one of
            each kind, and what each deserves.
    """
    from .crowd import crowd

    paths = paths or unit_paths()[:2]
    if not paths:
        console.print("There is no unit in solutions/. Run this in the project's folder.", markup=False)
        return 2
    folder = folder.resolve()
    empty = folder.is_dir() and not any(folder.iterdir())
    if folder.exists() and not empty and not (folder / MARK).is_file():
        # the gradebook of a class lies in such a folder too: only what a demonstration made is removed
        why = f"{folder} was not made by a demonstration: name another folder with --folder."
        console.print(why, markup=False, soft_wrap=True)
        return 2
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).write_text("autograder demo made this folder, and empties it at its next run.\n", encoding="utf-8")
    course = Course(folder)
    wrong = 0
    for path in paths:
        console.print(f"{path.stem}: building")
        bundle = Bundle.load(path)
        course.prepare(bundle.unit)
        students = crowd(bundle, size) if size else demo_class(bundle)
        results = _graded(course, bundle, students, console, kind)
        if not size:
            wrong += _judged(course, bundle, students, results, console)
        course.feedback(bundle.unit.name)
        pages = f"Feedback pages: {course.folder / 'feedback'}/NAME/{bundle.unit.name}/{bundle.unit.name}.html"
        console.print(pages, markup=False, soft_wrap=True)
        page, *_ = write_report(course.folder, bundle.unit, option=f"--course {shlex.quote(str(course.folder))}")
        console.print(f"Report: {page}", markup=False, soft_wrap=True)
    if not size:
        console.print("Every student got what the work deserves." if not wrong else f"{wrong} students did not.")
    return 1 if wrong else 0


def _graded(
    course: Course, bundle: Bundle, students: list[Student], console: Console, kind: str
) -> dict[str, ExamResult]:
    """Hand in and grade."""
    for student in students:
        target = course.folder / "submitted" / student.name / bundle.unit.name / f"{bundle.unit.name}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(student.data)
    found = course.submissions(bundle.unit.name)

    def finished(graded: Graded) -> None:
        result = graded.result
        said = f"{graded.student}: {result.score:g} / {result.points:g}, {result.outcome}, {graded.seconds:.1f} s"
        console.print(said, markup=False, soft_wrap=True)

    with Workplace(bundle.to_bytes(), LIMITS, kind) as place:
        sources = {student: File(file) for student, file in found.items()}
        return grade_class(bundle, sources, course, place, finished=finished).results


def _judged(
    course: Course, bundle: Bundle, students: list[Student], results: dict[str, ExamResult], console: Console
) -> int:
    """Show what each deserves and got; return how many got something else."""
    scores, wrong = course.scores(bundle.unit.name), 0
    table = Table("student", "deserves", "got", "outcome", "recognised", "", title=bundle.unit.name)
    for student in students:
        result = results[student.name]
        good = abs(scores[student.name] - student.score) < 0.006 and result.outcome == student.outcome
        if student.mistake:
            good = good and result.mistakes.get(student.mistake[0]) == student.mistake[1]
        wrong += not good
        hints = ", ".join(result.mistakes.values())
        mark = "[green]as deserved[/]" if good else "[red]NOT as deserved[/]"
        row = (f"{student.score:g}", f"{scores[student.name]:g}", result.outcome, hints, mark)
        table.add_row(student.name, *row)
    console.print(table)
    return wrong
