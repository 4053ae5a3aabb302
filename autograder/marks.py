"""A unit's results as they stand: one model, which reports, exports and regrades read.

Scores, hand-given marks, comments and times come from nbgrader's gradebook, which is only read. What it has no
place for (outcome, tests, recognised mistakes, evidence, seed) comes from what grading kept beside it, and only
where that is of the same grading: an exercise that plain nbgrader has graded since has a score and no report.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from gradus.check.report import Report

from . import late, ledger
from .journal import Journal
from .ledger import CourseError
from .reading import GradeRow, Part, reading, rows
from .results import ExamResult

ROUNDING = 0.006  # scores have two decimals
CHECK = "check-"  # an exercise's check is called so in the gradebook, and a question by its own name


@dataclass(frozen=True)
class Person:
    """What the gradebook's student table says; empty where nobody wrote it there."""

    first: str = ""
    last: str = ""
    email: str = ""
    login: str = ""  # nbgrader's lms_user_id

    @property
    def full(self) -> str:
        return f"{self.first} {self.last}".strip()


@dataclass(frozen=True)
class Cell:
    """What one graded cell earned: a check, or a question that is marked by hand. Scores are in points."""

    name: str  # nbgrader's grade_id: "check-softmax", or a question's own name, "why"
    points: float  # the most that it can give, extra credit aside
    auto: float | None = None
    manual: float | None = None  # given by hand: it counts in place of `auto`
    extra: float = 0.0  # extra credit, on top
    waiting: bool = False  # for a person to mark it
    comment: str = ""  # the instructor's
    report: Report | None = None  # the examiner's, tests and all, where it is this score's

    @property
    def label(self) -> str:
        """The exercise's or question's own name."""
        return self.name.removeprefix(CHECK)

    @property
    def question(self) -> bool:
        """Whether this is a question in words."""
        return not self.name.startswith(CHECK)

    @property
    def score(self) -> float:
        """As nbgrader counts it: the hand-given score, else the automatic one, and the extra credit."""
        given = self.manual if self.manual is not None else self.auto
        return 0.0 if given is None else given + self.extra

    @property
    def by_hand(self) -> bool:
        return self.manual is not None or bool(self.extra)


@dataclass(frozen=True)
class Result:
    """One student's work in a unit."""

    student: str  # as in submitted/ and the gradebook; without names a pseudonym
    unit: str
    cells: dict[str, Cell]  # by the cell's name, in the notebook's order
    person: Person = Person()
    outcome: str = ""  # as in `results.ExamResult`; "" where grading kept nothing (plain nbgrader graded it)
    notes: tuple[str, ...] = ()  # what the student was told
    evidence: tuple[str, ...] = ()  # of tampering, to be looked at
    comments: dict[str, str] = field(default_factory=dict)  # by hand, by the cell's name; those of exercises too
    seed: int | None = None
    seconds: float | None = None  # that grading took
    processor: float | None = None  # seconds of processor time, of the student's own process; None where not measured
    digest: str = ""  # SHA-256 of what was handed in
    bundle: str = ""  # the key of the unit it was graded with
    graded: datetime | None = None
    submitted: datetime | None = None
    due: datetime | None = None  # for this student, an extension included
    late: timedelta = timedelta(0)  # after `due`; zero where one of the two is not known
    penalty: float = 0.0  # points taken off for that, as late.toml wants; without one, as the gradebook has it
    penalty_reason: str = ""
    recorded_penalty: float = 0.0  # as the gradebook has it: the same, once `penalties.settle` has been there

    @property
    def automatic(self) -> float:
        """The sum of the automatic scores, whatever was given by hand in their place."""
        return round(sum(cell.auto or 0.0 for cell in self.cells.values()), 2)

    @property
    def by_hand(self) -> float:
        """The sum of the scores that were given by hand, extra credit aside."""
        return round(sum(cell.manual or 0.0 for cell in self.cells.values()), 2)

    @property
    def extra(self) -> float:
        """The sum of the extra credit that counts."""
        return round(sum(cell.extra for cell in self.cells.values() if (cell.manual, cell.auto) != (None, None)), 2)

    @property
    def raw(self) -> float:
        """The score before the penalty for coming late."""
        return round(sum(cell.score for cell in self.cells.values()), 2)

    @property
    def total(self) -> float:
        """The score that counts."""
        return round(max(0.0, self.raw - self.penalty), 2)

    @property
    def maximum(self) -> float:
        return sum(cell.points for cell in self.cells.values())

    @property
    def waiting(self) -> tuple[str, ...]:
        """Labels of the cells that a person has still to mark."""
        return tuple(cell.label for cell in self.cells.values() if cell.waiting)

    @property
    def mistakes(self) -> dict[str, str]:
        """Exercise -> name of the known mistake recognised in it."""
        return {c.label: c.report.mistake for c in self.cells.values() if c.report and c.report.mistake}


@dataclass(frozen=True)
class UnitMarks:
    """All results in a unit."""

    unit: str
    points: dict[str, float]  # of each graded cell, by its name, in the notebook's order
    results: dict[str, Result]  # by student, sorted
    absent: dict[str, Person] = field(default_factory=dict)  # in the gradebook, with nothing handed in
    named: bool = True

    @property
    def maximum(self) -> float:
        return sum(self.points.values())


def read(folder: str | Path, unit: str, names: bool = True) -> UnitMarks:
    """The results of `unit` in the course folder; empty if nobody's is graded.

    Args:
        names: without them students have pseudonyms, the same at every call in this folder, and neither persons nor
            the instructor's comments (which may call somebody by name) are given.

    Raises:
        CourseError: there is no gradebook, or one that cannot be read.
    """
    folder = Path(folder).resolve()
    path = folder / "gradebook.db"
    if not path.exists():
        raise CourseError(f"There is no gradebook in {folder}. First: autograder grade {unit}")
    policy = ledger.policy(folder, unit)
    with reading(path) as session:
        found = rows(session, unit)
    people = {student: Person(*texts) for student, texts in found.people.items()}
    journal = Journal(folder, unit)
    entries = journal.last()
    results = {}
    for part in found.parts:
        student, entry = part.student, entries.get(part.student)
        result = judged(unit, part, found.points, policy, people.get(student, Person()))
        if entry is not None:
            result = replace(
                result,
                outcome=entry.outcome,
                seed=entry.seed,
                seconds=entry.seconds,
                digest=entry.digest,
                bundle=entry.bundle,
                graded=_time(entry.when),
            )
            kept = journal.kept(entry)
            if kept is not None:
                result = _with_reports(result, kept)
        results[student] = result
    absent = {student: person for student, person in sorted(people.items()) if student not in results}
    marks = UnitMarks(unit, found.points, results, absent)
    return marks if names else nameless(marks, folder)


def judged(
    unit: str, part: Part, points: dict[str, float], policy: late.Policy | None, person: Person = Person()
) -> Result:
    """One student's result by the gradebook's rows.

    Args:
        points: the unit's graded cells and the most that each gives.
        policy: that of the late policy's file; without one the gradebook's penalty holds.
    """
    none = GradeRow(None, None, 0.0, False)
    cells = {}
    for name, most in points.items():
        row = part.grades.get(name, none)
        comment = part.comments.get(name, "")
        cells[name] = Cell(name, most, row.auto, row.manual, row.extra, row.waiting, comment)
    result = Result(part.student, unit, cells, person, comments=part.comments, submitted=part.submitted)
    due = policy.due_for(part.student, part.due) if policy else part.due
    found = (policy or late.Policy()).judge(result.raw, result.maximum, part.submitted, due)
    return replace(
        result,
        due=due,
        late=found.late,
        penalty=found.penalty if policy else part.penalty,
        penalty_reason=found.reason if policy else "",
        recorded_penalty=part.penalty,
    )


def _with_reports(result: Result, kept: ExamResult) -> Result:
    cells = {}
    for name, cell in result.cells.items():
        data = kept.reports.get(cell.label) if not cell.question else None
        same = data is not None and cell.auto is not None and abs(cell.auto - data["score"]) < ROUNDING
        cells[name] = replace(cell, report=Report.from_dict(data)) if same and data else cell
    return replace(
        result, cells=cells, notes=tuple(kept.notes), evidence=tuple(kept.evidence), processor=kept.processor or None
    )


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


# privacy


def nameless(marks: UnitMarks, folder: Path) -> UnitMarks:
    """The same without anything that says who a student is.

    The pseudonyms are made with a secret that stays in the course folder: without it, a list of the class does not
    tell which is whose.
    """
    key = secret(folder)
    results = {}
    for student, result in marks.results.items():
        cells = {name: replace(cell, comment="") for name, cell in result.cells.items()}
        other = pseudonym(student, key)
        results[other] = replace(result, student=other, person=Person(), cells=cells, comments={}, digest="")
    absent = {pseudonym(student, key): Person() for student in marks.absent}
    return replace(marks, results=dict(sorted(results.items())), absent=dict(sorted(absent.items())), named=False)


def pseudonym(student: str, key: bytes) -> str:
    """What a student is called where names stay out."""
    return "student-" + hmac.new(key, student.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:8]


def secret(folder: Path) -> bytes:
    """What this course's pseudonyms are made with.

    Raises:
        CourseError: the file it lies in cannot be used.
    """
    path = folder / ".gradus" / "pseudonyms.key"
    try:
        return bytes.fromhex(path.read_text(encoding="ascii"))
    except FileNotFoundError:
        key = secrets.token_bytes(16)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(key.hex(), encoding="ascii")
        path.chmod(0o600)
        return key
    except (OSError, ValueError) as error:
        raise CourseError(f"{path} cannot be used ({error}). Delete it: the pseudonyms will be others then.") from None
