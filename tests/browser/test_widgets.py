"""Each kind of control by keyboard and by mouse: the picture is drawn anew, by Python, for what the hand did."""

from __future__ import annotations

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from . import hands

CODE = '''
from gradus import plot
from gradus.widgets import choice, explore, film, pad, player, points, slider, switch

def draw(value):
    """A picture of the value."""
    figure = plot.message(repr(value)[:400])
    figure.alt = f"value {value!r:.40}"
    return figure
'''
CELLS = {
    "log": 'explore(draw, value=slider(0.1, 0.001, 10, label="rate", log=True))',
    "choice": 'explore(draw, value=choice(["red", "green", "blue"], label="colour"))',
    "switch": 'explore(draw, value=switch(False, "on"))',
    "player": 'explore(draw, value=player(5, "step", seconds=0.05))',
    "pad": 'explore(draw, value=pad((8, 8), start=None))',
    "film": 'film(draw, [1.0, 2.0, 3.0], "step")',
    "points": '''
def spot(places):
    """Two points."""
    figure, axes = plot.figure(height=3)
    axes.set(xlim=(0, 4), ylim=(0, 4))
    axes.plot(*places.T)
    figure.alt = f"at {places[0].round(2).tolist()}"
    return figure

explore(spot, places=points([[1.0, 1.0], [3.0, 3.0]], "ends"))
''',
}  # fmt: skip


@pytest.fixture
def page(seat):
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    cells = [new_code_cell(text) for text in (CODE, *CELLS.values())]
    page = seat(new_notebook(cells=cells, metadata={"kernelspec": kernel}))
    page.run_all()
    return page


def test_each_control(page):
    keys = page.page.keyboard

    def of(name):
        return page.output(1 + list(CELLS).index(name)).locator('[class*="gradus-live-"]')

    box = of("log")
    handle = box.locator("[role=slider]")
    hands.says(box, "value 0.1")
    hands.sees_change(box, lambda: hands.press(handle, "ArrowRight"))
    hands.says(box, "value 0.1258")
    hands.sees_change(box, lambda: hands.drag(handle, 0.95))

    box = of("choice")
    select = box.locator("select")
    select.focus()
    hands.sees_change(box, lambda: keys.press("ArrowDown"))
    hands.says(box, "value 'green'")
    hands.sees_change(box, lambda: select.select_option("blue"))
    hands.says(box, "value 'blue'")

    box = of("switch")
    tick = box.locator("input[type=checkbox]")
    tick.focus()
    hands.sees_change(box, lambda: keys.press("Space"))
    hands.says(box, "value True")
    hands.sees_change(box, tick.click)
    hands.says(box, "value False")

    box = of("player")
    hands.sees_change(box, box.get_by_role("button", name="next").click)
    hands.says(box, "value 1")
    box.get_by_role("button", name="back").focus()
    hands.sees_change(box, lambda: keys.press("Enter"))
    hands.says(box, "value 0")
    box.locator(".widget-play button").first.click()
    hands.says(box, "value 5")

    box = of("pad")
    empty, sheet = hands.said(box), box.locator("canvas[role=application]")
    sheet.focus()
    hands.sees_change(box, lambda: keys.press("Space"))
    place = sheet.bounding_box()

    def line():
        page.page.mouse.move(place["x"] + 20, place["y"] + 20)
        page.page.mouse.down()
        page.page.mouse.move(place["x"] + 20, place["y"] + 200, steps=4)
        page.page.mouse.up()

    hands.sees_change(box, line)
    hands.sees_change(box, box.get_by_role("button", name="Clear").click)
    hands.says(box, empty)

    box = of("points")
    shown, dot = box.locator(".gradus-points img"), box.locator("circle").first

    def alt_is_not(words):
        page.page.wait_for_function("([image, words]) => image.alt !== words", arg=[shown.element_handle(), words])

    start = shown.get_attribute("alt")
    assert start == "at [1.0, 1.0]"
    dot.focus()
    keys.press("ArrowRight")
    alt_is_not(start)
    assert shown.get_attribute("alt") == "at [1.08, 1.0]"
    middle = dot.bounding_box()
    page.page.mouse.move(middle["x"] + 8, middle["y"] + 8)
    page.page.mouse.down()
    page.page.mouse.move(middle["x"] + 8, middle["y"] - 60, steps=4)
    page.page.mouse.up()
    alt_is_not("at [1.08, 1.0]")

    box = page.output(1 + list(CELLS).index("film")).locator(".gradus-film")
    image, rail = box.locator("img"), box.locator("input[type=range]")
    first = image.get_attribute("src")
    rail.focus()
    keys.press("ArrowRight")
    second = image.get_attribute("src")
    box.get_by_role("button", name="next").click()
    assert len({first, second, image.get_attribute("src")}) == 3
