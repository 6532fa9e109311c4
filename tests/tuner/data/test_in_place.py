"""Images that are taken out of an array: the values, and the memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from tests.kit.data_files import load
from tuner.data.pictures import in_place
from tuner.data.pictures.in_place import keep_in_place


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 0.9, 1.0])
def test_kept_images_are_those_of_the_indices(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_place, "_CHUNK", 7)
    images = np.random.default_rng(1).integers(0, 256, (100, 3, 4), np.uint8)
    kept = np.flatnonzero(np.random.default_rng(2).random(100) < share)
    expected = images[kept]
    np.testing.assert_array_equal(keep_in_place(images.copy(), kept), expected)


@pytest.mark.parametrize(("count", "shares"), [(90, True), (50, True), (49, False)])
def test_most_images_stay_in_their_memory_and_few_get_their_own(count: int, shares: bool) -> None:
    images = np.zeros((100, 3, 4), np.uint8)
    assert np.shares_memory(keep_in_place(images, np.arange(count) + 1), images) == shares


def test_what_can_t_be_written_is_copied() -> None:
    images = np.arange(20, dtype=np.uint8).reshape(10, 2)
    images.flags.writeable = False
    np.testing.assert_array_equal(keep_in_place(images, np.arange(1, 10)), images[1:])
    assert images[0].tolist() == [0, 1]


def test_a_set_that_is_split_twice_takes_its_memory_once(tmp_path: Path) -> None:
    images = np.random.default_rng(1).integers(0, 256, (6000, 28, 28), np.uint8)
    np.savez(tmp_path / "a.npz", images=images, labels=np.arange(6000) % 10)
    tracemalloc.start()
    load(tmp_path / "a.npz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.7 * images.nbytes
