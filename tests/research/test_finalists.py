"""What more finalists and folds are worth: limits that are known without drawing."""

from __future__ import annotations

import numpy as np
import pytest

from research.finalists import Noise, gain

TOPS = (1, 2, 8)
QUIET = Noise(images=0.0, seed=0.0)


@pytest.mark.parametrize("folds", [False, True])
def test_without_noise_the_best_of_eight_always_wins(folds: bool) -> None:
    # Of eight standard normal draws the largest is 1.4236 in the mean.
    np.testing.assert_allclose(gain(1.0, TOPS, folds=folds, noise=QUIET), 1.4236, atol=0.02)


def test_one_finalist_is_what_the_search_saw() -> None:
    noise = Noise(images=0.6, seed=0.8)
    expected = 1.4236 / np.sqrt(1 + 0.6**2 + 0.8**2)
    for folds in (False, True):
        np.testing.assert_allclose(gain(1.0, (1,), folds=folds, noise=noise), expected, atol=0.02)


def test_what_images_favour_is_seen_through_by_other_images_only() -> None:
    noise = Noise(images=1.0, seed=0.0)
    one, two, all_of_them = gain(1.0, TOPS, folds=False, noise=noise)
    assert one == two == all_of_them
    one, two, all_of_them = gain(1.0, TOPS, folds=True, noise=noise)
    assert one + 0.1 < two < all_of_them
