"""Run a function in a forked child: what it breaks, leaks or never finishes stays there."""

from __future__ import annotations

import json
import os
import select
import signal
import time
import traceback
from collections.abc import Callable
from typing import Any


class IsolatedError(RuntimeError):
    """The child raised, died or ran out of time; the message says which."""


def isolated(function: Callable[[], Any], seconds: float = 60.0) -> Any:
    """The JSON-able result of ``function()``, computed in a fork of this process.

    A fork inherits what has been imported, so that a trial costs milliseconds.

    Raises:
        IsolatedError: with the child's traceback, or how it ended.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        _child(function, writing, reading)
    os.close(writing)
    deadline = time.monotonic() + seconds
    chunks, ended = [], False
    while not ended and (left := deadline - time.monotonic()) > 0:
        if select.select([reading], [], [], left)[0]:
            data = os.read(reading, 1 << 20)
            chunks.append(data)
            ended = not data
    os.close(reading)
    if not ended:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if not ended:
        raise IsolatedError(f"not finished after {seconds:g} s")
    body = b"".join(chunks)
    if not body:
        raise IsolatedError(f"the process died ({os.waitstatus_to_exitcode(status)})")
    answer = json.loads(body)
    if "error" in answer:
        raise IsolatedError(answer["error"])
    return answer["value"]


def _child(function: Callable[[], Any], writing: int, reading: int) -> None:
    code = 1
    try:
        os.close(reading)
        try:
            answer = json.dumps({"value": function()})
        except BaseException as error:
            answer = json.dumps({"error": "".join(traceback.format_exception(error))[-2000:]})
        view = memoryview(answer.encode())
        while view:
            view = view[os.write(writing, view) :]
        code = 0
    finally:
        os._exit(code)
