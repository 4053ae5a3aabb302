"""Whatever is killed while a class is graded, nothing is lost and nothing graded twice. The long version is a benchmark."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from autograder import sandbox

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or sandbox.abilities().best == "none", reason="no sandbox works here: autograder doctor"
)


@pytest.mark.parametrize("seed", [3])
def test_kills_at_random_moments_lose_nothing(seed):
    """In a process of its own, for it takes up the orphans of what it kills."""
    command = [sys.executable, "-m", "tests.benchmarks.faults", "--times", "6", "--seed", str(seed), "--size", "6"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    assert "together" in done.stdout and "Wrong: 0" in done.stdout
    dealt = int(done.stdout.partition("| together, in ")[2].partition("| ")[2].partition(" |")[0])
    assert dealt == 6
