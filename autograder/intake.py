"""Intake by rebuilding: the student's file is never graded, only the text of its cells.

The hand-out is taken as it was given out, and the student's source text is put into it, cell by cell. So
edited checks, tags, metadata and broken structure are gone before anything runs.
"""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass, field
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

MAX_BYTES = 20 << 20
MAX_CELLS = 500
MAX_SOURCE = 200_000


class Unreadable(ValueError):
    """The file holds no notebook; the message tells the student what to do."""


@dataclass
class Rebuilt:
    """The hand-out with the student's text in it, and what was put right on the way."""

    notebook: NotebookNode
    notes: list[str] = field(default_factory=list)


@dataclass
class _Found:
    kind: str
    source: str
    grade_id: str | None
    exercise: str | None
    id: str | None


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
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
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
            [c for s in sheets if isinstance(s, dict) for c in s.get("cells") or []]
            if isinstance(sheets, list)
            else None
        )
    if not isinstance(cells, list) or not cells:
        raise Unreadable("The file holds no notebook cells. Hand in the .ipynb file itself.")
    return [found for cell in cells[:MAX_CELLS] if (found := _found(cell)) is not None]


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

    identity = cell.get("id")
    return _Found(
        str(cell.get("cell_type")),
        source,
        text("nbgrader", "grade_id"),
        text("gradus", "exercise") if text("gradus", "role") == "exercise" else None,
        identity if isinstance(identity, str) else None,
    )


def rebuild(release: NotebookNode, submission: bytes) -> Rebuilt:
    """Put the student's text into a fresh copy of the hand-out.

    Exercise and question cells are found by grade_id, by Gradus's own mark, by cell id, or by the name that
    they define. Code cells that the student added stay where they stood. Everything else is the hand-out's.

    Raises:
        Unreadable: there is no notebook in `submission`.
    """
    found = read_cells(submission)
    notebook = nbformat.reads(nbformat.writes(release, version=4), as_version=4)  # a copy
    notes: list[str] = []
    if len(found) == MAX_CELLS:
        notes.append(f"only the first {MAX_CELLS} cells were read")
    mine = {cell.id: cell for cell in notebook.cells}
    original = {cell.id: cell.source for cell in notebook.cells}
    placed: dict[str, list[str]] = {}
    extras: list[tuple[str | None, str]] = []
    here: str | None = None
    for cell in found:
        target = _target(cell, mine)
        if target is None:
            if cell.kind == "code" and cell.source.strip():
                extras.append((here, cell.source))
            continue
        here = target
        placed.setdefault(target, []).append(cell.source)
    for identity, sources in placed.items():
        _place(mine[identity], original[identity], sources, notes)
    for identity, cell in mine.items():
        role = cell.metadata.get("gradus", {}).get("role")
        if identity not in placed and role in ("exercise", "question", "check"):
            notes.append(f"cell {identity} is missing: the hand-out's was used")
    _insert(notebook, extras)
    return Rebuilt(notebook, notes)


def _target(cell: _Found, mine: dict[str, NotebookNode]) -> str | None:
    """The id of the hand-out's cell that `cell` is."""
    for name in (cell.grade_id, cell.exercise, cell.id):
        if name in mine and mine[name].cell_type == cell.kind:
            return name
    if cell.kind != "code":
        return None
    names = _defined(cell.source)
    for identity, other in mine.items():
        if other.metadata.get("gradus", {}).get("role") == "exercise" and cell.id is None:
            wanted = _defined(other.source)
            if wanted and wanted <= names:
                return identity
    same = [i for i, other in mine.items() if other.cell_type == "code" and other.source.strip() == cell.source.strip()]
    return same[0] if same else None


def _defined(source: str) -> set[str]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    return {n.name for n in tree.body if isinstance(n, (ast.FunctionDef, ast.ClassDef))}


def _place(cell: NotebookNode, original: str, sources: list[str], notes: list[str]) -> None:
    role = cell.metadata.get("gradus", {}).get("role")
    if role in ("exercise", "question", "demo"):
        changed = [s for s in sources if s.strip() != original.strip()]
        if len(sources) > 1 and role != "demo":
            which = "the first that was filled in" if changed else "one"
            notes.append(f"cell {cell.id} is there {len(sources)} times: {which} was taken")
        if changed:
            cell.source = changed[0]
            cell.metadata.gradus["changed"] = True
        return
    if role in ("check", "setup") and any(s.strip() != original.strip() for s in sources):
        notes.append(f"cell {cell.id} was edited: the hand-out's was used")


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
    at = next((i for i, c in enumerate(cells) if c.metadata.get("gradus", {}).get("role") == "setup"), 0)
    notebook.cells = cells[: at + 1] + first + cells[at + 1 :]


def needed_demos(cells: list[NotebookNode]) -> set[str]:
    """Ids of the demo cells that grading must run: those that the student changed, and those that define a
    name which a cell of the student's reads and nothing else defines."""
    roles = {cell.id: cell.metadata.get("gradus", {}).get("role", "extra") for cell in cells}
    code = [cell for cell in cells if cell.cell_type == "code"]
    demos = [cell for cell in code if roles[cell.id] == "demo"]
    needed = {cell.id for cell in demos if cell.metadata.gradus.get("changed")}
    always = [cell for cell in code if roles[cell.id] in ("setup", "exercise", "extra")]
    while True:
        running = [*always, *(cell for cell in demos if cell.id in needed)]
        bound = set().union(*(_names(cell.source, ast.Store) for cell in running)) if running else set()
        wanted = set().union(*(_names(cell.source, ast.Load) for cell in running)) - bound if running else set()
        more = {cell.id for cell in demos if cell.id not in needed and _names(cell.source, ast.Store) & wanted}
        if not more:
            return needed
        needed |= more


def _names(source: str, context: type) -> set[str]:
    """Names that a cell reads (ast.Load) or binds (ast.Store)."""
    try:
        tree = ast.parse("\n".join(line for line in source.splitlines() if not line.lstrip().startswith(("%", "!"))))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, context)}
    if context is ast.Store:
        for node in ast.walk(tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                names |= {(a.asname or a.name).split(".")[0] for a in node.names}
            elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                names.add(node.name)
            elif isinstance(node, ast.arg):
                names.add(node.arg)
    return names
