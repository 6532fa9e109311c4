"""Ink and paper in a grey picture. No files, no model.

Paper is what a grey closing leaves of the picture (Serra 1982), so that light may fall on it unevenly, and a shadow may have a sharp
edge; ink is where less light comes back than its paper gives.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

Grey: TypeAlias = NDArray[np.float32]
"""(h, w) in [0, 1]."""
Mask: TypeAlias = NDArray[np.bool_]

FAINTEST = 0.2
"""The least contrast of ink with its paper, as a fraction of the paper's light."""
_DARKEST = 0.05
"""Paper with less light than this gives no contrast."""
_NOISES = 5.0
"""The least contrast of ink in standard deviations of the noise."""
_COARSE = 64
"""The side in pixels at which the paper's light is estimated: noise is averaged out there."""
_MIDDLE = 0.4
"""The side of the median's window, over the picture's longer side: most of such a window is paper."""
_MOST_INK = 0.5
"""The largest fraction of a picture that is ink: more is paper between many small digits."""
BROADEST = 0.3
"""Every stroke is narrower than this fraction of the picture's longer side."""


def ink_contrast(grey: Grey) -> Grey | None:
    """Return each pixel's contrast with its paper, in [0, 1]; None where no contrast exceeds the noise.

    For dark ink it is the fraction of the paper's light that is missing; for bright ink, the light that is added. Where
    the likelier of the two is missing, or fills the picture, the other is returned: a shadow may look like either.
    """
    small = coarse(grey, _COARSE)
    middle = _local_median(small, max(3, round(_MIDDLE * max(small.shape))))
    dark = float(((small - middle) ** 3).sum()) <= 0
    likely = _contrast(grey, small, middle, dark=dark)
    if likely is not None and float((likely > 0.5 * likely.max()).mean()) <= _MOST_INK:
        return likely
    other = _contrast(grey, small, middle, dark=not dark)
    return likely if other is None else other


def _local_median(small: Grey, window: int) -> Grey:
    """Return `scipy.ndimage.median_filter(small, window, mode="nearest")`, in a quarter of its time for wide windows."""
    padded = np.pad(small, (window // 2, window - 1 - window // 2), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (window, window)).reshape(*small.shape, -1)
    middle = window * window // 2
    return np.asarray(np.partition(windows, middle, axis=-1)[..., middle])


def _contrast(grey: Grey, small: Grey, middle: Grey, *, dark: bool) -> Grey | None:
    if dark:
        paper = _enlarged(_closed(small, middle), grey.shape)
        contrast: Grey = np.clip((paper - grey) / np.maximum(paper, _DARKEST), 0, 1).astype(np.float32)
    else:
        paper = 1 - _enlarged(_closed(1 - small, 1 - middle), grey.shape)
        contrast = np.clip(grey - paper, 0, 1).astype(np.float32)
    strongest = float(ndimage.uniform_filter(contrast, min(3, *grey.shape)).max())
    return contrast if strongest > max(FAINTEST, _NOISES * _noise(contrast)) else None


def coarse(grey: Grey, longer_px: int) -> Grey:
    """Return a picture reduced to `longer_px` pixels on its longer side; each pixel is a mean."""
    height, width = grey.shape
    factor = min(1.0, longer_px / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BOX), np.float32)


def _enlarged(small: Grey, shape: tuple[int, ...]) -> Grey:
    return np.asarray(Image.fromarray(small).resize((shape[1], shape[0]), Image.Resampling.BILINEAR), np.float32)


def _closed(small: Grey, middle: Grey) -> Grey:
    """Return the light of the paper: dark strokes are closed over, edges of shadows stay.

    The local median continues beyond the margin, because a slope would be cut off there otherwise.
    """
    window = max(3, round(BROADEST * max(small.shape)))
    rim = tuple(min(window, side - 1) for side in small.shape)
    beyond = np.pad(middle, [(side, side) for side in rim], mode="reflect", reflect_type="odd")
    beyond = np.clip(beyond, small.min(), small.max())
    inside = tuple(slice(side, side + length) for side, length in zip(rim, small.shape, strict=True))
    beyond[inside] = small
    closed = ndimage.grey_closing(beyond, size=(window, window), mode="nearest")[inside]
    # A shadow's edge is known to one coarse pixel only. Take the darker side, so that paper in shadow is not mistaken for ink.
    return np.asarray(ndimage.grey_erosion(closed, 3, mode="nearest"), np.float32)


def _noise(contrast: Grey) -> float:
    """Return the standard deviation of the noise, by differences of neighbours (Immerkær 1996, with a median)."""
    if min(contrast.shape) < 3:
        return 0.0
    kernel = np.array(((1, -2, 1), (-2, 4, -2), (1, -2, 1)), np.float32)
    rough = ndimage.convolve(contrast, kernel)[1:-1, 1:-1]
    return float(np.median(np.abs(rough))) / 0.6745 / 6
