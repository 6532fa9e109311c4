"""Published networks like those of compact8k, for comparison with a search.

Most of these results chose the epoch on the test set and trained one seed; ours did not. A network within the sampled
family has ordinary values, so that plots show it among the samples; the others have their notation in `network`.
"""

from __future__ import annotations

from collections.abc import Mapping

from search_spaces.families.compact.shape import HYPERPARAMETERS
from search_spaces.families.references import SOURCE, Reference
from search_spaces.hyperparameters.hyperparameter import Value, active

_ONE_CYCLE: Mapping[str, Value] = {
    "optimizer": "momentum",
    "learning_rate_momentum": 0.1,
    "schedule": "one-cycle",
    "batch_size": 64,
    "augmentation": "none",
    "dropout": 0.0,
}


def _values(*parts: Mapping[str, Value]) -> dict[str, Value]:
    """Return a configuration from parts, later ones first; convolutions are full and valid by default."""
    merged: dict[str, Value] = {
        f"{name}_{stage}": value for stage in (1, 2, 3) for name, value in (("separable", False), ("padding", "valid"))
    }
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


_LAYOUT_IS_OURS = "only the size was published: the layout is ours, of exactly that size"
_7236 = {**_stage(1, 8, 10), **_transition(1, "after pooling", 10), **_stage(2, 10, 16, 16, 10)}

REFERENCES: tuple[Reference, ...] = (
    Reference(
        name="basic-10970",
        network="C10 C10 C20 P 1x1:10 C10 C20 1x1:10 7x7:10",
        parameters=10_970,
        published_accuracy=0.9926,
        published_epochs=15,
        source=SOURCE,
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
        source=SOURCE,
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
        source=SOURCE,
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
        name="light-6984",
        network="C8 C12 P 1x1:10 C12 C18 C16 GAP 1x1:10",
        parameters=6_984,
        published_accuracy=0.9902,
        published_epochs=15,
        source=SOURCE,
        values=_values(
            _stage(1, 8, 12),
            _transition(1, "after pooling", 10),
            _stage(2, 12, 18, 16),
            _ONE_CYCLE,
            {"schedule": "constant", "learning_rate_momentum": 0.05, "batch_size": 512},
        ),
        assumed=f"{_LAYOUT_IS_OURS}; constant learning rate .05, momentum .9",
    ),
    Reference(
        name="onecycle-7236",
        network="C8 C10 P 1x1:10 C10 C16 C16 C10 GAP 1x1:10",
        parameters=7_236,
        published_accuracy=0.9939,
        published_epochs=15,
        source=SOURCE,
        values=_values(_7236, _ONE_CYCLE, {"batch_size": 512}),
        assumed=f"{_LAYOUT_IS_OURS}; peak .1, momentum .9",
    ),
    Reference(
        name="augmented-7236",
        network="C8 C10 P 1x1:10 C10 C16 C16 C10 GAP 1x1:10",
        parameters=7_236,
        published_accuracy=0.9953,
        published_epochs=15,
        source=SOURCE,
        values=_values(_7236, _ONE_CYCLE, {"batch_size": 512, "dropout": 0.04}, _affine(10, 0.05, 0.05)),
        assumed=f"{_LAYOUT_IS_OURS}; peak .1, momentum .9; rotation 10°, shift and scale .05",
    ),
    Reference(
        name="c12-8172",
        network="C12s C12s P C12 C12 C12 C12 C12 GAP 1x1:10",
        parameters=8_172,
        published_accuracy=0.9957,
        published_epochs=15,
        source=SOURCE,
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
        source=SOURCE,
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
        source=SOURCE,
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
        source=SOURCE + "; 0.9919 in a rerun",
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
        source=SOURCE,
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
        source=SOURCE,
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
        name="separable-7922",
        network="C8s S16s S22s P S32 S33 S33 S33 S33 GAP 1x1:10",
        parameters=7_922,
        published_accuracy=0.99526,
        published_epochs=15,
        published_seeds=5,
        source="this project, mean of 5 seeds at the last epoch, chosen on validation images (docs/accuracy.md)",
        values=_values(
            _stage(1, 8, 16, 22),
            {"separable_1": True, "padding_1": "same"},
            _stage(2, 32, 33, 33, 33, 33),
            {"separable_2": True},
            _ONE_CYCLE,
            _affine(10, 0.05),
        ),
    ),
    Reference(
        name="separable-7825",
        network="C8s S17s S24s P 1x1:11 S34 S34 S28 S35 S34 GAP 1x1:10",
        parameters=7_825,
        published_accuracy=0.9957,
        published_epochs=15,
        published_seeds=5,
        source="this project, found by a search, mean of 5 seeds at the last epoch (docs/accuracy.md)",
        values=_values(
            _stage(1, 8, 17, 24),
            {"separable_1": True, "padding_1": "same"},
            _transition(1, "after pooling", 11),
            _stage(2, 34, 34, 28, 35, 34),
            {"separable_2": True},
            _ONE_CYCLE,
            {"batch_size": 32},
            _affine(10, 0.05),
        ),
    ),
)
"""In the order of the source's table, ours last; separable-697 is in micro1k."""
