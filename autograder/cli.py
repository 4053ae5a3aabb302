"""The command line: build, grade, feedback, demo."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

console = Console(highlight=False)


@click.group()
@click.version_option(package_name="gradus")
def main() -> None:
    """Build, grade and report on the units of Gradus. Run it in the folder that holds solutions/ and course/."""


@main.command()
@click.argument("units", nargs=-1)
@click.option("--check", is_flag=True, help="Write nothing; fail if a hand-out is not what its source makes.")
def build(units: tuple[str, ...], check: bool) -> None:
    """Build hand-outs from solutions/ into course/, through all the gates. No UNIT means all."""
    from .build import build_units, strays
    from .source import unit_paths

    solutions, course = Path("solutions"), Path("course")
    paths = [_unit_path(unit) for unit in units] or unit_paths(solutions)
    if not paths:
        raise click.ClickException("There is no unit in solutions/. Run this in the project's folder.")
    start = time.monotonic()
    with console.status("building") as status:
        built = build_units(paths, course, check, lambda text: status.update(text))
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


def _unit_path(unit: str) -> Path:
    from .source import unit_path

    try:
        return unit_path(unit)
    except FileNotFoundError as error:
        raise click.ClickException(str(error)) from None


@main.command()
@click.argument("unit")
@click.argument("submissions", nargs=-1, type=click.Path(path_type=Path))
@click.option("--course", "folder", default="grading", show_default=True, help="nbgrader's course folder.")
def grade(unit: str, submissions: tuple[Path, ...], folder: str) -> None:
    """Grade SUBMISSIONS (notebooks, or folders of them), or all of the course's submitted/ folder.

    A student's name is that of the folder in submitted/NAME/UNIT/UNIT.ipynb, else the file's own.
    """
    from .examine import Bundle
    from .gradebook import Course, CourseError
    from .grading import find_submissions, grade_class
    from .source import SourceErrors

    path = _unit_path(unit)
    try:
        course = Course(folder)
        found = find_submissions(submissions, path.stem) if submissions else course.submissions(path.stem)
    except (CourseError, ValueError) as error:
        raise click.ClickException(f"{error} Nothing was changed.") from None
    if not found:
        where = ", ".join(map(str, submissions)) or f"{course.folder}/submitted/NAME/{path.stem}/{path.stem}.ipynb"
        raise click.ClickException(f"No submission found (looked at {where}). Nothing was changed.")
    try:
        bundle = Bundle.load(path)
        course.prepare(bundle.unit)
    except (SourceErrors, CourseError, OSError) as error:
        raise click.ClickException(f"Nothing was graded. {error}") from None
    results = grade_class(bundle, found, course, say=lambda text: console.print(text, markup=False, soft_wrap=True))
    table = Table("student", "score", "outcome", "recognised mistakes", title=path.stem)
    for student, result in results.items():
        mistakes = ", ".join(f"{e}: {m}" for e, m in result.mistakes.items())
        table.add_row(escape(student), f"{result.score:g} / {result.points:g}", result.outcome, mistakes)
    console.print(table)
    lost = [student for student, result in results.items() if result.outcome == "unrecorded"]
    if lost:
        raise click.ClickException(f"{len(lost)} of {len(found)} could not be recorded; the reasons stand above.")
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

    name = _unit_path(unit).stem
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
def demo(folder: str, units: tuple[str, ...]) -> None:
    """Make a class out of the sources, grade it, and compare with what each student deserves."""
    from .demo import run_demo
    from .gradebook import CourseError
    from .source import SourceErrors

    paths = [_unit_path(unit) for unit in units]
    try:
        sys.exit(run_demo(Path(folder), paths, console))
    except (SourceErrors, CourseError, OSError) as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    main()
