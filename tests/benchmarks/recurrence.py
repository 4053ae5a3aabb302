"""Unit 10's CharRNN on longer texts, beside the unit's n-grams. By hand, from the project's folder:

    GRADUS_DATA=../shared/data python -m tests.benchmarks.recurrence --steps 1500

Bits per sign on text held out, for Tiny Shakespeare and for names; the n-gram is the best of n = 1 to 6. For names the
last tenth is held out without those that stand in the rest, which counting would know by heart.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
from torch import nn

from autograder.source import find_unit
from autograder.trial import reference_code
from gradus import data
from gradus.check import load_reference
from tests.gradus.cells import ROOT


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--hidden", type=int, default=192)
    given = parser.parse_args()
    torch.set_num_threads(1)
    unit = load_reference(reference_code(find_unit("10_recurrence", ROOT / "solutions")))
    plays, all_names = data.tiny_shakespeare(), data.names()
    cut = len(all_names) * 9 // 10
    known = set(all_names[:cut])
    fresh = [name for name in all_names[cut:] if name not in known]
    texts = {
        "Tiny Shakespeare": (plays[:1_000_000], plays[1_000_000:]),
        "names": ("\n".join(all_names[:cut]), "\n".join(fresh)),
    }
    print("| text | best n-gram, bits | CharRNN, bits | perplexity | processor s |")
    print("|---|---|---|---|---|")
    for title, (train, test) in texts.items():
        print(f"| {title} | {compared(unit, train, test, given.steps, given.hidden)} |", flush=True)


def compared(unit, train: str, test: str, steps: int, hidden: int) -> str:
    """A row of the table."""
    number = {sign: i for i, sign in enumerate(sorted(set(train + test)))}
    V, (seen, asked) = len(number), [np.array([number[sign] for sign in text]) for text in (train, test)]
    counted = min((unit.ngram_bits(seen, asked, n, V), n) for n in range(1, 7))
    start = time.process_time()
    model = trained(unit.CharRNN(V, 32, hidden), seen, steps)
    spent = time.process_time() - start
    with torch.no_grad():
        scores, _ = model(torch.from_numpy(asked[None, :-1]))
        nll = nn.functional.cross_entropy(scores[0], torch.from_numpy(asked[1:]), reduction="none").numpy()
    bits, hesitation = nll.mean() / np.log(2), unit.perplexity(nll)
    return f"{counted[0]:.3f} (n = {counted[1]}) | {bits:.3f} | {hesitation:.2f} | {spent:.0f}"


def trained(model, tokens: np.ndarray, steps: int, strips: int = 32, piece: int = 64):
    """Truncated back-propagation through time over strips of the text, as in the unit."""
    torch.manual_seed(0)
    for p in model.parameters():
        nn.init.uniform_(p, -0.08, 0.08)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.004)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    length = len(tokens) // strips
    rows, state, place = torch.from_numpy(tokens[: strips * length].reshape(strips, length)), None, 0
    for _ in range(steps):
        if place + piece + 1 > length:
            place, state = 0, None
        scores, state = model(rows[:, place : place + piece], state)
        loss = nn.functional.cross_entropy(scores.flatten(0, 1), rows[:, place + 1 : place + piece + 1].flatten())
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        state, place = state.detach(), place + piece
    return model


if __name__ == "__main__":
    main()
