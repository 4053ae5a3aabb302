"""Grade a class, one submission after another, each in a process of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from .examine import Bundle, examine, unmarked
from .gradebook import Course
from .intake import MAX_BYTES
from .isolate import IsolatedError, isolated
from .kernel import Limits
from .results import ExamResult


def find_submissions(paths: Iterable[Path], unit: str) -> dict[str, Path]:
    """Student -> notebook, for files, folders of notebooks, and nbgrader's submitted/ trees.

    Raises:
        ValueError: two files for one student.
    """
    found: dict[str, Path] = {}
    for path in paths:
        files = sorted(path.rglob("*.ipynb")) if path.is_dir() else [path]
        for file in files:
            if ".ipynb_checkpoints" in file.parts or not file.is_file():
                continue
            in_tree = file.stem == unit and file.parent.name == unit
            student = file.parent.parent.name if in_tree else file.stem
            if student in found:
                raise ValueError(f"two files for student {student}: {found[student]} and {file}")
            found[student] = file
    return found


def read_submission(path: Path) -> bytes:
    """A submission's bytes; of a file that is too large, just enough to be told so."""
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def grade_one(bundle: Bundle, data: bytes, limits: Limits) -> ExamResult:
    """Grade one submission in a fork, so that nothing it does to its examiner reaches the next one."""
    try:
        text = isolated(lambda: examine(data, bundle, limits).to_bytes().decode(), limits.total_seconds + 120)
        return ExamResult.from_bytes(text.encode())
    except IsolatedError as error:
        why = f"Grading did not finish: {str(error).strip().splitlines()[-1]}"
        from .examine import _result

        reports = {e.name: unmarked(e, why) for e in bundle.unit.exercises.values()}
        return _result("died", reports, bundle.release, {}, [why])


def grade_class(
    bundle: Bundle,
    submissions: dict[str, Path],
    course: Course,
    limits: Limits | None = None,
    say: Callable[[str], None] = print,
) -> dict[str, ExamResult]:
    """Grade every submission and record it. One that fails is recorded as such and stops no other."""
    results = {}
    for number, (student, path) in enumerate(submissions.items(), 1):
        start = time.monotonic()
        result = grade_one(bundle, read_submission(path), limits or Limits())
        course.record(student, bundle.unit.name, result)
        results[student] = result
        seconds = time.monotonic() - start
        say(
            f"[{number}/{len(submissions)}] {student}: {result.score:g} / {result.points:g}, {result.outcome}, {seconds:.1f} s"
        )
    return results
