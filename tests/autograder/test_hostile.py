"""Hostile submissions: none gains a point, reaches outside, leaves anything, or costs its neighbour one."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import pytest

from autograder import sandbox
from autograder.bundle import Bundle
from autograder.kernel import Limits
from autograder.release import filled, to_text
from autograder.results import ExamResult
from autograder.workplace import Workplace

from .attacks import ALL, ATTACKS, Attack
from .tiny import SOURCE, write

if sys.platform != "linux" or sandbox.abilities().best not in ("bubblewrap", "bubblewrap-cold"):
    pytest.skip(f"bubblewrap does not work here ({sandbox.abilities().bubblewrap})", allow_module_level=True)

LIMITS = Limits(cell_seconds=3, call_seconds=2, total_seconds=40, memory_bytes=768 << 20, file_bytes=64 << 20)
SECRET = f"CANARY-{secrets.token_hex(8)}"
MARK = f"hostile{secrets.token_hex(4)}"
SLEEPS = "9999.25"  # of the programs that attacks start

# hidden tests whose right answer is worked out from the input after the student's code has had it in its hands
HIDING = SOURCE.replace(
    'check("Scaler", points=2)',
    """### BEGIN HIDDEN TESTS
def test_columns():
    "random columns"
    X = rng.normal(size=(5, 3))
    assert_close(Scaler().fit(X).transform(X), X - X.mean(axis=0))

def test_reference():
    "random columns, as the reference does it"
    X = rng.normal(size=(5, 3))
    assert_close(Scaler().fit(X).transform(X), reference.Scaler().fit(X).transform(X))
### END HIDDEN TESTS

check("Scaler", points=2)""",
    1,
)


@dataclass
class World:
    """What lies outside the sandbox, and must stay as it is."""

    files: list[Path]
    port: int = 0
    abstract: str = ""
    calls: list[str] = field(default_factory=list)  # to the servers
    neighbour: subprocess.Popen[bytes] | None = None

    def told(self, text: str) -> str:
        """A cell's text with the world's addresses in it: an attack that must guess them proves less."""
        assert self.neighbour is not None
        values = {
            "@FILES@": repr([str(path) for path in self.files]),
            "@PORT@": str(self.port),
            "@ABSTRACT@": self.abstract,
            "@PID@": str(self.neighbour.pid),
            "@MARK@": MARK,
        }
        for word, value in values.items():
            text = text.replace(word, value)
        return text


def _serve(server: socket.socket, calls: list[str]) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection, contextlib.suppress(OSError):
            calls.append(str(server.family))
            connection.sendall(SECRET.encode())


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    with contextlib.ExitStack() as stack:
        course = tmp_path_factory.mktemp("world")
        files = [
            course / "gradebook.db",
            course / "submitted" / "ada" / "99_tiny.ipynb",
            write(course, HIDING.replace('"random scores"', f'"random scores"\n    # {SECRET}')),
        ]
        files[1].parent.mkdir(parents=True)
        for path in files[:2]:
            path.write_text(SECRET)
        for folder in (Path("/tmp"), Path("/dev/shm"), Path.home()):
            if os.access(folder, os.W_OK):
                file = stack.enter_context(tempfile.NamedTemporaryFile(prefix="CANARY", dir=folder))
                file.write(SECRET.encode())
                file.flush()
                os.chmod(file.name, 0o666)  # the sandbox shall keep it, not its rights
                files.append(Path(file.name))
        made = World(files)
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        made.port, made.abstract = tcp.getsockname()[1], MARK
        local = stack.enter_context(socket.socket(socket.AF_UNIX))
        local.bind("\0" + made.abstract)
        local.listen()
        for server in (tcp, local):
            threading.Thread(target=_serve, args=(server, made.calls), daemon=True).start()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GRADUS_TEST_SECRET", SECRET)
            made.neighbour = subprocess.Popen(["sleep", "3600"])
            try:
                yield made
            finally:
                made.neighbour.kill()
                made.neighbour.wait()


@pytest.fixture(scope="module")
def bundle(world) -> Bundle:
    return Bundle.load(world.files[2])


@pytest.fixture(scope="module")
def place(bundle, world) -> Iterator[Workplace]:
    with Workplace(bundle.to_bytes(), LIMITS) as made:
        yield made


@pytest.fixture(scope="module")
def right(bundle) -> dict[str, str]:
    return {name: exercise.cell.source for name, exercise in bundle.unit.exercises.items()}


def submission(attack: Attack, bundle: Bundle, right: dict[str, str], world: World) -> bytes:
    answers = right | {name: world.told(source) for name, source in attack.answers.items()}
    notebook = json.loads(to_text(filled(bundle.release, answers)))
    at = next(i for i, cell in enumerate(notebook["cells"]) if cell["id"] == "softmax")
    extra = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    if attack.before:
        notebook["cells"].insert(at, {**extra, "id": "before", "source": world.told(attack.before)})
    if attack.after:
        notebook["cells"].append({**extra, "id": "after", "source": world.told(attack.after)})
    made = attack.edit(notebook) if attack.edit else None
    return json.dumps(notebook).encode() if made is None else made


def honest(bundle: Bundle, right: dict[str, str]) -> bytes:
    return to_text(filled(bundle.release, right)).encode()


def descendants() -> set[int]:
    """Numbers of all living processes below this one, as seen from outside every sandbox."""
    parents: dict[int, list[int]] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError, IndexError, ValueError):
            state, parent, *_ = Path(f"/proc/{name}/stat").read_text(errors="replace").rpartition(")")[2].split()
            if state not in "ZX":
                parents.setdefault(int(parent), []).append(int(name))
    found, waiting = set(), [os.getpid()]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found.update(children)
        waiting += children
    return found


def left_running() -> list[bytes]:
    """Command lines, of any user's processes on this machine, of what attacks start."""
    lines = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            lines.append(Path(f"/proc/{name}/cmdline").read_bytes())
    return [line for line in lines if SLEEPS.encode() in line]


def settled(before: set[int]) -> tuple[set[int], list[bytes]]:
    """Processes that are there and were not before; those that are ending get a moment."""
    deadline = time.monotonic() + 20
    while ((new := descendants() - before) or left_running()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return new, left_running()


def marked_files(world: World) -> list[str]:
    places = {Path("/tmp"), Path("/dev/shm"), Path("/var/tmp"), Path.home(), Path.cwd(), Path(sys.prefix), Path("/")}
    places |= {path.parent for path in world.files}
    return [str(path) for place in places if os.access(place, os.R_OK) for path in place.glob(f"*{MARK}*")]


@pytest.fixture(scope="module")
def baseline(place, bundle, right) -> set[int]:
    assert ExamResult.from_bytes(place.examine(honest(bundle, right))).score == ALL
    return descendants()


def withstood(attack, place, bundle, right, world, baseline) -> tuple[ExamResult, str]:
    """What comes of an attack, once it is seen to have reached nothing and left nothing; and the same as text."""
    contents = {path: path.read_bytes() for path in world.files}
    data = submission(attack, bundle, right, world)

    raw = place.examine(data)

    new, running = settled(baseline)
    assert not new and not running, "processes were left"
    assert not marked_files(world), "files were left"
    assert {path: path.read_bytes() for path in world.files} == contents, "a file outside was changed"
    assert not world.calls, "a server outside was reached"
    text = raw.decode()
    assert SECRET not in text, "something secret was read"
    assert "WRITTEN" not in _printed(text) and "ALLOWED" not in _printed(text) and "LEAK" not in _printed(text)
    return ExamResult.from_bytes(raw), text


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_attack(attack, place, bundle, right, world, baseline):
    result, text = withstood(attack, place, bundle, right, world, baseline)
    shown = [output for cell in result.notebook.cells for output in cell.get("outputs", [])]
    assert (result.outcome in attack.outcomes, result.score) == (True, attack.earns), (
        result.outcome,
        result.reports,
        result.notes,
        str(shown)[:2000],
    )
    assert attack.says in text.replace("\\\\t", "\\t"), (result.notes, result.reports, str(shown)[:2000])
    for report in result.reports.values():
        for row in report["rows"]:
            assert row["status"] == "pass" or row["message"], "a point is lost and nothing says why"
    nbformat.validate(result.notebook)
    assert "<script" not in "".join(
        output.get("data", {}).get("text/html", "") for output in shown if output.output_type != "stream"
    )

    neighbour = ExamResult.from_bytes(place.examine(honest(bundle, right)))
    assert (neighbour.score, neighbour.outcome, neighbour.evidence) == (ALL, "graded", [])


@pytest.fixture(scope="module")
def second_best(bundle, world) -> Iterator[Workplace]:
    """Where bubblewrap is not to be had."""
    if sandbox.abilities().seccomp or not sandbox.abilities().landlock:
        pytest.skip("Landlock does not work here")
    with Workplace(bundle.to_bytes(), LIMITS, "landlock") as made:
        yield made


@pytest.mark.parametrize(
    "attack", [attack for attack in ATTACKS if attack.family in ("outside", "process")], ids=lambda attack: attack.name
)
def test_attack_where_only_landlock_is(attack, second_best, bundle, right, world):
    """How it ends may differ, as no folder is hidden and no disk is sized. What it reaches and earns may not."""
    if ExamResult.from_bytes(second_best.examine(honest(bundle, right))).score != ALL:
        pytest.fail("an honest submission does not get its points")
    result, _ = withstood(attack, second_best, bundle, right, world, descendants())
    assert result.score <= attack.earns and result.outcome
    neighbour = ExamResult.from_bytes(second_best.examine(honest(bundle, right)))
    assert (neighbour.score, neighbour.outcome, neighbour.evidence) == (ALL, "graded", [])


def _printed(text: str) -> str:
    """What cells printed: their sources, which hold these words too, are left out."""
    return json.dumps(json.loads(text)["outputs"])


def test_there_are_enough_and_each_has_a_name():
    names = [attack.name for attack in ATTACKS]
    assert len(names) == len(set(names)) >= 60
    assert {attack.family for attack in ATTACKS} == {"process", "outside", "examiner", "wire", "intake"}
