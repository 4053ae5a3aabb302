"""Unit 06 on MNIST, with everything of the student's own: engine, optimiser, activations, layers, training loop. By hand:

    GRADUS_DATA=../shared/data python -m tests.benchmarks.network --epochs 8

Prints test accuracy and time; the number to beat is 0.975. The same network in PyTorch runs beside it, epoch by epoch in
turn, for the ratio of their times.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time

import numpy as np
import torch
from torch import nn

from gradus import data, home
from tests.gradus.cells import own_library


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--width", type=int, default=128)
    given = parser.parse_args()
    torch.set_num_threads(1)
    (X, y), (X_test, y_test) = [
        (images.reshape(-1, 784) / 255.0, labels) for images, labels in (data.mnist("train"), data.mnist("test"))
    ]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GRADUS_HOME"] = folder
        home.grading = False
        space = own_library()["06_network"].space
    dice = np.random.default_rng(0)
    Linear, Tensor = space["Linear"], space["Tensor"]
    net = space["Sequential"](
        Linear(784, given.width, dice), Tensor.relu, Dropout(0.2, dice, space["dropout"]), Linear(given.width, 10, dice)
    )
    optimiser = space["Optimiser"](net.parameters(), space["adam_step"], lr=0.001)
    twin = nn.Sequential(nn.Linear(784, given.width), nn.ReLU(), nn.Dropout(0.2), nn.Linear(given.width, 10)).double()
    theirs = torch.optim.Adam(twin.parameters(), lr=0.001)
    inputs, classes = torch.from_numpy(X), torch.from_numpy(y)
    print("| epoch | loss | test accuracy | processor s | PyTorch's accuracy | processor s |")
    print("|---|---|---|---|---|---|")
    spent = np.zeros(2)
    for epoch in range(1, given.epochs + 1):
        start = time.process_time()
        loss = space["train_epoch"](net, X, y, optimiser, 64, dice)
        spent[0] += time.process_time() - start
        start = time.process_time()
        for batch in torch.randperm(len(y)).split(64):
            theirs.zero_grad()
            nn.functional.cross_entropy(twin(inputs[batch]), classes[batch]).backward()
            theirs.step()
        spent[1] += time.process_time() - start
        right = np.mean(net(Tensor(X_test)).data.argmax(axis=1) == y_test)
        twin.eval()
        with torch.no_grad():
            other = (twin(torch.from_numpy(X_test)).argmax(dim=1).numpy() == y_test).mean()
        twin.train()
        print(f"| {epoch} | {loss:.4f} | {right:.4f} | {spent[0]:.1f} | {other:.4f} | {spent[1]:.1f} |", flush=True)
    print(
        f"\nOwn library : PyTorch = {spent[0] / spent[1]:.2f} in processor time, both in double precision on one thread."
    )


class Dropout:
    """The student's dropout as a layer, as in the unit."""

    def __init__(self, p: float, dice: np.random.Generator, dropout) -> None:
        self.p, self.dice, self.dropout, self.training = p, dice, dropout, False

    def __call__(self, x):
        return self.dropout(x, self.p, self.dice, self.training)

    def train(self, mode: bool = True) -> None:
        self.training = mode


if __name__ == "__main__":
    main()
