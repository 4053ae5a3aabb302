"""Intake by rebuilding: the student's file is never graded, only the text of its cells.

The hand-out is taken as it was given out, and the student's source text is put into it, cell by cell. So
edited checks, tags, metadata and broken structure are gone before anything runs.
"""

from __future__ import annotations

import ast
import copy
import functools
import hashlib
import json
import re
import symtable
from dataclasses import dataclass, field
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

MAX_BYTES = 20 << 20
MAX_CELLS = 500
MAX_SOURCE = 200_000
MARKS = ("points", "grade", "locked", "solution", "task")  # nbgrader's
MAX_EVIDENCE = 20
TAGS = ("raises-exception", "skip-execution")


class Unreadable(ValueError):
    """The file holds no notebook; the message tells the student what to do."""


@dataclass
class Rebuilt:
    """The hand-out with the student's text in it, and what was put right on the way."""

    notebook: NotebookNode
    notes: list[str] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)  # those of the notes that tell of tampering


@dataclass
class _Found:
    kind: str
    source: str
    grade_id: str | None
    exercise: str | None
    id: str | None
    marks: dict[str, Any] = field(default_factory=dict)  # nbgrader's, and the tags
    sealed: bool = False  # whether nbgrader's checksum says that text and marks are as they were given out


def read_cells(data: bytes) -> list[_Found]:
    """The cells of a notebook of format 3, 4 or 5, in any of the usual encodings.

    Raises:
        Unreadable: there is no notebook in `data`.
    """
    if len(data) > MAX_BYTES:
        raise Unreadable(
            f"The file has {len(data) >> 20} MB; at most {MAX_BYTES >> 20} MB are read. Clear all outputs, save, hand in again."
        )
    if not data.strip():
        raise Unreadable("The file is empty. Save the notebook and hand it in again.")
    try:
        text = data.decode(json.detect_encoding(data))
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise Unreadable(
            f"The file is not a notebook: it is no valid JSON{where}. Download it again from Jupyter with "
            "File > Download, check that it opens, and hand that in."
        ) from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if cells is None and isinstance(notebook, dict):  # nbformat 3
        sheets = notebook.get("worksheets")
        cells = (
            [c for s in sheets if isinstance(s, dict) and isinstance(s.get("cells"), list) for c in s["cells"]]
            if isinstance(sheets, list)
            else None
        )
    if not isinstance(cells, list) or not cells:
        raise Unreadable("The file holds no notebook cells. Hand in the .ipynb file itself.")
    return [found for cell in cells if (found := _found(cell)) is not None]


def _found(cell: Any) -> _Found | None:
    if not isinstance(cell, dict):
        return None
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    if not isinstance(source, str):
        return None
    source = source.encode("utf-8", "replace").decode().replace("\0", "")[:MAX_SOURCE]
    metadata = cell.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}

    def text(block: str, key: str) -> str | None:
        inner = metadata.get(block)
        value = inner.get(key) if isinstance(inner, dict) else None
        return value if isinstance(value, str) else None

    kind, identity = cell.get("cell_type"), cell.get("id")
    kind, checksum = kind if isinstance(kind, str) else "", text("nbgrader", "checksum")
    return _Found(
        kind,
        source,
        text("nbgrader", "grade_id"),
        text("gradus", "exercise") if text("gradus", "role") == "exercise" else None,
        identity if isinstance(identity, str) else None,
        _marks(metadata),
        checksum is not None and checksum == _checksum(source, kind, metadata["nbgrader"]),
    )


def _checksum(source: str, kind: str, marks: dict[str, Any]) -> str:
    """nbgrader's, which the hand-out's locked cells carry."""
    grade, solution = bool(marks.get("grade")), bool(marks.get("solution"))
    locked = not solution and (grade or bool(marks.get("locked")))
    parts = [source, kind, str(grade), str(solution), str(locked), str(marks.get("grade_id"))]
    try:
        parts += [str(float(marks["points"]))] if grade else []
    except (KeyError, TypeError, ValueError, OverflowError):
        return ""
    return hashlib.md5("".join(parts).encode(), usedforsecurity=False).hexdigest()


def _marks(metadata: Any) -> dict[str, Any]:
    """What says how nbgrader takes a cell, and which tags would make Jupyter take it otherwise."""
    inner, tags = metadata.get("nbgrader"), metadata.get("tags")
    marks = {key: inner[key] for key in MARKS if key in inner} if isinstance(inner, dict) else {}
    for tag in TAGS:
        marks[tag] = isinstance(tags, list) and tag in tags
    return marks


def rebuild(release: NotebookNode, submission: bytes) -> Rebuilt:
    """Put the student's text into a fresh copy of the hand-out.

    Exercise and question cells are found by grade_id, by Gradus's own mark, by cell id, or else by the name that
    they define. Code cells that the student added stay where they stood, and so do further copies of an exercise:
    as in the student's own notebook, what counts is what stands last before the check. Everything else is the
    hand-out's.

    Raises:
        Unreadable: there is no notebook in `submission`.
    """
    found = read_cells(submission)
    notebook = copy.deepcopy(release)
    notes: list[str] = []
    if len(found) > MAX_CELLS:
        notes.append(f"only the first {MAX_CELLS} cells were read")
        del found[MAX_CELLS:]
    evidence: list[str] = []
    mine = {cell.id: cell for cell in notebook.cells}
    original = {cell.id: cell.source for cell in notebook.cells}
    placed: dict[str, list[str]] = {}
    extras: list[tuple[str | None, str]] = []
    here: str | None = None
    sealed: set[tuple[str, str]] = set()  # cell and text, as some hand-out had them
    for cell, target in zip(found, _targets(found, mine), strict=True):
        if target is None:
            if cell.kind == "code" and cell.source.strip():
                extras.append((here, cell.source))
            continue
        theirs = cell.marks
        if cell.sealed:  # a test that was mended since it was handed out makes nobody a cheat
            sealed.add((target, cell.source))
            theirs = {tag: theirs[tag] for tag in TAGS}
        edited = _edited(theirs, _marks(mine[target].metadata))
        if edited:
            evidence.append(f"marks of cell {target} were edited ({edited}): the hand-out's were used")
        before = placed.setdefault(target, [])
        stub = original[target]
        another = _filled([cell.source], stub) and _filled(before, stub) not in ([], [cell.source])
        if another and role(mine[target]) == "exercise":
            extras.append((here, cell.source))  # a copy: it runs where it stands
        if not before:
            here = target
        before.append(cell.source)
    for identity, sources in placed.items():
        _place(mine[identity], original[identity], sources, notes, evidence, sealed)
    for identity, cell in mine.items():
        if identity not in placed and role(cell) in ("exercise", "question", "check"):
            notes.append(f"cell {identity} is missing: the hand-out's was used")
    _insert(notebook, extras)
    evidence = list(dict.fromkeys(evidence))[:MAX_EVIDENCE]
    return Rebuilt(notebook, notes + [line for line in evidence if line not in notes], evidence)


def _edited(theirs: dict[str, Any], ours: dict[str, Any]) -> str:
    """Which marks say something else than the hand-out's. Marks that are gone are none: other programs drop them."""
    return ", ".join(key for key, value in theirs.items() if value != ours.get(key, value))


def role(cell: NotebookNode) -> str:
    """What a cell of a rebuilt notebook is: as in the unit's source, or "extra" for one that the student added."""
    return str(cell.metadata.get("gradus", {}).get("role", "extra"))


def _targets(found: list[_Found], mine: dict[str, NotebookNode]) -> list[str | None]:
    """For each cell the id of the hand-out's cell that it is, if it is one."""
    text = {other.source.strip(): name for name, other in reversed(mine.items()) if other.cell_type == "code"}
    targets = []
    for cell in found:
        names = (cell.grade_id, cell.exercise, cell.id, text.get(cell.source.strip()))
        targets.append(next((n for n in names if n in mine and mine[n].cell_type == cell.kind), None))
    lost = {name: _defined(other.source) for name, other in mine.items() if role(other) == "exercise"}
    for name in targets:
        lost.pop(name or "", None)
    for i, cell in enumerate(found):  # an exercise's cell that was deleted and written anew, or lost its marks
        if lost and cell.kind == "code" and _strays(cell, mine.get(targets[i] or "")):
            names_there = _defined(cell.source)
            name = next((name for name, wanted in lost.items() if wanted and wanted <= names_there), None)
            if name:
                targets[i] = name
                del lost[name]
    return targets


def _strays(cell: _Found, target: NotebookNode | None) -> bool:
    """Whether a cell is none of the hand-out's, or claims to be one that it cannot be."""
    return target is None or (role(target) in ("check", "setup") and cell.source.strip() != target.source.strip())


def _filled(sources: list[str], stub: str) -> list[str]:
    """Those of `sources` that are no longer the stub, each once."""
    return list(dict.fromkeys(s for s in sources if s.strip() != stub.strip()))


def _defined(source: str) -> set[str]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    return {n.name for n in tree.body if isinstance(n, (ast.FunctionDef, ast.ClassDef))}


def _place(
    cell: NotebookNode,
    original: str,
    sources: list[str],
    notes: list[str],
    evidence: list[str],
    sealed: set[tuple[str, str]],
) -> None:
    kind, filled = role(cell), _filled(sources, original)
    if cell.metadata.gradus.get("locked"):
        return  # the hand-out's, whatever the student made of it
    if kind in ("exercise", "question", "demo"):
        if len(sources) > 1 and kind != "demo":
            which = "the first that was filled in" if filled else "one"
            copies = "; the others run where they stand" if kind == "exercise" and len(filled) > 1 else ""
            notes.append(f"cell {cell.id} is there {len(sources)} times: {which} was taken{copies}")
        if filled:
            cell.source = filled[0]
            cell.metadata.gradus["changed"] = True
    elif kind == "check" and filled and all((cell.id, source) in sealed for source in filled):
        notes.append(f"cell {cell.id} is that of an earlier hand-out: today's was used")
    elif kind in ("check", "setup") and filled:
        notes.append(f"cell {cell.id} was edited: the hand-out's was used")
        if kind == "check":
            evidence.append(notes[-1])


def _insert(notebook: NotebookNode, extras: list[tuple[str | None, str]]) -> None:
    after: dict[str | None, list[NotebookNode]] = {}
    for number, (where, source) in enumerate(extras, 1):
        cell = new_code_cell(source, id=f"extra-{number}", metadata={"gradus": {"role": "extra"}})
        after.setdefault(where, []).append(cell)
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        cells.extend(after.pop(cell.id, []))
    first = after.pop(None, [])
    at = next((i for i, c in enumerate(cells) if role(c) == "setup"), 0)
    notebook.cells = cells[: at + 1] + first + cells[at + 1 :]


def needed_demos(cells: list[NotebookNode]) -> set[str]:
    """Ids of the demo cells that grading must run: those that the student changed, and those that define a
    name which a cell of the student's reads and nothing else defines."""
    code = [cell for cell in cells if cell.cell_type == "code"]
    names = {cell.id: _names(cell.source) for cell in code}
    demos = [cell for cell in code if role(cell) == "demo"]
    needed = {cell.id for cell in demos if cell.metadata.gradus.get("changed")}
    always = {cell.id for cell in code if role(cell) in ("setup", "exercise", "extra")}
    while True:
        running = always | needed
        bound = set().union(*(names[name][0] for name in running))
        wanted = set().union(*(names[name][1] for name in running)) - bound
        more = {cell.id for cell in demos if cell.id not in needed and names[cell.id][0] & wanted}
        if not more:
            return needed
        needed |= more


@functools.lru_cache(maxsize=2000)  # most cells are the hand-out's, the same in every submission
def _names(source: str) -> tuple[set[str], set[str]]:
    """The global names that a cell binds, and those that it reads."""
    text = re.sub(r"^([ \t]*)[%!].*", r"\1pass", source, flags=re.MULTILINE)
    try:
        top = symtable.symtable(text, "cell", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # a fault, or more of IPython's own syntax
        return set(), set(re.findall(r"[^\W\d]\w*", source))
    bound = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    read: set[str] = set()
    scopes = [top]
    while scopes:
        scope = scopes.pop()
        scopes += scope.get_children()
        for symbol in scope.get_symbols():
            if scope is top or symbol.is_global():
                (bound if symbol.is_assigned() else read).add(symbol.get_name())
    return bound, read
