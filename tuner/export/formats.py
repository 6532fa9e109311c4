"""The formats, their packages and their tolerances. Imports neither Keras nor a format's library."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias, cast, get_args

import numpy as np
from numpy.typing import NDArray

from tuner.core.errors import MnistTuneError, UsageError
from tuner.core.text import did_you_mean
from tuner.storage.schema.export import CProgram, Signature, Tolerance

Images: TypeAlias = NDArray[np.uint8]
"""(n, h, w) or (n, h, w, 3)."""
Probabilities: TypeAlias = NDArray[np.float32]
"""(n, classes)."""
Classify: TypeAlias = Callable[[Images], Probabilities]
FormatName: TypeAlias = Literal["savedmodel", "keras", "litert", "litert-int8", "c", "onnx"]


class ExportError(MnistTuneError):
    """A model that can't be written in a format, or a file whose predictions differ from the Keras model's."""


@dataclass(frozen=True)
class Opened:
    """An opened file that classifies images."""

    classify: Classify
    signature: Signature
    c: CProgram | None = None
    """The figures of a C program as compiled; None for other formats."""
    runs: bool = True
    """False: nothing on this machine can run it."""


class Exporter(Protocol):
    """A format's writer and reader."""

    def write(self, model: Any, path: Path, calibration: Images) -> Classify | None:
        """Write a Keras model (untyped) to a new path. `calibration`: training images, for formats that quantise.

        Returns:
            Of a file that is made from another one: that one's classifier, to which it must be equal.
        """

    def open(self, path: Path) -> Opened:
        """Open the file with the format's own client."""


class Int8Exporter(Exporter, Protocol):
    """The writer and reader of a format that holds an int8 network."""

    def write_int8(self, content: bytes, path: Path, image_shape: tuple[int, ...]) -> Classify | None:
        """Write an int8 network to a new path, as `write` does after quantising.

        Args:
            content: its LiteRT file's.
            path: the path.
            image_shape: (h, w) or (h, w, 3).
        """


_SAME = Tolerance(difference=1e-6)
"""The tolerance of the same weights in the same library: only the order in which threads add up varies."""
_FLOAT = Tolerance(difference=1e-4)
"""Other kernels add up float32 in another order and fold BatchNorm into the kernels. Each rounds by 6e-8 of the value; over some
hundred additions a layer and ten layers, logits of up to 30 move by some 1e-5, probabilities by a quarter of that at most
(softmax's slope). Ten times as much is allowed; another model's weights are off by tenths."""
_INT8 = Tolerance(difference=None, equal_classes=0.98, accuracy_loss=0.01)
"""256 levels for each activation move probabilities by hundredths, so classes are compared: of the images that the model is not
undecided about (`verification.UNDECIDED`) 2% may change sides, and the accuracy may lose a point, some three standard errors of a
model that is right 99 times of 100 on 1,000 images; where more images change sides by chance, three of theirs."""


@dataclass(frozen=True)
class Format:
    """A format that a model is exported in."""

    name: FormatName
    title: str
    file: str
    """Its name in the folder of exports; of a SavedModel a folder."""
    exporter: str
    """module:name of its `Exporter`."""
    tolerance: Tolerance
    packages: tuple[str, ...] = ()
    """Packages that must be installed besides the program's own."""
    extra: str = ""
    """The extra of mnist-tune that installs them."""
    needs_tensorflow: bool = True
    """TensorFlow must be Keras's backend."""
    quantised: bool = False
    """The file holds the int8 network: its exporter is an `Int8Exporter`."""

    def load(self) -> Exporter:
        """Import the format's writer and reader, which import Keras and the format's library."""
        module, name = self.exporter.split(":")
        return cast(Exporter, getattr(importlib.import_module(module), name))

    def missing(self) -> tuple[str, ...]:
        """Return the packages that are not installed."""
        return tuple(package for package in self.packages if importlib.util.find_spec(package) is None)


FORMATS: dict[FormatName, Format] = {
    one.name: one
    for one in (
        Format("savedmodel", "SavedModel", "savedmodel", "tuner.export.saved_model:SAVED_MODEL", _FLOAT),
        Format("keras", "Keras file", "model.keras", "tuner.export.keras_file:KERAS", _SAME, needs_tensorflow=False),
        Format("litert", "LiteRT", "model.tflite", "tuner.export.litert:FLOAT", _FLOAT, ("ai_edge_litert",), "litert"),
        Format(
            "litert-int8",
            "LiteRT, int8",
            "model-int8.tflite",
            "tuner.export.litert:INT8",
            _INT8,
            ("ai_edge_litert",),
            "litert",
            quantised=True,
        ),
        Format("c", "C", "c", "tuner.export.c_source.c_files:C", _INT8, ("ai_edge_litert",), "litert", quantised=True),
        Format(
            "onnx",
            "ONNX",
            "model.onnx",
            "tuner.export.onnx_file:ONNX",
            _FLOAT,
            ("onnx", "onnxruntime", "tf2onnx"),
            "onnx",
        ),
    )
}


def chosen_formats(words: list[str]) -> list[Format]:
    """Return the requested formats, each once: words may be lists with commas.

    Raises:
        UsageError: where one is unknown.
    """
    names = list(dict.fromkeys(name.strip() for word in words for name in word.split(",")))
    for name in names:
        if name not in get_args(FormatName):
            raise UsageError(
                f"--format: expected one of {', '.join(FORMATS)}. Received: {name or 'nothing'}.{did_you_mean(name, FORMATS)}"
            )
    return [FORMATS[cast(FormatName, name)] for name in names]


def check_installed(formats: list[Format]) -> None:
    """Raise `UsageError` where a format's library is missing; the message names the extra."""
    for one in formats:
        missing = one.missing()
        if missing:
            raise UsageError(
                f"--format {one.name} needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not "
                f'installed. Install: pip install "mnist-tune[{one.extra}]"'
            )


def savedmodel_fits(folder: Path) -> bool:
    """Return whether TensorFlow can read a SavedModel in a folder: it reads some characters of a path as a pattern."""
    return not set(str(folder.absolute())) & set("[]*?")
