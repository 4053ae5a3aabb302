"""Zips of strangers, read member by member and never unpacked: no name in one ever becomes a path on this machine."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .intake import Unreadable

MAX_RATIO = 300  # deflate reaches 1032; a notebook's outputs do not reach a hundred
RATIO_FROM = 1 << 20  # bytes, below which no ratio matters
FAULTS = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, NotImplementedError, ValueError)


class BadArchive(ValueError):
    """This is no zip, or a damaged or monstrous one; the message says which."""


@dataclass(frozen=True)
class Item:
    """A file that somebody handed in, in a folder or in an archive: read only when it is wanted."""

    parts: tuple[str, ...]  # its path, below what was named
    place: str  # as messages name it
    read: Callable[[int], bytes]  # at most so many bytes and one more; OSError or Unreadable if it cannot be
    changed: float | None = None  # seconds since 1970, where that means something
    file: Path | None = None  # where it lies, if in a file of its own


class _Guarded(io.BufferedReader):
    """A file that refuses to hand out much at once: the directory of a zip is read in one go, before any look at it."""

    most = 0

    def read(self, size: int | None = -1) -> bytes:
        if self.most and size is not None and size > self.most:
            raise zipfile.BadZipFile("it lists too many files")
        return super().read(size)


class Archive:
    """An open zip. Its members may be read from several threads.

    Args:
        file: the open file.
        shown: its name in messages.
        members: the most that it may hold.

    Raises:
        BadArchive: it cannot be used.
    """

    def __init__(self, file: Any, shown: str, members: int) -> None:
        self.shown = shown
        self._file = _Guarded(file)
        self._file.most = 600 * members
        try:
            self._zip = zipfile.ZipFile(self._file)
        except (*FAULTS, OSError, MemoryError) as error:
            raise BadArchive(f"{shown} is no zip, or a damaged one ({error})") from None
        self._file.most = 0
        if len(self._zip.filelist) > members:
            raise BadArchive(f"{shown} holds {len(self._zip.filelist)} files; at most {members} are looked at")
        self._state = self._look()

    @classmethod
    def open(cls, path: Path, shown: str, members: int) -> Archive:
        """The archive at `path`, which must be an ordinary file.

        Raises:
            BadArchive, OSError.
        """
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(number).st_mode):
            os.close(number)
            raise BadArchive(f"{shown} is no ordinary file")
        return cls(io.FileIO(number), shown, members)

    def _look(self) -> tuple[float, int]:
        try:
            found = os.fstat(self._file.fileno())
        except OSError:  # in memory
            return 0.0, 0
        return found.st_mtime, found.st_size

    def items(self) -> Iterator[Item]:
        """Its files, without folders."""
        for info in self._zip.filelist:
            name = _name(info)
            if info.is_dir() or name.endswith("/"):
                continue
            yield Item(
                tuple(p for p in name.split("/") if p not in ("", ".")), f"{self.shown}/{name}", self._reader(info)
            )

    def _reader(self, info: zipfile.ZipInfo) -> Callable[[int], bytes]:
        def read(most: int) -> bytes:
            if self._look() != self._state:
                raise BadArchive(f"{self.shown} was changed while it was read. Start again.")
            return _member(self._zip, info, most)

        return read


def _name(info: zipfile.ZipInfo) -> str:
    """A member's name: UTF-8 where it says so or is so, else the old code page; Windows's separators turned round."""
    name = info.filename
    if not info.flag_bits & 0x800:  # macOS writes UTF-8 and does not say so
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return name.replace("\\", "/")


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> bytes:
    """A member's bytes, at most `most` and one more, whatever it says of its size.

    Raises:
        Unreadable: says why, for the student.
    """
    mode = info.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise Unreadable("The archive holds a link or a device in place of the file. Hand in the .ipynb file itself.")
    if info.flag_bits & 1:
        raise Unreadable("The zip is locked with a password. Hand in the .ipynb file itself.")
    # others are unpacked without a limit on what comes out
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Unreadable("The zip is packed in an unusual way. Hand in the .ipynb file itself.")
    if info.file_size > max(RATIO_FROM, MAX_RATIO * info.compress_size):
        raise Unreadable("The zip unpacks to hundreds of times its size: not read. Hand in the .ipynb file itself.")
    try:
        with archive.open(info) as file:
            return file.read(most + 1)
    except FAULTS:
        raise Unreadable("The zip is damaged. Hand in the .ipynb file itself.") from None
