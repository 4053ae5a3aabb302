"""Where a student's own things are kept: their code, their progress."""

from __future__ import annotations

import os
import sys
from pathlib import Path

DRIVE = Path("/content/drive/MyDrive")  # where Colab mounts a student's Drive
grading = False  # the autograder says True: then nothing is kept, and nothing kept is used

_start = Path.cwd()  # a notebook starts in its own folder, and may go elsewhere later


def home() -> Path:
    """The folder of the student's own things.

    $GRADUS_HOME where it is set; in Colab `gradus` on Drive where that is mounted; else the folder of the notebook.
    """
    given = os.environ.get("GRADUS_HOME")
    if given:
        return Path(given).expanduser()
    if in_colab() and DRIVE.is_dir():
        return DRIVE / "gradus"
    return _start


def beside() -> Path:
    """The notebook's own folder, where the other notebooks lie."""
    return _start


def shown(path: Path) -> str:
    """`path` as a student knows it: seen from the notebook, from Drive or from their own folder."""
    for base, name in ((_start, ""), (DRIVE, "Drive/MyDrive/"), (Path.home(), "~/")):
        if path.is_relative_to(base):
            return name + path.relative_to(base).as_posix()
    return path.as_posix()


def passing() -> str:
    """What a student in Colab must know of `home`: that it goes with the session. Elsewhere nothing."""
    if in_colab() and not DRIVE.is_dir() and not os.environ.get("GRADUS_HOME"):
        return (
            "This folder goes when Colab's session ends. To keep it, mount Drive (the folder icon at the left, then "
            "Mount Drive) and run the check again."
        )
    return ""


def in_colab() -> bool:
    """Whether this is a Colab session."""
    return "google.colab" in sys.modules


def keeping() -> bool:
    """Whether what a student does here is theirs to keep: not while it is graded, by us or by plain nbgrader."""
    return not grading and os.environ.get("NBGRADER_EXECUTION") is None
