"""Fixtures for tests in a real browser: `lab` (a JupyterLab server), `chromium`, `seat` (opens a notebook), `student`
(unpacks a hand-out), `visit` (opens any page).

    def test_a_slider_moves_the_picture(seat, student):
        page = seat(student("00_welcome"))
        page.run_all()
        ...
        # at the end of the test the fixture asserts: no console errors, no request left the machine

Where there is no chromium every one of these tests is skipped, and says so. What a failed test saw lies in
.gradus/browser/, a picture a page, and the failure names the files. `seat.py` has the parts.
"""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .lesson import ROOT, unpacked
from .seat import CHROMIUM, Seat, Server, browser, watched_page

PICTURES = ROOT / ".gradus" / "browser"
PAGES = pytest.StashKey[list[Any]]()  # what a test has open

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
def student(lab: Server) -> Callable[..., str]:
    """A function that unpacks the hand-out into a fresh folder, -> where the unit's notebook lies under the server's.

    ``student("02_neuron", {"linear": "def linear(X, w, b): ..."})`` has these answers written in.
    """

    def unpack(unit: str, answers: dict[str, str] | None = None) -> str:
        place = lab.root / f"student-{len(list(lab.root.iterdir()))}"
        return str(unpacked(place, unit, answers).relative_to(lab.root))

    return unpack


@pytest.fixture
def seat(chromium: Any, lab: Server, request: pytest.FixtureRequest) -> Iterator[Callable[..., Seat]]:
    """A function that opens a notebook, -> Seat.

    ``seat("a/b.ipynb")`` opens what lies there under the server's folder; ``seat(path_or_notebook, dark=False)`` lays
    it into a folder of its own first.

    When the test is over, every page that it opened must have had a quiet console and must have asked nothing of the
    network. Take a complaint that a test expects out of ``page.complaints``.
    """
    opened: list[Seat] = []
    numbers = itertools.count()
    pages = request.node.stash.setdefault(PAGES, [])

    def open_one(notebook: Path | Any, name: str | None = None, **options: Any) -> Seat:
        place = notebook
        if not isinstance(notebook, str):
            file = name or (notebook.name if isinstance(notebook, Path) else "notebook.ipynb")
            place = lab.put(notebook, f"{id(opened):x}-{next(numbers)}/{file}")
        opened.append(Seat.open(chromium, lab, place, opened=pages.append, **options))
        return opened[-1]

    yield open_one
    complaints = [text for page in opened for text in page.complaints if not any(known in text for known in KNOWN)]
    outside = [url for page in opened for url in page.outside]
    seen = _photograph(request.node) if complaints or outside else ""
    for page in opened:
        page.close()
    pages.clear()
    lab.stop_kernels()
    assert complaints == [], f"the browser's console complains; {seen}"
    assert outside == [], f"requests would have left the machine; {seen}"


@pytest.fixture
def visit(chromium: Any, request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """A function that opens an address in a fresh profile, -> Playwright's page. At the end: as for `seat`."""
    opened: list[tuple[Any, list[str], list[str]]] = []
    pages = request.node.stash.setdefault(PAGES, [])

    def open_one(url: str, **context: Any) -> Any:
        opened.append(watched_page(chromium, **context))
        page = opened[-1][0]
        pages.append(page)
        page.goto(url)
        return page

    yield open_one
    complaints = [text for _, said, _ in opened for text in said]
    outside = [url for *_, asked in opened for url in asked]
    seen = _photograph(request.node) if complaints or outside else ""
    for page, *_ in opened:
        page.context.close()
    pages.clear()
    assert complaints == [], f"the browser's console complains; {seen}"
    assert outside == [], f"requests would have left the machine; {seen}"


def _photograph(item: pytest.Item) -> str:
    """Pictures of all that the test has open; a sentence that says where they lie."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    made = []
    for number, page in enumerate(item.stash.get(PAGES, [])):
        path = PICTURES / f"{re.sub('[^A-Za-z0-9]+', '-', item.name).strip('-')}-{number}.png"
        with contextlib.suppress(Exception):  # a page that has crashed
            page.screenshot(path=path, timeout=20_000)
            made.append(str(path))
    return f"see {', '.join(made)}" if made else "no page was open"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if report.failed and call.when == "call" and item.stash.get(PAGES, []):
        report.sections.append(("what the browser showed", _photograph(item)))
    return report
