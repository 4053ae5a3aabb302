"""Steps of an optimiser are judged by where they lead, whatever their state looks like."""

from __future__ import annotations

import numpy as np
import pytest

from gradus.check.asserts import CheckFailure
from gradus.check.steps import assert_steps, take_steps

GRADS = [np.array([1.0, 2.0]), np.array([3.0, 0.0])]


def rolling(w, grad, state, lr):
    v = 0.5 * state.get("v", 0.0) + grad
    return w - lr * v, {"v": v}


def test_the_state_is_handed_on_and_the_rates_are_used_in_turn():
    path, remarks = take_steps(rolling, np.zeros(2), GRADS, [1.0, 0.1])
    np.testing.assert_allclose(path, [[-1, -2], [-1.35, -2.1]])
    assert remarks == []
    assert_steps((path, remarks), [np.array([-1.0, -2.0]), np.array([-1.35, -2.1])])


def test_a_wrong_place_is_told_with_its_step():
    found = take_steps(rolling, np.zeros(2), GRADS, 1.0)
    with pytest.raises(CheckFailure, match=r"w after step 2: .*first difference at \[1\]: got -3, expected -2"):
        assert_steps(found, [np.array([-1.0, -2.0]), np.array([-4.5, -2.0])])


def in_w(w, grad, state, lr):
    w -= lr * grad
    return w, {}


def in_grad(w, grad, state, lr):
    grad *= lr
    return w - grad, {}


def in_state(w, grad, state, lr):
    state["n"] = state.get("n", 0) + 1
    return w - lr * grad, state


def in_states_array(w, grad, state, lr):
    v = state.get("v", np.zeros(2))
    v += grad
    return w - lr * grad, {"v": v}


@pytest.mark.parametrize(
    ("step", "name"), [(in_w, "w"), (in_grad, "grad"), (in_state, "state"), (in_states_array, "state")]
)
def test_what_is_changed_in_place_is_told(step, name):
    grads = [grad.copy() for grad in GRADS]
    expected = [-0.5 * GRADS[0], -0.5 * (GRADS[0] + GRADS[1])]
    path, remarks = take_steps(step, np.zeros(2), grads, 0.5)
    np.testing.assert_allclose(path, expected)  # a later change in place does not reach back
    with pytest.raises(CheckFailure, match=f"`{step.__name__}` changed its argument `{name}` in place"):
        assert_steps((path, remarks), expected)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "returned None; two things"),
        (np.zeros(2), "returned a NumPy array; two things"),
        ((np.zeros(2), {}, 1), "returned a tuple of 3; two things"),
        ((np.zeros(2), np.zeros(2)), "returned a NumPy array as the new state; a dict is expected"),
    ],
)
def test_an_answer_that_is_no_pair_is_told(answer, said):
    found = take_steps(lambda w, grad, state, lr: answer, np.zeros(2), GRADS, 1.0)
    with pytest.raises(CheckFailure, match=said):
        assert_steps(found, [np.zeros(2), np.zeros(2)])


def test_too_few_steps_do_not_pass():
    """A path of another length, as somebody's own `take_steps` might return it, is no proof."""
    for path in ([], [np.zeros(2)], [np.zeros(2)] * 3):
        with pytest.raises(CheckFailure, match="2 are expected"):
            assert_steps((path, []), [np.zeros(2), np.zeros(2)])
