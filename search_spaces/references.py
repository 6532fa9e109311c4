"""Published networks of compact8k's kind, to compare a search with.

Most of these results chose the epoch on the test set and trained one seed. A network that the drawn family can express
has ordinary values, so that it stands among the drawn ones in every plot; the others hold their notation in `network`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from search_spaces.family import HYPERPARAMETERS, specs_from_values
from search_spaces.hyperparameters import Value, active
from search_spaces.specs import costs

_SOURCE = "public result, one seed, best epoch on the test set"
_ONE_CYCLE: Mapping[str, Value] = {
    "optimizer": "momentum",
    "learning_rate_momentum": 0.1,
    "schedule": "one-cycle",
    "batch_size": 64,
    "augmentation": "none",
    "dropout": 0.0,
}


@dataclass(frozen=True)
class Reference:
    """A configuration that is known by name."""

    name: str
    network: str
    """As published, in the notation."""
    parameters: int
    """Trainable ones, with ten classes."""
    published_accuracy: float
    """On MNIST's test set, in [0, 1]."""
    published_epochs: int
    source: str
    values: Mapping[str, Value]
    """A complete configuration."""
    assumed: str = ""
    """What of the recipe was not published, and what stands in for it."""


def references_that_fit(max_params: int, max_macs: int, classes: int = 10) -> tuple[Reference, ...]:
    """The references within both caps, best first by published accuracy."""
    fitting = [reference for reference in REFERENCES if _fits(reference, max_params, max_macs, classes)]
    return tuple(sorted(fitting, key=lambda reference: (-reference.published_accuracy, reference.parameters)))


def _fits(reference: Reference, max_params: int, max_macs: int, classes: int) -> bool:
    parameters, multiply_adds = costs(specs_from_values(reference.values, classes))
    return parameters <= max_params and multiply_adds <= max_macs


def _values(*parts: Mapping[str, Value]) -> dict[str, Value]:
    """A complete configuration from parts, the later ones first; convolutions are valid unless said."""
    merged: dict[str, Value] = {"padding_1": "valid", "padding_2": "valid", "padding_3": "valid"}
    for part in parts:
        merged.update(part)
    return active(HYPERPARAMETERS, merged)


def _stage(stage: int, *filters: int) -> dict[str, Value]:
    widths = {f"filters_{stage}_{position}": count for position, count in enumerate(filters, start=1)}
    return {f"stage{stage}_convs": len(filters), **widths}


def _transition(number: int, place: str, filters: int, activation: str = "bn+activation") -> dict[str, Value]:
    name = f"transition_{number}"
    return {name: place, f"{name}_filters": filters, f"{name}_activation": activation}


def _affine(rotation: int, shift: float = 0.0, scale: float = 0.0) -> dict[str, Value]:
    return {"augmentation": "affine", "rotation": rotation, "shift": shift, "scale": scale}


REFERENCES: tuple[Reference, ...] = (
    Reference(
        name="basic-10970",
        network="C10 C10 C20 P 1x1:10 C10 C20 1x1:10 7x7:10",
        parameters=10_970,
        published_accuracy=0.9926,
        published_epochs=15,
        source=_SOURCE,
        values=_values(
            {"network": "C10 C10 C20 P 1x1:10 C10 C20 1x1:10 7x7:10"},
            _ONE_CYCLE,
            {"learning_rate_momentum": 0.01, "schedule": "constant"},
        ),
        assumed="batch 64, constant learning rate",
    ),
    Reference(
        name="gap-6664",
        network="C8 C10 P 1x1:8 drop.1 C16 C16 1x1:10 drop.1 C20 1x1:10 GAP",
        parameters=6_664,
        published_accuracy=0.9936,
        published_epochs=15,
        source=_SOURCE,
        values=_values(
            _stage(1, 8, 10),
            _transition(1, "after pooling", 8),
            _stage(2, 16, 16),
            _transition(2, "instead of pooling", 10),
            _stage(3, 20),
            {"head": "conv"},
            _ONE_CYCLE,
            {"learning_rate_momentum": 0.01, "schedule": "constant", "dropout": 0.1},
        ),
        assumed="batch 64 of 64 to 128, constant learning rate, dropout before the head too",
    ),
    Reference(
        name="cosine-7876",
        network="C8 C10 P 1x1:8 C16 C32 P 1x1:8(nobn) C10 GAP 1x1:10",
        parameters=7_876,
        published_accuracy=0.9944,
        published_epochs=15,
        source=_SOURCE,
        values=_values(
            _stage(1, 8, 10),
            _transition(1, "after pooling", 8),
            _stage(2, 16, 32),
            _transition(2, "after pooling", 8, "activation"),
            _stage(3, 10),
            _ONE_CYCLE,
            {"learning_rate_momentum": 0.08, "schedule": "cosine", "dropout": 0.01},
            _affine(10, 0.05, 0.05),
        ),
        assumed="the second 1×1 is the layer without BatchNorm; rotation 10°, shift and scale .05; momentum .9",
    ),
    Reference(
        name="c12-8172",
        network="C12s C12s P C12 C12 C12 C12 C12 GAP 1x1:10",
        parameters=8_172,
        published_accuracy=0.9957,
        published_epochs=15,
        source=_SOURCE,
        values=_values(
            _stage(1, 12, 12),
            {"padding_1": "same"},
            _stage(2, 12, 12, 12, 12, 12),
            _ONE_CYCLE,
            {"dropout": 0.05},
            _affine(15),
        ),
    ),
    Reference(
        name="head-7752",
        network="C8 C16 P 1x1:8 C12 C16 C20 GAP 1x1:24 1x1:10",
        parameters=7_752,
        published_accuracy=0.9955,
        published_epochs=15,
        source=_SOURCE,
        values=_values(
            _stage(1, 8, 16),
            _transition(1, "after pooling", 8),
            _stage(2, 12, 16, 20),
            {"head": "hidden", "head_units": 24},
            _ONE_CYCLE,
            {"dropout": 0.025, "batch_size": 128},
            _affine(7),
        ),
        assumed="one-cycle with peak .1, momentum .9",
    ),
    Reference(
        name="linear-6720",
        network="C8 C16 P 1x1:8(linear) C10 C16 C18 GAP 1x1:16 1x1:10",
        parameters=6_720,
        published_accuracy=0.9953,
        published_epochs=15,
        source=_SOURCE,
        values=_values(
            _stage(1, 8, 16),
            _transition(1, "after pooling", 8, "linear"),
            _stage(2, 10, 16, 18),
            {"head": "hidden", "head_units": 16},
            _ONE_CYCLE,
            {"dropout": 0.03, "batch_size": 128},
            _affine(6, 0.05, 0.05),
        ),
        assumed="peak .1, momentum .9; shift and scale .05",
    ),
    Reference(
        name="deep-3762",
        network="C4s(bias) C4s(bias) C4s(bias) P C8s(bias) C8s(bias) C8s(bias) P C8s(bias) C8s(bias) C8s(bias) "
        "GAP 1x1:10(bias)",
        parameters=3_762,
        published_accuracy=0.9952,
        published_epochs=15,
        source=_SOURCE + "; 0.9919 in a rerun",
        values=_values(
            {
                "network": "C4s(bias) C4s(bias) C4s(bias) P C8s(bias) C8s(bias) C8s(bias) P C8s(bias) C8s(bias) C8s(bias) "
                "GAP 1x1:10(bias)"
            },
            _ONE_CYCLE,
            {"batch_size": 32},
        ),
        assumed="one-cycle with peak .1, momentum .9, no augmentation",
    ),
    Reference(
        name="flat-7884",
        network="C10 C10 C10 C10 1x1:10 P C14 C14 C13 GAP 1x1:10(bn)",
        parameters=7_884,
        published_accuracy=0.9956,
        published_epochs=15,
        source=_SOURCE,
        values=_values(
            _stage(1, 10, 10, 10, 10),
            _transition(1, "before pooling", 10),
            _stage(2, 14, 14, 13),
            {"head_batch_norm": True},
            _ONE_CYCLE,
            _affine(6),
        ),
        assumed="peak .1, momentum .9, batch 64; rotation 6° of 5 to 7",
    ),
    Reference(
        name="wide-9994",
        network="C10 C30 1x1:10 P C14 C14 C14 C14s GAP 1x1:10",
        parameters=9_994,
        published_accuracy=0.9961,
        published_epochs=15,
        source=_SOURCE,
        values=_values(
            _stage(1, 10, 30),
            _transition(1, "before pooling", 10),
            _stage(2, 14, 14, 14, 14),
            {"padding_2": "last same"},
            _ONE_CYCLE,
            {"batch_size": 32},
            _affine(10),
        ),
        assumed="one-cycle with peak .1, momentum .9",
    ),
    Reference(
        name="separable-697",
        network="C6s(bias,leaky_relu,nobn) P S5s(bias,leaky_relu,nobn) drop.05 S9s(bias,leaky_relu,nobn) drop.05 "
        "S10s(bias,leaky_relu,nobn) drop.05 S8s(bias,leaky_relu,nobn) GAP D10(bias)",
        parameters=697,
        published_accuracy=0.9903,
        published_epochs=2000,
        source="public result, the best of about 700 trained, best epoch on the test set",
        values=_values(
            {
                "network": "C6s(bias,leaky_relu,nobn) P S5s(bias,leaky_relu,nobn) drop S9s(bias,leaky_relu,nobn) drop "
                "S10s(bias,leaky_relu,nobn) drop S8s(bias,leaky_relu,nobn) GAP D10(bias)",
                "optimizer": "adamw",
                "learning_rate_adam": 0.01,
                "weight_decay": 1e-6,
                "schedule": "one-cycle",
                "batch_size": 256,
                "augmentation": "none",
                "dropout": 0.05,
            },
        ),
        assumed='one-cycle with peak .01; "same" padding of the separable convolutions',
    ),
)
"""In the order of the table that they were taken from."""
