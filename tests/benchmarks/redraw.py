"""How long a student waits for a picture, in JupyterLab in a real browser: ``python -m tests.benchmarks.redraw [UNIT ...]``.

Each unit is run with the reference's answers; the first slider of each of its widgets is moved twenty times by an arrow
key. The page's own clock counts from the key press to the new picture, decoded (a MutationObserver sees it come). Printed
for each widget, in milliseconds: the median, the quickest and the slowest; and of the median, the time in Python, from the
message's start to the picture's leaving, and all else: browser, server and the way there and back.
`tests.benchmarks.widgets` says where Python's part goes. Nothing is asserted: numbers depend on the machine, and on what
else it does: its load is printed too.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tests.browser import hands
from tests.browser.lesson import UNITS, answers, unpacked
from tests.browser.seat import Seat, Server, browser

MOVES = 20

WATCH = """box => {
  window.waits = [];
  window.pressed = null;
  const image = box.querySelector('img'), page = box.querySelector('.widget-html');
  const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  let began = null, left = null;
  window.listener ??= kernel.iopubMessage.connect((_, message) => window.told?.(message));
  window.told = message => {
    const at = Date.parse(message.header.date);
    if (message.content.execution_state === 'busy') began = at;
    if (message.header.msg_type === 'comm_msg') left = at;
  };
  box.addEventListener('keydown', event => { window.pressed = event.timeStamp; }, true);
  new MutationObserver(async () => {
    if (window.pressed === null) return;
    const from = window.pressed;
    window.pressed = null;
    if (image) await image.decode();
    const now = performance.now();
    window.waits.push([now - from, left - began]);
  }).observe(image ?? page, image ? { attributeFilter: ['src'] } : { childList: true, subtree: true });
}"""


def measured(box: Any) -> tuple[str, np.ndarray]:
    """The slider's label, and (moves, 2): milliseconds to the new picture, and those of them in Python."""
    slider = box.locator(".widget-slider").first
    handle, page = slider.locator("[role=slider]"), box.page
    box.evaluate(WATCH)
    hands.shown(box)
    handle.focus()
    room = float(handle.get_attribute("aria-valuemax")) - hands.number(handle)
    first = "ArrowRight" if room > 0 else "ArrowLeft"
    other = {"ArrowRight": "ArrowLeft", "ArrowLeft": "ArrowRight"}[first]
    for number in range(MOVES):
        count = page.evaluate("window.waits.length")
        page.keyboard.press(first if number % 8 < 4 else other)
        with contextlib.suppress(Exception):  # a step that rightly changes nothing
            page.wait_for_function("count => window.waits.length > count", arg=count, timeout=3000)
        hands.shown(box)
        page.evaluate("window.pressed = null")
    return slider.locator(".widget-label").first.inner_text(), np.array(page.evaluate("window.waits"))


def main(names: list[str]) -> None:
    print(f"{'unit, widget, slider':<76}{'median':>8}{'best':>8}{'worst':>8}{'Python':>8}{'else':>8}{'moves':>7}   ms")
    everything = []
    with tempfile.TemporaryDirectory() as folder, browser() as chromium:
        root = Path(folder) / "course"
        root.mkdir()
        with Server.start(root, Path(folder) / "private") as server:
            for unit in UNITS:
                if names and not any(unit.startswith(name) for name in names):
                    continue
                place = unpacked(root / unit, unit, answers(unit))
                seat = Seat.open(chromium, server, str(place.relative_to(root)))
                seat.run_all(900)
                for box in hands.boxes(seat):
                    if not box.locator(".widget-slider").count():
                        continue
                    label, waits = measured(box)
                    title = " ".join(hands.said(box).split())[:40]
                    if not len(waits):
                        print(f"{unit[:2]} {title:<42}{label[:30]:<31} no step changed the picture")
                        continue
                    middle = np.median(waits, axis=0)
                    everything.append(middle[0])
                    print(
                        f"{unit[:2]} {title:<42}{label[:30]:<31}{middle[0]:8.0f}{waits[:, 0].min():8.0f}{waits[:, 0].max():8.0f}"
                        f"{middle[1]:8.0f}{middle[0] - middle[1]:8.0f}{len(waits):7}",
                        flush=True,
                    )
                seat.close()
                server.stop_kernels()
    load = ", ".join(f"{part:.1f}" for part in os.getloadavg())
    print(
        f"{len(everything)} widgets: median {np.median(everything):.0f} ms, {sum(m > 100 for m in everything)} above 100 ms; "
        f"load {load} (1, 5, 15 minutes) on {os.cpu_count()} cores"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
