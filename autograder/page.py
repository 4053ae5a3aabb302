"""A unit as a page to read: the hand-out, with the pictures that a solved notebook draws, and no line of an answer."""

from __future__ import annotations

import copy
import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

import gradus

from . import hosted
from .intake import role
from .release import release_notebook, solved_notebook, to_text
from .source import Unit

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
SECONDS = 600  # for one cell
STILL_SAYS = "Run this cell to move it."  # what gradus.widgets writes under a picture
PAGE_SAYS = "In the notebook you move this, and your own function draws it."


class PageError(RuntimeError):
    """A unit's solved notebook does not run; the message names the cell."""


def page(unit: Unit, cache: Path, links: str = "") -> NotebookNode:
    """The page of `unit`, as a notebook with outputs.

    Exercises stand as they are handed out, with neither answer nor output; checks are folded, without their verdict,
    since on a page nothing has been answered. Setup and long demos are folded too. A widget that needs Python is left
    out: its picture stands there. One that works without stays alive.

    Args:
        cache: a folder in which executed notebooks are kept, until the unit or gradus changes.
        links: markdown to stand below the title.

    Raises:
        PageError: the solved notebook does not run.
    """
    done = executed(unit, cache)
    outputs = {cell.id: cell.outputs for cell in done.cells if cell.cell_type == "code"}
    made = hosted.without(copy.deepcopy(release_notebook(unit)))
    for cell in made.cells:
        cell.metadata.pop("nbgrader", None)
        if cell.cell_type == "code":
            shown = [_readable(output) for output in outputs[cell.id]] if role(cell) == "demo" else []
            cell.outputs = [output for output in shown if output is not None]
            cell.execution_count = None
            _fold(cell)
        elif role(cell) == "question":
            cell.source = "*Here you write your answer, in the notebook.*"
    state = _reached(made, done.metadata.get("widgets", {}).get(STATE, {}))
    if state:
        made.metadata["widgets"] = {STATE: state}
    _link(made, links)
    return made


def executed(unit: Unit, cache: Path) -> NotebookNode:
    """The solved notebook of `unit` after a run in a folder of its own, from the cache if nothing has changed.

    Raises:
        PageError: a cell fails.
    """
    notebook = hosted.without(solved_notebook(unit))
    path = cache / f"{unit.name}-{_key(notebook)}.ipynb"
    if path.is_file():
        return nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"GRADUS_HOME": folder, "GRADUS_HEADLESS": "handout"}
        client = NotebookClient(
            notebook,
            timeout=SECONDS,
            kernel_name="python3",
            resources={"metadata": {"path": folder}},
            extra_arguments=["--IPKernelApp.log_level=40"],  # not that it listens on this machine alone
        )
        try:
            client.execute(env=environment)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            text = str(error).strip().splitlines()
            raise PageError(f"{unit.name}: the solved notebook does not run: {text[-1] if text else error!r}") from None
    cache.mkdir(parents=True, exist_ok=True)
    for older in cache.glob(f"{unit.name}-*.ipynb"):
        older.unlink()
    nbformat.write(notebook, path)
    return notebook


def _key(notebook: NotebookNode) -> str:
    """What the outputs depend on: the notebook, and gradus."""
    digest = hashlib.sha256(to_text(notebook).encode())
    package = Path(gradus.__file__).parent
    for path in sorted(p for kind in ("*.py", "*.js", "*.css") for p in package.rglob(kind)):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _readable(output: NotebookNode) -> NotebookNode | None:
    """An output as a page shows it; None for one that a page is better without."""
    if output.output_type == "error" or output.get("name") == "stderr":
        return None
    data = output.get("data", {})
    if VIEW in data:
        told = output.metadata.get("gradus", {}).get("widget")
        if told != "alive":
            del data[VIEW]
            return output if "image/png" in data else None
    if "text/html" in data:
        data.pop("image/png", None)  # the other has an alternative text
        data["text/html"] = data["text/html"].replace(STILL_SAYS, PAGE_SAYS)
    return output


def _fold(cell: NotebookNode) -> None:
    """Put code behind a line that opens it, where a reader looks for something else."""
    kind = role(cell)
    pictures = any(set(output.get("data", {})) & {VIEW, "image/png", "text/html"} for output in cell.outputs)
    says = {"setup": "imports and data", "check": "the check: your function against numbers you can follow"}.get(kind)
    if kind == "demo" and pictures:
        says = "the code of this picture"
    if says:
        cell.metadata["tags"] = ["hide-input"]
        cell.metadata["mystnb"] = {"code_prompt_show": f"Show {says}", "code_prompt_hide": f"Hide {says}"}


def _reached(notebook: NotebookNode, state: dict[str, Any]) -> dict[str, Any]:
    """The part of the widgets' state that what is shown in `notebook` refers to."""
    models = state.get("state", {})
    waiting = [
        output.data[VIEW]["model_id"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if VIEW in output.get("data", {})
    ]
    kept: dict[str, Any] = {}
    while waiting:
        name = waiting.pop()
        if name not in kept and name in models:
            kept[name] = models[name]
            waiting += _references(models[name])
    return {**state, "state": kept} if kept else {}


def _references(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value.removeprefix("IPY_MODEL_")] if value.startswith("IPY_MODEL_") else []
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [found for item in items for found in _references(item)]


def _link(notebook: NotebookNode, links: str) -> None:
    """Put `links` below the title."""
    first = notebook.cells[0] if notebook.cells else None
    if links and first is not None and first.cell_type == "markdown":
        title, _, rest = first.source.partition("\n")
        first.source = f"{title}\n\n{links}\n{rest}"
