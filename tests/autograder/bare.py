"""A stand-in for a hosted session: a bare environment with Colab's packages, without gradus or the grader."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# what Colab has not: ours, and what only the grader, the tests or the website need
ABSENT = (
    "gradus",
    "autograder",
    "nbgrader",
    "jupytext",
    "hatchling",
    "sphinx",
    "myst",
    "playwright",
    "msgpack",
    "pytest",
)
RUN = """
import json, sys, time, nbformat, nbclient
notebook = nbformat.read(sys.argv[1], as_version=4)
start = time.monotonic()
try:
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
finally:
    nbformat.write(notebook, "executed.ipynb")
"""
START = """
import os
if os.environ.get("STAND_IN") == "colab":
    import google.colab
"""


def wheel(folder: Path) -> Path:
    """gradus as pip would build it, from the tree as it is."""
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    done = subprocess.run([*build, "--wheel-dir", folder, ROOT], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    [made] = folder.glob("gradus-*.whl")
    return made


def packages(folder: Path, keep: tuple[str, ...] = ()) -> Path:
    """A folder of links to what is installed here, less what Colab has not, but for those of `keep`."""
    import torch

    here = Path(torch.__file__).resolve().parents[1]
    folder.mkdir()
    for path in here.iterdir():
        plain = path.name.lower().lstrip("_")
        if path.suffix != ".pth" and (not plain.startswith(ABSENT) or plain.startswith(keep)):
            (folder / path.name).symlink_to(path)
    return folder


@dataclass
class Session:
    """A fresh environment and an empty folder in which notebooks run; `kind` is "colab", "kaggle" or ""."""

    folder: Path
    kind: str
    source: str = ""

    @classmethod
    def start(cls, folder: Path, links: Path, kind: str, source: str = "") -> Session:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "env"], check=True, timeout=60)
        [site] = (folder / "env" / "lib").glob("python*/site-packages")
        (site / "google" / "colab").mkdir(parents=True)
        (site / "google" / "colab" / "__init__.py").write_text("")
        (site / "stand_in.py").write_text(START)
        (site / "stand_in.pth").write_text(f"{links}\nimport stand_in\n")
        (folder / "content").mkdir()
        return cls(folder, kind, source)

    @property
    def python(self) -> Path:
        return self.folder / "env" / "bin" / "python"

    @property
    def content(self) -> Path:
        return self.folder / "content"

    @property
    def environment(self) -> dict[str, str]:
        hidden = ("PYTHONPATH", "JUPYTER", "GRADUS", "PIP_", "VIRTUAL_ENV", "KAGGLE")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(hidden)}
        kept |= {"HOME": str(self.folder), "STAND_IN": self.kind, "OMP_NUM_THREADS": "1", "PIP_NO_INDEX": "1"}
        if self.kind == "kaggle":
            kept["KAGGLE_KERNEL_RUN_TYPE"] = "Interactive"
        return kept | ({"GRADUS_SOURCE": self.source} if self.source else {})

    def python_says(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run this environment's Python in the folder of the notebook."""
        return subprocess.run(
            [self.python, *arguments],
            cwd=self.content,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=200,
        )

    def execute(self, notebook: str) -> list[dict]:
        """Run a notebook's text from top to bottom; return its cells as they are afterwards, an error among them."""
        (self.content / "unit.ipynb").write_text(notebook, encoding="utf-8")
        done = self.python_says("-c", RUN, "unit.ipynb")
        executed = self.content / "executed.ipynb"
        assert executed.is_file(), done.stderr
        return json.loads(executed.read_text(encoding="utf-8"))["cells"]


def printed(cell: dict) -> str:
    """What a cell wrote."""
    return "".join("".join(output["text"]) for output in cell["outputs"] if output["output_type"] == "stream")


def errors(cells: list[dict]) -> list[str]:
    """The errors of all cells, and what they wrote to stderr."""
    found = []
    for cell in cells:
        for output in cell.get("outputs", []):
            if output["output_type"] == "error":
                found.append(f"{output['ename']}: {output['evalue']}")
            elif output.get("name") == "stderr":
                found.append("".join(output["text"]))
    return found
