"""Make the archive that Gradescope wants: its two scripts, the unit with its hidden tests, and the grader itself."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..bundle import Bundle
from .results import VISIBILITIES

HERE = Path(__file__).parent
ROOT = HERE.parent.parent  # the project: its folder is what is installed there
TREE = ("pyproject.toml", "constraints.txt", "README.md", "LICENSE", "autograder", "course/gradus")
EPOCH = (1980, 1, 1, 0, 0, 0)  # the same archive each time

READ_ME = """{unit}: an autograder for Gradescope
{line}

Upload this zip as it is: Gradescope, Create Assignment, Programming Assignment, Configure Autograder.

- Autograder points: {points:g}. That is the sum of the checks, no more.{by_hand}
- Base image: Ubuntu 22.04 or later. Container: 2 CPUs and 3 GB at least (PyTorch is large). Timeout: {minutes} minutes or more.
- Building takes some minutes, and ends with the reference solution being graded: it must get {points:g} points.
- Hidden tests: {hidden}. While a test is hidden, Gradescope shows students no total either.
- Which sandbox works there is printed by each run, where instructors see it ("sandbox: ..."). Most such containers allow
  no namespaces; then it is Landlock, where the kernel has it, else a throw-away user. Below that you are told so.
- This archive holds solutions and hidden tests: hand it to nobody.
"""


class ArchiveError(RuntimeError):
    """The archive cannot be made; the message says why."""


@dataclass(frozen=True)
class Choices:
    """What an instructor decides when the archive is made; `run` reads them there."""

    hidden: str = "after_published"  # when students see hidden tests, one of VISIBILITIES
    stdout: str = "hidden"  # when they see what the grader printed
    sandbox: str = "auto"  # the strongest that works; "required": one with namespaces or Landlock, or no result
    seconds: float = 300.0
    memory: int = 4  # GB
    late: str = ""  # the text of a late policy's file

    def __post_init__(self) -> None:
        assert self.hidden in VISIBILITIES and self.stdout in VISIBILITIES


def archive(unit: str | Path, choices: Choices | None = None) -> bytes:
    """The zip's bytes.

    Args:
        unit: a name or a path, as for `Bundle.load`.

    Raises:
        ArchiveError: gradus was not installed from its project's folder. SourceError: the unit cannot be built.
    """
    choices = choices or Choices()
    missing = [name for name in TREE if not (ROOT / name).exists()]
    if missing:
        raise ArchiveError(
            f"The archive takes the grader from the project's folder, and {ROOT} has no {', '.join(missing)}. Install "
            "gradus from a clone (make setup, or pip install -e '.[grader]') and run this there."
        )
    bundle = Bundle.load(unit)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data, mode in _members(bundle, choices):
            info = zipfile.ZipInfo(name, EPOCH)
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            made.writestr(info, data)
    return packed.getvalue()


def _members(bundle: Bundle, choices: Choices) -> Iterator[tuple[str, bytes, int]]:
    """Name, content and mode of each file."""
    for script in ("setup.sh", "run_autograder"):
        yield script, (HERE / script).read_bytes(), 0o100755
    settings: dict[str, Any] = {"unit": bundle.unit.name, **vars(choices)}
    yield "settings.json", json.dumps(settings, indent=1).encode(), 0o100600
    yield "bundle.json", bundle.to_bytes(), 0o100600
    yield "README.txt", _read_me(bundle, choices).encode(), 0o100644
    for name in TREE:
        path = ROOT / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            hidden = any(part.startswith(".") or part == "__pycache__" for part in file.relative_to(ROOT).parts)
            if file.is_file() and not hidden and file.suffix != ".pyc":
                yield f"gradus/{file.relative_to(ROOT).as_posix()}", file.read_bytes(), 0o100644


def _read_me(bundle: Bundle, choices: Choices) -> str:
    unit = bundle.unit
    questions = ", ".join(f"{cell.name} ({cell.options['points']:g})" for cell in unit.questions)
    told = {
        "visible": "shown like all others",
        "after_due_date": "shown by their titles after the due date",
        "after_published": "shown by their titles when you publish grades",
        "hidden": "never shown",
    }
    return READ_ME.format(
        unit=unit.name,
        line="=" * (len(unit.name) + 30),
        points=sum(exercise.points for exercise in unit.exercises.values()),
        by_hand=f" Questions in words are for manual grading there: {questions}." if questions else "",
        minutes=int(choices.seconds // 60) + 5,
        hidden=told[choices.hidden],
    )
