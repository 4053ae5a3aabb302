"""What a hand does on the page: moves controls by keyboard and by mouse, and looks at the picture.

`box` is Playwright's locator of one widget: of `gradus.widgets.explore`, a film, or a graph that can be stepped through.

    assert hands.troubles(box) == []  # every control was moved by keyboard and by mouse, and the picture followed
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from .seat import PATIENCE, Seat

STOPPED = re.compile(r"Your (function|code) stopped here:")
WHOLE = "img.widget-image, .gradus-points img, .widget-html svg"  # what shows that a box has a picture


def boxes(seat: Seat) -> list[Any]:
    """All widgets of the notebook that have a picture, in order."""
    live = '.jp-OutputArea-output [class*="gradus-live-"]'
    found = seat.page.locator(f"{live}:has({WHOLE}), {live}.gradus-film")
    # numbered, since Playwright looks for a thing anew whenever it is touched, and that search is slow
    count = found.evaluate_all("boxes => boxes.forEach((box, at) => { box.dataset.box = at; }) ?? boxes.length")
    return [seat.page.locator(f'[data-box="{at}"]') for at in range(count)]


def picture(box: Any) -> Any:
    return box.locator("img").first


def said(box: Any) -> str:
    """The picture's alternative text, or the words that stand there instead of a picture."""
    return box.evaluate(
        """box => {
          const image = box.querySelector('img');
          return image ? image.title || image.alt : box.querySelector('.widget-html').innerText;
        }"""
    )


def waits(box: Any) -> bool:
    """The picture says which exercise has to be written first."""
    return re.search("(write|written).*run .*again", said(box), re.IGNORECASE | re.DOTALL) is not None


def says(box: Any, text: str) -> None:
    """Wait until the picture's alternative text begins with `text`."""
    image = picture(box)
    box.page.wait_for_function(
        "([image, text]) => (image.title || image.alt).startsWith(text)", arg=[image.element_handle(), text]
    )


# A number for what a box shows: of the picture's own bytes, so that the same picture sent again is no change.
LOOK = """
const look = async box => {
  const image = box.querySelector('img');
  if (image && !(image.complete && image.naturalWidth)) return null;  // on its way
  let bytes;
  try {
    bytes = image ? await (await fetch(image.src)).arrayBuffer()
                  : new TextEncoder().encode(box.querySelector('.widget-html').innerHTML);
  } catch { return null; }  // its address has just been given up for the next one
  const sum = new Uint8Array(await crypto.subtle.digest('SHA-1', bytes));
  return [...sum.slice(0, 8)].join('.');
};
const pause = time => new Promise(done => setTimeout(done, time));
// Python rests, and has answered to all that the controls have sent: the widgets' manager counts it
const resting = async () => {
  const panel = jupyterapp.shell.currentWidget;
  const seek = part => part._manager?.promise ?? [...part.children()].reduce((found, child) => found ?? seek(child), null);
  window.widgetManager ??= await seek(panel.content);
  const models = await Promise.all(Object.values(window.widgetManager._models));
  return panel.sessionContext.session?.kernel?.status === 'idle' && models.every(model => !model._pending_msgs);
};
"""


def shown(box: Any) -> str:
    """A short text that another picture does not have. Waits until Python rests and the picture stays as it is."""
    return box.evaluate(
        f"""async (box, patience) => {{
          {LOOK}
          const until = performance.now() + patience;
          let before = null, since = performance.now();
          while (performance.now() < until) {{
            const now = await look(box);
            if (now === null || now !== before || !(await resting())) {{ before = now; since = performance.now(); }}
            if (performance.now() - since > 150) return now;
            await pause(20);
          }}
          throw new Error('the picture does not come to rest');
        }}""",
        PATIENCE,
    )


def changes(box: Any, before: str, seconds: float = PATIENCE / 1000) -> bool:
    """Wait for a picture other than `before`, whole; False if none comes in this time."""
    return box.evaluate(
        f"""async (box, [before, patience]) => {{
          {LOOK}
          const until = performance.now() + patience;
          do {{
            const now = await look(box);
            if (now !== null && now !== before) return true;
            await pause(15);
          }} while (performance.now() < until || !(await resting()));
          return false;
        }}""",
        [before, 1000 * seconds],
    )


def sees_change(box: Any, act: Callable[[], None]) -> None:
    """Do `act`; wait until another picture is there, whole."""
    before = shown(box)
    act()
    assert changes(box, before), f"the picture stays: {said(box)}"


# sliders


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
    page.mouse.move(rail["x"] + share * rail["width"], height, steps=3)
    page.mouse.up()


# every kind of control


def _nothing() -> None:
    pass


@dataclass
class Control:
    """One thing that can be moved. Each of its two ways is tried act by act until the picture follows."""

    box: Any
    kind: str
    label: str
    keyboard: list[Callable[[], Any]]
    mouse: list[Callable[[], Any]]
    prepare: Callable[[], Any] = _nothing  # done before each way
    tidy: Callable[[], Any] = _nothing  # and after it


def controls(box: Any) -> Iterator[Control]:
    """Each control of a box with its ways to be moved, the small moves first: a step may rightly change nothing."""
    for found in (_sliders, _choices, _switches, _players, _pads, _points, _films):
        yield from found(box)


def moves(control: Control) -> str:
    """Move a control by keyboard and by mouse; "" if the picture followed both times, else what was wrong."""
    troubles = []
    for way, acts in (("keyboard", control.keyboard), ("mouse", control.mouse)):
        control.prepare()
        before = shown(control.box)
        for number, act in enumerate(acts, 1):
            act()
            if changes(control.box, before, 5 if number == len(acts) else 0.5):
                break
        else:
            troubles.append(f"the picture does not follow the {way}")
        control.tidy()
        if STOPPED.match(said(control.box)):
            troubles.append(f"by {way}: {said(control.box)}")
    return f"{control.kind} {control.label!r}: {'; '.join(troubles)}" if troubles else ""


def troubles(box: Any) -> list[str]:
    """Move every control of a box; what was wrong.

    One may matter only with another switched on, an order's seed say where nothing is shuffled: before it counts as
    wrong it is tried beside the other settings of the box's switches and choices.
    """
    found, all_controls = [], list(controls(box))
    for control in all_controls:
        trouble = moves(control)
        for other in all_controls:
            if trouble and other is not control and other.kind in ("switch", "choice"):
                for act in other.mouse:
                    act()
                    shown(box)
                    trouble = trouble and moves(control)
        found += [trouble] if trouble else []
    return found if all_controls else ["it has no control"]


def _key(element: Any, key: str = "Enter") -> Callable[[], None]:
    """Press a key with this element in focus."""

    def act() -> None:
        element.focus()
        element.page.keyboard.press(key)

    return act


def _sliders(box: Any) -> Iterator[Control]:
    for slider in box.locator(".widget-slider").all():
        handle = slider.locator("[role=slider]")
        low, high = (float(handle.get_attribute(f"aria-value{end}")) for end in ("min", "max"))

        def across(handle: Any = handle, middle: float = (low + high) / 2) -> None:
            drag(handle, 0.3 if number(handle) > middle else 0.7)

        yield Control(
            box,
            "slider",
            slider.locator(".widget-label").first.inner_text(),
            [partial(press, handle, key) for key in ("", "PageUp", "End", "Home")],
            [across, partial(drag, handle, 0), partial(drag, handle, 1)],
        )


def _choices(box: Any) -> Iterator[Control]:
    for row in box.locator(".widget-dropdown").all():
        select = row.locator("select")
        last = select.locator("option").count() - 1
        first = "ArrowDown" if select.evaluate("s => s.selectedIndex") < last else "ArrowUp"
        # the list that a mouse opens is the system's and not on the page: Playwright chooses in its place
        picks = [partial(select.select_option, index=at) for at in range(last + 1)]
        label = row.locator(".widget-label").inner_text()
        yield Control(box, "choice", label, [_key(select, key) for key in (first, "End", "Home")], picks)


def _switches(box: Any) -> Iterator[Control]:
    for row in box.locator(".widget-checkbox").all():
        tick = row.locator("input[type=checkbox]")
        yield Control(box, "switch", row.inner_text().strip(), [_key(tick, "Space")], [tick.click])


def _players(box: Any) -> Iterator[Control]:
    for player in box.locator(".widget-vbox:has(> .widget-hbox > .widget-play)").all():
        name, handle = player.locator(".widget-label").first.inner_text(), player.locator("[role=slider]")
        start = partial(press, handle, "Home")
        back, ahead = (player.get_by_role("button", name=word) for word in ("back", "next"))
        play = player.locator(".widget-play button").first

        def one_on(start: Any = start, ahead: Any = ahead) -> None:
            start()
            shown(box)
            ahead.click()

        yield Control(box, "next", name, [_key(ahead)], [ahead.click], start)
        yield Control(box, "back", name, [_key(back)], [back.click], one_on)
        yield Control(box, "play", name, [_key(play)], [play.click], start, play.click)


def _pads(box: Any) -> Iterator[Control]:
    for pad in box.locator(".gradus-pad").all():
        sheet, name = pad.locator("canvas[role=application]"), pad.locator("> div").first.inner_text()
        rub, clear = (pad.get_by_role("button", name=word) for word in ("Eraser", "Clear"))

        def line(sheet: Any = sheet) -> None:
            sheet.scroll_into_view_if_needed()
            place, mouse = sheet.bounding_box(), sheet.page.mouse
            mouse.move(place["x"] + 0.2 * place["width"], place["y"] + 0.2 * place["height"])
            mouse.down()
            mouse.move(place["x"] + 0.8 * place["width"], place["y"] + 0.8 * place["height"], steps=3)
            mouse.up()

        def walk(sheet: Any = sheet) -> None:
            sheet.focus()
            for key in ("Space", *["ArrowUp"] * 3, *["ArrowLeft"] * 3, "Space"):
                sheet.page.keyboard.press(key)

        def rubbed(take: Callable[[], Any], line: Any = line) -> None:
            take()
            line()

        yield Control(box, "pen", name, [walk], [line], clear.click)
        yield Control(box, "eraser", name, [partial(rubbed, _key(rub))], [partial(rubbed, rub.click)], line, rub.click)
        yield Control(box, "clear", name, [_key(sheet, "Delete")], [clear.click], line)
        samples = pad.get_by_role("button", name="example")  # alike, so the ends of the row will do
        yield Control(box, "examples", name, [_key(samples.first)], [samples.last.click], clear.click)


def _points(box: Any) -> Iterator[Control]:
    for dot in box.locator(".gradus-points circle").all():

        def pull(dot: Any = dot) -> None:
            dot.scroll_into_view_if_needed()
            here, mouse, whole = dot.bounding_box(), dot.page.mouse, picture(box).bounding_box()
            mouse.move(here["x"] + here["width"] / 2, here["y"] + here["height"] / 2)
            mouse.down()
            mouse.move(whole["x"] + whole["width"] / 2, whole["y"] + whole["height"] / 2, steps=3)
            mouse.up()

        label = dot.get_attribute("aria-label")
        yield Control(box, "point", label, [_key(dot, "ArrowRight"), _key(dot, "Shift+ArrowLeft")], [pull])


def _films(box: Any) -> Iterator[Control]:
    for rail in box.locator(".gradus-film-bar input[type=range]").all():
        name = rail.get_attribute("aria-label")
        back, play, ahead = (box.get_by_role("button", name=word, exact=True) for word in ("back", "play", "next"))
        start, end = _key(rail, "Home"), _key(rail, "End")

        def click(share: float, rail: Any = rail) -> None:
            rail.scroll_into_view_if_needed()
            place = rail.bounding_box()
            rail.page.mouse.click(place["x"] + share * (place["width"] - 2) + 1, place["y"] + place["height"] / 2)

        yield Control(
            box, "film", name, [_key(rail, "ArrowRight"), end], [partial(click, 0.5), partial(click, 1)], start
        )
        yield Control(box, "back", name, [_key(back)], [back.click], end)
        yield Control(box, "next", name, [_key(ahead)], [ahead.click], start)
        yield Control(box, "play", name, [_key(play)], [play.click], start, play.click)
