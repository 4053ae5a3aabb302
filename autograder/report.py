"""A first class report: scores, the share that passed each exercise, who shares which misunderstanding."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import jinja2

from .results import ExamResult
from .source import Unit

PAGE = jinja2.Template(
    """<!doctype html><html lang="en"><meta charset="utf-8"><title>{{ unit }}</title>
<meta name="color-scheme" content="light dark">
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em}
table{border-collapse:collapse;margin:1em 0}td,th{padding:.2em .8em;text-align:left;border-bottom:1px solid #8885}
.bar{background:#2a7f3f;height:.8em;display:inline-block}</style>
<h1>{{ unit }}</h1><p>{{ students }} submissions.</p>
<h2>Exercises</h2><table><tr><th>exercise<th>mean share of the points<th>
{% for name, share in shares %}<tr><td>{{ name }}<td>{{ "%.0f"|format(100 * share) }} %
<td><span class="bar" style="width:{{ (160 * share)|int }}px"></span>{% endfor %}</table>
<h2>Misunderstandings recognised</h2><table><tr><th>exercise<th>mistake<th>students<th>hint given
{% for e, m, n, hint in mistakes %}<tr><td>{{ e }}<td>{{ m }}<td>{{ n }}<td>{{ hint }}{% endfor %}</table>
{% if evidence %}<h2>To be looked at</h2><p>What these submissions tried was undone, and no point rests on it.</p>
<table><tr><th>student<th>what was found{% for s, line in evidence %}<tr><td>{{ s }}<td>{{ line }}{% endfor %}</table>{% endif %}
<h2>Scores</h2><table><tr><th>student<th>score<th>outcome<th>notes
{% for s, r in results %}<tr><td>{{ s }}<td>{{ "%g"|format(r.score) }} / {{ "%g"|format(r.points) }}
<td>{{ r.outcome }}<td>{{ r.notes|join("; ") }}{% endfor %}</table></html>""",
    autoescape=True,
)


def write_report(folder: Path, unit: Unit, results: dict[str, ExamResult]) -> list[Path]:
    """Write UNIT.html, self-contained, and UNIT.csv; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    shares = []
    for name, exercise in unit.exercises.items():
        earned = [r.reports[name]["score"] / (exercise.points or 1) for r in results.values() if name in r.reports]
        shares.append((name, sum(earned) / len(earned) if earned else 0.0))
    counts = Counter(pair for r in results.values() for pair in r.mistakes.items())
    hints = {(e.name, m.name): m.hint for e in unit.exercises.values() for m in e.mistakes}
    mistakes = [(e, m, n, hints.get((e, m), "")) for (e, m), n in counts.most_common()]
    page, table = folder / f"{unit.name}.html", folder / f"{unit.name}.csv"
    page.write_text(
        PAGE.render(
            unit=unit.name,
            students=len(results),
            shares=shares,
            mistakes=mistakes,
            results=list(results.items()),
            evidence=[(student, line) for student, result in results.items() for line in result.evidence],
        ),
        encoding="utf-8",
    )
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["student", "score", "points", "outcome", *unit.exercises, "to be looked at"])
        for student, result in results.items():
            parts = [result.reports.get(name, {}).get("score", 0.0) for name in unit.exercises]
            writer.writerow([student, result.score, result.points, result.outcome, *parts, "; ".join(result.evidence)])
    return [page, table]
