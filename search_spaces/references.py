"""What a reference is: a configuration that is known by name. The references themselves live beside their families."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from search_spaces.hyperparameters import Value

SOURCE = "public result, one seed, best epoch on the test set"
"""Of most of them."""
FOUND = "found by mnist-tune, mean of its seeds at the last epoch"
"""Of those that a search of ours found."""


@dataclass(frozen=True)
class Reference:
    """A configuration that is known by name."""

    name: str
    network: str
    """As published, in the notation."""
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
    """What of the recipe was not published, and what stands in for it."""
    seeds: int = 1
    """How many the published accuracy is the mean of."""
    published_scores: Mapping[str, float] = field(default_factory=dict)
    """Other scores on MNIST's test set, named as in result.json: precision, recall, f1, auc_roc, log_loss."""


def best_first(references: Sequence[Reference]) -> tuple[Reference, ...]:
    """By published accuracy, then the smaller ones; those without an accuracy come last.

    A mean over seeds comes before any single seed, whose best epoch says .1 to .2 points too much.
    """
    return tuple(sorted(references, key=_order))


def _order(reference: Reference) -> tuple[bool, bool, float, int]:
    accuracy = reference.published_accuracy
    return accuracy is None, reference.seeds == 1, -(accuracy or 0.0), reference.parameters
