"""A unit's source: one text file that holds all that belongs to its exercises.

Percent format, read by jupytext. A header says what a cell is; `load_unit` refuses a file whose cells do not
fit together, and names every fault at once, each with its line.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import jupytext

from .celltext import check_call, cleared, contributions, definitions, hidden_tests
from .faults import faults

HEADER = re.compile(r"^# %%(?=\s|$)")
OPTIONS = {
    "markdown": set(),
    "setup": {"files"},
    "demo": {"locked"},
    "exercise": {"exercise", "minutes", "difficulty"},
    "check": {"check", "points"},
    "mistake": {"mistake", "name", "hint"},
    "variant": {"variant"},
    "question": {"question", "points"},
}


class SourceError(ValueError):
    """One fault of a unit's source: file, line, and what to do."""

    def __init__(self, path: str | Path, line: int, message: str) -> None:
        super().__init__(f"{path}:{line}: {message}")


class SourceErrors(ValueError):
    """Every fault of a unit's source."""

    def __init__(self, errors: list[SourceError]) -> None:
        super().__init__("\n".join(map(str, errors)))
        self.errors = errors


@dataclass
class Cell:
    """One cell: what it is, whose, its text, and the line of its header."""

    kind: str
    name: str | None
    options: dict[str, Any]
    source: str
    line: int
    index: int


@dataclass
class Mistake:
    """A wrong answer that learners give, and what to tell them."""

    name: str
    hint: str
    source: str
    line: int


@dataclass
class Exercise:
    """One exercise with its reference, check, mistakes and variants."""

    name: str
    cell: Cell
    check: Cell
    mistakes: list[Mistake] = field(default_factory=list)
    variants: list[Cell] = field(default_factory=list)

    @property
    def points(self) -> float:
        return float(self.check.options["points"])

    @property
    def defines(self) -> dict[str, str]:
        """Top-level names of the reference: "function", "class" or "value"."""
        return definitions(self.cell.source)

    @property
    def contributes(self) -> list[str]:
        """What a student's own package gets from it: names, and "Class.method" for a method added to a class."""
        return contributions(self.cell.source)

    @property
    def stub(self) -> str:
        """What the student is handed."""
        return cleared(self.cell.source)

    @property
    def hidden(self) -> set[str]:
        """Names of the hidden tests."""
        return hidden_tests(self.check.source)

    @property
    def changes(self) -> list[str]:
        """Arguments that the exercise is meant to modify in place."""
        call = check_call(self.check.source)
        for keyword in call.keywords if call else []:
            if keyword.arg == "changes":
                return list(ast.literal_eval(keyword.value))
        return []


@dataclass
class Unit:
    """A unit: its cells in order, and its exercises by name."""

    name: str
    path: Path
    cells: list[Cell]
    exercises: dict[str, Exercise]

    @property
    def setups(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.kind == "setup"]

    @property
    def files(self) -> list[str]:
        """Names of the files that a student may hand in beside the notebook."""
        return sorted({name for cell in self.setups for name in cell.options.get("files", [])})

    @property
    def questions(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.kind == "question"]

    @property
    def title(self) -> str:
        """The first heading."""
        for cell in self.cells:
            found = re.search(r"^# (.+)$", cell.source, re.MULTILINE) if cell.kind == "markdown" else None
            if found:
                return found[1]
        return self.name


def load_unit(path: str | Path) -> Unit:
    """Read and verify a unit's source.

    Raises:
        SourceErrors: every fault found, each with its line.
    """
    path = Path(path)
    text = path.read_text(encoding="utf-8")
    errors: list[SourceError] = []

    def fault(line: int, message: str) -> None:
        errors.append(SourceError(_shown(path), line, message))

    cells = _cells(text, fault)
    if errors:
        raise SourceErrors(errors)
    for cell in cells:
        if cell.kind not in ("markdown", "question"):
            try:
                ast.parse(cell.source)
            except SyntaxError as error:
                fault(cell.line + (error.lineno or 0), f"syntax error in a {cell.kind} cell: {error.msg}")
    if errors:
        raise SourceErrors(errors)
    unit = Unit(path.stem, path, cells, _exercises(cells, fault))
    if not errors:
        for line, message in faults(unit):
            fault(line, message)
    if errors:
        raise SourceErrors(errors)
    return unit


def unit_paths(solutions: Path = Path("solutions")) -> list[Path]:
    """The sources of all units, in order."""
    return sorted(solutions.glob("[0-9][0-9]_*.py"))


def unit_path(unit: str | Path, solutions: Path | None = None) -> Path:
    """The source of a unit by name ("05_activations", or just "05") or by path.

    Raises:
        FileNotFoundError: there is none; the message names those there are.
    """
    if Path(unit).suffix == ".py" and Path(unit).is_file():
        return Path(unit)
    folder = solutions or Path("solutions")
    known = unit_paths(folder)
    found = [path for path in known if path.stem == str(unit) or path.stem.split("_")[0] == str(unit)]
    if not found:
        names = ", ".join(path.stem for path in known) or f"none (looked in {folder.resolve()})"
        near = get_close_matches(str(unit), [path.stem for path in known], 1)
        guess = f" Did you mean {near[0]}?" if near else ""
        raise FileNotFoundError(f"There is no unit {str(unit)!r}.{guess} Units: {names}")
    return found[0]


def allowed_files(path: Path) -> list[str]:
    """`Unit.files` of the unit at `path`, without reading the rest where the header names none.

    Raises:
        SourceErrors: the source has faults.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    return load_unit(path).files if any(HEADER.match(line) and "files" in line for line in lines) else []


def find_unit(unit: str | Path, solutions: Path | None = None) -> Unit:
    """The unit of that name or path, read and verified."""
    return load_unit(unit_path(unit, solutions))


def _shown(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _cells(text: str, fault: Any) -> list[Cell]:
    lines = text.splitlines()
    headers = [i for i, line in enumerate(lines, 1) if HEADER.match(line)]
    start = headers[0] - 1 if headers else len(lines)
    if any(line.strip() and not line.startswith("#") for line in lines[:start]):
        fault(1, "code before the first cell header: every code cell needs a role")
    notebook = jupytext.reads("\n".join(lines[start:]) + "\n", fmt="py:percent")
    if len(notebook.cells) != len(headers):
        fault(
            1,
            f"{len(headers)} cell headers but {len(notebook.cells)} cells: is there a `# %%` inside a cell?",
        )
        return []
    cells = []
    for index, (line, raw) in enumerate(zip(headers, notebook.cells, strict=True)):
        options = {k: v for k, v in raw.metadata.items() if k not in ("lines_to_next_cell", "title")}
        title = raw.metadata.get("title", "")
        kind = _kind(raw.cell_type, title, options)
        if kind is None or options.keys() - OPTIONS[kind]:
            fault(
                line,
                f"unknown cell header `{lines[line - 1].strip()}`: a code cell is setup, exercise=, check=, "
                "mistake=, variant=, locked, or has no options (a demo)",
            )
            continue
        if kind in ("check", "question") and not isinstance(options.get("points"), (int, float)):
            fault(line, f"a {kind} needs points=NUMBER")
        # formatters put blank lines above a definition; a notebook's cell begins with its first line
        cells.append(Cell(kind, options.get(kind), options, raw.source.lstrip("\n"), line, index))
    return cells


def _kind(cell_type: str, title: str, options: dict[str, Any]) -> str | None:
    if cell_type == "markdown":
        return None if title else "question" if "question" in options else "markdown"
    if title == "locked" and not options:  # a demo that students cannot edit
        options["locked"] = True
        return "demo"
    if title:
        return "setup" if title == "setup" and not options.keys() - OPTIONS["setup"] else None
    named = [kind for kind in ("exercise", "check", "mistake", "variant") if kind in options]
    return named[0] if len(named) == 1 else None if named or options else "demo"


def _exercises(cells: list[Cell], fault: Any) -> dict[str, Exercise]:
    exercises: dict[str, Exercise] = {}
    checks = {cell.name: cell for cell in cells if cell.kind == "check"}
    for cell in cells:
        if cell.kind == "exercise":
            if cell.name in exercises:
                fault(cell.line, f'a second exercise "{cell.name}"')
            elif cell.name not in checks:
                fault(
                    cell.line,
                    f'exercise "{cell.name}" has no check: add a cell `# %% check="{cell.name}" points=...`',
                )
            else:
                exercises[str(cell.name)] = Exercise(str(cell.name), cell, checks[cell.name])
    seen: set[str | None] = set()
    for cell in cells:
        if cell.kind in ("check", "mistake", "variant") and cell.name not in exercises:
            fault(cell.line, f'{cell.kind} of an exercise "{cell.name}" that is not there')
            continue
        if cell.kind == "check":
            if cell.name in seen:
                fault(cell.line, f'a second check of "{cell.name}"')
            seen.add(cell.name)
            if cell.line < exercises[str(cell.name)].cell.line:
                fault(cell.line, f'the check of "{cell.name}" stands before the exercise')
        elif cell.kind == "variant":
            exercises[str(cell.name)].variants.append(cell)
        elif cell.kind == "mistake":
            known = exercises[str(cell.name)].mistakes
            hint = str(cell.options.get("hint", "")).strip()
            if not hint:
                fault(cell.line, f'a mistake of "{cell.name}" without a hint')
            name = str(cell.options.get("name", f"{cell.name}-{len(known) + 1}"))
            if any(name == other.name for other in known):
                fault(cell.line, f'two mistakes of "{cell.name}" are called "{name}"')
            if any(hint == other.hint for other in known):
                fault(cell.line, f'two mistakes of "{cell.name}" have the same hint: each needs its own')
            known.append(Mistake(name, hint, cell.source, cell.line))
    return exercises
