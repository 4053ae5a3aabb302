"""Names: of files and folders as students', and as they can stand in a message."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import Path

MAX_NAME = 150  # bytes: folders are named after students
MAX_FOLDER = 240  # bytes of a name that a folder or file has already


class CollectError(ValueError):
    """What was named cannot be taken; the message says what and why."""


def student_name(folder: str) -> str:
    """A folder's or file's name as a student's: bytes that are no text, as old archives have, are spelt out."""
    return folder.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def whole(name: str, place: str | Path, keep: bool = True) -> str:
    """A file's or folder's name as a student's; `keep` it as it is spelt, for nbgrader's sake, if it can be.

    Raises:
        CollectError: it names nobody.
    """
    if not name.strip() or name.startswith("."):
        raise CollectError(f"{shown(place)} names no student.")
    return student_called(name, keep)


def student_called(name: str, keep: bool = False) -> str:
    """A name that can be a folder's and a line's, the same each time, and another for another student."""
    whole = student_name(name) if keep else unicodedata.normalize("NFC", student_name(name))
    most = MAX_FOLDER if keep else MAX_NAME
    clean = "".join("_" if unfit(c) else c for c in whole).strip()
    if clean.startswith("."):
        clean = "_" + clean[1:]
    if len(clean.encode()) > most:
        clean = clean.encode()[: most - 20].decode("utf-8", "ignore")
    if clean != whole:  # two that differed must not become one
        clean = f"{clean}~{hashlib.sha256(whole.encode()).hexdigest()[:8]}"
    return clean


def unfit(character: str) -> bool:
    """What a line or a path is broken by, or turned round."""
    if character == "/" or unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
        return True
    return unicodedata.bidirectional(character) in ("LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI")


def shown(place: str | Path) -> str:
    """A path for a message: in one line, whatever is in it."""
    return "".join("?" if unfit(c) and c != "/" else c for c in student_name(str(place)))


def is_unit(name: str, unit: str) -> bool:
    """Whether a file is called after the unit, a browser's or Jupyter's number for a copy aside."""
    stem = Path(name).stem.lower()
    return Path(name).suffix.lower() == ".ipynb" and bool(
        re.fullmatch(re.escape(unit.lower()) + r"([-_ ]?(\(\d+\)|copy\d*|\d+))?", stem)
    )


def listed(names: list[str], most: int = 10) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
