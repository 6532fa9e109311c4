"""A small digit on a large page."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.kit.handwriting import FONTS, font_mask


def small_digit(label: int, height: int) -> NDArray[np.float32]:
    mask = font_mask(label, FONTS[0], 100)
    size = (max(1, round(mask.shape[1] * height / mask.shape[0])), height)
    return np.asarray(Image.fromarray(mask.astype(np.float32)).resize(size, Image.Resampling.BOX)).clip(0, 1)
