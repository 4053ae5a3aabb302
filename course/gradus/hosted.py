"""A session in Colab or on Kaggle: what it has, and what to do about what it has not."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys

from .home import in_colab, passing

TURN_ON = {
    "Colab": "Runtime > Change runtime type > T4 GPU > Save, then run the cells from the top",
    "Kaggle": "Settings > Accelerator > GPU T4, then run the cells from the top",
}


def where() -> str:
    """ "Colab", "Kaggle", or "" anywhere else."""
    return "Colab" if in_colab() else "Kaggle" if "KAGGLE_KERNEL_RUN_TYPE" in os.environ else ""


def ready() -> None:
    """Install what this session lacks, and say what it has: versions, and a GPU or how to turn one on.

    Called by the first code cell of every notebook, in Colab and on Kaggle only. What is there already is kept as it
    is: gradus itself was installed without its dependencies, so that Colab's own torch and NumPy stay.

    Raises:
        RuntimeError: something is missing and cannot be installed; the message says what.
    """
    lacking = missing()
    if lacking:
        _install(lacking)
    site = where() or "This session"
    versions = ", ".join(f"{name} {_version(name)}" for name in ("gradus", "torch", "numpy"))
    print(f"{site} is ready: Python {platform.python_version()}, {versions}.")
    gpu = graphics()
    if gpu:
        print(f"GPU: {gpu}.")
    else:
        how = f" To turn one on: {TURN_ON[site]}." if site in TURN_ON else ""
        print(f"GPU: none. Most units need none.{how}")
    if passing():
        print(
            "To keep your work: File > Save a copy in Drive. Later units use the code that you write here: to take it"
        )
        print("along, mount Drive before you go on (the folder icon at the left, then Mount Drive).")


def missing() -> list[str]:
    """Those requirements of gradus of which no version at all is installed."""
    importlib.invalidate_caches()
    wanted = importlib.metadata.requires("gradus") or []
    names = {text: re.match(r"[\w.-]+", text) for text in wanted if "extra ==" not in text}
    return [text for text, name in names.items() if name and _version(name[0]) is None]


def graphics() -> str:
    """The name of the first NVIDIA GPU, or "". Asked of the driver, which takes less time than importing torch."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    try:
        done = subprocess.run([program, "-L"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(r"^GPU \d+: (.+?)(?: \(UUID.*)?$", done.stdout, re.MULTILINE)
    return found[1] if done.returncode == 0 and found else ""


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _install(requirements: list[str]) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--retries", "1", *requirements]
    done = subprocess.run(pip, capture_output=True, text=True)
    if done.returncode:
        names = ", ".join(requirements)
        raise RuntimeError(f"This session lacks {names}, and pip could not install it:\n{done.stderr[-800:]}")
    importlib.invalidate_caches()
