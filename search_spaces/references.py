"""What a reference is: a configuration that is known by name. The references themselves live beside their families."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from search_spaces.hyperparameters import Value

SOURCE = "public result, one seed, best epoch on the test set"
"""Of most of them."""


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
    published_scores: Mapping[str, float] = field(default_factory=dict)
    """Other scores on MNIST's test set, named as in result.json: precision, recall, f1, auc_roc, log_loss."""


def best_first(references: Sequence[Reference]) -> tuple[Reference, ...]:
    """By published accuracy, then the smaller ones; those without an accuracy come last."""
    return tuple(sorted(references, key=lambda own: (-(own.published_accuracy or 0.0), own.parameters)))
