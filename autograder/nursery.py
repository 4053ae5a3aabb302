"""A warm parent: it has imported what notebooks import, and forks a ready child for each one.

Run as ``python -P -m autograder.nursery FD``, most often inside a sandbox. The first message on the control socket
says what to prepare; each further one brings the descriptors of a child's own channel and of its lifeline. Each
child is shut in by itself, so that nothing of one submission can reach another.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import confine
from .wire import Channel, WireError

WATCH_SECONDS = 0.25
MAX_REQUEST = 1 << 20


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    message, fds, _, _ = socket.recv_fds(control, MAX_REQUEST, 4)
    spec = {**json.loads(message), "fds": fds}
    sys.argv = ["gradus"]
    try:
        born = _prepare(spec)
    except BaseException as error:
        control.send(json.dumps({"error": f"{type(error).__name__}: {error}"[:2000]}).encode())
        raise
    gc.collect()
    gc.freeze()  # a collection in a child would copy every page that it marks
    confine.huge_pages()
    control.send(json.dumps({"ready": os.getpid()}).encode())
    _serve(control, spec, born)


def _prepare(spec: dict[str, Any]) -> Callable[[socket.socket, dict[str, Any]], None]:
    """Import what children will need; return what a child does with its channel."""
    module, name = spec["role"].split(":")
    spec["name"] = module.rpartition(".")[2]
    confine.name(f"warm-{spec['name']}")
    prepare = getattr(importlib.import_module(module), name)
    return prepare(spec)


def _serve(control: socket.socket, spec: dict[str, Any], born: Callable) -> None:
    while True:
        message, fds, _, _ = socket.recv_fds(control, MAX_REQUEST, 4)
        if not message:  # nobody holds the other end any more
            with contextlib.suppress(ChildProcessError):
                while True:
                    os.wait()  # in bubblewrap this process's end would be theirs
            return
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        pid = os.fork()
        if pid == 0:
            try:
                control.close()
                _child(json.loads(message), fds, spec, born)
            except BaseException:
                with contextlib.suppress(OSError):
                    _say(socket.socket(fileno=fds[1]), {"failed": traceback.format_exc()[-1500:]})
            finally:
                os._exit(1)
        for number in fds:
            os.close(number)


def _child(request: dict[str, Any], fds: list[int], spec: dict[str, Any], born: Callable) -> None:
    """In the fork: make namespaces where they are to be had, then a watcher, and under it the child that works."""
    mode = spec["mode"]
    os.setsid()
    if mode == "namespaces":
        confine.enter_namespaces()
        if os.fork():
            os._exit(0)  # the next process is the first of the new process table
        confine.own_folders(spec["folders"])
    else:
        confine.adopt()
    pid = os.fork()
    if pid:
        confine.name(f"watch-{spec['name']}")
        _watch(pid, fds, request, spec)
    confine.name(spec["name"])
    confine.die_with_parent()
    os.setsid()  # a signal to its own group must not reach the watcher
    channel = socket.socket(fileno=fds[0])
    request["fds"] = fds[2:]
    _close_but(*fds[:1], *fds[2:])
    try:
        _settle(request, spec)
        born(channel, request)
    except Exception:
        with contextlib.suppress(OSError, WireError):
            Channel(channel).send({"error": traceback.format_exc()[-1500:]})
    os._exit(0)


def _settle(request: dict[str, Any], spec: dict[str, Any]) -> None:
    """Make the fork a process of its own: environment, folder, limits, walls."""
    os.environ.clear()
    os.environ.update(spec["environment"])
    if request.get("folder"):
        os.environ.update({name: request["folder"] for name in ("HOME", "TMPDIR")})
    os.chdir(request.get("folder") or spec["folder"])
    tempfile.tempdir = None  # found out by the parent, in its own folder
    _shut_in(request, spec)


def _shut_in(request: dict[str, Any], spec: dict[str, Any]) -> None:
    mode = spec["mode"]
    limits = dict(request["limits"])
    if mode not in ("namespaces", "user"):
        limits.pop("NPROC", None)  # it would count all that this user runs
    confine.limit(limits)
    if mode == "user":
        confine.become(request["user"], request["folder"])
    if mode == "landlock":
        # /dev/shm would be common ground: what needs it (multiprocessing) does not work here
        confine.landlock(spec["readable"], [request["folder"], "/dev/null"])
    if spec["seccomp"]:
        confine.drop_capabilities()
        confine.load_seccomp(bytes.fromhex(spec["seccomp"]))
        confine.unreadable()


def _close_but(*kept: int) -> None:
    """Close every descriptor but these; let the standard three lead nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    low = 3
    for number in sorted(kept):
        os.closerange(low, number)
        low = number + 1
    os.closerange(low, 4096)


def _watch(pid: int, fds: list[int], request: dict[str, Any], spec: dict[str, Any]) -> None:
    """Wait until the child ends, uses too much, or nobody wants it any more; then end all that it has started."""
    lifeline = socket.socket(fileno=fds[1])
    _close_but(lifeline.fileno())
    if spec["seccomp"]:
        if spec["mode"] != "user":  # there it must be able to end what another user runs
            confine.drop_capabilities()
        confine.unreadable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    poll = select.poll()
    poll.register(lifeline, select.POLLIN | select.POLLHUP)
    child = os.pidfd_open(pid)
    poll.register(child, select.POLLIN)
    reason, seconds = "", None
    while not reason:
        ready = [number for number, _ in poll.poll(WATCH_SECONDS * 1000)]
        if lifeline.fileno() in ready:
            reason = "unwanted"
        elif child in ready:
            _, status, used = os.wait4(pid, 0)
            reason, seconds = _ending(os.waitstatus_to_exitcode(status)), used.ru_utime + used.ru_stime
        else:
            _reap(pid)
            reason = _excess(request["memory"], request["processes"], spec["mode"] == "namespaces")
    with contextlib.suppress(OSError):
        _say(lifeline, {"ended": reason, "processor": _processor(pid) if seconds is None else seconds})
    if spec["mode"] != "namespaces":
        _end_descendants()
        if request.get("folder"):  # whoever made it may have been killed
            shutil.rmtree(request["folder"], ignore_errors=True)
    os._exit(0)  # as process 1 of its namespace this takes all others along


def _ending(code: int) -> str:
    return "processor time" if code == -signal.SIGXCPU else f"signal {-code}" if code < 0 else f"exit {code}"


def _processor(pid: int) -> float:
    """Processor time, in seconds, of a process and of those that it has waited for."""
    seconds = 0.0
    with contextlib.suppress(OSError, ValueError):
        words = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        tick = os.sysconf("SC_CLK_TCK")
        seconds = sum(map(int, words[11:15])) / tick
        own = time.clock_gettime(~pid << 3 | 2)  # its own clock, as clock_getcpuclockid(3) numbers it: finer than ticks
        seconds = own + sum(map(int, words[13:15])) / tick
    return seconds


def _say(lifeline: socket.socket, what: dict[str, Any]) -> None:
    lifeline.send(json.dumps(what).encode(), socket.MSG_NOSIGNAL)


def _reap(worker: int) -> None:
    """Take the exit states of orphans; that of the child itself is read by its descriptor."""
    for other in _children(os.getpid()):
        if other != worker:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(other, os.WNOHANG)


def _excess(memory: int, processes: int, alone: bool) -> str:
    """Which limit all processes together have passed, if one."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()] if alone else _descendants(os.getpid())
    pids = [pid for pid in pids if pid != os.getpid()]
    if len(pids) > processes:
        return "processes"
    page = os.sysconf("SC_PAGE_SIZE")
    if sum(_number(pid, "statm", 1) for pid in pids) * page < memory:
        return ""
    # pages that forks share count in each of them: look again, each page once, where the kernel lets this process look
    return "memory" if sum(_proportional(pid) for pid in pids) > memory else ""


def _number(pid: int, file: str, which: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/{file}").read_text().split()[which])
    except (OSError, ValueError, IndexError):
        return 0


def _proportional(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return _number(pid, "statm", 1) * os.sysconf("SC_PAGE_SIZE")
    return next((int(line.split()[1]) << 10 for line in text.splitlines() if line.startswith("Pss:")), 0)


def _children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (OSError, ValueError):
        return []


def _descendants(pid: int) -> list[int]:
    found, waiting = [], [pid]
    while waiting:
        children = _children(waiting.pop())
        found += children
        waiting += children
    return found


def _end_descendants() -> None:
    """Kill all that the child has started: orphans come to this process, so that none gets away."""
    deadline = time.monotonic() + 5
    while (others := _descendants(os.getpid())) and time.monotonic() < deadline:
        for pid in others:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.002)


if __name__ == "__main__":
    main()
