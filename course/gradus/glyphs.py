"""Printed characters that look a little like handwriting: any number of labelled pictures, without a download.

The fonts are those that matplotlib ships, so every machine draws the same pictures. Each picture is turned, slanted,
stretched, shifted, thickened and given noise by chance.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np

# Digits, capitals, and the small letters whose form is another one (those that EMNIST keeps apart: Cohen and others, 2017).
CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt"
FONTS = (
    "DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSans-BoldOblique", "DejaVuSansMono",
    "DejaVuSansMono-Oblique", "DejaVuSerif", "DejaVuSerif-Italic", "DejaVuSerif-Bold", "STIXGeneral",
    "STIXGeneralItalic", "STIXGeneralBol", "STIXGeneralBolIta", "cmr10", "cmss10", "cmtt10", "cmti10", "cmb10",
)  # fmt: skip
SIZE = 16  # pixels a side
_CANVAS = 64  # pixels a side while a picture is bent: four times as fine


def glyph(character: str, font: str = FONTS[0], wild: float = 1.0, dice: np.random.Generator | None = None) -> Any:
    """One character as a picture (16, 16), float32, ink from 0 to 1.

    Args:
        character: one of `CHARACTERS`, or another one that the font has.
        font: one of `FONTS`.
        wild: how far it is bent: 0 is the print itself, 1 is usual.
        dice: where the chance comes from; a fresh one from seed 0 if None.

    Raises:
        ValueError: matplotlib has no such font, or the font has nothing to draw for this character.
    """
    from PIL import Image, ImageFilter

    dice = np.random.default_rng(0) if dice is None else dice
    print_ = _stamp(character, font)
    canvas = Image.new("L", (_CANVAS, _CANVAS))
    canvas.paste(print_, ((_CANVAS - print_.width) // 2, (_CANVAS - print_.height) // 2))
    angle, slant = wild * dice.uniform(-0.35, 0.35, 2)  # radians; a shear
    wide, high = 1 + wild * dice.uniform(-0.3, 0.15, 2)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    back = turn @ np.array([[1 / wide, slant], [0, 1 / high]])  # PIL asks where each pixel comes FROM
    middle = np.full(2, _CANVAS / 2)
    shift = middle - back @ (middle + wild * dice.uniform(-4, 4, 2))
    canvas = canvas.transform(
        canvas.size,
        Image.Transform.AFFINE,
        (*back[0], shift[0], *back[1], shift[1]),
        Image.Resampling.BILINEAR,
    )
    thick = int(dice.integers(0, 3)) if wild > 0 else 0
    if thick:
        canvas = canvas.filter(ImageFilter.MaxFilter(2 * thick + 1))
    picture = np.asarray(canvas.reduce(_CANVAS // SIZE), dtype=np.float32) / 255
    noise = dice.normal(scale=0.05 * wild, size=picture.shape)
    return np.clip(picture + noise, 0, 1).astype(np.float32)


@functools.lru_cache(maxsize=4)
def glyphs(count: int, seed: int = 0, characters: str = CHARACTERS, wild: float = 1.0) -> tuple[Any, Any]:
    """Many pictures of characters chosen by chance; the same for the same arguments, and kept.

    Args:
        count: how many; 5,000 take about a second.
        seed: of the chance.
        characters: from which ones; a label is a place in this text.
        wild: how far they are bent, see `glyph`.

    Returns:
        images: (count, 16, 16) float32, ink from 0 to 1. labels: (count,) int64. Both are read only.
    """
    dice = np.random.default_rng(seed)
    labels = dice.integers(0, len(characters), count)
    fonts = dice.integers(0, len(FONTS), count)
    images = np.empty((count, SIZE, SIZE), dtype=np.float32)
    for i, (label, font) in enumerate(zip(labels, fonts, strict=True)):
        images[i] = glyph(characters[label], FONTS[font], wild, dice)
    images.flags.writeable = labels.flags.writeable = False
    return images, labels


@functools.cache
def _stamp(character: str, font: str) -> Any:
    """The character in print, its longer side 40 pixels."""
    import matplotlib
    from PIL import Image, ImageDraw, ImageFont

    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{font}.ttf"
    if not path.is_file():
        raise ValueError(f"matplotlib has no font {font!r}; glyphs.FONTS names those that are used here")
    page = Image.new("L", (144, 144))
    ImageDraw.Draw(page).text((72, 72), character, fill=255, font=ImageFont.truetype(str(path), 48), anchor="mm")
    box = page.getbbox()
    if box is None:
        raise ValueError(f"the font {font} draws nothing for {character!r}")
    page = page.crop(box)
    scale = 40 / max(page.size)
    size = (max(1, round(page.width * scale)), max(1, round(page.height * scale)))
    return page.resize(size, Image.Resampling.BILINEAR)
