"""The command line: regrade."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape
from rich.table import Table

from .cli_tools import CLASS, EXAMINING, choose, console, names, open_examiner, unit_path, with_options

if TYPE_CHECKING:
    from .classroom import Summary
    from .differences import Move
    from .regrade import Regrade

MOST = 60  # students in the table on the screen


@click.command()
@with_options(CLASS)
@click.option("--only", multiple=True, metavar="STUDENT", help="Only this student; may be given again.")
@click.option("--yes", is_flag=True, help="Write without asking: for scripts.")
@click.option("--csv", "table", type=click.Path(path_type=Path, dir_okay=False), help="Put the differences there.")
@with_options(EXAMINING)
def regrade(
    unit: str,
    submissions: tuple[Path, ...],
    folder: str,
    only: tuple[str, ...],
    yes: bool,
    table: Path | None,
    jobs: int,
    seconds: float,
    memory: int,
    scheduler: str | None,
    kind: str,
) -> None:
    """Grade all that is recorded of UNIT again, show whose score moves and why, and ask before writing.

    For when a test or a known mistake was mended. Marks and comments given by hand stay. What a student handed in is
    looked for in the course's submitted/ folder, or in SUBMISSIONS: name the archive again if you graded from one.
    Whoever's work is not there any more keeps what is recorded. Until you agree nothing is written; what was graded is
    kept aside, so that the same command, after Ctrl-C too, does not grade it once more.

    The exit status is 0 when the new marks are recorded or none is new, 130 when somebody stopped it, and 1 otherwise.
    """
    from . import classroom, marks
    from .archive import BadArchive
    from .bundle import Bundle
    from .cluster import ClusterError
    from .collect import collect
    from .differences import write_csv
    from .gradebook import Course, CourseError
    from .journal import Busy, alone
    from .kernel import Limits
    from .ledger import why
    from .regrade import Regrade
    from .regrade import choose as among
    from .sandbox import SandboxError
    from .source import SourceErrors, allowed_files

    path = unit_path(unit)
    limits = Limits(total_seconds=seconds, memory_bytes=memory << 30)
    written = False
    try:
        course = Course(folder)
        recorded = marks.read(course.folder, path.stem).results
        if not recorded:
            raise click.ClickException(
                f"Nothing of {path.stem} is graded in {course.folder}. First: autograder grade {path.stem}"
            )
        submitted = course.folder / "submitted"
        collected = collect(submissions or ([submitted] if submitted.is_dir() else []), path.stem, allowed_files(path))
        wanted: dict[str, Any] = {**dict.fromkeys(recorded), **collected.sources}
        for note in collected.notes:
            console.print(note, style="yellow", markup=False, soft_wrap=True)
        chosen = among([s for s in choose(wanted, only, None) if s in recorded], collected.sources)
        _tell_left(chosen.gone, [] if only else chosen.new, path.stem, bool(submissions))
        if not chosen.sources:
            raise click.ClickException("So there is nothing to grade again. Nothing was changed.")
        with classroom.ending_as_interrupt(), alone(course.folder):
            bundle = Bundle.load(path)
            course.times = {s: collected.sources[s].when for s in chosen.sources if collected.sources[s].when}
            run = Regrade(bundle, course, chosen.sources, limits)
            _examine(run, bundle, limits, kind, scheduler, jobs)
            if table:
                write_csv(table, run.moves)
            if run.nothing:
                run.drop()
            _show(run)
            if table:
                console.print(f"The differences: {table}", markup=False, soft_wrap=True)
            if run.nothing:
                console.print("Nothing to write.")
                return
            if not (yes or _agreed(path.stem)):
                console.print(
                    "Nothing was written. The same command goes on from here, and grades nothing twice.", soft_wrap=True
                )
                sys.exit(1)
            written = True
            _write(run, path.stem)
    except (SourceErrors, CourseError, SandboxError, ClusterError, Busy, BadArchive, ValueError) as error:
        raise click.ClickException(f"{error} {_state(written)}") from None
    except OSError as error:
        raise click.ClickException(f"{why(error, course.folder)} {_state(written)}") from None
    except (KeyboardInterrupt, click.Abort):
        console.print(f"\nStopped. {_state(written)}")
        sys.exit(130)


def _state(written: bool) -> str:
    return "Some are written: the same command goes on with the rest." if written else "Nothing was written."


def _tell_left(gone: list[str], new: list[str], unit: str, named: bool) -> None:
    if gone:
        where = "there" if named else "in submitted/"
        advice = "" if named else " If you graded from an archive or another folder, name it: "
        console.print(
            f"{len(gone)} recorded, but their work is not {where}: {names(gone)}. They keep what is recorded.{advice}"
            + ("" if named else f"autograder regrade {unit} downloads/submissions.zip"),
            style="yellow",
            markup=False,
            soft_wrap=True,
        )
    if new:
        console.print(
            f"{len(new)} handed in and not graded yet: {names(new)}. They are left to: autograder grade {unit}",
            style="yellow",
            markup=False,
            soft_wrap=True,
        )


def _examine(run: Regrade, bundle: Any, limits: Any, kind: str, scheduler: str | None, jobs: int) -> None:
    """Grade into the copy.

    Raises:
        KeyboardInterrupt: somebody stopped it. CourseError: something else did.
    """
    from .gradebook import CourseError
    from .show import Progress

    waiting = run.waiting()
    if len(waiting) < len(run.sources):
        console.print(f"{len(run.sources) - len(waiting)} are graded again already, by a run that was stopped here.")
    if waiting:
        with (
            open_examiner(bundle, limits, kind, scheduler) as examiner,
            Progress(console, len(run.sources)) as progress,
        ):
            at_once = jobs or getattr(examiner, "jobs", 0)
            summary = run.examine(examiner, at_once, progress.finished)
    else:
        with console.status("comparing"):
            summary = run.examine(None)
    _ended(summary, "graded again")
    for student in summary.unrecorded:
        raise CourseError(f"{student}: {summary.graded[student].problem}.")


def _ended(summary: Summary, what: str) -> None:
    from .gradebook import CourseError

    if summary.left:
        console.print(f"{len(summary.graded)} {what}, {len(summary.left)} left: {names(summary.left)}.", markup=False)
        if summary.stopped:
            raise CourseError(f"Stopped: {summary.stopped}")
        raise KeyboardInterrupt


def _write(run: Regrade, unit: str) -> None:
    from rich.progress import Progress

    from .gradebook import CourseError

    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("writing", total=len(run.sources) - len(run.written))
        summary = run.write(lambda graded: bar.advance(task))
    _ended(summary, "written")
    if summary.unrecorded:
        lines = "; ".join(f"{student}: {summary.graded[student].problem}" for student in summary.unrecorded)
        raise CourseError(f"{len(summary.unrecorded)} could not be recorded: {lines}.")
    console.print(
        f"Recorded in {run.course.folder / 'gradebook.db'}. The feedback pages are the old ones: autograder feedback {unit}",
        markup=False,
        soft_wrap=True,
    )


def _agreed(unit: str) -> bool:
    """Ask; without a terminal nobody can answer, and that is a no."""
    if not _at_a_terminal():
        advice = f"There is no terminal to ask at. To write these: autograder regrade {unit} --yes"
        console.print(advice, markup=False, soft_wrap=True)
        return False
    return click.confirm("Write these marks?", default=False)


def _at_a_terminal() -> bool:
    return sys.stdin.isatty()


def _show(run: Regrade) -> None:
    from .differences import by_test, summary

    moves = [move for move in run.moves if not move.empty]
    rows = by_test(moves)
    if rows:
        table = Table("exercise", "test", "", "pass now", "fail now", title="What the tests say")
        words = {"changed": "another outcome", "new": "new test", "gone": "test gone (before)"}
        for label, title, kind, good, bad in rows:
            table.add_row(escape(label), escape(title), words[kind], str(good), str(bad))
        console.print(table)
    _students([move for move in moves if move.moved])
    for move in moves:
        for line in move.by_hand:
            console.print(f"{move.student}: {line}.", markup=False, soft_wrap=True)
    if run.written:
        console.print(f"{len(run.written)} of these were written before a run was stopped.", markup=False)
    console.print(summary(run.moves), markup=False, soft_wrap=True)


def _students(moves: list[Move]) -> None:
    if not moves:
        return
    table = Table("student", "old", "new", "by", "why", title="Whose score moves")
    for move in sorted(moves, key=lambda move: (-abs(move.by), move.student))[:MOST]:
        table.add_row(escape(move.student), f"{move.old:g}", f"{move.new:g}", f"{move.by:+g}", escape(move.text()))
    console.print(table)
    if len(moves) > MOST:
        console.print(f"... and {len(moves) - MOST} more; all with --csv FILE.", markup=False)
