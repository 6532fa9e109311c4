"""`python -m research.batch_norm`: the time of BatchNormalization during training, in three arms.

The arms are Keras's operations, TensorFlow's fused kernel everywhere, and the shipped code
(`search_spaces.keras.fast_layers`: the kernel where it is fast, long rows elsewhere). First one layer is timed, forward
and backward, then random networks. The arms alternate in one process with a worker's environment: one thread. Images
are noise, which takes as long as digits.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from benchmarks.measuring import RESULTS, ROOT, conditions, geometric_mean
from search_spaces.families.family import Family
from search_spaces.families.registry import load_family
from search_spaces.hyperparameters.hyperparameter import Value
from search_spaces.networks.specs import Conv, SeparableConv
from tuner.core.records import Json
from tuner.processes.environment import worker_environment

# Keras and TensorFlow have no types: layers, models and tensors are `Any` here.

RESULT = RESULTS / "batch-norm.json"
SPACE, NETWORKS, IMAGES, EPOCHS = "compact8k", 6, 1_920, 3
MAPS = ((32, 28, 28, 17), (32, 28, 28, 16), (32, 14, 14, 6))
"""The inputs of a single layer: (n, height, width, channels)."""
ROUNDS, STEPS = 15, 10
ARMS = ("keras", "kernel", "shipped")
_SEED = 4711


@contextlib.contextmanager
def arm(name: str) -> Iterator[None]:
    """Normalise maps by one arm within the context."""
    from search_spaces.keras import fast_layers

    ways = {"keras": keras_batch_norm, "kernel": fast_layers.fused_batch_norm}
    if name not in ways:
        yield
        return
    with mock.patch.multiple(fast_layers, fused_batch_norm=ways[name], folded_batch_norm=ways[name]):
        yield


def keras_batch_norm(layer: Any, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
    """Call Keras's implementation."""
    return type(layer).call(layer, inputs, training=training, mask=mask)


def layer_step(shape: tuple[int, ...], name: str) -> Callable[[], Any]:
    """Return a traced function that normalises maps and computes the gradients, in one arm."""
    import keras
    import tensorflow as tf

    from search_spaces.keras.fast_layers import fast_layers

    rng = np.random.default_rng(_SEED)
    maps, weights = (tf.constant(rng.normal(size=shape).astype(np.float32)) for _ in range(2))
    model = keras.Sequential([keras.Input(shape[1:]), keras.layers.BatchNormalization()])
    learnt = [variable.value for variable in model.trainable_variables]

    @tf.function  # type: ignore[untyped-decorator]
    def step() -> Any:
        with tf.GradientTape() as tape:
            tape.watch(maps)
            loss = tf.reduce_sum(weights * model.layers[-1](maps, training=True))
        return tape.gradient(loss, [maps, *learnt])

    with arm(name), fast_layers(model):
        step()
    return step  # type: ignore[no-any-return]


def time_layer(shape: tuple[int, ...]) -> dict[str, list[float]]:
    """Return arm → processor time of a step in ms, one a round."""
    steps = {name: layer_step(shape, name) for name in ARMS}
    milliseconds: dict[str, list[float]] = {name: [] for name in ARMS}
    for number in range(ROUNDS):
        for name in turns(number):
            began = time.process_time()
            for _ in range(STEPS):
                steps[name]()
            milliseconds[name].append(1000 * (time.process_time() - began) / STEPS)
    return milliseconds


def turns(number: int) -> tuple[str, ...]:
    """Return the arms in rotating order."""
    first = number % len(ARMS)
    return ARMS[first:] + ARMS[:first]


def drawn(count: int) -> list[dict[str, Value]]:
    """Return the first random configurations that normalise maps, equal at every call."""
    family, configurations, number = load_family(SPACE), list[dict[str, Value]](), 0
    while len(configurations) < count:
        values = family.sample(np.random.default_rng([_SEED, number]))
        configurations += [values] if normalises_maps(family, values) else []
        number += 1
    return configurations


def normalises_maps(family: Family, values: dict[str, Value]) -> bool:
    """Return whether a network has a convolution with BatchNorm."""
    return any(isinstance(spec, Conv | SeparableConv) and spec.batch_norm for spec in family.specs(values))


def time_network(values: dict[str, Value], name: str) -> float:
    """Return the processor time of training on one image in µs, in the best epoch after the first."""
    import keras

    from search_spaces.keras.model import build_model
    from search_spaces.keras.training import fit_model

    class Clock(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.began = time.process_time()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            spent.append(time.process_time() - self.began)

    spent: list[float] = []
    family, rng = load_family(SPACE), np.random.default_rng(_SEED)
    x, y = rng.integers(0, 256, (IMAGES, 28, 28)).astype(np.uint8), rng.integers(0, 10, IMAGES)
    keras.utils.set_random_seed(_SEED)
    recipe = family.recipe(values)
    with arm(name):
        model = build_model(family.specs(values), l2=recipe.l2)
        fit_model(model, recipe, x, y, EPOCHS, seed=1, callbacks=[Clock()], verbose=0)
    return 1e6 * min(spent[1:]) / IMAGES


def measure() -> Json:
    """Measure all figures in this process."""
    from tuner.processes.environment import prepare_device

    prepare_device()
    layers = [layer_row(shape, time_layer(shape)) for shape in MAPS]
    family, networks = load_family(SPACE), []
    for number, values in enumerate(drawn(NETWORKS)):
        spent = {name: round(time_network(values, name), 1) for name in turns(number)}
        networks.append({"notation": family.notation(values), **{name: spent[name] for name in ARMS}})
        sys.stderr.write(f"{networks[-1]}\n")
    return {"layers_ms": layers, "networks_us_an_image": networks}


def layer_row(shape: tuple[int, ...], milliseconds: dict[str, list[float]]) -> Json:
    """Return the arms' medians over a layer's rounds."""
    return {"maps": list(shape), **{name: round(statistics.median(milliseconds[name]), 2) for name in ARMS}}


def summary(networks: Sequence[Json]) -> Json:
    """Return the means over the networks, and each arm's paired ratio to the shipped one."""
    means = {name: round(statistics.mean(one[name] for one in networks)) for name in ARMS}
    ratios = {name: round(geometric_mean([one[name] / one["shipped"] for one in networks]), 2) for name in ARMS[:-1]}
    return {"mean_us_an_image": means, "ratio_to_shipped": ratios}


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m research.batch_norm", description=__doc__)
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--here", action="store_true", help="in this process, as JSON; nothing is written")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure in a process with a worker's environment, write and print the result; return the exit code."""
    given = _parse(arguments)
    if given.here:
        sys.stdout.write(json.dumps(measure()) + "\n")
        return 0
    before = conditions()
    words = [sys.executable, "-m", "research.batch_norm", "--here"]
    done = subprocess.run(words, cwd=ROOT, env=worker_environment(0, 0), stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        return done.returncode
    measured = json.loads(done.stdout.splitlines()[-1])
    task = {"space": SPACE, "images": IMAGES, "epochs": EPOCHS, "rounds": ROUNDS}
    kept = {**before, **task, **measured, **summary(measured["networks_us_an_image"])}
    given.out.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write("".join(f"{row}\n" for row in (*measured["layers_ms"], summary(measured["networks_us_an_image"]))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
