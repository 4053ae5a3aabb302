"""`autograder doctor`: what this machine can do for grading, in words that say what to do next."""

from __future__ import annotations

import os
import platform
import shutil
from importlib import metadata

from rich.console import Console

from . import sandbox
from .classroom import default_jobs
from .kernel import Kernel, KernelDied, Limits
from .sandbox import SandboxError
from .warm import Nursery

MEANING = {
    "bubblewrap": "each submission in namespaces of its own, forked from a warm parent",
    "bubblewrap-cold": "each submission in bubblewrap, started cold: about a second slower each",
    "landlock": "files and network are closed; memory and processes are watched, not walled; disk has no limit but a file's size",
    "user": "each submission as a throw-away user without network; what every user may read, it may read too",
    "none": "nothing closes submissions in",
}


def examine_machine(console: Console) -> int:
    """Print the report; return 0 if submissions can be graded safely here."""

    def line(name: str, text: str, good: bool | None = None) -> None:
        mark = {True: "[green]yes[/]", False: "[red]no [/]", None: "   "}[good]
        console.print(f"{mark} [bold]{name}[/]", end=": ")
        console.print(text, markup=False, soft_wrap=True)

    line("python", f"{platform.python_version()} on {platform.system()} {platform.release()}")
    packages = ("gradus", "nbgrader", "jupyterlab", "numpy", "torch")
    line("packages", ", ".join(f"{name} {_version(name)}" for name in packages))
    line("processors", f"{default_jobs()} for this process; as many submissions are graded at a time")
    line("memory", _memory())
    line("user", "root: a throw-away user runs submissions" if _root() else "an ordinary user")
    found = sandbox.abilities()
    line("bubblewrap", found.bubblewrap or f"works ({shutil.which('bwrap')})", not found.bubblewrap)
    line("namespaces of each fork's own", found.nested or "work", not found.nested)
    line("seccomp", found.seccomp or "works", not found.seccomp)
    line("Landlock", f"version {found.landlock}" if found.landlock else "this kernel has none", bool(found.landlock))
    try:
        kind = sandbox.choose()
    except SandboxError as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        return 1
    line("sandbox", f"{kind}: {MEANING[kind]}", True)
    problem = _escapes(kind)
    line("tried out", problem or "a student's process starts, and sees no network and none of your files", not problem)
    return 1 if problem else 0


def _escapes(kind: str) -> str:
    """Start a process as a submission's is started and let it try; what went wrong, "" if nothing."""
    attempt = (
        f"import os, socket\nfound = os.path.exists({os.getcwd()!r} + '/solutions')\n"
        "try:\n    socket.create_connection(('192.0.2.1', 80), timeout=1)\nexcept OSError as error:\n"
        "    out = type(error).__name__ == 'TimeoutError'\nelse:\n    out = True\n"
        "try:\n    open('/etc/passwd').read()\n    found = True\nexcept OSError:\n    pass\nprint(found, out)"
    )
    try:
        if kind == "bubblewrap-cold":
            return ""
        with Nursery.start(kind, "autograder.student:prepare", preload=["numpy"]) as nursery:
            kernel = Kernel.start(Limits(), nursery)
            outputs = kernel.run_cell(attempt).outputs
            kernel.close()
    except (SandboxError, KernelDied) as error:
        return str(error)
    said = "".join(output.get("text", "") for output in outputs).strip()
    return "" if said == "False False" else f"a submission could read files or reach the network ({said or outputs})"


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "missing"


def _memory() -> str:
    try:
        pages, page = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return "unknown"
    return f"{pages * page / 2**30:.0f} GB; each submission may use {Limits().memory_bytes >> 30} GB (--memory)"


def _root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0
