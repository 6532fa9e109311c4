"""Folders of pictures with a sub-folder a class: small, of noise, right and wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

CLASSES = ("ant", "bee", "cat")
COUNTS = {"ant": 14, "bee": 10, "cat": 11}


def noise(seed: int, size: tuple[int, int] = (12, 10), *, colour: bool = True) -> Image.Image:
    """Return a picture of noise; `size`: height and width."""
    shape = (*size, 3) if colour else size
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))


def write_classes(
    folder: Path,
    counts: Mapping[str, int] = COUNTS,
    *,
    sizes: Sequence[tuple[int, int]] = ((12, 10),),
    colour: bool = True,
    suffix: str = ".png",
    first: int = 0,
    **settings: Any,
) -> Path:
    """Write a sub-folder a class, with pictures numbered from `first` that cycle through the sizes; `settings`: of `Image.save`."""
    number = first
    for name, count in counts.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for _ in range(count):
            noise(number, sizes[number % len(sizes)], colour=colour).save(
                folder / name / f"{number}{suffix}", **settings
            )
            number += 1
    return folder


def write_splits(
    folder: Path,
    *,
    train: str = "train",
    validation: str | None = "validation",
    test: str | None = "test",
    **settings: Any,
) -> Path:
    """Write the three splits, each with a sub-folder a class; no picture is in two of them."""
    write_classes(folder / train, **settings)
    for first, name in ((1000, validation), (2000, test)):
        if name is not None:
            write_classes(folder / name, {"ant": 3, "bee": 2, "cat": 2}, first=first, **settings)
    return folder
