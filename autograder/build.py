"""Build the hand-outs: from `solutions/NN_name.py` to `course/NN_name.ipynb` and its bank of hints."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import gradus.check
from gradus.check.hints import Bank
from gradus.check.values import agree

from . import bank as banks
from .address import AddressError
from .gates import Problem, check_exercise, examiner_problems
from .release import leaks, release_notebook, to_text
from .sandbox import SandboxError, choose
from .source import SourceErrors, load_unit, unit_paths
from .trial import warm
from .warm import Nursery, students


@dataclass
class Built:
    """What became of one unit: its problems, and the files written (or, when checking, out of date)."""

    name: str
    problems: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)


def build_unit(
    path: Path, course: Path, check: bool, say: Callable[[str], None], nursery: Nursery | None = None
) -> Built:
    """Put a unit through the gates; write its hand-out and bank, or with `check` compare them.

    Args:
        nursery: the warm parent of the process in which grading is tried.
    """
    built = Built(path.stem)
    try:
        unit = load_unit(path)
        release = release_notebook(unit)
    except SourceErrors as errors:
        built.problems = [str(error) for error in errors.errors]
        return built
    except AddressError as error:
        built.problems = [str(error)]
        return built
    package = Path(gradus.check.__file__).parent.parent
    built.problems = [str(Problem(str(path), line, message)) for line, message in leaks(unit, release, package)]
    warm(unit)
    learnt: dict[str, Any] = {"unit": unit.name, "exercises": {}}
    for exercise in unit.exercises.values():
        say(f"{unit.name}: {exercise.name}")
        entries = learnt["exercises"].setdefault(exercise.name, [])
        for found in check_exercise(unit, exercise):
            if isinstance(found, Problem):
                built.problems.append(str(found))
            else:
                entries.append(found)
    if not built.problems:
        say(f"{unit.name}: the examiner's turn")
        built.problems = [str(p) for p in examiner_problems(unit, Bank.from_dict(learnt), nursery)]
    if built.problems:
        return built
    banks.store(unit, learnt)
    hints = banks.shipped(learnt, unit)
    for target, content, same in (
        (course / f"{unit.name}.ipynb", to_text(release), _same_text),
        (course / "gradus" / "hints" / f"{unit.name}.json", banks.to_text(hints), _same_numbers),
    ):
        if same(target, content):
            continue
        built.files.append(target)
        if not check:
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = target.with_name(
                f"{target.name}.part"
            )  # whoever reads it meanwhile finds the old one, or the new
            temporary.write_text(content, encoding="utf-8", newline="\n")
            temporary.replace(target)
    if check:
        built.problems = [
            f"{target} is not what {unit.path} makes. Run: autograder build {unit.name}" for target in built.files
        ]
    return built


def _same_text(path: Path, content: str) -> bool:
    return path.is_file() and path.read_bytes() == content.encode()


def _same_numbers(path: Path, content: str) -> bool:
    """Banks are compared up to rounding: another processor may differ in the last digit kept."""
    try:
        old = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return _alike(old, json.loads(content))


def _alike(a: Any, b: Any) -> bool:
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(_alike(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list) and all(isinstance(x, dict) for x in a + b):
        return len(a) == len(b) and all(_alike(x, y) for x, y in zip(a, b, strict=True))
    return agree(a, b)


def build_units(
    paths: Iterable[Path], course: Path, check: bool = False, say: Callable[[str], None] = print, jobs: int = 1
) -> list[Built]:
    """Build every unit of `paths`, `jobs` of them at a time."""
    paths = [Path(path) for path in paths]
    if min(jobs, len(paths)) < 2:
        with _nursery() as nursery:
            return [build_unit(path, course, check, say, nursery) for path in paths]
    built: dict[Path, Built] = {}
    # started anew, not forked: what one unit has imported must not be there for another
    pool = ProcessPoolExecutor(min(jobs, len(paths)), get_context("spawn"), max_tasks_per_child=1)
    with pool:
        running = {pool.submit(_alone, path, course, check): path for path in paths}
        for done in as_completed(running):
            built[running[done]] = done.result()
            say(f"{len(built)} of {len(paths)} units built; last: {running[done].stem}")
    return [built[path] for path in paths]


def _alone(path: Path, course: Path, check: bool) -> Built:
    with _nursery() as nursery:
        return build_unit(path, course, check, lambda text: None, nursery)


@contextlib.contextmanager
def _nursery() -> Iterator[Nursery | None]:
    """The warm parent in which grading is tried as it happens, so that a unit that needs what a sandbox closes is found
    out here; None where there is no sandbox."""
    with contextlib.ExitStack() as stack:
        found = None
        with contextlib.suppress(SandboxError):
            found = stack.enter_context(students(choose(), preload=["numpy", "torch", "matplotlib.pyplot"]))
        yield found


def strays(solutions: Path, course: Path) -> list[Path]:
    """Hand-outs and banks in `course` whose source is gone."""
    units = {path.stem for path in unit_paths(solutions)}
    found = [*course.glob("*.ipynb"), *(course / "gradus" / "hints").glob("*.json")]
    return sorted(path for path in found if path.stem not in units)
