"""Unit 13 with more draws, and MNIST as a second target: frozen, tuned, gradual and from scratch. By hand:

    GRADUS_DATA=../shared/data python -m tests.benchmarks.transfer --seeds 8

Prints test accuracy (mean and spread over draws) and the processor time. MNIST is brought to 16 by 16 pixels: a margin of
2, then means of 2 by 2. The unit's own functions do the work; without MNIST the second table is left out, and said so.
"""

from __future__ import annotations

import argparse
import os
import time
from typing import Any

import torch

from autograder.source import find_unit
from gradus import data, home
from tests.gradus.cells import ROOT

METHODS = ("frozen", "tuned", "gradual", "scratch")


def unit_space() -> dict[str, Any]:
    """The unit's set-up and reference, and the demo cells that pretrain and define the methods."""
    unit = find_unit("13_transfer", ROOT / "solutions")
    space: dict[str, Any] = {"__name__": "benchmark"}
    for cell in unit.cells:
        if cell.kind in ("setup", "exercise"):
            exec(compile(cell.source, f"<{cell.kind} {cell.line}>", "exec"), space)
    demos = [cell.source for cell in unit.cells if cell.kind == "demo"]
    exec(next(text for text in demos if "def pretrained(" in text), space)
    methods = next(text for text in demos if "def scratch(" in text)
    exec(methods[: methods.index("METHODS =")], space)
    return space


def mnist_small(split: str, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The first `count` pictures of MNIST as (count, 1, 16, 16), ink from 0 to 1, and their labels."""
    images, labels = data.mnist(split)
    ink = torch.tensor(images[:count], dtype=torch.float32)[:, None] / 255
    ink = torch.nn.functional.avg_pool2d(torch.nn.functional.pad(ink, (2, 2, 2, 2)), 2)
    return ink, torch.tensor(labels[:count])


def table(space: dict[str, Any], title: str, pool: Any, test: Any, shots: list[int], seeds: range) -> None:
    start = time.process_time()
    methods = {name: space[name] for name in METHODS}
    curve = space["label_efficiency_curve"](methods, pool, test, shots, seeds)
    print(
        f"\n{title}: {len(seeds)} draws, {space['STEPS']} steps, {time.process_time() - start:.0f} s of processor time"
    )
    print("| labels a class | " + " | ".join(METHODS) + " | tuned - scratch, draw by draw |")
    print("|---" * (len(METHODS) + 2) + "|")
    for i, k in enumerate(shots):
        gain = curve["tuned"][i] - curve["scratch"][i]
        cells = [f"{curve[name][i].mean():.3f} ± {curve[name][i].std():.3f}" for name in METHODS]
        print(f"| {k} | " + " | ".join(cells) + f" | {gain.mean():+.3f} ± {gain.std():.3f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--steps", type=int, default=80)
    given = parser.parse_args()
    torch.set_num_threads(1)
    home.grading = True  # no bars
    start = time.process_time()
    space = unit_space()
    space["STEPS"] = given.steps
    print(f"reads print: {space['reads_print']:.3f}, {time.process_time() - start:.0f} s of processor time")
    print(f"scikit-learn's digits without a label: {space['untaught']:.3f}")
    shots, seeds = [1, 3, 10, 30], range(given.seeds)
    table(space, "scikit-learn's digits", space["pool"], space["test"], shots, seeds)
    if not os.environ.get("GRADUS_DATA"):
        print("\nMNIST is left out: set GRADUS_DATA to a folder that holds it.")
        return
    pool, test = mnist_small("train", 10000), mnist_small("test", 2000)
    reader = space["reader"]
    names = reader(test[0])[:, :10].argmax(dim=1)
    print(f"\nMNIST without a label: {(names == test[1]).float().mean().item():.3f}")
    table(space, "MNIST, 2,000 test pictures", pool, test, shots, seeds)


if __name__ == "__main__":
    with torch.random.fork_rng():
        main()
