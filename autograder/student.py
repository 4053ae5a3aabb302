"""The student's side: a process that runs the submission's cells and answers the examiner's calls.

Everything here is at the student's mercy, which is why nothing here decides anything: the examiner takes
what comes back as data and judges it elsewhere. Run as ``python -P -m autograder.student FD SPEC``.
"""

from __future__ import annotations

import base64
import contextlib
import importlib
import io
import json
import operator
import os
import random
import socket
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from gradus.check.traces import student_lines
from gradus.check.values import copied, unchanged

from . import confine
from .evidence import Before
from .wire import Channel, WireError, decode, encode, parts

OPERATORS: dict[str, Callable[..., Any]] = {
    name: getattr(operator, name)
    for name in [
        "add",
        "sub",
        "mul",
        "truediv",
        "floordiv",
        "mod",
        "pow",
        "matmul",
        "neg",
        "pos",
        "abs",
        "and_",
        "or_",
        "xor",
        "invert",
    ]
}
MAX_OUTPUT = 1 << 20  # characters kept of one cell's outputs, a picture's aside
MAX_PICTURE = 4 << 20
MAX_ITER = 100_000


class Outputs:
    """What a cell showed, as nbformat outputs, up to a limit."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []
        self.size = 0

    def reset(self) -> None:
        self.items, self.size = [], 0

    def add(self, output: dict[str, Any], size: int) -> None:
        if self.size < MAX_OUTPUT and size < MAX_PICTURE:
            self.items.append(output)
        self.size += min(size, MAX_OUTPUT) + 100  # so that a million empty ones come to an end too

    def stream(self, name: str, text: str) -> None:
        text = text[: max(0, MAX_OUTPUT - self.size)]
        self.size += len(text)
        if not text:
            return
        if self.items and self.items[-1].get("name") == name:
            self.items[-1]["parts"].append(text)  # joined at the end: adding strings would be quadratic
        else:
            self.items.append({"output_type": "stream", "name": name, "parts": [text]})
            self.size += 100

    def done(self) -> list[dict[str, Any]]:
        for item in self.items:
            if "parts" in item:
                item["text"] = "".join(item.pop("parts"))
        return self.items


class _Stream(io.TextIOBase):
    encoding = "utf-8"

    def __init__(self, outputs: Outputs, name: str) -> None:
        self.outputs, self.label = outputs, name

    def write(self, text: str) -> int:
        self.outputs.stream(self.label, str(text))
        return len(text)

    def writable(self) -> bool:
        return True


def _shell(outputs: Outputs) -> Any:
    """IPython without a kernel around it: magics and display work, messages are not needed."""
    from IPython.core.displayhook import DisplayHook
    from IPython.core.displaypub import DisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    def plain(data: dict[str, Any]) -> tuple[dict[str, Any], int]:
        kept = {k: base64.b64encode(v).decode() if isinstance(v, bytes) else str(v) for k, v in data.items()}
        return kept, sum(map(len, kept.values()))

    class Publisher(DisplayPublisher):
        def publish(self, data: dict, metadata: dict | None = None, **kwargs: Any) -> None:  # type: ignore[override]
            kept, size = plain(data)
            outputs.add({"output_type": "display_data", "data": kept, "metadata": {}}, size)

        def clear_output(self, wait: bool = False) -> None:
            outputs.reset()

    class Hook(DisplayHook):
        def start_displayhook(self) -> None:
            pass

        def write_output_prompt(self) -> None:
            pass

        def write_format_data(self, format_dict: dict, md_dict: dict | None = None) -> None:
            kept, size = plain(format_dict)
            count = self.shell.execution_count if self.shell else 0
            outputs.add(
                {"output_type": "execute_result", "data": kept, "metadata": {}, "execution_count": count},
                size,
            )

        def finish_displayhook(self) -> None:
            pass

    class Shell(InteractiveShell):
        def enable_gui(self, gui: Any = None) -> None:
            pass

        def _showtraceback(self, etype: Any, evalue: Any, stb: list[str]) -> None:
            lines = [line[:2000] for line in stb][:50]
            outputs.add(_error(evalue, lines), 4000)

        def ask_exit(self) -> None:
            pass

    config = Config()
    config.HistoryManager.enabled = False
    config.HistoryManager.hist_file = ":memory:"
    config.InteractiveShell.colors = "nocolor"
    shell = Shell.instance(config=config, display_pub_class=Publisher, displayhook_class=Hook)
    shell.user_ns["input"] = _no_input
    return shell


def _no_input(prompt: str = "") -> str:
    raise RuntimeError("input() cannot be used: nobody is there to answer when a notebook is graded")


class Server:
    """Answers the examiner's requests, one at a time, nested where a call calls back."""

    channel: Channel
    before: Before | None = None

    def __init__(self) -> None:
        self.outputs = Outputs()
        sys.stdout, sys.stderr = _Stream(self.outputs, "stdout"), _Stream(self.outputs, "stderr")  # type: ignore[assignment]
        self.shell = _shell(self.outputs)
        self.kept: dict[int, Any] = {}
        self.probes: dict[str, Any] = {}

    def warm(self) -> None:
        """Do once what is slow the first time; nothing of it can be seen afterwards."""
        self.shell.run_cell("1\nraise ValueError", store_history=False, silent=True)
        self.outputs.reset()
        self.before = Before(self.shell)

    def listen(self, channel: Channel) -> None:
        """Say that it is ready, and answer until nobody asks any more."""
        self.channel = channel
        self.before = self.before or Before(self.shell)
        with contextlib.suppress(EOFError, OSError):
            channel.send({"ready": os.getpid()})
            self.serve()

    def serve(self) -> Any:
        """Answer requests until something comes that is none: the answer to a callback."""
        while True:
            message = self.channel.receive()
            if not (isinstance(message, dict) and "op" in message):
                return message
            answer = self._answer(message)
            try:
                self.channel.send(answer)
            except WireError as error:  # an answer too large to send costs this one answer, not the process
                self.channel.send({"error": ["ValueError", f"what the code gave cannot be sent: {error}", []]})

    def _answer(self, message: dict[str, Any]) -> dict[str, Any]:
        if message["op"] == "run_cell":
            return {"outputs": json.dumps(self._run_cell(message["source"]), default=str)}
        if message["op"] == "files":
            return _put(message["files"])
        if message["op"] == "evidence":
            return {"evidence": self._evidence()}
        shown = io.StringIO()  # what is printed during a call must not mix with the cells' outputs
        try:
            with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(io.StringIO()):
                answer = self._call(message)
        except BaseException as error:
            lines = student_lines(error.__traceback__, (__file__,))
            answer = {"error": [type(error).__name__, _text(error), lines]}
        answer["printed"] = shown.getvalue()[-600:]
        return answer

    def _run_cell(self, source: str) -> list[dict[str, Any]]:
        self.outputs.reset()
        try:
            self.shell.run_cell(source, store_history=True)
        except BaseException as error:  # in IPython itself, which the cell may have changed
            self.outputs.add(_error(error, []), 4000)
        self.shell.user_ns.setdefault("input", _no_input)
        return self.outputs.done()

    def _evidence(self) -> list[str]:
        try:
            return self.before.found() if self.before else []
        except BaseException as error:  # whatever was done to it, it answers
            return [f"what was changed in the process could not be found out ({type(error).__name__})"]

    def _call(self, message: dict[str, Any]) -> dict[str, Any]:
        own: list[Any] = []  # the student's objects that come back as arguments: no data there

        def special(data: list) -> Any:
            own.append(self._special(data))
            return own[-1]

        args, kwargs = decode(message["args"], special), decode(message["kwargs"], special)
        given = list(parts((*args, *kwargs.values()), frozenset(map(id, own))))
        before = [_snapshot(part) for part in given]
        value = self._do(message["op"], message.get("target"), args, kwargs)
        changed = [[i, encode(part, self._keep)] for i, part in enumerate(given) if _moved(before[i], part)]
        return {"value": encode(value, self._keep), "changed": changed}

    def _do(self, op: str, target: Any, args: list, kwargs: dict) -> Any:
        if op == "operate":
            return OPERATORS[args[0]](*args[1:])
        if op == "isinstance":
            return isinstance(args[0], args[1])
        if op == "define":
            space = self.shell.user_ns
            made: dict[str, Any] = {}
            exec(compile(args[1], f"<probe {args[0]}>", "exec"), dict(space), made)
            function = made[args[0]]
            self.probes[args[0]] = type(function)(function.__code__, space, args[0], function.__defaults__)
            return None
        found = self._target(target)
        if op == "call":
            return found(*args, **kwargs)
        if op == "value":
            return found
        if op == "attr":
            return getattr(found, args[0])
        if op == "setattr":
            return setattr(found, args[0], args[1])
        if op == "item":
            return found[args[0]]
        if op == "setitem":
            found[args[0]] = args[1]
            return None
        if op == "len":
            return len(found)
        if op == "iter":
            items = []
            for item in found:
                items.append(item)
                if len(items) > MAX_ITER:
                    raise ValueError("the iteration does not end")
            return items
        raise WireError(f"unknown request {op!r}")

    def _target(self, target: list) -> Any:
        kind, which = target
        if kind == "name":
            if which not in self.shell.user_ns:
                raise NameError(f"name {which!r} is not defined", name=which)
            return self.shell.user_ns[which]
        return self.probes[which] if kind == "probe" else self.kept[which]

    def _keep(self, value: Any) -> list:
        self.kept[id(value)] = value
        return ["handle", id(value), type(value).__name__, callable(value)]

    def _special(self, data: list) -> Any:
        tag, which, *rest = data
        if tag in ("name", "handle"):
            return self._target([tag, which])
        if tag == "callback":
            return self._callback(which, rest[0])
        raise WireError(f"unknown tag {tag!r}")

    def _callback(self, which: int, name: str) -> Callable[..., Any]:
        def proxy(*args: Any, **kwargs: Any) -> Any:
            self.channel.send(
                {
                    "callback": which,
                    "args": encode(list(args), self._keep),
                    "kwargs": encode(kwargs, self._keep),
                }
            )
            answer = self.serve()
            if "error" in answer:
                raise RuntimeError(answer["error"])
            return decode(answer["value"], self._special)

        proxy.__name__ = name
        return proxy


def _put(files: dict[str, bytes]) -> dict[str, Any]:
    """Write what was handed in beside the notebook into the working folder, as ordinary new files."""
    written = []
    for name, data in files.items():
        with contextlib.suppress(OSError, ValueError):
            number = os.open(os.path.basename(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
            with open(number, "wb") as file:
                file.write(data)
            written.append(name)
    return {"files": written}


def _snapshot(part: Any) -> Any:
    """What `part` is now; of a list or a dictionary which objects are in it, not what these are."""
    if type(part) is np.random.Generator:
        return part.bit_generator.state
    return part.copy() if type(part) in (list, dict) else copied(part)


def _moved(was: Any, part: Any) -> bool:
    if type(part) is np.random.Generator:
        return bool(was != part.bit_generator.state)
    if type(part) is dict:
        return list(was) != list(part) or any(was[key] is not part[key] for key in was)
    if type(part) is list:
        return len(was) != len(part) or any(a is not b for a, b in zip(was, part, strict=True))
    return not unchanged(was, part)


def _error(error: BaseException, lines: list[str]) -> dict[str, Any]:
    """An exception as an output; its own text may fail."""
    return {"output_type": "error", "ename": type(error).__name__, "evalue": _text(error), "traceback": lines}


def _text(error: BaseException) -> str:
    try:
        return str(error)[:600]
    except BaseException:
        return "(its message cannot be shown)"


def _seed(number: int) -> None:
    """Start every random stream at the same place, those that ask the system for a start among them."""
    start = random.Random(number)
    random.seed(start.getrandbits(64))
    np.random.seed(start.getrandbits(32))
    np.random.bit_generator.randbits = start.getrandbits  # type: ignore[attr-defined]  # what default_rng() starts from
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(start.getrandbits(63))


def prepare(spec: dict[str, Any]) -> Callable[[socket.socket, dict[str, Any]], None]:
    """In a warm parent: import what notebooks import and make the shell; return what a forked child does."""
    server = Server()
    for name in spec.get("preload", []):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    for source in spec.get("setups", []):  # loads what they load; the names themselves are thrown away
        with contextlib.suppress(Exception):
            exec(compile(source, "<setup>", "exec"), {"__name__": "warm"})
    server.warm()

    def born(connection: socket.socket, request: dict[str, Any]) -> None:
        _seed(request["seed"])
        server.listen(Channel(connection))

    return born


def main() -> None:
    descriptor, limits = int(sys.argv[1]), json.loads(sys.argv[2])
    sys.argv = ["gradus"]
    confine.die_with_parent()
    limits.pop("NPROC", None)  # it would count all that this user runs
    confine.limit(limits)
    _seed(0)
    Server().listen(Channel(socket.socket(fileno=descriptor)))


if __name__ == "__main__":
    from autograder import student  # this file is __main__ now, which is to be the notebook's module alone

    student.main()
