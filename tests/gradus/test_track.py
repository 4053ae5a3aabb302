"""A loop that says how far it is, and that the Stop button ends cleanly."""

from __future__ import annotations

import signal
import sys

import pytest

import gradus
from gradus import bar, home


@pytest.fixture(autouse=True)
def own(monkeypatch):
    monkeypatch.setattr(home, "grading", False)
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)


@pytest.fixture
def shown(monkeypatch):
    """What a notebook would show: the output as it is drawn, again and again."""
    found = []

    class Handle:
        def update(self, data, raw):
            found.append(data)

    def display(data, raw, display_id):
        found.append(data)
        return Handle()

    monkeypatch.setattr(bar, "_in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", display)
    return found


def test_all_items_come_and_the_last_word_is_whole(shown, capsys):
    steps, got = gradus.track(range(5), "training"), []
    for step in steps:
        got.append(step)
        steps.show(loss=1 / (step + 1), stage="warm")
    assert got == list(range(5)) and not steps.stopped and len(steps) == 5
    last = shown[-1]["text/plain"]
    assert last.startswith("training: 5 of 5, in 0.0 s, ") and last.endswith("loss 0.2, stage warm")
    assert 'aria-valuenow="100"' in shown[-1]["text/html"]
    assert capsys.readouterr().err == ""


def test_rate_and_time_left(shown):
    clock = [0.0]
    steps = gradus.track(range(10), "epochs")
    steps._bar._time = lambda: clock[0]
    steps._bar.start_t = steps._bar.last_print_t = 0.0
    for step in steps:
        clock[0] += 2.0
        if step == 5:
            assert shown[-1]["text/plain"] == "epochs: 5 of 10, 2 seconds each, 10 s left"


def test_the_stop_button_lets_the_step_finish_and_goes_on_below(shown):
    before = signal.getsignal(signal.SIGINT)
    steps, done = gradus.track(range(100), "training"), []
    for step in steps:
        if step == 3:
            signal.raise_signal(signal.SIGINT)
        done.append(step)
    assert done == [0, 1, 2, 3] and steps.stopped
    assert (
        "4 of 100" in shown[-1]["text/plain"] and "stopped by you; what was reached is kept" in shown[-1]["text/plain"]
    )
    assert signal.getsignal(signal.SIGINT) == before


def test_pressed_twice_it_stops_at_once():
    before, done = signal.getsignal(signal.SIGINT), []
    with pytest.raises(KeyboardInterrupt):
        for step in gradus.track(range(100)):
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            done.append(step)
    assert done == [] and signal.getsignal(signal.SIGINT) == before


def test_loops_in_loops_all_end():
    done = []
    outer = gradus.track(range(5))
    for epoch in outer:
        for batch in gradus.track(range(5)):
            if (epoch, batch) == (1, 2):
                signal.raise_signal(signal.SIGINT)
            done.append((epoch, batch))
    assert done[-1] == (1, 2) and len(done) == 8 and outer.stopped


@pytest.mark.parametrize("how", ["break", "error"])
def test_a_loop_left_early_gives_the_stop_button_back(how):
    before = signal.getsignal(signal.SIGINT)
    try:
        for step in gradus.track(range(5)):
            if step == 2:
                if how == "break":
                    break
                raise ValueError("mine")
    except ValueError:
        pass
    assert signal.getsignal(signal.SIGINT) == before


def test_a_generator_without_an_end(shown):
    for _ in gradus.track((n for n in range(3)), "reading"):
        pass
    assert shown[-1]["text/plain"].startswith("reading: 3, in ")
    with pytest.raises(TypeError):
        len(gradus.track(n for n in range(3)))


@pytest.mark.parametrize("how", ["grading", "validate"])
def test_nothing_is_shown_while_work_is_graded(monkeypatch, capfd, how):
    if how == "validate":
        monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    else:
        monkeypatch.setattr(home, "grading", True)
    steps = gradus.track(range(3), "training")
    assert [step for step in steps] == [0, 1, 2]
    steps.show(loss=1.0)
    assert capfd.readouterr() == ("", "")


def test_in_a_terminal_a_line_on_stdout_and_nothing_on_stderr(capsys):
    steps = gradus.track(range(3), "training")
    for _ in steps:
        steps.show(loss=0.125)
    out, err = capsys.readouterr()
    assert "training: 100%" in out and "3/3" in out and "loss 0.125" in out and err == ""


def test_times_are_readable():
    assert [bar._time(s) for s in (0.04, 9.9, 42, 200, 8000)] == ["0.0 s", "9.9 s", "42 s", "3 min 20 s", "2 h 13 min"]


def test_tqdm_is_imported_only_where_a_loop_is_shown():
    import subprocess

    code = "import sys, gradus; print('tqdm' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
