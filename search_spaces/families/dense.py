"""The space `dense` without Keras: networks without convolutions."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from types import MappingProxyType

from search_spaces.families.family import Family
from search_spaces.families.references import Reference
from search_spaces.hyperparameters.hyperparameter import (
    Condition,
    Hyperparameter,
    Value,
    active,
    boolean,
    changed,
    integer,
    width,
)
from search_spaces.hyperparameters.training import TRAINING
from search_spaces.networks.specs import Activation, Dense, Dropout, Spec, activation_of

MAX_LAYERS = 3
MIN_UNITS, MAX_UNITS, UNITS_STEP = 8, 512, 8
_DEFAULT_UNITS = (128, 64, 32)


def hidden_layers(
    most: int, default: int, units: tuple[int, ...], widest: int = MAX_UNITS
) -> tuple[Hyperparameter, ...]:
    """Return the hyperparameters of the hidden dense layers: their number, and the units of each."""
    return (
        integer("dense_layers", "hidden dense layers", (1, most), default),
        *(
            width(
                f"units_{number}",
                f"units of dense layer {number}",
                (MIN_UNITS, widest),
                units[number - 1],
                Condition("dense_layers", tuple(range(number, most + 1))),
                step=UNITS_STEP,
            )
            for number in range(1, most + 1)
        ),
    )


def dense_specs(values: Mapping[str, Value], classes: int) -> tuple[Spec, ...]:
    """Return hidden dense layers, each followed by dropout, and the logits; a layer has BatchNorm or a bias."""
    norm, rate, activation = bool(values["batch_norm"]), float(values["dropout"]), activation_of(values)
    dropout = (Dropout(rate),) if rate else ()
    units = (int(values[f"units_{number}"]) for number in range(1, int(values["dense_layers"]) + 1))
    hidden = ((_hidden(count, norm, activation), *dropout) for count in units)
    return (*chain.from_iterable(hidden), Dense(classes, activation="linear"))


def _hidden(units: int, norm: bool, activation: Activation) -> Spec:
    return Dense(units, bias=not norm, batch_norm=norm, activation=activation)


HYPERPARAMETERS: tuple[Hyperparameter, ...] = (
    *hidden_layers(MAX_LAYERS, 1, _DEFAULT_UNITS),
    boolean("batch_norm", "BatchNorm in the hidden layers, in place of biases", False),
    *changed(
        TRAINING,
        {
            "dropout": {
                "description": "share dropped after each hidden layer",
                "maximum": 0.5,
                "step": 0.05,
                "weights": None,
            },
            "optimizer": {"default": "adam"},
            "learning_rate_sgd": {"minimum": 0.01, "default": 0.1},
            "learning_rate_momentum": {"minimum": 0.002, "default": 0.02},
            "learning_rate_adam": {"minimum": 1e-4, "default": 1e-3},
            "schedule": {"default": "constant"},
            "batch_size": {"default": 32},
            "augmentation": {"default": "none"},
        },
    ),
)

DENSE_128 = Reference(
    name="dense128",
    network="D128(bias,nobn) D10(bias)",
    parameters=101_770,
    published_accuracy=None,
    published_epochs=None,
    source="the classic first network of tutorials",
    values=active(HYPERPARAMETERS, {}),
    assumed="batch 32, constant learning rate",
)


class DenseFamily(Family):
    """dense: the image flattened, one to three hidden dense layers, the classes.

    The default configuration is `dense128`: 128 units with ReLU, Adam at .001, batches of 32, no augmentation.
    """

    name = "dense"
    default_max_params = 200_000
    default_max_macs = 200_000
    hyperparameters = HYPERPARAMETERS
    smallest = MappingProxyType({"dense_layers": 1, "units_1": 8, "units_2": 8, "units_3": 8, "batch_norm": False})
    published = (DENSE_128,)

    def network(self, configuration: Mapping[str, Value]) -> tuple[Spec, ...]:
        return dense_specs(configuration, self.classes)
