"""A student's process, as the examiner holds it: start, run cells, call, kill."""

from __future__ import annotations

import builtins
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gradus.check.guard import changes_count
from gradus.check.values import is_tensor

from .sandbox import environment
from .warm import Child, Nursery, remove
from .wire import Channel, WireError, decode, encode, parts

MAX_NESTING = 50
MAX_OUTPUT = 16 << 20  # characters of one cell's outputs, as JSON: well above what an honest process sends
MAX_OUTPUTS = 2000
EVIDENCE_SECONDS = 5.0
FILES_SECONDS = 30.0


@dataclass(frozen=True)
class Limits:
    """What one submission may use."""

    cell_seconds: float = 60.0
    call_seconds: float = 30.0
    total_seconds: float = 600.0
    memory_bytes: int = 4 << 30
    file_bytes: int = 256 << 20

    def rlimits(self) -> dict[str, int]:
        return {
            "AS": self.memory_bytes,
            "FSIZE": self.file_bytes,
            "CORE": 0,
            "NOFILE": 1024,
            "NPROC": 256,
            "CPU": int(self.total_seconds) + 60,
        }


@dataclass
class CellResult:
    """What a cell showed, and whether the process outlived it."""

    outputs: list[dict[str, Any]]
    timed_out: bool = False
    died: bool = False


class StudentError(Exception):
    """An exception of the student's that has no builtin type of its own."""


class KernelGone(Exception):
    """The student's process is no more."""

    student_lines: tuple[str, ...] = ()  # no line of the student's can be named, and ours are nothing to a learner


class KernelTimeout(KernelGone):
    """It took too long and was stopped."""


class KernelDied(KernelGone):
    """It ended by itself, or sent what is no answer."""


class _Cold:
    """A student's process started from nothing, in no sandbox: where there is no warm parent."""

    def __init__(self, limits: Limits, theirs: socket.socket) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="gradus-"))
        theirs.set_inheritable(True)
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "autograder.student", str(theirs.fileno()), json.dumps(limits.rlimits())],
            cwd=self.folder,
            env=environment(str(self.folder)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )

    processor = 0.0  # not measured

    def ended(self, seconds: float = 0.0) -> str:
        return ""

    def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        remove(self.folder)


class Kernel:
    """A running student's process."""

    def __init__(self, limits: Limits, channel: Channel, process: Child | _Cold) -> None:
        self.limits, self.channel, self.process = limits, channel, process
        self.ended = ""  # why the process ended by itself, where that is known
        self.alive = True
        self.processor = 0.0  # seconds of processor time, known when it is closed
        self.depth = 0
        self.end = float("inf")  # no request may last longer than this
        self.parameters: dict[str, list[str]] = {}  # of the exercises' functions and methods
        self.callbacks: dict[int, Callable] = {}
        self.raised: tuple[Exception, str] | None = None  # by a callback, on its way through the student's code

    @classmethod
    def start(cls, limits: Limits | None = None, nursery: Nursery | None = None, seed: int = 0) -> Kernel:
        """Start a process and wait until it listens.

        Args:
            limits: what it may use.
            nursery: the warm parent that forks it; without one it is started cold and outside any sandbox.
            seed: of the random streams of Python, NumPy and torch.

        Raises:
            KernelDied: it did not come up within a minute.
            NurseryGone: there is no warm parent any more.
        """
        limits = limits or Limits()
        ours, theirs = socket.socketpair()
        with theirs:
            if nursery is None:
                process: Child | _Cold = _Cold(limits, theirs)
            else:
                process = nursery.child([theirs.fileno()], limits.rlimits(), limits.memory_bytes, seed=seed)
        kernel = cls(limits, Channel(ours), process)
        try:
            answer = kernel.channel.receive(time.monotonic() + 60)
            if "ready" not in answer:
                raise WireError(str(answer.get("error")))
        except (EOFError, OSError, WireError) as error:
            why = process.ended(1.0) or str(error) or type(error).__name__
            kernel.close()
            raise KernelDied(f"the student's process did not start ({why})") from None
        return kernel

    def run_cell(self, source: str, timeout: float | None = None) -> CellResult:
        """Run a cell; its outputs come back cleaned of everything but text and pictures."""
        deadline = min(self.end, time.monotonic() + (timeout or self.limits.cell_seconds))
        try:
            answer = self._exchange({"op": "run_cell", "source": source}, deadline)
        except KernelTimeout:
            return CellResult([], timed_out=True)
        except KernelDied:
            return CellResult([], died=True)
        try:
            text = answer["outputs"]
            if type(text) is not str or len(text) > MAX_OUTPUT:  # unparsed: JSON unfolds to twenty times its size
                raise ValueError("too much output")
            return CellResult([_clean(output) for output in json.loads(text)[:MAX_OUTPUTS]])
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
            self.close()
            return CellResult([], died=True)

    def give(self, files: Mapping[str, bytes]) -> None:
        """Put files into its working folder, before anything of the student's runs there."""
        if files:
            with contextlib.suppress(KernelGone):  # found out with the first cell
                self._exchange({"op": "files", "files": dict(files)}, min(self.end, time.monotonic() + FILES_SECONDS))

    def request(self, op: str, target: list | None, /, *args: Any, **kwargs: Any) -> Any:
        """Ask the student's process to do something with plain data; return plain data or a stand-in.

        Raises:
            KernelGone: it died or took too long. Otherwise what the student's code raised.
        """
        message = {
            "op": op,
            "target": target,
            "args": encode(list(args), self._special),
            "kwargs": encode(kwargs, self._special),
        }
        given = list(parts((*args, *kwargs.values())))
        answer = self._exchange(message, min(self.end, time.monotonic() + self.limits.call_seconds))
        printed = answer.get("printed")
        if type(printed) is str:
            sys.stdout.write(printed[-600:])  # into the test's own buffer
        raised, self.raised = self.raised, None
        if "error" in answer:
            error = answer["error"]
            if raised is not None and type(error) is list and error[1:2] == [raised[1]]:
                raise raised[0]  # the callback's own, let through by the student's code
            raise _students(error, target)
        try:
            changed = [(given[which], decode(content, self._back)) for which, content in answer["changed"]]
            value = decode(answer["value"], self._back)
        except (WireError, KeyError, TypeError, ValueError, IndexError):
            self.close()
            raise KernelDied("the student's process sent something that is no plain data") from None
        free = changes_count()
        for mine, theirs in changed:
            # what no watch sees could turn a hidden test's input, and so what it expects, into zeros; a stream that
            # is drawn from moves on, whoever draws
            if free or type(mine) is np.random.Generator:
                _apply(mine, theirs)
        return value

    def _exchange(self, message: dict[str, Any], deadline: float) -> dict[str, Any]:
        """Send a request and return its answer, serving the callbacks that come before it."""
        if not self.alive:
            raise KernelDied("the student's process has ended")
        if self.depth >= MAX_NESTING:
            raise RecursionError("calls are nested too deeply")
        self.depth += 1
        try:
            self.channel.send(message, deadline)
            while True:
                answer = self.channel.receive(deadline)
                if not isinstance(answer, dict):
                    raise WireError("no answer")
                if "callback" not in answer:
                    return answer
                self.channel.send(self._called_back(answer), deadline)
        except TimeoutError:
            self.close()
            seconds = self.limits.call_seconds if message["op"] != "run_cell" else self.limits.cell_seconds
            over = time.monotonic() > self.end
            why = "the time for one notebook was used up" if over else f"stopped after {seconds:g} s: an endless loop?"
            raise KernelTimeout(why) from None
        except (EOFError, OSError):
            self.ended = self.process.ended(1.0)
            self.close()
            raise KernelDied(self.ending() or "the code ended the Python process") from None
        except WireError as error:
            if not self.alive:
                raise
            self.close()
            raise KernelDied(f"the student's process sent no proper answer ({error})") from None
        finally:
            self.depth -= 1

    def _called_back(self, answer: dict[str, Any]) -> dict[str, Any]:
        function = self.callbacks.get(answer["callback"]) if type(answer["callback"]) is int else None
        if function is None:
            raise WireError("a callback that nobody gave")
        try:
            args, kwargs = decode(answer.get("args"), self._back), decode(answer.get("kwargs"), self._back)
            return {"value": encode(function(*args, **kwargs), self._special)}
        except (KernelGone, EOFError):
            raise
        except Exception as error:
            text = f"{type(error).__name__}: {error}"[:600]
            self.raised = error, text
            return {"error": text}

    def _special(self, value: Any) -> list | None:
        reference = getattr(value, "_gradus_reference", None)
        if reference is not None:
            return list(reference)
        if callable(value):
            self.callbacks[id(value)] = value
            return ["callback", id(value), str(getattr(value, "__name__", "f"))[:100]]
        return None

    def _back(self, data: list) -> Any:
        from .standins import RemoteObject

        if data[0] == "handle" and len(data) == 4 and type(data[1]) is int and type(data[2]) is str:
            return RemoteObject(self, data[1], data[2][:100])
        raise WireError("unknown tag")

    def stand_ins(self, defines: dict[str, str], parameters: dict[str, list[str]] | None = None) -> dict[str, Any]:
        """What stands for the student's functions and classes in the examiner; of a value the value itself.

        A value that the student has not defined is left out.
        """
        from .standins import stand_in

        self.parameters = parameters or {}
        found = {}
        for name, kind in defines.items():
            found[name] = stand_in(self, name, kind)
            if kind == "value":
                with contextlib.suppress(Exception):  # if it cannot be sent: the stand-in is equal to nothing
                    try:
                        found[name] = self.request("value", ["name", name])
                    except (NameError, KernelGone):
                        del found[name]
        return found

    def inside(self, function: Callable) -> Callable:
        """A stand-in for a probe, which runs beside the student's code."""
        from .standins import probe

        return probe(self, function)

    def evidence(self) -> list[str]:
        """What the student's code has done to its process, a line each. Nothing rests on it: it may be untrue."""
        try:
            answer = self._exchange({"op": "evidence"}, min(self.end, time.monotonic() + EVIDENCE_SECONDS))
        except (KernelGone, RecursionError):
            return ["the process did not answer when it was asked what had been changed in it"]
        lines = answer.get("evidence")
        if type(lines) is not list:
            return ["the process did not say what had been changed in it"]
        shown = ("".join(c if c.isprintable() else "?" for c in str(line)[:300]) for line in lines[:20])
        return [_line(line) for line in shown]

    def ending(self) -> str:
        """For the student: which limit it passed, "" if none."""
        return {
            "memory": f"more than {self.limits.memory_bytes >> 30} GB of memory was used",
            "processes": "too many processes were started",
            "processor time": "the processor time for one notebook was used up",
        }.get(self.ended, "")

    def close(self) -> None:
        """End the process and all it started; remove its folder."""
        if not self.alive:
            return  # a second time, the process's number could be another's
        self.alive = False
        self.channel.close()
        self.ended = self.ended or self.process.ended()
        self.process.stop()
        self.processor = self.process.processor


def _students(error: Any, target: list | None) -> Exception:
    """The exception that stands for the one that the student's code raised."""
    name, text, lines = "Exception", "", []
    if isinstance(error, list) and len(error) == 3:
        name, text = str(error[0])[:100], str(error[1])[:600]
        lines = [str(line)[:300] for line in error[2][:6]] if isinstance(error[2], list) else []
    kind: Any = getattr(builtins, name, None)
    plain = isinstance(kind, type) and issubclass(kind, Exception)
    if plain and kind not in (StopIteration, StopAsyncIteration, SyntaxError) and "Unicode" not in name:
        try:
            made = kind(text)
        except Exception:
            made = StudentError(text)
    else:
        made = StudentError(text)
    made.student_type = name  # type: ignore[attr-defined]
    made.student_lines = lines  # type: ignore[attr-defined]
    if target and target[0] == "name":  # a handle is a number, a probe the author's own: neither is for a learner
        if isinstance(made, NameError) and not lines:
            made.name = str(target[1])
        if isinstance(made, NotImplementedError):
            made.exercise_name = str(target[1])  # type: ignore[attr-defined]
    return made


def _apply(mine: Any, theirs: Any) -> None:
    """Make `mine` what the student's code made of it, where the kinds agree."""
    if type(mine) is not type(theirs):
        return
    if type(mine) is np.ndarray and mine.shape == theirs.shape and mine.dtype == theirs.dtype:
        mine[...] = theirs
    elif type(mine) is list:
        mine[:] = theirs
    elif type(mine) is dict:
        mine.clear()
        mine.update(theirs)
    elif type(mine) is np.random.Generator:
        if _stream(mine) == _stream(theirs):
            mine.bit_generator.state = theirs.bit_generator.state
    elif is_tensor(mine) and mine.shape == theirs.shape and mine.dtype == theirs.dtype:
        mine.detach().copy_(theirs.detach())


def _stream(generator: np.random.Generator) -> int:
    """Which of PCG64's streams: drawing never changes it. One of the student's choice could give zeros for ever."""
    return int(generator.bit_generator.state["state"]["inc"])


def _line(text: Any) -> str:
    """Text that a file can hold."""
    return str(text).encode("utf-8", "replace").decode()


def _clean(output: dict[str, Any]) -> dict[str, Any]:
    """An output with text and pictures only: what a student's code sends may hold no script."""
    kind = output["output_type"]
    if kind == "stream":
        return {
            "output_type": kind,
            "name": "stderr" if output["name"] == "stderr" else "stdout",
            "text": _line(output["text"]),
        }
    if kind == "error":
        return {
            "output_type": kind,
            "ename": _line(output["ename"]),
            "evalue": _line(output["evalue"]),
            "traceback": [_line(line) for line in list(output["traceback"])[:50]],
        }
    data = {k: _line(v) for k, v in output["data"].items() if k in ("text/plain", "image/png")}
    if not re.fullmatch(r"[A-Za-z0-9+/=\s]*", data.get("image/png", "")):  # it is put into a page as it is
        del data["image/png"]
    return {"output_type": "display_data", "data": data, "metadata": {}}
