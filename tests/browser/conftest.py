"""Fixtures for tests in a real browser: `lab` (a JupyterLab server), `chromium`, `seat` (opens a notebook).

    def test_a_slider_moves_the_picture(seat):
        page = seat(ROOT / "course" / "00_welcome.ipynb")
        page.run_all()
        ...
        # at the end of the test the fixture asserts: no console errors, no request left the machine

Where there is no chromium every one of these tests is skipped, and says so. `seat.py` has the parts.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .seat import CHROMIUM, Seat, Server, browser

# What the front end itself complains of, with nothing of ours open. Each line says why it is no fault of ours.
KNOWN = ()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The browser, started once."""
    if CHROMIUM is None:
        pytest.skip(
            "no chromium on this machine (as root: apt-get install chromium), so nothing was tried in a browser"
        )
    with browser() as found:
        yield found


@pytest.fixture(scope="session")
def lab(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """JupyterLab on an empty folder, started once. `lab.put(notebook, "name.ipynb")` lays a notebook there."""
    folder = tmp_path_factory.mktemp("seat")
    (folder / "course").mkdir()
    with Server.start(folder / "course", folder / "private") as server:
        yield server


@pytest.fixture
def seat(chromium: Any, lab: Server) -> Iterator[Callable[..., Seat]]:
    """A function that opens a notebook: ``seat(path_or_notebook, dark=False)`` in a folder of its own, -> Seat.

    When the test is over, every page that it opened must have had a quiet console and must have asked nothing of the
    network. Take a complaint that a test expects out of ``page.complaints``.
    """
    opened: list[Seat] = []
    numbers = itertools.count()

    def open_one(notebook: Path | Any, name: str | None = None, **options: Any) -> Seat:
        file = name or (notebook.name if isinstance(notebook, Path) else "notebook.ipynb")
        place = lab.put(notebook, f"{id(opened):x}-{next(numbers)}/{file}")
        opened.append(Seat.open(chromium, lab, place, **options))
        return opened[-1]

    yield open_one
    complaints = [text for page in opened for text in page.complaints if not any(known in text for known in KNOWN)]
    outside = [url for page in opened for url in page.outside]
    for page in opened:
        page.close()
    assert complaints == [], "the browser's console complains"
    assert outside == [], "requests would have left the machine"
