"""What a check found: a row a test, a score, a hint; as a table, as text, as plain data."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import Any

_MARK = {
    "pass": ("✓", "#2a7f3f"),
    "fail": ("✗", "#c0392b"),
    "error": ("!", "#b9770e"),
    "missing": ("…", "#5d6d7e"),
}


@dataclass
class Row:
    """One test: its title, how it went, and what the learner should read."""

    title: str
    test: str
    status: str = "pass"  # pass, fail, error, missing
    hidden: bool = False
    message: str = ""
    call: str = ""
    result: str = ""
    printed: str = ""
    warnings: list[str] = field(default_factory=list)
    seen: list = field(default_factory=list)  # signatures, for the matching of hints


@dataclass
class Report:
    """The verdict on one exercise."""

    exercise: str
    points: float
    rows: list[Row]
    mistake: str | None = None  # the name of the known mistake that answers just like this
    hint: str | None = None
    note: str = ""  # what else the student should know, such as where the code is kept

    @property
    def passed(self) -> int:
        return sum(row.status == "pass" for row in self.rows)

    @property
    def whole(self) -> bool:
        """All tests passed."""
        return self.passed == len(self.rows)

    @property
    def score(self) -> float:
        """Points earned: the share of the tests that passed, to two decimals."""
        return round(self.points * self.passed / len(self.rows), 2) if self.rows else 0.0

    def to_dict(self) -> dict[str, Any]:
        return {**vars(self), "rows": [dict(vars(row)) for row in self.rows], "score": self.score}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Report:
        rows = [Row(**row) for row in data["rows"]]
        return cls(data["exercise"], float(data["points"]), rows, data.get("mistake"), data.get("hint"))

    def lost(self, why: str) -> Report:
        """The same tests, none of them passed, for the reason `why`."""
        rows = [Row(r.title, r.test, "error", r.hidden, why) for r in self.rows]
        return Report(self.exercise, self.points, rows)

    def headline(self) -> str:
        if self.rows and all(row.status == "missing" for row in self.rows):
            return self.rows[0].message
        return f"{self.passed} of {len(self.rows)} tests passed: {self.score:g} of {self.points:g} points."

    def details(self, row: Row) -> list[tuple[str, str]]:
        """Label and text of what is said under a row that did not pass."""
        if row.status == "pass" or row.hidden:  # hidden tests: by title only
            return []
        if row.status == "missing" and all(other.status == "missing" for other in self.rows):
            return []  # the headline says it
        if row.message in [other.message for other in self.rows[: self.rows.index(row)] if not other.hidden]:
            return [("", "The same as above.")]
        details = [("", row.message)]
        if row.call:
            details.append(("called", row.call))
        if row.result:
            details.append(("gave", row.result))
        details += [("warned", warning) for warning in row.warnings]
        if row.printed.strip():
            details.append(("printed", row.printed.strip()))
        return details

    def text(self) -> str:
        """The table for a terminal."""
        lines = [f"{self.exercise}: {self.headline()}"]
        for row in self.rows:
            lines.append(f"  {_MARK[row.status][0]} {row.title}" + (" (hidden)" if row.hidden else ""))
            for label, text in self.details(row):
                for i, line in enumerate(text.splitlines()):
                    lines.append(f"      {f'{label}: ' if label and not i else ''}{line}")
        if self.hint:
            lines.append(f"  Hint: {self.hint}")
        if self.note:
            lines.append(f"  {self.note}")
        return "\n".join(lines)

    def html(self) -> str:
        """The table for a notebook. No script, no outside file; readable on light and on dark."""
        cells = []
        for row in self.rows:
            mark, colour = _MARK[row.status]
            details = "".join(
                f'<div style="margin:2px 0 2px 0">{f"<b>{label}</b> " if label else ""}'
                f'<code style="white-space:pre-wrap;background:transparent">{html.escape(text)}</code></div>'
                for label, text in self.details(row)
            )
            hidden = ' <span style="opacity:.65">(hidden test)</span>' if row.hidden else ""
            cells.append(
                f'<tr style="background:transparent"><td style="color:{colour};font-weight:bold;text-align:center;'
                f'vertical-align:top;width:1.6em" aria-label="{row.status}">{mark}</td>'
                f'<td style="text-align:left;white-space:normal">{html.escape(row.title)}{hidden}{details}</td></tr>'
            )
        hint = (
            '<div style="border-left:4px solid #b9770e;padding:.3em .8em;margin:.4em 0">'
            f"<b>Hint.</b> {html.escape(self.hint)}</div>"
            if self.hint
            else ""
        )
        note = f'<div style="opacity:.75">{html.escape(self.note)}</div>' if self.note else ""
        done = self.whole and self.rows
        colour = "#2a7f3f" if done else "#c0392b" if self.passed < len(self.rows) else "#5d6d7e"
        return (
            f'<div class="gradus-check" style="border-left:4px solid {colour};padding-left:.8em;max-width:60em">'
            f"<div><b>{html.escape(self.exercise)}</b>: {html.escape(self.headline())}</div>"
            f'<table style="border-collapse:collapse;margin:.3em 0">{"".join(cells)}</table>{hint}{note}</div>'
        )

    def mimebundle(self) -> dict[str, str]:
        """Table and score in one: nbgrader reads the plain text as partial credit."""
        return {"text/plain": repr(self.score), "text/html": self.html()}
