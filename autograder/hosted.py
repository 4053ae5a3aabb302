"""The two cells that the build puts in front of every hand-out, for Colab and Kaggle; elsewhere they do nothing.

Unit authors write neither. In grading the code cell counts as a demo: a student's process runs it only where the
student's own code reads a name of it, and there it does nothing.
"""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from .address import Address

BADGE, SESSION = "colab", "session"  # their ids
# A lesson should begin with its title, not with two dozen lines of installing: JupyterLab, Colab (with the `@title` line)
# and Kaggle each fold a cell's code by a mark of their own.
FOLDED: dict[str, Any] = {"jupyter": {"source_hidden": True}, "cellView": "form", "_kg_hide-input": True}

CODE = """\
# @title Run this first in Colab or on Kaggle; elsewhere it does nothing
# It installs gradus, the course's helper package.
import importlib.util
import os
import sys

HOSTED = "google.colab" in sys.modules or "KAGGLE_KERNEL_RUN_TYPE" in os.environ
if HOSTED and importlib.util.find_spec("gradus") is None:
    import glob
    import subprocess

    wheels = glob.glob("gradus-*.whl") + glob.glob("/kaggle/input/**/gradus-*.whl", recursive=True)
    source = os.environ.get("GRADUS_SOURCE") or (wheels[0] if wheels else "{install}")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--retries", "1", source]
    done = subprocess.run(pip, capture_output=True, text=True)
    if done.returncode:
        print(done.stderr[-800:])
        raise RuntimeError(
            f"gradus could not be installed from {{source}}. On Kaggle turn on Settings > Internet at the right. Run this "
            "cell again. If that does not help, ask your instructor for the file gradus-....whl, upload it beside the "
            "notebook (on Kaggle: Add Input > Upload), and run this cell again."
        )
if HOSTED:
    import gradus.hosted

    gradus.hosted.ready()
elif importlib.util.find_spec("gradus") is None:
    print(f"gradus is missing in this Python ({{sys.executable}}).")
    print("Open the course with its own start.py, or choose the kernel of the course's folder .venv.")"""


def cells(unit: str, address: Address | None) -> list[NotebookNode]:
    """The cells in front of the hand-out of `unit`: the way into Colab, and what installs `gradus` there.

    Where pyproject.toml names no address there are none.
    """
    if address is None:
        return []
    link = address.colab(unit)
    text = "In Colab or on Kaggle, run the folded cell below first. Anywhere else it does nothing."
    if link:
        text = f"**[▶ Open in Colab]({link})** to work in the browser, with nothing to install. {text}"
    made = [new_markdown_cell(text, id=BADGE, metadata={"gradus": {"role": "markdown", "hosted": True}})]
    marks = {"schema_version": 3, "grade_id": SESSION, "grade": False, "solution": False, "locked": True, "task": False}
    role = {"role": "demo", "locked": True, "hosted": True}
    source = CODE.format(install=address.install)
    made.append(new_code_cell(source, id=SESSION, metadata={"gradus": role, "nbgrader": marks} | FOLDED))
    return made


def without(notebook: NotebookNode) -> NotebookNode:
    """`notebook` less these cells, changed in place and returned."""
    notebook.cells = [cell for cell in notebook.cells if not cell.metadata.get("gradus", {}).get("hosted")]
    return notebook
