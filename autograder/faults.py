"""What is wrong with a unit before anything of it is run."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .celltext import check_call, visible

if TYPE_CHECKING:
    from .source import Cell, Exercise, Unit

MAX_FILES = 20  # with a notebook they must fit into one message
FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,60}\.[A-Za-z0-9]{1,10}")
GIVEN = {"rng", "reference"}  # names that a check gives to its tests


def faults(unit: Unit) -> Iterator[tuple[int, str]]:
    """Line and message of every fault that can be seen in the text of `unit`."""
    names = {cell.name for cell in unit.questions} | {f"check-{name}" for name in unit.exercises} | set(unit.exercises)
    if len(names) != len(unit.questions) + 2 * len(unit.exercises):
        yield 1, "an exercise and a question share a name"
    for cell in unit.setups:
        yield from _file_faults(cell)
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


def _file_faults(cell: Cell) -> Iterator[tuple[int, str]]:
    """Names are put into a folder that the student's code owns: plain ones, and nothing that Python would import."""
    names = cell.options.get("files", [])
    if not (isinstance(names, list) and all(isinstance(name, str) for name in names)) or len(names) > MAX_FILES:
        yield cell.line, f'files= takes a list of at most {MAX_FILES} names, such as files=["sentences.txt"]'
        return
    for name in names:
        if not FILE_NAME.fullmatch(name) or re.search(r"\.(ipynb|pyc?|so|pth|zip)$|-\d+(\.\w+)?$", name):
            yield (
                cell.line,
                f"files: {name!r} cannot be taken: letters, digits, _ and -, with an ending such as .txt or .csv; no "
                "folder, notebook, program or zip, and no -NUMBER at the end, which Canvas puts to versions",
            )


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
    try:
        named = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
        given = [ast.literal_eval(value) for value in call.args]
    except ValueError:
        yield check.line, "check() takes names and numbers as they are, nothing computed"
        return
    named.pop("changes", None)
    given += named.values()
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
