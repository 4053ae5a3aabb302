"""A unit's source: one text file that holds all that belongs to its exercises.

Percent format, read by jupytext. A header says what a cell is; `load_unit` refuses a file whose cells do not
fit together, and names every fault at once, each with its line.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jupytext

HEADER = re.compile(r"^# %%(?=\s|$)")
OPTIONS = {
    "markdown": set(),
    "setup": set(),
    "demo": set(),
    "exercise": {"exercise", "minutes", "difficulty"},
    "check": {"check", "points"},
    "mistake": {"mistake", "name", "hint"},
    "variant": {"variant"},
    "question": {"question", "points"},
}
STUB = ["# YOUR CODE HERE", "raise NotImplementedError()"]  # nbgrader's own, so that both ways agree
GIVEN = {"rng", "reference"}  # names that a check gives to its tests


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


def definitions(source: str) -> dict[str, str]:
    """The names that `source` defines at its top level, and what they are."""
    found: dict[str, str] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef):
            added = any(isinstance(d, ast.Call) and getattr(d.func, "id", "") == "add_to" for d in node.decorator_list)
            if added:  # a method: what is checked is its class
                found[ast.unparse(node.decorator_list[0].args[0])] = "class"  # type: ignore[attr-defined]
            else:
                found[node.name] = "function"
        elif isinstance(node, ast.ClassDef):
            found[node.name] = "class"
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found.update({n.id: "value" for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)})
    return found


def _regions(source: str, what: str) -> tuple[list[str], list[str]]:
    """Lines outside and inside the regions between BEGIN `what` and END `what`; markers in neither."""
    outside: list[str] = []
    inside: list[str] = []
    within = False
    for line in source.splitlines():
        if f"BEGIN {what}" in line or f"END {what}" in line:
            within = f"BEGIN {what}" in line
        else:
            (inside if within else outside).append(line)
    return outside, inside


def visible(source: str) -> str:
    """A check cell without its hidden tests."""
    return "\n".join(_regions(source, "HIDDEN TESTS")[0])


def hidden_tests(source: str) -> set[str]:
    """Names of the hidden tests of a check cell."""
    return set(re.findall(r"^def (test_\w+)", "\n".join(_regions(source, "HIDDEN TESTS")[1]), re.MULTILINE))


def cleared(source: str) -> str:
    """An exercise cell as nbgrader clears it: the stub in place of each solution region."""
    out: list[str] = []
    within = False
    for line in source.splitlines():
        if "BEGIN SOLUTION" in line:
            within = True
            indent = line[: len(line) - len(line.lstrip())]
            out += [indent + stub for stub in STUB]
        elif "END SOLUTION" in line:
            within = False
        elif not within:
            out.append(line)
    return "\n".join(out)


def check_call(source: str) -> ast.Call | None:
    """The ``check(...)`` that ends a check cell, if there is one."""
    body = ast.parse(source).body
    last = body[-1].value if body and isinstance(body[-1], ast.Expr) else None
    is_check = isinstance(last, ast.Call) and isinstance(last.func, ast.Name) and last.func.id == "check"
    return last if is_check else None  # type: ignore[return-value]


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
        for line, message in _faults(unit):
            fault(line, message)
    if errors:
        raise SourceErrors(errors)
    return unit


def unit_path(unit: str | Path, solutions: Path | None = None) -> Path:
    """The source of a unit by name ("05_activations", or just "05") or by path.

    Raises:
        FileNotFoundError: there is none; the message names those there are.
    """
    if Path(unit).suffix == ".py" and Path(unit).is_file():
        return Path(unit)
    folder = solutions or Path("solutions")
    known = sorted(folder.glob("[0-9][0-9]_*.py"))
    found = [path for path in known if path.stem == str(unit) or path.stem.split("_")[0] == str(unit)]
    if not found:
        names = ", ".join(path.stem for path in known) or f"none (looked in {folder.resolve()})"
        raise FileNotFoundError(f"There is no unit {str(unit)!r}. Units: {names}")
    return found[0]


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
                "mistake=, variant=, or has no options (a demo)",
            )
            continue
        if kind in ("check", "question") and not isinstance(options.get("points"), (int, float)):
            fault(line, f"a {kind} needs points=NUMBER")
        cells.append(Cell(kind, options.get(kind), options, raw.source, line, index))
    return cells


def _kind(cell_type: str, title: str, options: dict[str, Any]) -> str | None:
    if cell_type == "markdown":
        return None if title else "question" if "question" in options else "markdown"
    if title:
        return "setup" if title == "setup" and not options else None
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


def _faults(unit: Unit) -> Iterator[tuple[int, str]]:
    names = {cell.name for cell in unit.questions} | {f"check-{name}" for name in unit.exercises} | set(unit.exercises)
    if len(names) != len(unit.questions) + 2 * len(unit.exercises):
        yield 1, "an exercise and a question share a name"
    for cell in unit.cells:
        for what, kinds in (("SOLUTION", ("exercise",)), ("HIDDEN TESTS", ("check",))):
            marks = re.findall(rf"(BEGIN|END) {what}", cell.source)
            if marks and cell.kind not in kinds:
                yield cell.line, f"a {what} marker in a {cell.kind} cell: students would see what it hides"
            elif marks != ["BEGIN", "END"] * (len(marks) // 2):
                yield cell.line, f"BEGIN {what} and END {what} do not pair up"
    setup = set().union(*(_assigned(ast.parse(cell.source)) for cell in unit.setups)) if unit.setups else set()
    defined: set[str] = set()
    for exercise in unit.exercises.values():
        defined |= set(exercise.defines)
        yield from _exercise_faults(exercise, setup | defined)


def _exercise_faults(exercise: Exercise, known: set[str]) -> Iterator[tuple[int, str]]:
    line = exercise.cell.line
    if "BEGIN SOLUTION" not in exercise.cell.source:
        yield (
            line,
            f'exercise "{exercise.name}" has no ### BEGIN SOLUTION region: its answer would be handed out',
        )
    else:
        try:
            ast.parse(exercise.stub)
        except SyntaxError as error:
            yield line, f'the stub of "{exercise.name}" is not valid Python: {error.msg}'
    if len(exercise.mistakes) < 4:
        yield line, f'exercise "{exercise.name}" has {len(exercise.mistakes)} known mistakes; four are needed'
    if not exercise.variants:
        yield line, f'exercise "{exercise.name}" has no variant: add another right answer'
    check = exercise.check
    call = check_call(check.source)
    if call is None:
        yield (
            check.line,
            f'the check must end with check("{exercise.name}", points={check.options["points"]})',
        )
        return
    given = [ast.literal_eval(a) for a in call.args] + [
        ast.literal_eval(k.value) for k in call.keywords if k.arg != "changes"
    ]
    if given != [exercise.name, check.options["points"]]:
        yield (
            check.line,
            f'header says "{exercise.name}", {check.options["points"]} points; check() says {given}',
        )
    tree = ast.parse(check.source)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    tests = [node for node in functions if node.name.startswith("test_")]
    if not [test for test in tests if test.name not in exercise.hidden]:
        yield check.line, "no visible test: a student could not tell a right answer from a wrong one"
    for name in {f.name for f in functions if sum(g.name == f.name for g in functions) > 1}:
        yield check.line, f"two functions are called {name}: Python keeps only the last"
    for test in tests:
        if not ast.get_docstring(test):
            yield check.line + test.lineno, f"{test.name} has no title: give it a docstring"
        if test.args.args:
            yield check.line + test.lineno, f"{test.name} takes arguments: tests take none"
    shown = ast.parse(visible(check.source))
    if any(isinstance(n, ast.Name) and n.id == "reference" for n in ast.walk(shown)):
        yield (
            check.line,
            "a visible test uses `reference`, which students do not have: hide it, or compute the value",
        )
    for name in sorted(_free(tree) - known - GIVEN - set(dir(builtins))):
        yield (
            check.line,
            f"the tests use `{name}`, which neither a setup cell nor an exercise up to here defines",
        )


def _assigned(tree: ast.AST) -> set[str]:
    """Names that a module's top level binds."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def _free(tree: ast.Module) -> set[str]:
    """Names that a check cell reads and does not bind anywhere."""
    bound = _assigned(tree) | {
        a.arg
        for n in ast.walk(tree)
        if isinstance(n, ast.arguments)
        for a in (*n.args, *n.kwonlyargs, *n.posonlyargs, *filter(None, (n.vararg, n.kwarg)))
    }
    bound |= {n.name for n in ast.walk(tree) if isinstance(n, ast.ExceptHandler) and n.name}
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)} - bound
