"""The pages of look-alikes: a list of pairs, and for each pair both answers side by side. Complete in themselves."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path

import jinja2
from markupsafe import Markup

from .alike import ADDED, Answers, Pair, groups
from .export import safe
from .sidebyside import Answer, Row, rows, without_texts
from .source import Unit

MARK = ".gradus-similar"  # in a folder that these pages were written into
STRONG = 70.0
CAUTION = (
    "A short function has few forms, and two people who were taught together write alike. A likeness is a reason to "
    "talk with both, not a verdict: it does not say who wrote first, nor that anybody copied."
)


def write_pages(
    folder: Path,
    unit: Unit,
    sources: Mapping[str, Mapping[str, str]],
    pairs: list[Pair],
    answers: Mapping[str, Answers],
    most: int,
    name: Callable[[str], str] | None = None,
    threshold: float = 0.0,
) -> list[Path]:
    """Write index.html, pairs.csv and a page for each of the first `most` pairs; return their paths.

    Args:
        sources: student -> exercise -> code.
        name: what a student is called, where names stay out; comments and texts do then, too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("pair-*.html"):
        old.unlink()
    together = groups(pairs)
    called = name or str
    listed = []
    written = []
    handed_out = "\n".join(cell.source for cell in unit.cells if cell.kind in ("setup", "demo", "check"))
    handed_out += "\n".join(exercise.stub for exercise in unit.exercises.values())
    for number, pair in enumerate(pairs, 1):
        page = f"pair-{number:03d}.html" if number <= most else ""
        listed.append((number, page, pair, together.get(pair.one, 0)))
        if not page:
            continue
        parts = []
        for part in pair.parts:
            texts = [sources[student][part.exercise] for student in (pair.one, pair.other)]
            shown = [without_texts(text, handed_out) if name else text for text in texts]
            one, other = (
                Answer(text, answers[part.exercise].chunks[student], answers[part.exercise].weights)
                for text, student in zip(shown, (pair.one, pair.other), strict=True)
            )
            parts.append((part, _plain(rows(one, other))))
        text = PAIR.render(
            unit=unit.name, pair=pair, one=called(pair.one), other=called(pair.other), parts=parts,
            added=ADDED, caution=CAUTION, style=STYLE, strong=STRONG,
        )  # fmt: skip
        written.append(_write(folder / page, text))
    index = INDEX.render(
        unit=unit.name, listed=listed, called=called, students=len(sources), caution=CAUTION, style=STYLE,
        strong=STRONG, threshold=threshold, named=name is None,
    )  # fmt: skip
    return [_write(folder / "index.html", index), _table(folder / "pairs.csv", unit, pairs, called), *written]


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", errors="replace", newline="\n")
    return path


def _plain(found: list[Row]) -> list[Row]:
    """Without lines that are empty on both sides."""
    return [row for row in found if any(line is not None and line.text.strip() for line in row)]


def _table(path: Path, unit: Unit, pairs: list[Pair], called: Callable[[str], str]) -> Path:
    exercises = [*unit.exercises, ADDED]
    with path.open("w", newline="", encoding="utf-8", errors="replace") as file:
        writer = csv.writer(file)
        writer.writerow(["student", "other", "likeness", *(f"{exercise} %" for exercise in exercises)])
        for pair in pairs:
            shares = {part.exercise: round(100 * part.share) for part in pair.parts}
            names = [safe(called(student)) for student in (pair.one, pair.other)]
            writer.writerow([*names, round(pair.strength), *(shares.get(exercise, 0) for exercise in exercises)])
    return path


STYLE = Markup(
    """
:root { color-scheme: light dark; --text: #1b1b1b; --page: #fff; --line: #8886; --soft: #8881; --link: #0b57d0;
  --rare: #f6c66b; --mark: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e6e6; --page: #16181c; --link: #8ab4f8; --rare: #6b4a00;
  --mark: #f6c66b; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--page); margin: 2em auto;
  max-width: 90em; padding: 0 1em; overflow-wrap: anywhere; }
a { color: var(--link); }
h1 { line-height: 1.2; margin-bottom: .2em; } h2 { margin: 1.6em 0 .2em; font-size: 1.15em; }
.caution { border-left: 4px solid var(--mark); background: var(--soft); padding: .5em .9em; margin: 1em 0; max-width: 60em; }
.quiet { opacity: .8; } p { max-width: 60em; margin: .3em 0; }
table { border-collapse: collapse; }
.list td, .list th { text-align: left; padding: .25em .9em .25em .2em; border-bottom: 1px solid var(--line); vertical-align: top; }
.number { text-align: right !important; font-variant-numeric: tabular-nums; }
.sides { width: 100%; table-layout: fixed; border: 1px solid var(--line); margin: .4em 0; }
.sides th { text-align: left; padding: .2em .6em; border-bottom: 1px solid var(--line); width: 50%; }
.sides td { vertical-align: top; padding: 0; border-left: 1px solid var(--line); }
.sides pre { margin: 0; padding: 0 .4em 0 3.6em; text-indent: -3.2em; white-space: pre-wrap;
  font: 13px/1.5 ui-monospace, Menlo, Consolas, monospace; tab-size: 4; }
.sides pre b { display: inline-block; width: 3em; text-indent: 0; font-weight: normal; opacity: .55; }
.sides pre.rare { background: var(--rare); } .sides pre.rare b { color: var(--mark); opacity: 1; }
.sides pre.common { opacity: .6; }
.key span { font: 13px/1.5 ui-monospace, Menlo, Consolas, monospace; padding: .1em .6em; margin-right: .6em; }
.key .rare { background: var(--rare); } .key .common { opacity: .6; } .list th { overflow-wrap: normal; }
@media print { body { max-width: none; margin: 0; font-size: 11px; } .sides pre { font-size: 9px; }
  .sides pre, .key span, .caution { print-color-adjust: exact; } tr { break-inside: avoid; } h2 { break-after: avoid; } }
"""
)
HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
form-action 'none'">
<meta name="viewport" content="width=device-width">
<meta name="referrer" content="no-referrer">
"""
_PAGES = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
INDEX = _PAGES.from_string(
    HEAD
    + """<title>{{ unit }}: look-alikes</title>
<style>{{ style }}</style>
</head>
<body>
<h1>{{ unit }}: look-alikes</h1>
<p>{{ students }} submissions, every pair compared. {{ listed|length }} {{ "pair has" if listed|length == 1 else "pairs have" }} \
a likeness of {{ "%g"|format(threshold) }} or more, of 100; from {{ "%g"|format(strong) }} it is strong.</p>
<div class="caution"><b>Before you look.</b> {{ caution }}</div>
<p class="quiet">Names, values, comments and layout are set aside, and so is what the hand-out, the reference, a variant
or a known mistake holds. What remains is weighed by how few of this class write it; what half of them write weighs
nothing. The percentage: of the one who has less rare code, how much of it is the other's too.</p>
{% if not named %}<p class="quiet">Students have their pseudonyms. Comments, and texts that are not the hand-out's, are left
out of the code.</p>{% endif %}
{% if listed %}
<table class="list">
<tr><th>likeness<th>students<th>where<th>group</tr>
{% for number, page, pair, group in listed %}
<tr><td class="number">{% if page %}<a href="{{ page }}">{{ "%.0f"|format(pair.strength) }}</a>{% else %}\
{{ "%.0f"|format(pair.strength) }}{% endif %}{% if pair.strength >= strong %} strong{% endif %}</td>
<td>{{ called(pair.one) }}<br>{{ called(pair.other) }}</td>
<td>{% for part in pair.parts if part.evidence >= 1 %}{{ part.exercise }} {{ "%.0f"|format(100 * part.share) }} %\
{{ ", " if not loop.last }}{% endfor %}</td>
<td>{{ group or "" }}</td></tr>
{% endfor %}
</table>
<p class="quiet">Who is in the same group is linked by pairs of this list.</p>
{% else %}
<p>Nothing to show.</p>
{% endif %}
</body>
</html>
"""
)
PAIR = _PAGES.from_string(
    HEAD
    + """<title>{{ unit }}: {{ one }}, {{ other }}</title>
<style>{{ style }}</style>
</head>
<body>
<p><a href="index.html">All pairs</a></p>
<h1>{{ one }} and {{ other }}</h1>
<p>{{ unit }}. Likeness <b>{{ "%.0f"|format(pair.strength) }}</b> of 100{% if pair.strength >= strong %}, strong{% endif %}.</p>
<div class="caution"><b>Before you judge.</b> {{ caution }}</div>
<p class="key"><span class="rare">■ in both, and rare in this class</span><span class="common">known, or written by many</span>\
<span>neither</span></p>
{% for part, found in parts %}
<h2>{{ part.exercise }}</h2>
<p>Of the one who has less rare code, {{ "%.0f"|format(100 * part.share) }} % of it is the other's too\
{% if part.pairs > 1 %}; {{ part.as_alike }} of the class's {{ part.pairs }} pairs {{ "is" if part.as_alike == 1 else "are" }} \
as alike here{% endif %}.</p>
<table class="sides">
<tr><th>{{ one }}</th><th>{{ other }}</th></tr>
{% for row in found %}
<tr>{% for line in row %}<td>{% if line %}<pre class="{{ line.kind }}"><b>{{ "■" if line.kind == "rare" else " " }}\
{{ line.number }}</b>{{ line.text }}</pre>{% endif %}</td>{% endfor %}</tr>
{% endfor %}
</table>
{% endfor %}
</body>
</html>
"""
)
