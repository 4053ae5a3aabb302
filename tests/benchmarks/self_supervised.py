"""Unit 14 on MNIST and Fashion-MNIST, with the unit's own reference functions. By hand:

    GRADUS_DATA=../shared/data python -m tests.benchmarks.self_supervised --set fashion_mnist --pictures 5000 --epochs 12

Pretrains on pictures without labels (turns, views, patches), then judges each encoder with few labels beside the same
network trained from scratch on them, with the same views as augmentation. Prints accuracies (mean and deviation over draws
of the labels, on 2,000 test pictures) and processor time. Nothing was tuned on these sets.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from autograder.source import load_unit
from autograder.trial import reference_code
from gradus import data

ROOT = Path(__file__).resolve().parents[2]


def new_encoder() -> nn.Sequential:
    """(B, 1, 28, 28) -> (B, 64)."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for fan_in, maps in ((1, 16), (16, 32), (32, 64)):
        layers += [nn.Conv2d(fan_in, maps, 3, 2, padding=1), nn.BatchNorm2d(maps), nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 4 * 4, 64))


def pretrain(modules: list[nn.Module], loss_of: Any, pictures: torch.Tensor, epochs: int) -> None:
    """Adam on loss_of(batch, dice), batches of 250."""
    dice = np.random.default_rng(0)
    optimiser = torch.optim.Adam([p for module in modules for p in module.parameters()], lr=0.002)
    for _ in range(epochs):
        for rows in torch.tensor(dice.permutation(len(pictures))).split(250):
            optimiser.zero_grad()
            loss_of(pictures[rows], dice).backward()
            optimiser.step()


def encoders(unit: dict[str, Any], pictures: torch.Tensor, epochs: int) -> Any:
    """(task, encoder, processor seconds), one after the other."""
    for task in ("turns", "views", "patches"):
        encoder, start = new_encoder(), time.process_time()
        if task == "patches":
            decoder = nn.Sequential(nn.ReLU(), nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 784))
            model = unit["MaskedAutoencoder"](encoder, decoder)
            pretrain([model], lambda b, d: model.loss(b, unit["mask_patches"](b, 4, 0.5, d)[1]), pictures, epochs)  # noqa: B023
        else:
            head = nn.Sequential(nn.ReLU(), nn.Linear(64, 4 if task == "turns" else 32))

            def turns(batch: torch.Tensor, dice: Any, net: Any = nn.Sequential(encoder, head)) -> torch.Tensor:
                x, y = unit["rotation_task"](batch)
                return functional.cross_entropy(net(x), y)

            def views(batch: torch.Tensor, dice: Any, net: Any = nn.Sequential(encoder, head)) -> torch.Tensor:
                return unit["nt_xent_loss"](*net(torch.cat(unit["two_views"](batch, dice))).chunk(2), 0.5)

            pretrain([encoder, head], turns if task == "turns" else views, pictures, epochs)
        yield task, encoder, time.process_time() - start


def from_scratch(unit: dict[str, Any], x: torch.Tensor, y: np.ndarray, new: torch.Tensor, truth: np.ndarray) -> float:
    """The same network on labels alone, 200 steps, with one view as augmentation."""
    net, dice = nn.Sequential(new_encoder(), nn.ReLU(), nn.Linear(64, 10)), np.random.default_rng(0)
    optimiser = torch.optim.Adam(net.parameters(), lr=0.002)
    for _ in range(200):
        rows = dice.permutation(len(x))[:100]
        optimiser.zero_grad()
        functional.cross_entropy(net(unit["two_views"](x[rows], dice)[0]), torch.tensor(y[rows])).backward()
        optimiser.step()
    return float((unit["embed"](net, new).argmax(axis=1) == truth).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", choices=("mnist", "fashion_mnist"), default="mnist")
    parser.add_argument("--pictures", type=int, default=5000, help="how many without labels")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--draws", type=int, default=3)
    given = parser.parse_args()
    torch.set_num_threads(1)
    load = {"mnist": data.mnist, "fashion_mnist": data.fashion_mnist}[given.set]
    (x, y), (new, truth) = load("train"), load("test")
    pictures = torch.tensor(x[: given.pictures, None] / 255, dtype=torch.float32)
    tests, y, truth = torch.tensor(new[:2000, None] / 255, dtype=torch.float32), y[: given.pictures], truth[:2000]
    unit: dict[str, Any] = {"__name__": "unit_14"}
    exec(compile(reference_code(load_unit(ROOT / "solutions" / "14_self_supervised.py")), "<unit 14>", "exec"), unit)

    def draw(each: int, seed: int) -> np.ndarray:
        dice = np.random.default_rng(seed)
        return np.concatenate([dice.choice(np.flatnonzero(y == c), each, replace=False) for c in range(10)])

    def line(name: str, seconds: float, answers: list[list[float]]) -> None:
        cells = [f"{np.mean(a):.3f} ± {np.std(a):.3f}" for a in answers]
        print(f"| {name} | {' | '.join(cells)} | {seconds:.1f} |", flush=True)

    counts = (1, max(given.pictures // 1000, 1), 30)
    print(f"{given.set}, {given.pictures} pictures without labels, {given.epochs} epochs")
    print(f"| encoder | {' | '.join(f'{10 * each} labels' for each in counts)} | processor s |\n|---|---|---|---|---|")

    def judge(name: str, features: np.ndarray, test_features: np.ndarray, seconds: float) -> None:
        for kind in ("linear_probe", "knn_accuracy"):
            answers = []
            for each in counts:
                rows = [draw(each, seed) for seed in range(given.draws)]
                more = {"k": min(each, 5)} if kind == "knn_accuracy" else {}
                answers.append([unit[kind](features[r], y[r], test_features, truth, **more) for r in rows])
            line(f"{name}, {kind}", seconds, answers)

    judge("pixels", pictures.flatten(1).numpy(), tests.flatten(1).numpy(), 0.0)
    for task, encoder, seconds in encoders(unit, pictures, given.epochs):
        judge(task, unit["embed"](encoder, pictures), unit["embed"](encoder, tests), seconds)
    start = time.process_time()
    answers = [
        [from_scratch(unit, pictures[r], y[r], tests, truth) for r in (draw(each, seed) for seed in range(given.draws))]
        for each in counts
    ]
    line("labels from scratch", time.process_time() - start, answers)


if __name__ == "__main__":
    main()
