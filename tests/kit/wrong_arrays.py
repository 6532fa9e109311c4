"""Arrays with values that no run has."""

from __future__ import annotations

from typing import Any

import numpy as np

WRONG_ARRAYS: tuple[Any, ...] = (
    np.zeros(()), np.zeros(0), np.zeros(1), np.zeros(7, np.int64), np.full(60, 10**6), np.full(90, -1), np.zeros((2, 3)),
    np.full((2, 3), np.nan), np.full((60, 3), np.inf), np.full((60, 3), np.nan), np.full((90, 3), -5.0), np.array("x"), np.array(["x"] * 3),
    np.array(["<b>\ud800\x00"] * 2), np.zeros((3, 3, 0)), np.zeros((1, 9)), np.zeros((4, 28, 28), np.uint8), np.zeros((5000, 1, 1)),
    np.zeros(3, bool), np.full((3, 3, 4), np.nan), np.full((3, 3, 4), 1e308),
)  # fmt: skip
