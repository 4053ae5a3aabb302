"""Commands for marks that go out, and for late work."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from .cli_tools import console, names, unit_path, with_options

if TYPE_CHECKING:
    from .export import Exported
    from .lms import Wishes
    from .penalties import Settled

COURSE = (
    click.argument("unit"),
    click.option("--course", "folder", default="grading", show_default=True, help="nbgrader's course folder."),
)
OUT = click.option(
    "--out", metavar="FILE", help="Where to; - for the screen. The default is exports/ in the course folder."
)
NAMES = click.option(
    "--names/--no-names", default=True, help="Without names students have pseudonyms, the same each time."
)
TEMPLATE = (
    click.option(
        "--template",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="The learning system's own download, which is given back filled.",
    ),
    click.option("--column", default="", help="The heading of the assignment's column, where its name does not tell."),
    click.option("--scale/--no-scale", default=True, help="To the learning system's maximum, if it has another."),
    click.option("--absent-zero", is_flag=True, help="Who has handed in nothing gets 0."),
)


@click.group()
def export() -> None:
    """Write marks for other systems: csv, json, canvas, moodle, gradescope."""


@export.command("csv")
@with_options((*COURSE, OUT, NAMES))
def csv_(unit: str, folder: str, out: str | None, names: bool) -> None:
    """A table with a line for each student and a column for each exercise, for any spreadsheet."""
    from .export import plain_csv

    name, marks = _marks(unit, folder, names)
    _put(plain_csv(marks), out, folder, f"{name}.csv")


@export.command("json")
@with_options((*COURSE, OUT, NAMES))
def json_(unit: str, folder: str, out: str | None, names: bool) -> None:
    """All that is known, down to each test, for programs. GUIDE.md describes the format."""
    from .export import as_json

    name, marks = _marks(unit, folder, names)
    _put(as_json(marks), out, folder, f"{name}.json")


@export.command()
@with_options((*COURSE, OUT, *TEMPLATE))
def canvas(unit: str, folder: str, out: str | None, **wishes: Any) -> None:
    """A table for Canvas: Grades, Import. Best with its own export as --template; students are found by number."""
    from . import lms

    _learning_system(lms.canvas, unit, folder, out, "canvas", wishes)


@export.command()
@with_options((*COURSE, OUT, *TEMPLATE))
@click.option("--text/--no-text", default=True, help="A short text for the student as feedback comment.")
def moodle(unit: str, folder: str, out: str | None, **wishes: Any) -> None:
    """Moodle's grading worksheet (--template), filled, to be uploaded there; students are found by number."""
    from . import lms

    _learning_system(lms.moodle, unit, folder, out, "moodle", wishes)


@export.command()
@with_options(
    (*COURSE, click.option("--out", metavar="FILE.zip", help="The default is exports/ in the course folder."))
)
@click.option(
    "--hidden",
    default="after_published",
    show_default=True,
    type=click.Choice(["visible", "after_due_date", "after_published", "hidden"]),
    help="When students see how hidden tests went (by title, never what they hold).",
)
@click.option("--seconds", default=300.0, show_default=True, help="The most that one notebook may take.")
@click.option("--memory", default=4, show_default=True, help="The most memory that one notebook may use, in GB.")
@click.option("--late", is_flag=True, help="Take off there what the late policy in late.toml wants.")
@click.option("--sandbox-required", is_flag=True, help="Give no result where neither namespaces nor Landlock work.")
def gradescope(
    unit: str,
    folder: str,
    out: str | None,
    hidden: str,
    seconds: float,
    memory: int,
    late: bool,
    sandbox_required: bool,
) -> None:
    """An autograder archive for a programming assignment in Gradescope; it holds the hidden tests."""
    from .gradescope.archive import ArchiveError, Choices, archive
    from .late import FILE
    from .ledger import CourseError, policy
    from .source import SourceErrors

    path = unit_path(unit)
    try:
        if late and policy(Path(folder), path.stem) is None:
            raise click.ClickException(f"--late: {Path(folder).resolve() / FILE} has no policy for {path.stem}.")
        text = (Path(folder) / FILE).read_text(encoding="utf-8-sig") if late else ""
        kind = "required" if sandbox_required else "auto"
        data = archive(path, Choices(hidden, sandbox=kind, seconds=seconds, memory=memory, late=text))
    except (SourceErrors, ArchiveError, CourseError, OSError) as error:
        raise click.ClickException(f"{error} Nothing was written.") from None
    from .export import Exported

    note = "It holds the solutions and the hidden tests: only for Gradescope. README.txt in it says what to set there."
    _put(Exported(data, [note]), out, folder, f"{path.stem}.gradescope.zip")


def _learning_system(
    make: Callable[..., Exported], unit: str, folder: str, out: str | None, system: str, wishes: dict[str, Any]
) -> None:
    from .lms import Wishes
    from .sheet import TemplateError

    template = wishes.pop("template")
    chosen: Wishes = Wishes(**wishes)
    name, marks = _marks(unit, folder, True)
    try:
        exported = make(marks, template, chosen)
    except TemplateError as error:
        raise click.ClickException(f"{error} Nothing was written.") from None
    _put(exported, out, folder, f"{name}.{system}.csv")


def _marks(unit: str, folder: str, names: bool) -> tuple[str, Any]:
    """The unit's name and its marks, the gradebook's penalties brought into line with the late policy first."""
    from .journal import Busy
    from .ledger import CourseError
    from .marks import read
    from .penalties import settle

    name = unit_path(unit).stem
    try:
        try:
            settle(folder, name)
        except (Busy, OSError) as error:  # what goes out is right all the same
            console.print(f"Penalties were not written into the gradebook: {error}", style="yellow", markup=False)
        marks = read(folder, name, names)
    except CourseError as error:
        raise click.ClickException(str(error)) from None
    if not marks.results:
        raise click.ClickException(
            f"Nothing of {name} is graded in {Path(folder).resolve()}. First: autograder grade {name}"
        )
    return name, marks


def _put(exported: Exported, out: str | None, folder: str, name: str) -> None:
    from .export import write

    # where the table itself goes to the screen, what is said of it must not get into it
    said = console if out != "-" else Console(stderr=True, highlight=False)
    if out == "-":
        sys.stdout.buffer.write(exported.data)
    else:
        path = Path(out) if out else Path(folder) / "exports" / name
        try:
            write(path, exported.data)
        except OSError as error:
            raise click.ClickException(f"{path} cannot be written ({error.strerror or error}).") from None
        said.print(f"Written: {path}", markup=False, soft_wrap=True)
    for note in exported.notes:
        said.print(note, style="yellow", markup=False, soft_wrap=True)
    if exported.left_out:
        count = len(exported.left_out)
        said.print(
            f"{count} with a result, and NOT in the file: {names(exported.left_out, 30)}.",
            style="red", markup=False, soft_wrap=True,
        )  # fmt: skip
        sys.exit(1)


@click.command()
@with_options(COURSE)
@click.option(
    "--times",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="When students handed in: a table with the columns student and time, or Moodle's grading worksheet.",
)
@click.option("--zone", help='Of the times in it that name none, such as "Europe/London"; the default is late.toml\'s.')
@click.option("--dry-run", is_flag=True, help="Show what the policy takes off, and write nothing.")
def late(unit: str, folder: str, times: Path | None, zone: str | None, dry_run: bool) -> None:
    """Take off what the late policy in late.toml wants, and show from whom.

    The policy is applied whenever marks are graded, exported or put on feedback pages; this command writes it into the
    gradebook after late.toml has changed or marks were given by hand, so that formgrader shows it too. A second time it
    changes nothing.
    """
    from .journal import Busy
    from .late import FILE
    from .ledger import CourseError
    from .penalties import settle
    from .times import TimesError

    name = unit_path(unit).stem
    try:
        found, strangers = _times(times, zone, folder, name) if times else ({}, [])
        settled = settle(folder, name, found, write=not dry_run)
    except (CourseError, TimesError, Busy, OSError, ValueError) as error:
        raise click.ClickException(f"{error} Nothing was changed.") from None
    if strangers:
        console.print(f"In {times}, and nobody here: {names(strangers)}.", style="yellow", markup=False, soft_wrap=True)
    if settled.unknown:
        console.print(f"Nothing is graded of {names(settled.unknown)}.", style="yellow", markup=False, soft_wrap=True)
    if found:
        console.print(f"{len(found) - len(settled.unknown)} times of submission recorded.", markup=False)
    if settled.policy is None:
        where = Path(folder).resolve() / FILE
        console.print(f"No late policy for {name}: {where} has none. GUIDE.md shows one.", markup=False, soft_wrap=True)
        return
    _show(settled, name, dry_run)


def _times(path: Path, zone: str | None, folder: str, unit: str) -> tuple[dict[str, Any], list[str]]:
    from . import ledger
    from .identity import Students
    from .late import zone_called
    from .marks import read
    from .times import read_times

    policy = ledger.policy(Path(folder), unit)
    marks = read(folder, unit)
    students = Students((student, (r.person.login, r.person.email)) for student, r in marks.results.items())
    given = zone_called(zone) if zone else policy.zone if policy else None
    return read_times(path, students, given)


def _show(settled: Settled, unit: str, dry_run: bool) -> None:
    from rich.markup import escape
    from rich.table import Table

    assert settled.policy is not None
    zone = settled.policy.zone
    late_ones = [result for result in settled.results if result.late or result.penalty or result.recorded_penalty]
    if late_ones:
        table = Table("student", "handed in", "due", "score", "taken off", "total", "", title=f"{unit}, late")
        for result in late_ones:
            table.add_row(
                escape(result.student),
                *(
                    f"{when.astimezone(zone):%Y-%m-%d %H:%M %Z}" if when else "?"
                    for when in (result.submitted, result.due)
                ),
                *(f"{points:g}" for points in (result.raw, result.penalty, result.total)),
                escape(result.penalty_reason),
            )
        console.print(table)
    total, timeless = len(settled.results), sum(result.submitted is None for result in settled.results)
    dueless = sum(result.due is None for result in settled.results)
    line = f"{sum(bool(result.late) for result in settled.results)} of {total} are late."
    if timeless:
        line += f" When {timeless} handed in is not known: nothing is taken off there (--times tells)."
    if dueless:
        line += f" No due time is known for {dueless}: write due = ... for {unit}."
    console.print(line, markup=False, soft_wrap=True)
    changed = names([f"{r.student} {r.recorded_penalty:g} -> {r.penalty:g}" for r in settled.changed], 20)
    verb = "would change" if dry_run else "changed"
    console.print(
        f"Penalties {verb} in the gradebook: {changed}."
        if settled.changed
        else "The gradebook has these penalties already.",
        markup=False,
        soft_wrap=True,
    )
