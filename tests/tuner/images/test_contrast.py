"""Parts of the contrast of ink with paper that are the same as a library's slower ones."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from tuner.images.digits.contrast import _local_median


@pytest.mark.parametrize("shape", [(64, 64), (64, 23), (1, 5), (9, 64), (3, 3)])
@pytest.mark.parametrize("window", [3, 4, 25, 26])
def test_the_local_median_is_scipy_s(shape: tuple[int, int], window: int) -> None:
    picture = np.random.default_rng(1).random(shape, np.float32).round(1)
    expected = ndimage.median_filter(picture, window, mode="nearest")
    np.testing.assert_array_equal(_local_median(picture, window), expected)
