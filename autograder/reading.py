"""The gradebook's rows of one unit, read and never written; `marks` makes the result model of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from nbgrader.api import (
    Assignment,
    BaseCell,
    Comment,
    Grade,
    GradeCell,
    Notebook,
    SourceCell,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
    TaskCell,
)
from sqlalchemy import create_engine, literal_column
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from .late import aware
from .ledger import BUSY_SECONDS, CourseError, inspect, why


@dataclass(frozen=True)
class GradeRow:
    """One graded cell of a submission, as nbgrader keeps it."""

    auto: float | None
    manual: float | None
    extra: float
    waiting: bool


@dataclass(frozen=True)
class Part:
    """One student's notebook of the unit."""

    number: str
    student: str
    submitted: datetime | None
    due: datetime | None  # an extension granted in the gradebook included
    penalty: float
    grades: dict[str, GradeRow] = field(default_factory=dict)  # by the cell's name
    comments: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Rows:
    """What the gradebook has of a unit."""

    people: dict[str, tuple[str, str, str, str]]  # student -> first and last name, e-mail, login
    points: dict[str, float] = field(default_factory=dict)  # cell -> the most that it gives, in the notebook's order
    parts: list[Part] = field(default_factory=list)


@contextmanager
def reading(path: Path) -> Iterator[Session]:
    """A session that cannot write: nbgrader's own `Gradebook` adds a row when it is opened.

    Raises:
        CourseError: there is no gradebook of this nbgrader's there.
    """
    inspect(path)

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    try:
        with Session(engine) as session:
            yield session
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise CourseError(why(error, path)) from None
    finally:
        engine.dispose()


def rows(session: Session, unit: str) -> Rows:
    """A unit's rows, asked for as columns: nbgrader's objects would compute sums for each."""
    people = {
        student: (first or "", last or "", email or "", login or "")
        for student, first, last, email, login in session.query(
            Student.id, Student.first_name, Student.last_name, Student.email, Student.lms_user_id
        )
    }
    notebook = (
        session.query(Notebook.id, Assignment.duedate)
        .join(Assignment, Notebook.assignment_id == Assignment.id)
        .filter(Assignment.name == unit, Notebook.name == unit)
        .first()
    )
    if notebook is None:
        return Rows(people)
    number, due = notebook
    graded, names = _cells(session, number)
    parts = _parts(session, number, due)
    for part, cell, auto, manual, extra, waiting in (
        session.query(
            Grade.notebook_id,
            Grade.cell_id,
            Grade.auto_score,
            Grade.manual_score,
            Grade.extra_credit,
            Grade.needs_manual_grade,
        )
        .join(SubmittedNotebook, Grade.notebook_id == SubmittedNotebook.id)
        .filter(SubmittedNotebook.notebook_id == number)
    ):
        if cell in graded:
            parts[part].grades[graded[cell][0]] = GradeRow(auto, manual, extra or 0.0, bool(waiting))
    for part, cell, text in (
        session.query(Comment.notebook_id, Comment.cell_id, Comment.manual_comment)
        .join(SubmittedNotebook, Comment.notebook_id == SubmittedNotebook.id)
        .filter(SubmittedNotebook.notebook_id == number)
    ):
        if text and cell in names:
            parts[part].comments[names[cell]] = text
    return Rows(people, dict(graded.values()), sorted(parts.values(), key=lambda part: part.student))


def _parts(session: Session, notebook: str, due: datetime | None) -> dict[str, Part]:
    found = {}
    for number, student, when, extension, penalty in (
        session.query(
            SubmittedNotebook.id,
            SubmittedAssignment.student_id,
            SubmittedAssignment.timestamp,
            SubmittedAssignment.extension,
            SubmittedNotebook.late_submission_penalty,
        )
        .join(SubmittedAssignment, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .filter(SubmittedNotebook.notebook_id == notebook)
    ):
        last = due + (extension or timedelta(0)) if due else None
        found[number] = Part(number, student, aware(when), aware(last), penalty or 0.0)
    return found


def _cells(session: Session, notebook: str) -> tuple[dict[str, tuple[str, float]], dict[str, str]]:
    """Number of a graded cell -> name and points, in the notebook's order; and the names of all cells."""
    cells = session.query(SourceCell.name).filter(SourceCell.notebook_id == notebook)
    order = {name: at for at, (name,) in enumerate(cells.order_by(literal_column("source_cell.rowid")))}
    names = {
        number: name
        for number, name in session.query(BaseCell.id, BaseCell.name).filter(BaseCell.notebook_id == notebook)
    }
    found = [
        (number, name, most or 0.0)
        for kind in (GradeCell, TaskCell)
        for number, name, most in session.query(kind.id, kind.name, kind.max_score).filter(kind.notebook_id == notebook)
    ]
    found.sort(key=lambda cell: order.get(cell[1], len(order)))
    return {number: (name, most) for number, name, most in found}, names
