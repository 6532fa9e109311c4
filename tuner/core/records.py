"""The records of a run: what a trial is, and what came of it.

Types only, and their JSON. Nothing here imports Keras, reads a file or computes a statistic.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias, cast

from search_spaces.networks.costs import LayerSummary

Phase: TypeAlias = Literal["search", "confirm", "refit", "train", "study"]
Kind: TypeAlias = Literal["search", "train", "study"]
"""The kind of a run."""
Status: TypeAlias = Literal["completed", "failed"]
Value: TypeAlias = bool | int | float | str
Configuration: TypeAlias = Mapping[str, Value]
# `Any`: a JSON document has no narrower type that mypy could follow.
Json: TypeAlias = dict[str, Any]

SCHEMA: Final = 1
"""The version of every file of a run's folder."""

HISTORY_METRICS = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds")
"""The metrics of each epoch. Losses are cross-entropies alone, without L2 and label smoothing, so that
configurations compare; the learning rate is that of the epoch's last step."""

TRAINING_METRICS = tuple(metric for metric in HISTORY_METRICS if not metric.startswith("val_"))
"""Those that a refit has, which trains on the validation images."""

TEST_MET_AGAIN = "The test set was met once more"
"""The beginning of the note of a run whose evaluation was lost and made again."""
ACCURACY_TOLERANCE = 1e-6
"""Keras counts accuracies in 32 bits, so 5,964 of 6,000 images may come a little short of 99.4%. One image is more than this."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One configuration to be trained from scratch for a number of epochs with one seed."""

    trial: str
    """Four digits or more, in the order of the plan: "0001"."""
    phase: Phase
    bracket: int | None
    """The bracket of Li et al. 2018, but numbered on over iterations, the first one 0; None outside Hyperband."""
    rung: int | None
    repetition: int
    """0 in a search, 1 to n in a confirmation, a refit, a training or a study."""
    configuration: Configuration
    epochs: float
    """A whole number is an int. Below 1, in hundredths: the one pass sees this share of the training images."""
    seed: int
    parameters: int
    """Trainable parameters."""
    fold: int = 0
    """The fold of the training set that validates: 0 is the one that the run split off, others are other images (`Dataset.fold`)."""
    origin: str = ""
    """The origin of its configuration: "reference gap-6664", "default", "scaled c12-8172", "near default" (or near any of
    these), "random", "model" (bayesian). Empty where it was given, and in older journals."""

    @property
    def share(self) -> float:
        """Return the fraction of the training images that a pass sees."""
        return min(1, self.epochs)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialRecord(Trial):
    """A trial that has ended."""

    status: Status
    val_accuracy: float | None
    """Validation accuracy of the last epoch that was trained, in [0, 1]; None where the trial failed, and of a refit, which has none of its own."""
    val_loss: float | None
    epochs_run: int
    """Passes, whatever their share of the images."""
    history: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """Metric → one value an epoch (`metrics_of`); NaN where a trial diverged."""
    duration_s: float
    worker: int
    layers: tuple[LayerSummary, ...] = ()
    error: str | None = None
    """Why it failed, in one line."""
    finished_at: str = ""
    """ISO 8601, UTC: the time of the journal's event."""

    @property
    def completed(self) -> bool:
        return self.status == "completed"

    @property
    def epochs_spent(self) -> float:
        """Return what the passes that were run amount to in epochs."""
        return epochs_spent(self.epochs_run, self.epochs)

    @property
    def multiply_adds(self) -> int:
        """Return the multiply-adds of one image, in one forward pass."""
        return sum(layer.multiply_adds for layer in self.layers)


def metrics_of(phase: Phase) -> tuple[str, ...]:
    """Return what is kept of each epoch of a trial of this phase."""
    return TRAINING_METRICS if phase == "refit" else HISTORY_METRICS


def tidy_epochs(epochs: float) -> float:
    """To hundredths, whole numbers as ints: 0.5556 → 0.56, 15.0 → 15."""
    rounded = round(epochs, 2)
    return int(rounded) if rounded == int(rounded) else rounded


def epochs_spent(passes: int, epochs: float) -> float:
    """Return what passes amount to in epochs, where so many were planned: below 1 each sees a share of the images."""
    return passes if epochs >= 1 else tidy_epochs(passes * epochs)


def trial_name(number: int) -> str:
    """The name of the n-th trial of a plan, from 1: "0001"."""
    return f"{number:04d}"


def rank_key(record: TrialRecord) -> tuple[bool, float, float, int, str]:
    """Sort records best first: completed, validation accuracy, validation loss, parameters, configuration.

    The order is total: two different configurations never tie.
    """
    accuracy = record.val_accuracy if record.val_accuracy is not None else -math.inf
    loss = record.val_loss if record.val_loss is not None and not math.isnan(record.val_loss) else math.inf
    return (not record.completed, -accuracy, loss, record.parameters, configuration_key(record.configuration))


def configuration_key(configuration: Configuration) -> str:
    """Identifies a configuration: sha256 of its sorted values, 16 hexadecimal digits."""
    text = json.dumps(dict(sorted(configuration.items())), sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def to_json(record: Trial) -> Json:
    """The record as a JSON object; NaN and infinities become null."""
    return cast(Json, _finite(dataclasses.asdict(record)))


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value
