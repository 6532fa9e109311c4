"""`python -m benchmarks.c_export MODEL…`: Keras models of MNIST as C programs, on an emulated Cortex-M4 and on all test images.

Each model is exported as `mnist-tune export --format c` does it. Twenty test images are classified on the emulated processor;
all 10,000 by the program compiled here, by LiteRT's kernels and by the Keras model. TFLM's smallest arena and the int8 file
are there to compare. Needs GCC for Arm, QEMU, tflite-micro and `MNIST_TUNE_DATA`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cortex_m import emulate, is_available
from benchmarks.measuring import RESULTS, ROOT, conditions
from tuner.core.errors import UsageError
from tuner.data.dataset import load_dataset
from tuner.export.c_source.c_files import C, reference_classifier, write_c_files
from tuner.export.int8 import quantise
from tuner.export.litert import INT8
from tuner.export.writing import calibration_images

RESULT = RESULTS / "c-export.json"
_EMULATED = 20
_COMPARED = 1000
_LIBRARIES = ("tensorflow", "keras", "ai-edge-litert", "tflite-micro")

# Keras has no types: models are `Any` here.


@dataclass(frozen=True)
class Measured:
    """A model as a C program. Sizes are bytes on a Cortex-M4, compiled with -Os and linked."""

    name: str
    parameters: int
    flash: int
    """Code, weights and tables of `mnist_tune_predict`."""
    memory: int
    """Bytes of static memory."""
    image: int
    stack: int
    """Bytes of stack, measured on the emulated processor."""
    instructions: int
    """Instructions for one image."""
    emulated_equal: int
    """Emulated images with the same scores as the program compiled for this machine."""
    emulated: int
    reference_equal: int
    """Images with the same probabilities, bit for bit, as LiteRT's reference kernels give."""
    compared: int
    accuracy: float
    """The C program's accuracy on all test images."""
    litert_accuracy: float
    """The accuracy with LiteRT's usual kernels."""
    keras_accuracy: float
    same_class: float
    """Fraction of all test images with the class that LiteRT's usual kernels give."""
    file: int
    """Bytes of the int8 file."""
    arena: int | None
    """Bytes of the smallest arena with which TFLM prepares it."""

    @property
    def ram(self) -> int:
        """Return all RAM: static memory, stack and the image."""
        return self.memory + self.stack + self.image


def measure(path: Path) -> Measured:
    """Export a Keras model and return its measurements."""
    import keras

    data = load_dataset("mnist", validation=0.1, seed=1)
    images, labels = np.asarray(data.x_test), np.asarray(data.y_test)
    model: Any = keras.models.load_model(path, compile=False)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        content = quantise(model, calibration_images(data))
        (folder / "model.tflite").write_bytes(content)
        write_c_files(content, folder / "c", images.shape[1:])
        emulated = emulate(folder / "c", images[:_EMULATED])
        given = C.open(folder / "c").classify(images)
        litert = INT8.open(folder / "model.tflite").classify(images)
        reference = reference_classifier(content)(images[:_COMPARED])
        arena = _arena(folder / "model.tflite")
    classes = given.argmax(axis=1)
    return Measured(
        name=path.stem,
        parameters=sum(int(np.prod(weight.shape)) for weight in model.trainable_weights),
        flash=emulated.text,
        memory=emulated.memory,
        image=images[0].size,
        stack=emulated.stack,
        instructions=emulated.instructions,
        emulated_equal=int((np.array(emulated.classes) == classes[:_EMULATED]).sum()),
        emulated=_EMULATED,
        reference_equal=int((reference == given[:_COMPARED]).all(axis=1).sum()),
        compared=_COMPARED,
        accuracy=float((classes == labels).mean()),
        litert_accuracy=float((litert.argmax(axis=1) == labels).mean()),
        keras_accuracy=float((model.predict(images, verbose=0).argmax(axis=1) == labels).mean()),
        same_class=float((classes == litert.argmax(axis=1)).mean()),
        file=len(content),
        arena=arena,
    )


def _arena(path: Path) -> int | None:
    command = [sys.executable, "-m", "benchmarks.tflm_arena", str(path)]
    answer: list[int | None] = json.loads(
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    )
    return answer[0]


def table(rows: Sequence[Measured]) -> str:
    """Return the measurements as a table."""
    head = (
        "| model | parameters | flash | static RAM | stack | all RAM, image included | million instructions | accuracy (%) "
        "| Keras model's (%) | TFLM's file | TFLM's arena |"
    )
    return "\n".join([head, f"|---{'|---:' * 10}|", *_lines(rows)])


def _lines(rows: Sequence[Measured]) -> Iterator[str]:
    for row in rows:
        arena = "" if row.arena is None else f"{row.arena:,}"
        yield (
            f"| {row.name} | {row.parameters:,} | {row.flash:,} | {row.memory:,} | {row.stack:,} | {row.ram:,} "
            f"| {row.instructions / 1e6:.1f} | {100 * row.accuracy:.2f} | {100 * row.keras_accuracy:.2f} | {row.file:,} | {arena} |"
        )


def main() -> None:
    """Measure, print the table and keep the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+", type=Path, help="Keras files of models of MNIST")
    given = parser.parse_args()
    if "MNIST_TUNE_DATA" not in os.environ or not is_available():
        raise UsageError("Expected MNIST_TUNE_DATA, GCC for Arm (arm-none-eabi-gcc) and QEMU (qemu-system-arm).")
    rows = [measure(path) for path in given.models]
    document = {**conditions(_LIBRARIES), "rows": [asdict(row) for row in rows]}
    RESULT.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"{table(rows)}\nWrote {RESULT}\n")


if __name__ == "__main__":
    main()
