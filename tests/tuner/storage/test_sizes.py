"""Sizes of memory, and the caps that the options and a board give."""

from __future__ import annotations

import pytest

from tuner.core.errors import UsageError
from tuner.options.search_options import SearchOptions
from tuner.options.sizes import parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [("32768", 32768), ("32k", 32768), ("32K", 32768), ("32kB", 32768), ("32 KiB", 32768), ("1M", 2**20), ("1.5k", 1536)],
)  # fmt: skip
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "3x", "k", "-1k", "1e3", "32kk", "1G", "1,000", "٣k", "nan"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="Expected bytes such as 32768, 32k or 1M") as caught:
        parse_size(text)
    assert "\n" not in str(caught.value)


def options(**given: object) -> SearchOptions:
    return SearchOptions(space="compact8k", **given)  # type: ignore[arg-type]


def test_a_board_gives_both_caps_and_options_go_before_them() -> None:
    assert (options().ram_cap, options().flash_cap) == (None, None)
    board = options(board="nrf52840")
    assert (board.ram_cap, board.flash_cap) == (192 * 1024, 704 * 1024)
    assert options(board="nrf52840", max_ram=9000).ram_cap == 9000
    assert options(board="nrf52840", max_ram=9000).flash_cap == 704 * 1024


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"board": "rp2041"}, "Did you mean 'rp2040'"),
        ({"board": ""}, "Unknown board"),
        ({"board": 3}, "Expected a text"),
        ({"board": "ch32v003"}, "too small for TFLM"),
        ({"max_ram": 0}, "1 or more"),
        ({"max_flash": -1}, "1 or more"),
        ({"max_ram": 2**50}, "or less"),
        ({"max_ram": "32k"}, "a whole number"),
        ({"max_ram": True}, "a whole number"),
        ({"max_flash": 1.5}, "a whole number"),
    ],
)
def test_wrong_values_are_refused_in_one_line(given: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        options(**given)
    assert "\n" not in str(caught.value)


def test_a_small_board_takes_caps_of_its_own() -> None:
    assert options(board="ch32v003", max_flash=9000, max_ram=5000).flash_cap == 9000
