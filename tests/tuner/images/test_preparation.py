"""What is ink and what is paper; that a picture's size, place, light and polarity leave the digit as it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from tests.kit.handwriting import FONTS, Page, cases, font_mask, mnist, mnist_mask, on_a_table, picture_of, stroke_mask
from tests.kit.prepared import difference, difference_but_for_a_pixel, page, seen, sheet
from tuner.images.digits import preparation
from tuner.images.digits.contrast import Grey
from tuner.images.digits.paper_sheet import sheet_of
from tuner.images.digits.preparation import BLANK, SEVERAL, TOO_WIDE, prepare
from tuner.images.digits.strokes import synthetic_digits

FEW = settings(max_examples=12, deadline=None)
DIGITS = st.integers(0, 9)


def as_float32(array: NDArray[np.floating[Any]]) -> Grey:
    return array.astype(np.float32)


def grey_of(picture: Image.Image) -> Grey:
    return np.asarray(picture.convert("L"), np.float32) / np.float32(255)


def hand(label: int, seed: int) -> NDArray[np.float64]:
    return stroke_mask(label, np.random.default_rng(seed))


@FEW
@given(DIGITS, st.integers(0, 50), st.integers(5, 140), st.integers(5, 140))
def test_the_place_on_the_page_makes_no_difference(label: int, seed: int, down: int, right: int) -> None:
    mask = hand(label, seed)
    assert difference(seen(page(mask)), seen(page(mask, (down, right)))) < 4


@FEW
@given(DIGITS, st.integers(0, 50), st.floats(0.7, 3.0))
def test_the_size_makes_hardly_a_difference(label: int, seed: int, factor: float) -> None:
    grey = page(hand(label, seed))
    size = round(300 * factor)
    other = np.asarray(Image.fromarray(grey).resize((size, size), Image.Resampling.LANCZOS)).clip(0, 1)
    assert difference_but_for_a_pixel(seen(grey), seen(as_float32(other))) < 12


@FEW
@given(DIGITS, st.integers(0, 50))
def test_a_negative_makes_no_difference(label: int, seed: int) -> None:
    grey = page(hand(label, seed))
    assert difference(seen(grey), seen(1 - grey)) < 4


@FEW
@given(DIGITS, st.integers(0, 50), st.floats(0.3, 1.0))
def test_brightness_makes_no_difference(label: int, seed: int, light: float) -> None:
    grey = page(hand(label, seed))
    assert difference(seen(grey), seen(as_float32(light * grey))) < 4


@FEW
@given(DIGITS, st.integers(0, 50), st.floats(0.35, 1.0))
def test_pale_ink_makes_no_difference(label: int, seed: int, darkness: float) -> None:
    mask = hand(label, seed)
    assert difference(seen(page(mask)), seen(page(darkness * mask))) < 6


@pytest.mark.parametrize("light", ["slope", "shadow", "vignette"])
@pytest.mark.parametrize("label", range(10))
def test_light_makes_hardly_a_difference(label: int, light: str) -> None:
    mask = font_mask(label, FONTS[0])
    lit, flat = (
        np.asarray(picture_of(mask, Page(light=kind), np.random.default_rng(label)).convert("L"), np.float32)
        / np.float32(255)
        for kind in (light, "flat")
    )
    assert difference(seen(lit), seen(flat)) < 8


@pytest.mark.parametrize("label", range(10))
def test_it_does_what_mnists_makers_did(label: int) -> None:
    image = seen(page(font_mask(label, FONTS[2])))
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8
    rows, columns = (np.flatnonzero(image.max(axis=axis)) for axis in (1, 0))
    assert 18 <= max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1 <= 20
    down, right = (np.average(np.arange(28), weights=image.sum(axis=axis)) for axis in (1, 0))
    assert abs(down - 14) <= 0.51
    assert abs(right - 14) <= 0.51
    assert image.max() > 240


def test_proportions_are_kept() -> None:
    image = seen(page(np.ones((160, 40)), (20, 20)))
    rows, columns = (np.flatnonzero(image.max(axis=axis) > 127) for axis in (1, 0))
    assert len(rows) == 20
    assert 4 <= len(columns) <= 6


def test_thin_strokes_are_broadened() -> None:
    thin, usual = np.zeros((200, 20)), np.zeros((200, 20))
    thin[:, 9:11] = usual[:, 1:19] = 1
    assert seen(page(thin)).sum() > 0.7 * seen(page(usual)).sum()


def noisy(deviation: float) -> Grey:
    return np.clip(np.random.default_rng(1).normal(0.6, deviation, (200, 200)), 0, 1).astype(np.float32)


@pytest.mark.parametrize(
    "grey",
    [
        pytest.param(sheet(1.0), id="white"),
        pytest.param(sheet(0.0), id="black"),
        pytest.param(sheet(0.5), id="grey"),
        pytest.param(sheet(1.0, (1, 1)), id="one pixel"),
        pytest.param(sheet(0.0, (1, 500)), id="one row"),
        pytest.param(sheet(0.3, (2, 2)), id="four pixels"),
        pytest.param(noisy(0.05), id="noise"),
        pytest.param(noisy(0.15), id="much noise"),
        pytest.param(np.tile(np.linspace(0.3, 1, 200, dtype=np.float32), (200, 1)), id="a slope of light"),
    ],
)
def test_what_has_no_ink_is_blank(grey: Grey) -> None:
    assert prepare(grey) == preparation.Prepared(None, BLANK)


@pytest.mark.parametrize("light", ["slope", "shadow", "vignette"])
@pytest.mark.parametrize("paper", ["white", "rough"])
def test_light_on_an_empty_page_is_no_ink(paper: str, light: str) -> None:
    empty = picture_of(
        np.ones((9, 9)), Page(digit=0.003, paper=paper, light=light, noise=0.01), np.random.default_rng(3)
    )
    prepared = prepare(np.asarray(empty.convert("L"), np.float32) / np.float32(255))
    assert prepared.image is None


def side_by_side(labels: tuple[int, ...], gap: int) -> Grey:
    parts: list[NDArray[np.float64]] = []
    for label in labels:
        mask = font_mask(label, FONTS[0], 100)
        tall = np.zeros((110, mask.shape[1] + gap))
        tall[: mask.shape[0], : mask.shape[1]] = mask
        parts.append(tall)
    return page(np.hstack(parts), (60, 20), (240, 480))


@pytest.mark.parametrize("gap", [30, 60])
@pytest.mark.parametrize("labels", [(1, 1), (1, 7), (2, 3), (4, 0), (1, 2, 3), (9, 9, 9, 9)])
def test_several_digits_are_not_guessed(labels: tuple[int, ...], gap: int) -> None:
    for grey in (side_by_side(labels, gap), 1 - side_by_side(labels, gap)):
        assert prepare(grey).warning == SEVERAL


def test_digits_below_each_other_are_several() -> None:
    assert prepare(np.ascontiguousarray(side_by_side((1, 2), 40).T)).warning == SEVERAL


def test_digits_that_touch_are_too_wide() -> None:
    assert prepare(side_by_side((3, 8, 8, 8), 0)).warning in (TOO_WIDE, SEVERAL)


def test_a_five_whose_bar_is_apart_is_one_digit() -> None:
    mask = np.zeros((140, 90))
    mask[0:14, 20:88] = 1
    mask[18:80, 10:24] = mask[70:84, 10:80] = mask[70:140, 70:84] = mask[126:140, 5:84] = 1
    assert prepare(page(mask)).image is not None


@pytest.mark.parametrize("specks", [1, 10, 40])
def test_dust_is_left_out(specks: int) -> None:
    clean = page(font_mask(3, FONTS[0]))
    dusty = clean.copy()
    random = np.random.default_rng(specks)
    for down, right in random.integers(0, 298, (specks, 2)):
        if (
            clean[down - 20 : down + 22, right - 20 : right + 22].size
            and clean[max(0, down - 20) : down + 22, max(0, right - 20) : right + 22].min() == 1
        ):
            dusty[down : down + 2, right : right + 2] = 0
    assert difference(seen(clean), seen(dusty)) < 2


def test_ruled_lines_are_left_out() -> None:
    mask = font_mask(5, FONTS[0])
    for paper in ("ruled", "squared"):
        grey = picture_of(mask, Page(paper=paper), np.random.default_rng(1)).convert("L")
        clean = picture_of(mask, Page(), np.random.default_rng(1)).convert("L")
        assert difference(*(seen(np.asarray(one, np.float32) / np.float32(255)) for one in (grey, clean))) < 10


@pytest.mark.parametrize("turn", [0.0, 6.0])
@pytest.mark.parametrize("label", range(10))
def test_a_sheet_on_a_dark_table_is_read_as_the_sheet_is(label: int, turn: float) -> None:
    random = np.random.default_rng(label)
    sheet = picture_of(font_mask(label, "DejaVuSans"), Page(paper="cream", turn=turn), random)
    alone = grey_of(picture_of(font_mask(label, "DejaVuSans"), Page(), random))
    picture = grey_of(on_a_table(sheet, random, turn))
    assert sheet_of(picture) is not None
    # Turned there and back it is a little blurred; two different digits are 16 or more apart.
    assert difference_but_for_a_pixel(seen(picture), seen(alone)) < 12


def test_an_empty_sheet_on_a_table_is_blank() -> None:
    empty = Image.new("RGB", (200, 260), (245, 245, 245))
    picture = on_a_table(empty, np.random.default_rng(1), 5.0)
    assert prepare(grey_of(picture)).warning == BLANK


@pytest.mark.parametrize("kind", ["font", "strokes"])
def test_no_sheet_is_seen_where_a_page_fills_the_picture(kind: str) -> None:
    pictures = [grey_of(case.picture) for case in cases(30, 5, kind)]
    assert [sheet_of(picture) is None for picture in pictures] == [True] * 30


@pytest.mark.parametrize("font", FONTS)
@pytest.mark.parametrize("label", range(10))
def test_a_bold_white_digit_is_no_sheet(label: int, font: str) -> None:
    ink = ndimage.grey_dilation(font_mask(label, font), 9)
    assert sheet_of(np.pad(ink, 20).clip(0, 1).astype(np.float32)) is None


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_an_even_picture_holds_no_sheet(value: float) -> None:
    assert sheet_of(sheet(value)) is None
    assert sheet_of(sheet(value, (1, 1))) is None


@FEW
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 1000))
def test_any_picture_is_prepared_or_refused(height: int, width: int, seed: int) -> None:
    grey = np.random.default_rng(seed).random((height, width), np.float32)
    prepared = prepare(grey)
    assert (prepared.image is None) == (prepared.warning is not None)


def test_nothing_is_changed_in_place() -> None:
    grey = page(hand(4, 1))
    before = grey.copy()
    prepare(grey)
    np.testing.assert_array_equal(grey, before)


@pytest.mark.parametrize("kind", ["font", "strokes"])
def test_hardly_any_picture_is_refused(kind: str) -> None:
    refused = [
        case.name
        for case in cases(20, 7, kind)
        if prepare(np.asarray(case.picture.convert("L"), np.float32) / np.float32(255)).image is None
    ]
    assert len(refused) <= 1, refused


def test_drawn_digits_are_seeded_and_balanced() -> None:
    images, labels = synthetic_digits(20, 3)
    again, _ = synthetic_digits(10, 3)
    other, _ = synthetic_digits(10, 4)
    assert images.shape == (20, 200, 200)
    assert np.bincount(labels).tolist() == [2] * 10
    np.testing.assert_array_equal(images[:10], again)
    assert not np.array_equal(again, other)


@pytest.mark.slow
@pytest.mark.skipif(mnist() is None, reason="MNIST_TUNE_DATA is not set")
def test_enlarged_mnist_digits_come_back_as_they_were() -> None:
    arrays = mnist()
    assert arrays is not None
    far = 0
    for image in arrays["x_train"][:200]:
        prepared = prepare(1 - np.pad(mnist_mask(image), 30).clip(0, 1).astype(np.float32)).image
        far += prepared is None or difference_but_for_a_pixel(prepared, image) > 13
    assert far <= 6
