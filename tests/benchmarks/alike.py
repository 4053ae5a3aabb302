"""What finding look-alikes costs, from 20 students to 500, and how far a copy stands above chance.

python -m tests.benchmarks.alike
"""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from autograder.alike import compare
from autograder.alikepages import STRONG, write_pages
from autograder.source import find_unit
from tests.autograder.variety import EXERCISES, UNIT, answers

SIZES = (20, 60, 200, 500)
CLASSES = 4  # of each size


def main() -> None:
    unit = find_unit(Path(__file__).resolve().parents[2] / "solutions" / f"{UNIT}.py")
    print(
        f"{len(EXERCISES)} exercises; processor seconds, medians of {CLASSES} classes; one student copies another's work"
    )
    print(
        f"{'students':>8} {'pairs':>8} {'compare':>8} {'pages':>8} {'copy':>6} {'chance':>7} {'strong by chance':>17}"
    )
    for size in SIZES:
        rows = sorted(_one(unit, size, 100_000 * size + 1000 * number) for number in range(CLASSES))
        middle = [sorted(column)[CLASSES // 2] for column in zip(*rows, strict=True)]
        strong = sum(row[3] >= STRONG for row in rows)
        print(
            f"{size:8} {size * (size + 1) // 2:8} {middle[0]:8.2f} {middle[1]:8.2f} {middle[2]:6.0f} {middle[3]:7.0f} "
            f"{strong:14} of {CLASSES}"
        )


def _one(unit, size, start):
    """Seconds of comparing and of writing pages; the likeness of the copy, and the highest by chance."""
    people = {f"s{number}": answers(start + number) for number in range(size)}
    people["copy"] = dict(people["s0"])
    begin = time.process_time()
    pairs, found = compare(people, unit, 0.0)
    compared = time.process_time()
    with TemporaryDirectory() as folder:
        write_pages(Path(folder), unit, people, [pair for pair in pairs if pair.strength >= 30], found, 100)
    written = time.process_time()
    copies = [pair.strength for pair in pairs if {pair.one, pair.other} == {"copy", "s0"}] or [0.0]
    chance = [pair.strength for pair in pairs if "copy" not in (pair.one, pair.other)]
    return compared - begin, written - compared, copies[0], max(chance, default=0.0)


if __name__ == "__main__":
    main()
