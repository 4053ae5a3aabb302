"""What stands for a student's functions, classes and objects in the examiner.

Calling one sends plain data to the student's process and brings plain data back. A stand-in is never equal
to anything and never true: only data can be judged.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from gradus.check.guard import watched

if TYPE_CHECKING:
    from .kernel import Kernel


class RemoteFunction:
    """A function of the student's, by name: always its current definition."""

    def __init__(self, kernel: Kernel, name: str) -> None:
        self._kernel = kernel
        self.__name__ = name
        self._gradus_reference = ("name", name)

    def _send(self, /, *args: Any, **kwargs: Any) -> Any:
        return self._kernel.request("call", ["name", self.__name__], *args, **kwargs)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return watched(self.__name__, self._send, args, kwargs, self._kernel.parameters.get(self.__name__, []))


class RemoteClass(RemoteFunction):
    """A class of the student's: call it for an instance, ask `isinstance` of it."""

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return self._send(*args, **kwargs)

    def __instancecheck__(self, instance: Any) -> bool:
        if not isinstance(instance, RemoteObject):
            return False
        return self._kernel.request("isinstance", None, instance, self) is True

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._kernel.request("attr", ["name", self.__name__], name)


class RemoteObject:
    """An object in the student's process, by handle."""

    __hash__ = None  # type: ignore[assignment]
    _gradus_stand_in = True

    def __init__(self, kernel: Kernel, handle: int, kind: str) -> None:
        vars(self).update(_kernel=kernel, _kind=kind, _gradus_reference=("handle", handle))

    def _ask(self, op: str, /, *args: Any, **kwargs: Any) -> Any:
        return self._kernel.request(op, list(self._gradus_reference), *args, **kwargs)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        known = self._kernel.parameters
        for name in (self._kind, f"{self._kind}.__call__", f"{self._kind}.forward"):
            if "." in name and name in known:  # a method of an exercise: a notebook watches these, and no others
                break
        else:
            return self._ask("call", *args, **kwargs)
        try:
            return watched(name, lambda *a, **k: self._ask("call", *a, **k), args, kwargs, known[name])
        except NotImplementedError as error:
            error.exercise_name = name  # type: ignore[attr-defined]
            raise

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name.startswith("_gradus"):
            raise AttributeError(name)
        found = self._ask("attr", name)
        if isinstance(found, RemoteObject) and found._kind in (
            "method",
            "builtin_function_or_method",
            "function",
        ):
            vars(found)["_kind"] = f"{self._kind}.{name}"
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        self._ask("setattr", name, value)

    def __getitem__(self, key: Any) -> Any:
        return self._ask("item", key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._ask("setitem", key, value)

    def __len__(self) -> int:
        length = self._ask("len")
        if type(length) is not int or length < 0:
            raise _unfit("the student's object has no proper length")
        return length

    def __iter__(self) -> Iterator[Any]:
        items = self._ask("iter")
        if type(items) is not list:
            raise _unfit("the student's object cannot be iterated over")
        return iter(items)

    def _refuse(self, *args: Any) -> Any:
        raise _unfit(f"the code returned an object of type {self._kind}, where plain data is expected")

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse  # type: ignore[assignment]
    __bool__ = __float__ = __int__ = __index__ = __contains__ = _refuse
    __array__ = _refuse

    def __repr__(self) -> str:
        return f"<{self._kind} in the student's process>"


def _unfit(text: str) -> TypeError:
    """An error that shows a learner its message, and none of our lines."""
    error = TypeError(text)
    error.student_lines = []  # type: ignore[attr-defined]
    return error


def _operator(name: str, swapped: bool) -> Callable:
    def operate(self: RemoteObject, *others: Any) -> Any:
        args = (*others, self) if swapped else (self, *others)
        return self._kernel.request("operate", None, name, *args)

    return operate


for _name in ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"]:
    setattr(RemoteObject, f"__{_name}__", _operator(_name, False))
    setattr(RemoteObject, f"__r{_name}__", _operator(_name, True))
for _name in ("neg", "pos", "abs"):
    setattr(RemoteObject, f"__{_name}__", _operator(_name, False))
RemoteObject.__array_ufunc__ = None  # type: ignore[attr-defined]  # so that `array * object` asks the object


def stand_in(kernel: Kernel, name: str, kind: str) -> Any:
    """The stand-in for a name that an exercise defines."""
    return (RemoteClass if kind == "class" else RemoteFunction)(kernel, name)


def probe(kernel: Kernel, function: Callable) -> Callable:
    """Define `function` in the student's process, without its decorator, and call it there."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    definition = tree.body[0]
    assert isinstance(definition, ast.FunctionDef)
    definition.decorator_list = []
    name, source = definition.name, ast.unparse(tree)
    parameters = [argument.arg for argument in definition.args.args]
    defined = False

    def send(*args: Any, **kwargs: Any) -> Any:
        nonlocal defined
        if not defined:
            kernel.request("define", None, name, source)
            defined = True
        return kernel.request("call", ["probe", name], *args, **kwargs)

    def call(*args: Any, **kwargs: Any) -> Any:
        return watched(name, send, args, kwargs, parameters)

    call.__name__ = name
    return call
