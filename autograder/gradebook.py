"""nbgrader's course folder and gradebook, written by one process through nbgrader's own converters.

Examined notebooks carry their verdicts as outputs already, so nothing is executed here; what follows (scores, late
penalties, manual marks, formgrader, exports) is nbgrader's own code, see `ledger`.
"""

from __future__ import annotations

import contextlib
import copy
import html
import json
import logging
import os
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import GenerateAssignment, NbGraderException
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import parse_utc
from sqlalchemy.exc import SQLAlchemyError
from traitlets.config import Config

from . import ledger
from .celltext import visible
from .intake import role
from .ledger import CourseError as CourseError
from .release import source_notebook, to_text
from .results import ExamResult
from .source import Unit
from .whose import student_name

# The autograded notebooks hold the hidden tests; no feedback page may, not those of formgrader's button either.
FEEDBACK = [
    "autograder.gradebook.HideHiddenTests",
    "nbgrader.preprocessors.GetGrades",
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
]
CONFIG = f"""# Makes plain nbgrader work in this folder: autograde, formgrader, feedback, validate.
from pathlib import Path

import autograder
import nbgrader

c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "gradus"
c.ExecutePreprocessor.timeout = 120
c.Execute.timeout = 120
# without the hidden tests, which the autograded notebooks hold
c.GenerateFeedback.preprocessors = {FEEDBACK}
# formgrader's formulas from this machine: its own pages ask a CDN for them
c.HTMLExporter.extra_template_basedirs = [
    str(Path(autograder.__file__).parent / "templates"),
    str(Path(nbgrader.__file__).parent / "server_extensions" / "formgrader" / "templates"),
]
"""


class _Kept(logging.Handler):
    """nbgrader says why it failed in its log alone: keep it."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())

    def reason(self) -> str:
        """The last line of the first traceback, else the first message."""
        traces = [message for message in self.messages if message.startswith("Traceback")]
        found = [*traces, *self.messages, "nbgrader failed and did not say why"][0]
        return found.strip().splitlines()[-1]


class HideHiddenTests(NbGraderPreprocessor):
    """Take hidden tests out of the feedback page: the source has them, the student must not."""

    def preprocess_cell(self, cell: NotebookNode, resources: Any, index: int) -> tuple[NotebookNode, Any]:
        if cell.cell_type == "code" and "BEGIN HIDDEN TESTS" in cell.source:
            cell.source = visible(cell.source)
        return cell, resources


class _Found:
    """A converter of the notebooks it is given.

    nbgrader looks for them itself, and takes names for patterns: "[ab] x" is then the work of "a x".
    """

    found: dict[str, list[str]]

    def init_notebooks(self) -> None:
        self.assignments = dict(self.found)
        self.notebooks: list[str] = []


class _GenerateAssignment(_Found, GenerateAssignment):
    pass


class Course:
    """A course folder: source, release, submitted, autograded, feedback, gradebook.db."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).resolve()
        if self.folder.exists() and not self.folder.is_dir():
            raise CourseError(f"{self.folder} is a file: a course is a folder.")
        # nbgrader makes its database with the program alembic, which stands beside this Python
        beside = str(Path(sys.executable).parent)
        self.before = self.folder  # whose autograded/ says what was recorded last
        self.times: dict[str, str] = {}  # when students handed in, where submitted/ does not say so
        self._ledger: tuple[tuple[int, str], ledger.Ledger] | None = None
        if beside not in os.environ.get("PATH", "").split(os.pathsep):
            os.environ["PATH"] = beside + os.pathsep + os.environ.get("PATH", "")

    @property
    def db_url(self) -> str:
        return f"sqlite:///{self.folder / 'gradebook.db'}"

    def submissions(self, unit: str) -> dict[str, Path]:
        """Student -> the notebook in submitted/STUDENT/UNIT/, be it a file or not."""
        return self._at("submitted", unit, "ipynb")

    def _at(self, step: str, unit: str, suffix: str) -> dict[str, Path]:
        """Student -> what lies in STEP/STUDENT/UNIT/UNIT.SUFFIX."""
        found = {}
        for folder in sorted((self.folder / step).glob("[!.]*")):
            path = folder / unit / f"{unit}.{suffix}"
            if os.path.lexists(path):
                found[student_name(folder.name)] = path
        return found

    def prepare(self, unit: Unit) -> None:
        """Put the unit's source into the course and the gradebook. Nothing is done if it is there unchanged.

        Raises:
            CourseError: students are graded already, and the unit's exercises are others now; or the gradebook is
                another nbgrader's, or the disk refuses.
        """
        try:
            self._prepare(unit)
        except OSError as error:
            raise CourseError(ledger.why(error, self.folder)) from None

    def _prepare(self, unit: Unit) -> None:
        self.close()  # what it knows of the unit's cells may change
        self._create()
        ledger.inspect(self.folder / "gradebook.db")
        ledger.policy(self.folder, unit.name)  # a fault in it is said before anything is graded
        config = self.folder / "nbgrader_config.py"
        if not config.exists():
            config.write_text(CONFIG, encoding="utf-8")
        path, released = (self.folder / step / unit.name / f"{unit.name}.ipynb" for step in ("source", "release"))
        text = to_text(source_notebook(unit))
        # nbgrader writes the released notebook last: where it is missing, the gradebook may not know this source
        known = self._has(unit.name) and path.is_file() and released.is_file()
        if known and path.read_text(encoding="utf-8") == text:
            return
        released.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        try:
            self._run(_GenerateAssignment, unit.name, "source", ["."], Config())
        except CourseError as error:
            if "Cannot add or remove cells" not in str(error):
                raise
            raise CourseError(
                f"The exercises of {unit.name} have changed since students were graded in {self.folder}, and nbgrader "
                "keeps those. Grade with the source as it was, or in another folder (--course)."
            ) from None

    def _create(self) -> None:
        """Make the gradebook, whole or not at all: nbgrader would go on with one that was begun."""
        target, begun = self.folder / "gradebook.db", self.folder / ".gradebook.begun"
        if target.exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        begun.unlink(missing_ok=True)
        try:
            ledger.make(begun)
        except SQLAlchemyError as error:
            raise CourseError(ledger.why(error, target)) from None
        begun.replace(target)

    def _has(self, unit: str) -> bool:
        try:
            with Gradebook(self.db_url, "gradus") as gradebook:
                gradebook.find_assignment(unit)
        except MissingEntry:
            return False
        except SQLAlchemyError as error:
            raise CourseError(ledger.why(error, self.folder / "gradebook.db")) from None
        return True

    def record(self, student: str, unit: str, result: ExamResult) -> None:
        """Write one result into the gradebook, and the examined notebook into autograded/.

        Both or neither, unless this process is killed between the two: then the gradebook has the new scores and the
        notebook is the one from before.

        Raises:
            CourseError: one of them cannot be written; `ledger.Unwritable` if that holds for every student.
        """
        notebook = _own(result.notebook)
        notes = list(result.notes)
        when = self.times.get(student)
        stamp = self.folder / "submitted" / student / unit / "timestamp.txt"
        if when or stamp.is_file():
            try:
                when = when or stamp.read_text(encoding="utf-8").strip()
                parse_utc(when)
            except (ValueError, OverflowError, OSError):  # nbgrader would refuse the submission
                when = None
                notes.append("timestamp.txt holds no time: when this was handed in is not recorded")
        folder = self.folder / "autograded" / student / unit
        try:
            book = self._open(unit)
            book.restore(notebook)
            if notes:
                lines = "\n".join(f"- {html.escape(note)}" for note in notes)
                notebook.cells.insert(0, new_markdown_cell(f"**Notes from the grader**\n\n{lines}", id="gradus-notes"))
            folder.mkdir(parents=True, exist_ok=True)
            text = json.dumps(notebook, ensure_ascii=False)  # in one line: indenting is ten times the work
            path = folder / f"{unit}.ipynb"
            same = _same(self.before / folder.relative_to(self.folder) / path.name, notebook)
            with _put(path, text), book.writing(student, notebook, when, same):
                pass
            if when:
                (folder / "timestamp.txt").write_text(when, encoding="utf-8")
            else:
                (folder / "timestamp.txt").unlink(missing_ok=True)
        except OSError as error:
            raise ledger.refusal(error, folder, folder.parent) from None

    def _open(self, unit: str) -> ledger.Ledger:
        """The gradebook, open for one unit; a fork opens its own, for SQLite's files may not be shared."""
        key = (os.getpid(), unit)
        if self._ledger is None or self._ledger[0] != key:
            self.close()
            try:
                self._ledger = key, ledger.Ledger(self.folder, unit)
            except CourseError as error:
                raise ledger.Unwritable(str(error)) from None
        return self._ledger[1]

    def close(self) -> None:
        """Let go of the gradebook. Between two results nothing is locked; this frees memory."""
        if self._ledger is not None and self._ledger[0][0] == os.getpid():
            self._ledger[1].close()
        self._ledger = None

    def feedback(self, unit: str) -> list[Path]:
        """Write a page for each graded student, where nbgrader puts its own; return their paths.

        Raises:
            CourseError: a page cannot be written, or somebody's notebook is in no gradebook; the others are written.
        """
        from .feedback import Marks, page
        from .marks import read

        notebooks = self._at("autograded", unit, "ipynb")
        found = read(self.folder, unit).results if notebooks else {}
        marks = {student: Marks.of(result) for student, result in found.items()}
        written = []
        for student, path in notebooks.items():
            if student not in marks:
                continue
            target = self.folder / "feedback" / path.parent.parent.name / unit / f"{unit}.html"
            try:
                notebook = nbformat.from_dict(json.loads(path.read_text(encoding="utf-8")))
                target.parent.mkdir(parents=True, exist_ok=True)
                with _put(target, page(student, unit, notebook, marks[student])):
                    written.append(target)
            except OSError as error:
                raise CourseError(ledger.why(error, target)) from None
        unknown = sorted(notebooks.keys() - marks.keys())
        if unknown:
            raise CourseError(
                f"{len(written)} pages were written; {', '.join(unknown)} stand in autograded/ but not in the gradebook. "
                f"Grade them again: autograder grade {unit} --force"
            )
        return written

    def scores(self, unit: str) -> dict[str, float]:
        """Student -> automatic score, as the gradebook has it."""
        with Gradebook(self.db_url, "gradus") as gradebook:
            return {
                submission.student.id: round(
                    sum(g.auto_score or 0.0 for n in submission.notebooks for g in n.grades), 2
                )
                for submission in gradebook.assignment_submissions(unit)
            }

    def _run(self, kind: type, unit: str, step: str, students: list[str], config: Config) -> None:
        config.CourseDirectory.root = str(self.folder)
        config.CourseDirectory.db_url = self.db_url
        config.CourseDirectory.course_id = "gradus"
        config.CourseDirectory.assignment_id = unit
        coursedir = CourseDirectory(config=config)
        log = logging.getLogger("gradus.nbgrader")
        log.setLevel(logging.ERROR)
        log.propagate = False
        kept = _Kept()
        log.addHandler(kept)
        converter = kind(coursedir=coursedir, config=config, log=log)
        converter.force = True
        folders = [os.path.join(self.folder, step, student, unit) for student in students]  # not Path: it drops "."
        converter.found = {folder: [os.path.join(folder, f"{unit}.ipynb")] for folder in folders}
        try:
            with warnings.catch_warnings():  # nbgrader 0.9.6 on SQLAlchemy 2 warns at every record; nothing is lost
                warnings.simplefilter("ignore")
                converter.start()
        except NbGraderException:
            raise CourseError(f"{unit}: {kept.reason()}") from None
        finally:
            log.removeHandler(kept)


def _inert(markdown: str) -> str:
    """A student's markdown without tags and links: a space breaks them, and they can still be read.

    nbgrader renders markdown with all that is in it, `javascript:` too, for the student and, in formgrader, for
    the instructor.
    """
    return re.sub(r"<(?=[A-Za-z/!?])|\](?=[(:])", r"\g<0> ", markdown)


def _own(notebook: NotebookNode) -> NotebookNode:
    """A copy whose cells and their marks may be changed; a whole deep copy would take longer than the gradebook."""
    cells = []
    for cell in notebook.cells:
        cell = NotebookNode({**cell, "metadata": copy.deepcopy(cell.metadata)})
        if role(cell) == "question":
            cell.source = _inert(cell.source)
        cells.append(cell)
    return NotebookNode({**notebook, "cells": cells})


def _same(path: Path, notebook: NotebookNode) -> set[str]:
    """The graded cells in which the student's work is that of the autograded notebook at `path`.

    A question's work is its own text; a check's is all the code that the student wrote.
    """
    try:
        cells = nbformat.from_dict(json.loads(path.read_text(encoding="utf-8"))).cells
        then, now = _work(cells), _work(notebook.cells)
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return set()
    graded = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    names = {cell.metadata.nbgrader.grade_id: cell.id if role(cell) == "question" else "" for cell in graded}
    return {name for name, work in names.items() if then.get(work) == now.get(work)}


def _work(cells: list[NotebookNode]) -> dict[str, Any]:
    """What is the student's: the text of each question by its cell's id, and under "" all code."""
    own = [
        cell
        for cell in cells
        if role(cell) in ("exercise", "question")
        or (cell.cell_type == "code" and (role(cell) == "extra" or cell.metadata.gradus.get("changed")))
    ]
    code = [cell.source for cell in own if cell.cell_type == "code"]
    return {"": code, **{cell.id: cell.source for cell in own if cell.cell_type == "markdown"}}


@contextlib.contextmanager
def _put(path: Path, text: str) -> Iterator[None]:
    """Write a file beside `path`, for certain on the disk; it takes its place when the context is left without error."""
    begun = path.with_name(f".{path.name}.begun")
    begun.unlink(missing_ok=True)
    try:
        with begun.open("wb") as file:
            file.write(text.encode("utf-8", "replace"))
            file.flush()
            os.fsync(file.fileno())
        begun.chmod(0o444)  # as nbgrader leaves it
        yield
        begun.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            begun.unlink(missing_ok=True)
        raise
