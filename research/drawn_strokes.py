"""`python -m research.drawn_strokes`: synthetic digits in the training set, and accuracy on ones with a long upstroke.

Such ones are rare in MNIST, and networks may classify them as 7. Three arms train one network with the same seeds: on
MNIST alone, with synthetic ones of that style, and with synthetic digits of all classes. Each is validated on MNIST's
images and on further synthetic ones with a long upstroke. Needs `MNIST_TUNE_DATA`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import RESULTS
from search_spaces.families.registry import find_reference
from tuner.core.machine import cpu_cores
from tuner.core.records import Json
from tuner.data.dataset import Dataset, load_dataset, save_arrays
from tuner.images.digits.preparation import prepare
from tuner.images.digits.strokes import LONG_UPSTROKE, draw_digit, synthetic_styles
from tuner.processes.tasks import SpaceRef, TrainTask
from tuner.workers.local import LocalWorkers

RESULT = RESULTS / "drawn-strokes.json"
NETWORK, EPOCHS, SAMPLES, SEEDS = "head-7752", 8, 12_000, (1, 2, 3, 4)
ARMS = {"MNIST alone": (0, 0), "with 240 ones with a long upstroke": (240, 0), "with 1,200 drawn digits": (0, 1_200)}
"""Arm → numbers of synthetic ones with a long upstroke, and of synthetic digits of all classes, in the training set."""
_TRAIN_SEED, _TEST_SEED = 100, 200
_TESTED = 400

Images = NDArray[np.uint8]


def drawn(count: int, seed: int, *, upstrokes: bool) -> tuple[Images, NDArray[np.int64]]:
    """Return prepared synthetic digits (n, 28, 28) and labels: all classes, or ones with a long upstroke."""
    images: list[Images] = []
    labels: list[int] = []
    for number in _numbers(seed, upstrokes):
        if len(images) == count:
            break
        label = number % 10
        prepared = prepare(np.asarray(draw_digit(label, np.random.default_rng([seed, number])) / 255, np.float32)).image
        if prepared is not None:
            images.append(prepared)
            labels.append(label)
    return np.array(images, np.uint8).reshape(-1, 28, 28), np.array(labels, np.int64)


def _numbers(seed: int, upstrokes: bool) -> Iterator[int]:
    """Yield the numbers of a seed's synthetic digits."""
    styles = synthetic_styles(20_000, seed)
    yield from (number for number, style in enumerate(styles) if not upstrokes or style == LONG_UPSTROKE)


def mixed(data: Dataset, ones: int, digits: int) -> Dataset:
    """Return a data set with synthetic images after its training images."""
    added = [drawn(ones, _TRAIN_SEED, upstrokes=True), drawn(digits, _TRAIN_SEED + 1, upstrokes=False)]
    return replace(
        data,
        x_train=np.concatenate([data.x_train, *(images for images, _ in added)]),
        y_train=np.concatenate([data.y_train, *(labels for _, labels in added)]),
    )


def measure(arm: str, data: Dataset, tested: Images, folder: Path) -> list[Json]:
    """Train an arm with each seed; return its accuracies."""
    space, reference = find_reference(NETWORK)
    ref = SpaceRef(name=space, max_params=None, max_macs=None, classes=10)
    save_arrays(mixed(data, *ARMS[arm]), folder / "data")
    keep = {f"{seed}": folder / f"{seed}" for seed in SEEDS}
    with LocalWorkers(cpu_cores(), folder / "data", folder / "logs") as pool:
        for name, path in keep.items():
            values = dict(reference.values)
            pool.submit(
                TrainTask(id=name, space=ref, configuration=values, epochs=EPOCHS, seed=int(name), keep=str(path))
            )
        ended: dict[str, Any] = {}
        while len(ended) < len(keep):
            event = pool.next_event(600)
            if event is not None and event.kind != "epoch":
                ended[event.task] = event
    import keras

    rows = []
    for name, path in keep.items():
        model = keras.models.load_model(path.with_suffix(".keras"), compile=False)
        read = model.predict(tested, verbose=0).argmax(axis=1)
        accuracy = float(ended[name].body["val_accuracy"])
        rows.append(
            {
                "seed": int(name),
                "mnist": accuracy,
                "upstroke": float((read == 1).mean()),
                "as_7": float((read == 7).mean()),
            }
        )
    return rows


def main() -> int:
    """Measure the arms and write the result; return the exit code."""
    argparse.ArgumentParser(prog="python -m research.drawn_strokes", description=__doc__).parse_args()
    data = load_dataset("mnist", validation=0.2, seed=1, train_samples=SAMPLES)
    tested, _ = drawn(_TESTED, _TEST_SEED, upstrokes=True)
    arms: Json = {}
    for arm in ARMS:
        with tempfile.TemporaryDirectory() as folder:
            arms[arm] = measure(arm, data, tested, Path(folder))
        means = {key: statistics.mean(one[key] for one in arms[arm]) for key in ("mnist", "upstroke", "as_7")}
        sys.stdout.write(f"{arm}: " + ", ".join(f"{key} {value:.2%}" for key, value in means.items()) + "\n")
    document = {"network": NETWORK, "epochs": EPOCHS, "images": SAMPLES, "tested": len(tested), "arms": arms}
    RESULT.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
