"""Widgets: a picture at once, another when a control moves, and a message where the function is wrong."""

from __future__ import annotations

import base64
import gc
import io
import re
from types import SimpleNamespace

import ipywidgets
import numpy as np
import pytest
from matplotlib.ticker import FuncFormatter
from PIL import Image

from gradus import plot, widgets
from gradus.widgets import drawing
from gradus.widgets.picture import Painter

VIEW = "application/vnd.jupyter.widget-view+json"


class Shown:
    """What was displayed: bundles of data, and the widgets behind them."""

    def __init__(self):
        self.bundles, self.metadata = [], []

    def __call__(self, data, raw, metadata):
        assert raw
        self.bundles.append(data)
        self.metadata.append(metadata)


@pytest.fixture
def shown(monkeypatch):
    found = Shown()
    monkeypatch.setattr("IPython.display.display", found)
    monkeypatch.setattr("gradus.widgets.show.publish", _publish(found))
    monkeypatch.setattr("gradus.widgets.frames.publish", _publish(found))
    return found


def _publish(found):
    from gradus.widgets.show import publish

    found.boxes = []

    def kept(widget, data, alt, alive=False):
        found.boxes.append(widget)
        publish(widget, data, alt, alive)

    return kept


def straight(slope):
    """A straight line."""
    figure, axes = plot.figure()
    axes.plot([0, 1], [0, slope])
    axes.set_ylim(-5, 5)
    return figure


def image(box):
    (found,) = [child for child in box.children if isinstance(child, ipywidgets.Image)]
    return found  # its value is a memoryview


def test_a_page_without_python_shows_the_picture_and_its_text(shown):
    widgets.explore(straight, slope=widgets.slider(1.0, -3.0, 3.0))
    live, still = shown.bundles
    assert live[VIEW]["model_id"] == shown.boxes[0].model_id
    assert base64.b64decode(still["image/png"]).startswith(b"\x89PNG")
    assert still["text/plain"] == "A straight line."
    assert 'alt="A straight line."' in still["text/html"] and still["image/png"] in still["text/html"]


def test_the_still_picture_is_hidden_only_while_its_own_widget_lives(shown):
    widgets.explore(straight, slope=widgets.slider(1.0, -3.0, 3.0))
    (name,) = [name for name in shown.boxes[0]._dom_classes if name.startswith("gradus-live-")]
    still = shown.bundles[1]["text/html"]
    hidden = re.search(r"<style>(.*?)</style>", still)[1]
    assert hidden.startswith(f"body:has(.{name}) .gradus-still-{name[12:]},")
    assert f'<div class="gradus-still-{name[12:]}">' in still
    assert "<script" not in still


def test_moving_a_control_changes_the_picture(shown):
    slider = widgets.slider(1.0, -3.0, 3.0)
    widgets.explore(straight, slope=slider)
    before = bytes(image(shown.boxes[0]).value)
    slider.value = 2.0
    assert bytes(image(shown.boxes[0]).value) != before
    slider.value = 1.0
    assert bytes(image(shown.boxes[0]).value) == before  # the same value, the same picture


def test_a_picture_and_its_text_go_to_the_page_together(shown, monkeypatch):
    def shifted(slope):
        figure = straight(slope)
        figure.alt = f"slope {slope:g}"
        return figure

    slider = widgets.slider(1.0, -3.0, 3.0)
    widgets.explore(shifted, slope=slider)
    sent = []
    picture = image(shown.boxes[0])
    picture.comm = SimpleNamespace(  # somebody listens
        kernel=object(),
        comm_id="a",
        send=lambda data, buffers=None, **_: sent.append(data),
        on_msg=lambda handler: None,
        close=lambda *_, **__: None,
    )
    slider.value = 2.0
    (message,) = [m for m in sent if m["method"] == "update" and "tooltip" in m["state"]]
    assert message["state"]["tooltip"] == "slope 2" and picture.tooltip == "slope 2"
    assert "value" in message["state"] or ["value"] in message["buffer_paths"]


def test_a_controls_label_names_it_under_the_pointer(shown):
    """ipywidgets writes "null" there for a control without a tooltip."""
    slider, play = widgets.slider(1.0, -3.0, 3.0, label="slope (m/s)"), widgets.player(3, "step")
    widgets.explore(lambda slope, step: straight(slope), slope=slider, step=play)
    assert (slider.tooltip, play.slider.tooltip) == ("slope (m/s)", "step")


def test_a_switch_stands_below_the_sliders_tracks(shown):
    slider, on = widgets.slider(1.0, -3.0, 3.0, label="slope"), widgets.switch(False, "a very long label behind it")
    widgets.explore(lambda slope, on: straight(slope), slope=slider, on=on)
    assert on.indent and on.style.description_width == slider.style.description_width == "7ch"


@pytest.mark.parametrize("error", [NotImplementedError(), ValueError("shapes (3,) and (2,)"), ZeroDivisionError()])
def test_a_function_that_fails_stops_no_cell(shown, error):
    def broken(slope):
        raise error

    widgets.explore(broken, slope=widgets.slider(1.0, -3.0, 3.0))
    assert bytes(image(shown.boxes[0]).value).startswith(b"\x89PNG")
    text = shown.bundles[1]["text/plain"]
    assert "Write the exercise above" in text if type(error) is NotImplementedError else type(error).__name__ in text
    assert str(error) in text


class Cell:
    """A class of the learner's, in place of one in a notebook."""

    def forward(self):
        return [row for row in map(lambda n: unwritten(), range(1))]


def unwritten():
    raise NotImplementedError()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (lambda: unwritten(), "drawn by your own function: unwritten is not written yet"),
        (lambda: Cell().forward(), "drawn by your own function: unwritten is not written yet"),
        (lambda: greet("Ada"), "drawn by your own function: greet is not written yet"),  # noqa: F821 - its cell was never run
        (lambda: gret("Ada"), "NameError: name 'gret' is not defined"),  # noqa: F821
        (lambda: np.linalg.ml_inverse_of(3), "has no attribute"),
    ],
)
def test_what_is_not_written_is_named(shown, monkeypatch, body, says):
    monkeypatch.setattr("gradus.widgets.picture.current_unit", lambda: "00_welcome")
    widgets.explore(lambda slope: body(), slope=widgets.slider(1.0, -3.0, 3.0))
    assert says in shown.bundles[1]["text/plain"].replace("\n", " ")


def test_what_torch_cannot_do_is_not_called_unwritten(shown):
    def draw(slope):
        raise NotImplementedError("Could not run 'aten::x' with arguments from the 'Meta' backend")

    widgets.explore(draw, slope=widgets.slider(1.0, -3.0, 3.0))
    assert "Your function stopped here" in shown.bundles[1]["text/plain"]


def test_what_is_no_figure_is_said(shown):
    widgets.explore(lambda slope: slope, slope=widgets.slider(1.0, -3.0, 3.0))
    assert "must return a Figure; it returned 1.0" in shown.bundles[1]["text/plain"].replace("\n", " ")


@pytest.mark.parametrize(
    ("mode", "error", "stops"),
    [
        ("", ValueError("x"), False),
        ("handout", ValueError("x"), True),
        ("handout", NameError("x"), True),
        ("handout", NotImplementedError(), False),
        ("solved", NotImplementedError(), True),
        ("solved", KeyError("x"), True),
    ],
)
def test_a_run_without_a_front_end_fails_where_a_draw_does(shown, monkeypatch, mode, error, stops):
    monkeypatch.setenv("GRADUS_HEADLESS", mode)

    def broken(slope):
        raise error

    for show in (
        lambda: widgets.explore(broken, slope=widgets.slider(1, 0, 3)),
        lambda: widgets.film(broken, [1, 2]),
    ):
        if stops:
            with pytest.raises(type(error)):
                show()
        else:
            show()


def test_no_figure_is_left_open(shown):
    import matplotlib.pyplot as plt

    def through_pyplot(slope):
        figure, axes = plt.subplots()
        axes.plot([0, slope])
        return figure

    before = plt.get_fignums()
    slider = widgets.slider(1.0, 0.0, 4.0)
    widgets.explore(through_pyplot, slope=slider)
    slider.value = 3.0
    assert plt.get_fignums() == before


def test_written_tells_missing_from_wrong(monkeypatch):
    def missing():
        raise NotImplementedError

    def wrong():
        raise ValueError("wrong")

    assert widgets.written(missing) is None
    assert widgets.written(lambda a, b=1: a + b, 1, b=2) == 3
    with pytest.raises(ValueError, match="wrong"):
        widgets.written(wrong)
    monkeypatch.setenv("GRADUS_HEADLESS", "solved")  # there nothing may be missing
    with pytest.raises(NotImplementedError):
        widgets.written(missing)


# --- how pictures are made ---


def busy(kind, n):
    """Figures whose layout depends on n, and some whose layout does not."""
    figure, panels = plot.figure(2)
    for axes in panels:
        axes.plot([0, 1], [0, 1 + n % 2])
        axes.set(xlabel="x", xlim=(0, 1), ylim=(0, 3))
    axes = panels[0]
    if kind == "title":
        axes.set_title(f"number {n}")
    elif kind == "lines":
        axes.set_title("\n".join(["a title"] * n))
    elif kind == "limits":
        axes.set_ylim(0, 10.0**n)
    elif kind == "names":
        axes.set_yticks([0, 1], ["short", "a longer name" * n])
    elif kind == "function":
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, at: "x" * n))
    elif kind == "categories":
        axes.barh(["a" * n * 4, "b"], [1, 2])
    elif kind == "colour bar":
        figure.colorbar(axes.imshow([[0, 10.0**n]]), ax=axes, label="height" * n)
    elif kind == "same colour bar":
        figure.colorbar(axes.imshow([[0, 10.0], [n, 1]]), ax=axes, format="%.2f")
    elif kind == "label":
        axes.set_ylabel("y\n" * n)
    elif kind == "long label":
        axes.set(xlabel="x" * 10 * n, ylabel="y" * 5 * n)
    elif kind == "heading":
        figure.suptitle("a\n" * n)
    elif kind == "text":
        axes.text(1 + n / 10, 0.5, "outside", clip_on=False)
    elif kind == "legend":
        axes.legend(["a line" * n], loc="upper left", bbox_to_anchor=(1, 1))
    elif kind == "log":
        axes.set_yscale("log")
        axes.set_ylim(0.1, 10.0 ** (3 * n))
    elif kind == "image":
        axes.imshow(np.eye(2 * n))
    return figure


KINDS = [
    "title",
    "lines",
    "limits",
    "names",
    "function",
    "categories",
    "label",
    "heading",
    "text",
    "legend",
    "log",
    "image",
] + ["long label", "colour bar", "same colour bar"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_layout_that_is_used_again_is_the_right_one(kind):
    """What the painter draws after other figures is, to the pixel, what it draws first."""
    painter = Painter()
    for n in (1, 2, 3, 1):
        assert painter.png(busy(kind, n)) == Painter().png(busy(kind, n)), (kind, n)


def test_a_layout_is_used_again_when_only_lines_and_titles_change(monkeypatch):
    painter = Painter()
    painter.png(busy("title", 1))
    laid = []
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    monkeypatch.setattr(ConstrainedLayoutEngine, "execute", lambda self, figure: laid.append(figure))
    painter.png(busy("title", 2))
    painter.png(busy("title", 3))
    assert laid == []
    painter.png(busy("lines", 2))
    assert len(laid) == 1


def test_labels_of_another_width_are_not_laid_over_an_old_layout():
    """As much room, the same layout, measured; more room, another one."""
    painter, laid = Painter(), []

    def panel(top, text):
        figure, axes = plot.figure()
        axes.plot([0, 1], [0, top], label=text)
        axes.set(xlim=(0, 1), ylim=(0, top))
        axes.legend(loc="upper left")
        engine = figure.get_layout_engine()
        figure.set_layout_engine(engine)
        before = engine.execute
        engine.execute = lambda made: (laid.append(top), before(made))[1]
        return figure

    for top, text in ((8.3, "a"), (8.6, "another"), (8.4, "b"), (8e6, "b"), (8.5, "c")):
        assert painter.png(panel(top, text)) == Painter().png(panel(top, text))
    by_painter = [top for top in dict.fromkeys(laid) if laid.count(top) == 2]
    assert by_painter == [8.3, 8e6, 8.5]  # each fresh painter lays out once, this one where it must


def test_a_search_for_rubbish_does_not_stop_the_slider(shown):
    """Python's thresholds are the usual ones again after each picture, also after one that failed."""
    usual, seen = gc.get_threshold(), []

    def draw(slope):
        seen.append(gc.get_threshold()[2])
        if slope > 1:
            raise ValueError("too steep")
        return straight(slope)

    slider = widgets.slider(0.5, -3.0, 3.0)
    widgets.explore(draw, slope=slider)
    for value in (1.0, 2.0, 0.0):
        slider.value = value
        assert gc.get_threshold() == usual
    assert seen[0] == usual[2] and min(seen[1:]) > 1000 * usual[2]


# --- controls ---


@pytest.mark.parametrize(
    ("arguments", "kind", "stop"),
    [
        ((3, 0, 10), ipywidgets.IntSlider, 1),
        ((0.0, -1.0, 1.0, 0.25), ipywidgets.FloatSlider, 0.25),
        ((0, 0, 1, 0.1), ipywidgets.FloatSlider, 0.1),
        ((2.0, 0.0, 5.0), ipywidgets.FloatSlider, 0.05),
    ],
)
def test_sliders(arguments, kind, stop):
    made = widgets.slider(*arguments, label="shift (m)")
    assert type(made) is kind and made.step == stop and made.description == "shift (m)"
    assert type(made.value) is (int if kind is ipywidgets.IntSlider else float)


def test_a_slider_shows_as_many_places_as_its_steps_have():
    assert [widgets.slider(0.0, 0.0, 1.0, step).readout_format for step in (0.5, 0.25, 0.1, 0.05, 0.001, 1.0)] == [
        ".1f", ".2f", ".1f", ".2f", ".3f", ".0f",
    ]  # fmt: skip
    # where it starts is shown whole too, though it lies between two stops
    assert [widgets.slider(at, -1.0, 1.0, 0.5).readout_format for at in (0.5493, -0.25, 1 / 3, 1e-9)] == [
        ".4f",
        ".2f",
        ".3f",
        ".6f",
    ]


def test_a_log_slider_takes_and_gives_the_rates_themselves():
    made = widgets.slider(0.01, 0.001, 10.0, label="lr", log=True)
    assert made.value == 0.01 and made.min == -3 and made.max == 1


@pytest.mark.parametrize(
    ("arguments", "options", "says"),
    [
        ((1, 5, 2), {}, "smaller"),
        ((9, 0, 2), {"label": "steps"}, "'steps' starts at 9"),
        ((1, 0, 2), {"log": True}, "above 0"),
    ],
)
def test_an_impossible_slider_is_refused(arguments, options, says):
    with pytest.raises(ValueError, match=says):
        widgets.slider(*arguments, **options)


def test_choice_and_switch():
    assert widgets.choice(["a", "b"], label="which").value == "a"
    assert widgets.choice({"one": 1, "two": 2}, value=2).value == 2
    assert widgets.switch(True, "noise").value is True


def test_a_player_steps_within_its_ends(shown):
    steps = widgets.player(2, "step")
    widgets.explore(lambda at: straight(at), at=steps)
    before = bytes(image(shown.boxes[0]).value)
    steps.ahead.click()
    assert steps.value == 1 and bytes(image(shown.boxes[0]).value) != before
    for _ in range(4):
        steps.ahead.click()
    assert steps.value == 2
    for _ in range(4):
        steps.back.click()
    assert steps.value == 0


def test_descriptions_have_the_room_they_need(shown):
    long = widgets.slider(1, 0, 3, label="a rather long description (degrees)")
    own = ipywidgets.FloatSlider(value=1, description="x", style={"description_width": "7px"})
    widgets.explore(lambda a, b: straight(a), a=long, b=own)
    assert long.style.description_width == "30ch" and own.style.description_width == "7px"


# --- the pad, the points, the film ---


def test_a_pad_gives_ink_from_0_to_1(shown):
    sheet = widgets.pad((8, 8))
    seen = []

    def look(ink):
        seen.append(ink)
        return straight(ink.sum())

    widgets.explore(look, ink=sheet)
    assert seen[0].shape == (8, 8) and seen[0].dtype == float and 0 <= seen[0].min() < 0.1 < seen[0].max() <= 1
    drawn = np.zeros((8, 8), dtype=np.uint8)
    drawn[2, 5] = 255
    sheet.set_state({"ink": memoryview(drawn.tobytes())})  # as it comes from the page
    assert len(seen) == 2 and seen[1][2, 5] == 1 and seen[1].sum() == 1
    sheet.ink = drawn.tobytes()
    assert len(seen) == 2  # the same again: not drawn again
    sheet.ink = b"short"  # nothing that the page would send
    assert len(seen) == 2


def test_a_pads_examples():
    ink = np.zeros((3, 4))
    ink[1] = 1
    assert np.array_equal(widgets.pad((3, 4), {"bar": ink}).value, ink)
    assert widgets.pad((28, 28)).value.shape == (28, 28)
    assert widgets.pad((28, 28), start=None).value.sum() == 0
    with pytest.raises(ValueError, match=r"example 0 has the shape \(8, 8\)"):
        widgets.pad((3, 4), np.zeros((1, 8, 8)))
    with pytest.raises(ValueError, match="outside 0 to 1"):
        widgets.pad((3, 4), 16 * ink[None])


def test_a_pad_centres_what_is_drawn():
    corner = np.zeros((5, 5))
    corner[0, 4] = corner[1, 4] = 1
    moved = drawing.centred(corner)
    rows, columns = np.nonzero(moved)
    assert columns.tolist() == [2, 2] and rows.mean() in (1.5, 2.5) and moved.sum() == 2
    assert drawing.centred(np.zeros((5, 5))).sum() == 0


def test_points_lie_over_the_axes(shown):
    def plane(at):
        figure, panels = plot.figure(2, width=8, height=4)
        panels[1].set(xlim=(-1, 3), ylim=(0, 10))
        panels[1].plot(*at.T)
        return figure

    dots = widgets.points([[0, 5], [1, 2]], axes=1)
    widgets.explore(plane, at=dots)
    assert dots.value.shape == (2, 2) and dots.limits == [-1, 3, 0, 10] and dots.size == [800, 400]
    left, top, width, height = dots.frame
    assert 0.5 < left < 0.6 and 0 < top < 0.1 and left + width <= 1 and top + height <= 1
    before = bytes(dots.picture)
    # The frame is where the axes are drawn: its left edge is the grey line of the axis.
    pixels = np.asarray(Image.open(io.BytesIO(before)).convert("L"))
    assert pixels[int((top + height / 2) * 400), round(left * 800) - 1 : round(left * 800) + 1].min() < 150
    dots.places = [[0.5, 5], [1, 2]]
    assert dots.value[0, 0] == 0.5 and bytes(dots.picture) != before


def test_points_say_what_they_cannot_do(shown):
    with pytest.raises(ValueError, match=r"\(3,\); it must be \(N, 2\)"):
        widgets.points([1, 2, 3])
    with pytest.raises(ValueError, match="1 points, 2 names"):
        widgets.points([[1, 2]], names=["a", "b"])

    def broken(at):
        raise ValueError("no")

    dots = widgets.points([[0, 5]])
    widgets.explore(broken, at=dots)
    assert dots.frame == []  # nothing to drag on a message


def test_a_film_holds_all_its_pictures(shown):
    widgets.film(straight, [-1, 0, 1], "slope", names=["down", "flat", "up"], start=2)
    made = shown.boxes[0]
    assert len(set(map(bytes, made.frames))) == 3 and made.at == 2
    assert made.alts[0] == "A straight line. slope: down"
    assert base64.b64decode(shown.bundles[1]["image/png"]) == bytes(made.frames[2])
    assert shown.metadata[0] == {"gradus": {"widget": "alive"}}
    with pytest.raises(ValueError, match="empty"):
        widgets.film(straight, [])


def test_a_film_of_an_unwritten_exercise_says_so(shown):
    def missing(at):
        raise NotImplementedError

    widgets.film(missing, [0, 1])
    assert "Write the exercise above" in shown.bundles[1]["text/plain"]


def test_without_anywidget_the_course_still_runs(shown, monkeypatch):
    monkeypatch.setattr("gradus.widgets.drawing.have_anywidget", lambda: False)
    monkeypatch.setattr("gradus.widgets.dragging.have_anywidget", lambda: False)
    monkeypatch.setattr("gradus.widgets.frames.have_anywidget", lambda: False)
    sheet, dots, seen = widgets.pad((8, 8)), widgets.points([[1, 2]]), []

    def look(ink, at):
        seen.append((ink, at))
        return straight(1)

    widgets.explore(look, ink=sheet, at=dots)
    assert "anywidget" in sheet.children[0].value and "anywidget" in dots.children[0].value
    sheet.children[1].value = "4"
    assert len(seen) == 2 and not np.array_equal(seen[0][0], seen[1][0]) and seen[1][1].tolist() == [[1, 2]]
    widgets.film(straight, [0, 1])
    assert base64.b64decode(shown.bundles[-1]["image/png"]).startswith(b"\x89PNG")
