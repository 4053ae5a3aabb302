"""The stand-in for unit 03 and the unit's reference solution, side by side on the same expressions."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest

from autograder.source import load_unit
from autograder.trial import reference_code
from gradus.check import load_reference
from gradus.standin import backprop

SOURCE = Path(__file__).resolve().parents[2] / "solutions" / "03_backprop.py"


@pytest.fixture(scope="module")
def reference():
    return load_reference(reference_code(load_unit(SOURCE)))


@pytest.fixture(params=["stand-in", "reference"])
def engine(request, reference):
    return backprop if request.param == "stand-in" else reference


SHAPES = {"a": (2, 3), "b": (3,), "d": (2, 1), "s": (), "m": (3, 4), "k": (2, 3, 3)}
EXPRESSIONS = [
    "a + b", "a - d", "a * s", "a / (b * b + 1)", "s / (a * a + 1)", "-a", "a * a * a + a", "(a * b + d) * (a * b)",
    "2 + a", "2 - a", "2 * a", "2 / (a * a + 1)", "C + a", "C - a", "C * a", "C / (a * a + 1)", "a + C", "np.float64(2) * a",
    "(a * a + 1) ** 0.5", "a ** 3", "(s * s + 1) ** -1", "a.exp()", "(a * a + 1).log()", "a.relu()", "(a - a).relu()", "a.tanh()",
    "a.sum()", "a.sum(axis=0)", "a.sum(axis=1, keepdims=True)", "k.sum(axis=(0, 2))", "k.sum(axis=-1)", "a.sum(keepdims=True)",
    "a.mean()", "a.mean(axis=1)", "k.mean(axis=(0, 1), keepdims=True)", "s.sum()", "s.mean()",
    "a.reshape(3, 2)", "a.reshape((6,))", "a.reshape(-1)", "a.T", "a.transpose()", "k.transpose(1, 2, 0)", "k.transpose((0, 2, 1))",
    "k.transpose(-1, 0, 1)", "a[0]", "a[:, 1]", "a[..., None]", "a[::-1]", "a[[0, 0, 1]]", "a[[0, 1], [2, 2]]", "a[1, 2]", "a[C > 0.5]",
    "a[np.array([0, 1, 1])][:, 0]", "a @ m", "C @ m", "a @ C.T", "k @ m", "a @ b", "b @ m", "k @ b", "b @ k", "b @ b", "C @ b", "b @ C.T",
    "(a @ m + m[0]).relu().sum(axis=1).tanh().mean()", "sum(row * row for row in a)",
]  # fmt: skip


def evaluated(engine, expression, dice, passes=1, seeded=False):
    """Value, and gradients by name, after some passes."""
    inputs = {name: dice.normal(size=shape) for name, shape in SHAPES.items()}
    constant, tensors = dice.random(size=(2, 3)), {name: engine.Tensor(x) for name, x in inputs.items()}
    out = eval(expression, {"np": np, "C": constant, **tensors})
    assert all(tensor.grad is None for tensor in tensors.values()) and out.grad is None
    seed = dice.normal(size=out.shape) if seeded else None
    for _ in range(passes):
        out.backward(seed)
    return out, tensors


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_values_and_gradients_agree(expression, reference):
    for passes, seeded in ((1, False), (2, True)):
        ours, mine = evaluated(reference, expression, np.random.default_rng(0), passes, seeded)
        theirs, stand = evaluated(backprop, expression, np.random.default_rng(0), passes, seeded)
        assert ours.shape == theirs.shape and ours.data.dtype == theirs.data.dtype == np.float64
        np.testing.assert_allclose(ours.data, theirs.data, rtol=1e-12)
        np.testing.assert_allclose(ours.grad, theirs.grad, rtol=1e-12)
        for name in SHAPES:
            if mine[name].grad is None:
                assert stand[name].grad is None, name
                continue
            assert mine[name].grad.shape == stand[name].grad.shape == SHAPES[name]
            assert type(mine[name].grad) is type(stand[name].grad) is np.ndarray
            np.testing.assert_allclose(mine[name].grad, stand[name].grad, rtol=1e-9, atol=1e-12)


def test_the_graph_is_the_same(reference):
    def shape_of(engine):
        a, b = engine.Tensor([1.0, 2.0]), engine.Tensor(3.0)
        root = ((a * b + 1.0).tanh() / a).sum()
        return [(node.op, len(node.parents)) for node in engine.topological_order(root)], root.parents[0].op

    ours, theirs = shape_of(reference), shape_of(backprop)
    assert sorted(ours[0]) == sorted(theirs[0]) and ours[1] == theirs[1] == "/"


def test_constants_are_no_parents(engine):
    a = engine.Tensor([1.0, 2.0])
    for out in (2 * a, a + np.ones(2), np.ones(2) - a, a**2, np.ones((3, 2)) @ a):
        assert out.parents == (a,)


def test_rules_give_each_parents_share(engine):
    a, b = engine.Tensor([1.0, 2.0]), engine.Tensor([3.0, 4.0])
    shares = [np.asarray(rule(np.array([1.0, 10.0]))) for rule in (a * b).rules]
    np.testing.assert_allclose(shares, [[3.0, 40.0], [1.0, 20.0]])
    square = a * a
    np.testing.assert_allclose([rule(np.ones(2)) for rule in square.rules], [[1.0, 2.0], [1.0, 2.0]])
    assert len(engine.Tensor(1.0).rules) == 0


def test_gradients_add_up_over_passes_and_begin_anew(engine):
    a = engine.Tensor([1.0, 2.0])
    out = a * a * a
    out.backward()
    out.backward()
    np.testing.assert_allclose(a.grad, [6.0, 24.0])
    np.testing.assert_allclose(out.grad, [2.0, 2.0])
    a.grad = None
    (a * 5.0).backward(np.array([1.0, 10.0]))
    np.testing.assert_allclose(a.grad, [5.0, 50.0])


def test_each_gradient_is_its_own(engine):
    a, b = engine.Tensor([1.0, 2.0]), engine.Tensor([3.0, 4.0])
    total = (a + b).sum()
    total.backward()
    a.grad *= 100
    np.testing.assert_allclose(b.grad, [1.0, 1.0])
    np.testing.assert_allclose(total.grad, 1.0)
    seed = np.ones(2)
    (a + b).backward(seed)
    b.grad[:] = 7
    np.testing.assert_allclose(seed, 1.0)


def test_an_optimiser_may_assign_and_change_in_place(engine):
    given = np.array([1.0, 2.0])
    w = engine.Tensor(given)
    (w * w).sum().backward()
    w.data -= 0.5 * w.grad
    np.testing.assert_allclose(w.data, [0.0, 0.0])
    np.testing.assert_allclose(given, [1.0, 2.0])  # the caller's array is the caller's
    w.data = np.array([3.0, 4.0])
    w.grad = None
    (w * w).sum().backward()
    np.testing.assert_allclose(w.grad, [6.0, 8.0])
    w.grad = np.array([1.0, 1.0])
    w.grad += 1
    np.testing.assert_allclose(w.grad, [2.0, 2.0])
    w.data[0] = 9.0
    assert (w * 1.0).data[0] == 9.0


def test_whole_numbers_become_floats(engine):
    t = engine.Tensor([[1, 2], [3, 4]])
    (t * 2).sum().backward()
    assert t.data.dtype == t.grad.dtype == np.float64
    assert t.shape == (2, 2) and t.op == "" and t.parents == ()


def test_a_deep_graph(engine):
    a = engine.Tensor(1.0)
    end = a
    for _ in range(20_000):
        end = end + 0.0
    order = engine.topological_order(end)
    assert len(order) == 20_001 and order[0] is a and order[-1] is end
    end.backward()
    assert float(a.grad) == 1.0


def test_order_has_each_node_once_after_its_parents(engine):
    a, b = engine.Tensor(1.0), engine.Tensor(1.0)
    c = a * b
    root = c * c + a * (c + b)
    order = engine.topological_order(root)
    assert len(order) == len(set(order)) == 7 and order[-1] is root
    for node in order:
        assert all(order.index(parent) < order.index(node) for parent in node.parents)


@pytest.mark.parametrize(
    ("big", "small"),
    [((2, 3), (3,)), ((2, 3), (2, 1)), ((2, 3), ()), ((4, 2, 3), (2, 1)), ((2, 3), (2, 3)), ((5, 1), (1,))],
)
def test_unbroadcast_agrees(big, small, reference):
    grad = np.random.default_rng(1).normal(size=big)
    ours, theirs = reference.unbroadcast(grad, small), backprop.unbroadcast(grad, small)
    assert np.shape(ours) == np.shape(theirs) == small
    np.testing.assert_allclose(ours, theirs)


def test_the_reference_leaves_no_rings(reference):
    """With the collector off, dropping the loss frees every node of the graph."""
    import weakref

    gc.collect()
    gc.disable()
    try:
        a, m = reference.Tensor(np.ones((2, 3))), reference.Tensor(np.ones((3, 2)))
        parts = [(a * a + 1.0) / a - a**2, a.exp().log(), a.relu(), a.tanh(), a.mean(axis=1, keepdims=True) + a, a.T.T, a[[0, 0]], (a @ m).reshape(2, 2)]  # fmt: skip
        root = parts[0].sum()
        for part in parts[1:]:
            root = root + part.sum()
        root.backward()
        watched = [weakref.ref(node) for node in reference.topological_order(root) if node is not a and node is not m]
        del parts, part, root
        assert len(watched) > 20 and [ref() for ref in watched if ref() is not None] == []
    finally:
        gc.enable()


def test_a_tensor_exponent_is_refused(engine):
    with pytest.raises(TypeError):
        engine.Tensor(2.0) ** engine.Tensor(3.0)


def test_printing_shows_the_values(engine):
    assert repr(engine.Tensor([1.0, 2.0])) == "Tensor([1. 2.])"
    assert "op='*'" in repr(engine.Tensor(2.0) * 3)
