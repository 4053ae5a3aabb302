"""The class report: what the class misunderstood, as a page complete in itself and as tables."""

from __future__ import annotations

import csv
import functools
import os
import shlex
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from .export import safe
from .figures import ClassFigures, MistakeFigures, class_figures
from .marks import pseudonym, read, secret
from .papers import answers, known_words, plain_answers, private_words
from .plaincode import example
from .reportpage import Shown, render, shown_order
from .source import Unit
from .unknown import Group


def write_report(course: Path, unit: Unit, out: Path | None = None, names: bool = True, option: str = "") -> list[Path]:
    """Write UNIT.html and its tables into `out`; return their paths.

    Args:
        course: the course folder, with the gradebook.
        out: where to; the course's reports/ if None.
        names: without them students are called by their pseudonyms in this course, as in the exports.
        option: of the command line, to be repeated in the commands that the page tells: "--course spring".

    Raises:
        CourseError: there is no gradebook, or one that cannot be read. OSError: the files cannot be written.
    """
    course = Path(course).resolve()
    out = Path(out) if out is not None else course / "reports"
    figures = class_figures(unit, read(course, unit.name))
    shown = _shown(course, unit, out, figures, names, option)
    out.mkdir(parents=True, exist_ok=True)
    page = out / f"{unit.name}.html"
    page.write_text(render(figures, shown), encoding="utf-8", errors="replace", newline="\n")
    return [
        page,
        _table(out / f"{unit.name}.students.csv", _students(figures, shown)),
        _table(out / f"{unit.name}.tests.csv", _tests(figures)),
        _table(out / f"{unit.name}.mistakes.csv", _mistakes(figures)),
    ]


def _shown(course: Path, unit: Unit, out: Path, figures: ClassFigures, names: bool, option: str) -> Shown:
    results = figures.marks.results
    papers = answers(course, unit, results)
    private = {student: private_words(result) for student, result in results.items()}
    known = known_words(unit)
    key = b"" if names else secret(course)

    @functools.cache
    def sample(exercise: str, students: tuple[str, ...]) -> str | None:
        if exercise not in unit.exercises:
            return None
        return example(plain_answers(unit, exercise, papers, students), private, known)

    def mistake_example(mistake: MistakeFigures) -> str | None:
        return sample(mistake.exercise, mistake.students)

    def group_example(group: Group) -> str | None:
        return sample(group.exercise, group.students)

    def page(student: str) -> str:
        path = course / "feedback" / student / unit.name / f"{unit.name}.html"
        return quote(Path(os.path.relpath(path, out.resolve())).as_posix()) if names and path.is_file() else ""

    def learn(group: Group) -> str:
        words = ["autograder", "learn", unit.name, group.exercise, group.key]
        more = f" {option}" if option else ""
        return shlex.join(words) + f'{more} --name "a-short-name" --hint "What these students should be told."'

    return Shown(
        name=(lambda student: student) if names else (lambda student: pseudonym(student, key)),
        page=page,
        mistake_example=mistake_example,
        group_example=group_example,
        learn=learn,
        named=names,
    )


def _table(path: Path, rows: Iterable[Iterable[object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8", errors="replace") as file:
        csv.writer(file).writerows([[safe(v) if isinstance(v, str) else v for v in row] for row in rows])
    return path


def _students(figures: ClassFigures, shown: Shown) -> list[list[object]]:
    marks = figures.marks
    looks = {look.student: look for look in figures.looks}
    labels = [name.removeprefix("check-").removeprefix("question-") for name in marks.points]
    header = ["student", "score", "points", "late penalty", "outcome", *labels]
    rows: list[list[object]] = [
        [*header, "mistakes", "wrong without a hint", "processor s", "clock s", "to be looked at"]
    ]
    for student in shown_order(figures, shown):
        result = marks.results[student]
        look = looks.get(student)
        rows.append(
            [
                shown.name(student),
                result.total,
                marks.maximum,
                round(result.penalty, 2),
                result.outcome,
                *("" if (c.auto, c.manual) == (None, None) else round(c.score, 2) for c in result.cells.values()),
                "; ".join(f"{exercise}: {name}" for exercise, name in result.mistakes.items()),
                "; ".join(figures.unmatched.get(student, ())),
                "" if result.processor is None else round(result.processor, 3),
                "" if result.seconds is None else round(result.seconds, 3),
                "; ".join(f"{kind}: {why}" if why else kind for kind, why in look.reasons) if look else "",
            ]
        )
    return rows


def _tests(figures: ClassFigures) -> list[list[object]]:
    header = ["exercise", "test", "title", "hidden", "passed", "share of all", "wrote it", "share of those"]
    rows: list[list[object]] = [[*header, "goes with the rest", "which means", "to be looked at"]]
    for exercise in figures.exercises:
        for test in exercise.tests:
            value = test.discrimination.value
            rows.append(
                [
                    test.exercise,
                    test.test,
                    test.title,
                    "yes" if test.hidden else "no",
                    test.passed,
                    round(test.passed / figures.reported, 4) if figures.reported else "",
                    test.wrote,
                    round(test.share_of_wrote, 4) if test.wrote else "",
                    "" if value is None else round(value, 4),
                    test.discrimination.words,
                    "yes" if test.discrimination.flag else "no",
                ]
            )
    return rows


def _mistakes(figures: ClassFigures) -> list[list[object]]:
    rows: list[list[object]] = [
        ["exercise", "mistake", "group", "students", "share", "hint", "tests failed", "follows from"]
    ]

    def share(students: tuple[str, ...]) -> object:
        return round(len(students) / figures.reported, 4) if figures.reported else ""

    for m in figures.mistakes:
        rows.append([m.exercise, m.name, "", len(m.students), share(m.students), m.hint, "", ""])
    for g in figures.groups:
        failed = "; ".join(row.test for row in g.rows)
        rows.append([g.exercise, "", g.key, len(g.students), share(g.students), "", failed, "; ".join(g.follows)])
    return rows
