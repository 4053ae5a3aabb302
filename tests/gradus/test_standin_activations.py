"""The stand-in for unit 05 answers as the unit's reference does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autograder.source import load_unit
from autograder.trial import reference_code
from gradus.check import assert_close, load_reference
from gradus.standin import activations

SOURCE = Path(__file__).resolve().parents[2] / "solutions" / "05_activations.py"


@pytest.fixture(scope="module")
def reference():
    return load_reference(reference_code(load_unit(SOURCE)))


def test_it_brings_all_that_the_unit_defines():
    defined = {name for e in load_unit(SOURCE).exercises.values() for name in e.defines}
    assert set(activations.__all__) == defined


ELEMENTWISE = ["sigmoid", "relu", "leaky_relu", "tanh", "gelu", "silu"]


@pytest.mark.parametrize("name", [*ELEMENTWISE, *(f"d_{name}" for name in ELEMENTWISE)])
def test_elementwise(name, reference):
    z = np.concatenate([np.random.default_rng(0).normal(size=30) * 4, [0.0, -40.0, 40.0]]).reshape(3, 11)
    kept = z.copy()
    assert_close(getattr(activations, name)(z), getattr(reference, name)(z), rtol=1e-9, atol=1e-12)
    assert np.array_equal(z, kept)


def test_slope_of_the_leaky_relu(reference):
    z = np.array([-2.0, 0.0, 3.0])
    assert_close(activations.leaky_relu(z, 0.3), reference.leaky_relu(z, 0.3))
    assert_close(activations.d_leaky_relu(z, slope=0.3), reference.d_leaky_relu(z, slope=0.3))


def test_rows(reference):
    dice = np.random.default_rng(1)
    z, y = dice.normal(size=(6, 4)) * 30, dice.integers(0, 4, size=6)
    for name in ("softmax", "log_softmax"):
        assert_close(getattr(activations, name)(z), getattr(reference, name)(z))
    for name in ("cross_entropy", "d_cross_entropy"):
        assert_close(getattr(activations, name)(z, y), getattr(reference, name)(z, y))
    gamma, beta = dice.normal(size=4), dice.normal(size=4)
    assert_close(activations.layernorm_forward(z, gamma, beta, 0.1), reference.layernorm_forward(z, gamma, beta, 0.1))


@pytest.mark.parametrize("training", [True, False])
def test_batchnorm(training, reference):
    dice = np.random.default_rng(2)
    x, gamma, beta = dice.normal(size=(8, 3)) * 4 + 1, dice.normal(size=3), dice.normal(size=3)
    mine, theirs = [{"mean": np.ones(3), "var": np.full(3, 2.0)} for _ in range(2)]
    got = activations.batchnorm_forward(x, gamma, beta, mine, training, 0.8, 0.5)
    want = reference.batchnorm_forward(x, gamma, beta, theirs, training, 0.8, 0.5)
    assert_close((got, mine), (want, theirs))
    if training:
        dout = dice.normal(size=(8, 3))
        assert_close(activations.batchnorm_backward(dout, got[1]), reference.batchnorm_backward(dout, want[1]))


@pytest.mark.parametrize(("name", "spread"), [("xavier_uniform", np.sqrt(2 / 500)), ("he_normal", np.sqrt(2 / 400))])
def test_initialisers(name, spread):
    draw = getattr(activations, name)
    w = draw(400, 100, np.random.default_rng(3))
    assert w.shape == (400, 100) and w.flags.c_contiguous
    assert abs(w.std() / spread - 1) < 0.02 and abs(w.mean()) < 0.02 * spread
    assert np.array_equal(w, draw(400, 100, np.random.default_rng(3)))
    assert not np.array_equal(w, draw(400, 100, np.random.default_rng(4)))
