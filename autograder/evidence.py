"""What a submission has done to the process that runs it, as far as that process can tell.

No point rests on this: the verdicts are made elsewhere, from data alone. It is for the instructor, who should hear
that somebody has patched numpy or left a program running. The student's code could hide it, and then gains nothing.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import types
from collections.abc import Iterator
from typing import Any

PLACES = (  # modules and classes whose functions nobody needs to replace
    "builtins",
    "copy",
    "json",
    "math",
    "operator",
    "os",
    "random",
    "time",
    "numpy",
    "numpy.linalg",
    "numpy.random",
    "numpy.testing",
    "torch",
    "torch.autograd",
    "torch.nn.functional",
    "torch.Tensor",
    "torch.nn.Module",
)
OURS = ("gradus", "autograder")
MAX_LINES = 20
FUNCTIONS = (types.FunctionType, types.MethodType)
NOTEBOOK = "__main__"  # the module in which a notebook's cells run


class Before:
    """What the process was like before the student's first cell."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.modules = {name: module for name, module in sys.modules.items() if _watched(name)}
        self.places = {name: (place, _callables(place)) for name, place in _places(self.modules)}
        self.threads = {thread.ident for thread in threading.enumerate()}

    def found(self) -> list[str]:
        """What is otherwise now, a line each; [] where nothing is."""
        return list(self._all())[:MAX_LINES]

    def _all(self) -> Iterator[str]:
        for name, module in self.modules.items():
            if sys.modules.get(name) is not module:
                yield f"the module {name} was replaced"
        for name, (place, before) in self.places.items():
            now = vars(place)
            changed = sorted(key for key, value in before.items() if now.get(key) is not value)
            if changed:
                yield f"patched in {name}: {_some(changed)}"
        yield from self._hooks()
        threads = [t for t in threading.enumerate() if t.ident not in self.threads and _own(t)]
        if threads:
            yield f"{_count(len(threads), 'thread')} still running at the end"
        others = _processes()
        if others:
            yield f"{_count(others, 'process', 'es')} still running at the end"

    def _hooks(self) -> Iterator[str]:
        """Functions of the notebook's that run unasked."""
        shell = self.shell
        hooks: dict[str, Any] = {
            "sys.meta_path": sys.meta_path,
            "sys.path_hooks": sys.path_hooks,
            "sys.settrace": [sys.gettrace()],
            "sys.setprofile": [sys.getprofile()],
            "sys.excepthook": [sys.excepthook],
            "sys.displayhook": [sys.displayhook],
            "IPython's input": [*shell.input_transformers_cleanup, *shell.input_transformers_post],
            "IPython's syntax trees": shell.ast_transformers,
            "IPython's errors": [getattr(shell, "custom_exceptions", ()), getattr(shell, "CustomTB", None)],
            "IPython's shell": [value for value in vars(shell).values() if isinstance(value, FUNCTIONS)],
        }
        for event, callbacks in shell.events.callbacks.items():
            hooks[f"IPython's event {event}"] = callbacks
        for number in signal.valid_signals():
            hooks[f"the signal {number}"] = [signal.getsignal(number)]
        for name, functions in hooks.items():
            if any(_defined_in_notebook(function) for function in functions):
                yield f"a hook on {name}"


def _watched(name: str) -> bool:
    return name in PLACES or name.split(".")[0] in OURS


def _places(modules: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, module in modules.items():
        yield name, module
        for key, value in list(vars(module).items()) if name.split(".")[0] in OURS else []:
            if isinstance(value, type) and value.__module__ == name:
                yield f"{name}.{key}", value
    for name in PLACES:
        module, _, attribute = name.rpartition(".")
        value = getattr(modules.get(module) or sys.modules.get(module), attribute, None)
        if isinstance(value, type):
            yield name, value


def _callables(place: Any) -> dict[str, Any]:
    """The functions and classes of a module or class; of names with a first underscore, only the special ones.

    Libraries replace their private ones themselves.
    """
    return {
        key: value
        for key, value in list(vars(place).items())
        if callable(value) and (not key.startswith("_") or (key.startswith("__") and isinstance(place, type)))
    }


def _defined_in_notebook(thing: Any) -> bool:
    if getattr(thing, "__module__", None) == NOTEBOOK:
        return callable(thing) or type(thing).__module__ == NOTEBOOK
    return type(thing).__module__ == NOTEBOOK


def _own(thread: threading.Thread) -> bool:
    """Whether the notebook's code runs in it: progress bars and libraries have threads of their own."""
    target = getattr(thread, "_target", None)
    return type(thread).__module__ == NOTEBOOK or getattr(target, "__module__", None) in (NOTEBOOK, "time")


def _processes() -> int:
    """How many processes this one has started that still run."""
    found, waiting = 0, [os.getpid()]
    while waiting:
        pid = waiting.pop()
        try:
            threads = os.listdir(f"/proc/{pid}/task")
        except OSError:
            continue
        for thread in threads:
            try:
                with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                    children = [int(word) for word in file.read().split()]
            except (OSError, ValueError):
                continue
            waiting += children
            found += sum(_runs(child) for child in children)
    if os.getppid() == 1:  # a process table of its own, with the watcher first: orphans are the watcher's children
        others = {int(name) for name in os.listdir("/proc") if name.isdigit()} - {1, os.getpid()}
        found = max(found, sum(map(_runs, others)))
    return found


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (OSError, IndexError):
        return False


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _count(number: int, what: str, plural: str = "s") -> str:
    return f"{number} {what}{plural if number > 1 else ''}"
