"""Is this machine ready? A report that can be pasted into a question."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys

PACKAGES = ["gradus", "numpy", "matplotlib", "scikit-learn", "torch", "ipywidgets", "ipython", "jupyterlab"]


def report() -> dict[str, str]:
    """Print what the course needs to know of this machine, and return it: versions, processor, GPU, memory."""
    found = {"python": sys.version.split()[0], "system": f"{platform.system()} {platform.machine()}"}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    found["processor cores"] = str(os.cpu_count())
    found["memory"] = _memory()
    found["gpu"] = _gpu()
    width = max(map(len, found))
    for name, value in found.items():
        print(f"{name:<{width}}  {value}")
    return found


def _memory() -> str:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return "unknown"
    return f"{size / 2**30:.1f} GiB"


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
