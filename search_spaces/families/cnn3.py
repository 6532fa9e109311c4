"""The space `cnn3` without Keras: three convolutions with pooling, and dense layers."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from search_spaces.families.dense import dense_specs, hidden_layers
from search_spaces.families.family import Family
from search_spaces.families.references import Reference
from search_spaces.hyperparameters.hyperparameter import (
    Hyperparameter,
    Value,
    active,
    boolean,
    changed,
    choice,
    integer,
)
from search_spaces.hyperparameters.training import AFFINE_OR_JITTERED, JITTER, TRAINING
from search_spaces.networks.specs import (
    Conv,
    Dropout,
    GlobalAveragePooling,
    Normalise,
    Pool,
    Spec,
    activation_of,
)

_NORMALISATIONS: Mapping[str, tuple[Spec, ...]] = MappingProxyType(
    {"half": (Normalise(0.5, 0.5),), "data": (Normalise(),), "none": ()}
)
_LAST_POOLINGS: Mapping[str, Spec] = MappingProxyType(
    {"3, stride 2": Pool(3, 2), "2": Pool(2), "mean": GlobalAveragePooling()}
)

HYPERPARAMETERS: tuple[Hyperparameter, ...] = (
    choice(
        "normalisation",
        "of pixels from 0 to 1; half: mean .5, sd .5; data: those of the training images",
        tuple(_NORMALISATIONS),
        "half",
    ),
    integer("filters_1", "filters of convolution 1", (2, 32), 4, step=2),
    integer("filters_2", "filters of convolution 2", (4, 64), 16, step=4),
    integer("filters_3", "filters of convolution 3", (8, 128), 64, step=8),
    choice(
        "last_pooling",
        "after convolution 3: max pooling by window, or the mean of each channel",
        tuple(_LAST_POOLINGS),
        "3, stride 2",
    ),
    *hidden_layers(2, 2, (128, 32), widest=256),
    boolean("batch_norm", "BatchNorm in all hidden layers, in place of biases", True, weights=(0.25, 0.75)),
    *changed(
        TRAINING,
        {
            "dropout": {
                "description": "share dropped after the convolutions and after each hidden dense layer",
                "maximum": 0.7,
                "step": 0.05,
                "default": 0.5,
                "weights": None,
            },
            "optimizer": {"default": "adam"},
            "learning_rate_sgd": {"minimum": 0.01, "default": 0.1},
            "learning_rate_momentum": {"minimum": 0.002, "default": 0.02},
            "learning_rate_adam": {"minimum": 1e-4, "default": 1e-3},
            "schedule": {"default": "constant"},
            "batch_size": {"values": (32, 64, 96, 128, 256, 512), "default": 96, "weights": None},
            "augmentation": {
                "values": ("none", "affine", "affine+jitter"),
                "default": "affine+jitter",
                "weights": (0.25, 0.375, 0.375),
            },
            "rotation": {"conditions": (AFFINE_OR_JITTERED,)},
            "shift": {"conditions": (AFFINE_OR_JITTERED,)},
            "scale": {"conditions": (AFFINE_OR_JITTERED,), "default": 0.05},
        },
    ),
    *JITTER,
)

CNN3_BN = Reference(
    name="cnn3-bn",
    network="norm(.5,.5) C4s P C16s P C64s P3/2 drop.5 D128 drop.5 D32 drop.5 D10(bias)",
    parameters=88_470,
    published_accuracy=None,
    published_epochs=100,
    source="public result",
    values=active(HYPERPARAMETERS, {}),
    assumed="no biases below BatchNorm; constant learning rate; rotation 10°, shift and scale .05, brightness and contrast .2",
    published_scores=MappingProxyType(
        {"precision": 0.9944, "recall": 0.9944, "f1": 0.9944, "auc_roc": 1.0, "log_loss": 0.0176}
    ),
)


class Cnn3Family(Family):
    """cnn3: three 3×3 convolutions, each with pooling; one or two hidden dense layers; the classes.

    The default configuration is `cnn3-bn`: 4, 16 and 64 filters, 128 and 32 units, BatchNorm, dropout of .5, pixels
    normalised by .5 and .5, affine and jitter, Adam at .001, batches of 96.
    """

    name = "cnn3"
    default_max_params = 150_000
    default_max_macs = 3_000_000
    hyperparameters = HYPERPARAMETERS
    smallest = MappingProxyType(
        {
            "filters_1": 2,
            "filters_2": 4,
            "filters_3": 8,
            "last_pooling": "mean",
            "dense_layers": 1,
            "units_1": 8,
            "units_2": 8,
            "batch_norm": False,
        }
    )
    least_memory = MappingProxyType({**Family.least_memory, "normalisation": "none"})
    published = (CNN3_BN,)

    def network(self, configuration: Mapping[str, Value]) -> tuple[Spec, ...]:
        rate = float(configuration["dropout"])
        convolutions = tuple(_convolution(configuration, number) for number in (1, 2, 3))
        return (
            *_NORMALISATIONS[str(configuration["normalisation"])],
            convolutions[0],
            Pool(),
            convolutions[1],
            Pool(),
            convolutions[2],
            _LAST_POOLINGS[str(configuration["last_pooling"])],
            *((Dropout(rate),) if rate else ()),
            *dense_specs(configuration, self.classes),
        )


def _convolution(values: Mapping[str, Value], number: int) -> Conv:
    norm = bool(values["batch_norm"])
    return Conv(int(values[f"filters_{number}"]), 3, "same", not norm, norm, activation_of(values))
