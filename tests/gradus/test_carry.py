"""Code whose check has passed serves in later units: what is kept, what is refused, whose code runs."""

from __future__ import annotations

import json
import os
import stat
import sys
import types

import numpy as np
import pytest

import gradus.standin
from gradus import carry, course, home
from gradus.carry import bring, gather, shelf
from gradus.check import hints

from .cells import Notebook as Cells

DEFINES = {
    "double": ["double"],
    "tensor": ["Tensor"],
    "add": ["Tensor.__add__", "Tensor.relu"],
    "order": ["order"],
}
STANDIN = """
__all__ = ["Tensor", "double", "order"]
class Tensor:
    made_by = "stand-in"
def double(x):
    return x + x
def order(root):
    return [root]
"""
TENSOR = """
class Tensor:
    def __init__(self, data, parents=()):
        self.data, self.parents = np.asarray(data, dtype=float), parents
"""
ADD = """
@add_to(Tensor)
def __add__(self, other):
    return Tensor(self.data + other.data, (self, other))

@add_to(Tensor)
def relu(self):
    return Tensor(np.maximum(self.data, 0.0), (self,))
"""


class Notebook(Cells):
    """A notebook of a made-up unit, its set-up cell run."""

    def __init__(self, unit="97_engine"):
        super().__init__(unit)
        self.run("import math\nimport numpy as np\nimport gradus\nfrom gradus import add_to")


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    """A student's folder, a unit 97_engine with a stand-in, nobody grading."""
    monkeypatch.setattr(home, "grading", False)
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    monkeypatch.setenv("GRADUS_HOME", str(tmp_path))
    banks = tmp_path / "banks"
    banks.mkdir()
    (banks / "97_engine.json").write_text(json.dumps({"unit": "97_engine", "defines": DEFINES, "exercises": {}}))
    monkeypatch.setattr(hints, "FOLDER", banks)
    standins = tmp_path / "standins"
    standins.mkdir()
    (standins / "engine.py").write_text(STANDIN)
    monkeypatch.setattr(gradus.standin, "__path__", [str(standins)])
    before = course.current_unit()
    for cache in (bring._known, bring._origins):
        cache.clear()
    for name in ("gradus.standin.engine", "mine.engine"):
        sys.modules.pop(name, None)
    yield
    course.unit(before)
    for name in ("gradus.standin.engine", "mine.engine"):
        sys.modules.pop(name, None)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "mine" / "engine.py"


def whole(notebook):
    """All four exercises, kept."""
    notebook.run("def double(x):\n    return 2 * x").keep("double")
    notebook.run(TENSOR).keep("tensor")
    notebook.run(ADD).keep("add")
    notebook.run("def order(root):\n    return [*root.parents, root]").keep("order")


def test_what_is_kept_is_readable_python_that_runs_by_itself(file):
    said = Notebook().run("# twice as much\ndef double(x):\n    return 2 * np.asarray(x)").keep("double")
    assert said.startswith("Carried forward") and "engine.py" in said
    text = file.read_text()
    assert "# twice as much\ndef double(x):" in text
    assert 'exercise="double" notebook="97_engine.ipynb" tests=3' in text
    space = {}
    exec(text, space)
    assert space["double"]([1, 2]).tolist() == [2, 4]


def test_helpers_and_constants_of_other_cells_come_along(file):
    notebook = Notebook().run("SCALE = 2\nprint_it = False").run("def helper(x):\n    return math.floor(SCALE) * x")
    notebook.run("y = 5\ndef double(x):\n    y = helper(x)\n    return y\nassert double(3) == 6").keep("double")
    space = {}
    exec(file.read_text(), space)
    assert space["double"](3) == 6
    assert "print_it" not in space and "y" not in space  # a local of that name is not the notebook's


def test_a_name_that_only_the_notebook_has_is_refused_with_the_reason(file):
    said = Notebook().run("table = np.eye(3)\ndef double(x):\n    return table[0, 0] * 2 * x").keep("double")
    assert "`table`" in said and "argument" in said
    assert not file.exists()


def test_the_last_definition_counts(file):
    notebook = Notebook().run("def double(x):\n    return 0").run("def double(x):\n    return 2 * x")
    notebook.keep("double")
    assert "return 2 * x" in file.read_text() and "return 0" not in file.read_text()


def test_a_check_with_fewer_tests_does_not_overwrite(file):
    notebook = Notebook().run("def double(x):\n    return 2 * x")
    notebook.keep("double", tests=5)
    said = notebook.run("def double(x):\n    return x + x").keep("double", tests=2)
    assert "keeps the version that passed 5 tests" in said
    assert "return 2 * x" in file.read_text()
    notebook.keep("double", tests=5)
    assert "return x + x" in file.read_text()


def test_what_the_student_changed_in_the_file_is_not_lost(file, tmp_path):
    notebook = Notebook().run("def double(x):\n    return 2 * x")
    notebook.keep("double")
    file.write_text(file.read_text().replace("return 2 * x", "return x * 2.0  # mine"))
    assert carry.carried("97_engine").double(2) == 4.0
    said = notebook.run("def double(x):\n    return x + x").keep("double")
    [copy] = file.parent.glob("*-before-*")
    assert copy.name in said and "# mine" in copy.read_text()


def test_sections_stand_in_the_order_of_the_unit(file):
    notebook = Notebook().run(TENSOR).run(ADD).run("def double(x):\n    return 2 * x")
    for exercise in ("add", "tensor", "double"):
        notebook.keep(exercise)
    assert list(shelf.read("97_engine").sections) == ["double", "tensor", "add"]


def test_a_class_serves_when_all_its_methods_have_passed(capsys):
    notebook = Notebook().run(TENSOR)
    notebook.keep("tensor")
    engine = carry.carried("97_engine")
    assert engine.own == {"double": False, "Tensor": False, "order": False}
    assert engine.Tensor.made_by == "stand-in"
    assert "left: double, add, order" in capsys.readouterr().out
    notebook.run(ADD).keep("add")
    engine = carry.carried("97_engine")
    assert engine.own == {"double": False, "Tensor": True, "order": False}
    assert (engine.Tensor([1.0]) + engine.Tensor([2.0])).data.tolist() == [3.0]
    assert engine.double(4) == 8  # the stand-in's
    said = capsys.readouterr().out
    assert "stand-in on PyTorch runs for double, order" in said and "Your own code runs" in said


def test_a_function_that_calls_a_missing_one_waits_for_it():
    notebook = Notebook().run("def order(root):\n    return [root]")
    notebook.run("def double(x):\n    return order(x)[0] * 2").keep("double")
    assert not carry.carried("97_engine").own["double"]
    notebook.keep("order")
    engine = carry.carried("97_engine")
    assert engine.own["double"] and engine.double(4) == 8


def test_the_whole_of_it(capsys):
    whole(Notebook())
    engine = carry.carried("97_engine")
    assert all(engine.own.values())
    assert "your own code runs" in capsys.readouterr().out
    assert engine.Tensor.__module__ == "mine.engine" and sys.modules["mine.engine"].Tensor is engine.Tensor
    assert carry.carried("97_engine").Tensor is engine.Tensor  # asked twice, the same class
    assert carry.carried("97_engine", own=False).Tensor.made_by == "stand-in"


def test_a_traceback_shows_the_line_of_the_file(file):
    Notebook().run("def double(x):\n    return 2 / x").keep("double")
    with pytest.raises(ZeroDivisionError) as caught:
        carry.carried("97_engine").double(0)
    last = caught.traceback[-1]
    assert str(last.path) == str(file)
    assert file.read_text().splitlines()[last.lineno].strip() == "return 2 / x"


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ("return 2 * x  # and (", None),
        ("return 2 * (x", "SyntaxError"),
        ("raise_this\n    return 2 * x", None),
    ],
)
def test_a_damaged_file_is_named_and_the_stand_in_serves(damage, says, file, capsys):
    Notebook().run("def double(x):\n    return 2 * x").keep("double")
    file.write_text(file.read_text().replace("return 2 * x", damage))
    engine = carry.carried("97_engine")
    said = capsys.readouterr().out
    if says:
        assert says in said and "engine.py" in said and "mend it" in said
        assert engine.double(2) == 4 and not engine.own["double"]
    else:
        assert engine.own["double"]


def test_an_error_while_the_file_is_read_names_its_line(file, capsys):
    whole(Notebook())
    file.write_text(file.read_text().replace("@add_to(Tensor)\ndef relu", "@add_to(Tenser)\ndef relu"))
    carry.carried("97_engine")
    said = capsys.readouterr().out
    number = next(i for i, line in enumerate(file.read_text().splitlines(), 1) if "Tenser" in line)
    assert f"line {number} " in said and "Tenser" in said


def test_code_that_uses_carried_code_says_so(tmp_path):
    whole(Notebook())
    engine = carry.carried("97_engine")
    later = Notebook("98_next")
    later.space.update(Tensor=engine.Tensor, engine=engine)
    later.run("def net(x):\n    return Tensor(x) + engine.Tensor(x)")
    piece = gather.gather(["net"], later.space)
    assert piece.imports == [
        "import gradus",
        "Tensor = gradus.carried('97_engine').Tensor",
        "engine = gradus.carried('97_engine')",
    ]
    space = {}
    exec("\n".join([*piece.imports, piece.code]), space)
    assert space["net"]([2.0]).data.tolist() == [4.0]


@pytest.mark.parametrize("mode", ["autograde", "validate"])
def test_nothing_is_kept_or_used_in_plain_nbgrader(mode, monkeypatch, file):
    whole(Notebook())
    monkeypatch.setenv("NBGRADER_EXECUTION", mode)
    assert not any(carry.carried("97_engine").own.values())
    assert Notebook().run("def double(x):\n    return x + x").keep("double") == ""
    assert "x + x" not in file.read_text()


def test_nothing_is_kept_or_used_where_the_autograder_runs(monkeypatch, file):
    whole(Notebook())
    monkeypatch.setattr(home, "grading", True)
    assert not any(carry.carried("97_engine").own.values())
    assert Notebook().run("def double(x):\n    return x + x").keep("double") == ""


def test_the_autograder_says_that_it_grades():
    import subprocess

    code = "import autograder, gradus.home; print(gradus.home.grading)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


def test_a_folder_that_cannot_be_written_costs_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADUS_HOME", str(tmp_path / "no"))
    if os.geteuid() == 0:
        (tmp_path / "no").write_text("a file where the folder should be")
    else:
        (tmp_path / "no").mkdir(mode=stat.S_IREAD | stat.S_IEXEC)
    assert "cannot be written" in Notebook().run("def double(x):\n    return 2 * x").keep("double")


def test_units_without_a_stand_in_keep_nothing(tmp_path):
    assert Notebook("00_welcome").run("def greet(n):\n    return n").keep("greet") == ""
    assert not (tmp_path / "mine").exists()
    with pytest.raises(ValueError, match="97_engine"):
        carry.carried("00_welcome")


def test_a_missing_name_lists_those_there_are():
    with pytest.raises(AttributeError, match=r"no 'Tenser'.*Tensor, double, order"):
        carry.carried("97_engine").Tenser  # noqa: B018


def test_colab_keeps_on_drive_where_it_is_mounted(monkeypatch, tmp_path):
    monkeypatch.delenv("GRADUS_HOME")
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    monkeypatch.setattr(home, "_start", tmp_path / "content")
    monkeypatch.setattr(home, "DRIVE", tmp_path / "MyDrive")
    said = Notebook().run("def double(x):\n    return 2 * x").keep("double")
    assert (tmp_path / "content/mine/engine.py").exists()
    assert "mount Drive" in said
    (tmp_path / "MyDrive").mkdir()
    said = Notebook().run("def double(x):\n    return 2 * x").keep("double")
    assert (tmp_path / "MyDrive/gradus/mine/engine.py").exists()
    assert "Drive/MyDrive/gradus/mine/engine.py" in said and "mount" not in said


def test_the_library_tells_own_code_from_stand_ins():
    notebook = Notebook().run("def double(x):\n    # twice\n    return 2 * x")
    notebook.keep("double")
    shown = carry.library()
    assert "97_engine: double (2 lines of your own)" in shown.text()
    assert "stand-in for Tensor, order" in shown.text()
    assert "double" in shown._repr_html_() and "<script" not in shown._repr_html_()


def test_arrays_pass_through_the_notebooks_check(capsys):
    """The whole way: a check in a cell keeps the code, a failed one does not."""
    notebook = Notebook().run("from gradus.check import assert_close, check")
    test = 'def test_a():\n    "a"\n    assert_close(double(np.ones(2)), np.full(2, 2.0))\n\nverdict = check("double", points=1)'
    notebook.run("def double(x):\n    return 3 * x").run(test)
    assert notebook.space["verdict"] == 0.0 and not shelf.read("97_engine").sections
    notebook.run("def double(x):\n    return 2 * x").run(test)
    assert notebook.space["verdict"] == 1.0
    assert "Carried forward" in notebook.space["verdict"].report.html()
    assert np.allclose(carry.carried("97_engine").double(np.ones(2)), 2.0)
