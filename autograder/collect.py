"""Who handed in what: notebooks, folders, nbgrader's tree, and the downloads of Canvas and Moodle, zipped or not.

A student is called what tells them apart for certain: the folder's name in nbgrader's tree, ``lovelaceada_12345`` from
Canvas (its number for the student), ``Ada Lovelace_123456`` from Moodle (its participant number, which its grading
worksheet has too), else the file's own name. Nothing is read here but lists of names; work is read when its turn comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from .archive import Item
from .ascribe import UNIT, hands_of
from .handed import Collected as Collected
from .handed import Hand, Handed, Piece, best_of, no_notebook, same
from .intake import Unreadable
from .whose import CollectError as CollectError
from .whose import is_unit, listed, shown


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
    hands: list[Hand] = []
    canvas: dict[str, Hand] = {}
    for path in paths:
        for hand in hands_of(path, unit, allowed, found):
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

    def take(self, hand: Hand) -> None:
        handed = self._chosen(hand)
        before = self.found.sources.setdefault(hand.student, handed)
        if before is handed:
            return
        if handed.reason or before.reason:
            if before.reason:
                self.found.sources[hand.student] = handed
        elif not same(before.item, handed.item):
            raise self._two(hand.student, before.item, handed.item)

    def _two(self, student: str, one: Item, other: Item) -> CollectError:
        return CollectError(
            f"Two files for student {student}: {shown(one.place)} and {shown(other.place)}, and nothing tells which "
            "counts. Take one away (an archive: unpack it first, then name the folder)."
        )

    def _chosen(self, hand: Hand) -> Handed:
        books = [p for p in hand.pieces if p.name.lower().endswith(".ipynb")]
        zips = [p for p in hand.pieces if p.name.lower().endswith(".zip")]
        pool = books or zips
        if not pool:
            return self._nothing(hand)
        best = best_of(pool, self.unit)
        for other in best[1:]:
            if not same(best[0].item, other.item):
                raise self._two(hand.student, best[0].item, other.item)
        piece = best[0]
        stem = Path(piece.name).stem
        if books and UNIT.fullmatch(stem) and not is_unit(piece.name, self.unit) and hand.kind != "file":
            self.others.append(f"{hand.student} ({piece.shown})")
            self.other_units.add(stem)
        self.ours += bool(books) and is_unit(piece.name, self.unit)
        if len(pool) > len(best):
            older = sorted((p for p in pool if p not in best), key=lambda p: p.version, reverse=True)
            rest = listed([p.shown for p in older], 3)
            self.versions.append(f"{hand.student} ({piece.shown}, not {rest})")
        elif books and hand.kind not in ("file", "canvas", "moodle") and not is_unit(piece.name, self.unit):
            self.renamed.append(f"{hand.student} ({shown(piece.name)})")
        beside, when = self._beside(hand, piece), self._when(hand)
        used = {id(p) for p in pool} | {id(p) for p in beside.values()}
        self.found.passed += [p.item for p in hand.pieces if id(p) not in used and p.name != "timestamp.txt"]
        files = tuple((name, p.item) for name, p in sorted(beside.items()))
        return Handed(self.unit, piece.item, not books, "", files, self.allowed, when)

    def _beside(self, hand: Hand, chosen: Piece) -> dict[str, Piece]:
        """The unit's files that lie beside the notebook, the newest of each."""
        found: dict[str, Piece] = {}
        for piece in sorted(hand.pieces, key=lambda p: p.version):
            # Canvas numbers the versions of these as well
            if piece.name in self.allowed and piece.depth == chosen.depth:
                found[piece.name] = piece
        return found

    def _when(self, hand: Hand) -> str:
        """What nbgrader's timestamp.txt says."""
        for piece in hand.pieces:
            if hand.kind == "tree" and piece.name == "timestamp.txt" and piece.depth == 0:
                try:
                    return piece.item.read(200)[:200].decode("utf-8", "replace").strip()
                except (OSError, Unreadable):
                    return ""
        return ""

    def _nothing(self, hand: Hand) -> Handed:
        pieces = [p for p in hand.pieces if p.name not in ("timestamp.txt", *self.allowed)] or hand.pieces
        names = [shown(p.name) for p in pieces]
        self.none.append(f"{hand.student} ({listed(names, 3)})")
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
                self.found.notes.append(f"{what}: {listed(students)}.")
        passed = self.found.passed
        if passed:
            what = "1 file that is" if len(passed) == 1 else f"{len(passed)} files that are"
            names = listed([shown("/".join(item.parts)) for item in passed], 5)
            self.found.notes.append(f"Passed over, {what} no submission of {self.unit}: {names}.")


def looked_for(found: Collected, unit: str) -> str:
    """What would have been a submission, and what was there instead."""
    text = (
        f"Looked for notebooks (.ipynb), STUDENT/{unit}/{unit}.ipynb, and the files of a Canvas or Moodle download "
        f"(NAME_NUMBER_NUMBER_{unit}.ipynb, NAME_NUMBER_assignsubmission_file_/)."
    )
    if found.passed:
        text += f" There is only {listed([shown(item.parts[-1]) for item in found.passed], 5)}."
    archives = [item.place for item in found.passed if item.place.lower().endswith(".zip")]
    return text + (f" An archive must be named itself: {shown(archives[0])}." if archives else "")
