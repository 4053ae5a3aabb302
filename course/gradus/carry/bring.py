"""Earlier units' code in later ones: the student's own where it is complete, else the stand-in on PyTorch."""

from __future__ import annotations

import ast
import contextlib
import importlib
import io
import linecache
import pkgutil
import sys
import types
from collections.abc import Iterable
from typing import Any

from .. import home, standin
from ..check.hints import defines, names_of
from ..reads import names_read
from .shelf import Shelf, digest, read

_known: dict[tuple[str, str], Carried] = {}  # unit and the text it was made from: asked twice, the same classes
_origins: dict[int, tuple[str, str, Any]] = {}  # what was given out, so that code that uses it can say where it is from


class Carried:
    """What a unit brings to later ones; each name is an attribute.

    `own` says of each name whether it is the student's own code (True) or the stand-in (False).
    """

    def __init__(self, unit: str, names: dict[str, Any], own: dict[str, bool], said: str) -> None:
        self.unit, self.own, self.said = unit, own, said
        self._names = names
        _origins[id(self)] = (unit, "", self)
        for name, value in names.items():
            _origins[id(value)] = (unit, f".{name}", value)

    def __getattr__(self, name: str) -> Any:
        names = self.__dict__.get("_names", {})
        if name in names:
            return names[name]
        raise AttributeError(f"{self.__dict__.get('unit')} brings no {name!r}. It brings: {', '.join(names)}.")

    def __repr__(self) -> str:
        return self.said


def origin(value: Any) -> tuple[str, str] | None:
    """Unit and attribute of something that `carried` gave out; None for anything else."""
    found = _origins.get(id(value))
    return found[:2] if found and found[2] is value else None


def units() -> list[str]:
    """The units whose code can be carried forward, in order: those for which there is a stand-in."""
    from ..check.hints import FOLDER

    stems = {module.name for module in pkgutil.iter_modules(standin.__path__)}
    return [path.stem for path in sorted(FOLDER.glob("*.json")) if path.stem.split("_", 1)[-1] in stems]


def carried(unit: str, own: bool = True) -> Carried:
    """What `unit` built, for use in a later one; says whose code runs.

    The student's own code serves as soon as all that belongs together has passed its checks (all methods of a class,
    all functions that it calls); until then, and wherever work is graded, the stand-in on PyTorch with the same
    interface.

    Args:
        unit: such as "03_backprop".
        own: False takes the stand-in in any case.

    Raises:
        ValueError: nothing of that unit can be carried forward.
    """
    found = brought(unit, own)
    if not home.grading:
        print(found.said)
    return found


def brought(unit: str, own: bool = True) -> Carried:
    """The same without a word."""
    stem = unit.split("_", 1)[-1]
    try:
        stand_in = importlib.import_module(f"gradus.standin.{stem}")
    except ModuleNotFoundError as error:
        if error.name != f"gradus.standin.{stem}":
            raise
        raise ValueError(
            f"Nothing is carried forward from {unit!r}. Units that can be: {', '.join(units())}."
        ) from None
    shelf, trouble = None, ""
    if own and home.keeping():
        try:
            shelf = read(unit)
        except OSError as error:
            trouble = f"mine/{stem}.py cannot be read ({error.strerror})"
    key = (unit, digest(shelf.text()) if shelf and shelf.sections else "")
    if key not in _known:
        with contextlib.redirect_stdout(io.StringIO()):  # kept code brings what it needs itself
            _known[key] = _made(unit, stem, stand_in, shelf, trouble)
    return _known[key]


def _made(unit: str, stem: str, stand_in: types.ModuleType, shelf: Shelf | None, trouble: str) -> Carried:
    names = {name: getattr(stand_in, name) for name in _public(stand_in)}
    parts = defines(unit)
    whole: set[str] = set()
    if shelf and shelf.sections:
        try:
            whole = complete(shelf, parts)
            module = run(shelf, whole, f"mine.{stem}") if whole else None
        except Exception as error:
            trouble, module, whole = _told(shelf, error), None, set()
        if module is not None:
            brought = {name.split(".")[0] for exercise in whole for name in parts[exercise]}
            names.update({name: getattr(module, name) for name in brought if hasattr(module, name)})
    top = names_of(parts)
    mine = {name.split(".")[0] for exercise in whole for name in parts[exercise]}
    own = {name: name in mine for name in [*(n for n in top if n in names), *(n for n in names if n not in top)]}
    return Carried(unit, names, own, _said(unit, shelf, own, parts, trouble))


def _public(module: types.ModuleType) -> list[str]:
    listed = getattr(module, "__all__", None)
    if listed:
        return list(listed)
    own = (name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__)
    return [name for name in own if not name.startswith("_")]


def complete(shelf: Shelf, parts: dict[str, list[str]]) -> set[str]:
    """The kept exercises that can run without the stand-in: nothing that they define or read is missing."""
    makers: dict[str, set[str]] = {}
    for exercise, names in parts.items():
        for name in names:
            makers.setdefault(name.split(".")[0], set()).add(exercise)
    needs = {}
    for exercise, section in shelf.sections.items():
        if exercise in parts:
            concerned = [name.split(".")[0] for name in parts[exercise]] + names_read(section.code)
            needs[exercise] = set().union(*(makers.get(name, set()) for name in concerned))
    whole = set(needs)
    while True:
        left = {exercise for exercise in whole if needs[exercise] <= whole}
        if left == whole:
            return whole
        whole = left


def run(shelf: Shelf, exercises: Iterable[str], name: str) -> types.ModuleType:
    """A module of those sections, with the file's own line numbers, so that a traceback can be followed."""
    module = types.ModuleType(name)
    module.__file__ = str(shelf.path)
    linecache.checkcache(str(shelf.path))
    exec(compile("\n".join(shelf.imports), str(shelf.path), "exec"), module.__dict__)
    for exercise in [e for e in shelf.sections if e in set(exercises)]:
        section = shelf.sections[exercise]
        tree = ast.increment_lineno(ast.parse(section.code), section.line - 1)
        exec(compile(tree, str(shelf.path), "exec"), module.__dict__)
    sys.modules[name] = module
    return module


def _told(shelf: Shelf, error: Exception) -> str:
    line = getattr(error, "lineno", None)
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == str(shelf.path):
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    where = f", line {line}" if line and not isinstance(error, SyntaxError) else ""
    return f"{home.shown(shelf.path)}{where} cannot be used ({type(error).__name__}: {error}); mend it there, or run its check again"


def _said(unit: str, shelf: Shelf | None, own: dict[str, bool], parts: dict[str, list[str]], trouble: str) -> str:
    mine = [name for name, is_own in own.items() if is_own]
    others = [name for name, is_own in own.items() if not is_own]
    if shelf and mine and not others:
        return f"{unit}: your own code runs ({home.shown(shelf.path)}): {', '.join(mine)}."
    left = [exercise for exercise in parts if not shelf or exercise not in shelf.sections]
    lines = [f"{unit}: the stand-in on PyTorch runs" + (f" for {', '.join(others)}." if mine else ".")]
    if shelf and mine:
        lines.append(f"Your own code runs ({home.shown(shelf.path)}) for {', '.join(mine)}.")
    if trouble:
        lines.append(f"{trouble}.")
    elif shelf is not None:
        done = len(parts) - len(left)
        lines.append(
            f"Your own takes over when its checks have passed; left: {', '.join(left)}."
            if done
            else f"Your own takes over when the checks of {unit}.ipynb have passed."
        )
    return " ".join(lines)
