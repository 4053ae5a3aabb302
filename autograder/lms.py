"""Marks in the formats that Canvas and Moodle import: their own downloaded table, with our column filled."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .cli_tools import names
from .export import Exported, notes, number, safe, to_text
from .identity import Students, name_of, number_of
from .marks import Result, UnitMarks
from .sheet import Sheet, TemplateError, plain, value

# Canvas's gradebook_importer.rb: these, and then assignments
CANVAS_STUDENT = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
CANVAS_TOTALS = re.compile(r"(Current|Final) (Score|Points|Grade)|Override (Score|Grade|Status)")
WITH_ID = re.compile(r"(?P<title>.*?)\s*\((?P<id>\d+)\)\s*", re.DOTALL)
MOODLE = (
    *("Identifier", "Full name", "Email address", "Status", "Grade", "Maximum Grade", "Grade can be changed"),
    *("Last modified (submission)", "Last modified (grade)", "Feedback comments"),
)


@dataclass
class Wishes:
    """What an instructor may want otherwise."""

    column: str = ""  # the assignment's heading, where its name does not tell
    scale: bool = True  # to the maximum that the learning system has
    absent_zero: bool = False  # who has handed in nothing gets 0
    text: bool = True  # a short text for the student, where there is a place for it


@dataclass
class _Filling:
    """One table's rows matched with results, and what there is to say of it."""

    marks: UnitMarks
    wishes: Wishes
    system: str
    maximum: float | None = None  # of the learning system
    used: set[str] = field(default_factory=set)
    told: dict[str, list[str]] = field(default_factory=dict)

    def tell(self, what: str, student: str) -> None:
        self.told.setdefault(what, []).append(student)

    @property
    def factor(self) -> float:
        scaled = self.wishes.scale and self.maximum and self.marks.maximum
        return (self.maximum or 1.0) / self.marks.maximum if scaled else 1.0

    def score(self, result: Result) -> float:
        """A total in the learning system's points."""
        return round(result.total * self.factor, 2)

    def matched(
        self,
        rows: list[list[str]],
        find: Callable[[Students, list[str]], str | None],
        label: Callable[[list[str]], str],
    ) -> Iterator[tuple[list[str], Result | None]]:
        """Each row with the result that belongs to it. A student whom two rows claim is given to neither."""
        results = self.marks.results
        ours = Students((student, (r.person.login, r.person.email)) for student, r in results.items())
        found = [find(ours, row) for row in rows]
        for row, student in zip(rows, found, strict=True):
            if student is not None and found.count(student) > 1:
                self.tell(f"Two rows of {self.system}'s for one student, left as they are", label(row))
                student = None
            elif student is not None:
                self.used.add(student)
                if not alike(label(row), student):
                    self.tell("Matched by number though the names differ: look at these", f"{label(row)} = {student}")
            else:
                self.tell(f"In {self.system}'s table, with no result here, {self._blank()}", label(row))
            yield row, results[student] if student is not None else None

    def _blank(self) -> str:
        return "given 0" if self.wishes.absent_zero else "left as they are"

    def done(self, data: bytes) -> Exported:
        left = [student for student in self.marks.results if student not in self.used]
        said = [f"{what}: {names(students)}." for what, students in self.told.items()]
        if self.factor != 1.0:
            said.insert(0, f"{self.system} counts to {self.maximum:g}, the unit to {self.marks.maximum:g}: scaled.")
        elif self.maximum and self.maximum != self.marks.maximum:
            said.insert(0, f"{self.system} counts to {self.maximum:g}, the unit to {self.marks.maximum:g}: NOT scaled.")
        waiting = [note for note in notes(self.marks) if "nobody has marked" in note]
        return Exported(data, [*waiting, *said], left)


def alike(shown: str, student: str) -> bool:
    """Whether a learning system's name for somebody can be that in ours: the same letters, in any order.

    `lovelaceada_12345` is "Lovelace, Ada". Where one of them has no letters of the alphabet, or ours is no name
    (Moodle's "Participant"), nothing is known, and nothing is said.
    """
    theirs, ours = (
        sorted(c for c in text.casefold() if "a" <= c <= "z")
        for text in (re.sub(r" \(.*", "", shown), name_of(student))
    )
    return theirs == ours or not theirs or not ours or "".join(ours) == "".join(sorted("participant"))


def canvas(marks: UnitMarks, template: Path | None = None, wishes: Wishes | None = None) -> Exported:
    """A table for Canvas's gradebook import: who a student is, and one assignment. No other column can be changed by it.

    Args:
        template: Canvas's own export; it knows the assignment's number and the students' names.

    Raises:
        TemplateError: it is no such export, or does not tell which assignment is meant.
    """
    filling = _Filling(marks, wishes or Wishes(), "Canvas")
    if template is None:
        return _canvas_anew(filling)
    sheet = Sheet.read(template)
    identity, column = _canvas_columns(sheet, filling)
    head = sheet.head
    who, login, sis = head.index("ID"), sheet.column("SIS Login ID"), sheet.column("SIS User ID")
    first = next((at for at, row in enumerate(sheet.rows[1:], 1) if row[who].strip()), len(sheet.rows))
    above = sheet.rows[:first]
    for row in above[1:]:
        if "points possible" in row[0].casefold():
            filling.maximum = value(row[column])
    students = [row for row in sheet.rows[first:] if any(cell.strip() for cell in row)]
    tests = [row for row in students if _canvas_name(row, head) == "Student, Test"]
    students = [row for row in students if row not in tests]

    def find(ours: Students, row: list[str]) -> str | None:
        others = [row[at] for at in (login, sis) if at is not None]
        return ours.numbered(row[who]) or ours.named(*others)

    for row, result in filling.matched(students, find, lambda row: _canvas_name(row, head)):
        before = row[column].strip()
        if before in ("EX", "N/A"):
            filling.tell("Excused in Canvas, or not assigned, and left so", _canvas_name(row, head))
        elif result is not None:
            now = filling.score(result)
            if value(before) not in (None, now):
                filling.tell("Have another score in Canvas by now, which this replaces", _canvas_name(row, head))
            row[column] = number(now)
        elif filling.wishes.absent_zero:
            row[column] = "0"
    for row in students:
        for at in range(who):
            row[at] = safe(row[at])
    kept = [*range(identity), column]
    sheet.rows = [[row[at] for at in kept] for row in (*above, *students, *tests)]
    return filling.done(sheet.data())


def _canvas_name(row: list[str], head: list[str]) -> str:
    return ", ".join(row[: head.index("ID")])


def _canvas_columns(sheet: Sheet, filling: _Filling) -> tuple[int, int]:
    """How many columns say who a student is, and which is the assignment's."""
    head = sheet.head
    if "ID" not in head[:3] or "Section" not in head or not head[0].endswith(("Student", "LastName")):
        raise TemplateError(
            f"{sheet.path} is no gradebook export of Canvas's: its columns are {names(head, 5)}. In Canvas: Grades, "
            "Export, Export Entire Gradebook."
        )
    identity = head.index("Section") + 1
    titles = {at: title for at, title in enumerate(head) if at >= identity and not CANVAS_TOTALS.search(title)}
    wish = filling.wishes.column
    wanted = {plain(wish or filling.marks.unit), plain(wish or filling.marks.unit.partition("_")[2])}

    def called(title: str) -> set[str]:
        parts = WITH_ID.fullmatch(title)
        return {plain(title), *((plain(parts["title"]), parts["id"]) if parts else ())}

    found = [at for at, title in titles.items() if wanted & called(title)]
    if len(found) != 1:
        how = "Several columns are" if found else "No column is"
        raise TemplateError(
            f"{sheet.path}: {how} called {wish or filling.marks.unit}. Say which it is with --column; there are: "
            f"{names([titles[at] for at in found or titles], 30)}."
        )
    return identity, found[0]


def _canvas_anew(filling: _Filling) -> Exported:
    marks, rows = filling.marks, []
    for student, result in marks.results.items():
        person, canvas_id = result.person, number_of(student)
        name = f"{person.last}, {person.first}" if person.last and person.first else person.full or name_of(student)
        if canvas_id is None and not person.login:
            filling.tell("Without a number of Canvas's, to be found there by name alone", student)
        shown = "" if canvas_id is None else str(canvas_id)
        rows.append([safe(name), shown, "", safe(person.login), "", number(result.total)])
        filling.used.add(student)
    head = [*CANVAS_STUDENT, filling.wishes.column or marks.unit]
    possible = ["    Points Possible", "", "", "", "", number(marks.maximum)]
    return filling.done(to_text([head, possible, *rows]).encode())


def moodle(marks: UnitMarks, template: Path | None = None, wishes: Wishes | None = None) -> Exported:
    """Moodle's grading worksheet, filled.

    Args:
        template: the worksheet as downloaded; it knows the participants' numbers and when each was graded last.

    Raises:
        TemplateError: it is no such worksheet.
    """
    filling = _Filling(marks, wishes or Wishes(), "Moodle")
    sheet = Sheet.read(template) if template else _moodle_anew(filling)
    head = sheet.head
    grade = sheet.column(filling.wishes.column or "Grade")
    if grade is None or not re.search(r"\d\s*$", sheet.rows[1][0]):
        raise TemplateError(
            f"{sheet.path} is no grading worksheet of Moodle's: its columns are {names(head, 12)}. In Moodle: the "
            "assignment, Submissions, Actions, Download grading worksheet (in another language say --column for Grade)."
        )
    comment, most = sheet.column("Feedback comments"), sheet.column("Maximum Grade")
    name, email, locked = sheet.column("Full name"), sheet.column("Email address"), sheet.column("Grade can be changed")
    if template and most is not None:
        filling.maximum = next((v for row in sheet.rows[1:] if (v := value(row[most])) is not None), None)

    def find(ours: Students, row: list[str]) -> str | None:
        return ours.numbered(row[0]) or (ours.named(row[email]) if email is not None else None)

    def label(row: list[str]) -> str:
        return f"{row[name]} ({row[0]})" if name is not None else row[0]

    for row, result in filling.matched(sheet.rows[1:], find, label):
        if result is None and not filling.wishes.absent_zero:
            continue
        if locked is not None and row[locked].strip().casefold() == "no":
            filling.tell("Locked in Moodle, where the grade cannot be changed", label(row))
            continue
        now = filling.score(result) if result else 0.0
        if template and filling.maximum and now > filling.maximum:  # or Moodle would pass over the row in silence
            now = filling.maximum
            filling.tell("More than Moodle's maximum, cut down to it", label(row))
        if value(row[grade]) not in (None, now):
            filling.tell("Have another grade in Moodle by now, which this replaces", label(row))
        row[grade] = number(now)
        if comment is not None and result is not None and filling.wishes.text:
            if row[comment].strip() and not row[comment].startswith(_opening(marks)):
                filling.tell("Have a comment in Moodle by now, which is left", label(row))
            else:
                row[comment] = told(result)
    for row in sheet.rows[1:]:
        for at in (name, email):
            if at is not None:
                row[at] = safe(row[at])
    return filling.done(sheet.data())


def _moodle_anew(filling: _Filling) -> Sheet:
    rows = []
    for student, result in filling.marks.results.items():
        participant, person = number_of(student), result.person
        if participant is None:
            continue
        known = [f"Participant {participant}", person.full or name_of(student), person.email]
        rows.append([*known, "", "", number(filling.marks.maximum), "Yes", "-", "-", ""])
    if not rows:
        raise TemplateError(
            "No student here has a number of Moodle's at the end of the name (Ada Lovelace_123456), as its downloads "
            "have. Give its grading worksheet with --template; students are then looked for by their e-mail addresses too."
        )
    return Sheet(Path("the worksheet"), [list(MOODLE), *rows])


def _opening(marks: UnitMarks) -> str:
    return f"{html.escape(marks.unit)}: "


def told(result: Result) -> str:
    """A short text for the student, as HTML: points, hints, the penalty, what the instructor said."""
    lines = [f"{result.unit}: {number(result.total)} of {number(result.maximum)} points."]
    for cell in result.cells.values():
        score = "not marked yet" if cell.waiting else f"{number(cell.score)} of {number(cell.points)}"
        hint = f" {cell.report.hint}" if cell.report and cell.report.hint and cell.score < cell.points else ""
        lines.append(f"{cell.label}: {score}.{hint}")
    if result.penalty_reason or result.penalty:
        lines.append(result.penalty_reason or f"Late: {number(result.penalty)} points taken off")
    if result.outcome not in ("graded", "") and result.notes:
        lines.append(result.notes[0])
    lines += [f"{name.removeprefix('check-')}: {text}" for name, text in result.comments.items()]
    return "<br>".join(html.escape(line, quote=False) for line in lines)
