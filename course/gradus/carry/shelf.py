"""One readable file a unit: the student's own code, a section for each exercise whose check has passed."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ..home import home

HEADER = re.compile(r'^# %% exercise="([^"]+)" notebook="([^"]*)" tests=(\d+) kept="([^"]*)" text="(\w*)"\s*$')
TOP = '''"""Your own code from {notebook}: what passed its checks there. Later units use it.

Gradus writes this file; a section is written again when its cell passes its check again, never by a cell that fails.
You may change it: a section that you changed is copied to a file beside this one before it is written again.
"""'''


@dataclass
class Section:
    """The code of one exercise: from which notebook's cell, how many tests it passed, when."""

    exercise: str
    notebook: str
    tests: int
    kept: str
    code: str
    line: int = 0  # of its first line of code in the file
    written: str = ""  # the digest of what was last written here

    @property
    def changed(self) -> bool:
        """Whether the student has changed it in the file."""
        return self.written != digest(self.code)


@dataclass
class Shelf:
    """The file of one unit."""

    path: Path
    notebook: str
    imports: list[str] = field(default_factory=list)
    sections: dict[str, Section] = field(default_factory=dict)

    def text(self) -> str:
        """The file as it is written."""
        parts = [TOP.format(notebook=self.notebook), "\n".join(["# %% imports", *self.imports])]
        for s in self.sections.values():
            parts.append(
                f'# %% exercise="{s.exercise}" notebook="{s.notebook}" tests={s.tests} kept="{s.kept}" '
                f'text="{digest(s.code)}"\n{s.code}'
            )
        return "\n\n\n".join(parts) + "\n"

    def write(self) -> None:
        """Put the file in its place, whole or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        inside = self.path.parent / "__init__.py"
        if not inside.exists():
            inside.write_text(
                '"""Your own deep-learning library, written in the units of Gradus."""\n', encoding="utf-8"
            )
        handle, temporary = tempfile.mkstemp(dir=self.path.parent, suffix=".tmp")
        try:
            with open(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(self.text())
            os.replace(temporary, self.path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def set_aside(self) -> Path:
        """Copy the file as it is to one beside it; return that one's path."""
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
        copy = self.path.with_name(f"{self.path.stem}-before-{stamp}.py.txt")
        copy.write_bytes(self.path.read_bytes())
        return copy


def digest(code: str) -> str:
    """What tells whether a section is as it was written."""
    return hashlib.sha256(code.strip().encode()).hexdigest()[:10]


def file_of(unit: str) -> Path:
    """Where the code of a unit is kept: mine/backprop.py for 03_backprop."""
    return home() / "mine" / f"{unit.split('_', 1)[-1]}.py"


def read(unit: str) -> Shelf:
    """The shelf of a unit, empty if nothing is kept yet.

    Raises:
        OSError: the file is there and cannot be read.
    """
    shelf = Shelf(file_of(unit), f"{unit}.ipynb")
    if not shelf.path.exists():
        return shelf
    lines = shelf.path.read_text(encoding="utf-8", errors="replace").splitlines()
    current: Section | None = None
    body: list[str] = []
    imports = False

    def close() -> None:
        if current is not None:
            current.code = "\n".join(body).strip("\n")
            shelf.sections[current.exercise] = current

    for number, line in enumerate(lines, 1):
        found = HEADER.match(line)
        if found:
            close()
            current, body, imports = Section(found[1], found[2], int(found[3]), found[4], ""), [], False
            current.line, current.written = number + 1, found[5]
        elif current is None and line.startswith("# %% imports"):
            imports = True
        elif current is not None:
            body.append(line)
        elif imports and line.strip():
            shelf.imports.append(line)
    close()
    return shelf
