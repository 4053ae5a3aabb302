"""``python -m gradus doctor``: is this machine ready? What it prints can be pasted into a question."""

from __future__ import annotations

import sys

from .checkup import problems
from .environment import private, report
from .hosted import where

USAGE = "usage: python -m gradus doctor     what this machine has for the course, and what it lacks"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    words = sys.argv[1:] if arguments is None else arguments
    if words != ["doctor"]:
        print(USAGE)
        return 0 if words in ([], ["-h"], ["--help"]) else 2
    report()
    print(f"{'python is at':<18}  {private(sys.executable)}")
    print(f"{'session':<18}  {where() or 'this machine'}")
    found = problems()
    print("\nNothing is amiss." if not found else "\nTo be mended:")
    for line in found:
        print(f"- {line}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
