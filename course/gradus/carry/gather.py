"""The code of an exercise, read out of the running notebook, with what it needs to run elsewhere."""

from __future__ import annotations

import ast
import builtins
import inspect
import linecache
import sys
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..reads import names_read

MOST = 2000  # characters of a constant that is written out


class NotKept(ValueError):
    """Why an exercise's code cannot live outside its notebook, and what to do about it."""


@dataclass
class Piece:
    """Code that stands by itself: imports, then what it leans on, then the exercise's own definitions."""

    imports: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)

    @property
    def code(self) -> str:
        return "\n\n\n".join(self.parts)


def gather(names: Iterable[str], space: dict[str, Any], known: Iterable[str] = ()) -> Piece:
    """The code that defines `names`, with the imports, constants and helpers that it reads.

    Args:
        names: "softmax", "Tensor", or "Tensor.relu" for a method that ``@add_to(Tensor)`` brings.
        space: the notebook's names.
        known: names of the unit's other exercises, which are kept by themselves.

    Raises:
        NotKept: it reads something that only this notebook has.
    """
    names, piece = list(names), Piece()
    own = {name.split(".")[0] for name in [*names, *known]}
    texts: list[tuple[int, str]] = []
    seen: set[str] = set()
    todo = [(name, True) for name in names]
    while todo:
        name, wanted = todo.pop(0)
        if name in seen:
            continue
        seen.add(name)
        lines, node = _definition(name, space)
        text = _text(lines, node)
        texts.append((2 if wanted else 1, text))
        for read in names_read(text):
            if read in own or read in seen or (read not in space and hasattr(builtins, read)):
                continue
            if read not in space:
                raise NotKept(f"`{name}` uses `{read}`, which is defined nowhere")
            line = _as_line(read, space[read], space)
            if line is None:
                todo.append((read, False))
            elif line.startswith(("import ", "from ")) or "gradus.carried(" in line:
                _once(piece.imports, line)
            else:
                texts.append((0, line))
    piece.parts = list(dict.fromkeys(text for _, text in sorted(texts, key=lambda entry: entry[0])))
    if any("gradus.carried(" in line for line in piece.imports):
        _once(piece.imports, "import gradus")
    piece.imports.sort(key=lambda line: "gradus.carried(" in line)
    return piece


def text_of(name: str, space: dict[str, Any]) -> str:
    """The code that defines `name` in the notebook; "" where it cannot be found."""
    try:
        return _text(*_definition(name, space))
    except NotKept:
        return ""


def _once(lines: list[str], line: str) -> None:
    if line not in lines:
        lines.append(line)


def _definition(name: str, space: dict[str, Any]) -> tuple[list[str], ast.stmt]:
    """The lines of the cell in which `name` was last defined, and its statement there."""
    owner, _, method = name.rpartition(".")
    value = space.get(owner or name)
    if owner:
        value = inspect.getattr_static(value, method, None)
        value = getattr(value, "__func__", None) or getattr(value, "fget", None) or value
    filename = _filename(value)
    for lines in [linecache.getlines(filename)] if filename else _cells(space):
        try:
            body = ast.parse("".join(lines)).body
        except SyntaxError:
            continue
        for node in reversed(body):
            if _defines(node, method or name, bool(owner)):
                return lines, node
    raise NotKept(f"the cell in which `{name}` is defined cannot be found")


def _filename(value: Any) -> str | None:
    """The file of a function, or of a class by one of its own methods."""
    if isinstance(value, type):
        own = (
            getattr(member, "__func__", None) or getattr(member, "fget", None) or member
            for member in vars(value).values()
        )
        value = next((f for f in own if _qualified(f).startswith(value.__qualname__ + ".")), None)
    value = inspect.unwrap(value) if callable(value) else value
    return value.__code__.co_filename if isinstance(value, types.FunctionType) else None


def _qualified(value: Any) -> str:
    return value.__qualname__ if isinstance(value, types.FunctionType) else ""


def _cells(space: dict[str, Any]) -> Iterator[list[str]]:
    """The cells that were run, the last one first: IPython keeps their text."""
    history = space.get("In")
    for text in reversed(history if isinstance(history, list) else []):
        yield str(text).splitlines(keepends=True)


def _defines(node: ast.stmt, name: str, method: bool) -> bool:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return node.name == name and method == any("add_to" in ast.unparse(d) for d in node.decorator_list)
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return any(isinstance(target, ast.Name) and target.id == name for target in targets)


def _text(lines: list[str], node: ast.stmt) -> str:
    """A statement with its decorators and the comment right above it."""
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(d.lineno for d in decorators)]) - 1
    while first > 0 and lines[first - 1].startswith("#") and not lines[first - 1].startswith("# %%"):
        first -= 1
    return "".join(lines[first : node.end_lineno]).rstrip()


def _as_line(name: str, value: Any, space: dict[str, Any]) -> str | None:
    """The line that brings `value` back elsewhere; None if its code must be gathered.

    Raises:
        NotKept: no line can.
    """
    from .bring import origin

    carried = origin(value)
    if carried:
        return f"{name} = gradus.carried({carried[0]!r}){carried[1]}"
    if isinstance(value, types.ModuleType):
        top, _, last = value.__name__.rpartition(".")
        if name == value.__name__:
            return f"import {name}"
        return f"from {top} import {last}" if top and name == last else f"import {value.__name__} as {name}"
    module, qualified = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if (inspect.isfunction(value) or inspect.isclass(value)) and module == space.get("__name__"):
        return None
    called = str(qualified or getattr(value, "__name__", ""))
    for source in (str(module).split(".")[0], module, "numpy", "scipy.special", "math"):  # ufuncs name no module
        if called and getattr(sys.modules.get(str(source)), called, None) is value:
            return f"from {source} import {called}" + ("" if called == name else f" as {name}")
    text = repr(value)
    try:
        if len(text) <= MOST and ast.literal_eval(text) == value:
            return f"{name} = {text}"
    except (ValueError, SyntaxError, TypeError, MemoryError):
        pass
    raise NotKept(
        f"it uses `{name}`, which only this notebook has ({type(value).__name__}). Make it an argument, or import or define it "
        "inside, and run the check again"
    )
