"""What one student handed in: its files, which of them counts, and how it is read when its turn comes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO

from .archive import Archive, BadArchive, Item
from .intake import MAX_BYTES, Unreadable
from .pack import MAX_FILE, pack
from .whose import is_unit, listed, shown

MAX_INNER = 2000  # files of a student's own zip
IGNORED = {"__MACOSX", "Thumbs.db", "desktop.ini", "__pycache__"}
PACKED = (".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")


@dataclass(frozen=True)
class Piece:
    """One file of a student's, and which of several versions it is."""

    item: Item
    name: str  # as the student called it, without Canvas's number of a version
    depth: int = 0  # folders above it that are the student's own
    version: tuple[int, int] = (0, 0)

    @property
    def shown(self) -> str:
        base, dot, ending = self.name.rpartition(".")
        return shown(f"{base}-{self.version[0]}{dot}{ending}" if self.version[0] else self.name)


@dataclass
class Hand:
    """All that one student handed in at one place."""

    kind: str
    student: str
    pieces: list[Piece] = field(default_factory=list)
    late: bool = False


@dataclass(frozen=True)
class Handed:
    """One student's work, read when its turn comes: a `classroom.Source`."""

    unit: str
    item: Item
    zipped: bool = False  # the notebook is in a zip of the student's own
    reason: str = ""  # why there is no notebook
    beside: tuple[tuple[str, Item], ...] = ()  # files that the unit takes
    allowed: tuple[str, ...] = ()
    when: str = ""  # the time of submission, where somebody wrote it down

    def read(self) -> bytes:
        """The notebook's bytes, with the unit's files as a pack (see `pack`).

        Raises:
            Unreadable: it is no notebook; says what the student can do.
            OSError: it cannot be read.
        """
        if self.reason:
            raise Unreadable(self.reason)
        data = self.item.read(MAX_BYTES)
        if self.zipped:
            notebook, beside = inner(data, self.unit, self.allowed)
            return pack(notebook, {**read_files(self.beside), **beside})
        return pack(data, read_files(self.beside))

    @property
    def time(self) -> float | None:
        """When it was handed in, in seconds since 1970, where that is known."""
        try:
            found = datetime.fromisoformat(self.when.replace(" UTC", "+00:00"))
        except ValueError:
            return self.item.changed
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def read_files(files: Iterable[tuple[str, Item]]) -> dict[str, bytes | None]:
    """What is in the files beside a notebook; None for a link or a damaged one, which costs the notebook nothing."""
    read: dict[str, bytes | None] = {}
    for name, item in files:
        try:
            read[name] = item.read(MAX_FILE)
        except (OSError, Unreadable):
            read[name] = None
    return read


@dataclass
class Collected:
    """What was found: each student's work, and what an instructor should know, a line each."""

    sources: dict[str, Handed] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    passed: list[Item] = field(default_factory=list)  # files that are nobody's submission


def same(a: Item, b: Item) -> bool:
    if a.file is not None and b.file is not None and a.file.absolute() == b.file.absolute():
        return True
    try:
        return a.read(MAX_BYTES) == b.read(MAX_BYTES)
    except (OSError, Unreadable):
        return False


def best_of(pieces: list[Piece], unit: str) -> list[Piece]:
    """Those that count: called after the unit if any is, the newest, the least deep. More than one if nothing tells."""
    named = [p for p in pieces if p.name.lower() == f"{unit}.ipynb".lower()]
    named = named or [p for p in pieces if is_unit(p.name, unit)]
    pieces = named or pieces
    newest = max((p.version for p in pieces), default=(0, 0))
    pieces = [p for p in pieces if p.version == newest]
    least = min((p.depth for p in pieces), default=0)
    return [p for p in pieces if p.depth == least]


def inner(data: bytes, unit: str, allowed: Sequence[str]) -> tuple[bytes, dict[str, bytes | None]]:
    """The notebook in a student's own zip, and the unit's files beside it. A zip in it is not opened.

    Raises:
        Unreadable: there is none, or there are two.
    """
    do = f"Hand in the file {unit}.ipynb itself."
    if len(data) > MAX_BYTES:
        raise Unreadable(f"The zip has more than {MAX_BYTES >> 20} MB. {do}")
    try:
        archive = Archive(BytesIO(data), "The zip", MAX_INNER)
    except BadArchive as error:
        raise Unreadable(f"{error}. {do}") from None
    pieces = [
        Piece(item, item.parts[-1], len(item.parts))
        for item in archive.items()
        if item.parts and not any(part in IGNORED or part.startswith(".") for part in item.parts)
    ]
    best = best_of([p for p in pieces if p.name.lower().endswith(".ipynb")], unit)
    if not best:
        names = [shown(p.name) for p in pieces] or ["an empty zip"]
        raise Unreadable(f"The zip holds no notebook, but {listed([name[:80] for name in names], 3)}. {do}")
    if any(not same(best[0].item, other.item) for other in best[1:]):
        names = [shown("/".join(p.item.parts))[:80] for p in best]
        raise Unreadable(f"The zip holds {len(best)} notebooks: {listed(names, 3)}. {do}")
    folder = best[0].item.parts[:-1]
    beside = [(p.name, p.item) for p in pieces if p.name in allowed and p.item.parts[:-1] == folder]
    return best[0].item.read(MAX_BYTES), read_files(beside)


def no_notebook(names: list[str], unit: str) -> str:
    """What to tell a student who handed in these files and no notebook."""
    what = listed([name[:80] for name in names], 3)
    small = [name.lower() for name in names]
    if any(re.search(r"\.ipynb\.?\w*$|\.json$", name) for name in small):
        how = f"It looks like a notebook that was saved under another name: hand it in as {unit}.ipynb."
    elif any(name.endswith(PACKED) for name in small):
        how = f"Such archives are not opened: hand in the file {unit}.ipynb itself."
    else:
        how = f"Hand in the notebook itself, the file {unit}.ipynb (in Jupyter: File > Download)."
    return f"No notebook was handed in, but {what}. {how}"
