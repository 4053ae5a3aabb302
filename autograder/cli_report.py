"""The commands of the class report: what the class misunderstood, and a new mistake out of what many answered."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from .cli_tools import SANDBOX, console, unit_path, with_options

COURSE = click.option("--course", "folder", default="grading", show_default=True, help="nbgrader's course folder.")


def _option(folder: str) -> str:
    return "" if folder == "grading" else f"--course {shlex.quote(folder)}"


@click.command()
@click.argument("unit")
@COURSE
@click.option(
    "--out", type=click.Path(path_type=Path), help="Where to write; the default is reports/ in the course folder."
)
@click.option("--no-names", is_flag=True, help="Call students by their pseudonyms, as the exports without names do.")
def report(unit: str, folder: str, out: Path | None, no_names: bool) -> None:
    """Write a page, and tables, of what the class of UNIT did and misunderstood.

    The page is complete in itself: it can be mailed, printed and read offline. It holds hidden tests and solutions, so
    it is not for students.
    """
    from .gradebook import CourseError
    from .ledger import why
    from .report import write_report
    from .source import SourceErrors, load_unit

    path = unit_path(unit)
    try:
        files = write_report(Path(folder), load_unit(path), out, not no_names, _option(folder))
    except (SourceErrors, CourseError) as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(why(error, out or Path(folder))) from None
    for file in files:
        console.print(str(file), markup=False, soft_wrap=True)


@click.command()
@click.argument("unit")
@click.argument("exercise")
@click.argument("group")
@click.option("--name", required=True, help="What to call the mistake: small letters, digits and hyphens.")
@click.option("--hint", required=True, help="What students who make it are told.")
@COURSE
@click.option("--yes", is_flag=True, help="Write it without asking.")
@with_options(SANDBOX)
def learn(unit: str, exercise: str, group: str, name: str, hint: str, folder: str, yes: bool, kind: str) -> None:
    """Make a known mistake out of a GROUP of wrong answers, as `autograder report` names them.

    A student's code, without comments and with no name in it, becomes a mistake of EXERCISE in the unit's source, if the
    unit passes the gates with it; they run in the sandbox. It is shown, and you are asked, before anything is written:
    from then on it is run as your own code is.
    """
    from .gradebook import CourseError
    from .learn import Gates, LearnError, find, propose, write
    from .sandbox import SandboxError, choose
    from .source import SourceErrors

    path = unit_path(unit)
    try:
        found = find(path, Path(folder), exercise, group)
        with (
            console.status(f"{path.stem}: {exercise} with the new mistake, through the gates"),
            Gates(choose(kind)) as gates,
        ):
            proposal = propose(found, name, hint, gates)
        console.print(f"\n{proposal.cell}\n", markup=False, soft_wrap=True)
        count = len(found.group.students)
        console.print(
            f"{count} student{'s' if count > 1 else ''} answered just so. The gates let it pass.", markup=False
        )
        if not (yes or click.confirm(f"Write it into {path}?")):
            console.print("Nothing was changed.")
            sys.exit(1)
        write(proposal)
    except (LearnError, SourceErrors, CourseError, SandboxError) as error:
        raise click.ClickException(f"{error} Nothing was changed.") from None
    console.print(
        f"Written into {path}, line {proposal.line}. Next: autograder build {path.stem}, for the hand-out's hints; "
        f"then autograder regrade {path.stem}, so that these students get theirs.",
        markup=False,
        soft_wrap=True,
    )
