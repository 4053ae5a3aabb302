"""The hand-out: a zip that holds `course/` and what installs and opens it on a student's own machine, and nothing else."""

from __future__ import annotations

import io
import tomllib
import zipfile
from collections.abc import Iterable
from pathlib import Path

from .release import handout
from .source import load_unit

SEAT = Path(__file__).parent / "seat"
TOP = "gradus"  # the folder that is unpacked
TEXTS = (".py", ".sh", ".command", ".json", ".ipynb", ".toml", ".yml", ".txt", ".md", ".js", ".css", ".svg", "")
PROGRAMS = (".sh", ".command")
IGNORE = ".venv/\n__pycache__/\n.ipynb_checkpoints/\nmine/\n"


class HandoutError(RuntimeError):
    """The hand-out cannot be made; the message says why, and what to do."""


def contents(project: Path, sources: Iterable[Path]) -> dict[str, bytes]:
    """Name in the zip -> bytes: the notebooks of `sources`, the package gradus, and what starts them.

    Only what is named here goes in: whatever else lies in course/ (a student's or an instructor's own work, caches)
    stays behind.

    Raises:
        HandoutError: a notebook in course/ is not what its source makes. SourceErrors: a source has faults.
    """
    files: dict[str, bytes] = {}
    stale = []
    for path in sources:
        unit = load_unit(path)
        target = project / "course" / f"{unit.name}.ipynb"
        text = handout(unit).encode()
        if not target.is_file() or _unix(target.read_bytes()) != text:
            stale.append(unit.name)
        files[f"course/{target.name}"] = text
    if stale:
        raise HandoutError(
            f"Not what the source makes: {', '.join(f'course/{name}.ipynb' for name in stale)}. Somebody has worked in "
            f"it, or the source has changed since. Put it right with: autograder build {' '.join(stale)}"
        )
    package = project / "course" / "gradus"
    for path in sorted(package.rglob("*")):
        parts = path.relative_to(package).parts
        if path.is_file() and path.suffix != ".pyc" and not any(p.startswith(".") or p == "__pycache__" for p in parts):
            files["course/gradus/" + "/".join(parts)] = path.read_bytes()
    for path in sorted(SEAT.iterdir()):
        if path.is_file():
            files[path.name] = path.read_bytes()
    for name in ("environment.yml", "LICENSE"):
        if (project / name).is_file():
            files[name] = (project / name).read_bytes()
    files["pyproject.toml"] = project_file(project).encode()
    files[".gitignore"] = IGNORE.encode()
    return {name: _shaped(name, data) for name, data in sorted(files.items())}


def project_file(project: Path) -> str:
    """pyproject.toml of the hand-out: gradus alone, with the dependencies that it has here."""
    ours = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    about = ours["project"]
    needs = "".join(f'  "{line}",\n' for line in about["dependencies"])
    lab = "".join(f'  "{line}",\n' for line in about["optional-dependencies"]["lab"])
    return f"""\
# gradus, the package that the course's notebooks import. start.py installs it.
[build-system]
requires = ["hatchling>=1.24"]
build-backend = "hatchling.build"

[project]
name = "gradus"
version = "{about["version"]}"
description = "{about["description"]}"
requires-python = "{about["requires-python"]}"
dependencies = [
{needs}]

[project.optional-dependencies]
lab = [
{lab}]

[project.scripts]
gradus = "gradus.__main__:main"

[tool.hatch.build.targets.wheel]
packages = ["course/gradus"]
"""


def packed(files: dict[str, bytes]) -> bytes:
    """A zip of `files` in one folder: the same files make the same bytes, whenever and wherever it is made."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(f"{TOP}/{name}", date_time=(1980, 1, 1, 0, 0, 0))
            info.create_system = 3  # Unix, wherever this runs: so that programs stay programs
            mode = 0o755 if name.endswith(PROGRAMS) else 0o644
            info.external_attr = (0o100000 | mode) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return buffer.getvalue()


def _unix(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n")


def _shaped(name: str, data: bytes) -> bytes:
    """Line ends as the readers want them: cmd.exe reads CRLF; everything else here is read by all with LF."""
    if name.endswith(".bat"):
        return _unix(data).replace(b"\n", b"\r\n")
    return _unix(data) if Path(name).suffix in TEXTS else data
