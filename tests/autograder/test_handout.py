"""The hand-out: what is in the zip, and that it installs and runs by itself."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile

import nbformat
import pytest
from click.testing import CliRunner

from autograder.cli import main
from autograder.handout import SEAT, contents, packed
from autograder.release import handout, secrets
from autograder.source import load_unit, unit_paths

from .bare import RUN, errors, packages
from .tiny import SOURCE, write

from .bare import ROOT  # isort: skip

FOLDER = "Mein Kurs für Zoë (ß)"


@pytest.fixture
def project(tmp_path):
    """A project with one small unit, built, and with what lies about in a real one."""
    root = tmp_path / "project"
    root.mkdir()
    for name in ("pyproject.toml", "environment.yml", "LICENSE"):
        shutil.copy(ROOT / name, root / name)
    ignore = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    shutil.copytree(ROOT / "course" / "gradus", root / "course" / "gradus", ignore=ignore)
    unit = load_unit(write(root))
    (root / "course" / "99_tiny.ipynb").write_text(handout(unit), encoding="utf-8")
    for litter in (
        "mine/backprop.py",
        "progress.json",
        ".ipynb_checkpoints/99_tiny-checkpoint.ipynb",
        "gradus/__pycache__/course.cpython-311.pyc",
        "gradus/.ipynb_checkpoints/course-checkpoint.py",
        "my solutions.ipynb",
    ):
        path = root / "course" / litter
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SOURCE, encoding="utf-8")
    return root


def packing(project):
    return contents(project, unit_paths(project / "solutions"))


# what is in it


def test_the_zip_is_the_course_and_what_starts_it(project):
    names = set(packing(project))
    package = ROOT / "course" / "gradus"
    skipped = ("__pycache__", ".ipynb_checkpoints")
    tree = {
        f"course/gradus/{path.relative_to(package).as_posix()}"
        for path in package.rglob("*")
        if path.is_file() and not set(skipped) & set(path.parts) and path.suffix != ".pyc"
    }
    starters = {"start.py", "start.bat", "start.command", "start.sh", "README.txt"}
    files = {"pyproject.toml", "environment.yml", "LICENSE", ".gitignore"}
    assert names == tree | {"course/99_tiny.ipynb"} | starters | files


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a clone: git cannot say what belongs to the course")
def test_what_git_keeps_of_the_course_is_what_students_get():
    """A file in course/ that the hand-out forgets would be missed by students first."""
    listed = subprocess.run(["git", "ls-files", "course"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    kept = {line for line in listed.splitlines() if (ROOT / line).is_file()}
    units = unit_paths(ROOT / "solutions")
    files = contents(ROOT, units[:1])
    assert kept <= set(files) | {f"course/{path.stem}.ipynb" for path in units}
    for name in kept & set(files):
        assert files[name] == (ROOT / name).read_bytes().replace(b"\r\n", b"\n")


def test_nothing_of_the_solutions_is_in_it(project):
    files = packing(project)
    unit = load_unit(project / "solutions" / "99_tiny.py")
    hidden = [line for _, line in secrets(unit)]
    assert len(hidden) > 10 and any("reference.softmax(z)" in line for line in hidden)
    text = "\n".join(data.decode("utf-8", "replace") for data in files.values())
    lines = {line.strip().strip('",').removesuffix("\\n") for line in text.splitlines()}
    assert [line for line in hidden if line in lines or line in text] == []
    assert not [name for name in files if name.startswith(("solutions", "autograder", "tests"))]
    assert "BEGIN SOLUTION" not in text and "autograder" not in files["pyproject.toml"].decode()


def test_the_same_bytes_every_time_and_programs_stay_programs(project):
    data = packed(packing(project))
    os.utime(project / "course" / "99_tiny.ipynb", (1, 1))
    assert packed(packing(project)) == data
    archive = zipfile.ZipFile(io.BytesIO(data))
    modes = {info.filename: info.external_attr >> 16 & 0o777 for info in archive.infolist()}
    assert modes["gradus/start.command"] == modes["gradus/start.sh"] == 0o755
    assert modes["gradus/start.py"] == modes["gradus/course/99_tiny.ipynb"] == 0o644
    assert all(info.date_time == (1980, 1, 1, 0, 0, 0) for info in archive.infolist())


def test_line_ends_and_letters_are_those_of_each_reader(project):
    path = project / "course" / "gradus" / "course.py"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))  # as git on Windows may check it out
    files = packing(project)
    assert b"\r" not in files["course/gradus/course.py"] + files["start.sh"] + files["start.command"]
    assert files["start.bat"].count(b"\r\n") == files["start.bat"].count(b"\n") > 5
    for name in ("start.bat", "start.sh", "start.command", "README.txt", "start.py"):
        assert files[name].isascii()  # cmd.exe reads the machine's own code page
    assert all(name.isascii() for name in files)


def test_its_project_file_is_gradus_alone_with_our_dependencies(project):
    made, ours = (
        tomllib.loads(text)
        for text in (packing(project)["pyproject.toml"].decode(), (ROOT / "pyproject.toml").read_text())
    )
    assert made["project"]["dependencies"] == ours["project"]["dependencies"]
    assert set(made["project"]["optional-dependencies"]) == {"lab"}
    assert made["project"]["version"] == ours["project"]["version"]
    assert made["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["course/gradus"]
    start = _start()
    assert made["project"]["requires-python"] == f">=3.{start.FIRST[1]},<3.{start.LAST[1] + 1}"


def test_conda_gets_the_same_packages():
    """environment.yml has conda's names; what pip would add must be nothing."""
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {line.split(">=")[0] for line in [*ours["dependencies"], *ours["optional-dependencies"]["lab"]]}
    listed = {
        line.strip(" -").split(" ")[0] for line in (ROOT / "environment.yml").read_text().splitlines() if " - " in line
    }
    conda = {"torch": "pytorch", "matplotlib": "matplotlib-base"}
    assert {conda.get(name, name) for name in wanted} <= listed


def test_a_notebook_that_somebody_worked_in_is_refused(project, monkeypatch):
    path = project / "course" / "99_tiny.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[-2].source = "# the instructor's own try"
    nbformat.write(notebook, path)
    monkeypatch.chdir(project)
    done = CliRunner().invoke(main, ["handout"])
    assert done.exit_code == 1 and "autograder build 99_tiny" in done.output
    assert not (project / "dist").exists()


def test_the_command_writes_the_zip_and_warns_of_the_placeholder(project, monkeypatch):
    monkeypatch.chdir(project)
    done = CliRunner().invoke(main, ["handout", "99", "--out", "für Zoë/course.zip"])
    assert done.exit_code == 0, done.output
    assert zipfile.is_zipfile("für Zoë/course.zip") and "1 unit(s)" in done.output
    assert ("lead nowhere yet" in " ".join(done.output.split())) == (
        "your-university" in (ROOT / "pyproject.toml").read_text()
    )
    text = (project / "pyproject.toml").read_text().replace("your-university", "somebody")
    (project / "pyproject.toml").write_text(text)
    stale = CliRunner().invoke(main, ["handout"])
    assert stale.exit_code == 1 and "Put it right with" in stale.output  # the notebooks still name the old address


# that it starts


def _start():
    """start.py as a module."""
    spec = importlib.util.spec_from_file_location("start", SEAT / "start.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def unpacked(project, folder):
    """The hand-out, unpacked where paths are awkward; the folder that start.py lies in."""
    place = folder / FOLDER
    place.mkdir()
    zipfile.ZipFile(io.BytesIO(packed(packing(project)))).extractall(place)
    return place / "gradus"


def start(place, *arguments, **environment):
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "JUPYTER", "VIRTUAL_ENV"))}
    command = [sys.executable, "start.py", *arguments]
    return subprocess.run(command, cwd=place, env=kept | environment, capture_output=True, text=True, timeout=200)


def test_it_installs_and_runs_in_a_folder_with_spaces_and_umlauts(project, tmp_path):
    """As a student has it, but that the packages come from this environment instead of the network."""
    place = unpacked(project, tmp_path)
    links = packages(tmp_path / "links", keep=("hatchling",))
    offline = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PYTHONPATH": str(links)}
    done = start(place, "--install", **offline)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Installed." in done.stdout
    again = start(place, "--install", **offline)
    assert again.returncode == 0 and "Setting up" not in again.stdout  # the second start is quick
    python = place / ".venv" / "bin" / "python"
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {"PYTHONPATH": str(links)}
    said = start(place, "--doctor", **offline)  # python -m gradus doctor
    assert str(python) in said.stdout and "Nothing is amiss." in said.stdout, said.stdout + said.stderr
    assert subprocess.run([python, "-c", "import autograder"], cwd=tmp_path, env=environment).returncode
    run = subprocess.run(
        [python, "-c", RUN, "99_tiny.ipynb"],
        cwd=place / "course",
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    assert errors(json.loads((place / "course" / "executed.ipynb").read_text(encoding="utf-8"))["cells"]) == []
    bare = [sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"]  # such as conda's, before its packages
    subprocess.run(bare, check=True, timeout=60)
    here = [tmp_path / "bare" / "bin" / "python", "start.py", "--here"]
    lacks = subprocess.run(here, cwd=place, capture_output=True, text=True, timeout=60)
    assert lacks.returncode == 1 and "jupyterlab torch sklearn matplotlib anywidget: not installed" in lacks.stderr
    config = json.loads((place / ".venv" / "etc" / "jupyter" / "labconfig" / "page_config.json").read_text())
    assert config["disabledExtensions"] == {"@jupyterlab/apputils-extension:announcements": True}
    moved = place.rename(place.with_name("moved"))
    assert "Setting up" in start(moved, "--install", **offline).stdout  # an environment does not survive a move


def test_without_a_network_it_says_so(project, tmp_path):
    place = unpacked(project, tmp_path)
    script = (place / "start.py").read_text().replace("    make_venv()\n", "    use_this()\n")
    (place / "start.py").write_text(script.replace("MEND = ", USE_THIS + "MEND = "))
    done = start(
        place, "--install", PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_RETRIES="0", PIP_CONFIG_FILE=os.devnull
    )
    assert done.returncode == 1
    assert "is this machine online?" in done.stderr and "Traceback" not in done.stderr
    assert not (place / ".venv" / "installed.json").exists()  # the next start tries again


USE_THIS = """
def use_this():
    import venv
    venv.EnvBuilder(with_pip=False, symlinks=True).create(VENV)
    [site] = __import__("glob").glob(os.path.join(VENV, "lib", "python*", "site-packages"))
    os.symlink(os.path.dirname(__import__("pip").__file__), os.path.join(site, "pip"))

"""


def test_what_goes_wrong_is_said_in_plain_words(tmp_path, monkeypatch, capsys):
    module = _start()
    assert module.main([]) == 1 and "Unpack the whole zip first" in capsys.readouterr().err

    monkeypatch.setattr(module, "HERE", str(tmp_path))
    monkeypatch.setattr(module, "VENV", str(tmp_path / ".venv"))
    (tmp_path / "course").mkdir()
    (tmp_path / "pyproject.toml").write_text("")
    monkeypatch.setattr(module, "STAMP", str(tmp_path / ".venv" / "installed.json"))

    monkeypatch.setattr(module.sys, "version_info", (3, 8, 10, "final", 0))
    monkeypatch.setattr(module.shutil, "which", lambda name, path=None: None)
    assert module.main([]) == 1
    assert "This is Python 3.8.10; the course needs 3.11 to 3.13" in capsys.readouterr().err

    called = []
    monkeypatch.setattr(
        module.shutil, "which", lambda name, path=None: f"/usr/bin/{name}" if name == "python3.12" else None
    )
    monkeypatch.setattr(module.subprocess, "call", lambda command: called.append(command) or 0)
    assert module.main(["--install"]) == 0
    assert called[0][0] == "/usr/bin/python3.12" and called[0][-1] == "--install"

    import venv

    def refuse(self, folder):
        raise PermissionError(13, "Permission denied", folder)

    monkeypatch.setattr(module.sys, "version_info", (3, 12, 1, "final", 0))
    monkeypatch.setattr(venv.EnvBuilder, "create", refuse)
    assert module.main([]) == 1
    assert "Move the folder to one of your own" in capsys.readouterr().err


@pytest.mark.parametrize(
    "said, advice",
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "The disk is full"),
        ("getaddrinfo failed", "is this machine online?"),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]", "firewall or a proxy"),
        ("ERROR: Could not install packages: [WinError 206] The filename or extension is too long", "C:\\gradus"),
        ("[WinError 5] Access is denied", "close other programs"),
        ("something else", "send it to your instructor"),
    ],
)
def test_pips_complaints_are_translated(said, advice):
    assert advice in _start().reason(said)


def test_old_pythons_can_read_start_py():
    """It must at least start in them, to say that they are too old."""
    import ast

    ast.parse((SEAT / "start.py").read_text(), feature_version=(3, 6))


def test_the_wrappers_hand_everything_on(project, tmp_path):
    place = unpacked(project, tmp_path)
    (place / "start.py").write_text("import sys, os; print(os.getcwd(), sys.argv[1:])")
    for name in ("start.sh", "start.command"):
        done = subprocess.run(["sh", place / name, "--no-browser", "a b"], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == f"{place} ['--no-browser', 'a b']"
