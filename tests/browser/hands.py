"""What a hand does on the page: moves controls by keyboard and by mouse, and looks at the picture.

`box` is Playwright's locator of one widget of `gradus.widgets.explore`: its controls and its picture.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .seat import Seat

STOPPED = "Your function stopped here:"


def boxes(seat: Seat) -> list[Any]:
    """All widgets of the notebook that have a picture, in order."""
    return seat.page.locator('.jp-OutputArea-output [class*="gradus-live-"]:has(img.widget-image)').all()


def picture(box: Any) -> Any:
    return box.locator("img.widget-image")


def said(box: Any) -> str:
    """The picture's alternative text."""
    return picture(box).get_attribute("title") or ""


def waits(box: Any) -> bool:
    """The picture says which exercise has to be written first."""
    return re.search("(write|written).*run .*again", said(box), re.IGNORECASE | re.DOTALL) is not None


def says(box: Any, text: str) -> None:
    """Wait until the picture's alternative text begins with `text`: it may come a moment after the picture."""
    image = picture(box)
    box.page.wait_for_function("([image, text]) => image.title.startsWith(text)", arg=[image.element_handle(), text])


def sees_change(box: Any, act: Callable[[], None]) -> None:
    """Do `act`; wait until another picture is there, whole. Times out if none comes."""
    image = picture(box)
    before = image.get_attribute("src")
    act()
    box.page.wait_for_function(
        "([image, before]) => image.src !== before && image.complete && image.naturalWidth > 0",
        arg=[image.element_handle(), before],
    )


def number(handle: Any) -> float:
    """Where a slider stands."""
    return float(handle.get_attribute("aria-valuenow"))


def press(handle: Any, key: str = "") -> None:
    """Move a slider by keyboard: one step, to the side where there is room, if no key is given."""
    at_end = number(handle) >= float(handle.get_attribute("aria-valuemax"))
    handle.focus()
    handle.page.keyboard.press(key or ("ArrowLeft" if at_end else "ArrowRight"))


def drag(handle: Any, share: float) -> None:
    """Move a slider by mouse to `share` (0 to 1) of its track."""
    page, track = handle.page, handle.locator("xpath=ancestor::*[contains(@class, 'noUi-base')]")
    handle.scroll_into_view_if_needed()
    start, rail = handle.bounding_box(), track.bounding_box()
    height = start["y"] + start["height"] / 2
    page.mouse.move(start["x"] + start["width"] / 2, height)
    page.mouse.down()
    page.mouse.move(rail["x"] + share * rail["width"], height, steps=4)
    page.mouse.up()
