"""What a machine can do is said in plain words, and what it lacks with what to do about it."""

from __future__ import annotations

import io
import sys
from dataclasses import replace

import pytest
from rich.console import Console

from autograder import doctor, sandbox

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sandboxes are Linux's")


def told(monkeypatch, **changes):
    """Status and words of a doctor who finds this machine, with `changes` to its abilities."""
    found = replace(sandbox.abilities(), **changes)
    monkeypatch.setattr(sandbox, "abilities", lambda: found)
    console = Console(file=io.StringIO(), width=200, highlight=False)
    status = doctor.examine_machine(console)
    return status, console.file.getvalue()


@pytest.mark.skipif(sandbox.abilities().best == "none", reason="no sandbox works here")
def test_a_machine_with_a_sandbox_is_fit(monkeypatch):
    status, said = told(monkeypatch)
    assert status == 0
    for words in ("bubblewrap", "seccomp", "Landlock", "tried out", "sees no network and none of your files"):
        assert words in said
    assert "alembic" not in said


def test_a_machine_without_any_is_not_and_says_what_to_install(monkeypatch):
    status, said = told(monkeypatch, bubblewrap="bwrap is not installed", nested="no", landlock=0, seccomp="no library")
    assert status == 1
    assert "bwrap is not installed" in said and "install" in said and "--no-sandbox" in said


def test_a_sandbox_that_leaks_is_told(monkeypatch):
    monkeypatch.setattr(doctor, "_escapes", lambda kind: "the network can be reached")
    monkeypatch.setattr(sandbox, "choose", lambda *_: "bubblewrap")
    status, said = told(monkeypatch)
    assert status == 1 and "the network can be reached" in said
