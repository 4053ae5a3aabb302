"""Expressions as text: computed, gone back through, measured; what a learner reads when an engine fails."""

from __future__ import annotations

import numpy as np
import pytest

from gradus.check.expressions import computed, evaluate, measured
from gradus.check.traces import student_lines
from gradus.standin.backprop import Tensor

INPUTS = {"a": np.array([1.0, 2.0]), "b": 3.0, "c": np.array([10.0, 20.0])}


def test_value_and_gradients():
    found = evaluate(Tensor, "a * b + c", INPUTS)
    assert list(found) == ["value", "a", "b"]
    np.testing.assert_allclose(found["value"], [13.0, 26.0])
    np.testing.assert_allclose(found["a"], [3.0, 3.0])
    np.testing.assert_allclose(found["b"], 3.0)


def test_seed_and_passes():
    np.testing.assert_allclose(evaluate(Tensor, "a * b", INPUTS, seed=np.array([1.0, 5.0]))["a"], [3.0, 15.0])
    np.testing.assert_allclose(evaluate(Tensor, "a * b", INPUTS, passes=3)["a"], [9.0, 9.0])
    assert evaluate(Tensor, "a * b", INPUTS, passes=0)["a"] is None


def test_constants_stay_plain():
    out, tensors = computed(Tensor, "c * a", INPUTS)
    assert out.parents == (tensors["a"],) and "c" not in tensors


def test_differences_agree():
    run = lambda expression, **inputs: evaluate(Tensor, expression, inputs)  # noqa: E731
    found, slopes = evaluate(Tensor, "(a * b).tanh() * c", INPUTS), measured(run, "(a * b).tanh() * c", INPUTS)
    assert found.keys() == slopes.keys()
    for name in found:
        np.testing.assert_allclose(found[name], slopes[name], rtol=1e-6, atol=1e-8)


def test_an_input_that_was_changed_is_named():
    class Spoiling(Tensor):
        def spoil(self):
            self.data[0] = 99.0
            return self * 1.0

    assert evaluate(Spoiling, "a.spoil() + b", INPUTS)["inputs that were changed"] == ["a"]


def test_a_missing_method_says_what_to_run_again():
    with pytest.raises(AttributeError, match="run the cells below it again") as caught:
        evaluate(Tensor, "a.sigmoid()", INPUTS)
    assert student_lines(caught.value.__traceback__, (__file__,)) == []  # no line of ours is shown as the learner's


def test_other_missing_attributes_are_left_alone():
    with pytest.raises(AttributeError) as caught:
        evaluate(Tensor, "a + np.nothing", INPUTS)
    assert "again" not in str(caught.value)
