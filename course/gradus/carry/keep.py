"""What happens to an exercise's code when its check has passed, and what has come together so far."""

from __future__ import annotations

import html
from datetime import datetime
from typing import Any

from .. import home
from ..check.hints import defines
from ..course import current_unit
from .bring import brought, units
from .gather import NotKept, gather
from .shelf import Section, Shelf, read


def keep(exercise: str, space: dict[str, Any], tests: int) -> str:
    """Keep the code of an exercise that has just passed all its `tests`; what the student should know of it.

    Never raises: what cannot be kept costs a sentence, not a check.
    """
    unit = current_unit()
    if unit is None or not home.keeping() or unit not in units():
        return ""
    try:
        return _kept(unit, exercise, space, tests)
    except NotKept as why:
        return f"Not carried forward to later units: {why}."
    except OSError as error:
        return f"Not carried forward to later units: {home.shown(home.home() / 'mine')} cannot be written ({error.strerror})."
    except Exception as error:
        return f"Not carried forward to later units ({type(error).__name__}: {error})."


def _kept(unit: str, exercise: str, space: dict[str, Any], tests: int) -> str:
    parts = defines(unit)
    if exercise not in parts:
        return ""
    every = [name for names in parts.values() for name in names]
    piece = gather(parts[exercise], space, every)
    shelf = read(unit)
    where, old = home.shown(shelf.path), shelf.sections.get(exercise)
    if old and old.code.strip() == piece.code.strip() and set(piece.imports) <= set(shelf.imports):
        return f"Carried forward: later units use this code ({where})."
    if old and tests < old.tests:
        return f"{where} keeps the version that passed {old.tests} tests; this check has {tests}."
    copy = shelf.set_aside() if old and old.changed else None
    shelf.imports += [line for line in piece.imports if line not in shelf.imports]
    shelf.imports.sort(key=lambda line: "gradus.carried(" in line)
    shelf.sections[exercise] = Section(exercise, shelf.notebook, tests, f"{datetime.now():%Y-%m-%d %H:%M}", piece.code)
    order = list(parts)
    shelf.sections = dict(
        sorted(shelf.sections.items(), key=lambda entry: order.index(entry[0]) if entry[0] in order else 99)
    )
    shelf.write()
    said = [f"Carried forward: later units use this code ({where})."]
    if copy:
        said.append(f"You had changed it there; that file lies beside it as {copy.name}.")
    return " ".join([*said, *filter(None, [home.passing()])])


class Library:
    """The student's own deep-learning library as it stands: a row a unit."""

    def __init__(self, rows: list[tuple[str, list[str], list[str], int]]) -> None:
        self.rows = rows  # unit, its own names, names for which the stand-in serves, lines of own code

    def text(self) -> str:
        """The table for a terminal."""
        lines = [f"Your own library, in {home.shown(home.home() / 'mine')}:"]
        for unit, mine, others, count in self.rows:
            if mine:
                lines.append(f"  {unit}: {', '.join(mine)} ({count} lines of your own)")
            if others:
                lines.append(f"  {unit}: stand-in for {', '.join(others)}" if mine else f"  {unit}: stand-in so far")
        return "\n".join(lines)

    __repr__ = text

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr style="background:transparent"><td style="text-align:left"><code>{unit}</code></td>'
            f'<td style="text-align:left;white-space:normal">{html.escape(", ".join(mine)) or "–"}</td>'
            f'<td style="text-align:right">{count or "–"}</td>'
            f'<td style="text-align:left;white-space:normal;opacity:.75">{html.escape(", ".join(others)) or "–"}</td></tr>'
            for unit, mine, others, count in self.rows
        )
        return (
            f"<div>Your own library, in <code>{html.escape(home.shown(home.home() / 'mine'))}</code></div>"
            '<table><tr><th style="text-align:left">unit</th><th style="text-align:left">your own</th>'
            '<th>lines</th><th style="text-align:left">stand-in until your check passes</th></tr>'
            f"{rows}</table>"
        )


def library() -> Library:
    """What the student's own library holds by now, unit by unit."""
    rows = []
    for unit in units():
        own = brought(unit).own
        mine = [name for name, is_own in own.items() if is_own]
        others = [name for name, is_own in own.items() if not is_own]
        rows.append((unit, mine, others, _lines(unit, mine)))
    return Library(rows)


def _lines(unit: str, mine: list[str]) -> int:
    """Lines of code of the student's that are in use."""
    if not mine:
        return 0
    shelf: Shelf = read(unit)
    parts = defines(unit)
    used = [e for e, names in parts.items() if e in shelf.sections and {n.split(".")[0] for n in names} <= set(mine)]
    text = [line.strip() for e in used for line in shelf.sections[e].code.splitlines()]
    return sum(bool(line) and not line.startswith("#") for line in text)
