"""ONNX: Keras's own exporter (over tf2onnx), with names that a client can use; read by onnxruntime."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tuner.export.formats import Images, Opened, Probabilities
from tuner.export.signature import INPUT_NAME, float_signature

# Keras, onnx and onnxruntime have no types here: their models are `Any`.

OUTPUT_NAME = "probabilities"
BATCH_NAME = "batch"
ERFC = "erfc"
"""The prefix of the names of the nodes that replace it."""


class OnnxFile:
    """`model.onnx`, for any number of images."""

    def write(self, model: Any, path: Path, calibration: Images) -> None:
        """Convert and write it."""
        spec = keras.InputSpec(shape=(None, *model.input_shape[1:]), dtype="uint8", name=INPUT_NAME)
        with warnings.catch_warnings():
            # Keras patches tf2onnx for numpy 2, which warns about it.
            warnings.simplefilter("ignore")
            model.export(str(path), format="onnx", input_signature=[spec], verbose=False)
        import onnx

        graph = onnx.load_model_from_string(path.read_bytes())
        without_erfc(graph)
        with_names(graph)
        onnx.checker.check_model(graph)
        path.write_bytes(graph.SerializeToString())

    def open(self, path: Path) -> Opened:
        """Load it into onnxruntime, on the CPU."""
        import onnxruntime

        session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
        (taken,), (given,) = session.get_inputs(), session.get_outputs()

        def classify(images: Images) -> Probabilities:
            return np.asarray(session.run([given.name], {taken.name: images})[0], np.float32)

        return Opened(classify, float_signature(_shape(taken), given.name, _shape(given)))


def without_erfc(model: Any) -> None:
    """Replace erfc(x), which TensorFlow's GELU uses, by 1 − erf(x): ONNX has no erfc, and tf2onnx 1.17 keeps it."""
    from onnx import helper, numpy_helper

    erfc_places = [place for place, node in enumerate(model.graph.node) if node.op_type == "Erfc"]
    if not erfc_places:
        return
    one = f"{ERFC}_one"
    model.graph.initializer.append(numpy_helper.from_array(np.float32(1.0), one))
    # From last to first, so that the places before stay right.
    for place in reversed(erfc_places):
        node = model.graph.node.pop(place)
        (taken,), (given,) = node.input, node.output
        model.graph.node.insert(place, helper.make_node("Sub", [one, f"{given}_{ERFC}"], [given]))
        model.graph.node.insert(place, helper.make_node("Erf", [taken], [f"{given}_{ERFC}"]))


def with_names(model: Any) -> None:
    """Call the output `probabilities` and the open dimension `batch`, where the converter left names of its own."""
    (output,) = model.graph.output
    for node in model.graph.node:
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                if name == output.name:
                    names[place] = OUTPUT_NAME
    output.name = OUTPUT_NAME
    for tensor in (*model.graph.input, output):
        tensor.type.tensor_type.shape.dim[0].dim_param = BATCH_NAME


def _shape(tensor: Any) -> tuple[int | None, ...]:
    return tuple(side if isinstance(side, int) else None for side in tensor.shape)


ONNX = OnnxFile()
