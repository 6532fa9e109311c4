"""Checks of the exported model: asked again on the run's images, and the SavedModel against the Keras file. Imports Keras where it is asked."""

from __future__ import annotations

import importlib.util
import math
import os
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuner.core.machine import keras_backend
from tuner.core.quiet_imports import quiet_imports
from tuner.core.records import TrialRecord
from tuner.export.formats import FORMATS, ExportError, savedmodel_fits
from tuner.export.int8 import missing_requirement, quantise
from tuner.export.writing import calibration_images, exported_data
from tuner.verification.check import Outcome, Unavailable, count, failed, outcome_of, passed
from tuner.verification.data import dataset
from tuner.verification.evidence import Evidence
from tuner.verification.retraining import differences

if TYPE_CHECKING:
    from tuner.export.formats import Probabilities

# Keras and TensorFlow have no types: their models are `Any` here.

PROBABILITY_TOLERANCE = 1e-3
"""Largest difference of a probability from the one that was kept: other processors add float32 up in another order.

Measured: 7e-7 with kernels for SSE4.1 in the place of AVX-512, and without oneDNN's."""
_ACCURACY_TOLERANCE = 0.001
_COMPARED = 1000
_OF_VARIABLE = "/.ATTRIBUTES/VARIABLE_VALUE"
"""The ending of a variable's name in a checkpoint of TensorFlow."""


def keras_model(evidence: Evidence) -> Outcome:
    """Check best.keras: its parameters, and its answers on the test images (on validation images where the test set was not used)."""
    model = _model(evidence)
    parameters = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    recorded = evidence.result.parameters
    if parameters != recorded:
        return failed(f"best.keras has {parameters:,} trainable parameters. result.json says {recorded:,}")
    on_images = _on_test_images if evidence.result.test is not None else _on_validation_images
    outcome = on_images(evidence)
    return outcome if not evidence.result.model.int8 or outcome.status == "failed" else _with_int8(evidence, outcome)


def _with_int8(evidence: Evidence, outcome: Outcome) -> Outcome:
    """Quantise best.keras again, as its trial did, and compare the file with the run's, which is untrusted and therefore not run."""
    path, name = evidence.folder.int8_model, evidence.folder.int8_model.name
    if not path.is_file():
        return outcome  # the check of exported files reports it
    if requirement := missing_requirement():
        return passed(f"{outcome.detail}; {name} not compared, which needs {requirement}")
    with quiet_imports():
        data = exported_data(dataset(evidence), evidence.result)
        try:
            content = quantise(_model(evidence), calibration_images(data))
        except ExportError as error:
            return failed(str(error))
    if content == path.read_bytes():
        return passed(f"{outcome.detail}; {name} is what it is quantised to, byte for byte")
    others = differences(evidence.run)
    if others:
        return passed(f"{outcome.detail}; quantised here it gives another file than {name}: {', '.join(others[:2])}")
    return failed(f"{name} is not what best.keras is quantised to")


def _on_test_images(evidence: Evidence) -> Outcome:
    data, test = dataset(evidence), evidence.result.test
    probabilities = _answers(evidence, data.x_test)
    accuracy = float((probabilities.argmax(axis=1) == data.y_test).mean())
    exported = None if test is None else test.exported_accuracy
    faults = []
    if exported is not None and abs(accuracy - exported) > max(_ACCURACY_TOLERANCE, 1.5 / len(data.y_test)):
        faults.append(f"best.keras is right on {accuracy:.4f} of the test images. result.json says {exported:.4f}")
    kept = evidence.arrays.get("test/probabilities")
    difference = _difference(probabilities, kept)
    if not difference <= PROBABILITY_TOLERANCE:
        faults.append(f"probabilities of best.keras differ by up to {difference:.2g} from those in evaluation.npz")
    return outcome_of(
        faults,
        f"accuracy {accuracy:.4f} on {count(len(data.y_test), 'test image')}; probabilities within {difference:.1g}",
    )


def _on_validation_images(evidence: Evidence) -> Outcome:
    record = _exported_record(evidence)
    if record.phase == "refit" or record.val_accuracy is None:
        return passed("parameters; a refit was trained on all images that it could be asked about")
    data = dataset(evidence).fold(record.fold)
    accuracy = float((_answers(evidence, data.x_validation).argmax(axis=1) == data.y_validation).mean())
    tolerance = max(_ACCURACY_TOLERANCE, 2.5 / len(data.y_validation))
    faults = []
    if abs(accuracy - record.val_accuracy) > tolerance:
        faults.append(
            f"best.keras is right on {accuracy:.4f} of the validation images. The journal says {record.val_accuracy:.4f}"
        )
    return outcome_of(faults, f"accuracy {accuracy:.4f} on {count(len(data.y_validation), 'validation image')}")


def _exported_record(evidence: Evidence) -> TrialRecord:
    name = evidence.result.exported.trial
    if name not in evidence.records:
        raise Unavailable(f"the journal has no trial {name}")
    return evidence.records[name]


def _difference(computed: Probabilities, kept: Any) -> float:
    if kept is None or kept.shape != computed.shape or kept.dtype.kind != "f":
        return math.inf
    return float(np.abs(computed - kept).max(initial=0.0))


def savedmodel(evidence: Evidence) -> Outcome:
    """Check the SavedModel against best.keras: its weights, read as data; its answers too, where its user lets it run."""
    path = evidence.folder.saved_model
    evidence.run  # noqa: B018 - nothing is read through a link
    if not os.path.isfile(path / "saved_model.pb"):
        raise Unavailable("the run has no SavedModel")
    if keras_backend() != "tensorflow" or importlib.util.find_spec("tensorflow") is None:
        raise Unavailable("that needs TensorFlow as Keras's backend")
    if not savedmodel_fits(path):
        raise Unavailable("TensorFlow can't read one from a path with [, ], * or ?")
    model = _model(evidence)
    faults = _weight_faults(evidence, model)
    if faults or not evidence.request.savedmodel:
        words = f"{count(len(model.variables), 'weight')} as in best.keras; not run: it is a program (--run-savedmodel runs it)"
        return outcome_of(faults, words)
    return _answers_of_savedmodel(evidence)


def _weight_faults(evidence: Evidence, model: Any) -> list[str]:
    """Compare the tensors of the SavedModel's checkpoint, which is data, with the model's variables.

    The checkpoint has them in the model's order (`variables/<place>`) and once more in another (`_all_variables/<place>`).
    """
    import tensorflow as tf

    try:
        checkpoint = tf.train.load_checkpoint(str(evidence.folder.saved_model / "variables" / "variables"))
        tensors = {name: checkpoint.get_tensor(name) for name in checkpoint.get_variable_to_shape_map()}
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        return [f"the weights of the SavedModel can't be read: {' '.join(str(error).split())[:200]}"]
    weights = [(variable.path, np.asarray(variable)) for variable in model.variables]
    known = {(array.shape, array.tobytes()) for _, array in weights}
    faults = [
        f"the SavedModel's weight {path} is not that of best.keras"
        for place, (path, array) in enumerate(weights)
        if not _same(tensors.get(f"variables/{place}{_OF_VARIABLE}"), array)
    ]
    return faults + [
        f"the SavedModel has a weight that best.keras lacks: {name.removesuffix(_OF_VARIABLE)[:80]}"
        for name, tensor in tensors.items()
        if name.endswith(_OF_VARIABLE) and (np.shape(tensor), np.asarray(tensor).tobytes()) not in known
    ]


def _same(computed: Any, array: NDArray[Any]) -> bool:
    return computed is not None and np.array_equal(computed, array)


def _answers_of_savedmodel(evidence: Evidence) -> Outcome:
    data = dataset(evidence)
    images = data.x_test if evidence.result.test is not None else data.x_validation
    images = np.asarray(images[:_COMPARED])
    limit = FORMATS["savedmodel"].tolerance.difference or 0.0
    try:
        theirs = FORMATS["savedmodel"].load().open(evidence.folder.saved_model).classify(images)
    except Exception as error:  # whatever an untrusted program raises
        return failed(f"the SavedModel can't be run: {type(error).__name__}: {' '.join(str(error).split())[:200]}")
    difference = _difference(_answers(evidence, images), theirs)
    faults = (
        []
        if difference <= limit
        else [f"probabilities of the SavedModel differ by up to {difference:.2g} from best.keras"]
    )
    return outcome_of(faults, f"weights, and probabilities of {count(len(images), 'image')} within {difference:.1g}")


def _model(evidence: Evidence) -> Any:
    path = evidence.folder.keras_model
    evidence.run  # noqa: B018 - nothing is read through a link
    named_code = evidence.named_code
    if not os.path.isfile(path) and not (named_code and os.path.isfile(evidence.folder.weights)):
        raise Unavailable("the run has no best.keras")
    if keras_backend() not in ("tensorflow", "jax", "torch"):
        raise Unavailable(f"Keras has no backend {keras_backend()}")

    def load() -> Any:
        if not named_code:
            evidence.request.inspect_model(path)
        with quiet_imports():
            from tuner.export.job import load_model

            data = evidence.run.data
            return load_model(evidence.folder, data.classes, data.input_shape, named_code=named_code)

    return evidence.once("model", load)


def _answers(evidence: Evidence, images: NDArray[np.uint8]) -> Probabilities:
    from tuner.export.keras_file import classifier

    probabilities: Probabilities = classifier(_model(evidence))(np.asarray(images))
    return probabilities
