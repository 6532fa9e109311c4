"""Checks of evaluation.npz: its probabilities against the journal's validation scores and the test figures of result.json. No Keras."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.core.records import SCORE_KEYS, SHORT_WORDS, Json, TrialRecord, metrics_of
from tuner.processes.tasks import PATIENCE, RESTORE_BEST
from tuner.stats.metrics import balanced_accuracy, score_int8, score_seeds, score_test_set
from tuner.storage.npz_io import Array
from tuner.storage.schema.documents import as_json
from tuner.verification.check import (
    TOLERANCE,
    Outcome,
    Unavailable,
    count,
    disagreements,
    equal,
    failed,
    outcome_of,
)
from tuner.verification.evidence import Evidence

_TIES = 2
"""Images whose class may differ between the last epoch's validation and the probabilities that were kept: both round in 32 bits."""


def validation(evidence: Evidence) -> Outcome:
    """Check that the kept validation probabilities give the validation accuracies of the journal."""
    arrays, faults, compared = evidence.arrays, [], 0
    for record in evidence.of_phase("confirm", "train", "study"):
        key = f"confirm/{record.trial}/validation_probabilities"
        if not record.completed or record.val_accuracy is None or key not in arrays:
            continue
        compared += 1
        int8 = arrays.get(f"confirm/{record.trial}/int8_predictions")
        faults += _validation_faults(record, arrays[key], _labels(arrays, record), int8)
    if not compared:
        raise Unavailable("evaluation.npz has no validation probabilities of a trial")
    return outcome_of(faults, f"{count(compared, 'trial')}, to {_TIES} images")


def _labels(arrays: Mapping[str, Array], record: TrialRecord) -> Array | None:
    trial_labels = arrays.get(f"confirm/{record.trial}/validation_labels")
    return trial_labels if trial_labels is not None else arrays.get("validation/labels")


def _validation_faults(
    record: TrialRecord, probabilities: Array, labels: Array | None, int8: Array | None
) -> list[str]:
    if labels is None or not _fit(probabilities, labels):
        return [f"trial {record.trial}: probabilities and labels of evaluation.npz don't fit each other"]
    right = int((probabilities.argmax(axis=1) == labels).sum())
    recorded = (record.val_accuracy or 0.0) * len(labels)
    if abs(right - recorded) > _TIES:
        return [
            f"trial {record.trial}: {right} of {len(labels)} validation images are right. The journal says {recorded:.0f}"
        ]
    return [*_balanced_faults(record, probabilities.argmax(axis=1), labels), *_int8_faults(record, int8, labels)]


def _int8_faults(record: TrialRecord, predictions: Array | None, labels: Array) -> list[str]:
    if record.val_int8_accuracy is None:
        return []
    if predictions is None or predictions.shape != labels.shape:
        return [
            f"trial {record.trial}: evaluation.npz lacks the classes that its int8 network gave the validation images"
        ]
    counted = float((predictions == labels).mean())
    if abs(record.val_int8_accuracy - counted) <= TOLERANCE:
        return []
    return [
        f"trial {record.trial}: the int8 network is right on {counted:.6f} of the validation images. "
        f"The journal says {record.val_int8_accuracy:.6f}"
    ]


def _balanced_faults(record: TrialRecord, predictions: Array, labels: Array) -> list[str]:
    if record.val_balanced_accuracy is None:
        return []
    counted, sizes = balanced_accuracy(labels, predictions), np.unique(labels, return_counts=True)[1]
    if abs(record.val_balanced_accuracy - counted) <= _TIES / (len(sizes) * int(sizes.min())) + TOLERANCE:
        return []
    return [
        f"trial {record.trial}: the balanced accuracy of the validation images is {counted:.6f}. "
        f"The journal says {record.val_balanced_accuracy:.6f}"
    ]


def _fit(probabilities: Array, labels: Array) -> bool:
    return (
        probabilities.ndim == 2
        and labels.ndim == 1
        and len(probabilities) == len(labels) > 0
        and labels.dtype.kind in "iu"
        and probabilities.dtype.kind == "f"
        and bool(np.isfinite(probabilities).all())
        and int(labels.min()) >= 0
        and int(labels.max()) < probabilities.shape[1]
    )


def test(evidence: Evidence) -> Outcome:
    """Check the test figures of result.json by counting them again from the kept probabilities."""
    recorded = evidence.result.test
    arrays = evidence.arrays
    if recorded is None:
        if any(name.startswith("test/") for name in arrays):
            return failed("evaluation.npz has test probabilities, and result.json says that the test set was not used")
        if evidence.completed and evidence.options.test:
            return failed("result.json has no test figures, though the options ask for them")
        raise Unavailable("the test set was not used")
    if not evidence.options.test:
        return failed("result.json has test figures, though the options say that the test set is not used")
    expected = _test_figures(evidence)
    if isinstance(expected, str):
        return failed(f"the test figures can't be counted again: {expected}")
    figures = as_json(recorded)
    faults = disagreements({name: figures.get(name) for name in expected}, expected, "test")
    return outcome_of(
        faults,
        f"accuracy {recorded.accuracy:.4f} and {count(len(expected) - 1, 'other figure')} on {count(recorded.n, 'image')}",
    )


test.__test__ = False  # type: ignore[attr-defined] # Not a test, whatever pytest makes of the name.


def _test_figures(evidence: Evidence) -> Json | str:
    """Return the figures, or what of evaluation.npz they can't be counted from."""
    arrays, result = evidence.arrays, evidence.result
    names = ("test/probabilities", "test/labels", "test/predictions_per_seed")
    missing = [name for name in names if name not in arrays]
    if missing:
        return f"evaluation.npz lacks {missing[0]}"
    probabilities, labels, per_model = (arrays[name] for name in names)
    classes = evidence.run.data.class_names
    if not _fit(probabilities, labels) or probabilities.shape[1] != len(classes) or per_model.shape[1:] != labels.shape:
        return "the test arrays of evaluation.npz don't fit each other"
    if len(labels) != evidence.run.data.test:
        return f"evaluation.npz has {len(labels):,} test labels, run.json {evidence.run.data.test:,} images"
    if len(per_model) != len(result.exported.trials):
        return f"evaluation.npz has predictions of {count(len(per_model), 'model')}"
    labels = _int64(labels)
    figures = {**score_test_set(probabilities, labels, classes), **score_seeds(per_model, labels)}
    if result.test is not None and result.test.int8 is not None:
        int8 = arrays.get("test/int8_predictions")
        if int8 is None or int8.shape != labels.shape:
            return "evaluation.npz lacks the classes that the int8 file gave the test images"
        figures["int8"] = score_int8(_int64(int8), labels)
    lacks_balanced = result.test is not None and result.test.balanced_accuracy is None
    # Older runs have no balanced accuracy in result.json.
    return {name: value for name, value in figures.items() if not (lacks_balanced and "balanced" in name)}


def _int64(labels: NDArray[Any]) -> NDArray[np.int64]:
    return labels.astype(np.int64)


_WHOLE = 0.01
"""The largest distance from a whole number of images of an accuracy counted in 32 bits: 6e-8 of 100,000 images is 0.006."""


def histories(evidence: Evidence) -> Outcome:
    """Check that a completed trial has every metric of every epoch, that its scores are those of its history, and that a failed one has none."""
    if evidence.run.space.model is not None:
        raise Unavailable("a user's own HyperModel is measured after its training, whatever its history ends with")
    faults = [f"trial {r.trial} {fault}" for r in evidence.records.values() for fault in _faults(r)]
    epochs = sum(record.epochs_run for record in evidence.records.values())
    return outcome_of(faults, f"{count(len(evidence.records), 'trial')}, {count(epochs, 'epoch')}")


def _faults(record: TrialRecord) -> Iterator[str]:
    if not record.completed:
        if any(score is not None for score in _scores(record)):
            yield "failed and has a score"
        return
    if not 1 <= record.epochs_run <= math.ceil(record.epochs):
        yield f"ran {record.epochs_run} epochs of {record.epochs:g}"
    if _runs_to_its_end(record) and record.epochs_run != math.ceil(record.epochs):
        yield f"stopped after {record.epochs_run} of {record.epochs:g} epochs, though nothing stops it early"
    for metric in metrics_of(record.phase):
        length = len(record.history.get(metric, ()))
        if length != record.epochs_run:
            yield f"has {metric} of {length} epochs. Expected {record.epochs_run}"
            return
    yield from _score_faults(record)


def _scores(record: TrialRecord) -> tuple[float | None, ...]:
    return record.val_loss, *(getattr(record, key) for key in SCORE_KEYS.values())


def _runs_to_its_end(record: TrialRecord) -> bool:
    stops = {PATIENCE, RESTORE_BEST} & set(record.configuration)
    return record.phase in ("train", "study") and not stops


def _score_faults(record: TrialRecord) -> Iterator[str]:
    if record.phase == "refit":
        if any(score is not None for score in _scores(record)):
            yield "was trained on the validation images and has a validation score"
        return
    if record.objective != "val_accuracy" and record.score is None:
        yield f"has no {SHORT_WORDS[record.objective]} accuracy, though trials are ranked by it"
    losses = record.history["val_loss"]
    epoch = min(range(len(losses)), key=lambda place: losses[place]) if record.configuration.get(RESTORE_BEST) else -1
    for metric, recorded in (("val_accuracy", record.val_accuracy), ("val_loss", record.val_loss)):
        value = record.history[metric][epoch]
        if recorded is None or not equal(recorded, value):
            yield f"has a {metric} of {recorded}. Its history ends with {value}"


def accuracies(evidence: Evidence) -> Outcome:
    """Check that each validation accuracy is a whole number of the validation images."""
    evidence.family  # noqa: B018 - what a user's own metric counts is unknown
    images = evidence.run.data.validation
    faults = [
        f"trial {record.trial} has a validation accuracy of {value}, which is {images * value:.3f} of {images:,} images"
        for record in evidence.records.values()
        for value in _values(record)
        if abs(images * value - round(images * value)) > _WHOLE
    ]
    return outcome_of(faults, f"each a whole number of {images:,} images")


def _values(record: TrialRecord) -> list[float]:
    recorded = [] if record.val_accuracy is None else [record.val_accuracy]
    return [*recorded, *(value for value in record.history.get("val_accuracy", ()) if math.isfinite(value))]
