"""How a forked child shuts itself in before student code runs: namespaces, Landlock, seccomp, limits.

Linux system calls by number and flag, since neither Python nor a kept library offers them all. Nothing here
decides which of them serve on a machine: `sandbox` does, outside.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import struct
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)

NEW_MOUNTS, NEW_CGROUP, NEW_UTS, NEW_IPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
NEW_USER, NEW_PIDS, NEW_NET = 0x10000000, 0x20000000, 0x40000000
_NOSUID, _NODEV, _NOEXEC, _REC, _PRIVATE, _BIND = 2, 4, 8, 0x4000, 0x40000, 0x1000
_PDEATHSIG, _DUMPABLE, _NAME, _SECCOMP, _CAPBSET_DROP = 1, 4, 15, 22, 24
_SUBREAPER, _NO_NEW_PRIVS, _AMBIENT = 36, 38, 47
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446  # the same on every architecture


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _prctl(option: int, *arguments: int, what: str = "") -> None:
    given = [ctypes.c_ulong(a) for a in (*arguments, 0, 0, 0, 0)[:4]]
    result = _libc.prctl(option, *given)
    if what:
        _checked(result, what)


def mount(source: str, target: str, kind: str | None, flags: int, data: str = "") -> None:
    """mount(2).

    Raises:
        OSError: the kernel refused; names the target.
    """
    text = [part.encode() if part is not None else None for part in (source, target, kind)]
    _checked(_libc.mount(*text, ctypes.c_ulong(flags), data.encode() or None), f"mount {target}")


def bind(source: str, target: str) -> None:
    """Show `source` at `target` too, with all that is mounted below it."""
    mount(source, target, None, _BIND | _REC)


def private_mounts() -> None:
    """A mount table of one's own, of which nothing shows outside."""
    _checked(_libc.unshare(NEW_MOUNTS), "unshare")
    mount("none", "/", None, _REC | _PRIVATE)


def enter_namespaces() -> None:
    """Own users, mounts, processes, network, names; the next child that this process forks is process 1 in them."""
    uid, gid = os.getuid(), os.getgid()
    flags = NEW_USER | NEW_MOUNTS | NEW_PIDS | NEW_NET | NEW_IPC | NEW_UTS | NEW_CGROUP
    _checked(_libc.unshare(flags), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def own_folders(sizes: dict[str, int]) -> None:
    """Fresh, empty, sized folders in memory and a process table of one's own. As process 1 of new namespaces.

    Args:
        sizes: folder -> the most bytes that it may hold.
    """
    mount("none", "/", None, _REC | _PRIVATE)
    mount("proc", "/proc", "proc", _NOSUID | _NODEV | _NOEXEC)
    for folder, size in sizes.items():
        mount("tmpfs", folder, "tmpfs", _NOSUID | _NODEV, f"size={size},mode=0777,nr_inodes=20000")


def _bound_capabilities() -> None:
    for capability in range(41):
        _prctl(_CAPBSET_DROP, capability)


def drop_capabilities() -> None:
    """Give up every capability, for good."""
    _bound_capabilities()
    _prctl(_AMBIENT, 4)  # clear all
    header = struct.pack("=Ii", 0x20080522, 0)
    _checked(_libc.capset(header, bytes(24)), "capset")
    _prctl(_NO_NEW_PRIVS, 1, what="no new privileges")


def load_seccomp(program: bytes) -> None:
    """Refuse the system calls that `program` (a compiled filter) refuses, for good."""

    class Filter(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]

    _prctl(_NO_NEW_PRIVS, 1, what="no new privileges")
    buffer = ctypes.create_string_buffer(program, len(program))
    made = Filter(len(program) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    _checked(_libc.prctl(_SECCOMP, 2, ctypes.byref(made), 0, 0), "seccomp")


def landlock_version() -> int:
    """The version of Landlock that the kernel offers, 0 for none."""
    return max(0, _libc.syscall(_LANDLOCK_CREATE, None, 0, 1))


def landlock(readable: list[str], writable: list[str]) -> None:
    """Close every file but those below `readable` and `writable`, TCP, and signals to others, where the kernel can.

    Raises:
        OSError: the kernel has no Landlock.
    """
    version = landlock_version()
    if version < 1:
        raise OSError("this kernel has no Landlock")
    rights = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)) - 1
    reading, on_files = 1 | 4 | 8, 1 | 2 | 4 | 1 << 14 | 1 << 15
    # as much of the structure as this version knows: rights on files, on TCP (4), and scopes (6)
    whole = struct.pack("=QQQ", rights, 3, 3)
    attributes = whole[: 8 if version < 4 else 16 if version < 6 else 24]
    rules = _checked(_libc.syscall(_LANDLOCK_CREATE, attributes, len(attributes), 0), "Landlock")
    for paths, access in ((readable, reading), (writable, rights)):
        for path in paths:
            try:
                number = os.open(path, os.O_PATH)
            except OSError:
                continue
            allowed = access if os.path.isdir(path) else access & on_files
            rule = struct.pack("=Qi", allowed & rights, number)
            _checked(_libc.syscall(_LANDLOCK_ADD, rules, 1, rule, 0), f"Landlock, {path}")
            os.close(number)
    _prctl(_NO_NEW_PRIVS, 1, what="no new privileges")
    _checked(_libc.syscall(_LANDLOCK_RESTRICT, rules, 0), "Landlock")
    os.close(rules)


def limit(limits: dict[str, int]) -> None:
    """Lower this process's limits, by the names of `resource` without RLIMIT_."""
    for name, value in limits.items():
        which = getattr(resource, f"RLIMIT_{name}", None)
        if which is not None:
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(which, (value, value))


def die_with_parent() -> None:
    """Be killed when the parent ends. Where there is no such thing (macOS), nothing happens."""
    with contextlib.suppress(AttributeError):
        _prctl(_PDEATHSIG, 9)


def unreadable() -> None:
    """Close this process's memory and environment to others of the same user."""
    _prctl(_DUMPABLE, 0)


def become(user: int, folder: str) -> None:
    """Be another user, for good, in a folder that becomes that user's. As root.

    Raises:
        OSError: this process may not.
    """
    os.chown(folder, user, user)
    os.chmod(folder, 0o711)  # a folder made inside it may be a third user's
    _bound_capabilities()  # another user may not
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    os.umask(0o077)
    die_with_parent()  # another user's process forgets it


def name(text: str) -> None:
    """What `ps` and `top` call this process: at most 15 bytes. Its forks inherit it."""
    with contextlib.suppress(AttributeError):
        _libc.prctl(_NAME, ctypes.c_char_p(text.encode()[:15]), 0, 0, 0)


def adopt() -> None:
    """Become the parent of grandchildren whose parents have ended, so that none gets away."""
    with contextlib.suppress(AttributeError):
        _prctl(_SUBREAPER, 1)


def huge_pages() -> None:
    """Put this process's memory into pages of 2 MB, where the kernel can.

    A fork copies the table of pages, and its end takes the copy apart: with pages of 4 kB that is most of what a
    ready child costs. Nothing else changes.
    """
    size, collapse = 2 << 20, 25  # MADV_COLLAPSE, since Linux 6.1
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/maps").read_text().splitlines():
            span, rights, _, _, node, *_ = line.split(maxsplit=5)
            low, high = (int(end, 16) for end in span.split("-"))
            low, high = -(-low // size) * size, high // size * size
            if rights == "rw-p" and node == "0" and low < high:
                _libc.madvise(ctypes.c_void_p(low), ctypes.c_size_t(high - low), collapse)
