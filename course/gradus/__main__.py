"""``python -m gradus doctor``: is this machine ready? What it prints can be pasted into a question."""

from __future__ import annotations

import importlib.metadata
import os
import sys

from .check.hints import FOLDER
from .environment import report
from .home import home, shown
from .hosted import missing, where

USAGE = "usage: python -m gradus doctor     what this machine has for the course, and what it lacks"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    words = sys.argv[1:] if arguments is None else arguments
    if words != ["doctor"]:
        print(USAGE)
        return 0 if words in ([], ["-h"], ["--help"]) else 2
    report()
    print(f"{'python is at':<16} {sys.executable}")
    print(f"{'session':<16} {where() or 'this machine'}")
    print(f"{'your own code':<16} {shown(home())}/mine")
    found = problems()
    print("\nNothing is amiss." if not found else "\nTo be mended:")
    for line in found:
        print(f"- {line}")
    return 1 if found else 0


def problems() -> list[str]:
    """What would get in a student's way here, each with what to do."""
    found = []
    try:
        found += [f"{need} is not installed: run start.py, or pip install '{need}'" for need in missing()]
        found += _too_old()
    except importlib.metadata.PackageNotFoundError:
        found.append("gradus lies here but is not installed: run start.py")
    if not any(FOLDER.glob("*.json")):
        found.append(f"no hints in {FOLDER}: checks say what is wrong but not why. Unpack the hand-out again")
    if not os.access(home(), os.W_OK):
        found.append(f"nothing can be written to {home()}: your notebooks cannot be saved. Move the course's folder")
    return found


def _too_old() -> list[str]:
    """Requirements of gradus that are installed in a version that will not do."""
    from packaging.requirements import Requirement  # matplotlib brings it

    lines = []
    lacking = {Requirement(text).name for text in missing()}
    for need in map(Requirement, importlib.metadata.requires("gradus") or []):
        if "extra" in str(need.marker) or need.name in lacking:
            continue
        have = importlib.metadata.version(need.name)
        if not need.specifier.contains(have, prereleases=True):
            lines.append(f"{need.name} {have} is installed, and {need} is needed: run pip install '{need}'")
    return lines


if __name__ == "__main__":
    sys.exit(main())
