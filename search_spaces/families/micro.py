"""The space `micro1k` without Keras: separable convolutions, for a thousand parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    choice,
    integer,
    width,
)
from search_spaces.hyperparameters.training import TRAINING
from search_spaces.networks.specs import (
    Conv,
    Dense,
    Dropout,
    GlobalAveragePooling,
    Padding,
    Pool,
    SeparableConv,
    Spec,
    activation_of,
)

MAX_CONVS = 5
_DEFAULT_FILTERS = (8, 10, 11, 12, 12)

HYPERPARAMETERS: tuple[Hyperparameter, ...] = (
    width("first_filters", "filters of the first convolution, which is a full one", (2, 16), 6),
    integer("first_pooling", "window of the max pooling after it", (2, 4), 2),
    integer("separable_convs", "3×3 separable convolutions", (1, MAX_CONVS), 4),
    *(
        width(
            f"filters_{number}",
            f"filters of separable convolution {number}",
            (3, 24),
            _DEFAULT_FILTERS[number - 1],
            Condition("separable_convs", tuple(range(number, MAX_CONVS + 1))),
        )
        for number in range(1, MAX_CONVS + 1)
    ),
    boolean(
        "second_pooling",
        "2×2 max pooling after the first half of the separable convolutions, rounded up",
        True,
        Condition("separable_convs", tuple(range(2, MAX_CONVS + 1))),
    ),
    choice("padding", "of all convolutions", ("valid", "same"), "valid"),
    boolean("batch_norm", "BatchNorm after each convolution, in place of biases", True),
    *changed(
        TRAINING,
        {
            "activation": {
                "values": ("relu", "leaky_relu", "gelu", "tanh", "softsign"),
                "default": "leaky_relu",
                "weights": (0.25, 0.35, 0.2, 0.1, 0.1),
            },
            "dropout": {
                "description": "share dropped between separable convolutions",
                "step": 0.01,
                "weights": tuple(0.8**index for index in range(21)),
            },
            "optimizer": {"default": "momentum", "weights": {"sgd": 0.1, "momentum": 0.3, "adam": 0.3, "adamw": 0.3}},
            "learning_rate_adam": {"minimum": 1e-3, "maximum": 3e-2, "default": 1e-2},
            "weight_decay": {"default": 1e-6},
            "augmentation": {"default": "none", "weights": (0.5, 0.5)},
        },
    ),
)

SEPARABLE_697 = Reference(
    name="separable-697",
    network="C6s(bias,nobn) P S5s(bias,nobn) drop.05 S9s(bias,nobn) drop.05 S10s(bias,nobn) drop.05 S8s(bias,nobn) GAP D10(bias)",
    parameters=697,
    published_accuracy=0.9903,
    published_epochs=2000,
    source="public result, the best of about 700 trained, best epoch on the test set",
    values=active(
        HYPERPARAMETERS,
        {
            **{f"filters_{number}": filters for number, filters in enumerate((5, 9, 10, 8), 1)},
            "second_pooling": False,
            "padding": "same",
            "batch_norm": False,
            "optimizer": "adamw",
            "dropout": 0.05,
            "batch_size": 256,
        },
    ),
    assumed='one-cycle with peak .01; "same" padding of the separable convolutions',
)


class MicroFamily(Family):
    """micro1k: a convolution, pooling, one to five separable convolutions, the mean of each channel, the classes.

    The default configuration has 963 parameters: BatchNorm, no padding, leaky ReLU, momentum with a peak of .1 under
    one cycle, batches of 64, neither dropout nor augmentation, since networks of this size fit too little, not too
    much.
    """

    name = "micro1k"
    default_max_params = 1_000
    default_max_macs = 300_000
    hyperparameters = HYPERPARAMETERS
    smallest = MappingProxyType(
        {
            "first_filters": 2,
            "first_pooling": 4,
            "separable_convs": 1,
            **{f"filters_{number}": 3 for number in range(1, MAX_CONVS + 1)},
            "second_pooling": True,
            "padding": "valid",
            "batch_norm": False,
        }
    )
    published = (SEPARABLE_697,)

    def network(self, configuration: Mapping[str, Value]) -> tuple[Spec, ...]:
        norm, padding = bool(configuration["batch_norm"]), _padding(configuration)
        filters = int(configuration["first_filters"])
        return (
            Conv(filters, 3, padding, not norm, norm, activation_of(configuration)),
            Pool(int(configuration["first_pooling"])),
            *_separable_convolutions(configuration),
            GlobalAveragePooling(),
            Dense(self.classes, activation="linear"),
        )


def _separable_convolutions(values: Mapping[str, Value]) -> Iterator[Spec]:
    count, norm, rate = int(values["separable_convs"]), bool(values["batch_norm"]), float(values["dropout"])
    for number in range(1, count + 1):
        filters = int(values[f"filters_{number}"])
        yield SeparableConv(filters, 3, _padding(values), not norm, norm, activation_of(values))
        if values.get("second_pooling") and number == (count + 1) // 2:
            yield Pool()
        if rate and number < count:
            yield Dropout(rate)


def _padding(values: Mapping[str, Value]) -> Padding:
    return "same" if values["padding"] == "same" else "valid"
