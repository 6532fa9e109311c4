"""Figures that a reader saves from the page: SVG with colours in it, PNG at twice its size."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from PIL import Image

from tests.kit.browser import PHONE, Watched, opened


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_figure_is_saved_in_the_pages_colours(browser: Any, full_page: Path, scheme: str) -> None:
    with opened(browser, full_page, color_scheme=scheme, accept_downloads=True) as view:
        view.js("choose('0002')")
        figure = view.page.locator('figure:has(svg[data-figure="pareto"])')
        figure.hover()
        with view.page.expect_download() as waiting:
            figure.locator(".save button").first.click()
        assert waiting.value.suggested_filename == "pareto.svg"
        text = Path(waiting.value.path()).read_text(encoding="utf-8")
        root = ElementTree.fromstring(text)
        assert "var(" not in text
        assert "lifted" not in text
        paper = {"light": "#fff", "dark": "#15171a"}[scheme]
        assert root[0].get("fill") == paper
        with view.page.expect_download() as waiting:
            figure.locator(".save button").nth(1).click()
        with Image.open(io.BytesIO(Path(waiting.value.path()).read_bytes())) as picture:
            assert picture.size == (2 * int(root.get("width") or 0), 2 * int(root.get("height") or 0))
            pixels = picture.convert("RGB")
            assert pixels.getpixel((0, 0)) == {"light": (255, 255, 255), "dark": (21, 23, 26)}[scheme]
            assert len(pixels.getcolors(1 << 20) or []) > 20
        assert (view.said, view.asked) == ([], [])


def test_figures_are_saved_by_keyboard_from_the_list(browser: Any, full_page: Path) -> None:
    with opened(browser, full_page, accept_downloads=True, viewport=PHONE) as view:
        choice = view.page.locator(".save-list select")
        assert choice.locator("option").count() == view.js("savable.length")
        choice.select_option(index=1)
        button = view.page.locator(".save-list button").first
        button.focus()
        with view.page.expect_download() as waiting:
            view.page.keyboard.press("Enter")
        assert (
            waiting.value.suggested_filename
            == view.js("savable[1].querySelector('svg.figure').dataset.figure") + ".svg"
        )


@pytest.fixture(scope="module")
def shared(browser: Any, full_page: Path) -> Iterator[Watched]:
    """The page for tests that only look at it, since opening it is what takes the time."""
    with opened(browser, full_page) as view:
        yield view


def test_what_is_not_shown_is_not_saved(shared: Watched) -> None:
    """A slice holds the trials of all lengths: the file has those that the reader sees."""
    marks = "new DOMParser().parseFromString(svgText(document.querySelector('svg[data-figure=slice-0]')), 'text/xml').querySelectorAll('[data-trial]').length"
    shown = "all('svg[data-figure=slice-0] .mark[data-trial]').filter((one) => one.getClientRects().length).length"
    every = shared.js("all('svg[data-figure=slice-0] .mark[data-trial]').length")
    assert shared.js(marks) == shared.js(shown)
    assert 0 < shared.js(shown) < every


def test_what_only_records_is_folded_and_an_address_unfolds_it(browser: Any, full_page: Path) -> None:
    with opened(browser, full_page) as view:
        folded = "all('main > section').filter((one) => one.querySelector(':scope > details.fold:not([open])')).map((one) => one.id)"
        assert view.js(folded) == ["weights", "data", "failures", "model-card", "reproduce"]
        view.page.click('.contents a[href="#data"]')
        assert "data" not in view.js(folded)
        assert view.js("location.hash") == "#data"
        groups = view.page.locator(".contents .group").all_text_contents()
        assert groups == ["Search", "Model", "Record"]
    with opened(browser, full_page, "#model-card") as view:
        assert "model-card" not in view.js(folded)


@pytest.mark.parametrize("width", [390, 768])
def test_below_1200_px_the_contents_are_a_bar_that_stays(shared: Watched, width: int) -> None:
    shared.page.set_viewport_size({"width": width, "height": 844})
    shared.js("document.getElementById('confusion').scrollIntoView()")
    shared.page.wait_for_function("document.querySelector('.contents [aria-current]').hash === '#confusion'")
    box = shared.page.locator(".contents").bounding_box()
    assert box is not None
    assert abs(box["y"]) <= 1
    assert 36 <= box["height"] <= 52
    here = shared.page.locator(".contents [aria-current]").bounding_box()
    assert here is not None
    assert here["x"] >= 0
    assert here["x"] + here["width"] <= width
    heading = shared.page.locator("#confusion-title").bounding_box()
    assert heading is not None
    assert heading["y"] > box["height"]


def test_a_finger_beside_a_mark_chooses_it(browser: Any, full_page: Path) -> None:
    with opened(browser, full_page, viewport=PHONE, has_touch=True) as view:
        view.page.locator('svg[data-figure="pareto"]').scroll_into_view_if_needed()
        marks = view.page.locator('svg[data-figure="pareto"] circle.mark[data-trial]').all()
        boxes = [box for mark in marks if (box := mark.bounding_box()) is not None]
        box = next(box for box in boxes if box["x"] < 350)
        view.page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2 + 12)
        assert view.js("state.chosen") != ""


@pytest.mark.parametrize("width", [390, 1440])
def test_texts_of_figures_can_be_read(shared: Watched, width: int) -> None:
    shared.page.set_viewport_size({"width": width, "height": 844})
    sizes = shared.js(
        "all('main figure svg.figure text').filter((one) => one.checkVisibility() && one.textContent.trim()).map((one) => parseFloat(getComputedStyle(one).fontSize) * Math.hypot(one.getScreenCTM().a, one.getScreenCTM().b))"
    )
    assert sizes
    assert min(sizes) >= (11.5 if width == 390 else 9)
