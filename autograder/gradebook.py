"""nbgrader's course folder and gradebook, written by one process through nbgrader's own converters.

Examined notebooks carry their verdicts as outputs already, so nbgrader's Autograde is run without its Execute;
everything after that (scores, late penalties, manual marks, formgrader, exports) stays nbgrader's.
"""

from __future__ import annotations

import html
import logging
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import ClearOutput, Execute, GetGrades, NbGraderPreprocessor
from traitlets.config import Config

from .release import source_notebook, to_text
from .results import ExamResult
from .source import Unit, visible

CONFIG = """# Makes plain nbgrader work in this folder: autograde, formgrader, feedback, validate.
c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "gradus"
c.ExecutePreprocessor.timeout = 120
c.Execute.timeout = 120
"""


class HideHiddenTests(NbGraderPreprocessor):
    """Take hidden tests out of the feedback page: the source has them, the student must not."""

    def preprocess_cell(self, cell: NotebookNode, resources: Any, index: int) -> tuple[NotebookNode, Any]:
        if cell.cell_type == "code" and "BEGIN HIDDEN TESTS" in cell.source:
            cell.source = visible(cell.source)
        return cell, resources


class Course:
    """A course folder: source, release, submitted, examined, autograded, feedback, gradebook.db."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "nbgrader_config.py"
        if not config.exists():
            config.write_text(CONFIG, encoding="utf-8")
        # nbgrader makes its database with the program alembic, which stands beside this Python
        beside = str(Path(sys.executable).parent)
        if beside not in os.environ.get("PATH", "").split(os.pathsep):
            os.environ["PATH"] = beside + os.pathsep + os.environ.get("PATH", "")

    @property
    def db_url(self) -> str:
        return f"sqlite:///{self.folder / 'gradebook.db'}"

    def submissions(self, unit: str) -> dict[str, Path]:
        """Student -> the notebook in submitted/STUDENT/UNIT/."""
        found = sorted(self.folder.glob(f"submitted/*/{unit}/{unit}.ipynb"))
        return {path.parent.parent.name: path for path in found}

    def prepare(self, unit: Unit) -> None:
        """Put the unit's source into the course and the gradebook. Nothing is done if it is there unchanged."""
        path = self.folder / "source" / unit.name / f"{unit.name}.ipynb"
        text = to_text(source_notebook(unit))
        if path.is_file() and path.read_text(encoding="utf-8") == text and self._has(unit.name):
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        self._run(GenerateAssignment, unit.name, ".", Config())

    def _has(self, unit: str) -> bool:
        if not (self.folder / "gradebook.db").exists():
            return False
        with Gradebook(self.db_url, "gradus") as gradebook:
            try:
                gradebook.find_assignment(unit)
            except MissingEntry:
                return False
        return True

    def record(self, student: str, unit: str, result: ExamResult) -> None:
        """Write one result into the gradebook, and the executed notebook into autograded/."""
        notebook = nbformat.reads(nbformat.writes(result.notebook, version=4), as_version=4)
        for cell in notebook.cells:
            cell.metadata.pop("gradus_changed", None)
        if result.notes:
            lines = "\n".join(f"- {html.escape(note)}" for note in result.notes)
            notebook.cells.insert(0, new_markdown_cell(f"**Notes from the grader**\n\n{lines}", id="gradus-notes"))
        folder = self.folder / "examined" / student / unit
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{unit}.ipynb").write_text(to_text(notebook), encoding="utf-8")
        stamp = self.folder / "submitted" / student / unit / "timestamp.txt"
        if stamp.is_file():
            (folder / "timestamp.txt").write_bytes(stamp.read_bytes())
        config = Config()
        config.CourseDirectory.submitted_directory = "examined"
        config.Autograde.sanitize_preprocessors = _without(Autograde.sanitize_preprocessors, ClearOutput)
        config.Autograde.autograde_preprocessors = _without(Autograde.autograde_preprocessors, Execute)
        self._run(Autograde, unit, student, config)

    def feedback(self, unit: str, student: str = "*") -> list[Path]:
        """Write nbgrader's feedback pages, our tables in them; return their paths."""
        config = Config()
        config.GenerateFeedback.preprocessors = [HideHiddenTests, GetGrades, CSSHTMLHeaderPreprocessor]
        self._run(GenerateFeedback, unit, student, config)
        return sorted(self.folder.glob(f"feedback/{student}/{unit}/{unit}.html"))

    def scores(self, unit: str) -> dict[str, float]:
        """Student -> automatic score, as the gradebook has it."""
        with Gradebook(self.db_url, "gradus") as gradebook:
            return {
                submission.student.id: round(
                    sum(g.auto_score or 0.0 for n in submission.notebooks for g in n.grades), 2
                )
                for submission in gradebook.assignment_submissions(unit)
            }

    def _run(self, kind: type, unit: str, student: str, config: Config) -> None:
        config.CourseDirectory.root = str(self.folder)
        config.CourseDirectory.db_url = self.db_url
        config.CourseDirectory.course_id = "gradus"
        config.CourseDirectory.assignment_id = unit
        config.CourseDirectory.student_id = student
        coursedir = CourseDirectory(config=config)
        log = logging.getLogger("gradus.nbgrader")
        log.setLevel(logging.ERROR)
        converter = kind(coursedir=coursedir, config=config, log=log)
        converter.force = True
        with warnings.catch_warnings():  # nbgrader 0.9.6 on SQLAlchemy 2 warns at every record; nothing is lost
            warnings.simplefilter("ignore")
            converter.start()


def _without(default: Any, kind: type) -> list[type]:
    return [cls for cls in default.default_args[0] if cls is not kind]
