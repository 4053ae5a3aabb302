"""Is this machine ready? A report that can be pasted into a question."""

from __future__ import annotations

import getpass
import importlib.metadata
import os
import platform
import re
import sys
from pathlib import Path

from . import home

PACKAGES = [
    "gradus",
    "numpy",
    "matplotlib",
    "scikit-learn",
    "torch",
    "ipywidgets",
    "anywidget",
    "ipython",
    "ipykernel",
    "jupyterlab",
    "jupyterlab_widgets",
]


def report() -> dict[str, str]:
    """Print what the course needs to know of this machine, and return it: versions, processor, GPU, memory, folders.

    Nothing in it is private: no user's name, and no folder of yours but as seen from your own, ~.
    """
    found = {"python": sys.version.split()[0], "system": f"{platform.system()} {platform.machine()}"}
    for name in PACKAGES:
        found[name] = version(name) or "not installed"
    found["processor cores"] = str(os.cpu_count())
    for name, tell in (
        ("threads", _threads),
        ("memory", _memory),
        ("gpu", _gpu),
        ("fonts", _fonts),
        ("downloads", _downloads),
        ("your own things", _own),
    ):
        try:
            found[name] = tell()
        except Exception as error:  # a broken installation is just what a report is for
            found[name] = f"cannot be told ({type(error).__name__}: {error})"
    width = max(map(len, found))
    for name, value in found.items():
        found[name] = private(value)
        print(f"{name:<{width}}  {found[name]}")
    return found


def private(text: str) -> str:
    """`text` without the user's name: their folder is ~, and in any other path their name is (user)."""
    text = text.replace(str(Path.home()), "~")
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container in which nobody has a name
        return text
    return re.sub(rf"(?<=[/\\]){re.escape(name)}(?=[/\\]|$)", "(user)", text)


def version(name: str) -> str | None:
    """The installed version of a package; None if it is not there."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _threads() -> str:
    try:
        import torch
    except ImportError:
        return f"OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS', 'not set')}"
    return f"torch uses {torch.get_num_threads()}; OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS', 'not set')}"


def _memory() -> str:
    try:
        page = os.sysconf("SC_PAGE_SIZE")
        size, free = page * os.sysconf("SC_PHYS_PAGES"), page * os.sysconf("SC_AVPHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return "unknown"
    return f"{size / 2**30:.1f} GiB, {free / 2**30:.1f} of them free"


def _gpu() -> str:
    try:
        import torch
    except ImportError:
        return "unknown (torch is not installed)"
    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name(0))
    if torch.backends.mps.is_available():
        return "Apple GPU (mps)"
    return "none: everything here runs on the processor"


def _fonts() -> str:
    try:
        import matplotlib
        from matplotlib import font_manager
    except ImportError:
        return "unknown (matplotlib is not installed)"
    count = len({entry.name for entry in font_manager.fontManager.ttflist})
    return f"{count} families; their list is kept in {matplotlib.get_cachedir()}"


def _downloads() -> str:
    from .data import cache_folder

    try:
        cache = cache_folder()
    except ImportError:
        return "unknown (pooch is not installed)"
    parts = [f"{cache}: {_holds(cache)}"]
    if os.environ.get("GRADUS_DATA"):
        given = Path(os.environ["GRADUS_DATA"])
        parts.insert(0, f"GRADUS_DATA={given}: {_holds(given)}")
    return "; ".join(parts)


def _holds(folder: Path) -> str:
    try:
        names = sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except FileNotFoundError:
        return "not there (nothing was downloaded)"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return ", ".join(names) or "empty"


def _own() -> str:
    folder = home.home()
    there = [name for name in ("progress.json", "mine") if (folder / name).exists()]
    return f"{folder}: {', '.join(there) or 'nothing yet'}"
