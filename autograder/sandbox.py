"""What closes a process in on this machine, and how it is started: bubblewrap, else Landlock, else a refusal."""

from __future__ import annotations

import contextlib
import errno
import functools
import json
import os
import random
import shutil
import site
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import gradus

from . import confine

KINDS = ("bubblewrap", "bubblewrap-cold", "landlock", "user", "none")
FOLDER = "/student"  # the working folder inside, empty at the start of every submission
FOLDER_BYTES = 256 << 20
SYSTEM = ("/usr", "/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/etc/fonts")
LINKS = ("/bin", "/sbin", "/lib", "/lib64", "/lib32")

# What no notebook needs, and what past escapes went through.
REFUSED = (
    "acct",
    "add_key",
    "bpf",
    "chroot",
    "delete_module",
    "fanotify_init",
    "finit_module",
    "fsconfig",
    "fsmount",
    "fsopen",
    "fspick",
    "init_module",
    "io_uring_enter",
    "io_uring_register",
    "io_uring_setup",
    "ioperm",
    "iopl",
    "kcmp",
    "kexec_file_load",
    "kexec_load",
    "keyctl",
    "lookup_dcookie",
    "modify_ldt",
    "mount",
    "mount_setattr",
    "move_mount",
    "name_to_handle_at",
    "open_by_handle_at",
    "open_tree",
    "perf_event_open",
    "personality",
    "pidfd_getfd",
    "pivot_root",
    "process_vm_readv",
    "process_vm_writev",
    "ptrace",
    "quotactl",
    "reboot",
    "request_key",
    "setns",
    "swapoff",
    "swapon",
    "syslog",
    "umount2",
    "unshare",
    "userfaultfd",
    "vhangup",
)
SIGNALS = ("kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal")
AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16
CLONE_NEWUSER = 0x10000000


class SandboxError(RuntimeError):
    """Submissions cannot be closed in on this machine as wanted; the message says what to do."""


@dataclass(frozen=True)
class Abilities:
    """What this machine offers; for each part that is missing, why."""

    bubblewrap: str  # "" if it works, else what is wrong
    nested: str  # namespaces of each child's own, inside bubblewrap
    seccomp: str
    landlock: int  # version, 0 for none

    @property
    def best(self) -> str:
        """The strongest kind that serves here."""
        if not self.seccomp:
            if not self.bubblewrap:
                return "bubblewrap" if not self.nested else "bubblewrap-cold"
            if self.landlock:
                return "landlock"
        return "none"


ADVICE = """Submissions cannot be closed in on this machine, and they are strangers' code:
  bubblewrap: {bubblewrap}
  seccomp: {seccomp}
  Landlock: {landlock}
Install bubblewrap (Debian, Ubuntu: apt install bubblewrap; Fedora: dnf install bubblewrap), or grade on a machine that
has it; `autograder doctor` says more. To grade all the same, only code that you trust: --no-sandbox."""


def choose(wanted: str = "auto") -> str:
    """The kind of sandbox to use.

    Args:
        wanted: one of KINDS, or "auto" for the strongest that serves here.

    Raises:
        SandboxError: nothing serves, or not what was wanted.
    """
    if wanted == "none":
        return wanted
    found = abilities()
    missing = {
        "bubblewrap": found.bubblewrap or found.nested or found.seccomp,
        "bubblewrap-cold": found.bubblewrap or found.seccomp,
        "landlock": found.seccomp or ("" if found.landlock else "this kernel has none"),
        # never taken by itself: whatever every user of the machine may read, a submission may read too
        "user": found.seccomp or _no_user(),
    }
    if wanted in missing:
        if missing[wanted]:
            raise SandboxError(f"--sandbox {wanted} does not work here: {missing[wanted]}.")
        return wanted
    if found.best == "none":
        landlock = "usable" if found.landlock else "this kernel has none"
        raise SandboxError(
            ADVICE.format(bubblewrap=found.bubblewrap, seccomp=found.seccomp or "usable", landlock=landlock)
        )
    return found.best


@functools.cache
def abilities() -> Abilities:
    """Try out what this machine offers. Takes some tenths of a second, once."""
    if sys.platform != "linux":
        why = f"Linux only, and this is {sys.platform}"
        return Abilities(why, why, why, 0)
    try:
        seccomp_program()
        seccomp = ""
    except (ImportError, OSError, RuntimeError) as error:
        seccomp = f"libseccomp cannot be used ({error})"
    bubblewrap = nested = ""
    if shutil.which("bwrap") is None:
        bubblewrap = "the program bwrap is not installed"
    else:
        bubblewrap = _tried(["true"])
        probe = "from autograder import confine; confine.enter_namespaces()"
        nested = bubblewrap or _tried([sys.executable, "-P", "-c", probe])
    return Abilities(bubblewrap, nested, seccomp, confine.landlock_version())


def _tried(inner: list[str]) -> str:
    """ "" if `inner` runs in bubblewrap, else why not."""
    with command(inner) as argv:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=False)
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]


def seccomp_program(network: bool = True, signals: bool = True) -> bytes:
    """The compiled filter of system calls.

    Args:
        network: sockets of the internet may be made, which lead nowhere in an empty network of one's own.
        signals: may be sent, which reach nobody else in a process table of one's own.

    Raises:
        OSError, RuntimeError: libseccomp is missing.
    """
    import pyseccomp

    refuse = pyseccomp.ERRNO(errno.EPERM)
    program = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for name in (*REFUSED, *(() if signals else SIGNALS)):
        with contextlib.suppress(OSError, RuntimeError, ValueError):  # not on this architecture
            program.add_rule(refuse, name)
    # its flags lie in memory, out of a filter's sight; the C library then falls back on clone
    with contextlib.suppress(OSError, RuntimeError, ValueError):
        program.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    program.add_rule(refuse, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER))
    allowed = {AF_UNIX} | ({AF_INET, AF_INET6, AF_NETLINK} if network else set())
    for family in range(64):  # virtual machines' sockets (AF_VSOCK) pass through a network namespace
        if family not in allowed:
            program.add_rule(pyseccomp.ERRNO(errno.EAFNOSUPPORT), "socket", pyseccomp.Arg(0, pyseccomp.EQ, family))
    with tempfile.TemporaryFile() as file:
        program.export_bpf(file)
        file.seek(0)
        return file.read()


def environment(home: str = FOLDER) -> dict[str, str]:
    """The whole environment of a closed-in process: nothing of this one's."""
    beside = str(Path(sys.executable).parent)
    made = {
        "HOME": home,
        "USER": "student",
        "IPYTHONDIR": f"{home}/.ipython",
        "MPLCONFIGDIR": f"{home}/.matplotlib",
        "TMPDIR": home,
        "PATH": f"{beside}:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "GRADUS_GRADING": "1",
        **{f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")},
    }
    for name in ("GRADUS_DATA", "GRADUS_CACHE"):
        if name in os.environ:
            made[name] = os.path.abspath(os.environ[name])
    return made


def readable() -> list[str]:
    """What a closed-in process may read: the system, Python, its packages, gradus and autograder; no solutions."""
    packages = [path for path in [*site.getsitepackages(), site.getusersitepackages()] if path in sys.path]
    own = [Path(gradus.__file__).parent, Path(__file__).parent]
    data = [os.environ[name] for name in ("GRADUS_DATA", "GRADUS_CACHE") if name in os.environ]
    wanted = [*SYSTEM, sys.base_prefix, sys.prefix, *packages, *map(str, own), *data]
    return _outermost(str(Path(path).resolve()) for path in wanted if os.path.exists(path))


def _outermost(paths: Iterable[str]) -> list[str]:
    kept: list[str] = []
    for path in sorted(set(paths)):
        if not any(path == other or path.startswith(other + "/") for other in kept):
            kept.append(path)
    return kept


@contextlib.contextmanager
def command(inner: list[str], nested: bool = True, seccomp: int | None = None) -> Iterator[list[str]]:
    """The command line that runs `inner` in bubblewrap; good as long as the context lasts.

    Args:
        inner: the command. It sees what `readable` lists, read-only, and no network.
        nested: it may make namespaces of its own, to shut its children in.
        seccomp: a descriptor with a filter for it and all that it starts.
    """
    shown = readable()
    parts: list[tuple[str, str]] = []

    def add(*words: str) -> None:
        parts.extend(("word", word) for word in words)

    add("bwrap", "--unshare-all", "--new-session", "--clearenv", "--hostname", "gradus")
    if not nested:
        add("--unshare-user", "--disable-userns", "--cap-drop", "ALL")
    for name, value in environment().items():
        add("--setenv", name, value)
    for path in shown:
        add("--ro-bind")
        parts.append(("source", path))
        add(path)
    for link in LINKS:
        if os.path.islink(link):
            add("--symlink", os.readlink(link), link)
        elif os.path.isdir(link):
            add("--ro-bind", link, link)
    add("--proc", "/proc", "--dev", "/dev", "--size", str(FOLDER_BYTES), "--tmpfs", "/dev/shm")
    if not any(path.startswith("/tmp/") for path in shown):
        add("--size", str(FOLDER_BYTES), "--tmpfs", "/tmp")
    add("--size", str(FOLDER_BYTES), "--tmpfs", FOLDER, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", FOLDER)
    if seccomp is not None:
        add("--seccomp", str(seccomp))
    add("--", *inner)
    if os.geteuid():
        yield [word for _, word in parts]
        return
    # the throw-away user may not enter a folder for temporary files that is root's alone
    with tempfile.TemporaryDirectory(prefix="gradus-stage-", dir="/tmp" if os.path.isdir("/tmp") else None) as stage:
        spec = {"stage": stage, "sources": shown, "argv": parts, "uid": throw_away_user()}
        yield [sys.executable, "-P", "-m", "autograder.descend", json.dumps(spec)]


def _no_user() -> str:
    """Why submissions cannot run as another user, "" if they can."""
    if os.geteuid():
        return "only root can start processes of another user"
    for path in map(Path, readable()):
        shut = [place for place in (path, *path.parents) if not place.stat().st_mode & 0o001]
        if shut and path.is_dir():
            return f"another user may not enter {shut[-1]}, and Python needs {path}"
    return ""


def throw_away_user() -> int:
    """A user's number that nobody has: of the range that systemd keeps for services' throw-away users."""
    return random.randrange(61184, 65520)


def folders() -> dict[str, int]:
    """What each child of a warm parent in bubblewrap gets anew, and how much it holds."""
    found = {FOLDER: FOLDER_BYTES, "/dev/shm": FOLDER_BYTES}
    if not any(path.startswith("/tmp/") for path in readable()):
        found["/tmp"] = FOLDER_BYTES
    return found
