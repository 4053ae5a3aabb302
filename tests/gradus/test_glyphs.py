"""Printed characters: the same on every call, bent as told, told apart."""

import numpy as np
import pytest

from gradus import glyphs


def test_the_same_pictures_again_and_others_with_another_seed():
    images, labels = glyphs.glyphs(40, 3)
    glyphs.glyphs.cache_clear()
    again, same = glyphs.glyphs(40, 3)
    assert images.shape == (40, 16, 16) and images.dtype == np.float32
    assert np.array_equal(images, again) and np.array_equal(labels, same)
    assert not np.array_equal(images, glyphs.glyphs(40, 4)[0])
    assert images.min() >= 0 and images.max() <= 1 and labels.max() < len(glyphs.CHARACTERS)


def test_what_is_kept_cannot_be_spoiled():
    images, labels = glyphs.glyphs(5)
    with pytest.raises(ValueError, match="read-only"):
        images[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        labels[0] = 0


@pytest.mark.parametrize("font", glyphs.FONTS)
def test_every_font_has_every_character_and_they_differ(font):
    prints = np.array([glyphs.glyph(character, font, wild=0) for character in glyphs.CHARACTERS])
    ink = prints.sum(axis=(1, 2))
    assert ink.min() > 5  # a thin 1 has least
    middle = (prints * np.arange(16)[:, None]).sum(axis=(1, 2)) / ink
    assert np.abs(middle - 7.5).max() < 3  # in the middle of its square
    apart = np.abs(prints[:, None] - prints[None]).sum(axis=(2, 3)) + 99 * np.eye(len(prints))
    assert apart.min() > 0.5


def test_print_itself_does_not_change_and_bent_print_does():
    dice = np.random.default_rng(0)
    plain = [glyphs.glyph("R", wild=0, dice=dice) for _ in range(2)]
    bent = [glyphs.glyph("R", wild=1, dice=dice) for _ in range(2)]
    assert np.array_equal(*plain) and np.abs(bent[0] - bent[1]).sum() > 5


def test_an_unknown_font_is_named():
    with pytest.raises(ValueError, match="no font 'Comic'"):
        glyphs.glyph("A", "Comic")
