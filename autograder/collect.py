"""Who handed in what: notebooks, folders, nbgrader's tree, and the downloads of Canvas and Moodle, zipped or not.

A student is called what tells them apart for certain: the folder's name in nbgrader's tree, ``lovelaceada_12345`` from
Canvas (its number for the student), ``Ada Lovelace_123456`` from Moodle (its participant number, which its grading
worksheet has too), else the file's own name. Nothing is read here but lists of names; work is read when its turn comes.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from pathlib import Path

from .archive import Archive, BadArchive, Item
from .gradebook import student_name
from .grading import read_submission
from .intake import MAX_BYTES, Unreadable
from .pack import MAX_FILE, pack

MAX_ITEMS = 100_000  # files of a class
MAX_INNER = 2000  # files of a student's own zip
MAX_NAME = 150  # bytes: folders are named after students
MAX_FOLDER = 240  # bytes of a name that a folder or file has already

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
IGNORED = {"__MACOSX", "Thumbs.db", "desktop.ini", "__pycache__"}
PACKED = (".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")


class CollectError(ValueError):
    """What was named cannot be taken; the message says what and why."""


@dataclass(frozen=True)
class _Piece:
    """One file of a student's, and which of several versions it is."""

    item: Item
    name: str  # as the student called it, without Canvas's number of a version
    depth: int = 0  # folders above it that are the student's own
    version: tuple[int, int] = (0, 0)

    @property
    def shown(self) -> str:
        base, dot, ending = self.name.rpartition(".")
        return _shown(f"{base}-{self.version[0]}{dot}{ending}" if self.version[0] else self.name)


@dataclass
class _Hand:
    """All that one student handed in at one place."""

    kind: str
    student: str
    pieces: list[_Piece] = field(default_factory=list)
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
            notebook, beside = _inner(data, self.unit, self.allowed)
            return pack(notebook, {**_read(self.beside), **beside})
        return pack(data, _read(self.beside))

    @property
    def time(self) -> float | None:
        """When it was handed in, in seconds since 1970, where that is known."""
        try:
            found = datetime.fromisoformat(self.when.replace(" UTC", "+00:00"))
        except ValueError:
            return self.item.changed
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _read(files: Iterable[tuple[str, Item]]) -> dict[str, bytes | None]:
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


def collect(paths: Iterable[Path], unit: str, allowed: Sequence[str] = ()) -> Collected:
    """Find out who handed in what for `unit`.

    Args:
        paths: notebooks, folders and zips, in any mix. Folders and zips may hold notebooks named after students, a
            folder for each student, nbgrader's submitted/STUDENT/UNIT/, or what Canvas or Moodle let one download.
        allowed: names of files that the unit takes beside the notebook.

    Raises:
        CollectError: a path that is not there, a class's archive that cannot be used, a name that cannot be a
            student's, or two different files for one student with nothing to tell which counts.
    """
    found = Collected()
    hands: list[_Hand] = []
    canvas: dict[str, _Hand] = {}
    for path in paths:
        for hand in _hands(path, unit, allowed, found):
            if hand.kind == "canvas":  # numbered uploads: they may come from several downloads
                known = canvas.setdefault(hand.student, hand)
                if known is not hand:
                    known.pieces += hand.pieces
                    known.late |= hand.late
                    continue
            hands.append(hand)
    sorter = _Sorter(unit, tuple(allowed), found)
    for hand in hands:
        sorter.take(hand)
    sorter.tell([hand.student for hand in hands if hand.late])
    return found


# what lies where


def _hands(path: Path, unit: str, allowed: Sequence[str], found: Collected) -> list[_Hand]:
    if not os.path.lexists(path):
        raise CollectError(f"{_shown(path)} is not there.")
    if path.is_dir():
        items, root = list(_walk(path)), path.resolve()
        return _Ascriber(unit, allowed, (root.parent.name, root.name), found).all(items)
    if path.suffix.lower() == ".zip" and not _one_students(path):
        try:
            items = list(Archive.open(path.resolve(), _shown(path), MAX_ITEMS).items())
        except BadArchive as error:
            raise CollectError(f"{error}. Download it again.") from None
        except OSError as error:
            raise CollectError(f"{_shown(path)} cannot be read ({error.strerror or error}).") from None
        return _Ascriber(unit, allowed, ("", path.stem), found, archive=True).all(items)
    return [_single(path, unit, allowed)]


def _one_students(path: Path) -> bool:
    return bool(_canvas(path.name) or MOODLE.fullmatch(path.name) or MOODLE.fullmatch(path.absolute().parent.name))


def _walk(folder: Path) -> Iterator[Item]:
    count = 0

    def refuse(error: OSError) -> None:
        raise CollectError(f"{_shown(error.filename or folder)} cannot be read ({error.strerror}).") from None

    for where, folders, files in os.walk(folder, followlinks=False, onerror=refuse):
        folders.sort()
        names = sorted(files + [name for name in folders if os.path.islink(os.path.join(where, name))])
        for name in names:
            count += 1
            if count > MAX_ITEMS:
                raise CollectError(f"{_shown(folder)} holds more than {MAX_ITEMS} files. Is that the right folder?")
            path = Path(where) / name
            yield _lying(path, path.relative_to(folder).parts)


def _lying(path: Path, parts: tuple[str, ...]) -> Item:
    return Item(parts, str(path), partial(read_submission, path), path.lstat().st_mtime, path)


def _single(path: Path, unit: str, allowed: Sequence[str]) -> _Hand:
    """A file that was named: whose it is, its own name or its folder tells."""
    *_, above, folder, name = ("", "", *path.absolute().parts)
    item = _lying(path, (name,))
    moodle, canvas, flat = MOODLE.fullmatch(folder), _canvas(name), MOODLE.fullmatch(name)
    beside = [
        _Piece(_lying(path.with_name(other), (other,)), other) for other in allowed if path.with_name(other).exists()
    ]
    if moodle:
        return _Hand("moodle", _student(moodle["who"]), [_Piece(item, name), *beside])
    if flat:
        return _Hand("moodle", _student(flat["who"]), [_Piece(item, flat["file"] or name)])
    if path.stem == unit == folder:
        stamp = path.with_name("timestamp.txt")
        beside += [_Piece(_lying(stamp, (stamp.name,)), stamp.name)] if stamp.exists() else []
        return _Hand("tree", _whole(above, path), [_Piece(item, name), *beside])
    if canvas:
        return _uploaded(item, canvas)
    return _Hand("file", _whole(path.stem, path), [_Piece(item, name)])


def _canvas(name: str) -> re.Match[str] | None:
    return ANONYMOUS.fullmatch(name) or CANVAS.fullmatch(name)


def _uploaded(item: Item, match: re.Match[str]) -> _Hand:
    fields = match.groupdict()
    name = fields["file"] or fields["text"]
    split = VERSION.fullmatch(name)
    base, version, ending = split.groups() if split else (name, None, None)
    piece = _Piece(item, base + (ending or ""), 0, (int(version or 0), int(fields["upload"] or 0)))
    who = f"{fields['who']}_{fields['number']}" if fields.get("number") else fields["who"]
    return _Hand("canvas", _student(who), [piece], bool(fields["late"]))


class _Ascriber:
    """Sorts the files of one folder or archive by student."""

    def __init__(
        self, unit: str, allowed: Sequence[str], root: tuple[str, str], found: Collected, archive: bool = False
    ) -> None:
        self.unit, self.allowed, self.root, self.found, self.archive = unit, allowed, root, found, archive
        self.hands: dict[tuple[str, str], _Hand] = {}

    def all(self, items: list[Item]) -> list[_Hand]:
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
                self._add("moodle", _student(moodle["who"]), _Piece(item, name, max(0, len(full) - at - 2)))
                return
        for at in range(1, len(full)):
            if full[: at + 1] in self.units and full[at - 1]:
                student = self._whole(full[at - 1], item)
                self._add("tree", student, _Piece(item, full[-1], max(0, len(full) - at - 2)))
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
            self._add("folder", self._whole(full[-2], item), _Piece(item, name))
        elif self.alone and (name in self.allowed or (book and _is_unit(name, self.unit))):
            self._add("file", self._whole(self.root[1], item), _Piece(item, name))
        elif book and not self._draft(full):
            self._add("file", self._whole(Path(name).stem, item), _Piece(item, name))
        else:
            self.found.passed.append(item)

    def _whole(self, name: str, item: Item) -> str:
        return _whole(name, item.place, keep=not self.archive)

    def _draft(self, full: tuple[str, ...]) -> bool:
        """Whether it lies in a tree, and beside the units' folders."""
        return any(full[: len(tree)] == tree and len(full) > len(tree) + 1 for tree in self.trees)

    def _others(self, full: tuple[str, ...]) -> bool:
        """Whether this belongs to another unit, in a tree."""
        places = [len(tree) + 1 for tree in self.trees if full[: len(tree)] == tree and len(full) > len(tree) + 2]
        return any(UNIT.fullmatch(full[at]) and full[at] != self.unit for at in places)

    def _add(self, kind: str, student: str, piece: _Piece, late: bool = False) -> None:
        hand = self.hands.setdefault((kind, student), _Hand(kind, student))
        hand.pieces.append(piece)
        hand.late |= late


# whose


def _whole(name: str, place: str | Path, keep: bool = True) -> str:
    """A file's or folder's name as a student's; `keep` it as it is spelt, for nbgrader's sake, if it can be.

    Raises:
        CollectError: it names nobody.
    """
    if not name.strip() or name.startswith("."):
        raise CollectError(f"{_shown(place)} names no student.")
    return _student(name, keep)


def _student(name: str, keep: bool = False) -> str:
    """A name that can be a folder's and a line's, the same each time, and another for another student."""
    whole = student_name(name) if keep else unicodedata.normalize("NFC", student_name(name))
    most = MAX_FOLDER if keep else MAX_NAME
    clean = "".join("_" if _unfit(c) else c for c in whole).strip()
    if clean.startswith("."):
        clean = "_" + clean[1:]
    if len(clean.encode()) > most:
        clean = clean.encode()[: most - 20].decode("utf-8", "ignore")
    if clean != whole:  # two that differed must not become one
        clean = f"{clean}~{hashlib.sha256(whole.encode()).hexdigest()[:8]}"
    return clean


def _unfit(character: str) -> bool:
    """What a line or a path is broken by, or turned round."""
    if character == "/" or unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
        return True
    return unicodedata.bidirectional(character) in ("LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI")


def _shown(place: str | Path) -> str:
    """A path for a message: in one line, whatever is in it."""
    return "".join("?" if _unfit(c) and c != "/" else c for c in student_name(str(place)))


def _is_unit(name: str, unit: str) -> bool:
    """Whether a file is called after the unit, a browser's or Jupyter's number for a copy aside."""
    stem = Path(name).stem.lower()
    return Path(name).suffix.lower() == ".ipynb" and bool(
        re.fullmatch(re.escape(unit.lower()) + r"([-_ ]?(\(\d+\)|copy\d*|\d+))?", stem)
    )


# what counts


def _same(a: Item, b: Item) -> bool:
    if a.file is not None and b.file is not None and a.file.absolute() == b.file.absolute():
        return True
    try:
        return a.read(MAX_BYTES) == b.read(MAX_BYTES)
    except (OSError, Unreadable):
        return False


def _best(pieces: list[_Piece], unit: str) -> list[_Piece]:
    """Those that count: called after the unit if any is, the newest, the least deep. More than one if nothing tells."""
    named = [p for p in pieces if p.name.lower() == f"{unit}.ipynb".lower()]
    named = named or [p for p in pieces if _is_unit(p.name, unit)]
    pieces = named or pieces
    newest = max((p.version for p in pieces), default=(0, 0))
    pieces = [p for p in pieces if p.version == newest]
    least = min((p.depth for p in pieces), default=0)
    return [p for p in pieces if p.depth == least]


class _Sorter:
    """Chooses each student's notebook, and keeps what an instructor should be told."""

    def __init__(self, unit: str, allowed: tuple[str, ...], found: Collected) -> None:
        self.unit, self.allowed, self.found = unit, allowed, found
        self.versions: list[str] = []
        self.renamed: list[str] = []
        self.none: list[str] = []
        self.others: list[str] = []
        self.other_units: set[str] = set()
        self.ours = 0

    def take(self, hand: _Hand) -> None:
        handed = self._chosen(hand)
        before = self.found.sources.setdefault(hand.student, handed)
        if before is handed:
            return
        if handed.reason or before.reason:
            if before.reason:
                self.found.sources[hand.student] = handed
        elif not _same(before.item, handed.item):
            raise self._two(hand.student, before.item, handed.item)

    def _two(self, student: str, one: Item, other: Item) -> CollectError:
        return CollectError(
            f"Two files for student {student}: {_shown(one.place)} and {_shown(other.place)}, and nothing tells which "
            "counts. Take one away (an archive: unpack it first, then name the folder)."
        )

    def _chosen(self, hand: _Hand) -> Handed:
        books = [p for p in hand.pieces if p.name.lower().endswith(".ipynb")]
        zips = [p for p in hand.pieces if p.name.lower().endswith(".zip")]
        pool = books or zips
        if not pool:
            return self._nothing(hand)
        best = _best(pool, self.unit)
        for other in best[1:]:
            if not _same(best[0].item, other.item):
                raise self._two(hand.student, best[0].item, other.item)
        piece = best[0]
        stem = Path(piece.name).stem
        if books and UNIT.fullmatch(stem) and not _is_unit(piece.name, self.unit) and hand.kind != "file":
            self.others.append(f"{hand.student} ({piece.shown})")
            self.other_units.add(stem)
        self.ours += bool(books) and _is_unit(piece.name, self.unit)
        if len(pool) > len(best):
            older = sorted((p for p in pool if p not in best), key=lambda p: p.version, reverse=True)
            rest = _names([p.shown for p in older], 3)
            self.versions.append(f"{hand.student} ({piece.shown}, not {rest})")
        elif books and hand.kind not in ("file", "canvas", "moodle") and not _is_unit(piece.name, self.unit):
            self.renamed.append(f"{hand.student} ({_shown(piece.name)})")
        beside, when = self._beside(hand, piece), self._when(hand)
        used = {id(p) for p in pool} | {id(p) for p in beside.values()}
        self.found.passed += [p.item for p in hand.pieces if id(p) not in used and p.name != "timestamp.txt"]
        files = tuple((name, p.item) for name, p in sorted(beside.items()))
        return Handed(self.unit, piece.item, not books, "", files, self.allowed, when)

    def _beside(self, hand: _Hand, chosen: _Piece) -> dict[str, _Piece]:
        """The unit's files that lie beside the notebook, the newest of each."""
        found: dict[str, _Piece] = {}
        for piece in sorted(hand.pieces, key=lambda p: p.version):
            # Canvas numbers the versions of these as well
            if piece.name in self.allowed and piece.depth == chosen.depth:
                found[piece.name] = piece
        return found

    def _when(self, hand: _Hand) -> str:
        """What nbgrader's timestamp.txt says."""
        for piece in hand.pieces:
            if hand.kind == "tree" and piece.name == "timestamp.txt" and piece.depth == 0:
                try:
                    return piece.item.read(200)[:200].decode("utf-8", "replace").strip()
                except (OSError, Unreadable):
                    return ""
        return ""

    def _nothing(self, hand: _Hand) -> Handed:
        pieces = [p for p in hand.pieces if p.name not in ("timestamp.txt", *self.allowed)] or hand.pieces
        names = [_shown(p.name) for p in pieces]
        self.none.append(f"{hand.student} ({_names(names, 3)})")
        when = self._when(hand)
        return Handed(self.unit, pieces[0].item, reason=no_notebook(names, self.unit), when=when)

    def tell(self, late: list[str]) -> None:
        """Put what an instructor should know into words.

        Raises:
            CollectError: all of it is another unit's: what was asked is what is wrong.
        """
        if len(self.others) > 1 and len(self.other_units) == 1 and not self.ours:
            (other,) = self.other_units
            raise CollectError(
                f"These are {len(self.others)} notebooks called {other}, and none called {self.unit}. Is that the unit "
                f"to be graded, or the right download? (autograder grade {other} ...)"
            )
        for what, students in (
            (
                "Several notebooks of one student; the one called after the unit, or the newest, was taken",
                self.versions,
            ),
            ("Called after another unit, and taken all the same", self.others),
            (f"Taken though not called {self.unit}.ipynb", self.renamed),
            ("Handed in, but no notebook, so recorded as unreadable", self.none),
            ("Marked as late by Canvas, which does not say how late (no penalty is taken)", sorted(late)),
        ):
            if students:
                self.found.notes.append(f"{what}: {_names(students)}.")
        passed = self.found.passed
        if passed:
            what = "1 file that is" if len(passed) == 1 else f"{len(passed)} files that are"
            names = _names([_shown("/".join(item.parts)) for item in passed], 5)
            self.found.notes.append(f"Passed over, {what} no submission of {self.unit}: {names}.")


def _names(names: list[str], most: int = 10) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def no_notebook(names: list[str], unit: str) -> str:
    """What to tell a student who handed in these files and no notebook."""
    what = _names([name[:80] for name in names], 3)
    small = [name.lower() for name in names]
    if any(re.search(r"\.ipynb\.?\w*$|\.json$", name) for name in small):
        how = f"It looks like a notebook that was saved under another name: hand it in as {unit}.ipynb."
    elif any(name.endswith(PACKED) for name in small):
        how = f"Such archives are not opened: hand in the file {unit}.ipynb itself."
    else:
        how = f"Hand in the notebook itself, the file {unit}.ipynb (in Jupyter: File > Download)."
    return f"No notebook was handed in, but {what}. {how}"


def _inner(data: bytes, unit: str, allowed: Sequence[str]) -> tuple[bytes, dict[str, bytes | None]]:
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
        _Piece(item, item.parts[-1], len(item.parts))
        for item in archive.items()
        if item.parts and not any(part in IGNORED or part.startswith(".") for part in item.parts)
    ]
    best = _best([p for p in pieces if p.name.lower().endswith(".ipynb")], unit)
    if not best:
        names = [_shown(p.name) for p in pieces] or ["an empty zip"]
        raise Unreadable(f"The zip holds no notebook, but {_names([name[:80] for name in names], 3)}. {do}")
    if any(not _same(best[0].item, other.item) for other in best[1:]):
        names = [_shown("/".join(p.item.parts))[:80] for p in best]
        raise Unreadable(f"The zip holds {len(best)} notebooks: {_names(names, 3)}. {do}")
    folder = best[0].item.parts[:-1]
    beside = [(p.name, p.item) for p in pieces if p.name in allowed and p.item.parts[:-1] == folder]
    return best[0].item.read(MAX_BYTES), _read(beside)


def looked_for(found: Collected, unit: str) -> str:
    """What would have been a submission, and what was there instead."""
    text = (
        f"Looked for notebooks (.ipynb), STUDENT/{unit}/{unit}.ipynb, and the files of a Canvas or Moodle download "
        f"(NAME_NUMBER_NUMBER_{unit}.ipynb, NAME_NUMBER_assignsubmission_file_/)."
    )
    if found.passed:
        text += f" There is only {_names([_shown(item.parts[-1]) for item in found.passed], 5)}."
    archives = [item.place for item in found.passed if item.place.lower().endswith(".zip")]
    return text + (f" An archive must be named itself: {_shown(archives[0])}." if archives else "")
