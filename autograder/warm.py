"""Warm parents, as seen from outside: start one in a sandbox, get ready processes from it, end them for certain."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import sandbox
from .sandbox import SandboxError

START_SECONDS = 120
PROCESSES = 64


@dataclass
class Child:
    """A process that a warm parent has forked: it lives as long as this end of its lifeline is open."""

    lifeline: socket.socket
    folder: Path | None  # removed with it
    processor: float = 0.0  # seconds of processor time that it used, known when it has ended

    def ended(self, seconds: float = 0.0) -> str:
        """Why it has ended by itself ("memory", "processes", "signal 9", ...), "" if it has not, or nobody knows."""
        try:
            self.lifeline.settimeout(seconds or 0.001)
            message = self._heard(self.lifeline.recv(1 << 16))
        except OSError:
            return ""
        return str(message.get("ended") or message.get("failed") or "")

    def _heard(self, data: bytes) -> dict[str, Any]:
        """A message of the watcher's; in it may be the time that was used."""
        try:
            message = json.loads(data or b"{}")
            self.processor = float(message.get("processor", self.processor))
        except (ValueError, TypeError, AttributeError):
            return {}
        return message

    def stop(self) -> None:
        """End it and all that it has started; wait until they are gone."""
        with contextlib.suppress(OSError):
            self.lifeline.shutdown(socket.SHUT_WR)  # the watcher reads the end, kills, and ends itself
            self.lifeline.settimeout(10)
            while data := self.lifeline.recv(1 << 16):
                self._heard(data)
        self.lifeline.close()
        if self.folder is not None:
            remove(self.folder)


def remove(folder: Path) -> None:
    """Delete a folder, whatever a student has put into it."""
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():  # folders a thousand deep
        subprocess.run(["rm", "-rf", "--", folder], stderr=subprocess.DEVNULL, check=False)


class NurseryGone(RuntimeError):
    """The warm parent does not answer any more. No student's fault: start another."""


class Nursery:
    """A warm parent process, as a context manager.

    Several processes may ask one parent for children, over copies of `control`.
    """

    def __init__(self, control: socket.socket, inside: bool, process: subprocess.Popen[bytes] | None = None) -> None:
        self.control, self.process = control, process
        self.inside = inside  # bubblewrap, where children find their working folder made

    @classmethod
    def start(cls, kind: str, role: str, fds: Sequence[int] = (), **spec: Any) -> Nursery:
        """Start a warm parent and wait until it is ready.

        Args:
            kind: of sandbox, one of `sandbox.KINDS`.
            role: "module:function", called in the parent to prepare; returns what a child does.
            fds: descriptors for the role, in spec["fds"].
            spec: further things that the role wants to know, as JSON.

        Raises:
            SandboxError: it did not come up; says why.
        """
        mode = {"bubblewrap": "namespaces", "landlock": "landlock", "user": "user"}.get(kind, "plain")
        seccomp = ""
        if kind != "none":
            closed = kind in ("landlock", "user")  # which have no network of their own that leads nowhere
            signals = (
                kind != "landlock" or sandbox.abilities().landlock >= 6
            )  # since then it keeps signals in by itself
            seccomp = sandbox.seccomp_program(network=not closed, signals=signals).hex()
        inside = kind.startswith("bubblewrap")
        request = {
            "role": role,
            "mode": mode,
            "environment": sandbox.environment(),
            "folder": sandbox.FOLDER if inside else "/",
            "folders": sandbox.folders() if mode == "namespaces" else {},
            "readable": [
                *sandbox.readable(),
                *sandbox.LINKS,
                "/proc/self",
                "/proc/cpuinfo",
                "/proc/meminfo",
                "/dev/urandom",
            ],
            "seccomp": seccomp,
            **spec,
        }
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        size = 4 << 20
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)
        inner = [sys.executable, "-P", "-m", "autograder.nursery", str(theirs.fileno())]
        log = tempfile.TemporaryFile()  # noqa: SIM115
        with contextlib.ExitStack() as stack:
            stack.callback(theirs.close)
            stack.callback(log.close)
            argv = stack.enter_context(sandbox.command(inner, nested=mode == "namespaces")) if inside else inner
            home = stack.enter_context(tempfile.TemporaryDirectory(prefix="gradus-warm-"))
            process = subprocess.Popen(
                argv,
                env=os.environ if inside and os.geteuid() == 0 else sandbox.environment(home),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # the terminal's Ctrl-C is for the command, which then ends its children
            )
            theirs.close()
            nursery = cls(ours, inside, process)
            try:
                socket.send_fds(ours, [json.dumps(request).encode()], fds)
                ours.settimeout(START_SECONDS)
                answer = json.loads(ours.recv(1 << 16) or b"{}")
            except (OSError, ValueError) as error:
                answer = {"error": str(error)}
            if "ready" not in answer:
                nursery.close()
                log.seek(0)
                said = log.read()[-2000:].decode(errors="replace").strip()
                raise SandboxError(
                    f"the warm parent did not start in {kind}: {answer.get('error') or said or 'it ended'}"
                )
        return nursery

    def child(self, fds: list[int], limits: dict[str, int], memory: int, **more: Any) -> Child:
        """Fork a child that holds `fds[0]` as its channel.

        Raises:
            NurseryGone: the parent has ended.
        """
        folder = None if self.inside else Path(tempfile.mkdtemp(prefix="gradus-"))
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        request = {
            "limits": limits,
            "memory": memory,
            "processes": PROCESSES,
            "folder": folder and str(folder),
            "user": sandbox.throw_away_user(),  # in the kind "user", where each child is another
            **more,
        }
        try:
            socket.send_fds(self.control, [json.dumps(request).encode()], [fds[0], theirs.fileno(), *fds[1:]])
        except OSError as error:
            ours.close()
            if folder is not None:
                remove(folder)
            raise NurseryGone(f"the warm parent has ended ({error})") from None
        finally:
            theirs.close()
        return Child(ours, folder)

    def gone(self, seconds: float = 0.05) -> bool:
        """Whether the parent has ended, or does so within that time."""
        poll = select.poll()
        poll.register(self.control, 0)  # its end is told unasked
        return bool(poll.poll(1000 * seconds))

    def close(self) -> None:
        """End the parent and all its children."""
        self.control.close()
        process, self.process = self.process, None  # a second time, its number could be another's
        if process is None:
            return
        deadline = time.monotonic() + 0.5
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)  # it ends by itself when nobody holds its socket
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, 9)
        process.wait()

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class OneEach(Nursery):
    """Starts a parent of its own in bubblewrap for every child.

    For machines on which bubblewrap works but a process inside may make no namespaces (some of Ubuntu's settings).
    """

    def __init__(self, role: str, **spec: Any) -> None:
        ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        super().__init__(ours, inside=True)
        self.role, self.spec = role, spec
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                message, fds, _, _ = socket.recv_fds(self._theirs, 1 << 20, 4)
            except OSError:
                return
            if not message:
                return
            threading.Thread(target=self._start, args=(message, fds), daemon=True).start()

    def _start(self, message: bytes, fds: list[int]) -> None:
        try:
            nursery = Nursery.start("bubblewrap-cold", self.role, **self.spec)
            socket.send_fds(nursery.control, [message], fds)
            for number in fds:
                os.close(number)
            fds = []
            nursery.control.close()  # it ends when its only child does
            assert nursery.process is not None
            nursery.process.wait()
        except (OSError, SandboxError):
            pass  # whoever asked reads the end of the channel
        finally:
            for number in fds:
                os.close(number)

    def close(self) -> None:
        """Start no more. Children end with their lifelines."""
        for end in (self.control, self._theirs):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def students(kind: str, **spec: Any) -> Nursery:
    """What forks students' processes, in a sandbox of that kind.

    Args:
        kind: one of `sandbox.KINDS`.
        spec: what `student.prepare` wants to know: preload, setups.

    Raises:
        SandboxError: it did not come up; says why.
    """
    role = "autograder.student:prepare"
    return OneEach(role, **spec) if kind == "bubblewrap-cold" else Nursery.start(kind, role, **spec)
