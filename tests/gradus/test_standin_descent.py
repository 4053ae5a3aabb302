"""The stand-in of unit 04 goes where the unit's reference goes, step by step, and changes nothing that it is given."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest

from autograder.source import load_unit
from autograder.trial import reference_code
from gradus.check import load_reference
from gradus.check.steps import assert_steps, take_steps
from gradus.standin import descent

ROOT = Path(__file__).resolve().parents[2]
STEPS = {
    "sgd_step": [{}],
    "momentum_step": [{}, {"momentum": 0.5}, {"momentum": 0.0}],
    "nesterov_step": [{}, {"momentum": 0.5}, {"momentum": 0.0}],
    "rmsprop_step": [{}, {"alpha": 0.8, "eps": 1e-3}],
    "adam_step": [{}, {"beta1": 0.7, "beta2": 0.9, "eps": 1e-3}],
    "adamw_step": [{}, {"weight_decay": 0.5}, {"beta1": 0.7, "beta2": 0.9, "eps": 1e-3, "weight_decay": 0.0}],
}
CASES = [(name, options) for name, every in STEPS.items() for options in every]


@pytest.fixture(scope="module")
def reference():
    return load_reference(reference_code(load_unit(ROOT / "solutions" / "04_descent.py")))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize(("name", "options"), CASES, ids=lambda value: str(value))
def test_steps_side_by_side(reference, rng, name, options):
    w, grads = rng.normal(size=(3, 4)), list(rng.normal(size=(12, 3, 4)))
    grads[5] = np.zeros((3, 4))
    rates = np.geomspace(0.1, 0.001, 12)
    right, remarks = take_steps(getattr(reference, name), w, grads, rates, **options)
    assert remarks == [] and len(right) == 12
    found = take_steps(getattr(descent, name), w, grads, rates, **options)
    assert_steps(found, right, rtol=1e-9)
    assert all(type(place) is np.ndarray and place.dtype == np.float64 for place in found[0])


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("shape", [(), (1,), (2, 3, 4)])
def test_any_shape(reference, rng, name, shape):
    w, grads = np.asarray(rng.normal(size=shape)), [np.asarray(rng.normal(size=shape)) for _ in range(3)]
    right, _ = take_steps(getattr(reference, name), w, grads, 0.1)
    found, remarks = take_steps(getattr(descent, name), w, grads, 0.1)
    assert remarks == []
    for place, expected in zip(found, right, strict=True):
        assert np.shape(place) == shape
        np.testing.assert_allclose(place, expected, rtol=1e-9)


@pytest.mark.parametrize("name", STEPS)
def test_stepping_again_from_an_old_state(rng, name):
    """A state is a place to return to: torch changes its own in place, the stand-in must not."""
    step = getattr(descent, name)
    w, first, second, third = rng.normal(size=(4, 5))
    place, state = step(w, first, {}, 0.1)
    kept = copy.deepcopy(state)
    once, _ = step(place, second, state, 0.1)
    step(once, third, state, 0.1)
    again, _ = step(place, second, state, 0.1)
    from_kept, _ = step(place, second, kept, 0.1)
    np.testing.assert_array_equal(once, again)
    np.testing.assert_array_equal(once, from_kept)


def test_two_walks_do_not_meet(rng):
    starts, grads = rng.normal(size=(2, 3)), rng.normal(size=(2, 4, 3))
    apart = [take_steps(descent.adam_step, w, list(g), 0.1)[0] for w, g in zip(starts, grads, strict=True)]
    places, states = list(starts), [{}, {}]
    for t in range(4):
        for i in range(2):
            places[i], states[i] = descent.adam_step(places[i], grads[i, t], states[i], 0.1)
    np.testing.assert_array_equal(places[0], apart[0][-1])
    np.testing.assert_array_equal(places[1], apart[1][-1])


def test_views_and_other_types(rng):
    """Transposed, reversed and read-only arrays, whole numbers and single precision."""
    grad = rng.normal(size=(3, 2))
    for w in (rng.normal(size=(2, 3)).T, rng.normal(size=(3, 2))[::-1], np.broadcast_to(1.0, (3, 2))):
        place, _ = descent.momentum_step(w, grad, {}, 0.5)
        np.testing.assert_allclose(place, w - 0.5 * grad)
    whole, _ = descent.sgd_step(np.array([1, 2]), np.array([1, 1]), {}, 0.25)
    np.testing.assert_array_equal(whole, [0.75, 1.75])
    single, _ = descent.adam_step(np.ones(2, np.float32), np.ones(2), {}, 0.1)
    assert single.dtype == np.float32


def test_a_state_of_another_step_is_refused(rng):
    _, state = descent.momentum_step(np.ones(2), np.ones(2), {}, 0.1)
    with pytest.raises(ValueError, match="made by SGD, and Adam cannot go on"):
        descent.adam_step(np.ones(2), np.ones(2), state, 0.1)


@pytest.mark.parametrize(("total", "warmup"), [(10, 0), (10, 4), (7, 7), (5, 9), (1, 0)])
def test_schedules_side_by_side(reference, total, warmup):
    for step in range(total + 3):
        found = descent.cosine_schedule(step, total, 0.3, warmup)
        assert type(found) is float
        assert found == pytest.approx(reference.cosine_schedule(step, total, 0.3, warmup), abs=1e-15)


@pytest.mark.parametrize("limit", [0.1, 3.0, 100.0])
def test_clipping_side_by_side(reference, rng, limit):
    grads = [rng.normal(size=shape) for shape in ((3, 4), (5,), (1, 1))]
    before = [grad.copy() for grad in grads]
    found = descent.clip_by_global_norm(grads, limit)
    for clipped, expected in zip(found, reference.clip_by_global_norm(grads, limit), strict=True):
        np.testing.assert_allclose(clipped, expected, rtol=1e-4 if limit < 1 else 1e-6)
    for grad, was, clipped in zip(grads, before, found, strict=True):
        np.testing.assert_array_equal(grad, was)
        assert not np.shares_memory(grad, clipped)


def test_clipping_nothing():
    np.testing.assert_array_equal(descent.clip_by_global_norm([np.zeros(3)], 1.0)[0], np.zeros(3))
    assert descent.clip_by_global_norm([], 1.0) == []
