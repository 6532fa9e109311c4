"""`python -m benchmarks.photographs FOLDER`: a search of photographs here and by plain Keras Tuner, with the same processor time.

Both have the folder's training and validation pictures at one size and at most 20,000 parameters. Ours is the command with
its default options, report included. Keras Tuner then searches a network as its guides build them (`GuideSpace`), by
Hyperband over and over, until it has used as much processor time; the model of its best trial, as it was trained, meets
the test pictures once. Processor time, so that other work on the machine favours neither. FOLDER has a sub-folder a
class, under train/, validation/ and test/.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import RESULTS, ROOT, conditions
from tuner.core.records import Json
from tuner.data.dataset import Dataset, load_dataset
from tuner.data.picture_options import PictureOptions
from tuner.stats.intervals import wilson_interval
from tuner.stats.metrics import balanced_accuracy

# Keras and Keras Tuner have no types: models and tuners are `Any` here.

RESULT = RESULTS / "photographs.json"
SPACE, MAX_PARAMS, SIDE = "compact20k", 20_000, 32
_FOR_EVER = 10**6


class TimeUp(Exception):
    """The error raised when the processor time is used up."""


def search_with_keras_tuner(folder: str, side: int, cpu_s: float, out: Path) -> Json:
    """Search by `keras_tuner.Hyperband` within a processor time; return the figures of its best trial's model."""
    began = time.monotonic()
    import keras
    import keras_tuner

    class GuideSpace(keras_tuner.HyperModel):  # type: ignore[misc]
        """Three convolutions with pooling, at most 19,914 parameters, as in the guides of Keras and Keras Tuner."""

        def build(self, hp: Any) -> Any:
            image = keras.Input((side, side, 3))
            x = keras.layers.Rescaling(1 / 255)(image)
            x = keras.layers.RandomFlip("horizontal")(x)
            x = keras.layers.RandomRotation(hp.Float("rotation", 0.0, 0.1, step=0.05))(x)
            for number in (1, 2, 3):
                x = keras.layers.Conv2D(hp.Int(f"filters_{number}", 8, 32, step=8), 3, padding="same")(x)
                if hp.Boolean("batch_norm"):
                    x = keras.layers.BatchNormalization()(x)
                x = keras.layers.Activation(hp.Choice("activation", ["relu", "gelu"]))(x)
                x = keras.layers.MaxPooling2D()(x)
            x = keras.layers.GlobalAveragePooling2D()(x)
            x = keras.layers.Dropout(hp.Float("dropout", 0.0, 0.4, step=0.1))(x)
            model = keras.Model(image, keras.layers.Dense(data.classes, activation="softmax")(x))
            rate = hp.Float("learning_rate", 3e-4, 1e-2, sampling="log")
            model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
            return model

        def fit(self, hp: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
            return model.fit(*args, batch_size=hp.Choice("batch_size", [32, 64, 128]), **kwargs)

    class Timed(keras_tuner.Hyperband):  # type: ignore[misc]
        def on_trial_begin(self, trial: Any) -> None:
            if time.process_time() > cpu_s:
                raise TimeUp
            super().on_trial_begin(trial)

    data = _data(folder, side)
    keras.utils.set_random_seed(1)
    tuner = Timed(
        GuideSpace(),
        objective="val_accuracy",
        max_epochs=15,
        factor=3,
        hyperband_iterations=_FOR_EVER,
        seed=1,
        directory=out,
        project_name="keras-tuner",
    )
    with contextlib.suppress(TimeUp):
        tuner.search(data.x_train, data.y_train, validation_data=(data.x_validation, data.y_validation), verbose=0)
    seconds, used = time.monotonic() - began, time.process_time()
    (best,) = tuner.oracle.get_best_trials(1)
    model = tuner.load_model(best)
    probabilities = model.predict(data.x_test, verbose=0)
    figures = _figures(probabilities, data)
    parameters = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    return {
        **figures,
        "parameters": parameters,
        "val_accuracy": float(best.score),
        "trials": len(tuner.oracle.trials),
        "seconds": seconds,
        "cpu_s": used,
    }


def search_here(folder: str, side: int, out: Path, options: Sequence[str] = ()) -> Json:
    """Run the command; return the figures of its result.json, and the processor time of it and of its workers."""
    began, before = time.monotonic(), _children_s()
    words = ["--space", SPACE, "--max-params", MAX_PARAMS, "--data", folder, "--image-size", side, "--quiet"]
    _run("mnist_tune", [*words, "--out", out / "run", *options])
    used = _children_s() - before
    result = json.loads((out / "run" / "result.json").read_bytes())
    test = result["test"]
    data = json.loads((out / "run" / "run.json").read_bytes())["data"]
    lines = (out / "run" / "trials.jsonl").read_text(encoding="utf-8").splitlines()
    trials = sum(json.loads(line)["event"] == "finished" for line in lines)
    exported = round(test["n"] - test["errors"])
    return {
        "accuracy": exported / test["n"],
        "ci95": list(wilson_interval(exported, test["n"])),
        "balanced_accuracy": test.get("balanced_accuracy"),
        "mean_over_seeds": test["accuracy"],
        "sd": test["sd"],
        "per_seed": test["per_seed"],
        "n": test["n"],
        "parameters": result["parameters"],
        "val_accuracy": result["validation"]["mean"],
        "val_per_seed": result["validation"]["per_seed"],
        "trials": trials,
        "seconds": time.monotonic() - began,
        "cpu_s": used,
        "splits": {name: data[name] for name in ("train", "validation", "test")},
    }


def _children_s() -> float:
    """Return the processor seconds, user and system, of the processes that this one started and that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _data(folder: str, side: int) -> Dataset:
    return load_dataset(folder, validation=0.1, seed=1, pictures=PictureOptions(size=(side, side)))


def _figures(probabilities: Any, data: Dataset) -> Json:
    answers = np.asarray(probabilities).argmax(axis=1)
    right = int((answers == data.y_test).sum())
    n = len(data.y_test)
    return {
        "accuracy": right / n,
        "ci95": list(wilson_interval(right, n)),
        "balanced_accuracy": balanced_accuracy(data.y_test, answers),
        "n": n,
    }


def _run(module: str, words: Sequence[object]) -> None:
    command = [sys.executable, "-m", module, *map(str, words)]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write and print the result; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.photographs", description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--side", type=int, default=SIDE)
    parser.add_argument("--options", default="", help="of our command, in one word, such as --options=--max-epochs=9")
    parser.add_argument("--keep", type=Path, help="a folder in which the run stays")
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--peer", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--cpu-s", type=float, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.peer is not None:
        figures = search_with_keras_tuner(given.folder, given.side, given.cpu_s, given.peer)
        (given.peer / "figures.json").write_text(json.dumps(figures), encoding="utf-8")
        return 0
    before = conditions()
    with tempfile.TemporaryDirectory() as place:
        ours = search_here(given.folder, given.side, given.keep or Path(place), given.options.split())
        words = [given.folder, "--side", given.side, "--cpu-s", ours["cpu_s"], "--peer", place]
        _run("benchmarks.photographs", words)
        peer = json.loads((Path(place) / "figures.json").read_bytes())
    splits = ours.pop("splits")
    rows = {"mnist-tune": ours, "Keras Tuner": peer}
    task = {"folder": Path(given.folder).name, "side": given.side, "options": given.options, "max_params": MAX_PARAMS}
    given.out.write_text(
        json.dumps({**before, **task, "splits": splits, "rows": rows}, indent=1) + "\n", encoding="utf-8"
    )
    for name, row in rows.items():
        low, high = row["ci95"]
        sys.stdout.write(
            f"{name}: {row['accuracy']:.2%} [{low:.2%}, {high:.2%}] of {row['n']} test pictures, {row['parameters']:,} parameters, "
            f"{row['trials']} trials, {row['cpu_s']:.0f} s of processor time\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
