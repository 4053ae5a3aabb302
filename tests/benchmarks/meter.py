"""Processor time of everything that a command starts, processes in sandboxes too."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Used:
    """What a command took, in seconds."""

    wall: float
    cpu: float


class Meter:
    """Counts the processor time of the processes in a control group of its own.

    A sandbox's processes are orphans, whose time no parent is told of; a control group counts them all the same. Where
    none may be made (not root), what the kernel tells of waited-for children must do, and `whole` is False.
    """

    def __init__(self) -> None:
        name = f"gradus-benchmark-{os.getpid()}"
        self.group: Path | None = None
        for root in ("/sys/fs/cgroup/cpuacct", "/sys/fs/cgroup", "/sys/fs/cgroup/unified"):
            known = (Path(root) / "cpuacct.usage").exists() or (Path(root) / "cgroup.controllers").exists()
            with contextlib.suppress(OSError):
                if known:
                    (Path(root) / name).mkdir()
                    self.group, self.home = Path(root) / name, Path(root)
                    break
        self.whole = self.group is not None

    def used(self) -> float:
        """Seconds of processor time used so far by all processes in the group."""
        if self.group is None:
            return sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]) + time.process_time()
        nanoseconds = self.group / "cpuacct.usage"
        if nanoseconds.exists():
            return int(nanoseconds.read_text()) / 1e9
        return int((self.group / "cpu.stat").read_text().split()[1]) / 1e6

    def run(self, command: Sequence[str | Path], folder: Path, environment: dict[str, str]) -> Used:
        """Run a command to its end, and wait for what it has left running.

        Raises:
            subprocess.CalledProcessError: it failed; what it said is shown.
        """
        before, start = self.used(), time.monotonic()
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            preexec_fn=self.enter,
            check=False,
        )
        wall = time.monotonic() - start
        if done.returncode:
            print(done.stdout[-3000:])
            done.check_returncode()
        if self.group is not None:
            deadline = time.monotonic() + 10
            while self._others() and time.monotonic() < deadline:
                time.sleep(0.02)
        return Used(wall, self.used() - before)

    def enter(self) -> None:
        """Put this process, and all that it will start, into the group."""
        if self.group is not None:
            (self.group / "cgroup.procs").write_text(str(os.getpid()))

    def _others(self) -> list[str]:
        assert self.group is not None
        return [pid for pid in (self.group / "cgroup.procs").read_text().split() if pid != str(os.getpid())]

    def close(self) -> None:
        if self.group is not None:
            with contextlib.suppress(OSError):
                (self.home / "cgroup.procs").write_text(str(os.getpid()))
            with contextlib.suppress(OSError):
                self.group.rmdir()


@contextlib.contextmanager
def metered() -> Iterator[Meter]:
    meter = Meter()
    try:
        yield meter
    finally:
        meter.close()
