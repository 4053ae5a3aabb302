"""The helper package stands alone, and says what machine it is on."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import gradus
from gradus import plot

PACKAGE = Path(gradus.__file__).parent
ROOT = PACKAGE.parent.parent


def imported(path: Path) -> set[str]:
    """Top-level packages that a file imports, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(str(node.module).split(".")[0])
    return found


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: p.name)
def test_arrows_run_one_way(path):
    """gradus imports neither the autograder nor what only the autograder installs."""
    assert not imported(path) & {"autograder", "nbgrader", "jupytext", "nbclient", "nbformat", "msgpack", "solutions"}


def test_importing_gradus_is_quick_work():
    """Torch, matplotlib and scikit-learn are imported where they are used, not by `import gradus.check`."""
    code = (
        "import sys, gradus, gradus.check; print([m for m in ('torch', 'matplotlib', 'sklearn') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_report_names_versions_and_machine(capsys):
    found = gradus.report()
    printed = capsys.readouterr().out
    assert found["numpy"].count(".") == 2
    assert {"python", "torch", "gpu", "memory", "processor cores"} <= found.keys()
    assert all(name in printed and value in printed for name, value in found.items())


def test_add_to_makes_a_method():
    class Tensor:
        value = 3

    @gradus.add_to(Tensor)
    def doubled(self):
        return 2 * self.value

    assert Tensor().doubled() == 6
    assert doubled(Tensor()) == 6


def test_unit_is_remembered():
    before = gradus.current_unit()
    gradus.unit("42_answer")
    assert gradus.current_unit() == "42_answer"
    gradus.unit(before)


def test_figures_have_one_style():
    _, axes = plot.figure(columns=2, rows=2)
    assert axes.shape == (2, 2)
    assert [line.get_color() for line in axes[0, 0].plot([0, 1], [[0, 1], [1, 0]])] == plot.COLOURS[:2]


def test_colours_can_be_told_apart_in_grey():
    """Relative luminance (ITU-R BT.709): the first two lines of a plot differ without colour too."""

    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    first = [luminance(c) for c in plot.COLOURS[:2]]
    assert abs(first[0] - first[1]) > 0.2
