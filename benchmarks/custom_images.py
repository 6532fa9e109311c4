"""`python -m benchmarks.custom_images MODEL [--test]`: accuracy on user images, with and without preparation.

The digits are of MNIST's training set, on which the preparation was tuned; `--test` takes the test set's, once, for the
documentation. Needs `MNIST_TUNE_DATA`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mnist_tune.prediction.loaded_model import load, model_of
from tests.kit.handwriting import cases, mnist, mnist_mask, on_tables
from tuner.core.errors import MnistTuneError, UsageError
from tuner.core.records import Json
from tuner.images.digits.contrast import Grey
from tuner.images.digits.preparation import prepare
from tuner.images.prediction import Classify
from tuner.stats.intervals import wilson_interval

RESULT = Path(__file__).parent / "results" / "custom-images.json"
ENLARGED, PAGES, TABLES, SEED = 1000, 300, 100, 11
_MARGIN_PX = 40

Labelled = Iterable[tuple[Grey, int]]


def main(words: Sequence[str] | None = None) -> int:
    """Measure and write the result; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a run's folder, a .keras file or a SavedModel's folder")
    parser.add_argument("--test", action="store_true", help="take MNIST's test digits")
    parser.add_argument(
        "--tables", action="store_true", help="only sheets that lie on a dark table; nothing is written"
    )
    parser.add_argument("--out", type=Path, default=RESULT)
    given = parser.parse_args(words)
    try:
        classify = load(model_of(Path(given.model))).classify
        if given.tables:
            sys.stdout.write(f"{json.dumps(tables(classify))}\n")
            return 0
        result = measure(classify, "test" if given.test else "train")
    except MnistTuneError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    given.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"{json.dumps(result['kinds'], indent=1)}\nWrote {given.out}\n")
    return 0


def measure(classify: Classify, split: str) -> Json:
    """Return the accuracy on every kind of image, with and without preparation."""
    arrays = mnist()
    if arrays is None:
        raise UsageError("MNIST is unavailable. Expected MNIST_TUNE_DATA to name its mnist.npz.")
    images, labels = arrays[f"x_{split}"][:ENLARGED], arrays[f"y_{split}"][:ENLARGED].astype(np.int64)
    kinds = {
        "MNIST enlarged, black on white": list(enlarged(images, labels)),
        "MNIST on pages": list(_pages("mnist", (images, labels))),
        "fonts on pages": list(_pages("font")),
        "strokes on pages": list(_pages("strokes")),
    }
    untouched = int((classify(images).argmax(axis=1) == labels).sum())
    rows = {
        name: {"prepared": _prepared(classify, kind), "only scaled": _scaled(classify, kind)}
        for name, kind in kinds.items()
    }
    return {
        "mnist_split": split,
        "seed": SEED,
        "untouched": _share(untouched, len(labels)),
        "kinds": rows,
    }


def tables(classify: Classify) -> Json:
    """Return the accuracy on sheets of light paper on a dark table."""
    pictures = (
        (np.asarray(case.picture.convert("L"), np.float32) / np.float32(255), case.label)
        for case in on_tables(TABLES, SEED)
    )
    return _prepared(classify, list(pictures))


def enlarged(images: NDArray[np.uint8], labels: NDArray[np.int64]) -> Labelled:
    """Return digits enlarged eight times, cropped, black on a white page with a margin."""
    for image, label in zip(images, labels, strict=True):
        ink = np.pad(mnist_mask(image), _MARGIN_PX).clip(0, 1)
        yield (1 - ink).astype(np.float32), int(label)


def _pages(kind: str, digits: tuple[NDArray[np.uint8], NDArray[np.int64]] | None = None) -> Labelled:
    for case in cases(PAGES, SEED, kind, digits):
        yield np.asarray(case.picture.convert("L"), np.float32) / np.float32(255), case.label


def _prepared(classify: Classify, kind: list[tuple[Grey, int]]) -> Json:
    prepared = [(prepare(grey).image, label) for grey, label in kind]
    classified = [(image, label) for image, label in prepared if image is not None]
    right = _right(classify, [image for image, _ in classified], [label for _, label in classified])
    return {**_share(right, len(kind)), "not_classified": len(kind) - len(classified)}


def _scaled(classify: Classify, kind: list[tuple[Grey, int]]) -> Json:
    """Return an image without preparation: scaled to 28×28, the lighter side as paper."""
    images = []
    for grey, _ in kind:
        small = np.asarray(Image.fromarray(grey).resize((28, 28), Image.Resampling.BOX))
        ink = 1 - small if np.median(small) > 0.5 else small
        images.append(np.rint(255 * ink).astype(np.uint8))
    return _share(_right(classify, images, [label for _, label in kind]), len(kind))


def _right(classify: Classify, images: Sequence[NDArray[np.uint8]], labels: Sequence[int]) -> int:
    return int((classify(np.stack(images)).argmax(axis=1) == np.array(labels)).sum()) if images else 0


def _share(right: int, n: int) -> Json:
    return {"n": n, "right": right, "accuracy": right / n, "accuracy_ci95": list(wilson_interval(right, n))}


if __name__ == "__main__":
    sys.exit(main())
