"""The int8 network of a trained model: quantised, asked one image at a time on one thread, and compared with floats layer by layer.

`tuner.export.litert` converts; `search_spaces.networks.memory` computes the bytes. Imports neither TensorFlow nor LiteRT before a
function is called.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tuner.core.disk_full import is_no_space
from tuner.core.failures import is_out_of_memory
from tuner.core.machine import keras_backend
from tuner.export.formats import FORMATS, ExportError, Images
from tuner.export.writing import short

# Keras models and LiteRT's interpreters have no types: they are `Any` here.

FORMAT: Literal["litert-int8"] = "litert-int8"
Floats: TypeAlias = NDArray[np.float64]

_COPIES = {"QUANTIZE", "DEQUANTIZE", "RESHAPE"}
"""Operations that compute nothing: a layer's error is that of the operation before them."""
_NUMBERED = re.compile(r"(.+?)_\d+")
"""A layer in the name of a tensor: the copy that is converted has its name with a number."""


@dataclass(frozen=True, eq=False)
class LayerErrors:
    """The error of the int8 network after each of its operations, in the order of their execution."""

    names: tuple[str, ...]
    """The Keras layer whose output the operation computes, with its batch norm and activation; "(depthwise)" within a separable one."""
    snr_db: Floats
    """(operations,): 10 log10 of the sum of squares of the float network's values over that of the differences."""


def missing_packages() -> tuple[str, ...]:
    """Return the packages that quantising needs and that are not installed."""
    return FORMATS[FORMAT].missing()


def missing_requirement() -> str | None:
    """Return what quantising needs and this process lacks: packages, or TensorFlow as Keras's backend; None where nothing."""
    if missing := missing_packages():
        return " and ".join(missing)
    return None if keras_backend() == "tensorflow" else "TensorFlow as Keras's backend"


def quantise(model: Any, calibration: Images) -> bytes:
    """Return the int8 file of a Keras model, as `mnist-tune export --format litert-int8` writes it.

    Args:
        model: from images (n, h, w) or (n, h, w, 3) to probabilities (n, classes).
        calibration: training images, which give the ranges of activations.

    Raises:
        ExportError: where the network can't be quantised.
    """
    with tempfile.TemporaryDirectory(prefix="mnist-tune-int8-") as folder:
        path = Path(folder) / FORMATS[FORMAT].file
        try:
            FORMATS[FORMAT].load().write(model, path, calibration)
        except Exception as error:
            if is_no_space(error) or is_out_of_memory(error):
                raise
            raise ExportError(f"The network can't be quantised to int8: {short(error)}") from error
        return path.read_bytes()


def predict_int8(content: bytes, images: Images) -> NDArray[np.int64]:
    """Return the classes (n,) that an int8 file gives to images, one at a time on one thread."""
    interpreter = _interpreter(content)
    taken, given = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    classes = np.empty(len(images), np.int64)
    for number, image in enumerate(images):
        interpreter.set_tensor(taken, image[None])
        interpreter.invoke()
        classes[number] = int(interpreter.get_tensor(given)[0].argmax())
    return classes


def layer_errors(model: Any, content: bytes, images: Images) -> LayerErrors:
    """Compare the int8 network with the float one after each operation, on the same images.

    The float network is converted as the int8 one is, so that both have the same operations; those that only convert or reshape
    are left out.

    Args:
        model: the Keras model.
        content: its int8 file.
        images: (n, h, w) or (n, h, w, 3) uint8.

    Raises:
        ExportError: where the two networks have other operations.
    """
    quantised, floats = _Traced.of(content), _Traced.of(_float_file(model))
    if quantised.kinds != floats.kinds:
        raise ExportError(
            f"The float and the int8 network have other operations. Expected {', '.join(floats.kinds)}. "
            f"Received: {', '.join(quantised.kinds)}"
        )
    signal, noise = np.zeros(len(floats.kinds)), np.zeros(len(floats.kinds))
    for image in images:
        pairs = zip(floats.outputs(image.astype(np.float32)), quantised.outputs(image), strict=True)
        for place, (expected, received) in enumerate(pairs):
            signal[place] += float(np.square(expected).sum())
            noise[place] += float(np.square(expected - received).sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(noise > 0, signal / noise, np.inf)
        decibels = 10 * np.log10(ratio)
    layers = [layer.name for layer in model.layers]
    return LayerErrors(tuple(floats.names_of(layers)), np.where(np.isfinite(decibels), decibels, np.nan))


def _float_file(model: Any) -> bytes:
    from tuner.export.litert import write_float_pixels

    with tempfile.TemporaryDirectory(prefix="mnist-tune-float-") as folder:
        path = Path(folder) / "model.tflite"
        write_float_pixels(model, path)
        return path.read_bytes()


def _interpreter(content: bytes, **settings: Any) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content, num_threads=1, **settings)
    interpreter.allocate_tensors()
    return interpreter


@dataclass(frozen=True, eq=False)
class _Traced:
    """A file whose activations can be read after each operation."""

    interpreter: Any
    kinds: tuple[str, ...]
    tensors: tuple[Any, ...]
    """The details of each operation's output, as LiteRT gives them."""

    @classmethod
    def of(cls, content: bytes) -> _Traced:
        from ai_edge_litert.interpreter import OpResolverType

        # Without XNNPACK, which fuses operations and keeps no activation.
        interpreter = _interpreter(
            content,
            experimental_preserve_all_tensors=True,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        details = {item["index"]: item for item in interpreter.get_tensor_details()}
        # LiteRT has no public list of operations.
        operations = [one for one in interpreter._get_ops_details() if one["op_name"] not in _COPIES]
        outputs = tuple(details[int(one["outputs"][0])] for one in operations)
        return cls(interpreter, tuple(str(one["op_name"]) for one in operations), outputs)

    def outputs(self, image: NDArray[Any]) -> Iterator[Floats]:
        """Yield the activations after each operation, dequantised."""
        self.interpreter.set_tensor(self.interpreter.get_input_details()[0]["index"], image[None])
        self.interpreter.invoke()
        for tensor in self.tensors:
            values = self.interpreter.get_tensor(tensor["index"]).astype(np.float64)
            scale, zero = tensor["quantization"]
            yield (values - zero) * scale if scale else values

    def names_of(self, layers: Sequence[str]) -> Iterator[str]:
        """Yield the Keras layer of each operation: the last one in its tensor's name; the operation's kind where it names none."""
        places = {name: place for place, name in enumerate(layers)}
        for kind, tensor in zip(self.kinds, self.tensors, strict=True):
            named = [layer for layer in _layers_in(tensor["name"]) if layer in places]
            name = max(named, key=places.__getitem__) if named else kind.lower()
            yield f"{_with_kernel(name, named)}{' (depthwise)' if kind == 'DEPTHWISE_CONV_2D' else ''}"


def _layers_in(name: str) -> Iterator[str]:
    """Yield what may be a layer in a tensor's name: "net_1/activation_1_1/Relu;net_1/conv_1_1/…" → activation_1, conv_1."""
    for part in name.split(";"):
        words = part.split("/")
        if len(words) > 1:
            match = _NUMBERED.fullmatch(words[1])
            yield words[1]
            if match is not None:
                yield match[1]


def _with_kernel(name: str, named: Sequence[str]) -> str:
    """Return the layer with a kernel whose batch norm and activation are folded into it, else the name."""
    kernels = [other for other in named if not other.startswith(("activation", "batch_norm"))]
    return kernels[-1] if kernels else name
