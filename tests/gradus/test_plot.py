"""Figures: colours that everybody can tell apart, on a card that is readable in both themes, with a text."""

from __future__ import annotations

import io
import itertools

import matplotlib
import matplotlib.style
import numpy as np
import pytest
from PIL import Image

from gradus import plot

# How a colour looks without one kind of cone: Machado, Oliveira and Fernandes, 2009, severity 1, on linear RGB.
SIGHT = {
    "all cones": np.eye(3),
    "no red cones": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green cones": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "no blue cones": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}


def linear(colour):
    """Linear RGB (3,) of "#rrggbb"."""
    parts = np.array(matplotlib.colors.to_rgb(colour))
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def contrast(a, b):
    """WCAG 2.2's contrast ratio of two colours."""
    low, high = sorted(float(linear(c) @ [0.2126, 0.7152, 0.0722]) + 0.05 for c in (a, b))
    return high / low


def lab(rgb):
    """CIE L*a*b* of linear RGB, for a D65 white."""
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.array(to_xyz) @ np.clip(rgb, 0, 1) / [0.9505, 1.0, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_the_measure_of_contrast_is_wcags():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_text_and_lines_stand_out_from_the_card():
    assert contrast(plot.INK, plot.CARD) >= 7
    assert contrast(plot.FRAME, plot.CARD) >= 4.5
    assert {name: round(contrast(name, plot.CARD), 2) >= 3 for name in plot.COLOURS} == dict.fromkeys(
        plot.COLOURS, True
    )


@pytest.mark.parametrize("sight", SIGHT)
def test_the_colours_can_be_told_apart(sight):
    """A difference of 2.3 can just be seen (Mahy and others, 1994); these are five times that."""
    seen = [lab(np.array(SIGHT[sight]) @ linear(colour)) for colour in plot.COLOURS]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 11.5


def test_the_card_is_white_whatever_style_was_set():
    with matplotlib.style.context("dark_background"):
        figure, axes = plot.figure()
        axes.plot([0, 1], [0, 1])
        axes.set_title("title")
        pixels = np.asarray(Image.open(io.BytesIO(plot.png(figure))).convert("L"))
    assert pixels[0, 0] == pixels[-1, -1] == 255 and (pixels == 255).mean() > 0.8
    assert pixels[:30].min() < 100  # the title is dark


def test_a_figure_shows_itself_with_a_text():
    figure, axes = plot.figure(2)
    axes[0].plot([1, 2], label="train")
    axes[0].legend()
    axes[0].set(title="Loss & more", xlabel="step", ylabel="loss")
    bundle = figure._repr_mimebundle_()
    assert bundle["text/plain"] == "Figure: Loss & more, loss against step, with train; a plot."
    assert 'alt="Figure: Loss &amp; more, loss against step, with train; a plot."' in bundle["text/html"]
    figure.alt = "Two panels."
    assert figure._repr_mimebundle_()["text/plain"] == "Two panels."


def test_a_picture_has_the_size_of_its_figure():
    figure, _ = plot.figure(width=5, height=2)
    canvas = figure.canvas
    assert Image.open(io.BytesIO(plot.png(figure))).size == (500, 200)
    assert figure.canvas is canvas


def test_a_message_is_its_own_text():
    made = plot.message("Write `centre` first.")
    assert plot.describe(made) == "Write `centre` first."


def test_the_diverging_map_has_a_white_middle():
    shades = plot.diverging()
    assert matplotlib.colors.to_hex(shades(0.0)) == plot.ORANGE.lower()
    assert matplotlib.colors.to_hex(shades(1.0)) == plot.BLUE.lower()
    assert min(shades(0.5)) > 0.98
