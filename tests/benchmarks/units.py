"""The class that the benchmark grades, and a unit that trains with torch."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

from autograder.bundle import Bundle
from autograder.release import filled, solved_notebook, to_text


def _fit(hint: str = "", name: str = "", **changed: str) -> str:
    """A cell that trains a network, as a mistake if it has a name, with some lines changed."""
    lines = {
        "start": "torch.manual_seed(0)",
        "model": "model = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 1))",
        "optimizer": "optimizer = torch.optim.Adam(model.parameters(), lr=0.02)",
        "losses": "losses = []",
        "loop": "for _ in range(steps):",
        "loss": "    loss = nn.functional.binary_cross_entropy_with_logits(model(X)[:, 0], y)",
        "zero": "    optimizer.zero_grad()",
        "backward": "    loss.backward()",
        "step": "    optimizer.step()",
        "keep": "    losses.append(loss.item())",
        "end": "return np.array(losses)",
    } | changed
    header = f'# %% mistake="fit" name="{name}" hint="{hint}"' if name else '# %% variant="fit"'
    return "\n".join([header, "def fit(steps):", *(f"    {line}" for line in lines.values() if line), ""])


_REFERENCE = _fit().partition("def fit(steps):\n")[2]
TORCH = f'''# %% [markdown]
# # Train
#
# A small network, trained for about two seconds.

# %% setup
import numpy as np
import torch
from torch import nn

import gradus
from gradus.check import assert_close, check, inside, rng

gradus.unit("99_torch")

angles = torch.linspace(0, 12, 400)
X = torch.stack([angles.cos() * angles, angles.sin() * angles], dim=1) / 12
y = (angles % 2 > 1).float()

# %% exercise="fit" minutes=10 difficulty=2
def fit(steps):
    """Train a network of 64 units for `steps` steps of Adam; return the losses, (steps,)."""
    ### BEGIN SOLUTION
{_REFERENCE}    ### END SOLUTION

# %% check="fit" points=4
def test_length():
    "one loss for each step"
    assert_close(fit(3).shape, [3])

def test_learns():
    "the loss falls"
    losses = fit(7000)
    assert_close(losses[-1] < 0.6 * losses[0], True)

check("fit", points=4)

{_fit("Set the gradients to zero before each step.", "no-zero", zero="")}
{_fit("Take a step.", "no-step", step="")}
{_fit("Work backwards first.", "no-backward", backward="")}
{_fit("Keep the loss of each step.", "last-only", keep="", end="return np.array([loss.item()])")}
{_fit(optimizer="optimizer = torch.optim.Adam(list(model.parameters()), lr=0.02)")}'''


def torch_unit(folder: Path) -> Path:
    """Write the unit that trains; return its source's path."""
    path = folder / "solutions" / "99_torch.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(TORCH, encoding="utf-8")
    return path


def papers(bundle: Bundle) -> Iterator[tuple[str, str]]:
    """Name and notebook of student after student, without end: right, wrong in every known way, unwritten."""
    unit = bundle.unit
    right = {name: exercise.cell.source for name, exercise in unit.exercises.items()}
    kinds = [("right", to_text(solved_notebook(unit))), ("unwritten", to_text(bundle.release))]
    for name, exercise in unit.exercises.items():
        others = [(m.name, m.source) for m in exercise.mistakes]
        others += [(f"variant-{i}", variant.source) for i, variant in enumerate(exercise.variants)]
        for label, source in others:
            answers = right | {name: f"{right[name]}\n\n{source}"}
            kinds.append((f"{name}-{label}", to_text(filled(bundle.release, answers))))
    # a stride, so that a small class has some of each exercise, and as many right ones as a large one
    order = sorted(range(len(kinds)), key=lambda i: i * 7 % len(kinds)) if len(kinds) % 7 else range(len(kinds))
    for number, which in enumerate(itertools.cycle(order)):
        label, text = kinds[which]
        yield f"s{number:03d}-{label}", text


def hand_in(course: Path, bundle: Bundle, size: int) -> None:
    """Fill submitted/ of a course folder with a class of `size`."""
    for name, text in itertools.islice(papers(bundle), size):
        path = course / "submitted" / name / bundle.unit.name / f"{bundle.unit.name}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
