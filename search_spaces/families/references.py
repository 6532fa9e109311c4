"""A reference: a configuration that is known by name. The references themselves live beside their families."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from search_spaces.hyperparameters.hyperparameter import Value

SOURCE = "public result, one seed, best epoch on the test set"
"""The source of most references."""


@dataclass(frozen=True)
class Reference:
    """A configuration that is known by name."""

    name: str
    network: str
    """The published network, in the notation."""
    parameters: int
    """Trainable ones, with ten classes."""
    published_accuracy: float | None
    """On MNIST's test set, in [0, 1]; None where it was not published."""
    published_epochs: int | None
    """None where that was not published."""
    source: str
    values: Mapping[str, Value]
    """A complete configuration."""
    assumed: str = ""
    """The part of the recipe that was not published, and its replacement."""
    published_scores: Mapping[str, float] = field(default_factory=dict)
    """Other scores on MNIST's test set, named as in result.json: precision, recall, f1, auc_roc, log_loss."""
    published_seeds: int = 1
    """The number of seeds whose mean, at the last epoch, the accuracy is; 1: one seed, often at its best epoch."""


def best_first(references: Sequence[Reference]) -> tuple[Reference, ...]:
    """Means of several seeds first, then by published accuracy, then the smaller ones; those without an accuracy come last.

    The best epoch of one seed, chosen on the test set, flatters by more than most references differ.
    """

    def order(own: Reference) -> tuple[bool, bool, float, int]:
        accuracy = own.published_accuracy or 0.0
        return own.published_accuracy is None, own.published_seeds == 1, -accuracy, own.parameters

    return tuple(sorted(references, key=order))
