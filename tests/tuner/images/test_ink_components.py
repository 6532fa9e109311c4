"""Which marks are one digit: frames are left out, two digits in a small picture and pages of them are several, a 5's bar belongs to it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from tests.kit.digits import small_digit
from tests.kit.handwriting import FONTS, font_mask, stroke_mask
from tests.kit.prepared import difference_but_for_a_pixel, page, seen
from tuner.images.digits.contrast import Grey
from tuner.images.digits.preparation import BLANK, SEVERAL, prepare

DIGITS = range(10)


def digit(label: int, size: int = 300) -> Grey:
    mask = font_mask(label, FONTS[2], 150)
    margins = ((size - mask.shape[0]) // 2, (size - mask.shape[1]) // 2)
    return page(mask, margins, (size, size))


def drawn_on(grey: Grey, points: list[tuple[float, float]], width: int, *, circle: bool = False) -> Grey:
    picture = Image.fromarray(np.rint(255 * grey).astype(np.uint8))
    pen = ImageDraw.Draw(picture)
    if circle:
        pen.ellipse(points, outline=20, width=width)
    else:
        pen.line(points, fill=20, width=width, joint="curve")
    return np.asarray(picture, np.float32) / np.float32(255)


FRAMES: dict[str, list[tuple[float, float]]] = {
    "square": [(30, 30), (270, 30), (270, 270), (30, 270), (30, 30)],
    "by hand": [(28, 36), (262, 24), (275, 268), (36, 262), (28, 36)],
    "open": [(30, 60), (30, 30), (270, 30), (270, 270), (30, 270), (30, 90)],
    "circle": [(25, 25), (275, 275)],
}


@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.parametrize("label", DIGITS)
def test_a_frame_around_a_digit_is_left_out(label: int, kind: str) -> None:
    alone = seen(digit(label))
    framed = drawn_on(digit(label), FRAMES[kind], (3, 8)[label % 2], circle=kind == "circle")
    for grey in (framed, 1 - framed):
        assert difference_but_for_a_pixel(seen(grey), alone) < 6


def test_a_frame_around_nothing_is_a_mark_of_its_own() -> None:
    assert prepare(drawn_on(np.ones((300, 300), np.float32), FRAMES["square"], 8)).image is not None


def test_a_dot_in_a_zero_makes_it_no_frame() -> None:
    dotted = drawn_on(digit(0), [(144, 144), (156, 156)], 8, circle=True)
    rows = np.flatnonzero(seen(dotted).max(axis=1))
    assert rows[-1] - rows[0] >= 18


@pytest.mark.parametrize("gap", [1, 2, 3, 4])
@pytest.mark.parametrize(("left", "right"), [(3, 8), (1, 7), (6, 0), (2, 2), (9, 4), (1, 1)])
def test_two_digits_in_28_pixels_are_two(left: int, right: int, gap: int) -> None:
    first, second = small_digit(left, 14), small_digit(right, 14)
    grey = np.zeros((28, 28), np.float32)
    grey[7:21, 13 - first.shape[1] : 13] = first
    grey[7:21, 13 + gap : 13 + gap + second.shape[1]] = second
    for picture in (grey, 1 - grey):
        assert prepare(picture).warning == SEVERAL


@pytest.mark.parametrize("label", DIGITS)
def test_one_digit_in_28_pixels_is_one(label: int) -> None:
    grey = np.zeros((28, 28), np.float32)
    ink = small_digit(label, 18)
    grey[5:23, 14 - ink.shape[1] // 2 : 14 - ink.shape[1] // 2 + ink.shape[1]] = ink
    assert prepare(grey).image is not None


@pytest.mark.parametrize("table", [False, True])
@pytest.mark.parametrize(("rows", "columns"), [(4, 4), (12, 9)])
@pytest.mark.parametrize("dark", [True, False])
def test_a_page_of_digits_is_refused_as_several(rows: int, columns: int, table: bool, dark: bool) -> None:
    random = np.random.default_rng(rows)
    cells = [np.zeros((28, 28), np.float32) for _ in range(rows * columns)]
    for cell in cells:
        ink = small_digit(int(random.integers(10)), 18)
        cell[5:23, 14 - ink.shape[1] // 2 : 14 - ink.shape[1] // 2 + ink.shape[1]] = ink
    grey = np.block([[cells[row * columns + column] for column in range(columns)] for row in range(rows)])
    if table:
        grey[::28], grey[:, ::28], grey[-1], grey[:, -1] = 1, 1, 1, 1
        grey = np.pad(grey, 10)
    assert prepare(1 - grey if dark else grey).warning == SEVERAL


def test_many_marks_take_no_minutes() -> None:
    """2,400 digits: a second, where each mark was once looked for in the whole picture."""
    import time

    grey = np.tile(np.pad(small_digit(8, 18), ((5, 5), (7, 7))), (40, 60))
    start = time.process_time()
    assert prepare(grey.astype(np.float32)).warning == SEVERAL
    assert time.process_time() - start < 20


def five(gap: float, slant: int) -> NDArray[np.float64]:
    """A 5 whose bar is a stroke of its own, so far above the bow over the bow's height."""
    picture = Image.new("L", (150, 260), 0)
    pen = ImageDraw.Draw(picture)
    pen.line([(45, 80), (40, 130)], fill=255, width=12)
    pen.arc((20, 115, 120, 215), 200, 500, fill=255, width=12)
    height = 74 - gap * 140
    pen.line([(45, height), (120, height - slant)], fill=255, width=12)
    return np.asarray(picture, np.float64) / 255


@pytest.mark.parametrize("slant", [0, 15, 30])
@pytest.mark.parametrize("gap", [0.05, 0.1, 0.15, 0.2])
def test_a_five_s_bar_that_stands_apart_belongs_to_it(gap: float, slant: int) -> None:
    grey = page(five(gap, slant), (20, 70))
    image = seen(grey)
    rows = np.flatnonzero(image.max(axis=1) > 60)
    assert rows[-1] - rows[0] >= 17
    assert image[rows[0] : rows[0] + 3].max() > 150


def test_a_digit_above_another_is_no_bar() -> None:
    tall = page(stroke_mask(2, np.random.default_rng(1)), (20, 100), (320, 320))
    below = page(stroke_mask(3, np.random.default_rng(2)), (170, 100), (320, 320))
    assert prepare(np.minimum(tall, below)).warning == SEVERAL


@pytest.mark.parametrize("offset", [-0.8, -0.3, 0.3, 0.8])
@pytest.mark.parametrize("soft", [0.1, 0.2])
@pytest.mark.parametrize("darkness", [0.5, 0.8])
def test_ink_at_a_shadow_s_edge_is_found(darkness: float, soft: float, offset: float) -> None:
    down, right = np.mgrid[-1:1:300j, -1:1:300j]
    # Every other digit and direction, the rest at the other darkness.
    for label, angle in list(zip(DIGITS, np.linspace(0, 2 * np.pi, 10), strict=True))[darkness > 0.6 :: 2]:
        edge = np.cos(angle) * right + np.sin(angle) * down + offset
        light = 1 - darkness / (1 + np.exp(-edge / soft))
        prepared = prepare((digit(label) * light).astype(np.float32))
        assert prepared.warning != BLANK
        assert prepared.image is not None
