"""The doctor: what a machine has, what gets in the way, and nothing that is private."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest

import gradus
from gradus import checkup, environment, home
from gradus.__main__ import main


@pytest.fixture(autouse=True)
def own(tmp_path, monkeypatch):
    monkeypatch.setattr(home, "_start", tmp_path)
    monkeypatch.delenv("GRADUS_HOME", raising=False)
    return tmp_path


def test_a_machine_that_is_well(capsys):
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "Nothing is amiss." in said
    for word in ("jupyterlab_widgets", "threads", "fonts", "downloads", "your own things", "python is at", "session"):
        assert f"\n{word} " in said


def test_other_words_are_answered_with_the_usage(capsys):
    assert main([]) == 0 and main(["--help"]) == 0 and main(["docter"]) == 2
    assert capsys.readouterr().out.count("usage: ") == 3


def test_nothing_private_is_printed(monkeypatch, capsys, tmp_path):
    person = tmp_path / "people" / "ada"
    person.mkdir(parents=True)
    monkeypatch.setattr(getpass, "getuser", lambda: "ada")
    monkeypatch.setattr(Path, "home", lambda: person)
    monkeypatch.setenv("GRADUS_CACHE", str(person / "cache"))
    monkeypatch.setenv("GRADUS_DATA", "/srv/ada/data")
    monkeypatch.setattr(home, "_start", person / "course")
    found = gradus.report()
    printed = capsys.readouterr().out
    assert "ada" not in printed
    assert (
        "~/cache" in printed
        and "/srv/(user)/data" in found["downloads"]
        and found["your own things"].startswith("~/course")
    )
    assert (
        environment.private(r"C:\Users\ada\x") == r"C:\Users\(user)\x"
        and environment.private("/canada/x") == "/canada/x"
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"jupyterlab_widgets": None}, "pip install jupyterlab_widgets"),
        ({"gradus": "0.0.1"}, "gradus 0.0.1 is installed"),
        ({"ipywidgets": "7.7.1"}, "do not fit"),
    ],
)
def test_versions_that_do_not_go_together(monkeypatch, change, says):
    real = environment.version
    monkeypatch.setattr(checkup, "version", lambda name: change[name] if name in change else real(name))
    (line,) = checkup.problems()
    assert says in line


def test_a_version_below_the_range(monkeypatch):
    monkeypatch.setattr("importlib.metadata.requires", lambda name: ["numpy>=99", "tqdm", 'x>=1; extra == "dev"'])
    assert any("numpy>=99 is needed: run pip install 'numpy>=99'" in line for line in checkup.problems())


def test_a_file_that_hides_a_package(own):
    (own / "torch.py").write_text("")
    (own / "mine.py").write_text("")
    (line,) = checkup.problems()
    assert line.startswith("torch.py lies beside the notebooks")


def test_too_many_threads_and_a_full_disk(monkeypatch):
    import shutil

    import torch

    monkeypatch.setattr(torch, "get_num_threads", lambda: 512)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9, 10**7))
    disk, threads = checkup.problems()
    assert "0.01 GiB" in disk and "512 threads" in threads and "OMP_NUM_THREADS=" in threads


def test_what_is_broken_hides_nothing_else(monkeypatch, capsys, own):
    import torch

    (own / "random.py").write_text("")
    monkeypatch.delattr(torch, "get_num_threads")
    assert "cannot be told (AttributeError" in gradus.report()["threads"]
    shadow, speed = checkup.problems()
    assert shadow.startswith("random.py") and speed.startswith("speed could not be looked at")
