"""The command line: similar."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from .cli_tools import console, unit_path


@click.command()
@click.argument("unit")
@click.option("--course", "folder", default="grading", show_default=True, help="nbgrader's course folder.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Where to write; the default is similar/UNIT/ in the course."
)
@click.option(
    "--threshold",
    default=50.0,
    show_default=True,
    type=click.FloatRange(0, 100),
    help="The least likeness that is listed.",
)
@click.option("--most", default=100, show_default=True, type=click.IntRange(0), help="How many pairs get a page.")
@click.option("--no-names", is_flag=True, help="Call students by their pseudonyms, as the exports without names do.")
def similar(unit: str, folder: str, out: Path | None, threshold: float, most: int, no_names: bool) -> None:
    """Find pairs of graded submissions of UNIT whose code is alike where a likeness is rare.

    Renamed variables, another layout, other comments, functions in another order and code that is never run do not
    hide a likeness. A list (index.html), a page for each pair with both answers side by side, and pairs.csv are written.

    A short function has few forms: a likeness is a reason to talk, not a verdict.
    """
    from .alike import ADDED, compare
    from .alikepages import MARK, STRONG, write_pages
    from .gradebook import Course, CourseError
    from .ledger import why
    from .marks import pseudonym, read, secret
    from .papers import code
    from .source import SourceErrors, load_unit

    path = unit_path(unit)
    start = time.monotonic()
    try:
        course = Course(folder)
        results = read(course.folder, path.stem).results
        source = load_unit(path)
        sources = code(course.folder, source, results, ADDED)
        if len(sources) < 2:
            raise click.ClickException(
                f"{len(sources) or 'No'} submission of {path.stem} is graded in {course.folder}: there is nothing to "
                f"compare. First: autograder grade {path.stem}"
            )
        left = sorted(results.keys() - sources.keys())
        target = out or course.folder / "similar" / path.stem
        if target.is_dir() and any(target.iterdir()) and not (target / MARK).exists():
            raise click.ClickException(f"{target} holds something else: name an empty folder with --out.")
        with console.status("comparing"):
            pairs, answers = compare(sources, source, threshold)
            key = secret(course.folder) if no_names else b""
            name = (lambda student: pseudonym(student, key)) if no_names else None
            target.mkdir(parents=True, exist_ok=True)
            (target / MARK).write_text("autograder similar made this folder, and writes it anew.\n", encoding="utf-8")
            files = write_pages(target, source, sources, pairs, answers, most, name, threshold)
    except (SourceErrors, CourseError) as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(why(error, out or Path(folder))) from None
    called = name or str
    for pair in pairs[:10]:
        console.print(
            f"{pair.strength:3.0f}  {called(pair.one)}, {called(pair.other)}: "
            + ", ".join(f"{part.exercise} {100 * part.share:.0f} %" for part in pair.parts if part.evidence >= 1),
            markup=False,
            soft_wrap=True,
        )
    strong = sum(pair.strength >= STRONG for pair in pairs)
    console.print(
        f"{len(sources)} submissions compared in {time.monotonic() - start:.0f} s: {len(pairs)} pairs at {threshold:g} or "
        f"more of 100, {strong} of them strong. A likeness is a reason to talk, not a verdict.",
        soft_wrap=True,
    )
    if left:
        console.print(f"{len(left)} left out, without a notebook that can be read.", soft_wrap=True)
    console.print(f"Pages: {files[0]}", markup=False, soft_wrap=True)
    sys.exit(0)
