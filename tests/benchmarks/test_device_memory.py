"""The estimates of RAM and flash against TFLM's interpreter and the files."""

from __future__ import annotations

import json

import pytest

from benchmarks import device_memory
from benchmarks.device_memory import Measured, measure, table
from search_spaces.networks.memory import network_memory
from search_spaces.networks.notation import parse
from search_spaces.networks.specs import activation_of

ROW = Measured("compact8k", "C8 GAP D10", "relu", 200, 1100, 1000, 2080, 2000)


def test_errors_are_shares_of_the_truth() -> None:
    assert ROW.ram_error == pytest.approx(0.1)
    assert ROW.flash_error == pytest.approx(0.04)


def test_the_table_says_how_many_are_below() -> None:
    below = Measured("compact8k", "C8 GAP D10", "gelu", 200, 900, None, 1900, 2000)
    printed = table([ROW, below])
    assert "| RAM, the arena | 1 | 10.00 | 10.00 | 10.00 | 0 |" in printed
    assert "| flash, the file | 2 | -0.50 | -5.00 | 4.00 | 1 |" in printed


def test_what_is_kept_is_within_a_tenth_and_never_below() -> None:
    kept = json.loads(device_memory.RESULT.read_text(encoding="utf-8"))
    rows = [Measured(**row) for row in kept["rows"]]
    assert len(rows) >= 100
    assert {row.space for row in rows} == set(device_memory.SPACES)
    errors = [row.flash_error for row in rows] + [row.ram_error for row in rows if row.ram_error is not None]
    assert min(errors) >= 0
    assert max(errors) <= 0.1


def test_the_formulas_still_give_the_estimates_that_are_kept() -> None:
    kept = json.loads(device_memory.RESULT.read_text(encoding="utf-8"))
    rows = [Measured(**row) for row in kept["rows"]]
    estimates = [network_memory(parse(row.network, activation_of({"activation": row.activation}))) for row in rows]
    assert [(estimate.ram, estimate.flash) for estimate in estimates] == [(row.ram, row.flash) for row in rows]


@pytest.mark.slow
@pytest.mark.parametrize("image_shape", [(28, 28), (32, 32, 3)], ids=["mnist", "colour"])
def test_estimates_are_within_a_tenth_and_never_below(image_shape: tuple[int, ...]) -> None:
    pytest.importorskip("tflite_micro")
    rows = measure(("compact8k", "compact2k", "micro1k", "dense"), 4, 11, image_shape)
    errors = [row.flash_error for row in rows] + [row.ram_error for row in rows if row.ram_error is not None]
    assert len(errors) > len(rows)
    assert min(errors) >= 0
    assert max(errors) <= 0.1
