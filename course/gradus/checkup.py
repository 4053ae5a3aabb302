"""What would get in a student's way on this machine, each with what to do about it."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
from collections.abc import Iterator

from .check.hints import FOLDER
from .environment import PACKAGES, private, version
from .home import beside, home, in_colab
from .hosted import missing, where


def problems() -> list[str]:
    """A sentence for each, empty if nothing is amiss. Names no user."""
    found = []
    for ask in (_shadows, _packages, _front_end, _places, _speed):
        try:
            found += [private(line) for line in ask()]
        except Exception as error:  # one thing that is broken must not hide the others
            found.append(private(f"{ask.__name__.strip('_')} could not be looked at ({type(error).__name__}: {error})"))
    return found


def _packages() -> Iterator[str]:
    try:
        yield from (f"{need} is not installed: run start.py, or pip install '{need}'" for need in missing())
        yield from _too_old()
    except importlib.metadata.PackageNotFoundError:
        yield "gradus lies here but is not installed: run start.py"
    from . import __version__

    if version("gradus") not in (None, __version__):
        yield (
            f"gradus {version('gradus')} is installed, and {__version__} lies here: run start.py, or pip install again "
            "and restart the kernel"
        )
    try:
        import torch

        torch.ones(1).numpy()
    except ImportError:
        pass  # said above
    except RuntimeError:
        yield f"torch {version('torch')} cannot work with numpy {version('numpy')}: run pip install --upgrade torch numpy"


def _too_old() -> Iterator[str]:
    """Requirements of gradus that are installed in a version that will not do."""
    from packaging.requirements import Requirement  # matplotlib brings it

    lacking = {Requirement(text).name for text in missing()}
    for need in map(Requirement, importlib.metadata.requires("gradus") or []):
        if "extra" in str(need.marker) or need.name in lacking:
            continue
        have = importlib.metadata.version(need.name)
        if not need.specifier.contains(have, prereleases=True):
            yield f"{need.name} {have} is installed, and {need} is needed: run pip install '{need}'"


def _front_end() -> Iterator[str]:
    """JupyterLab shows sliders only with an extension that comes with ipywidgets."""
    if where() or version("jupyterlab") is None:
        return
    if version("jupyterlab_widgets") is None:
        yield (
            "JupyterLab has no front end for widgets, so sliders do not show: run pip install jupyterlab_widgets, then "
            "start JupyterLab again"
        )
    elif (version("ipywidgets") or "8").startswith("7") and not (version("jupyterlab_widgets") or "").startswith("1"):
        yield "ipywidgets 7 and the front end of ipywidgets 8 do not fit: run pip install --upgrade ipywidgets"


def _shadows() -> Iterator[str]:
    """Files beside the notebooks that Python would import in place of the packages of that name."""
    modules = (
        {name.replace("-", "_") for name in PACKAGES} | {"sklearn", "tqdm", "pooch"} | set(sys.stdlib_module_names)
    )
    for path in sorted(beside().glob("*.py")):
        if path.stem in modules:
            yield f"{path.name} lies beside the notebooks, and `import {path.stem}` would import it: give it another name"


def _places() -> Iterator[str]:
    if not any(FOLDER.glob("*.json")):
        yield f"no hints in {FOLDER}: checks say what is wrong but not why. Unpack the hand-out again"
    if not os.access(home(), os.W_OK):
        yield f"nothing can be written to {home()}: your notebooks cannot be saved. Move the course's folder"
    try:
        free = shutil.disk_usage(home()).free / 2**30
    except OSError:
        return
    if free < 1:
        yield f"only {free:.2f} GiB are free on the disk: make room, or notebooks may be saved by half"


def _speed() -> Iterator[str]:
    cores = os.cpu_count() or 1
    try:
        import torch
    except ImportError:
        return
    if torch.get_num_threads() > cores and not in_colab():
        yield (
            f"torch uses {torch.get_num_threads()} threads on {cores} cores, which slows it down: set OMP_NUM_THREADS={cores} "
            "before you start JupyterLab"
        )
