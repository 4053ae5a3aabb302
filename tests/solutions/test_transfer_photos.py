"""Unit 13, part two: its path is walked with a random network in the place of torchvision's."""

import sys
import types

import pytest

torch = pytest.importorskip("torch")

from autograder.source import find_unit  # noqa: E402
from gradus import data  # noqa: E402
from tests.gradus.cells import ROOT  # noqa: E402


@pytest.fixture(scope="module")
def space():
    unit = find_unit("13_transfer", ROOT / "solutions")
    found = {"__name__": "transfer"}
    for cell in unit.cells:
        if cell.kind in ("setup", "exercise"):
            exec(compile(cell.source, f"<{cell.kind} {cell.line}>", "exec"), found)
    demos = [cell.source for cell in unit.cells if cell.kind == "demo"]
    for part in ("class LittleResNet(", "def photos_part("):
        exec(next(text for text in demos if part in text), found)
    return found


@pytest.fixture
def torchvision(space, monkeypatch):
    models = types.ModuleType("torchvision.models")
    models.ResNet18_Weights = types.SimpleNamespace(IMAGENET1K_V1="weights")
    models.resnet18 = lambda weights: space["little"]
    monkeypatch.setitem(sys.modules, "torchvision", types.ModuleType("torchvision"))
    monkeypatch.setitem(sys.modules, "torchvision.models", models)
    return models


def test_the_rehearsal_learns(space):
    shape, on_features, tuned = space["rehearsal"]
    assert shape == (60, 32) and on_features > 0.6 and tuned > 0.6  # three kinds: chance is 0.33


def test_without_torchvision_it_is_left_out(space, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    assert "torchvision is not installed" in space["photos_part"]()


def test_without_photos_it_says_where_to_put_them(space, torchvision, monkeypatch, tmp_path):
    monkeypatch.setenv("GRADUS_CACHE", str(tmp_path))
    monkeypatch.delenv("GRADUS_DATA", raising=False)
    said = space["photos_part"]()
    assert "left out" in said and str(tmp_path) in said


def test_without_weights_it_is_left_out(space, torchvision, monkeypatch):
    def fails(weights):
        raise OSError("no network")

    monkeypatch.setattr(data, "trashnet", lambda: (*space["made_up"](), ("red", "green", "blue")))
    monkeypatch.setattr(torchvision, "resnet18", fails)
    assert "weights of ResNet-18 cannot be fetched (OSError)" in space["photos_part"]()


def test_the_whole_path(space, torchvision, monkeypatch):
    monkeypatch.setattr(data, "trashnet", lambda: (*space["made_up"](90), ("red", "green", "blue")))
    said = space["photos_part"]()
    assert said.startswith("red, green, blue: features (90, 32), head on features 0.")
    frozen = [name for name, p in space["little"].named_parameters() if not p.requires_grad]
    assert frozen and not any(name.startswith(("layer4", "fc")) for name in frozen)
