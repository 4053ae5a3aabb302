"""The figures of a class report, computed from a unit's marks: nothing here knows how they are shown.

Discrimination is the point-biserial correlation of a test with the rest of the unit (corrected: without the test
itself), as in R. L. Ebel and D. A. Frisbie, Essentials of Educational Measurement (1991), whose bounds are used too.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gradus.check.report import Report, Row

from .marks import Result, UnitMarks
from .source import Exercise, Unit
from .unknown import Group, groups, known_to_none, written

FEW = 10  # students: below, discrimination is chance
STEPS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1, 2, 2.5, 5, 10, 20, 25, 50, 100, 200, 250, 500)
OUTCOMES = {
    "timeout": "ran out of time",
    "memory": "used too much memory",
    "died": "the Python process died",
    "unreadable": "the file could not be read",
    "unrecorded": "could not be recorded",
}


@dataclass(frozen=True)
class Scores:
    """How scores are distributed. Quartiles are interpolated between the two nearest scores, as NumPy does."""

    values: tuple[float, ...]
    maximum: float
    mean: float = 0.0
    lower: float = 0.0
    median: float = 0.0
    upper: float = 0.0
    deviation: float = 0.0  # of the class itself: divided by its size
    bins: tuple[tuple[float, float, int], ...] = ()  # from, below (the last: up to), how many

    @property
    def full(self) -> int:
        return sum(value >= self.maximum - 1e-9 for value in self.values)

    @property
    def none(self) -> int:
        return sum(value <= 1e-9 for value in self.values)


@dataclass(frozen=True)
class Discrimination:
    """How far passing a test goes with doing well in the rest."""

    value: float | None
    students: int  # that it rests on: those who wrote the exercise
    words: str
    flag: bool = False


@dataclass(frozen=True)
class TestFigures:
    """One test: who passed it."""

    exercise: str
    test: str
    title: str
    hidden: bool
    passed: int
    wrote: int  # of those who wrote the exercise
    discrimination: Discrimination
    gone: bool = False  # graded with it, but the source has it no more

    @property
    def share_of_wrote(self) -> float:
        return self.passed / self.wrote if self.wrote else 0.0


@dataclass(frozen=True)
class ExerciseFigures:
    """One exercise: how the class did. The counts add up to those with a report."""

    name: str
    points: float
    mean: float  # share of the points, by the automatic score, over all students
    full: int
    part: int
    wrong: int  # written, and nothing right
    unwritten: int
    unchecked: int  # the submission could not be examined that far
    tests: tuple[TestFigures, ...]


@dataclass(frozen=True)
class MistakeFigures:
    """A known mistake, and who made it."""

    exercise: str
    name: str
    hint: str
    code: str  # that shows it, from the unit's source; "" where the source has it no more
    students: tuple[str, ...]


@dataclass(frozen=True)
class Look:
    """A submission that a person should look at: kind and reason, most pressing first."""

    student: str
    reasons: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Times:
    """Seconds that were recorded, by student: of grading by the clock, of the student's own process by the processor."""

    wall: dict[str, float]
    processor: dict[str, float]


@dataclass(frozen=True)
class ClassFigures:
    """All that the report shows."""

    unit: str
    title: str
    marks: UnitMarks
    scores: Scores
    exercises: tuple[ExerciseFigures, ...]
    mistakes: tuple[MistakeFigures, ...]  # all of the bank, most frequent first
    groups: tuple[Group, ...]
    looks: tuple[Look, ...]
    unmatched: dict[str, list[str]]  # student -> exercises that are wrong like no known mistake
    times: Times
    reports: dict[str, dict[str, Report]] = field(repr=False)  # student -> exercise -> report

    @property
    def students(self) -> int:
        return len(self.marks.results)

    @property
    def reported(self) -> int:
        """How many have reports, tests and all."""
        return len(self.reports)

    @property
    def reachable(self) -> float:
        """Points that can be reached while nobody's answer to some question in words is marked."""
        cells = [cell for result in self.marks.results.values() for cell in result.cells.values()]
        waiting = {cell.name for cell in cells if cell.waiting} - {cell.name for cell in cells if cell.by_hand}
        return self.marks.maximum - sum(self.marks.points[name] for name in waiting)

    @property
    def waiting(self) -> int:
        """Answers in words that wait for a mark."""
        return sum(len(result.waiting) for result in self.marks.results.values())

    @property
    def bundles(self) -> int:
        """With how many versions of the unit the class was graded."""
        return len({result.bundle for result in self.marks.results.values() if result.bundle})


def class_figures(unit: Unit, marks: UnitMarks) -> ClassFigures:
    """Compute everything for a unit's class."""
    reports = {
        student: {cell.label: cell.report for cell in result.cells.values() if cell.report is not None}
        for student, result in marks.results.items()
    }
    reports = {student: by_name for student, by_name in reports.items() if by_name}
    unmatched = {
        student: [e.name for e in unit.exercises.values() if e.name in by_name and known_to_none(e, by_name[e.name])]
        for student, by_name in reports.items()
    }
    results = marks.results
    return ClassFigures(
        unit=unit.name,
        title=unit.title.replace("`", ""),
        marks=marks,
        scores=distribution([result.total for result in results.values()], marks.maximum),
        exercises=tuple(_exercise(e, marks, reports) for e in unit.exercises.values()),
        mistakes=tuple(_mistakes(unit, reports)),
        groups=tuple(groups(unit, reports)),
        looks=tuple(_looks(results)),
        unmatched={student: names for student, names in unmatched.items() if names},
        times=Times(
            {student: r.seconds for student, r in results.items() if r.seconds is not None},
            {student: r.processor for student, r in results.items() if r.processor is not None},
        ),
        reports=reports,
    )


def distribution(values: Sequence[float], maximum: float) -> Scores:
    """Mean, quartiles and a histogram of scores."""
    if not values:
        return Scores((), maximum)
    ranked = sorted(values)
    lower, median, upper = (_quantile(ranked, share) for share in (0.25, 0.5, 0.75))
    return Scores(
        tuple(values),
        maximum,
        statistics.fmean(ranked),
        lower,
        median,
        upper,
        statistics.pstdev(ranked),
        tuple(_bins(ranked, maximum)),
    )


def _quantile(ranked: Sequence[float], share: float) -> float:
    at = share * (len(ranked) - 1)
    low = math.floor(at)
    high = min(low + 1, len(ranked) - 1)
    return ranked[low] + (at - low) * (ranked[high] - ranked[low])


def _bins(ranked: Sequence[float], maximum: float) -> list[tuple[float, float, int]]:
    """About ten bins of a round width, from 0; the last holds the full score, and what extra credit puts above it."""
    top = max(maximum, ranked[-1], 1e-9)
    width = next((step for step in STEPS if top / step <= 12), top / 10)
    count = max(1, math.ceil(top / width - 1e-9))
    filled = [0] * count
    for value in ranked:
        filled[min(int(value / width + 1e-9), count - 1)] += 1
    return [(i * width, min((i + 1) * width, top), n) for i, n in enumerate(filled)]


def _exercise(exercise: Exercise, marks: UnitMarks, reports: Mapping[str, Mapping[str, Report]]) -> ExerciseFigures:
    mine = {student: by_name[exercise.name] for student, by_name in reports.items() if exercise.name in by_name}
    wrote = {student: report for student, report in mine.items() if written(exercise, report)}
    full = sum(report.whole for report in wrote.values())
    wrong = sum(report.passed == 0 for report in wrote.values())
    unchecked = sum(_unchecked(report) for report in mine.values())
    cells = [result.cells.get(f"check-{exercise.name}") for result in marks.results.values()]
    earned = [(cell.auto or 0.0) / exercise.points if exercise.points else 0.0 for cell in cells if cell is not None]
    return ExerciseFigures(
        name=exercise.name,
        points=exercise.points,
        mean=statistics.fmean(earned) if earned else 0.0,
        full=full,
        part=len(wrote) - full - wrong,
        wrong=wrong,
        unwritten=len(mine) - len(wrote) - unchecked,
        unchecked=unchecked,
        tests=tuple(_tests(exercise, wrote, reports)),
    )


def _unchecked(report: Report) -> bool:
    return all(row.test == "none" for row in report.rows)


def _tests(
    exercise: Exercise, wrote: Mapping[str, Report], reports: Mapping[str, Mapping[str, Report]]
) -> list[TestFigures]:
    """The tests in the source's order; then those that only earlier grading knew."""
    titles: dict[str, tuple[str, bool, bool]] = {
        test: (title, test in exercise.hidden, False) for test, title in source_tests(exercise).items()
    }
    rows: dict[str, dict[str, Row]] = {student: {r.test: r for r in report.rows} for student, report in wrote.items()}
    for by_test in rows.values():
        for row in by_test.values():
            titles.setdefault(row.test, (row.title, row.hidden, True))
    whole = {student: sum(map(_earned, by_name.values())) for student, by_name in reports.items()}
    found = []
    for test, (title, hidden, gone) in titles.items():
        passed = {student: by_test[test].status == "pass" for student, by_test in rows.items() if test in by_test}
        share = {student: wrote[student].points / len(wrote[student].rows) for student in passed}
        rest = {student: whole[student] - passed[student] * share[student] for student in passed}
        found.append(
            TestFigures(
                exercise.name,
                test,
                title,
                hidden,
                sum(passed.values()),
                len(passed),
                discrimination([passed[s] for s in passed], [rest[s] for s in passed]),
                gone,
            )
        )
    return found


def source_tests(exercise: Exercise) -> dict[str, str]:
    """Name -> title of each test in the source of an exercise's check."""
    import ast

    return {
        node.name: ((ast.get_docstring(node) or node.name.removeprefix("test_").replace("_", " ")).splitlines()[0])
        for node in ast.parse(exercise.check.source).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def _earned(report: Report) -> float:
    return report.points * report.passed / len(report.rows) if report.rows else 0.0


def discrimination(passed: Sequence[bool], rest: Sequence[float]) -> Discrimination:
    """The correlation of passing a test with the score in everything else, and what it means.

    Args:
        passed: by student, whether the test was passed.
        rest: by student, the points of all other tests.
    """
    n = len(passed)
    if not n:
        return Discrimination(None, 0, "nobody wrote it")
    if n < FEW:
        return Discrimination(None, n, f"fewer than {FEW} wrote it: too few to say")
    if all(passed):
        return Discrimination(None, n, "everybody passes: it tells nobody apart")
    if not any(passed):
        return Discrimination(None, n, "nobody passes: too hard, or at fault", flag=True)
    spread = statistics.pstdev(rest)
    if spread < 1e-9:
        return Discrimination(None, n, "all have the same elsewhere: nothing to compare with")
    yes = [value for value, one in zip(rest, passed, strict=True) if one]
    no = [value for value, one in zip(rest, passed, strict=True) if not one]
    share = len(yes) / n
    value = (statistics.fmean(yes) - statistics.fmean(no)) / spread * math.sqrt(share * (1 - share))
    return Discrimination(value, n, *_said(value))


def _said(value: float) -> tuple[str, bool]:
    if value <= -0.1:
        return "turned round: those who do well elsewhere fail it", True
    if value < 0.1:
        return "says nothing about the rest: look at this test", True
    if value < 0.2:
        return "separates hardly", False
    if value < 0.3:
        return "separates a little", False
    return ("separates well", False) if value < 0.4 else ("separates very well", False)


def _mistakes(unit: Unit, reports: Mapping[str, Mapping[str, Report]]) -> list[MistakeFigures]:
    """Every mistake of the source, and those that only earlier grading knew; the most frequent first."""
    made: dict[tuple[str, str], list[str]] = {}
    hints: dict[tuple[str, str], str] = {}
    for student, by_name in reports.items():
        for name, report in by_name.items():
            if report.mistake:
                made.setdefault((name, report.mistake), []).append(student)
                hints.setdefault((name, report.mistake), report.hint or "")
    found = []
    for exercise in unit.exercises.values():
        for mistake in exercise.mistakes:
            students = tuple(made.pop((exercise.name, mistake.name), ()))
            found.append(MistakeFigures(exercise.name, mistake.name, mistake.hint, mistake.source, students))
    found += [MistakeFigures(e, m, hints[e, m], "", tuple(students)) for (e, m), students in made.items()]
    return sorted(found, key=lambda mistake: -len(mistake.students))  # of equals the source's order


def _looks(results: Mapping[str, Result]) -> list[Look]:
    found = []
    for student, result in results.items():
        reasons = [("tampering", line) for line in result.evidence]
        if result.outcome in OUTCOMES:
            why = next(iter(result.notes), "") if result.outcome in ("unreadable", "unrecorded") else ""
            reasons.append((OUTCOMES[result.outcome], why))
        if not result.outcome:
            reasons.append(("no report", "graded by plain nbgrader, or before a later change: only the score is known"))
        if reasons:
            found.append(Look(student, tuple(reasons)))
    order = ["tampering", *OUTCOMES.values(), "no report"]
    return sorted(found, key=lambda look: (order.index(look.reasons[0][0]), look.student))
