"""Unit 08: the reference convolution against PyTorch's, and SmallCNN against the classic 32-filter CNN. By hand:

    python -m tests.benchmarks.convolution                             # the convolution alone, half a minute
    GRADUS_DATA=../shared/data python -m tests.benchmarks.convolution --mnist

The first: forwards and backwards on (64, 16, 28, 28) with 32 filters of 3 x 3, in turn, on one thread; at most 3 times
PyTorch's time. The second: the classic (one convolution of 3 x 3 with 32 filters, pooling of 2, one linear layer; Adam,
batches of 32, ten epochs) and SmallCNN with shifts, epoch by epoch in turn: at least 0.992 in at most half of its time.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from autograder.source import find_unit
from gradus import data, home
from tests.gradus.cells import solve

SOLUTIONS = Path(__file__).resolve().parents[2] / "solutions"


def reference() -> dict[str, Any]:
    """The names of the solved unit."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GRADUS_HOME"] = folder
        home.grading = True  # nothing is kept, no bar is shown
        return solve(find_unit("08_convolution", SOLUTIONS)).space


def seconds(work: Callable[[], object]) -> float:
    """Processor seconds that a call takes."""
    began = time.process_time()
    work()
    return time.process_time() - began


def convolution(space: dict[str, Any], rounds: int = 15) -> None:
    """Forwards and backwards of the reference and of PyTorch, in turn."""
    print("| numbers | padding | reference ms | PyTorch ms | ratio of medians | of minima |\n|---|---|---|---|---|---|")
    for kind in (np.float64, np.float32):
        for padding in (0, 1):
            dice = np.random.default_rng(0)
            size = 26 + 2 * padding
            shapes = ((64, 16, 28, 28), (32, 16, 3, 3), (32,), (64, 32, size, size))
            x, w, b, dout = (dice.normal(size=shape).astype(kind) for shape in shapes)
            leaves = [torch.tensor(a, requires_grad=True) for a in (x, w, b)]
            above = torch.tensor(dout)

            def ours(x=x, w=w, b=b, dout=dout, padding=padding) -> list[np.ndarray]:
                out = space["conv2d_forward"](x, w, b, 1, padding)
                return [out, *space["conv2d_backward"](dout, x, w, b, 1, padding)]

            def theirs(leaves=leaves, above=above, padding=padding) -> list[torch.Tensor]:
                out = nn.functional.conv2d(*leaves, padding=padding)
                return [out, *torch.autograd.grad(out, leaves, above)]

            for mine, other in zip(ours(), theirs(), strict=True):
                other = other.detach().numpy()
                assert mine.dtype == kind, mine.dtype
                assert np.allclose(mine, other, rtol=1e-3, atol=1e-5 * np.abs(other).max())
            times = 1000 * np.array([(seconds(ours), seconds(theirs)) for _ in range(rounds)])
            (m1, m2), (b1, b2) = np.median(times, axis=0), times.min(axis=0)
            print(f"| {kind.__name__} | {padding} | {m1:.1f} | {m2:.1f} | {m1 / m2:.2f} | {b1 / b2:.2f} |", flush=True)


class Learner:
    """A network in training, epoch by epoch, with the processor time that it has used."""

    def __init__(self, net: nn.Module, batch_size: int, epochs: int, lr: float, change: Any, cycle: bool) -> None:
        self.net = net.to(memory_format=torch.channels_last)  # quicker for both
        self.batch_size, self.epochs, self.change = batch_size, epochs, change
        self.spent = self.right = 0.0
        self.optimiser = torch.optim.Adam(net.parameters(), lr=lr)
        steps = epochs * -(-60000 // batch_size)
        one_cycle = torch.optim.lr_scheduler.OneCycleLR
        self.schedule = one_cycle(self.optimiser, lr, total_steps=steps, pct_start=0.25) if cycle else None

    def epoch(self, X: torch.Tensor, y: torch.Tensor) -> None:
        """Once through the data."""
        self.net.train()
        for rows in torch.randperm(len(y)).split(self.batch_size):
            x = self.change(X[rows]) if self.change else X[rows]
            self.optimiser.zero_grad()
            nn.functional.cross_entropy(self.net(x), y[rows]).backward()
            self.optimiser.step()
            if self.schedule:
                self.schedule.step()

    def judged(self, X: torch.Tensor, y: torch.Tensor) -> float:
        """The share of (X, y) that it gets right."""
        self.net.eval()
        with torch.no_grad():
            answers = torch.cat([self.net(part).argmax(dim=1) for part in X.split(500)])
        return (answers == y).double().mean().item()

    def run(self, train: Any, test: Any) -> Iterator[str]:
        """Train to the end; a row of the table after each epoch."""
        for number in range(1, self.epochs + 1):
            self.spent += seconds(lambda: self.epoch(*train))
            self.right = self.judged(*test)
            yield f"{number} | {self.right:.4f} | {self.spent:.1f}"


def mnist(space: dict[str, Any], seed: int, epochs: int) -> None:
    """The classic and SmallCNN on MNIST, in turn."""
    train, test = (
        (torch.from_numpy(images[:, None] / np.float32(255)), torch.from_numpy(labels))
        for images, labels in (data.mnist("train"), data.mnist("test"))
    )
    torch.manual_seed(seed)
    dice = np.random.default_rng(seed)
    classic = nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * 13 * 13, 10))
    old = Learner(classic, 32, 10, 0.001, None, cycle=False)
    new = Learner(space["SmallCNN"](), 128, epochs, 0.006, lambda x: space["augment"](x, dice), cycle=True)
    print(f"\nseed {seed}\n| network | epoch | right on the test | processor s |\n|---|---|---|---|")
    runs = {"classic": old.run(train, test), "SmallCNN": new.run(train, test)}
    while runs:
        for name in list(runs):
            row = next(runs[name], None)
            if row is None:
                del runs[name]
            else:
                print(f"| {name} | {row} |", flush=True)
    print(
        f"\nclassic {old.right:.4f} in {old.spent:.1f} s; SmallCNN {new.right:.4f} in {new.spent:.1f} s, "
        f"{new.spent / old.spent:.2f} of the classic's time. Wanted: 0.992 in at most 0.50.",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist", action="store_true", help="also the two networks, ten minutes")
    parser.add_argument("--seeds", type=int, default=1, help="how many runs on MNIST")
    parser.add_argument("--epochs", type=int, default=4, help="of SmallCNN")
    given = parser.parse_args()
    torch.set_num_threads(1)
    space = reference()
    convolution(space)
    if given.mnist:
        for seed in range(given.seeds):
            mnist(space, seed, given.epochs)


if __name__ == "__main__":
    main()
