"""`python -m research.batch_norm`: how BatchNormalization had best be computed while a network trains, in three arms.

Keras's own operations, TensorFlow's fused kernel everywhere, and what is shipped (`search_spaces.keras.fast_layers`: the kernel where it is
quick, long rows elsewhere); everything else is the same. First one layer, forward and backward, then random networks. The arms
take turns in one process, whose environment is a worker's: one thread. Images are noise, which takes as long as digits do.
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
from dataclasses import dataclass
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
"""Of a layer by itself: (n, height, width, channels)."""
ROUNDS, STEPS = 15, 10
ARMS = ("keras", "kernel", "shipped")
_SEED = 4711


@contextlib.contextmanager
def arm(name: str) -> Iterator[None]:
    """Has maps normalised one way for as long as it is held."""
    from search_spaces.keras import fast_layers

    ways = {"keras": keras_batch_norm, "kernel": fast_layers.fused_batch_norm}
    if name not in ways:
        yield
        return
    with mock.patch.multiple(fast_layers, fused_batch_norm=ways[name], folded_batch_norm=ways[name]):
        yield


def keras_batch_norm(layer: Any, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
    """Keras's own call."""
    return type(layer).call(layer, inputs, training=training, mask=mask)


def layer_step(shape: tuple[int, ...], name: str) -> Callable[[], Any]:
    """A traced function that normalises maps and takes the gradients, in one arm."""
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
    """Arm → processor time of a step in ms, one a round."""
    steps = {name: layer_step(shape, name) for name in ARMS}
    found: dict[str, list[float]] = {name: [] for name in ARMS}
    for number in range(ROUNDS):
        for name in turns(number):
            began = time.process_time()
            for _ in range(STEPS):
                steps[name]()
            found[name].append(1000 * (time.process_time() - began) / STEPS)
    return found


def turns(number: int) -> tuple[str, ...]:
    """The arms, each of them first in turn."""
    first = number % len(ARMS)
    return ARMS[first:] + ARMS[:first]


def drawn(count: int) -> list[dict[str, Value]]:
    """The first random configurations that normalise maps, the same at every call."""
    family, found, number = load_family(SPACE), list[dict[str, Value]](), 0
    while len(found) < count:
        values = family.sample(np.random.default_rng([_SEED, number]))
        found += [values] if normalises_maps(family, values) else []
        number += 1
    return found


def normalises_maps(family: Family, values: dict[str, Value]) -> bool:
    """Return whether a network has a convolution with BatchNorm."""
    return any(isinstance(spec, Conv | SeparableConv) and spec.batch_norm for spec in family.specs(values))


def time_network(values: dict[str, Value], name: str) -> float:
    """Processor time of training on one image in µs, forward and backward, in the best epoch after the first."""
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
    """All figures, in this process."""
    from tuner.processes.environment import prepare_device

    prepare_device()
    layers = [layer_row(shape, time_layer(shape)) for shape in MAPS]
    family, networks = load_family(SPACE), []
    for number, values in enumerate(drawn(NETWORKS)):
        spent = {name: round(time_network(values, name), 1) for name in turns(number)}
        networks.append({"notation": family.notation(values), **{name: spent[name] for name in ARMS}})
        sys.stderr.write(f"{networks[-1]}\n")
    return {"layers_ms": layers, "networks_us_an_image": networks}


def layer_row(shape: tuple[int, ...], found: dict[str, list[float]]) -> Json:
    """Return what a layer's rounds say: medians, each arm's own."""
    return {"maps": list(shape), **{name: round(statistics.median(found[name]), 2) for name in ARMS}}


def summary(networks: Sequence[Json]) -> Json:
    """Means over the networks, and the arms' ratios of pairs to what is shipped."""
    means = {name: round(statistics.mean(one[name] for one in networks)) for name in ARMS}
    ratios = {name: round(geometric_mean([one[name] / one["shipped"] for one in networks]), 2) for name in ARMS[:-1]}
    return {"mean_us_an_image": means, "ratio_to_shipped": ratios}


@dataclass(frozen=True)
class _Asked:
    out: Path
    here: bool


def _asked(arguments: Sequence[str] | None) -> _Asked:
    parser = argparse.ArgumentParser(prog="python -m research.batch_norm", description=__doc__)
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--here", action="store_true", help="in this process, as JSON; nothing is kept")
    return _Asked(**vars(parser.parse_args(arguments)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure in a process with a worker's environment, keeps, prints; returns the exit code."""
    asked = _asked(arguments)
    if asked.here:
        sys.stdout.write(json.dumps(measure()) + "\n")
        return 0
    before = conditions()
    words = [sys.executable, "-m", "research.batch_norm", "--here"]
    done = subprocess.run(words, cwd=ROOT, env=worker_environment(0, 0), stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        return done.returncode
    found = json.loads(done.stdout.splitlines()[-1])
    task = {"space": SPACE, "images": IMAGES, "epochs": EPOCHS, "rounds": ROUNDS}
    kept = {**before, **task, **found, **summary(found["networks_us_an_image"])}
    asked.out.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write("".join(f"{row}\n" for row in (*found["layers_ms"], summary(found["networks_us_an_image"]))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
