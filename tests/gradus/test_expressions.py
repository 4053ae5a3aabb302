"""Expressions as text: computed, gone back through, measured; what a learner reads when an engine fails."""

from __future__ import annotations

import numpy as np
import pytest

from gradus.check.expressions import computed, evaluate, measured, shares
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


class Engine:
    """As much of a learner's engine as a message needs."""

    def __init__(self, data, parents=(), op="", rules=()):
        self.data, self.grad, self.parents, self.op, self.rules = np.array(data, float), None, parents, op, rules

    def backward(self, grad=None):
        for parent, rule in zip(self.parents, self.rules, strict=True):
            parent.grad = np.sum(rule(np.ones(self.data.shape)), axis=()).reshape(parent.data.shape)


def test_a_result_that_is_no_tensor_is_named():
    Engine.lost = lambda self: None
    with pytest.raises(
        TypeError, match=r"a\.lost\(\) gave an object of type NoneType, not a Engine. Is a `return` missing"
    ):
        computed(Engine, "a.lost()", INPUTS)
    with pytest.raises(TypeError, match=r"gave an object of type float64, not a Engine\.$"):
        computed(Engine, "a.data[0]", INPUTS)


def test_shares_are_arrays_made_by_functions():
    a = Engine([1.0, 2.0])
    assert shares(Engine(3.0, (a,), "f", (lambda grad: 2 * grad,)), 4.0) == [8.0]
    with pytest.raises(TypeError, match="a rule is an object of type float; a function"):
        shares(Engine(3.0, (a,), "f", (1.0,)), 4.0)
    with pytest.raises(TypeError, match="a rule returned a Engine; a share is a plain array"):
        shares(Engine(3.0, (a,), "f", (lambda grad: a,)), 4.0)


def test_a_share_that_does_not_fit_is_named():
    Engine.total = lambda self: Engine(self.data.sum(), (self,), "sum", (lambda grad: grad,))
    with pytest.raises(
        ValueError, match=r'rule of the operation "sum" gave a share of shape \(\) for a parent of shape \(2,\)'
    ):
        evaluate(Engine, "a.total()", INPUTS)
    Engine.twice = lambda self: Engine(2 * self.data, (self,), "f", (lambda grad: 2 * grad,))
    np.testing.assert_allclose(evaluate(Engine, "a.twice()", INPUTS)["a"], [2.0, 2.0])
