"""When students handed in, from a table: one's own (`student,time`), or Moodle's grading worksheet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from datetime import datetime, tzinfo
from pathlib import Path

from .identity import Students
from .late import placed, zone_called

# Moodle in English: "Thursday, 1 October 2026, 11:59 PM"
LONG = ("%A, %d %B %Y, %I:%M %p", "%A, %d %B %Y, %H:%M")
NAMED = re.compile(r"(?P<time>\d{4}-\d\d-\d\d[ T][\d:.]+) (?P<zone>[A-Za-z_/+-]+)")  # as in nbgrader's timestamp.txt
MOODLE = ("identifier", "last modified (submission)")


class TimesError(ValueError):
    """The table cannot be used; the message names file and line."""


def read_times(path: Path, students: Students, zone: tzinfo | None) -> tuple[dict[str, datetime], list[str]]:
    """Student -> time, in UTC; and the rows of which nobody knows whose they are.

    Args:
        zone: of the times that name none.

    Raises:
        TimesError.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TimesError(f"{path} cannot be read: {error}") from None
    # the line on which each row begins: a cell may hold several
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter(text))
    table, start = [], 1
    try:
        for row in reader:
            table.append((start, row))
            start = reader.line_num + 1
    except csv.Error as error:
        raise TimesError(f"{path}, line {reader.line_num}: {error}.") from None
    who, when, body = _columns(path, table)
    found: dict[str, datetime] = {}
    strangers = []
    for line, row in body:
        if not any(cell.strip() for cell in row):
            continue
        if len(row) <= max(who, when):
            raise TimesError(f"{path}, line {line}: {len(row)} cells; {max(who, when) + 1} at least are wanted.")
        if row[when].strip() in ("", "-"):  # nothing handed in
            continue
        student = students.named(row[who]) or students.numbered(row[who])
        if student is None:
            strangers.append(row[who].strip())
            continue
        try:
            moment = _time(row[when].strip(), zone)
        except (ValueError, OverflowError) as error:
            raise TimesError(f"{path}, line {line}: {row[when].strip()!r}: {error}.") from None
        if found.setdefault(student, moment) != moment:
            raise TimesError(f"{path}, line {line}: {student} has another time further up.")
    return found, strangers


def delimiter(text: str) -> str:
    """What separates the cells of a table: a comma, or the semicolon of many European spreadsheets, or a tab."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return max(",;\t", key=first.count)


def _columns(path: Path, table: list[tuple[int, list[str]]]) -> tuple[int, int, Iterable[tuple[int, list[str]]]]:
    header = [cell.strip().casefold() for cell in table[0][1]] if table else []
    for who, when in (("student", "time"), MOODLE):
        if who in header and when in header:
            return header.index(who), header.index(when), table[1:]
    raise TimesError(
        f'{path}, line 1: the columns "student" and "time" are wanted, or those of Moodle\'s grading worksheet '
        f'("Identifier", "Last modified (submission)"). There is {", ".join(header) or "nothing"}.'
    )


def _time(text: str, zone: tzinfo | None) -> datetime:
    named = NAMED.fullmatch(text)
    if named:
        return placed(datetime.fromisoformat(named["time"]), zone_called(named["zone"]))
    for form in (None, *LONG):
        try:
            found = datetime.strptime(text, form) if form else datetime.fromisoformat(text)
        except ValueError:
            continue
        return placed(found, zone)
    raise ValueError(
        "no time that is understood; write 2026-10-01T23:59:00, or 2026-10-01 23:59:00 UTC, or let Moodle write in English"
    )
