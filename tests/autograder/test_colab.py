"""A hand-out in Colab and on Kaggle: one notebook in an empty folder, an environment that has never heard of gradus."""

from __future__ import annotations

import ast
import json
import sys
import zipfile

import nbformat
import pytest

from autograder import hosted
from autograder.address import Address, AddressError
from autograder.build import build_unit
from autograder.bundle import Bundle
from autograder.examine import examine
from autograder.release import filled, handout, release_notebook, solved_notebook, to_text
from autograder.source import load_unit

from .bare import ROOT, Session, errors, packages, printed, wheel
from .tiny import write

TABLE = '[tool.gradus]\nrepository = "https://github.com/someone/steps"\nbranch = "autumn"\n'
COLAB = "https://colab.research.google.com/github/someone/steps/blob/autumn/course/99_tiny.ipynb"


def tiny(folder, table=TABLE):
    """The small unit in a project whose pyproject.toml says `table`."""
    (folder / "pyproject.toml").write_text(table, encoding="utf-8")
    return load_unit(write(folder))


# the address


def test_link_and_install_line_come_from_one_place(tmp_path):
    badge, session, *rest = release_notebook(tiny(tmp_path)).cells
    assert badge.id == hosted.BADGE and f"]({COLAB})" in badge.source and "folded cell below" in badge.source
    assert session.metadata.jupyter.source_hidden and session.metadata.cellView == "form"
    assert session.source.startswith("# @title Run this first in Colab or on Kaggle; elsewhere")
    assert '"https://github.com/someone/steps/archive/refs/heads/autumn.zip"' in session.source
    assert [cell.id for cell in rest] == [cell.id for cell in without_address(tmp_path / "bare").cells]


def without_address(folder):
    folder.mkdir()
    return release_notebook(load_unit(write(folder)))


def test_a_project_without_an_address_has_no_such_cells(tmp_path):
    assert without_address(tmp_path / "bare").cells[0].source.startswith("# Tiny")
    assert release_notebook(tiny(tmp_path, "[project]\nname = 'x'\n")).cells[0].source.startswith("# Tiny")


def test_a_package_elsewhere_and_another_host(tmp_path):
    wheel = "https://dl.example.edu/gradus-0.1.0-py3-none-any.whl"
    _, session, *_ = release_notebook(tiny(tmp_path, f'{TABLE}package = "{wheel}"\n')).cells
    assert f'"{wheel}"' in session.source and "archive" not in session.source
    text, session, *_ = release_notebook(
        tiny(tmp_path, '[tool.gradus]\nrepository = "https://gitlab.example.edu/a/b.git"\n')
    ).cells
    # Colab opens nothing from there, but a student may upload the notebook
    assert "](" not in text.source and "run the folded cell below first" in text.source
    assert '"git+https://gitlab.example.edu/a/b@main"' in session.source


@pytest.mark.parametrize(
    "table, says",
    [
        ('[tool.gradus]\nrepository = "github.com/a/b"\n', "write the address that a browser shows"),
        ('[tool.gradus]\nrepository = "https://github.com/a/b"\nbrunch = "x"\n', "brunch is not known there"),
        ('[tool.gradus]\nrepository = "https://github.com/a/b\\"; import os"\n', "repository is no address"),
        ('[tool.gradus]\nrepository = "https://github.com/a/b"\nbranch = 3\n', "branch is no address"),
        ("[tool.gradus\n", "pyproject.toml"),
    ],
)
def test_a_wrong_address_is_said_by_the_build(tmp_path, table, says):
    unit = tiny(tmp_path, table)
    with pytest.raises(AddressError, match=says):
        Address.of(tmp_path)
    built = build_unit(unit.path, tmp_path / "course", False, lambda text: None)
    assert len(built.problems) == 1 and says in built.problems[0] and not (tmp_path / "course").exists()


def test_every_unit_names_the_repository_of_pyproject():
    address = Address.of(ROOT)
    assert address is not None
    for path in sorted((ROOT / "course").glob("*.ipynb")):
        badge, session = nbformat.read(path, as_version=4).cells[:2]
        assert f"]({address.colab(path.stem)})" in badge.source
        assert f'"{address.install}"' in session.source


# grading


def test_the_cells_change_no_score(tmp_path):
    unit = tiny(tmp_path)
    bundle = Bundle.load(unit.path)
    for notebook, score in ((solved_notebook(unit), 6.0), (release_notebook(unit), 0.0)):
        result = examine(to_text(notebook).encode(), bundle)
        assert (result.score, result.outcome, result.notes, result.evidence) == (score, "graded", [], [])
        assert not result.outputs.get(hosted.SESSION)  # the student's process does not run it


def test_a_name_that_the_cell_brings_is_there_in_grading_too(tmp_path):
    """`import os` stands in the set-up cell; who forgets it in an answer is as right as in the notebook."""
    unit = tiny(tmp_path)
    answers = {name: exercise.cell.source for name, exercise in unit.exercises.items()}
    answers["softmax"] = "os.getcwd()\n" + answers["softmax"]
    result = examine(to_text(filled(release_notebook(unit), answers)).encode(), Bundle.load(unit.path))
    assert result.score == 6.0


def test_edited_deleted_and_old_forms_of_the_cells_are_the_handouts_again(tmp_path):
    unit = tiny(tmp_path)
    edited = solved_notebook(unit)
    edited.cells[0].source, edited.cells[1].source = "hello", "import numpy; numpy.allclose = None; raise SystemExit"
    before = hosted.without(solved_notebook(unit))
    assert len(before.cells) == len(edited.cells) - 2
    for notebook in (edited, before):
        result = examine(to_text(notebook).encode(), Bundle.load(unit.path))
        assert (result.score, result.evidence) == (6.0, [])
        assert [c.id for c in result.notebook.cells][:2] == [hosted.BADGE, hosted.SESSION]
        assert "SystemExit" not in result.notebook.cells[1].source


# sessions


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    base = tmp_path_factory.mktemp("hosted")
    links = packages(base / "links")
    built = wheel(base)

    def session(name, kind, source=""):
        (base / name).mkdir()
        return Session.start(base / name, links, kind, source)

    session.wheel = built
    return session


@pytest.fixture
def small(tmp_path):
    """A unit that needs no torch."""
    return tiny(tmp_path)


@pytest.fixture(scope="module")
def welcome():
    return load_unit(ROOT / "solutions" / "00_welcome.py")


def test_the_wheel_holds_hints_and_standins(place):
    names = zipfile.ZipFile(place.wheel).namelist()
    package = ROOT / "course" / "gradus"
    for path in [*package.rglob("*.py"), *package.rglob("*.json")]:
        assert f"gradus/{path.relative_to(package).as_posix()}" in names
    assert any(name.startswith("gradus/hints/00_") for name in names)
    assert not [name for name in names if name.split("/")[0] in ("solutions", "tests", "course")]


def points(cells):
    """Exercise -> points, as nbgrader reads them."""
    found = {}
    for cell in cells:
        if cell["metadata"].get("gradus", {}).get("role") == "check":
            [result] = [o for o in cell["outputs"] if o["output_type"] == "execute_result"]
            found[cell["metadata"]["gradus"]["exercise"]] = float("".join(result["data"]["text/plain"]))
    return found


def test_colab_runs_the_untouched_and_the_solved_notebook(place, welcome):
    session = place("colab", "colab", place.wheel.as_uri())
    assert session.python_says("-c", "import gradus").returncode  # so that the notebook does not pass without its cell
    cells = session.execute(handout(welcome))
    assert errors(cells) == [] and set(points(cells).values()) == {0.0}
    said = printed(cells[1])
    assert said.startswith("Colab is ready: Python ") and "gradus 0.1.0, torch " in said
    assert "Runtime > Change runtime type" in said or "GPU: NVIDIA" in said or "GPU: Tesla" in said
    where = session.python_says(
        "-c", "import gradus, torch, numpy; print(gradus.__file__, torch.__file__, numpy.__file__)"
    )
    ours, *theirs = where.stdout.split()
    assert str(session.folder / "env") in ours and all("links" in path for path in theirs)  # Colab's own were kept

    answers = {name: exercise.cell.source for name, exercise in welcome.exercises.items()}
    answers["greet"] = "def greet(name):\n    return f'Hello, {name}'"
    cells = session.execute(to_text(filled(release_notebook(welcome), answers)))  # this run finds gradus there
    assert errors(cells) == []
    right = {name: exercise.points for name, exercise in welcome.exercises.items() if name != "greet"}
    assert points(cells) == right | {"greet": 0.0}
    assert "The greeting ends with an exclamation mark" in json.dumps(cells)  # hints came with the wheel


def test_kaggle_without_internet_says_what_to_do_and_takes_a_wheel(place, small):
    session = place("kaggle", "kaggle", "https://localhost:9/gradus.zip")
    cells = session.execute(handout(small))
    assert any("Settings > Internet" in error and "Add Input" in error for error in errors(cells))
    assert not any(cell.get("execution_count") for cell in cells[2:])  # Run all stops there
    session.source = ""
    (session.content / place.wheel.name).write_bytes(place.wheel.read_bytes())
    cells = session.execute(handout(small))
    assert errors(cells) == []
    assert printed(cells[1]).startswith("Kaggle is ready") and "Settings > Accelerator" in printed(cells[1])


def test_a_lack_is_filled_and_what_is_there_is_kept(place, small):
    """Colab's image may drop a package that gradus needs, such as pooch: it alone is installed."""
    session = place("lacking", "colab", place.wheel.as_uri())
    says = (
        "import importlib.metadata as m, gradus.hosted as h\n"
        "real = h._version\n"
        "h._version = lambda name: None if name in ('pooch', 'tqdm') else real(name)\n"
        "print(h.missing())\n"
    )
    session.execute(to_text(nbformat.v4.new_notebook(cells=release_notebook(small).cells[1:2])))
    assert ast.literal_eval(session.python_says("-c", says).stdout) == ["pooch>=1.8", "tqdm>=4.65"]
    failed = session.python_says("-c", "import gradus.hosted as h; h._install(['no-such-package-of-gradus'])")
    assert "RuntimeError: This session lacks no-such-package-of-gradus" in failed.stderr


def test_elsewhere_the_cell_is_silent_or_says_which_python_lacks_gradus(place, small):
    session = place("elsewhere", "")
    cells = session.execute(handout(small))
    assert "start.py" in printed(cells[1]) and str(session.python) in printed(cells[1])
    assert any(error.startswith("ModuleNotFoundError") for error in errors(cells))
    install = ["-m", "pip", "install", "--quiet", "--no-deps", str(place.wheel)]
    assert session.python_says(*install).returncode == 0
    (session.content / "unit.ipynb").write_text(handout(small), encoding="utf-8")
    convert = ["-m", "nbconvert", "--to", "notebook", "--execute", "unit.ipynb", "--output", "converted.ipynb"]
    done = session.python_says(*convert)
    assert done.returncode == 0, done.stderr
    cells = json.loads((session.content / "converted.ipynb").read_text(encoding="utf-8"))["cells"]
    assert cells[1]["outputs"] == [] and errors(cells) == []


def test_the_cell_is_quick_and_changes_nothing_here(capsys):
    before = set(sys.modules)
    exec(hosted.CODE.format(install="https://example.org/x.zip"), {})
    assert capsys.readouterr().out == "" and {"gradus.hosted", "torch"} & (set(sys.modules) - before) == set()


def test_the_driver_names_the_gpu(tmp_path, monkeypatch):
    from gradus.hosted import graphics

    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'GPU 0: Tesla T4 (UUID: GPU-4f)'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert graphics() == "Tesla T4"
    program.write_text("#!/bin/sh\necho 'NVIDIA-SMI has failed'\nexit 9\n")
    assert graphics() == ""
