"""A notebook and the files that go with it, as one value: what the examiner is given.

A notebook that comes alone is its own bytes, and nothing else. With files it is a pack: the line MAGIC; a line of JSON,
``{"notebook": SIZE, "files": {NAME: SIZE, ...}, "missing": [NAME, ...]}``; then the notebook's bytes and the files', in that
order. The same things always make the same bytes, for digests and seeds are taken of them.

A student can write a pack too, so the examiner believes none: `unpack` takes only names that the unit lists.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .intake import MAX_BYTES, Unreadable

MAGIC = b"gradus pack 1\n"
MAX_FILE = 1 << 20  # of each file beside the notebook
MAX_HEADER = 1 << 16


@dataclass(frozen=True)
class Packed:
    """What `unpack` found: the notebook's bytes, the files by name, notes for the student, evidence of tampering."""

    notebook: bytes
    files: dict[str, bytes] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)


def pack(notebook: bytes, files: Mapping[str, bytes | None]) -> bytes:
    """One value of a notebook and its files; those above MAX_FILE, or that could not be read (None), are only named."""
    if not files and not notebook.startswith(MAGIC):  # else what a student wrote would be taken for a pack of ours
        return notebook
    kept = {name: data for name, data in sorted(files.items()) if data is not None and len(data) <= MAX_FILE}
    header = {
        "notebook": len(notebook),
        "files": {name: len(data) for name, data in kept.items()},
        "missing": sorted(files.keys() - kept.keys()),
    }
    return MAGIC + json.dumps(header).encode() + b"\n" + notebook + b"".join(kept.values())


def unpack(data: bytes, allowed: Iterable[str]) -> Packed:
    """The notebook in `data`, and those of its files that are `allowed`.

    Raises:
        Unreadable: it begins like a pack and is none.
    """
    if not data.startswith(MAGIC):
        return Packed(data)
    try:
        line, _, rest = data[len(MAGIC) :].partition(b"\n")
        if len(line) > MAX_HEADER:
            raise ValueError("header too long")
        header = json.loads(line)
        sizes, missing = dict(header["files"]), list(header["missing"])
        if not all(type(size) is int and size >= 0 for size in (header["notebook"], *sizes.values())):
            raise ValueError("sizes are whole numbers")
        if header["notebook"] + sum(sizes.values()) != len(rest):
            raise ValueError("sizes do not fit")
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise Unreadable("The file is not a notebook. Hand in the .ipynb file as Jupyter saves it.") from None
    known = set(allowed)
    files, refused, at = {}, 0, header["notebook"]
    for name, size in sizes.items():
        if name in known and size <= MAX_FILE:
            files[name] = rest[at : at + size]
        else:
            refused += 1
        at += size
    notes = [
        f"{name} was left out: ordinary files of at most {MAX_FILE >> 20} MB are taken"
        for name in sorted(known)
        if name in missing and name not in files
    ]
    evidence = [f"the submission carried {refused} file(s) that the unit does not take: left out"] if refused else []
    return Packed(rest[: min(header["notebook"], MAX_BYTES + 1)], files, notes, evidence)
