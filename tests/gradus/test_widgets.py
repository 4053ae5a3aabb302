"""Widgets: a picture at once, another when a control moves, and a message where the function is wrong."""

from __future__ import annotations

import base64

import ipywidgets
import pytest

from gradus import plot, widgets


@pytest.fixture
def shown(monkeypatch):
    """What `explore` displays: the data of each output, and the box behind it."""
    found = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: found.append(data))
    boxes = []
    make = ipywidgets.VBox
    monkeypatch.setattr(ipywidgets, "VBox", lambda children: boxes.append(make(children)) or boxes[-1])
    return found, boxes


def straight(slope):
    """A straight line."""
    figure, axes = plot.figure()
    axes.plot([0, 1], [0, slope])
    axes.set_ylim(-5, 5)
    return figure


def image(box):
    return box.children[-1]  # its value is a memoryview


def test_the_output_carries_a_picture_without_a_kernel(shown):
    widgets.explore(straight, slope=ipywidgets.FloatSlider(value=1.0))
    data = shown[0][0]
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert data["text/plain"] == "A straight line."
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"]


def test_moving_a_control_changes_the_picture(shown):
    slider = ipywidgets.FloatSlider(value=1.0, min=-3, max=3)
    widgets.explore(straight, slope=slider)
    before = bytes(image(shown[1][0]).value)
    slider.value = 2.0
    after = bytes(image(shown[1][0]).value)
    assert after != before
    slider.value = 1.0
    assert bytes(image(shown[1][0]).value) == before  # the same value, the same picture


@pytest.mark.parametrize("error", [NotImplementedError(), ValueError("shapes (3,) and (2,)"), ZeroDivisionError()])
def test_a_function_that_fails_stops_no_cell(shown, error):
    def broken(slope):
        raise error

    widgets.explore(broken, slope=ipywidgets.FloatSlider(value=1.0))
    assert bytes(image(shown[1][0]).value).startswith(b"\x89PNG")


def test_a_wrong_function_looks_wrong(shown):
    widgets.explore(straight, slope=ipywidgets.FloatSlider(value=1.0))
    widgets.explore(lambda slope: straight(-slope), slope=ipywidgets.FloatSlider(value=1.0))
    assert shown[0][0]["image/png"] != shown[0][1]["image/png"]


def test_no_figure_is_left_open(shown):
    import matplotlib.pyplot as plt

    def through_pyplot(slope):
        figure, axes = plt.subplots()
        axes.plot([0, slope])
        return figure

    before = plt.get_fignums()
    slider = ipywidgets.FloatSlider(value=1.0)
    widgets.explore(through_pyplot, slope=slider)
    slider.value = 3.0
    assert plt.get_fignums() == before


def test_written_tells_missing_from_wrong():
    def missing():
        raise NotImplementedError

    def wrong():
        raise ValueError("wrong")

    assert widgets.written(missing) is None
    assert widgets.written(lambda a, b=1: a + b, 1, b=2) == 3
    with pytest.raises(ValueError, match="wrong"):
        widgets.written(wrong)
