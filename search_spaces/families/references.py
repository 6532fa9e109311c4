"""References: configurations with a name. The families define them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from search_spaces.hyperparameters.hyperparameter import Value

SOURCE = "public result, one seed, best epoch on the test set"
"""The source of most references."""


@dataclass(frozen=True)
class Reference:
    """A configuration with a name."""

    name: str
    network: str
    """The published network, in the notation."""
    parameters: int
    """Trainable ones, with ten classes."""
    published_accuracy: float | None
    """On MNIST's test set, in [0, 1]; None where unpublished."""
    published_epochs: int | None
    """None where unpublished."""
    source: str
    values: Mapping[str, Value]
    """A complete configuration."""
    assumed: str = ""
    """The unpublished part of the recipe, and the assumed one."""
    published_scores: Mapping[str, float] = field(default_factory=dict)
    """Other scores on MNIST's test set, named as in result.json: precision, recall, f1, auc_roc, log_loss."""
    published_seeds: int = 1
    """The number of seeds in the accuracy, a mean at the last epoch; 1: one seed, often at its best epoch."""


def best_first(references: Sequence[Reference]) -> tuple[Reference, ...]:
    """Sort references: means of several seeds first, then by accuracy, then by size; no accuracy comes last.

    The best epoch of one seed, chosen on the test set, is optimistic by more than the differences of most references.
    """

    def order(reference: Reference) -> tuple[bool, bool, float, int]:
        accuracy = reference.published_accuracy or 0.0
        return reference.published_accuracy is None, reference.published_seeds == 1, -accuracy, reference.parameters

    return tuple(sorted(references, key=order))
