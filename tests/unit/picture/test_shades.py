"""The shades of pictures: readable on each, and told apart by eyes that see colours otherwise, and in grey print."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest

from marketplace.settings import PROJECT

Colour = npt.NDArray[np.float64]

SCSS = (PROJECT / "marketplace/web/assets/_picture.scss").read_text("utf-8")
SHADES = [re.search(rf"\.app-shade--{number} {{ fill: (#\w{{6}}); }}", SCSS) for number in range(6)]
FILLS = [found[1] for found in SHADES if found]

#: Machado, Oliveira and Fernandes 2009, severity 1.0, for linear RGB: what a person sees who lacks one kind of cone.
SEEN_BY = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    "everybody": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "grey print": [[0.2126, 0.7152, 0.0722]] * 3,
}  # fmt: skip
#: Just noticed is about 2.3 in CIE 1976; side by side and small, shades need several times that.
APART = 10.0


def linear(colour: str) -> Colour:
    """Return a colour as linear RGB, by the sRGB standard."""
    parts = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def luminance(colour: Colour) -> float:
    """Return the relative luminance, as WCAG does."""
    return float(colour @ np.array([0.2126, 0.7152, 0.0722]))


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, as WCAG does."""
    light, dark = sorted((luminance(linear(one)), luminance(linear(other))), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def lab(colour: Colour) -> Colour:
    """Return a linear RGB colour in CIE Lab under D65."""
    to_xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    x, y, z = np.clip(to_xyz @ colour, 0, None) / np.array([0.95047, 1.0, 1.08883])
    fx, fy, fz = (part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116 for part in (x, y, z))
    return np.array([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)])


def text_on(number: int) -> str:
    """Return the colour of the text on a shade."""
    rules = re.findall(r"((?:\.app-hex--\w+ text,? ?)+){ fill: (#\w{6}); }", SCSS)
    return next(colour for selector, colour in rules if f".app-hex--{number} text" in selector)


def test_there_are_six_shades() -> None:
    assert len(FILLS) == 6


@pytest.mark.parametrize("number", range(6))
def test_words_can_be_read_on_each_shade(number: int) -> None:
    assert contrast(FILLS[number], text_on(number)) >= 4.5


@pytest.mark.parametrize("eyes", sorted(SEEN_BY))
def test_shades_grow_darker_step_by_step_for_all_eyes(eyes: str) -> None:
    seen = [np.clip(np.array(SEEN_BY[eyes]) @ linear(fill), 0, 1) for fill in FILLS]
    lightness = [lab(one)[0] for one in seen]
    assert all(before - after >= APART for before, after in pairwise(lightness)), lightness


@pytest.mark.parametrize("eyes", sorted(SEEN_BY))
def test_neighbouring_shades_are_told_apart_by_all_eyes(eyes: str) -> None:
    seen = [lab(np.clip(np.array(SEEN_BY[eyes]) @ linear(fill), 0, 1)) for fill in FILLS]
    assert all(np.linalg.norm(one - other) >= APART for one, other in pairwise(seen))


def test_the_edge_of_a_cell_stands_out_from_the_page_and_from_a_white_cell() -> None:
    [edge] = re.findall(r"(?m)^\.app-shade { stroke: (#\w{6})", SCSS)
    assert contrast(edge, "#f0f4f5") >= 3
    assert contrast(edge, FILLS[0]) >= 3


def test_there_is_no_other_hue() -> None:
    for fill in FILLS[1:]:
        red, green, blue = (int(fill[at : at + 2], 16) for at in (1, 3, 5))
        assert red < green < blue
