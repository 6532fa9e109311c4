"""The records of a run: a trial and its result.

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
Objective: TypeAlias = Literal["val_accuracy", "balanced_accuracy", "int8"]
"""The score of a trial: accuracy of validation images; the mean over classes of recall (`tuner.stats.metrics.balanced_accuracy`); or the
accuracy of the int8 network that the trained model is quantised to (`tuner.export.int8`)."""
Value: TypeAlias = bool | int | float | str
Configuration: TypeAlias = Mapping[str, Value]
# `Any`: a JSON document has no narrower type that mypy could follow.
Json: TypeAlias = dict[str, Any]

VALIDATION_WORDS: Final[Mapping[Objective, str]] = {
    "val_accuracy": "validation accuracy",
    "balanced_accuracy": "balanced validation accuracy",
    "int8": "int8 validation accuracy",
}
"""Objective → its name in a sentence."""
SCORE_KEYS: Final[Mapping[Objective, str]] = {
    "val_accuracy": "val_accuracy",
    "balanced_accuracy": "val_balanced_accuracy",
    "int8": "val_int8_accuracy",
}
"""Objective → the key of its value in a trial's record, in a worker's answer and in the journal."""
SHORT_WORDS: Final[Mapping[Objective, str]] = {"val_accuracy": "", "balanced_accuracy": "balanced", "int8": "int8"}
"""Objective → the word that distinguishes its value from an accuracy."""

SCHEMA: Final = 1
"""The version of every file of a run's folder."""

HISTORY_METRICS = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds")
"""The metrics of each epoch. Losses are cross-entropies alone, without L2 and label smoothing, so that
configurations compare; the learning rate is that of the epoch's last step."""

TRAINING_METRICS = tuple(metric for metric in HISTORY_METRICS if not metric.startswith("val_"))
"""The metrics of a refit, which has no validation images: it trains on them."""

TEST_MET_AGAIN = "The test set was met once more"
"""The beginning of the note of a run whose evaluation was lost and repeated."""
ACCURACY_TOLERANCE = 1e-6
"""Keras counts accuracies in 32 bits, so 5,964 of 6,000 images may come a little short of 99.4%. One image is more than this."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One configuration to be trained from scratch for a number of epochs with one seed."""

    trial: str
    """Four digits or more, in the order of the plan: "0001"."""
    phase: Phase
    bracket: int | None
    """The bracket of Li et al. 2018, numbered from 0 through all iterations; None outside Hyperband."""
    rung: int | None
    repetition: int
    """0 in a search, 1 to n in a confirmation, a refit, a training or a study."""
    configuration: Configuration
    epochs: float
    """A whole number is an int. Below 1, in hundredths: one pass over this fraction of the training images."""
    seed: int
    parameters: int
    """Trainable parameters."""
    fold: int = 0
    """The fold that validates: 0 is the run's validation split, others are other training images (`Dataset.fold`)."""
    origin: str = ""
    """The origin of its configuration: "reference gap-6664", "default", "scaled c12-8172", "near default" (or near any of
    these), "random", "model" (bayesian). Empty where the user gave the configuration, and in older journals."""
    objective: Objective = "val_accuracy"
    """The score by which the trial is ranked (`objective_of_trial`). A journal has it only where it is another than the default."""

    @property
    def share(self) -> float:
        """Return the fraction of the training images in one pass."""
        return min(1, self.epochs)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialRecord(Trial):
    """A trial that has ended."""

    status: Status
    val_accuracy: float | None
    """Validation accuracy of the last epoch, in [0, 1]; None of a failed trial and of a refit, which doesn't validate."""
    val_loss: float | None
    val_balanced_accuracy: float | None = None
    """Balanced accuracy of the same images by the trained model; None where it was not measured, as in older journals."""
    val_int8_accuracy: float | None = None
    """Accuracy of the same images by the int8 network; None where the model was not quantised."""
    epochs_run: int
    """Passes, whatever their fraction of the images."""
    history: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """Metric → one value an epoch (`metrics_of`); NaN where a trial diverged."""
    duration_s: float
    worker: int
    layers: tuple[LayerSummary, ...] = ()
    ram: int | None = None
    """Bytes of TFLM's arena for the int8 network, estimated; None where they are unknown or TFLM can't run it."""
    flash: int | None = None
    """Bytes of the int8 file, estimated; None where they are unknown."""
    error: str | None = None
    """The reason for the failure, in one line."""
    finished_at: str = ""
    """ISO 8601, UTC: the time of the journal's event."""

    @property
    def completed(self) -> bool:
        return self.status == "completed"

    @property
    def score(self) -> float | None:
        """Return the value of the objective, by which the trial is ranked."""
        value: float | None = getattr(self, SCORE_KEYS[self.objective])
        return value

    @property
    def epochs_spent(self) -> float:
        """Return the epochs to which the passes add up."""
        return epochs_spent(self.epochs_run, self.epochs)

    @property
    def multiply_adds(self) -> int:
        """Return the multiply-adds of one image, in one forward pass."""
        return sum(layer.multiply_adds for layer in self.layers)


def objective_of_trial(objective: Objective, epochs: float, longest: float) -> Objective:
    """Return the score by which a search's trial is ranked: the run's objective.

    A trial that is shorter than the longest is not quantised: where the objective is int8 it is ranked by accuracy.
    """
    return "val_accuracy" if objective == "int8" and epochs < longest else objective


def metrics_of(phase: Phase) -> tuple[str, ...]:
    """Return the metrics of each epoch of a trial of this phase."""
    return TRAINING_METRICS if phase == "refit" else HISTORY_METRICS


def tidy_epochs(epochs: float) -> float:
    """Round epochs to hundredths, whole numbers to ints: 0.5556 → 0.56, 15.0 → 15."""
    rounded = round(epochs, 2)
    return int(rounded) if rounded == int(rounded) else rounded


def epochs_spent(passes: int, epochs: float) -> float:
    """Return the epochs to which passes add up; below 1 planned epoch, a pass is that fraction of an epoch."""
    return passes if epochs >= 1 else tidy_epochs(passes * epochs)


def trial_name(number: int) -> str:
    """Return the name of the n-th trial of a plan, from 1: "0001"."""
    return f"{number:04d}"


def rank_key(record: TrialRecord) -> tuple[bool, float, float, int, str]:
    """Return the key that sorts best first: completed, score, validation loss, parameters, configuration.

    The order is total: two different configurations never tie.
    """
    score = record.score if record.score is not None else -math.inf
    loss = record.val_loss if record.val_loss is not None and not math.isnan(record.val_loss) else math.inf
    return (not record.completed, -score, loss, record.parameters, configuration_key(record.configuration))


def configuration_key(configuration: Configuration) -> str:
    """Return the identifier of a configuration: sha256 of its sorted values, 16 hexadecimal digits."""
    text = json.dumps(dict(sorted(configuration.items())), sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def to_json(record: Trial) -> Json:
    """Return the record as a JSON object; NaN and infinities become null.

    The default objective is left out, and so is every other score that was not measured, as in journals that were written
    before they had these keys.
    """
    # Not `dataclasses.asdict`, which copies every value first: `_finite` makes new lists and objects of all.
    document = _fields(record)
    if document["objective"] == "val_accuracy":
        del document["objective"]
    for objective, key in SCORE_KEYS.items():
        if objective != "val_accuracy" and document.get(key) is None:
            document.pop(key, None)
    return cast(Json, _finite(document))


def _fields(instance: Trial | LayerSummary) -> Json:
    return {one.name: getattr(instance, one.name) for one in dataclasses.fields(instance)}


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, LayerSummary):
        return _finite(_fields(value))
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value
