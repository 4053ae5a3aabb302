"""What README.md, CONTRIBUTING.md and GUIDE.md tell people to type is there to be typed."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import nbgrader.apps
import pytest

from autograder.cli import main

ROOT = Path(__file__).resolve().parents[1]
PAGES = ["README.md", "CONTRIBUTING.md", "GUIDE.md"]
MENTIONS = {f"autograder {name}" for name in main.commands}  # in running text: what is meant, not what is typed
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`((?:make|autograder|nbgrader|source)\s[^`]+)`")


def commands():
    """Page and command, its explanation cut off: of code blocks each line, of running text what names a program."""
    found = []
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        lines = [line for language, block in BLOCK.findall(text) if not language for line in block.splitlines()]
        lines = [re.split(r"\s+#\s|\s{2,}", line.strip())[0] for line in lines]
        inline = [" ".join(code.split()) for code in INLINE.findall(BLOCK.sub("", text))]
        inline = [code for code in inline if code not in MENTIONS]
        found += [(page, line) for line in [*lines, *inline] if line and not line.startswith("#")]
    return sorted(set(found))


def test_the_commands_are_found():
    """So that the tests below do not pass for want of anything to test."""
    shown = [line for _, line in commands()]
    assert {"make lab", "make test", "make demo", "autograder demo", "nbgrader export"} <= set(shown)
    assert {line.split()[1] for line in shown if line.startswith("autograder ")} == set(main.commands)


@pytest.mark.parametrize("page, line", commands())
def test_a_command_exists(page, line):
    program, *words = line.split()
    if program == "make":
        assert all(word in targets() for word in words if "=" not in word)
    elif program == "autograder":
        assert_offered(words)
    elif program == "nbgrader":
        assert words[0] in nbgrader.apps.NbGraderApp.subcommands
    else:
        beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        assert program in ("source", "cd", "export") or shutil.which(program, path=beside), program


def targets():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.search(r"^\.PHONY: (.+)$", text, re.MULTILINE)[1].split())


def assert_offered(words):
    """`words` name a subcommand, its options, and as many arguments as it asks for."""
    command = main.commands[words[0]]
    words = words[1:]
    if isinstance(command, click.Group):
        command, words = command.commands[words[0]], words[1:]
    options = {
        name: parameter
        for parameter in command.params
        for name in (*parameter.opts, *parameter.secondary_opts)
        if name.startswith("-")
    }
    usage = " ".join(words)
    words = shlex.split(usage)
    named = [word.strip("[]").split("=")[0] for word in words if word.startswith(("-", "[-"))]
    assert [name for name in named if name not in options] == []
    plain = shlex.split(re.sub(r"\[.*?\]", "", usage))
    values = {at + 1 for at, word in enumerate(plain) if word in options and not options[word].is_flag}
    must = [word for at, word in enumerate(plain) if not word.startswith("-") and at not in values]
    taken = [parameter for parameter in command.params if isinstance(parameter, click.Argument)]
    assert len(must) >= sum(parameter.required for parameter in taken)
    assert len(must) <= len(taken) or any(parameter.nargs == -1 for parameter in taken)
    extra = [group for group in re.findall(r"\[(.*?)\]", usage) if not group.startswith("-")]
    assert not extra or any(not parameter.required for parameter in taken)


def test_an_invented_command_is_found_out():
    for words in (
        ["build", "NN", "--chekc"],
        ["grade"],
        ["demo", "NN"],
        ["feedback", "UNIT", "[FOLDER]"],
        ["export", "x"],
    ):
        with pytest.raises((AssertionError, KeyError)):
            assert_offered(words)


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
@pytest.mark.parametrize("target", sorted(targets()))
def test_make_can_read_the_target(target):
    done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES)
def test_links_and_folders_are_there(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]
    folders = re.findall(r"^\| `(\w+/)` \|", text, re.MULTILINE)
    assert [name for name in links + folders if not (ROOT / name).exists()] == []
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", text), re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= anchors


def test_the_folder_that_is_named_is_the_default():
    """README says grading/; where else would a first class be looked for?"""
    for name in ("grade", "feedback"):
        [course] = [parameter for parameter in main.commands[name].params if parameter.name == "folder"]
        assert course.default == "grading"
    assert "grading/gradebook.db" in (ROOT / "README.md").read_text(encoding="utf-8")
