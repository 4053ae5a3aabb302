"""The gradebook held open for a unit: each submission is one transaction, written by nbgrader's own preprocessors.

nbgrader opens its gradebook nine times for a notebook, asks for each cell again and commits after each. Here the
session is opened once, what belongs to a submission is read once, and a commit is whole or is not there at all.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import logging
import os
import re
import sqlite3
import warnings
from collections.abc import Collection, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbgrader
from nbformat import NotebookNode
from nbgrader.api import Base, Gradebook, MissingEntry
from nbgrader.preprocessors import AssignLatePenalties, LimitOutput, OverwriteCells, SaveAutoGrades
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from tornado.log import app_log
from traitlets.config import Config, PyFileConfigLoader

from . import late

BUSY_SECONDS = 60  # for somebody who saves a mark in formgrader meanwhile
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# what the machine lacks, whosever folder it shows in
GENERAL = (*FULL, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ESTALE, errno.ENODEV)


class CourseError(RuntimeError):
    """nbgrader refused, or the folder is none to work in; the message says why."""


class Unwritable(CourseError):
    """Nobody's result can be recorded at present: a full or read-only disk, a gradebook that is locked or another's."""


def why(error: Exception, path: Path) -> str:
    """What a person can do about a database or a disk that refuses."""
    code = getattr(error, "errno", None)
    said = str(getattr(error, "orig", None) or getattr(error, "strerror", None) or error).strip()
    place = getattr(error, "filename", None) or path
    if code in FULL or "disk is full" in said or "disk I/O error" in said:
        return f"{place} cannot be written: the disk is full. Make room and give the same command again."
    if code in (errno.EROFS, errno.EACCES, errno.EPERM) or "readonly" in said or "unable to open" in said:
        return f"{place} cannot be written ({said}). Is the disk read-only, or the folder somebody else's?"
    if "locked" in said:
        return f"{place} is in use by another program, which did not let go of it in {BUSY_SECONDS} s. Close it."
    return f"{place} cannot be used: {said}."


def refusal(error: Exception, path: Path, own: Path | None = None) -> CourseError:
    """The error to raise for one of the disk's or the database's: `Unwritable` if it meets every student.

    Args:
        own: the folder in which only one student's work lies, if the error came from there.
    """
    said = why(error, path)
    if isinstance(error, OSError):
        one = own is not None and own.parent.is_dir() and os.access(own.parent, os.W_OK | os.X_OK)
        one = one and error.errno not in GENERAL
    else:  # the rest is about what was to be written: a text, a number, a row that is there
        original = getattr(error, "orig", None) or error
        one = not isinstance(original, sqlite3.OperationalError) and type(original) is not sqlite3.DatabaseError
    return CourseError(said) if one else Unwritable(said)


@functools.cache
def known_versions() -> tuple[str, ...]:
    """The versions of the gradebook that this nbgrader knows, oldest first."""
    after = {}
    for path in (Path(nbgrader.__file__).parent / "alembic" / "versions").glob("*.py"):
        words = path.read_text(encoding="utf-8")
        found = dict(re.findall(r"^(revision|down_revision) = (?:'(\w+)'|None)", words, re.MULTILINE))
        after[found.get("down_revision", "")] = found.get("revision", "")
    versions = [after[""]]
    while versions[-1] in after:
        versions.append(after[versions[-1]])
    return tuple(versions)


def make(path: Path) -> None:
    """An empty gradebook, as nbgrader's own first command makes it.

    nbgrader asks the program alembic for the version; that takes a second, and where it is not found leaves a
    gradebook behind that no later nbgrader can bring up to date.
    """
    engine = create_engine(f"sqlite:///{path}")
    try:
        Base.metadata.create_all(bind=engine)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
            connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": known_versions()[-1]})
    finally:
        engine.dispose()


def inspect(path: Path) -> None:
    """Look at a gradebook without changing it, but for what a killed run has left half written.

    Raises:
        CourseError: it is none, or another version's.
    """
    advice = "Nothing was changed."
    try:
        # a write that was killed is undone by whoever opens next, who must be allowed to
        mode = "rw" if path.with_name(f"{path.name}-journal").exists() else "ro"
        connection = sqlite3.connect(f"{path.as_uri()}?mode={mode}", uri=True, timeout=BUSY_SECONDS)
        with contextlib.closing(connection):
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            query = "SELECT version_num FROM alembic_version" if "alembic_version" in tables else "SELECT NULL"
            version = (connection.execute(query).fetchone() or [None])[0]
    except sqlite3.Error as error:
        raise CourseError(f"{why(error, path)} {advice}") from None
    ours = f"nbgrader {nbgrader.__version__}"
    if version in known_versions()[:-1]:
        raise CourseError(
            f"{path} was made by an older nbgrader than this {ours}. {advice} Make a copy of it, then: nbgrader db upgrade"
        )
    if version not in known_versions():
        raise CourseError(
            f"{path} was made by a newer nbgrader than this {ours} (it says version {version}). {advice} Install the "
            "nbgrader that it was made with, or grade in another folder (--course)."
            if version
            else f"{path} is no gradebook of nbgrader's, or one whose making was cut short. {advice} Move it away."
        )


class _Session(Session):
    """One that can be told to commit nothing yet: what it has written stays in the open transaction."""

    held = False

    def commit(self) -> None:
        if self.held:
            self.flush()
        else:
            super().commit()


class _Entries:
    """Stands where nbgrader's preprocessors look for a gradebook: a unit's cells, and one submission's entries."""

    def __init__(self, cells: dict[str, Any], grades: dict[str, Any], comments: dict[str, Any]) -> None:
        self.cells, self.grades, self.comments = cells, grades, comments
        self.db = SimpleNamespace(commit=lambda: None)

    def find_source_cell(self, name: str, *_: str) -> Any:
        return _entry(self.cells, name)

    find_graded_cell = find_source_cell

    def find_grade(self, name: str, *_: str) -> Any:
        return _entry(self.grades, name)

    def find_comment(self, name: str, *_: str) -> Any:
        return _entry(self.comments, name)


def _entry(entries: dict[str, Any], name: str) -> Any:
    if name not in entries:
        raise MissingEntry(f"the gradebook has no cell {name}")
    return entries[name]


class Ledger:
    """A unit's part of the gradebook, open for writing until `close`.

    One process writes. It takes SQLite's write lock before it reads, so that a mark saved in formgrader meanwhile
    waits instead of being lost, and it leaves SQLite's rollback journal as it is: a kill at any moment is undone by
    whoever opens the gradebook next. (A write-ahead log would be no quicker with one commit a submission, does not
    work on network drives, and a gradebook copied without it would lack the last marks.)
    """

    def __init__(self, folder: Path, unit: str) -> None:
        self.path, self.unit = folder / "gradebook.db", unit
        inspect(self.path)
        with self._refused():
            self.gradebook = Gradebook(f"sqlite:///{self.path}?timeout={BUSY_SECONDS}", "gradus")
            engine = self.gradebook.engine
            # pysqlite would begin a transaction at the first write, after what it rests on was read
            engine.dispose()
            event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
            event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
            made = sessionmaker(class_=_Session, bind=engine, autoflush=True, future=True)
            self.gradebook.db = scoped_session(made)
            self.cells, self.names = self._read()
        log = logging.getLogger("gradus.nbgrader")  # it warns of each hidden test that is put back
        log.setLevel(logging.ERROR)
        given: dict[str, Any] = {"config": _config(folder), "log": log}
        self.overwrite, self.limit = OverwriteCells(**given), LimitOutput(**given)
        self.save, self.late = SaveAutoGrades(**given), AssignLatePenalties(**given)
        self.late.init_plugin()
        self.policy = policy(folder, unit)

    def _read(self) -> tuple[dict[str, Any], dict[str, str]]:
        """The unit's cells by name, and the names of those that are graded or commented on by their number."""
        try:
            notebook = self.gradebook.find_notebook(self.unit, self.unit)
            points = {cell.name: cell.max_score for cell in (*notebook.grade_cells, *notebook.task_cells)}
            cells = {
                cell.name: SimpleNamespace(
                    name=cell.name,
                    cell_type=cell.cell_type,
                    locked=cell.locked,
                    source=cell.source,
                    checksum=cell.checksum,
                    max_score=points.get(cell.name),
                )
                for cell in notebook.source_cells
            }
            graded = (*notebook.grade_cells, *notebook.solution_cells, *notebook.task_cells)
            return cells, {cell.id: cell.name for cell in graded}
        finally:
            self.gradebook.db.remove()

    def restore(self, notebook: NotebookNode) -> None:
        """Make the hand-out's cells in `notebook` what the unit's source has: hidden tests, points, checksums."""
        self.overwrite.gradebook = _Entries(self.cells, {}, {})
        self.overwrite.notebook_id = self.overwrite.assignment_id = self.unit
        for number, cell in enumerate(notebook.cells):
            self.overwrite.preprocess_cell(cell, {}, number)
            self.limit.preprocess_cell(cell, {}, number)

    @contextlib.contextmanager
    def writing(
        self, student: str, notebook: NotebookNode, when: str | None, same: Collection[str] = ()
    ) -> Iterator[None]:
        """Write the scores in `notebook`, committed when the context is left; an error in it takes all back.

        Args:
            when: the time of submission, as nbgrader writes it.
            same: graded cells in which the student's work is what it was when it was last recorded.

        Raises:
            CourseError: the gradebook could not be written, and is as it was; Unwritable if nobody's can be.
        """
        book = self.gradebook
        session = book.db()
        try:
            with self._refused():
                session.held = True
                self._write(student, notebook, when, same)
                session.flush()
            yield
            with self._refused():
                session.held = False
                session.commit()
        finally:
            session.held = False
            book.db.remove()  # rolls back what was not committed, and forgets what it has read

    def _write(self, student: str, notebook: NotebookNode, when: str | None, same: Collection[str]) -> None:
        book = self.gradebook
        book.update_or_create_student(student)
        given = {"timestamp": when} if when else {}
        submission = book.update_or_create_submission(self.unit, student, **given)
        [part] = [one for one in submission.notebooks if one.name == self.unit]
        grades = {self.names[grade.cell_id]: grade for grade in part.grades}
        seen = {name: (grade.auto_score, grade.needs_manual_grade) for name, grade in grades.items()}
        self.save.gradebook = _Entries(
            self.cells,
            grades,
            {self.names[comment.cell_id]: comment for comment in part.comments},
        )
        self.save.notebook_id = self.save.assignment_id = self.unit
        self.save.student_id = student
        for number, cell in enumerate(notebook.cells):
            self.save.preprocess_cell(cell, {}, number)
        for name, grade in grades.items():
            # nbgrader asks for a second look at all that was marked by hand: only where there is something new to see
            if name in same and grade.manual_score is not None and grade.auto_score == seen[name][0]:
                grade.needs_manual_grade = seen[name][1]
        part.late_submission_penalty = self._penalty(student, submission, part)

    def _penalty(self, student: str, submission: Any, part: Any) -> float | None:
        """What is taken off for coming late: by the policy's file, and without one by nbgrader's own plug-in."""
        if self.policy is not None and self.policy.due is not None:
            submission.assignment.duedate = late.naive(self.policy.due)
        seconds = submission.total_seconds_late
        if self.policy is None and not seconds:
            return None
        self.gradebook.db.flush()
        self.gradebook.db.refresh(part)  # its score is a sum that the database makes
        if self.policy is None:
            penalty = self.late.plugin_inst.late_submission_penalty(student, part.score, seconds)
            return None if penalty is None else min(max(penalty, 0), part.score)
        due = self.policy.due_for(student, late.aware(submission.duedate))
        found = self.policy.judge(part.score, part.max_score, late.aware(submission.timestamp), due)
        return found.penalty or None

    @contextlib.contextmanager
    def _refused(self) -> Iterator[None]:
        """Say in a line what nbgrader and SQLAlchemy log and raise at length."""
        before, app_log.disabled = app_log.disabled, True
        try:
            with warnings.catch_warnings():  # nbgrader 0.9.6 on SQLAlchemy 2 warns at every record; nothing is lost
                warnings.simplefilter("ignore")
                yield
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise refusal(error, self.path) from None
        except ValueError as error:  # nbgrader's own: MissingEntry, InvalidEntry
            cause = error.__context__
            if isinstance(cause, SQLAlchemyError):
                raise refusal(cause, self.path) from None
            raise CourseError(f"{self.path}: {error}") from None
        finally:
            app_log.disabled = before

    def close(self) -> None:
        self.gradebook.close()


def _config(folder: Path) -> Config:
    """What the instructor has set for nbgrader in this course: late penalties, how much output is kept."""
    path = folder / "nbgrader_config.py"
    if not path.is_file():
        return Config()
    try:
        return PyFileConfigLoader(path.name, path=str(folder)).load_config()
    except Exception as error:
        raise CourseError(f"{path} has a fault: {type(error).__name__}: {error}") from None


def policy(folder: Path, unit: str) -> late.Policy | None:
    """The late policy of the course folder's file, None where it has none for the unit.

    Raises:
        CourseError: the file has a fault.
    """
    try:
        return late.policy(folder, unit)
    except late.LateError as error:
        raise CourseError(str(error)) from None
