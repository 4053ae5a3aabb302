"""The command line: build, grade, feedback, demo, doctor."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import click

from . import cli_handout, cli_marks
from .cli_regrade import regrade
from .cli_report import learn, report
from .cli_similar import similar
from .cli_tools import CLASS, EXAMINING, SANDBOX, choose, console, names, open_examiner, unit_path, with_options


@click.group()
@click.version_option(package_name="gradus")
def main() -> None:
    """Build, grade and report on the units of Gradus. Run it in the folder that holds solutions/ and course/."""


@main.command()
@click.argument("units", nargs=-1)
@click.option("--check", is_flag=True, help="Write nothing; fail if a hand-out is not what its source makes.")
@click.option(
    "--jobs", "-j", default=0, type=click.IntRange(0), help="How many at a time; the default is one a processor."
)
def build(units: tuple[str, ...], check: bool, jobs: int) -> None:
    """Build hand-outs from solutions/ into course/, through all the gates. No UNIT means all."""
    from .build import build_units, strays
    from .classroom import default_jobs
    from .source import unit_paths

    solutions, course = Path("solutions"), Path("course")
    paths = [unit_path(unit) for unit in units] or unit_paths(solutions)
    if not paths:
        raise click.ClickException("There is no unit in solutions/. Run this in the project's folder.")
    start = time.monotonic()
    with console.status("building") as status:
        built = build_units(paths, course, check, lambda text: status.update(text), jobs or default_jobs())
    bad = 0
    for unit in built:
        for problem in unit.problems:
            console.print(problem, style="red", markup=False, soft_wrap=True)
        bad += bool(unit.problems)
        if not unit.problems:
            what = "up to date" if not unit.files else "written: " + ", ".join(map(str, unit.files))
            console.print(f"{unit.name}: all gates passed, {what}", markup=False, soft_wrap=True)
    if not units:
        for path in strays(solutions, course):
            console.print(f"{path}: no source makes this file. Delete it.", style="red", markup=False, soft_wrap=True)
            bad += 1
    console.print(f"{len(built)} unit(s) in {time.monotonic() - start:.0f} s")
    sys.exit(1 if bad else 0)


@main.command()
@with_options(CLASS)
@click.option("--only", multiple=True, metavar="STUDENT", help="Only this student; may be given again.")
@click.option(
    "--since", metavar="TIME", help="Only what was handed in since then: 2026-11-24, 2026-11-24T18:00, 3h, 2d."
)
@click.option("--force", is_flag=True, help="Grade again what is graded already and has not changed.")
@with_options(EXAMINING)
def grade(
    unit: str,
    submissions: tuple[Path, ...],
    folder: str,
    jobs: int,
    only: tuple[str, ...],
    since: str | None,
    force: bool,
    seconds: float,
    memory: int,
    scheduler: str | None,
    kind: str,
) -> None:
    """Grade SUBMISSIONS, or all of the course's submitted/ folder.

    SUBMISSIONS are notebooks, folders of them, and what Canvas or Moodle let you download, zipped or unpacked, in any
    mix. A student's name is that of the folder in submitted/NAME/UNIT/UNIT.ipynb, or name and number from Canvas
    (lovelaceada_12345) and Moodle ("Ada Lovelace_123456"), else the file's own. What is graded stays graded: after
    Ctrl-C, or a crash, the same command goes on where the last one stopped.

    The exit status is 0 when all is recorded, 130 when somebody stopped it, and 1 when something else did, or when a
    result could not be recorded.
    """
    from . import classroom
    from .archive import BadArchive
    from .bundle import Bundle
    from .cluster import ClusterError
    from .collect import collect, looked_for
    from .gradebook import Course, CourseError
    from .journal import Busy, alone
    from .kernel import Limits
    from .ledger import why
    from .sandbox import SandboxError
    from .show import Progress, show_summary
    from .source import SourceErrors, allowed_files

    path = unit_path(unit)
    try:
        course = Course(folder)
        submitted = course.folder / "submitted"
        collected = collect(submissions or ([submitted] if submitted.is_dir() else []), path.stem, allowed_files(path))
        found = collected.sources
        chosen = choose(found, only, since)
    except SourceErrors as error:
        raise click.ClickException(f"Nothing was graded. {error}") from None
    except (CourseError, ValueError) as error:
        raise click.ClickException(f"{error} Nothing was changed.") from None
    if not found:
        where = ", ".join(map(str, submissions)) or f"{submitted}/NAME/{path.stem}/{path.stem}.ipynb"
        raise click.ClickException(
            f"No submission found (looked at {where}). {looked_for(collected, path.stem)} Nothing was changed."
        )
    for note in collected.notes:
        console.print(note, style="yellow", markup=False, soft_wrap=True)
    if not chosen:
        console.print(f"Nothing was handed in since {since}; of {len(found)} all are older.", markup=False)
        return
    limits = Limits(total_seconds=seconds, memory_bytes=memory << 30)
    try:
        with classroom.ending_as_interrupt(), alone(course.folder):
            bundle = Bundle.load(path)
            course.prepare(bundle.unit)
            course.times = {student: handed.when for student, handed in chosen.items() if handed.when}
            sources: dict[str, Any] = dict(chosen)
            before = {} if force else classroom.unchanged(bundle, sources, course)
            sources = {student: source for student, source in sources.items() if student not in before}
            summary = classroom.Summary()
            if sources:
                with (
                    open_examiner(bundle, limits, kind, scheduler) as examiner,
                    Progress(console, len(sources)) as progress,
                ):
                    at_once = jobs or getattr(examiner, "jobs", 0)
                    summary = classroom.grade_class(bundle, sources, course, examiner, at_once, progress.finished)
            summary.unchanged = before
    except (SourceErrors, CourseError, SandboxError, ClusterError, Busy, BadArchive) as error:
        raise click.ClickException(f"Nothing was graded. {error}") from None
    except OSError as error:
        raise click.ClickException(f"Nothing was graded. {why(error, course.folder)}") from None
    except KeyboardInterrupt:
        console.print("Stopped before anything was graded.")
        sys.exit(130)
    show_summary(console, path.stem, summary)
    if summary.left:
        if summary.stopped:
            console.print(f"Stopped: {summary.stopped}", style="red", markup=False, soft_wrap=True)
        console.print(
            f"{len(summary.graded)} graded, {len(summary.left)} left: {names(summary.left)}. "
            "The same command goes on with those.",
            markup=False,
            soft_wrap=True,
        )
        sys.exit(1 if summary.stopped else 130)
    if summary.unrecorded:
        raise click.ClickException(
            f"{len(summary.unrecorded)} of {len(summary.graded)} could not be recorded; the reasons stand above."
        )
    console.print(
        f"Recorded in {course.folder / 'gradebook.db'}. Next: autograder feedback {path.stem}",
        markup=False,
        soft_wrap=True,
    )


@main.command()
@click.argument("unit")
@click.option("--course", "folder", default="grading", show_default=True, help="nbgrader's course folder.")
def feedback(unit: str, folder: str) -> None:
    """Write a feedback page for every graded student of UNIT."""
    from .gradebook import Course, CourseError

    name = unit_path(unit).stem
    try:
        pages = Course(folder).feedback(name)
    except CourseError as error:
        raise click.ClickException(str(error)) from None
    for page in pages:
        console.print(str(page), markup=False, soft_wrap=True)
    if not pages:
        where = Path(folder).resolve()
        raise click.ClickException(f"Nothing of {name} is graded in {where}. First: autograder grade {name}")


@main.command()
@click.option("--folder", default="demo", show_default=True, help="Where the demonstration class is made.")
@click.option("--unit", "units", multiple=True, help="Units to grade; the default is two quick ones.")
@click.option(
    "--class",
    "size",
    default=0,
    type=click.IntRange(0),
    help="Instead, a class of so many, of mixed work, for its report.",
)
@with_options(SANDBOX)
def demo(folder: str, units: tuple[str, ...], size: int, kind: str) -> None:
    """Make a class out of the sources, grade it, and compare with what each student deserves."""
    from .demo import run_demo
    from .gradebook import CourseError
    from .sandbox import SandboxError
    from .source import SourceErrors

    paths = [unit_path(unit) for unit in units]
    try:
        sys.exit(run_demo(Path(folder), paths, console, kind, size))
    except (SourceErrors, CourseError, SandboxError, OSError) as error:
        raise click.ClickException(str(error)) from None


@main.command()
def doctor() -> None:
    """Say what this machine can do for grading, and what to install."""
    from .doctor import examine_machine

    sys.exit(examine_machine(console))


main.add_command(cli_marks.export)
main.add_command(cli_marks.late)
main.add_command(regrade)
main.add_command(similar)
main.add_command(report)
main.add_command(cli_handout.handout)
main.add_command(cli_handout.site)
main.add_command(learn)


if __name__ == "__main__":
    main()
