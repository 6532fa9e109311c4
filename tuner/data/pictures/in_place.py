"""Taking images out of an array without a second copy of the others: where a set is split, memory holds its images once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_CHUNK = 1024
"""Images that are moved at a time."""


def keep_in_place(images: NDArray[Any], kept: NDArray[np.int64]) -> NDArray[Any]:
    """Return some images of an array, moved to its beginning; what the array held at other places is lost.

    Fewer than half of them, and those of an array that can't be written, are copied instead.

    Args:
        images: (n, …), which nobody uses afterwards.
        kept: indices of those that are returned, ascending, each once.
    """
    if not images.flags.writeable or 2 * len(kept) < len(images):
        return images[kept]
    for start in range(0, len(kept), _CHUNK):
        part = kept[start : start + _CHUNK]
        # The indices ascend, so no image is overwritten before it has moved.
        images[start : start + len(part)] = images[part]
    return images[: len(kept)]
