"""Kill whatever grades a class, at random moments, and look whether anything was lost. By hand, from the project's folder:

    python -m tests.benchmarks.faults --times 200 --seed 0

`autograder grade` works on small classes while a student's process, an examiner, a watcher, a warm parent, the sandbox
around one, or the whole run gets SIGKILL. A run that ended is started again with the same command. When a class is
done, every student must stand once in gradebook and journal, with the score of a quiet run.

The score may be another only for "died", as many of them as students' processes were killed: points earned before a
death are kept. A submission that lost two examiners is set aside with none, half as many as there were kills at most.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import itertools
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
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from autograder.bundle import Bundle
from autograder.gradebook import Course
from tests.autograder.tiny import SOURCE, write

from .units import papers

ROOT = Path(__file__).resolve().parents[2]
UNIT = "99_tiny"
KINDS = {
    "student": "a student's process",
    "watch-student": "the watcher of one",
    "examine": "an examiner",
    "watch-examine": "the watcher of one",
    "warm-student": "students' warm parent",
    "warm-examine": "examiners' warm parent",
    "bwrap": "the sandbox around a warm parent",
    "run": "the whole run",
}
MOST_SECONDS = 120  # for one command on one class
NAPS = "\n__import__('time').sleep(0.3)\n"  # so that there is time to be killed in


@dataclass
class Tally:
    """What was dealt, and what came of it."""

    kills: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)  # of commands
    classes: int = 0
    wrong: list[str] = field(default_factory=list)  # whatever should not be

    @property
    def dealt(self) -> int:
        return sum(self.kills.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=200, help="how many kills are dealt")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", type=int, default=12, help="of each class")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--sandbox", default="auto")
    given = parser.parse_args()
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="gradus-faults-") as folder:

        def say(text: str) -> None:
            print(f"[{time.monotonic() - start:5.0f} s] {text}", flush=True)

        tally = run(Path(folder), given.times, given.seed, given.size, given.jobs, given.sandbox, say)
    show(tally)
    sys.exit(1 if tally.wrong else 0)


def show(tally: Tally) -> None:
    print("\n| killed | times |\n|---|---|")
    for kind, words in KINDS.items():
        print(f"| {words} ({kind}) | {tally.kills[kind]} |")
    print(f"| together, in {tally.classes} classes | {tally.dealt} |")
    print("\n| outcome of a submission | count |\n|---|---|")
    for outcome, count in sorted(tally.outcomes.items()):
        print(f"| {outcome} | {count} |")
    print("\n| end of a command | count |\n|---|---|")
    for end, count in sorted(tally.ends.items()):
        print(f"| {end} | {count} |")
    print(f"\nWrong: {len(tally.wrong)}")
    for text in tally.wrong:
        print(f"- {text}")


def run(
    base: Path,
    times: int,
    seed: int,
    size: int = 12,
    jobs: int = 2,
    sandbox: str = "auto",
    say: Callable[[str], None] = lambda text: None,
) -> Tally:
    """Deal `times` kills to the grading of class after class.

    Args:
        base: an empty folder to work in.
        seed: of what is killed when; what is there to be killed still hangs on the machine.
    """
    _adopt_orphans()
    rng, tally = random.Random(seed), Tally()
    model = Model(base, size, jobs, sandbox)
    quiet = Tally()
    model.grade(model.fresh(), quiet, rng, 0)
    expected = {name: score for name, (score, _) in model.recorded(model.course).items()}
    if quiet.wrong or len(expected) != size or max(expected.values()) != 6:
        raise RuntimeError(
            f"a class is not graded even if nobody disturbs it: {quiet.wrong} {expected}\n{model.said()}"
        )
    say(f"a quiet class: {dict(sorted(Counter(expected.values()).items()))}")
    while tally.dealt < times:
        course = model.fresh()
        before = tally.kills.copy()
        wrong = len(tally.wrong)
        model.grade(course, tally, rng, min(rng.randint(3, 7), times - tally.dealt))
        model.judge(course, expected, tally.kills - before, tally)
        tally.classes += 1
        say(f"class {tally.classes}: {tally.dealt} killed, {len(tally.wrong)} wrong")
        if len(tally.wrong) > wrong:
            say("\n".join([*tally.wrong[wrong:], model.said()]))
    return tally


class Model:
    """A class that is graded again and again, each time in a new course folder."""

    def __init__(self, base: Path, size: int, jobs: int, sandbox: str) -> None:
        self.base, self.jobs, self.sandbox = base, jobs, sandbox
        self.path = write(base, SOURCE)
        self.log, self.temporary = base / "log", base / "tmp"
        self.temporary.mkdir()
        bundle = Bundle.load(self.path)
        course = Course(base / "model")
        course.prepare(bundle.unit)
        course.close()
        for name, text in itertools.islice(papers(bundle), size):
            notebook = nbformat.reads(text, as_version=4)
            for cell in notebook.cells:
                if cell.id in bundle.unit.exercises:
                    cell.source += NAPS
            path = course.folder / "submitted" / name / UNIT / f"{UNIT}.ipynb"
            path.parent.mkdir(parents=True)
            nbformat.write(notebook, path)
        self.course = base / "course"

    def fresh(self) -> Path:
        shutil.rmtree(self.course, ignore_errors=True)
        shutil.copytree(self.base / "model", self.course)
        self.log.write_bytes(b"")
        return self.course

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-6000:]

    def grade(self, course: Path, tally: Tally, rng: random.Random, kills: int) -> None:
        """Give the command until it says that all is done, killing meanwhile."""
        for _ in range(kills + 3):
            with self.log.open("ab") as log:
                process = subprocess.Popen(
                    [sys.executable, "-m", "autograder.cli", "grade", str(self.path), "--course", str(course)]
                    + ["--jobs", str(self.jobs), "--sandbox", self.sandbox],
                    cwd=ROOT,
                    env=os.environ | {"TMPDIR": str(self.temporary), "COLUMNS": "200"},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
            end = time.monotonic() + MOST_SECONDS
            next_kill = time.monotonic() + rng.uniform(0.5, 5.0)
            killed = False
            while process.poll() is None:
                if time.monotonic() > end:
                    tally.wrong.append(f"a command did not end in {MOST_SECONDS} s")
                    process.kill()
                    process.wait()
                    return
                if kills and time.monotonic() > next_kill:
                    kind = _kill_one(process, rng)
                    if kind:
                        tally.kills[kind] += 1
                        kills -= 1
                        killed = killed or kind == "run"
                    next_kill = time.monotonic() + rng.uniform(0.02, 1.2)
                time.sleep(0.005)
            code = process.returncode
            said = self.said()
            if code == 0:
                tally.ends["all graded"] += 1
                break
            if killed and code == -signal.SIGKILL:
                tally.ends["killed; the same command went on"] += 1
            elif code == 1 and ("The same command goes on" in said or "Nothing was graded" in said):
                tally.ends["stopped kindly; the same command went on"] += 1
            else:
                tally.wrong.append(f"a command ended with {code}: {said[-1500:]}")
        else:
            tally.wrong.append("a class was not done after all kills")
        for pid in _strays():
            tally.wrong.append(f"a process was left: {_words(pid)}")
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)

    def recorded(self, course: Path) -> dict[str, tuple[float, int]]:
        """Student -> score in the gradebook, and how many submissions of theirs are in it."""
        query = (
            "SELECT s.id, s.student_id, COALESCE(SUM(g.auto_score), 0), COUNT(DISTINCT n.id) "
            "FROM submitted_assignment s JOIN submitted_notebook n ON n.assignment_id = s.id "
            "JOIN grade g ON g.notebook_id = n.id GROUP BY s.id"
        )
        found: dict[str, tuple[float, int]] = {}
        with contextlib.closing(sqlite3.connect(course / "gradebook.db")) as database:
            for _, student, score, notebooks in database.execute(query):
                found[student] = round(score, 2), found.get(student, (0, 0))[1] + notebooks
        return found

    def judge(self, course: Path, expected: dict[str, float], kills: Counter[str], tally: Tally) -> None:
        """Compare what stands in the course with a quiet run.

        Args:
            kills: what was killed meanwhile.
        """
        wrong = tally.wrong.append
        with contextlib.closing(sqlite3.connect(course / "gradebook.db")) as database:
            said = database.execute("PRAGMA integrity_check").fetchall()
            if said != [("ok",)]:
                wrong(f"the gradebook is not sound: {said}")
            grades = database.execute("SELECT COUNT(*), COUNT(DISTINCT notebook_id || ' ' || cell_id) FROM grade")
            if len(set(grades.fetchone())) != 1:
                wrong("a cell has two grades")
        recorded = self.recorded(course)
        lines = defaultdict(list)
        for line in (course / ".gradus" / f"{UNIT}.journal.jsonl").read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            lines[entry["student"]].append(entry)
        if not recorded.keys() == lines.keys() == expected.keys():
            wrong(f"students: {len(expected)} expected, {sorted(recorded)} in the gradebook, {sorted(lines)} noted")
        died = put_aside = 0
        for student in expected.keys() & recorded.keys() & lines.keys():
            score, count = recorded[student]
            entry = lines[student][-1]
            if (count, len(lines[student])) != (1, 1):
                wrong(f"{student}: {count} times in the gradebook, {len(lines[student])} in the journal")
            if score != entry["score"]:
                wrong(f"{student}: {score} in the gradebook, {entry['score']} in the journal")
            words = self._notebook(course, student, wrong)
            outcome = entry["outcome"]
            aside = "Grading did not finish" in words
            if outcome == "died":
                died += not aside
                put_aside += aside
                outcome += ", set aside after two examiners" if aside else ", with the points earned before"
            elif outcome != "graded" or score != expected[student]:
                wrong(f"{student}: {outcome} with {score}, expected {expected[student]}")
            if score > expected[student] or (aside and score):
                wrong(f"{student}: {score} points for {expected[student]}")
            tally.outcomes[outcome] += 1
        if died > kills["student"] + kills["watch-student"]:
            wrong(f"{died} died where {dict(kills)} were killed: the end of a warm parent is nobody's own")
        if put_aside > (kills.total() - kills["run"]) // 2:
            wrong(f"{put_aside} were set aside where {dict(kills)} were killed")
        left = [*course.rglob("*.begun"), *course.rglob("*-journal"), *course.rglob("*-wal")]
        if left:
            wrong(f"left in the course: {left}")
        for path in self.temporary.iterdir():
            # a run that is killed while it starts may leave a warm parent's home behind, or the copy of the unit that
            # it was reading, in a folder that only its owner can open: nobody's work is in those
            files = [part.name for part in [path, *path.rglob("*")] if part.is_file()]
            if files and files != [f"{UNIT}.py"] and not path.name.startswith("gradus-warm-"):
                wrong(f"left in the folder for temporary files: {path.name} with {files}")
            shutil.rmtree(path, ignore_errors=True)

    @staticmethod
    def _notebook(course: Path, student: str, wrong: Callable[[str], None]) -> str:
        path = course / "autograded" / student / UNIT / f"{UNIT}.ipynb"
        try:
            text = path.read_text(encoding="utf-8")
            nbformat.validate(nbformat.reads(text, as_version=4))
        except Exception as error:
            wrong(f"{student}: the autograded notebook is broken: {error}")
            return ""
        return text


def _adopt_orphans() -> None:
    """Become the parent of whatever outlives its own, so that nothing gets out of sight."""
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def _children() -> dict[int, list[int]]:
    """Parent -> its children, of all processes."""
    found = defaultdict(list)
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                state, parent = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[:2]
                if state not in "ZX":
                    found[int(parent)].append(int(name))
    return found


def _below(pid: int) -> list[int]:
    children, found, waiting = _children(), [], [pid]
    while waiting:
        more = children.get(waiting.pop(), [])
        found += more
        waiting += more
    return found


def _kind(pid: int) -> str:
    try:
        text = Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""
    return text if text in KINDS else ""


def _kill_one(process: subprocess.Popen, rng: random.Random) -> str:
    """Kill a process of a kind drawn by chance among those that are there; return the kind."""
    found: dict[str, list[int]] = {"run": [process.pid]}
    for pid in _below(os.getpid()):
        if pid != process.pid and _kind(pid):
            found.setdefault(_kind(pid) or "gone", []).append(pid)
    kind = rng.choice(sorted(found.keys() - {"gone"}))
    pid = rng.choice(found[kind])
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return ""
    try:
        if kind != "run" and _kind(pid) != kind:
            return ""  # another has its number by now
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    except OSError:
        return ""
    finally:
        os.close(handle)
    return kind


def _strays(seconds: float = 10.0) -> list[int]:
    """What still runs of all that this process and its children have started, after a time to end in."""
    deadline = time.monotonic() + seconds
    while (left := _below(os.getpid())) and time.monotonic() < deadline:
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.05)
    return left


def _words(pid: int) -> str:
    with contextlib.suppress(OSError):
        return f"{_kind(pid)} {Path(f'/proc/{pid}/cmdline').read_bytes()[:200]!r}"
    return "gone by now"


if __name__ == "__main__":
    main()
