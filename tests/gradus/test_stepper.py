"""Stepping through a graph: the steps, their sentences, and honesty about engines that are wrong or unwritten."""

from __future__ import annotations

import itertools

import ipywidgets
import numpy as np
import pytest

from gradus import stepper
from gradus.standin.backprop import Tensor
from gradus.stepper import Stepper, differences, step_through


def squared(w, x, b):
    z = w * x + b
    return z * z


INPUTS = {"w": 3.0, "x": 2.0, "b": -4.0}


@pytest.fixture
def backward(monkeypatch):
    """Puts another way back into the engine."""
    right = Tensor.backward
    return lambda function: monkeypatch.setattr(Tensor, "backward", lambda self, grad=None: function(self, right))


def test_values_come_first_then_gradients():
    stepping = Stepper(squared, Tensor, INPUTS)
    steps = stepping.steps
    assert [step.caption.split(".")[0] for step in steps[1:5]] == ["Forward"] * 3 + ["Now back"]
    assert len(steps[0].values) == 3 and len(steps[3].values) == 6
    assert steps[3].grads == set() and len(steps[4].grads) == 1 and len(steps[-1].grads) == 6
    for before, after in itertools.pairwise(steps):
        assert before.values <= after.values and before.grads <= after.grads and before.shares <= after.shares


def test_captions_tell_the_numbers():
    captions = [step.caption for step in Stepper(squared, Tensor, INPUTS).steps]
    assert captions[0] == "The inputs: w = 3, x = 2, b = −4"
    assert captions[2] == "Forward. (w × x) + b is 2."
    assert "passes 2 to the + node (2), 2 to the + node (2). Both arrows of the + node (2) have spoken" in captions[5]
    assert "passes 8 to w, 12 to x" in captions[7]


def test_a_gradient_is_shown_only_when_all_arrows_have_spoken():
    stepping = Stepper(lambda a, b: (a * b) + a, Tensor, {"a": 3.0, "b": 2.0})
    names = [node.label for node in stepping.graph.nodes]
    a = names.index("a")
    assert [a in step.grads for step in stepping.steps] == [False] * 5 + [True]
    assert "So far not all arrows of a have spoken." in stepping.steps[4].caption


def test_right_gradients_are_confirmed_by_measuring():
    page = Stepper(squared, Tensor, INPUTS).page(99)
    assert "✓ Measured by differences" in page and "✗" not in page
    assert "✓" not in Stepper(squared, Tensor, INPUTS).page(3)  # not before the way back is gone


def test_wrong_gradients_are_contradicted(backward):
    def assigning(self, right):
        """The classic mistake: of two shares one is kept."""
        right(self)
        self.parents[0].grad = self.parents[0].grad / 2

    backward(assigning)
    page = Stepper(lambda a: a * a, Tensor, {"a": 3.0}).page(99)
    assert "✗ measured 6" in page and "The gradient of a is not the measured one." in page
    assert "✓" not in page


def test_a_gradient_that_never_came_is_contradicted(backward):
    backward(lambda self, right: None)
    page = Stepper(squared, Tensor, INPUTS).page(99)
    assert "grad None" in page and "✗ measured 8" in page


def test_arrays_are_measured_too():
    inputs = {"X": np.arange(6.0).reshape(3, 2), "b": np.array([1.0, -1.0])}
    stepping = Stepper(lambda X, b: ((X + b).tanh() * X).mean(), Tensor, inputs)
    assert "✓ Measured" in stepping.page(99)
    found = differences(lambda X, b: ((X + b).tanh() * X).mean(), Tensor, inputs)
    assert {name: slope.shape for name, slope in found.items()} == {"X": (3, 2), "b": (2,)}


def raising(error):
    def function(self, right):
        raise error

    return function


def test_without_the_way_back_values_are_shown(backward):
    backward(raising(NotImplementedError()))
    stepping = Stepper(squared, Tensor, INPUTS)
    assert len(stepping.steps) == 4
    assert "The way back is not written yet." in stepping.page(3) and "grad" not in stepping.page(3)


def test_a_way_back_that_fails_is_told(backward):
    backward(raising(KeyError("box")))
    page = Stepper(squared, Tensor, INPUTS).page(99)
    assert "The way back stopped" in page and "KeyError" in page


@pytest.mark.parametrize(
    ("error", "says"),
    [(NotImplementedError(), "Write it first"), (NameError("name 'add' is not defined"), "add"), (ValueError("<odd>"), "&lt;odd&gt;")],
)  # fmt: skip
def test_a_graph_that_cannot_be_built_is_a_message(error, says):
    def build(a):
        raise error

    assert says in Stepper(build, Tensor, {"a": 1.0}).page(0)


def test_a_graph_too_large_to_draw_is_a_message():
    def build(a):
        for _ in range(500):
            a = a * 1.0
        return a

    assert "more than 40 nodes" in Stepper(build, Tensor, {"a": 1.0}).page(0)


def test_runs_without_a_front_end_hear_of_errors(monkeypatch):
    def build(a):
        raise ValueError("odd")

    monkeypatch.setenv("GRADUS_HEADLESS", "handout")
    with pytest.raises(ValueError, match="odd"):
        Stepper(build, Tensor, {"a": 1.0})


class Shown:
    """What step_through put into the cell."""

    def __init__(self, monkeypatch, *args, **kwargs):
        monkeypatch.setattr(
            stepper, "publish", lambda box, still, alt: vars(self).update(box=box, still=still, alt=alt)
        )
        step_through(*args, **kwargs)
        self.steps, self.page, *rest = self.box.children
        self.knobs = [child for child in rest if isinstance(child, ipywidgets.FloatSlider)]


def test_buttons_and_slider_step_through(monkeypatch):
    shown = Shown(monkeypatch, squared, Tensor, **INPUTS)
    assert "Step 0 of 7" in shown.page.value and "grad" not in shown.page.value
    shown.steps.ahead.click()
    assert "Step 1 of 7" in shown.page.value
    shown.steps.slider.value = 7
    assert "grad 12" in shown.page.value
    shown.steps.back.click()
    assert "Step 6 of 7" in shown.page.value


def test_moving_an_input_runs_the_engine_again(monkeypatch):
    shown = Shown(monkeypatch, squared, Tensor, **INPUTS)
    shown.steps.slider.value = 7
    assert [knob.description for knob in shown.knobs] == ["w", "x", "b"]
    shown.knobs[2].value = 0.0  # z = 6, so the slope in x is 2 * 6 * 3
    assert "grad 36" in shown.page.value and "✓" in shown.page.value


def test_arrays_get_no_knob_and_large_numbers_fit(monkeypatch):
    shown = Shown(monkeypatch, lambda a, X: (a * X).sum(), Tensor, a=10.5, X=np.ones(3))
    assert [(knob.description, knob.max) for knob in shown.knobs] == [("a", 11.0)]


def test_the_numbers_of_the_text_are_stops_of_the_sliders(monkeypatch):
    """A page moves a slider to its nearest stop, and tells Python so: 0.5493 would become 0.5."""
    shown = Shown(monkeypatch, squared, Tensor, w=0.5493, x=-7.25, b=-6.0)
    for knob, value in zip(shown.knobs, (0.5493, -7.25, -6.0), strict=True):
        stops = (knob.value - knob.min) / knob.step
        assert knob.value == value and stops == pytest.approx(round(stops)) and knob.min <= -6 + 0.5 < 5.5 <= knob.max
        assert knob.readout_format == ".4g"


def test_a_page_without_python_shows_the_last_step(monkeypatch):
    shown = Shown(monkeypatch, squared, Tensor, **INPUTS)
    assert "Step 7 of 7" in shown.still and "<svg" in shown.still
    assert shown.alt == "a computation graph of 6 nodes"
