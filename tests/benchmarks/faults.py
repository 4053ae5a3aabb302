"""Kill -9 at random moments: a submission's processes, the warm parents, the whole run; then look for what was lost.

``python -m tests.benchmarks.faults --times 200 --seed 0``. Each class is graded by the command line, shot at, started
again as often as the run itself was hit, and inspected: everybody in the gradebook and in the journal once, with the
score that the work deserves, or set aside as "died" by a hit of its own; no process and no half-written file left.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from autograder.bundle import Bundle
from autograder.gradebook import Course
from autograder.journal import Journal
from autograder.release import filled, to_text

from ..autograder.tiny import write

STUDENTS = 12
SHOTS = 4  # at most, in one class
PAUSE = "\nimport time\ntime.sleep(0.3)  # so that shots hit work, and not only what lies between"
UNIT = "99_tiny"


class Lost(AssertionError):
    """A fault cost something that it must not."""


def make(folder: Path) -> dict[str, float]:
    """A project with a class in it; return what each student deserves."""
    bundle = Bundle.load(write(folder))
    right = {name: exercise.cell.source for name, exercise in bundle.unit.exercises.items()}
    kinds = [(right, 6.0), ({"softmax": right["softmax"]}, 4.0), ({"Scaler": right["Scaler"]}, 2.0)]
    deserved = {}
    for number in range(STUDENTS):
        answers, points = kinds[number % len(kinds)]
        answers = {name: source + PAUSE + f"\n# {number}" for name, source in answers.items()}
        path = folder / "grading" / "submitted" / f"s{number:02}" / UNIT / f"{UNIT}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(to_text(filled(bundle.release, answers)), encoding="utf-8")
        deserved[path.parent.parent.name] = points
    return deserved


def start(folder: Path, log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "autograder.cli", "grade", UNIT, "--jobs", "2"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )


def below(pid: int) -> dict[int, tuple[int, str]]:
    """Living descendants: number -> (parent, command line)."""
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError, ValueError, IndexError):
            state, parent = Path(f"/proc/{name}/stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
            if state not in "ZX":
                parents[int(name)] = int(parent)
    found: dict[int, tuple[int, str]] = {}
    waiting = [pid]
    while waiting:
        above = waiting.pop()
        for child in [number for number, parent in parents.items() if parent == above]:
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                found[child] = above, words
            waiting.append(child)
    return found


def targets(run: int) -> dict[str, list[int]]:
    """What can be hit now, by kind."""
    found = below(run)

    def warm(pid: int) -> bool:
        return pid in found and "autograder.nursery" in found[pid][1] and "bwrap" not in found[pid][1].split(" ")[0]

    kinds: dict[str, list[int]] = {"the whole run": [run], "warm parent": [], "its sandbox": [], "submission": []}
    for pid, (parent, words) in found.items():
        if "bwrap" in words.split(" ")[0]:
            kinds["its sandbox"].append(pid)
        elif warm(pid):
            kinds["submission" if warm(parent) else "warm parent"].append(pid)
    return {kind: pids for kind, pids in kinds.items() if pids}


def shoot(folder: Path, log: Path, chance: random.Random, shots: int) -> Counter[str]:
    """Grade a class under fire, then once in peace; return what was hit."""
    hits: Counter[str] = Counter()
    wanted = {"submission": 6, "warm parent": 2, "its sandbox": 1, "the whole run": 2}
    while hits.total() < shots:
        run = start(folder, log)
        time.sleep(chance.uniform(0.5, 4.0))
        while run.poll() is None and hits.total() < shots:
            kinds = targets(run.pid)
            kind = chance.choices(list(kinds), [wanted[name] for name in kinds])[0]
            with contextlib.suppress(ProcessLookupError):
                os.kill(chance.choice(kinds[kind]), signal.SIGKILL)
                hits[kind] += 1
            time.sleep(chance.uniform(0.05, 1.0))
        wait(run, log)
        if run.returncode == 0:  # it was over before it was hit often enough
            break
    last = start(folder, log)
    wait(last, log)
    if last.returncode:
        raise Lost(f"the last run, in peace, ended with {last.returncode}")
    return hits


def wait(run: subprocess.Popen[bytes], log: Path) -> None:
    try:
        run.wait(120)
    except subprocess.TimeoutExpired:
        run.kill()
        raise Lost("a run hung for two minutes") from None


def inspect(folder: Path, deserved: dict[str, float], before: set[int]) -> Counter[str]:
    """Look at what is left; return the outcomes.

    Raises:
        Lost: something is missing, double, wrong or still running.
    """
    course = Course(folder / "grading")
    entries = Journal(course.folder, UNIT).last()
    lines = [json.loads(line) for line in Journal(course.folder, UNIT).path.read_text().splitlines() if line.strip()]
    scores = course.scores(UNIT)
    outcomes: Counter[str] = Counter()
    if not (entries.keys() == scores.keys() == deserved.keys()):
        raise Lost(f"not everybody is there once: {sorted(entries)}, {sorted(scores)}")
    if len(lines) != len(deserved):
        raise Lost(f"{len(lines)} lines in the journal for {len(deserved)} students")
    for student, points in deserved.items():
        entry = entries[student]
        outcomes[entry.outcome] += 1
        right = (
            entry.score == points if entry.outcome == "graded" else entry.outcome == "died" and entry.score <= points
        )
        if not right or scores[student] != entry.score:
            raise Lost(f"{student} has {scores[student]}, journal {entry.score} ({entry.outcome}), deserves {points}")
        json.loads((course.folder / "autograded" / student / UNIT / f"{UNIT}.ipynb").read_text(encoding="utf-8"))
    with contextlib.closing(sqlite3.connect(course.folder / "gradebook.db")) as book:
        [(sound,)] = book.execute("PRAGMA integrity_check").fetchall()
        [(count,)] = book.execute("SELECT count(*) FROM submitted_notebook").fetchall()
    if sound != "ok" or count != len(deserved):
        raise Lost(f"the gradebook: {sound}, {count} notebooks")
    begun = [str(path) for path in course.folder.rglob("*") if path.name.endswith((".begun", "-journal"))]
    if begun:
        raise Lost(f"left half-written: {begun}")
    deadline = time.monotonic() + 20
    while strays := strangers() - before:
        if time.monotonic() > deadline:
            raise Lost(f"still running: {strays}")
        time.sleep(0.1)
    return outcomes


def strangers() -> set[int]:
    """Processes of a grader's on this machine."""
    found = set()
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError, IndexError):
            words = Path(f"/proc/{name}/cmdline").read_bytes()
            state = Path(f"/proc/{name}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
            if b"autograder.nursery" in words and state not in "ZX":
                found.add(int(name))
    return found


def fire(times: int, seed: int, say: bool = True) -> tuple[Counter[str], Counter[str], int]:
    """Deal `times` shots; return the hits by kind, the outcomes of all students, and the number of classes."""
    chance = random.Random(seed)
    hits: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    classes = 0
    before = strangers()
    with tempfile.TemporaryDirectory(prefix="faults-") as place:
        model = Path(place) / "model"
        model.mkdir()
        deserved = make(model)
        while hits.total() < times:
            folder, log = Path(place) / "class", Path(place) / "log"
            shutil.copytree(model, folder)
            log.unlink(missing_ok=True)
            try:
                hits += shoot(folder, log, chance, min(SHOTS, times - hits.total()))
                outcomes += inspect(folder, deserved, before)
            except Lost as error:
                raise Lost(f"class {classes + 1}: {error}\n{log.read_text(errors='replace')[-3000:]}") from None
            shutil.rmtree(folder)
            classes += 1
            if say:
                print(f"{hits.total()}/{times} after {classes} classes: {dict(hits)}; {dict(outcomes)}", flush=True)
    return hits, outcomes, classes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    hits, outcomes, classes = fire(given.times, given.seed)
    print(f"{hits.total()} kills in {classes} classes of {STUDENTS}: nothing lost, nothing twice, gradebook sound.")
    for kind, count in hits.most_common():
        print(f"  hit {count:4} {kind}")
    for outcome, count in outcomes.most_common():
        print(f"  students {outcome}: {count}")


if __name__ == "__main__":
    main()
