"""How fast unit 03's engine is: one epoch of a network of 784, 128 and 10 units, batches of 64, on one thread.

    python -m tests.benchmarks.engine [--steps 938] [--rounds 15]

The engine is the reference solution, taken out of the source. Beside it run PyTorch, with the same precision and with its
own default, and a scalar engine, in which every number is a node. They take turns within one run, so that whatever
slows the machine slows all of them; times are processor time, and the median of the rounds counts. With $GRADUS_DATA
set the pictures are MNIST's, else random numbers of the same shape.
"""

from __future__ import annotations

import argparse
import ast
import itertools
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from autograder.source import load_unit
from autograder.trial import reference_code
from gradus.check import load_reference
from gradus.data import mnist

SIZES, BATCH, LR = (784, 128, 10), 64, 0.1
SCALAR_EXAMPLES = 2  # of the scalar engine; it needs about a second for each
Step = Callable[[np.ndarray, np.ndarray], float]


def reference_engine() -> Any:
    """The module that the unit's reference solutions make."""
    unit = load_unit(Path(__file__).resolve().parents[2] / "solutions" / "03_backprop.py")
    return load_reference(reference_code(unit))


def lines_of_code() -> int:
    """Lines of the unit's exercise cells that are code: no blank lines, comments or docstrings."""
    unit = load_unit(Path(__file__).resolve().parents[2] / "solutions" / "03_backprop.py")
    count = 0
    for exercise in unit.exercises.values():
        tree = ast.parse(exercise.cell.source)
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node) and isinstance(body, list):
                body[0] = ast.Pass()
        used = {n.lineno for n in ast.walk(tree) if hasattr(n, "lineno") and not isinstance(n, ast.Pass)}
        count += len(used)
    return count


def data() -> tuple[np.ndarray, np.ndarray, str]:
    """Pictures (60000, 784) from 0 to 1, labels (60000,), and what they are."""
    if os.environ.get("GRADUS_DATA"):
        images, labels = mnist()
        return images.reshape(-1, 784) / 255.0, labels, "MNIST"
    dice = np.random.default_rng(0)
    return dice.random(size=(60_000, 784)), dice.integers(0, 10, size=60_000), "random numbers in MNIST's shape"


def start() -> list[np.ndarray]:
    """The weights that all engines begin with: W (784, 128), b (128,), W (128, 10), b (10,)."""
    dice = np.random.default_rng(1)
    made: list[np.ndarray] = []
    for n, m in itertools.pairwise(SIZES):
        made += [dice.normal(scale=np.sqrt(2 / n), size=(n, m)), np.zeros(m)]
    return made


def tensor_steps(tensor: Any) -> tuple[Step, list[Any]]:
    """Training steps with an engine that has unit 03's interface, and its weights."""
    weights = [tensor(w) for w in start()]
    W1, b1, W2, b2 = weights

    def step(X: np.ndarray, y: np.ndarray) -> float:
        z = (X @ W1 + b1).relu() @ W2 + b2
        z = z - z.data.max(axis=1, keepdims=True)
        log_p = z - z.exp().sum(axis=1, keepdims=True).log()
        loss = -log_p[np.arange(len(y)), y].mean()
        for w in weights:
            w.grad = None
        loss.backward()
        for w in weights:
            w.data -= LR * w.grad
        return float(loss.data)

    return step, weights


def torch_steps(precision: str) -> tuple[Step, list[Any]]:
    """Training steps as one writes them in PyTorch, and the weights as tensors."""
    import torch

    torch.set_num_threads(1)
    kind = getattr(torch, precision)
    model = torch.nn.Sequential(torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10)).to(kind)
    with torch.no_grad():
        for p, w in zip(model.parameters(), start(), strict=True):
            p.copy_(torch.as_tensor(w.T if w.ndim == 2 else w))
    optimiser = torch.optim.SGD(model.parameters(), lr=LR)
    loss_of = torch.nn.CrossEntropyLoss()

    def step(X: Any, y: Any) -> float:
        loss = loss_of(model(X), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return float(loss.item())

    return step, list(model.parameters())


class Scalar:
    """One number of a graph, as engines for teaching often have it; written for this comparison."""

    __slots__ = ("data", "grad", "links")

    def __init__(self, data: float, links: tuple[tuple[Scalar, float], ...] = ()) -> None:
        self.data, self.grad, self.links = data, 0.0, links  # a link: a parent and the slope with respect to it

    def __add__(self, other: Scalar) -> Scalar:
        return Scalar(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __mul__(self, other: Scalar) -> Scalar:
        return Scalar(self.data * other.data, ((self, other.data), (other, self.data)))

    def times(self, number: float) -> Scalar:
        """The product with a constant, which is no node."""
        return Scalar(self.data * number, ((self, number),))

    def relu(self) -> Scalar:
        return Scalar(max(self.data, 0.0), ((self, float(self.data > 0)),))

    def exp(self) -> Scalar:
        y = float(np.exp(self.data))
        return Scalar(y, ((self, y),))

    def log(self) -> Scalar:
        return Scalar(float(np.log(self.data)), ((self, 1 / self.data),))

    def backward(self) -> None:
        order: list[Scalar] = []
        seen: set[int] = set()
        stack: list[tuple[Scalar, bool]] = [(self, False)]
        while stack:
            node, is_open = stack.pop()
            if is_open:
                order.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack.extend((parent, False) for parent, _ in node.links)
        self.grad = 1.0
        for node in reversed(order):
            for parent, slope in node.links:
                parent.grad += slope * node.grad


def scalar_steps() -> tuple[Step, list[Any]]:
    """Training steps in which every number is a node of its own, and its weights."""
    weights = [[[Scalar(x) for x in row] for row in np.atleast_2d(w).tolist()] for w in start()]
    W1, (b1,), W2, (b2,) = weights

    def step(X: np.ndarray, y: np.ndarray) -> float:
        losses = []
        for x, label in zip(X.tolist(), y.tolist(), strict=True):
            hidden = []
            for k, bias in enumerate(b1):
                z = bias
                for row, pixel in zip(W1, x, strict=True):
                    z = z + row[k].times(pixel)
                hidden.append(z.relu())
            scores = []
            for k, bias in enumerate(b2):
                z = bias
                for row, h in zip(W2, hidden, strict=True):
                    z = z + row[k] * h
                scores.append(z)
            total = Scalar(0.0)
            for z in scores:
                total = total + z.exp()
            losses.append(total.log() + scores[label].times(-1.0))
        loss = losses[0]
        for other in losses[1:]:
            loss = loss + other
        loss = loss.times(1 / len(losses))
        every = [w for table in weights for row in table for w in row]
        for w in every:
            w.grad = 0.0
        loss.backward()
        for w in every:
            w.data -= LR * w.grad
        return loss.data

    return step, weights


def timed(step: Step, X: Any, y: Any, batches: list[slice]) -> float:
    """Processor seconds for these batches."""
    began = time.process_time()
    for rows in batches:
        step(X[rows], y[rows])
    return time.process_time() - began


def agree(engine: Any, X: np.ndarray, y: np.ndarray) -> None:
    """All four take the same step, up to rounding, or the comparison would mean nothing."""
    import torch

    few = slice(0, SCALAR_EXAMPLES)
    losses = {}
    for name, (step, _), change in [
        ("engine", tensor_steps(engine), lambda a: a),
        ("scalar", scalar_steps(), lambda a: a),
        ("PyTorch", torch_steps("float64"), torch.as_tensor),
    ]:
        losses[name] = [step(change(X[few]), change(y[few])) for _ in range(2)]
    for name, values in losses.items():
        assert np.allclose(values, losses["engine"], rtol=1e-9), (name, losses)


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=938, help="batches of 64 for each engine, in all (an epoch: 938)")
    parser.add_argument("--rounds", type=int, default=15, help="turns into which they are cut")
    given = parser.parse_args()
    X, y, what = data()
    engine = reference_engine().Tensor
    agree(engine, X, y)
    pictures = {kind: torch.as_tensor(X, dtype=getattr(torch, kind)) for kind in ("float64", "float32")}
    runners = {
        "the engine, float64": (tensor_steps(engine)[0], X, y),
        "PyTorch, float64": (torch_steps("float64")[0], pictures["float64"], torch.as_tensor(y)),
        "PyTorch, float32": (torch_steps("float32")[0], pictures["float32"], torch.as_tensor(y)),
    }
    scalar = scalar_steps()[0]
    batches = [slice(i, i + BATCH) for i in range(0, len(X), BATCH)][: given.steps]
    seconds: dict[str, list[float]] = {name: [] for name in [*runners, "scalar"]}
    for turn in np.array_split(np.arange(len(batches)), given.rounds):
        mine = [batches[i] for i in turn]
        for name, (step, inputs, labels) in runners.items():
            seconds[name].append(timed(step, inputs, labels, mine) / len(mine))
        if len(seconds["scalar"]) < 5:
            few = slice(mine[0].start, mine[0].start + SCALAR_EXAMPLES)
            seconds["scalar"].append(timed(scalar, X, y, [few]) / SCALAR_EXAMPLES * BATCH)
    step = {name: float(np.median(values)) for name, values in seconds.items()}
    ours = step["the engine, float64"]
    print(f"{what}; a network of {' - '.join(map(str, SIZES))}, batches of {BATCH}, one thread, processor time")
    print(f"reference solution: {lines_of_code()} lines of code in all exercise cells")
    for name, value in step.items():
        epoch = value * 60_000 / BATCH
        note = f" (from {SCALAR_EXAMPLES} examples a turn)" if name == "scalar" else ""
        print(f"  {name:22s}{1000 * value:12.3f} ms a step{epoch:12.2f} s an epoch{note}")
    for name in ("PyTorch, float64", "PyTorch, float32"):
        ratios = np.array(seconds["the engine, float64"]) / np.array(seconds[name])
        low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75])
        print(f"  the engine takes {middle:.2f} times as long as {name} (quartiles {low:.2f} to {high:.2f})")
    print(f"  the engine is {step['scalar'] / ours:,.0f} times as fast as the scalar engine")
    tensor = engine(1.0)
    began = time.process_time()
    end = tensor
    for _ in range(20_000):
        end = end * 1.0001
    end.backward()
    print(f"  a graph 20,000 nodes deep, forward and back: {time.process_time() - began:.2f} s")


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
