"""`python -m benchmarks.custom_images MODEL [--test]`: how well people's own images are classified, with and without preparation.

MNIST's digits are those of the training set, on which the preparation was tuned; `--test` takes the test set's, for the
figures of the documentation, once. Needs `MNIST_TUNE_DATA`.
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
from tuner.images.contrast import Grey
from tuner.images.prediction import Classify
from tuner.images.preparation import prepare
from tuner.stats.intervals import wilson_interval

RESULT = Path(__file__).parent / "results" / "custom-images.json"
ENLARGED, PAGES, TABLES, SEED = 1000, 300, 100, 11
_MARGIN_PX = 40

Labelled = Iterable[tuple[Grey, int]]


def main(words: Sequence[str] | None = None) -> int:
    """Measure and writes the result; returns the exit code."""
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
    """Every kind of image, with and without the preparation."""
    arrays = mnist()
    if arrays is None:
        raise UsageError("MNIST is not to be had. Expected MNIST_TUNE_DATA to name its mnist.npz.")
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
    """Sheets of light paper that lie whole on a dark table."""
    found = (
        (np.asarray(case.picture.convert("L"), np.float32) / np.float32(255), case.label)
        for case in on_tables(TABLES, SEED)
    )
    return _prepared(classify, list(found))


def enlarged(images: NDArray[np.uint8], labels: NDArray[np.int64]) -> Labelled:
    """Digits eight times as large, cropped, black on a white page with a margin."""
    for image, label in zip(images, labels, strict=True):
        ink = np.pad(mnist_mask(image), _MARGIN_PX).clip(0, 1)
        yield (1 - ink).astype(np.float32), int(label)


def _pages(kind: str, digits: tuple[NDArray[np.uint8], NDArray[np.int64]] | None = None) -> Labelled:
    for case in cases(PAGES, SEED, kind, digits):
        yield np.asarray(case.picture.convert("L"), np.float32) / np.float32(255), case.label


def _prepared(classify: Classify, kind: list[tuple[Grey, int]]) -> Json:
    found = [(prepare(grey).image, label) for grey, label in kind]
    asked = [(image, label) for image, label in found if image is not None]
    right = _right(classify, [image for image, _ in asked], [label for _, label in asked])
    return {**_share(right, len(kind)), "not_classified": len(kind) - len(asked)}


def _scaled(classify: Classify, kind: list[tuple[Grey, int]]) -> Json:
    """Without the preparation: the whole picture as 28×28, its lighter side taken for paper."""
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
