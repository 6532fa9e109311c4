"""The table of boards, its caps, and the guess of latency."""

from __future__ import annotations

import pytest

from search_spaces.networks.boards import BOARDS, RUNTIME_CODE_BYTES, find_board
from search_spaces.networks.costs import LayerSummary
from search_spaces.networks.latency import guess_latency


def test_the_caps_leave_a_quarter_and_the_interpreter() -> None:
    board = find_board("rp2040")
    assert board.max_ram == 264 * 1024 * 3 // 4
    assert board.max_flash == 2048 * 1024 * 3 // 4 - RUNTIME_CODE_BYTES


def test_a_board_without_room_for_the_interpreter_has_no_flash() -> None:
    assert BOARDS["ch32v003"].max_flash == 0


@pytest.mark.parametrize("board", BOARDS.values(), ids=lambda board: board.name)
def test_every_board_names_its_source(board: object) -> None:
    assert ": " in getattr(board, "source", "")


@pytest.mark.parametrize(("name", "meant"), [("rp2041", "rp2040"), ("RP2040", "rp2040"), ("nrf52", "nrf52840")])
def test_an_unknown_board_is_named_with_the_nearest(name: str, meant: str) -> None:
    with pytest.raises(ValueError, match=f"Did you mean '{meant}'"):
        find_board(name)


def layer(kind: str, multiply_adds: int) -> LayerSummary:
    return LayerSummary(f"{kind}_1", kind, (1, 1, 1), 1, multiply_adds)


def test_a_guess_is_cycles_over_the_clock() -> None:
    # 1.4 to 8 cycles at 64 MHz.
    guess = guess_latency([layer("conv", 640_000), layer("pool", 0)], find_board("nrf52840"))
    assert guess == pytest.approx((14.0, 80.0))


def test_kinds_and_cores_differ() -> None:
    board = find_board("nrf52840")
    assert guess_latency([layer("separable_conv", 640_000)], board) == pytest.approx((14.0, 160.0))
    assert guess_latency([layer("conv", 133_000)], find_board("rp2040")) == pytest.approx((4.0, 16.0))
    assert guess_latency([], board) == (0.0, 0.0)
