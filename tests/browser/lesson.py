"""A unit: which there are, its answers, a fresh hand-out of it; on the page, what its checks say and whether all is whole."""

from __future__ import annotations

import functools
import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat

from autograder.handout import contents, packed
from autograder.release import filled
from autograder.source import Unit, load_unit

from . import hands
from .seat import Seat

ROOT = Path(__file__).resolve().parents[2]
UNITS = sorted(path.stem for path in (ROOT / "course").glob("[0-9]*.ipynb"))


def loaded(unit: str) -> Unit:
    return load_unit(ROOT / "solutions" / f"{unit}.py")


def answers(unit: str) -> dict[str, str]:
    """Exercise -> the reference."""
    return {name: exercise.cell.source for name, exercise in loaded(unit).exercises.items()}


@functools.cache
def _handout() -> bytes:
    """The zip that students are given, with the notebooks as they lie in course/."""
    books = {f"course/{path.name}": path.read_bytes() for path in (ROOT / "course").glob("[0-9]*.ipynb")}
    return packed(contents(ROOT, []) | books)


def unpacked(place: Path, unit: str, answers: dict[str, str] | None = None) -> Path:
    """Unpack the hand-out into the folder `place`, answers written in; where the unit's notebook lies."""
    with zipfile.ZipFile(io.BytesIO(_handout())) as archive:
        archive.extractall(place)
    path = place / "gradus" / "course" / f"{unit}.ipynb"
    if answers:
        nbformat.write(filled(nbformat.read(path, 4), answers), path)
    return path


def verdicts(page: Seat, exercises: Any) -> dict[str, Any]:
    """Exercise -> points earned, points, as the tables on the page say; or what is said in their place.

    A table that a text shows as an example is none of an exercise's.
    """
    found: dict[str, Any] = {}
    for table in page.page.locator(".gradus-check").all():
        words = table.locator("> div").first.inner_text()
        name, _, rest = words.partition(": ")
        if name not in exercises:
            continue
        points = re.search(r"([\d.]+) of ([\d.]+) points\.$", rest)
        found[name] = (float(points[1]), float(points[2])) if points else rest
    return found


def looks_whole(page: Seat) -> None:
    """Nothing on the page has gone wrong: no error, no formula or picture or widget that could not be shown."""
    outputs = page.page.locator(".jp-OutputArea-output")
    assert outputs.locator("visible=true").filter(has_text="Traceback (most recent call last)").count() == 0
    assert page.page.locator('[data-mime-type="application/vnd.jupyter.stderr"]').all_inner_texts() == []
    assert outputs.get_by_text("model not found").locator("visible=true").count() == 0
    assert page.page.locator("mjx-merror").count() == 0
    broken = page.page.evaluate(
        """async () => {
          const images = [...document.querySelectorAll('.jp-Notebook img')].filter(i => i.checkVisibility());
          await Promise.all(images.map(image => image.decode().catch(() => null)));
          return images.filter(i => !i.naturalWidth || !(i.alt || i.title)).map(i => i.outerHTML.slice(0, 200));
        }"""
    )
    assert broken == [], "a picture is broken, or has no alternative text"


def whole_lesson(unit: str, seat: Callable[..., Seat], student: Callable[..., str]) -> None:
    """Run a unit with the reference written in: all checks are green, and every control of every widget moves its picture."""
    page = seat(student(unit, answers(unit)))
    page.run_all(600)
    looks_whole(page)
    points = {name: float(exercise.points) for name, exercise in loaded(unit).exercises.items()}
    assert verdicts(page, points) == {name: (full, full) for name, full in points.items()}
    boxes, troubles = hands.boxes(page), []
    assert boxes
    for box in boxes:
        title = hands.said(box)[:60]
        if hands.waits(box) or hands.STOPPED.match(title):
            troubles.append(title)
        else:
            troubles += [f"{title!r}: {trouble}" for trouble in hands.troubles(box)]
    assert troubles == []
