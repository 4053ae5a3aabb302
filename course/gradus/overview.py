"""`gradus.progress()`: which units and exercises there are, what is done, and what comes next."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from . import home, journal
from .check.hints import FOLDER, defines
from .journal import Entry

PASSED, TRIED, NOT_YET = "✓", "◐", "○"
_WORDS = {PASSED: "passed", TRIED: "tried", NOT_YET: "not yet"}


@dataclass
class Unit:
    """A unit as a student sees it: its exercises with their points (None where they cannot be known)."""

    name: str
    title: str = ""
    file: str = ""  # the notebook, seen from the others; "" if it is not here
    exercises: dict[str, float | None] = field(default_factory=dict)


@dataclass
class Progress:
    """All units, and what the journal says of them. Shows itself as a table in a notebook, as text elsewhere."""

    units: list[Unit]
    done: dict[str, dict[str, Entry]]
    said: str = ""

    def mark(self, unit: str, exercise: str) -> str:
        """Passed, tried, or not yet, as a sign."""
        entry = self.done.get(unit, {}).get(exercise)
        return NOT_YET if entry is None else PASSED if entry.done else TRIED

    def points(self, unit: Unit) -> tuple[float, float | None]:
        """Points earned by the last checks, and to be had (None if unknown)."""
        earned = sum(entry.last for name, entry in self.done.get(unit.name, {}).items() if name in unit.exercises)
        known = [self._worth(unit, name) for name in unit.exercises]
        return round(earned, 2), None if None in known else sum(worth for worth in known if worth is not None)

    def next(self) -> tuple[Unit, str] | None:
        """What to do next: the first exercise not passed, in the first unit that was begun and not finished, else in
        the first that was not begun."""
        open_units = [u for u in self.units if any(self.mark(u.name, e) != PASSED for e in u.exercises)]
        begun = [u for u in open_units if self.done.get(u.name)]
        for unit in [*begun, *open_units]:
            return unit, next(e for e in unit.exercises if self.mark(unit.name, e) != PASSED)
        return None

    def text(self) -> str:
        """The table for a terminal."""
        lines = []
        for unit in self.units:
            marks = " ".join(f"{self.mark(unit.name, e)} {e}" for e in unit.exercises)
            lines.append(f"{unit.name:<20} {self._points_text(unit):>12}   {marks}")
        lines.append(" ".join(f"{sign} {word}" for sign, word in _WORDS.items()))
        follows = self.next()
        if follows:
            lines.append(f"Next: {follows[1]}, in {follows[0].file or follows[0].name}")
        elif self.units:
            lines.append("Every exercise is passed.")
        return "\n".join([*lines, *filter(None, [self.said, home.passing()])])

    __repr__ = text

    def _repr_html_(self) -> str:
        rows = "".join(self._row(unit) for unit in self.units)
        follows = self.next()
        if follows:
            unit, exercise = follows
            words = f"Next: <b>{html.escape(exercise)}</b>, in {html.escape(unit.title or unit.name)}"
            ahead = f'<a href="{_link(unit, exercise)}">{words}</a>' if unit.file else words
        else:
            ahead = "Every exercise is passed." if self.units else "There is no unit here."
        notes = "".join(f"<div>{html.escape(note)}</div>" for note in [self.said, home.passing()] if note)
        legend = ", ".join(f"{sign} {word}" for sign, word in _WORDS.items())
        return (
            '<div class="gradus-progress" style="max-width:60em">'
            f'<div style="margin:.4em 0">{ahead}</div>'
            '<table style="border-collapse:collapse;width:100%;table-layout:auto"><thead><tr><th style="text-align:left">unit</th>'
            '<th style="text-align:left">exercises</th><th style="text-align:right">points</th></tr></thead>'
            f'<tbody>{rows}</tbody></table><div style="opacity:.75;font-size:90%">{legend}</div>{notes}</div>'
        )

    def _row(self, unit: Unit) -> str:
        name = f"<code>{html.escape(unit.name)}</code>"
        title = html.escape(unit.title or unit.name)
        title = f'<a href="{_link(unit)}">{title}</a>' if unit.file else title
        marks = []
        for exercise in unit.exercises:
            sign = self.mark(unit.name, exercise)
            entry = self.done.get(unit.name, {}).get(exercise)
            share = f" {entry.passed}/{entry.tests}" if entry and sign == TRIED else ""
            weight = "bold" if sign == PASSED else "normal"
            marks.append(
                f'<span style="white-space:nowrap;margin-right:.9em;font-weight:{weight}" title="{_WORDS[sign]}">'
                f'<span role="img" aria-label="{_WORDS[sign]}">{sign}</span> {html.escape(exercise)}{share}</span> '
            )
        return (
            '<tr style="background:transparent;vertical-align:top">'
            f'<td style="text-align:left;white-space:normal;min-width:16em">{name}<div>{title}</div></td>'
            f'<td style="text-align:left;white-space:normal;width:100%">{"".join(marks)}</td>'
            f'<td style="text-align:right;white-space:nowrap">{self._points_text(unit)}</td></tr>'
        )

    def _points_text(self, unit: Unit) -> str:
        earned, worth = self.points(unit)
        return f"{earned:g}" if worth is None else f"{earned:g} of {worth:g}"

    def _worth(self, unit: Unit, exercise: str) -> float | None:
        entry = self.done.get(unit.name, {}).get(exercise)
        known = unit.exercises[exercise]
        return known if known is not None else entry.points if entry else None


def progress() -> Progress:
    """What you have done so far, unit by unit, and a link to the next thing to do.

    Each exercise is passed, tried or not yet, by what its check said last; answers in your own words are marked by your
    instructor and do not count here. The record is `progress.json` beside the notebooks (in Colab on Drive, if it is
    mounted). Make it the last line of a cell, and run it again after a check.
    """
    kept = journal.read()
    units = {unit.name: unit for unit in _hinted()}
    for unit in _notebooks(home.beside()):
        old = units.get(unit.name)
        if old is None or not old.file or unit.file == f"{unit.name}.ipynb":  # a copy does not replace the notebook
            units[unit.name] = unit
    for name, entries in kept.units.items():
        known = units.setdefault(name, Unit(name)).exercises
        for exercise in entries:
            known.setdefault(exercise, None)
    ordered = sorted((unit for unit in units.values() if unit.exercises), key=lambda unit: unit.name)
    return Progress(ordered, kept.units, kept.said)


def _hinted() -> list[Unit]:
    """The units of which the hand-out holds hints: all of them, though without titles and points."""
    return [Unit(path.stem, exercises=dict.fromkeys(defines(path.stem))) for path in sorted(FOLDER.glob("*.json"))]


def _notebooks(folder: Path) -> list[Unit]:
    found = []
    for path in sorted(folder.glob("*.ipynb")):
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            unit = data["metadata"]["gradus"]["unit"]
            found.append(Unit(str(unit), _title(data["cells"]), path.name, _exercises(data["cells"])))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue  # no notebook of ours, or one that is just being written
    return found


def _exercises(cells: list[dict[str, Any]]) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for cell in cells:
        about = cell.get("metadata", {})
        if about.get("gradus", {}).get("role") == "check":
            points = about.get("nbgrader", {}).get("points")
            found[str(about["gradus"]["exercise"])] = None if points is None else float(points)
    return found


def _title(cells: list[dict[str, Any]]) -> str:
    for cell in cells:
        if cell.get("cell_type") == "markdown":
            for line in "".join(cell.get("source", "")).splitlines():
                if line.startswith("# "):
                    return line[2:].strip()
    return ""


def _link(unit: Unit, exercise: str = "") -> str:
    place = f"#cell-id={quote(exercise)}" if exercise else ""
    return html.escape(f"{quote(unit.file)}{place}", quote=True)
