"""What several commands of the command line share: the console, options, and how a unit and a class are named."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

if TYPE_CHECKING:
    from .handed import Handed

console = Console(highlight=False)


def unit_path(unit: str) -> Path:
    from .source import unit_path as find

    try:
        return find(unit)
    except FileNotFoundError as error:
        raise click.ClickException(str(error)) from None


SANDBOX = (
    click.option(
        "--sandbox",
        "kind",
        default="auto",
        show_default=True,
        type=click.Choice(["auto", "bubblewrap", "bubblewrap-cold", "landlock", "user", "none"]),
        help="What closes submissions in; auto takes the strongest that works here.",
    ),
    click.option(
        "--no-sandbox", "kind", flag_value="none", help="Grade without one: only code that you trust. Same as none."
    ),
)

CLASS = (  # whose work, in which course
    click.argument("unit"),
    click.argument("submissions", nargs=-1, type=click.Path(path_type=Path)),
    click.option("--course", "folder", default="grading", show_default=True, help="nbgrader's course folder."),
)
EXAMINING = (
    click.option(
        "--jobs", "-j", default=0, type=click.IntRange(0), help="How many at a time; the default is one a processor."
    ),
    click.option("--seconds", default=600.0, show_default=True, help="The most that one notebook may take."),
    click.option("--memory", default=4, show_default=True, help="The most memory that one notebook may use, in GB."),
    click.option("--scheduler", metavar="ADDRESS", help="Grade on a Dask cluster, such as tcp://10.0.0.1:8786."),
    *SANDBOX,
)


def with_options(options: tuple) -> Callable[[Callable], Callable]:
    def add(function: Callable) -> Callable:
        for option in reversed(options):
            function = option(function)
        return function

    return add


def names(students: list[str], most: int = 10) -> str:
    more = len(students) - most
    return ", ".join(students[:most]) + (f" and {more} more" if more > 0 else "")


def choose(found: dict[str, Handed], only: tuple[str, ...], since: str | None) -> dict[str, Handed]:
    """The submissions that --only and --since leave.

    Raises:
        ValueError: a student who has handed in nothing, no time, or an archive, which does not know its times.
    """
    for student in only:
        if found and student not in found:
            near = [name for name in found if student.casefold() in name.casefold()] or get_close_matches(
                student, found
            )
            guess = f" Did you mean {' or '.join(near[:3])}?" if near else ""
            raise ValueError(f"{student} has handed in nothing (of {len(found)} students found).{guess}")
    chosen = {student: handed for student, handed in found.items() if not only or student in only}
    if since:
        start = _time(since)
        for student, handed in chosen.items():
            if handed.time is None:
                raise ValueError(
                    f"When {student} handed in is not known, so --since does not work here: the times in a downloaded "
                    "archive are those of the download. Without --since what has not changed is left alone, too."
                )
        chosen = {student: handed for student, handed in chosen.items() if (handed.time or 0.0) >= start}
    return chosen


def _time(text: str) -> float:
    """Seconds since 1970 of a date, a time, or an age such as 3h."""
    units = {"m": 60, "h": 3600, "d": 86400}
    if text[:-1].isdigit() and text[-1] in units:
        return time.time() - int(text[:-1]) * units[text[-1]]
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise ValueError(f"--since {text} is no time: give 2026-11-24, 2026-11-24T18:00, 90m, 3h or 2d.") from None


def open_examiner(bundle: Any, limits: Any, kind: str, scheduler: str | None) -> Any:
    """What examines: processes on this machine, or a cluster."""
    if scheduler:
        from .cluster import Cluster

        return Cluster(scheduler, bundle.to_bytes(), limits, kind)
    from .workplace import Workplace

    return Workplace(bundle.to_bytes(), limits, kind)
