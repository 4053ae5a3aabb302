"""A result of ours in the words of Gradescope's results.json.

Its fields are those of gradescope-autograders.readthedocs.io/en/latest/specs: a test each, with its share of the
exercise's points, so that credit is partial there as it is here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from gradus.check.report import Report, Row

from ..late import Policy
from ..results import ExamResult
from ..source import Unit

MAX_TEXT = 20_000  # characters of one test's output
VISIBILITIES = ("visible", "after_due_date", "after_published", "hidden")
OUTCOMES = {
    "timeout": "The time for your notebook ran out; what was finished before counts.",
    "memory": "Your notebook used more memory than it may; what was finished before counts.",
    "died": "Your notebook ended its Python process; what was finished before counts.",
    "unreadable": "Your notebook could not be read.",
}


def failure(why: str) -> dict[str, Any]:
    """A results.json that says why there is no result."""
    return {"score": 0.0, "output": why, "output_format": "text", "stdout_visibility": "hidden", "tests": []}


def as_results(
    result: ExamResult,
    unit: Unit,
    settings: dict[str, Any],
    late: tuple[Policy, datetime | None, datetime | None] | None = None,
) -> dict[str, Any]:
    """The results.json of one submission.

    Args:
        settings: those of the archive; "hidden" says when students see hidden tests, "stdout" when they see what the
            grader printed.
        late: a policy, when this was handed in, when it was due.
    """
    lines = [OUTCOMES[result.outcome]] if result.outcome in OUTCOMES else []
    lines += [note for note in result.notes if note not in result.evidence or len(result.evidence) < 20]
    by_hand = [f"{cell.name} ({cell.options['points']:g} points)" for cell in unit.questions]
    if by_hand:
        lines.append(f"Marked by hand, and not part of this score: {', '.join(by_hand)}.")
    score = result.score
    if late is not None:
        policy, submitted, due = late
        found = policy.judge(score, result.points, submitted, due)
        score = round(score - found.penalty, 2)
        if found.reason:
            lines.insert(0, f"{found.reason[0].upper()}{found.reason[1:]} ({result.score:g} before).")
    tests = [test for name, data in result.reports.items() for test in _tests(name, Report.from_dict(data), settings)]
    return {
        "score": score,
        "output": "\n".join(lines),
        "output_format": "text",
        "test_output_format": "text",
        "stdout_visibility": settings["stdout"],
        "extra_data": {
            "unit": unit.name,
            "outcome": result.outcome,
            "mistakes": result.mistakes,
            "raw_score": result.score,
            "seed": result.seed,
        },
        "tests": tests,
    }


def _tests(exercise: str, report: Report, settings: dict[str, Any]) -> list[dict[str, Any]]:
    found, hint = [], report.hint
    for number, row in enumerate(report.rows, 1):
        share = report.points / len(report.rows)
        passed = row.status == "pass"
        output = _output(report, row)
        if hint and not passed and not row.hidden:  # once, where the student looks
            output, hint = f"{output}\n\nHint: {hint}".strip(), None
        found.append(
            {
                "name": f"{exercise}: {row.title}",
                "number": f"{exercise}.{number}",
                "score": round(share, 4) if passed else 0.0,
                "max_score": round(share, 4),
                "status": "passed" if passed else "failed",
                "output": output[:MAX_TEXT],
                "output_format": "text",
                "tags": [exercise],
                "visibility": settings["hidden"] if row.hidden else "visible",
            }
        )
    if hint and report.passed < len(report.rows):  # only hidden tests failed: their neighbours passed
        found[-1]["output"] = f"{found[-1]['output']}\n\nHint: {hint}".strip()
    return found


def _output(report: Report, row: Row) -> str:
    """What a student reads under a test; of a hidden one its title is all."""
    if row.status == "pass":
        return "\n".join(f"warned: {warning}" for warning in row.warnings) if not row.hidden else ""
    if row.hidden:
        return "This test did not pass. What it looks at is not told." if row.status != "missing" else ""
    return "\n".join(f"{label}: {text}" if label else text for label, text in report.details(row))
