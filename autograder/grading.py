"""Find submissions and read them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from .gradebook import student_name
from .intake import MAX_BYTES


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
