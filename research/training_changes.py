"""Changes of the training for experiments, applied to a worker process before its first task.

`python -m research.training_changes DATA_FOLDER` is such a worker; `MNIST_TUNE_CHANGE` names its changes. `experiments`
compares them. A successful change moves to the product.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from research.distillation import distil
from research.further_augmentation import Augmenter, brighten, cut_out, distort
from search_spaces.hyperparameters.recipe import Augmentation
from search_spaces.keras import keras_space, training
from search_spaces.keras import model as model_building
from search_spaces.keras.augmentation import Images, augment
from search_spaces.networks.costs import FittedLayer
from search_spaces.networks.specs import Conv, Pool, SeparableConv, WeightedSpec
from tuner.core.records import Json
from tuner.workers import worker

# Keras has no types: its models, optimizers and tensors are `Any` here.

VARIABLE = "MNIST_TUNE_CHANGE"

_run_task = worker.run_task


@dataclass(frozen=True)
class Change:
    """A change of the training."""

    text: str
    apply: Callable[[Path], None]
    """Called with the data folder."""


def average_weights(momentum: float) -> Callable[[Path], None]:
    """Return a change to moving averages of the weights (Polyak and Juditsky 1992), by Keras's optimizers."""

    def apply(_: Path) -> None:
        def prepare(optimizer: Any) -> None:
            optimizer.use_ema, optimizer.ema_momentum, optimizer.ema_overwrite_frequency = True, momentum, None

        _change_optimizer(prepare)
        _before_fit(lambda model, options: options["callbacks"].append(keras.callbacks.SwapEMAWeights()))

    return apply


def decay_weights(decay: float) -> Callable[[Path], None]:
    """Return a change that adds decoupled weight decay of kernels (Loshchilov and Hutter 2019) to any optimizer."""

    def apply(_: Path) -> None:
        def prepare(optimizer: Any) -> None:
            optimizer.weight_decay = decay
            optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])

        _change_optimizer(prepare)

    return apply


def set_constant(name: str, value: float) -> Callable[[Path], None]:
    """Return a change of a constant of `search_spaces.keras.training`."""
    if not isinstance(getattr(training, name), float):
        raise TypeError(f"{name} must be a number of search_spaces.keras.training")
    return lambda _: setattr(training, name, value)


def change_optimizer_attribute(name: str, value: object) -> Callable[[Path], None]:
    """Return a change of an attribute of the optimizer."""
    return lambda _: _change_optimizer(lambda optimizer: setattr(optimizer, name, value))


def initialise(make: Callable[[], Any]) -> Callable[[Path], None]:
    """Return a change of the kernels' initializer; a depthwise kernel has filters of one input channel."""

    def prepare(model: Any, _: Mapping[str, Any]) -> None:
        for layer in model.layers:
            if isinstance(layer, keras.layers.SeparableConv2D):
                rows, columns, channels, _one = layer.depthwise_kernel.shape
                filters = make()((rows, columns, 1, channels))
                layer.depthwise_kernel.assign(keras.ops.transpose(filters, (0, 1, 3, 2)))
                layer.pointwise_kernel.assign(make()(layer.pointwise_kernel.shape))
            elif isinstance(layer, keras.layers.Conv2D | keras.layers.Dense):
                layer.kernel.assign(make()(layer.kernel.shape))

    return lambda _: _before_fit(prepare)


def standardise_pixels(folder: Path) -> None:
    """Standardise pixels to mean 0 and sd 1 by the first 10,000 training images."""
    pixels = np.load(folder / "x_train.npy", mmap_mode="r")[:10_000] / 255.0
    mean, sd = float(pixels.mean()), float(pixels.std())

    def prepare(model: Any, _: Mapping[str, Any]) -> None:
        layer = model.get_layer("scale")
        layer.scale, layer.offset = 1.0 / (255.0 * sd), -mean / sd

    _before_fit(prepare)


def normalise_activations(_: Path) -> None:
    """Apply BatchNorm after the activation."""
    original = model_building._normalise_and_activate

    def activate_and_normalise(spec: WeightedSpec, number: int, tensor: Any) -> Any:
        activated = original(replace(spec, batch_norm=False), number, tensor)
        return original(replace(spec, activation="linear"), number, activated)

    setattr(model_building, "_normalise_and_activate", activate_and_normalise)  # noqa: B010


def augment_too(further: Augmenter) -> Callable[[Path], None]:
    """Return a change that adds an augmentation after the configuration's."""

    def augment_further(images: Images, strengths: Augmentation, rng: np.random.Generator) -> Images:
        return further(augment(images, strengths, rng), rng)

    return lambda _: setattr(training, "augment", augment_further)


def add_skips(_: Path) -> None:
    """Add a convolution's cropped input to its output where the channels match (He et al. 2016)."""
    original = model_building._apply

    def apply(layer: FittedLayer, tensor: Any, l2: float) -> Any:
        out = original(layer, tensor, l2)
        spatial = isinstance(layer.spec, Conv | SeparableConv) and layer.spec.kernel > 1
        if not spatial or tensor.shape[-1] != out.shape[-1]:
            return out
        rows, columns = (inside - outside for inside, outside in zip(tensor.shape[1:3], out.shape[1:3], strict=True))
        border = ((rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2))
        return keras.layers.Add()([keras.layers.Cropping2D(border)(tensor), out])

    setattr(model_building, "_apply", apply)  # noqa: B010


def pool_by_mean(_: Path) -> None:
    """Use average pooling in place of max pooling."""
    original = model_building._apply

    def apply(layer: FittedLayer, tensor: Any, l2: float) -> Any:
        if isinstance(layer.spec, Pool):
            layer = replace(layer, spec=replace(layer.spec, average=True))
        return original(layer, tensor, l2)

    setattr(model_building, "_apply", apply)  # noqa: B010


CHANGES: Mapping[str, Change] = {
    "ema": Change("moving average of weights, momentum .999", average_weights(0.999)),
    "distil": Change("half the loss from the base's own ensemble, temperature 3", distil(0.5, 3.0)),
    "decay": Change("decoupled weight decay of kernels, 5e-4", decay_weights(5e-4)),
    "momentum-95": Change("momentum .95", set_constant("MOMENTUM", 0.95)),
    "plain-momentum": Change("momentum without Nesterov's look ahead", change_optimizer_attribute("nesterov", False)),
    "warm-up-10": Change("a tenth of the steps climb", set_constant("WARM_UP", 0.1)),
    "warm-up-50": Change("half of the steps climb", set_constant("WARM_UP", 0.5)),
    "norm-after": Change("BatchNorm after the activation", normalise_activations),
    "skips": Change("convolutions of as many channels add their input", add_skips),
    "mean-pooling": Change("pooling by means", pool_by_mean),
    "standard-pixels": Change("pixels of mean 0 and sd 1", standardise_pixels),
    "he-normal": Change("kernels of He's normal initializer", initialise(keras.initializers.HeNormal)),
    "orthogonal": Change("orthogonal kernels", initialise(keras.initializers.Orthogonal)),
    "cutout-6": Change("a square of 6 × 6 zeros", augment_too(cut_out(6))),
    "elastic-1": Change("elastic distortion of 1 pixel, smooth over 4", augment_too(distort(1.0, 4.0))),
    "brightness-30": Change("brightness ± 30%", augment_too(brighten(0.3))),
}


def _change_optimizer(prepare: Callable[[Any], None]) -> None:
    original = training.make_optimizer

    def make_optimizer(*arguments: Any, **options: Any) -> Any:
        optimizer = original(*arguments, **options)
        prepare(optimizer)
        return optimizer

    setattr(training, "make_optimizer", make_optimizer)  # noqa: B010


def _before_fit(prepare: Callable[[Any, dict[str, Any]], None]) -> None:
    def fit_model(model: Any, *arguments: Any, **options: Any) -> Any:
        prepare(model, options)
        return training.fit_model(model, *arguments, **options)

    setattr(keras_space, "fit_model", fit_model)  # noqa: B010


def run_task(document: Json, data: Any, on_epoch: Any) -> Json:
    """Run `tuner.workers.worker.run_task`, and add its processor time."""
    began = time.process_time()
    body = _run_task(document, data, on_epoch)
    return {**body, "processor_s": time.process_time() - began}


def main(data_folder: str) -> None:
    """Apply the changes and serve tasks."""
    setattr(worker, "run_task", run_task)  # noqa: B010
    for name in filter(None, os.environ.get(VARIABLE, "").split(",")):
        CHANGES[name].apply(Path(data_folder))
    worker.main(data_folder)


if __name__ == "__main__":
    main(sys.argv[1])
