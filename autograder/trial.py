"""Try one answer to one exercise: the reference, a variant, a mistake, a stub or a mutant.

`local_trial` runs the check as a student's notebook does; `examiner_trial` as grading does. The gates
use both, so that the two cannot drift apart.
"""

from __future__ import annotations

import ast
import copy
import inspect
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from gradus.check import load_reference
from gradus.check.report import Report
from gradus.check.run import run_cell_tests, used_names
from gradus.check.values import as_array, is_tensor

from .celltext import added_to, visible
from .source import Exercise, Unit


def reference_code(unit: Unit) -> str:
    """The setup cells and every reference solution, as one text."""
    parts = [cell.source for cell in unit.cells if cell.kind in ("setup", "exercise")]
    return "\n\n".join(parts)


def exercise_names(unit: Unit, exercise: Exercise) -> list[str]:
    """The names of exercises that the check of `exercise` reads, its own first defined."""
    every = {name for other in unit.exercises.values() for name in other.defines}
    used = used_names(ast.parse(exercise.check.source))
    return list(dict.fromkeys([*exercise.defines, *(n for n in used if n in every)]))


def parameters(exercise: Exercise) -> dict[str, list[str]]:
    """The argument names of each function and public method ("Class.method") that the reference of
    `exercise` defines: those that a notebook watches."""
    found = {}
    for node in ast.parse(exercise.cell.source).body:
        methods = node.body if isinstance(node, ast.ClassDef) else [node]
        for function in methods:
            if not isinstance(function, ast.FunctionDef):
                continue
            names = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
            owner = node.name if isinstance(node, ast.ClassDef) else added_to(function)
            if owner is None:
                found[function.name] = names
            elif function.name == "__call__" or not function.name.startswith("_"):
                found[f"{owner}.{function.name}"] = names[1:]
    return found


def check_file(exercise: str) -> str:
    """The file name that the frames of a check cell carry."""
    return f"<check {exercise}>"


def warm(unit: Unit) -> None:
    """Run the setup cells once in this process, so that forked trials find their imports done."""
    space: dict[str, Any] = {"__name__": "unit_warm"}
    for cell in unit.setups:
        exec(compile(cell.source, f"<setup {cell.line}>", "exec"), space)
    if "torch" in sys.modules:
        import torch._dynamo  # noqa: F401  (the first optimiser imports it: a second of work in every fork)


def _prepare(unit: Unit, exercise: Exercise, answers: list[str]) -> dict[str, Any]:
    """A namespace with the setup, the references before `exercise`, and `answers` run in turn."""
    import linecache

    module = types.ModuleType("unit_trial")
    sys.modules[module.__name__] = module
    space = module.__dict__
    for cell in unit.cells:
        if cell.kind == "setup":
            exec(compile(cell.source, f"<setup {cell.line}>", "exec"), space)
    for other in unit.exercises.values():
        if other.name == exercise.name:
            break
        exec(compile(other.cell.source, f"<exercise {other.name}>", "exec"), space)
    for i, answer in enumerate(answers):
        filename = f"<answer {exercise.name} {i}>"
        linecache.cache[filename] = (len(answer), None, answer.splitlines(keepends=True), filename)
        exec(compile(answer, filename, "exec"), space)
    return space


def local_trial(
    unit: Unit,
    exercise: Exercise,
    answers: list[str],
    hidden: bool,
    mutate: Callable[[dict[str, Any], Exercise], None] | None = None,
) -> Report:
    """Run the check in this process, as a notebook would. Call it in a fork."""
    space = _prepare(unit, exercise, answers)
    if mutate:
        mutate(space, exercise)
    source = exercise.check.source
    if hidden:
        space["reference"] = load_reference(reference_code(unit))
    else:
        source = visible(source)
    return run_cell_tests(source, check_file(exercise.name), space, exercise.name, exercise_names(unit, exercise))


def _mapped(value: Any, number: Callable[[np.ndarray], Any]) -> Any:
    """`value` with every array or number in it put through `number`, types and shapes kept."""
    array = as_array(value)
    if array is not None:
        changed = number(np.asarray(array))
        if is_tensor(value):
            import torch

            return torch.as_tensor(np.asarray(changed)).to(value.dtype)
        return np.asarray(changed) if isinstance(value, np.ndarray) else np.asarray(changed).item()
    if isinstance(value, str):
        return value + "x"
    if type(value) in (list, tuple):
        return type(value)(_mapped(item, number) for item in value)
    if type(value) is dict:
        return {key: _mapped(item, number) for key, item in value.items()}
    modules = getattr(sys.modules.get("torch"), "nn", None)
    if modules is not None and isinstance(value, modules.Module):
        made = copy.deepcopy(value)
        made.register_forward_hook(lambda module, given, answer: _mapped(answer, number))
        return made
    if isinstance(getattr(value, "data", None), np.ndarray):  # a Tensor, of whichever engine: its values
        made = copy.copy(value)
        made.data = _mapped(made.data, number)
        return made
    return value


def _shifted(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind == "b":
        return ~array
    return array + 1 if array.dtype.kind in "iu" else (array * 1.5 + 0.7).astype(array.dtype)


def _nan(array: np.ndarray) -> np.ndarray:
    return np.full(array.shape, np.nan)


class EqualToEverything:
    """Says yes to every question, and that it differs from everything by nothing."""

    def __eq__(self, other: object) -> bool:
        return True

    __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __eq__  # type: ignore[assignment]
    __hash__ = None  # type: ignore[assignment]

    def _nothing(self, *others: Any) -> float:
        return 0.0

    __abs__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __float__ = _nothing

    def __bool__(self) -> bool:
        return True

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise TypeError("no array")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *a, **k: self


def spoil(value: Any) -> bool:
    """Modify the first array, tensor or list found in `value` in place; whether there was one."""
    if isinstance(value, np.ndarray) and value.size and value.flags.writeable:
        value[...] = ~value if value.dtype.kind == "b" else value + 1 if value.dtype.kind in "iufc" else value
        return value.dtype.kind in "biufc"
    if is_tensor(value) and value.numel():
        value.detach().add_(1)
        return True
    if type(value) is list and value and isinstance(value[0], (int, float)):
        value[0] = value[0] + 1
        return True
    if type(value) in (list, tuple):
        return any(spoil(item) for item in value)
    return any(spoil(item) for item in value.values()) if type(value) is dict else False


spoiled: list[str] = []  # tests in which the in-place mutant found something to modify


def _answering(change: Callable[[Any], Any]) -> Callable[[Callable], Callable]:
    def wrap(function: Callable) -> Callable:
        def mutant(*args: Any, **kwargs: Any) -> Any:
            try:
                return change(function(*args, **kwargs))
            except Exception:
                return None  # a mutant never raises: raising may be the right answer

        mutant.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
        return mutant

    return wrap


def _idle(answer: Callable[[], Any]) -> Callable[[Callable], Callable]:
    """Does nothing, and answers something: of a method that works by what it changes, the work is left undone."""

    def wrap(function: Callable) -> Callable:
        def mutant(*args: Any, **kwargs: Any) -> Any:
            return answer()

        mutant.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
        return mutant

    return wrap


def _in_place(allowed: set[str]) -> Callable[[Callable], Callable]:
    def wrap(function: Callable) -> Callable:
        names = list(inspect.signature(function).parameters)

        def mutant(*args: Any, **kwargs: Any) -> Any:
            from gradus.check.values import copied

            result = copied(function(*copied(args), **copied(kwargs)))
            changeable = [a for i, a in enumerate(args) if i >= len(names) or names[i] not in allowed]
            changeable += [a for n, a in kwargs.items() if n not in allowed]
            if any([spoil(a) for a in changeable]):
                frame: Any = inspect.currentframe()
                while frame is not None:
                    if frame.f_code.co_name.startswith("test_"):
                        spoiled.append(frame.f_code.co_name)
                    frame = frame.f_back
            return result

        mutant.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
        return mutant

    return wrap


def mutant(kind: str) -> Callable[[dict[str, Any], Exercise], None]:
    """A function that spoils the exercise's functions and public methods in a namespace."""

    def mutate(space: dict[str, Any], exercise: Exercise) -> None:
        wraps = {
            "None": _idle(lambda: None),
            "NaN": _answering(lambda r: _mapped(r, _nan)),
            "wrong values": _answering(lambda r: _mapped(r, _shifted)),
            "equal to everything": _idle(EqualToEverything),
            "in place": _in_place(set(exercise.changes)),
        }
        changes = {"NaN": _nan, "wrong values": _shifted}
        wrap = wraps[kind]
        for name in exercise.defines:
            value = space.get(name)
            if inspect.isfunction(value):
                space[name] = wrap(value)
            elif inspect.isclass(value):
                for attribute, member in list(vars(value).items()):
                    if kind == "in place" and attribute == "__getitem__":
                        continue  # what stands in the brackets is mostly made there, and nobody could see it changed
                    if inspect.isfunction(member) and (not attribute.startswith("_") or attribute in OPERATORS):
                        setattr(value, attribute, _method(wrap, member, changes.get(kind)))

    return mutate


def _method(wrap: Callable, member: Callable, change: Callable | None) -> Callable:
    names = list(inspect.signature(member).parameters.values())[1:]

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        def bound(*a: Any, **k: Any) -> Any:
            return member(self, *a, **k)

        bound.__signature__ = inspect.Signature(names)  # type: ignore[attr-defined]
        result = wrap(bound)(*args, **kwargs)
        if change and (result is self or result is None):  # what it answers is what it keeps
            vars(self).update({key: _mapped(value, change) for key, value in vars(self).items()})
        return result

    return method


OPERATORS = ("__call__", "__getitem__")  # of a class, beside its public methods
MUTANTS = ("None", "NaN", "wrong values", "equal to everything", "in place")
