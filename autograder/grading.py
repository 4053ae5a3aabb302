"""Grade a class, one submission after another, each in a process of its own."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from .examine import Bundle, examine, unexamined
from .gradebook import Course, CourseError, student_name
from .intake import MAX_BYTES
from .isolate import IsolatedError, isolated
from .kernel import Limits
from .results import ExamResult


def find_submissions(paths: Iterable[Path], unit: str) -> dict[str, Path]:
    """Student -> notebook, for files, folders of notebooks, and nbgrader's submitted/ trees.

    Raises:
        ValueError: no such file, two files for one student, or a name that cannot be a student's.
    """
    found: dict[str, Path] = {}
    for path in paths:
        if not path.exists():
            raise ValueError(f"{path} is not there.")
        for file in _notebooks(path, unit) if path.is_dir() else [path]:
            parents = file.absolute().parents
            in_tree = file.stem == unit and parents[0].name == unit
            student = student_name(parents[1].name if in_tree else file.stem)
            if not student or student.startswith("."):
                raise ValueError(f"{file} names no student.")
            if file.absolute() != found.get(student, file).absolute():
                raise ValueError(f"Two files for student {student}: {found[student]} and {file}")
            found.setdefault(student, file)
    return found


def _notebooks(folder: Path, unit: str) -> list[Path]:
    """The notebooks under `folder`, without hidden files and without other units' in a submitted/ tree."""
    files = []
    for file in sorted(folder.rglob("*.ipynb")):
        hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        other = file.parent.name == file.stem != unit
        if not hidden and not other and not file.is_dir():
            files.append(file)
    return files


def read_submission(path: Path) -> bytes:
    """A submission's bytes; of a file that is too large, just enough to be told so.

    Raises:
        OSError: there is no ordinary file. A link is none: it could lead to the solutions.
    """
    if path.is_symlink():
        raise OSError("it is a link")
    number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise OSError("it is no ordinary file")
        with open(number, "rb", closefd=False) as file:
            return file.read(MAX_BYTES + 1)
    finally:
        os.close(number)


def grade_one(bundle: Bundle, data: bytes, limits: Limits) -> ExamResult:
    """Grade one submission in a fork, so that nothing it does to its examiner reaches the next one."""
    try:
        text = isolated(lambda: examine(data, bundle, limits).to_bytes().decode(), limits.total_seconds + 120)
        return ExamResult.from_bytes(text.encode())
    except IsolatedError as error:
        return unexamined(bundle, "died", f"Grading did not finish: {str(error).strip().splitlines()[-1]}")


def grade_class(
    bundle: Bundle,
    submissions: dict[str, Path],
    course: Course,
    limits: Limits | None = None,
    say: Callable[[str], None] = print,
) -> dict[str, ExamResult]:
    """Grade every submission and record it. One that fails is recorded as such and stops no other.

    Where the gradebook refuses a result, its outcome becomes "unrecorded".
    """
    results = {}
    for number, (student, path) in enumerate(submissions.items(), 1):
        start = time.monotonic()
        try:
            result = grade_one(bundle, read_submission(path), limits or Limits())
        except OSError as error:
            why = error.strerror or str(error)
            result = unexamined(bundle, "unreadable", f"The file cannot be read ({why}). Hand in the .ipynb file itself.")
        try:
            course.record(student, bundle.unit.name, result)
        except (CourseError, OSError) as error:
            say(f"{student}: NOT recorded: {error}")
            result.outcome = "unrecorded"
        results[student] = result
        seconds = time.monotonic() - start
        say(
            f"[{number}/{len(submissions)}] {student}: {result.score:g} / {result.points:g}, {result.outcome}, {seconds:.1f} s"
        )
    return results
