"""A rehearsal of a user's HyperModel on a few images: all that a run will do with it, before the first trial.

It is built, called, trained for an epoch, saved, built again, exported and compared, so that errors at the end of a run
show up here, in one line. The result is a `ModelInterface`. Imports Keras.
"""

from __future__ import annotations

import json
import math
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tuner.core.failures import plain_message, reason
from tuner.core.records import Value
from tuner.data.dataset import Dataset
from tuner.export.writing import Sample, short, write_checked
from tuner.rehearsal import network_form
from tuner.rehearsal.network_form import SpaceError
from tuner.spaces.adapter import as_classifier, build, build_network, hyperparameters
from tuner.spaces.callbacks import DivergedError, EpochRecorder, Scores
from tuner.spaces.discovery import defaults, extreme_values, merge
from tuner.spaces.network_training import call_fit, measured_scores, predict, returned_history
from tuner.storage.schema.model_interface import Curves, ImageFormat, ModelInterface

# Keras has no types: models, hyperparameters and HyperModels are `Any` here.

SEED = 1
EXPORT_WITHIN_S, EXTREMES_WITHIN_S = 14.0, 17.0
"""The seconds after which the export and the extreme values are skipped: a rehearsal should take 20 seconds at most."""
_SCALES = ((1.0, 0.0), (1 / 255, 0.0), (1 / 127.5, -1.0))
"""Usual scalings of pixels in `fit`."""
_SAME_LOSS = 0.05
"""The fraction by which equal losses may differ: `fit` adds penalties and label smoothing."""
_SAME_ANSWER = 1e-4
_CATEGORICAL = ("categorical_crossentropy", "CategoricalCrossentropy", "CategoricalFocalCrossentropy")


@dataclass
class Rehearsal:
    """The findings of a rehearsal."""

    interface: ModelInterface
    notes: list[str] = field(default_factory=list)
    """Notes for the user."""


def rehearse(space: Any, declared: Any, data: Dataset) -> Rehearsal:
    """Rehearse a HyperModel.

    Args:
        space: the HyperModel.
        declared: the known `keras_tuner.HyperParameters`; those that `fit` declares are added.
        data: a few training and validation images of the run's data.

    Raises:
        SpaceError: where it can't be searched; the message says why in one line.
    """
    began = time.monotonic()
    rehearsal = Rehearsal(network_form.interface_of(space, defaults(declared), data.classes, data.input_shape))
    fitted = _fit(space, declared, data, rehearsal)
    _compare_with_fit(fitted, data, rehearsal)
    classifier = as_classifier(fitted.network, rehearsal.interface)
    answers = predict(classifier, data.x_validation)
    with tempfile.TemporaryDirectory() as folder:
        _build_again(space, fitted, data, rehearsal, answers=answers, folder=Path(folder))
        _write_keras_file(classifier, rehearsal, Path(folder))
        if time.monotonic() - began < EXPORT_WITHIN_S:
            _export(classifier, data, rehearsal, answers, Path(folder))
    if time.monotonic() - began < EXTREMES_WITHIN_S:
        _build_extremes(space, declared, data, rehearsal)
    return rehearsal


@dataclass(frozen=True, eq=False)
class _Fitted:
    """A network after one epoch on a few images."""

    network: Any
    values: Mapping[str, Value]
    history: Mapping[str, list[float]]


def _fit(space: Any, declared: Any, data: Dataset, rehearsal: Rehearsal) -> _Fitted:
    """Train for an epoch on images as they are; where `fit` rejects these, in the form that the network takes."""
    errors: list[Exception] = []
    for images in _fit_formats(rehearsal.interface):
        interface = replace(rehearsal.interface, fit=images)
        try:
            fitted = _fit_once(space, declared, data, interface, rehearsal)
        except (SpaceError, MemoryError):
            raise
        except Exception as error:  # whatever a user's fit raises; reported below, if every form fails
            errors.append(error)
            continue
        return fitted
    raise SpaceError(_format_fit(space, declared, errors[-1], len(data.y_train))) from errors[-1]


def _fit_formats(interface: ModelInterface) -> Iterator[ImageFormat]:
    plain = ImageFormat(shape=interface.images)
    forms = (plain, replace(interface.network, dtype="uint8"), interface.network, replace(plain, dtype="float32"))
    yield from dict.fromkeys(forms)


def _fit_once(space: Any, declared: Any, data: Dataset, interface: ModelInterface, rehearsal: Rehearsal) -> _Fitted:
    keras.utils.set_random_seed(SEED)
    values = defaults(declared)
    hp = hyperparameters(values)
    network = build_network(space, hp, interface)
    before = network.get_weights()
    recorder = EpochRecorder(lambda epoch, metrics: None, validates=True)
    returned: Any = None
    try:
        returned = call_fit(space, hp, network, interface, data, epochs=1, callbacks=[recorder])
    except DivergedError:
        rehearsal.notes.append("With the default values the loss is no number after an epoch on a few images.")
        network = build_network(space, hyperparameters(values), interface)
    if not recorder.history["loss"] and _are_equal(before, network.get_weights()):
        raise SpaceError("`fit` did not train the model that it was given: no weight changed.")
    merge(declared, hp)
    called_back = recorder.epochs > 0
    history = dict(recorder.history) if called_back else returned_history(returned)
    curves: Curves = "callbacks" if called_back else "returned" if history["loss"] else "none"
    rehearsal.interface = replace(interface, curves=curves)
    rehearsal.notes += _curve_notes(curves, recorder)
    return _Fitted(network, defaults(declared), history)


def _are_equal(before: list[Any], after: list[Any]) -> bool:
    return all(np.array_equal(one, other, equal_nan=True) for one, other in zip(before, after, strict=True))


def _curve_notes(curves: Curves, recorder: EpochRecorder) -> list[str]:
    if curves == "none":
        return [
            "`fit` doesn't call the callbacks that it is given, nor returns a History: there are no learning curves, and no "
            "progress is shown within a trial. Accuracy is measured after each training."
        ]
    if curves == "returned":
        return [
            "`fit` doesn't call the callbacks that it is given: learning curves are taken from the History that it returns, and no "
            "progress is shown within a trial. Pass `callbacks` to model.fit."
        ]
    if "val_accuracy" not in recorder.reported:
        return ["The training reports no validation accuracy: it is measured after each epoch."]
    return []


def _format_fit(space: Any, declared: Any, error: Exception, images: int) -> str:
    loss = getattr(build(space, hyperparameters(defaults(declared))), "loss", None)
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
    if name in _CATEGORICAL and "shape" in plain_message(str(error)):
        return (
            f"Its loss is {name}, which wants a row for each label. Expected sparse_categorical_crossentropy, or a `fit` that makes "
            "rows of the labels (keras.utils.to_categorical). Received: labels as whole numbers"
        )
    return f"`fit` failed on {images} images with the default values. {reason(error)}"


def _compare_with_fit(fitted: _Fitted, data: Dataset, rehearsal: Rehearsal) -> None:
    """Find the scale of pixels in `fit` and the kind of outputs, by the validation scores that `fit` reported."""
    reported = (_last(fitted.history, "val_accuracy"), _last(fitted.history, "val_loss"))
    first: tuple[ModelInterface, list[str]] | None = None
    for scale, offset in _SCALES:
        interface, notes = network_form.with_output(
            fitted.network, replace(rehearsal.interface, scale=scale, offset=offset), data.x_validation
        )
        first = first or (interface, notes)
        scores = _scores(fitted.network, interface, data)
        if scores is None or _agrees(scores, reported, len(data.y_validation)):
            break
    else:
        interface, notes = first  # type: ignore[misc]  # there is a first scale
        notes = [*notes, _disagreement(_scores(fitted.network, interface, data), reported)]
    rehearsal.interface = interface
    rehearsal.notes += notes
    if interface.scale != 1.0 or interface.offset:
        rehearsal.notes.append(
            "`fit` scales the pixels before they reach the network: the exported model does the same."
        )
    elif not network_form.scales_pixels(fitted.network):
        rehearsal.notes.append(
            "The networks get pixels from 0 to 255, which no layer scales. Most train better with keras.layers.Rescaling(1 / 255) as "
            "the first layer."
        )


def _last(history: Mapping[str, list[float]], metric: str) -> float | None:
    series = [value for value in history.get(metric, ()) if math.isfinite(value)]
    return series[-1] if series else None


def _scores(network: Any, interface: ModelInterface, data: Dataset) -> Scores | None:
    try:
        return measured_scores(as_classifier(network, interface), data)
    except DivergedError:
        return None


def _agrees(scores: Scores, reported: tuple[float | None, float | None], images: int) -> bool:
    """Return whether the classifier has the validation scores that `fit` reported; True where it reported none."""
    accuracy, loss = reported
    if accuracy is None:
        return True
    if abs(scores[0] - accuracy) > 1.5 / images:
        return False
    # Most networks give one class after one epoch, so that the accuracy alone would agree by chance.
    return loss is None or abs(scores[1] - loss) <= _SAME_LOSS * max(1.0, abs(loss)) or scores[1] < loss


def _disagreement(scores: Scores | None, reported: tuple[float | None, float | None]) -> str:
    claimed, measured = f"{reported[0]:.1%}" if reported[0] is not None else "?", f"{scores[0]:.1%}" if scores else "?"
    return (
        f"After one epoch `fit` reports an accuracy of {claimed} on a few validation images, and the trained model has {measured} on the same "
        "images as they are. The measured one counts. If `fit` prepares images, put that into the model."
    )


def _build_again(
    space: Any, fitted: _Fitted, data: Dataset, rehearsal: Rehearsal, *, answers: Any, folder: Path
) -> None:
    """Keep the weights and load them into a second network of the same values, as the end of a run does."""
    weights = folder / "kept.weights.h5"
    try:
        as_classifier(fitted.network, rehearsal.interface).save_weights(weights)
        again = as_classifier(
            build_network(space, hyperparameters(fitted.values), rehearsal.interface), rehearsal.interface
        )
        again.load_weights(weights)
    except Exception as error:
        raise SpaceError(
            f"The weights of a trained network can't be loaded into a second one of the same values. {reason(error)}"
        ) from error
    if not np.allclose(predict(again, data.x_validation), answers, atol=_SAME_ANSWER, equal_nan=True):
        raise SpaceError(
            "A second network of the same values and weights answers differently. Expected a `build` that depends on `hp` alone."
        )


def _write_keras_file(classifier: Any, rehearsal: Rehearsal, folder: Path) -> None:
    """Write a Keras file, and note whether Keras alone can load it."""
    path = folder / "model.keras"
    try:
        classifier.save(path)
    except Exception as error:
        rehearsal.interface = replace(rehearsal.interface, portable=False)
        rehearsal.notes.append(
            f"The model can't be written as a Keras file ({short(error)}). Its weights are kept, and the SavedModel; a class of your own "
            "needs get_config."
        )
        return
    with zipfile.ZipFile(path) as archive:
        foreign = sorted(set(network_form.foreign_classes(json.loads(archive.read("config.json")))))
    if foreign:
        rehearsal.interface = replace(rehearsal.interface, portable=False)
        rehearsal.notes.append(
            f"The model has code of its own ({', '.join(foreign)}): best.keras is loaded where the space is named "
            "(--space), the SavedModel anywhere."
        )


def _export(classifier: Any, data: Dataset, rehearsal: Rehearsal, answers: Any, folder: Path) -> None:
    """Write a SavedModel and compare it, where the backend is TensorFlow."""
    if keras.config.backend() != "tensorflow":
        return
    from tuner.export.formats import FORMATS, ExportError

    sample = Sample("validation", np.asarray(data.x_validation), np.asarray(data.y_validation), data.x_train[:1])
    try:
        write_checked(FORMATS["savedmodel"], classifier, folder / "saved", sample, answers)
    except ExportError as error:
        rehearsal.interface = replace(rehearsal.interface, savedmodel=False)
        rehearsal.notes.append(f"No SavedModel can be made of these networks, and the run is kept without one. {error}")


def _build_extremes(space: Any, declared: Any, data: Dataset, rehearsal: Rehearsal) -> None:
    for largest in (False, True):
        values = extreme_values(declared, largest=largest)
        if values == defaults(declared):
            continue
        try:
            network = build_network(space, hyperparameters(values), rehearsal.interface)
        except SpaceError:
            raise
        except Exception as error:  # such a configuration is never trained: the sampler skips it
            rehearsal.notes.append(
                f"The {'largest' if largest else 'smallest'} values make no network, so such configurations are skipped. {reason(error)}"
            )
            continue
        network_form.check_width(network, rehearsal.interface, data.classes)
