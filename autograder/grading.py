"""Read what lies in a file of its own."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from .intake import MAX_BYTES


def read_submission(path: Path, most: int = MAX_BYTES) -> bytes:
    """A submission's bytes; of a file with more than `most`, just enough to be told so.

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
            return file.read(most + 1)
    finally:
        os.close(number)
