"""What lies where: whose each file of a folder or an archive is, whatever way it was laid out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from .archive import Archive, BadArchive, Item
from .grading import read_submission
from .handed import IGNORED, Collected, Hand, Piece
from .whose import CollectError, is_unit, shown, student_called, whole

MAX_ITEMS = 100_000  # files of a class

# lovelaceada_LATE_12345_678901_02_neuron-1.ipynb: student, late or not, student's number, upload's number, file, version
CANVAS = re.compile(
    r"(?P<who>.+?)_(?P<late>LATE_)?(?P<number>\d+)_(?:(?P<upload>\d{3,})_(?P<file>.+)|(?P<text>(?:text|link)\.html))",
    re.DOTALL,
)
# lovelaceada where names are kept from the marker: anon_Xy12Z_678901_02_neuron.ipynb
ANONYMOUS = re.compile(r"(?P<who>anon_\w{5})_(?P<late>LATE_)?(?P<upload>\d{3,})_(?P<file>.+)", re.DOTALL)
VERSION = re.compile(r"(.*?)(?:-(\d+))?(\.[^.]*)?", re.DOTALL)
# Ada Lovelace_123456_assignsubmission_file_
MOODLE = re.compile(r"(?P<who>.+_\d+)_assignsubmission_[a-z]+(?:_(?P<file>.*))?", re.DOTALL)
UNIT = re.compile(r"\d\d_\w+")  # what units are called


def hands_of(path: Path, unit: str, allowed: Sequence[str], found: Collected) -> list[Hand]:
    if not os.path.lexists(path):
        raise CollectError(f"{shown(path)} is not there.")
    if path.is_dir():
        items, root = list(_walk(path)), path.resolve()
        return _Ascriber(unit, allowed, (root.parent.name, root.name), found).all(items)
    if path.suffix.lower() == ".zip" and not _one_students(path):
        try:
            items = list(Archive.open(path.resolve(), shown(path), MAX_ITEMS).items())
        except BadArchive as error:
            raise CollectError(f"{error}. Download it again.") from None
        except OSError as error:
            raise CollectError(f"{shown(path)} cannot be read ({error.strerror or error}).") from None
        return _Ascriber(unit, allowed, ("", path.stem), found, archive=True).all(items)
    return [_single(path, unit, allowed)]


def _one_students(path: Path) -> bool:
    return bool(_canvas(path.name) or MOODLE.fullmatch(path.name) or MOODLE.fullmatch(path.absolute().parent.name))


def _walk(folder: Path) -> Iterator[Item]:
    count = 0

    def refuse(error: OSError) -> None:
        raise CollectError(f"{shown(error.filename or folder)} cannot be read ({error.strerror}).") from None

    for where, folders, files in os.walk(folder, followlinks=False, onerror=refuse):
        folders.sort()
        names = sorted(files + [name for name in folders if os.path.islink(os.path.join(where, name))])
        for name in names:
            count += 1
            if count > MAX_ITEMS:
                raise CollectError(f"{shown(folder)} holds more than {MAX_ITEMS} files. Is that the right folder?")
            path = Path(where) / name
            yield _lying(path, path.relative_to(folder).parts)


def _lying(path: Path, parts: tuple[str, ...]) -> Item:
    return Item(parts, str(path), partial(read_submission, path), path.lstat().st_mtime, path)


def _single(path: Path, unit: str, allowed: Sequence[str]) -> Hand:
    """A file that was named: whose it is, its own name or its folder tells."""
    *_, above, folder, name = ("", "", *path.absolute().parts)
    item = _lying(path, (name,))
    moodle, canvas, flat = MOODLE.fullmatch(folder), _canvas(name), MOODLE.fullmatch(name)
    beside = [
        Piece(_lying(path.with_name(other), (other,)), other) for other in allowed if path.with_name(other).exists()
    ]
    if moodle:
        return Hand("moodle", student_called(moodle["who"]), [Piece(item, name), *beside])
    if flat:
        return Hand("moodle", student_called(flat["who"]), [Piece(item, flat["file"] or name)])
    if path.stem == unit == folder:
        stamp = path.with_name("timestamp.txt")
        beside += [Piece(_lying(stamp, (stamp.name,)), stamp.name)] if stamp.exists() else []
        return Hand("tree", whole(above, path), [Piece(item, name), *beside])
    if canvas:
        return _uploaded(item, canvas)
    return Hand("file", whole(path.stem, path), [Piece(item, name)])


def _canvas(name: str) -> re.Match[str] | None:
    return ANONYMOUS.fullmatch(name) or CANVAS.fullmatch(name)


def _uploaded(item: Item, match: re.Match[str]) -> Hand:
    fields = match.groupdict()
    name = fields["file"] or fields["text"]
    split = VERSION.fullmatch(name)
    base, version, ending = split.groups() if split else (name, None, None)
    piece = Piece(item, base + (ending or ""), 0, (int(version or 0), int(fields["upload"] or 0)))
    who = f"{fields['who']}_{fields['number']}" if fields.get("number") else fields["who"]
    return Hand("canvas", student_called(who), [piece], bool(fields["late"]))


class _Ascriber:
    """Sorts the files of one folder or archive by student."""

    def __init__(
        self, unit: str, allowed: Sequence[str], root: tuple[str, str], found: Collected, archive: bool = False
    ) -> None:
        self.unit, self.allowed, self.root, self.found, self.archive = unit, allowed, root, found, archive
        self.hands: dict[tuple[str, str], Hand] = {}

    def all(self, items: list[Item]) -> list[Hand]:
        items = [item for item in items if self._visible(item)]
        self.trees, self.units = self._trees(items)
        # a zip of one student's, called after the student
        self.books = {item for item in items if item.parts[-1].lower().endswith(".ipynb")}
        self.alone = self.archive and len(self.books) == 1
        self.own = {self._full(i)[:-1] for i in self.books if len(i.parts) > 1 and i.parts[-1] == f"{self.unit}.ipynb"}
        for item in items:
            self._ascribe(item)
        return list(self.hands.values())

    def _visible(self, item: Item) -> bool:
        parts = item.parts
        if not parts:
            return False
        if ".." in parts or (self.archive and any("\0" in part for part in parts)):
            self.found.passed.append(item)
            return False
        return not any(part in IGNORED or (part.startswith(".") and not MOODLE.fullmatch(part)) for part in parts)

    def _full(self, item: Item) -> tuple[str, ...]:
        return (*self.root, *item.parts)

    def _trees(self, items: list[Item]) -> tuple[set[tuple[str, ...]], set[tuple[str, ...]]]:
        """The submitted/ folders, and in them the folders STUDENT/UNIT."""
        fulls = [self._full(item) for item in items]
        folders = {full[:-1] for full in fulls}
        folders |= {full for full in fulls if full[-1] == self.unit}  # a link in its place
        books = [full for full in fulls if full[-1] == f"{full[-2]}.ipynb" and UNIT.fullmatch(full[-2]) and full[-3]]
        sure = {full[:-1] for full in books if full[-2] == self.unit}
        trees = {full[:-3] for full in books}  # for another unit's sake, too
        trees |= {folder[:-2] for folder in folders if len(folder) > 2 and folder[-3] == "submitted"}
        return trees, sure | {folder for folder in folders if folder[-1] == self.unit and folder[:-2] in trees}

    def _ascribe(self, item: Item) -> None:
        full, parts = self._full(item), item.parts
        for at, part in enumerate(full):
            moodle = MOODLE.fullmatch(part)
            if moodle:
                name = moodle["file"] if at == len(full) - 1 and moodle["file"] else parts[-1]
                self._add("moodle", student_called(moodle["who"]), Piece(item, name, max(0, len(full) - at - 2)))
                return
        for at in range(1, len(full)):
            if full[: at + 1] in self.units and full[at - 1]:
                student = self._whole(full[at - 1], item)
                self._add("tree", student, Piece(item, full[-1], max(0, len(full) - at - 2)))
                return
        canvas = _canvas(parts[-1])
        if canvas:
            hand = _uploaded(item, canvas)
            self._add(hand.kind, hand.student, hand.pieces[0], hand.late)
            return
        if self._others(full):
            return
        name, book = parts[-1], item in self.books
        if full[:-1] in self.own:
            self._add("folder", self._whole(full[-2], item), Piece(item, name))
        elif self.alone and (name in self.allowed or (book and is_unit(name, self.unit))):
            self._add("file", self._whole(self.root[1], item), Piece(item, name))
        elif book and not self._draft(full):
            self._add("file", self._whole(Path(name).stem, item), Piece(item, name))
        else:
            self.found.passed.append(item)

    def _whole(self, name: str, item: Item) -> str:
        return whole(name, item.place, keep=not self.archive)

    def _draft(self, full: tuple[str, ...]) -> bool:
        """Whether it lies in a tree, and beside the units' folders."""
        return any(full[: len(tree)] == tree and len(full) > len(tree) + 1 for tree in self.trees)

    def _others(self, full: tuple[str, ...]) -> bool:
        """Whether this belongs to another unit, in a tree."""
        places = [len(tree) + 1 for tree in self.trees if full[: len(tree)] == tree and len(full) > len(tree) + 2]
        return any(UNIT.fullmatch(full[at]) and full[at] != self.unit for at in places)

    def _add(self, kind: str, student: str, piece: Piece, late: bool = False) -> None:
        hand = self.hands.setdefault((kind, student), Hand(kind, student))
        hand.pieces.append(piece)
        hand.late |= late
