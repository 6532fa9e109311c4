"""LiteRT (`.tflite`): in float32, and fully quantised to 8 bits for microcontrollers. One image at a time.

TensorFlow converts; LiteRT's own interpreter (ai-edge-litert) reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tuner.export.formats import ExportError, Images, Opened, Probabilities
from tuner.export.signature import INPUT_NAME
from tuner.storage.schema.export import Signature, Tensor

# Keras, TensorFlow and LiteRT have no types: their models are `Any` here.


@dataclass(frozen=True)
class LiteRTFile:
    """A `.tflite` file for one image (1, h, w) or (1, h, w, 3)."""

    quantised: bool

    def write(self, model: Any, path: Path, calibration: Images) -> None:
        """Convert and write it; the converter needs the ending `.tflite`."""
        if self.quantised:
            _export(with_float_input(model), path, "float32", **_int8(calibration))
        else:
            _export(model, path, "uint8")

    def write_int8(self, content: bytes, path: Path, image_shape: tuple[int, ...]) -> None:
        """Write a quantised file that is there already."""
        path.write_bytes(content)

    def open(self, path: Path) -> Opened:
        """Load it into LiteRT's interpreter.

        Raises:
            ExportError: where a quantised file doesn't take uint8 pixels of step 1 and return uint8.
        """
        runner, signature = _runner(path)
        if self.quantised:
            _check_quantised(runner, signature)
        output, scale = signature.output.name, signature.output.scale

        def classify(images: Images) -> Probabilities:
            answers: list[NDArray[Any]] = [runner(**{INPUT_NAME: image[None]})[output] for image in images]
            return np.concatenate(answers).astype(np.float32) * np.float32(scale or 1.0)

        return Opened(classify, signature)


def write_float_pixels(model: Any, path: Path) -> None:
    """Write the float file of the network that is quantised: its pixels are float32, so that its operations are the int8 file's."""
    _export(with_float_input(model), path, "float32")


def _export(model: Any, path: Path, dtype: str, **settings: Any) -> None:
    spec = keras.InputSpec(shape=(1, *model.input_shape[1:]), dtype=dtype, name=INPUT_NAME)
    # Keras would also allow TensorFlow's own operations, which no interpreter for small machines has.
    target = {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS], **settings.pop("target_spec", {})}
    model.export(str(path), format="litert", input_signature=[spec], verbose=False, target_spec=target, **settings)


def _int8(calibration: Images) -> dict[str, Any]:
    def images() -> Iterator[list[NDArray[np.float32]]]:
        for image in full_range(calibration):
            yield [image[None].astype(np.float32)]

    return {
        "optimizations": [tf.lite.Optimize.DEFAULT],
        "representative_dataset": images,
        "target_spec": {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]},
        "inference_input_type": tf.uint8,
        "inference_output_type": tf.uint8,
    }


def full_range(images: Images) -> Images:
    """Return the images, two pixels of the first set to 0 and 255: so a step of the input is one grey level."""
    changed = images.copy()
    changed[0, 0, 0], changed[0, 0, -1] = 0, 255
    return changed


def with_float_input(model: Any) -> Any:
    """Return a copy of the model for float pixels 0 to 255: the converter quantises floats only."""
    image = keras.Input(model.input_shape[1:], dtype="float32", name=INPUT_NAME)
    clone = keras.models.clone_model(model, input_tensors=image)
    clone.set_weights(model.get_weights())
    for layer in clone.layers:
        if isinstance(layer, keras.layers.Normalization):
            # The layer computes with copies of its weights: update them.
            layer.finalize_state()
    return clone


def _runner(path: Path) -> tuple[Any, Signature]:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=path.read_bytes())
    interpreter.allocate_tensors()
    runner = interpreter.get_signature_runner()
    taken, given = runner.get_input_details()[INPUT_NAME], runner.get_output_details()
    (output, details), *_ = given.items()
    scale = float(details["quantization"][0]) or None
    highest = 255.0 if scale else 1.0
    return runner, Signature(
        Tensor(INPUT_NAME, np.dtype(taken["dtype"]).name, tuple(map(int, taken["shape"])), (0.0, 255.0)),
        Tensor(output, np.dtype(details["dtype"]).name, tuple(map(int, details["shape"])), (0.0, highest), scale=scale),
    )


def _check_quantised(runner: Any, signature: Signature) -> None:
    taken = runner.get_input_details()[INPUT_NAME]["quantization"]
    if (signature.input.dtype, signature.output.dtype) != ("uint8", "uint8") or tuple(taken) != (1.0, 0):
        raise ExportError(
            f"litert-int8: expected uint8 pixels of step 1 in and uint8 out. Received: {signature.input.dtype} of step "
            f"{taken[0]:g} from {taken[1]} in, {signature.output.dtype} out"
        )


FLOAT, INT8 = LiteRTFile(quantised=False), LiteRTFile(quantised=True)
