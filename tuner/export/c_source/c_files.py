"""The C format: a folder with `model.c` and `model.h`, written from the int8 LiteRT model and verified against it."""

from __future__ import annotations

import hashlib
import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from tuner.export.c_source.compiler import find_compiler, load_library, measure_builds
from tuner.export.c_source.lowering import lower
from tuner.export.c_source.stages import Network
from tuner.export.c_source.text import Sizes, format_source
from tuner.export.formats import Classify, ExportError, Images, Opened, Probabilities
from tuner.export.int8 import quantise
from tuner.storage.schema.export import CBuild, CProgram, Signature, Tensor

SOURCE, HEADER = "model.c", "model.h"
STEP = np.float32(1 / 256)
"""The probability of one step."""
_COMPARED = " * Its probabilities are, bit for bit, those of LiteRT's reference kernels: compared with them when it was exported."
_NOT_COMPARED = (
    " * It is made to compute what LiteRT's reference kernels compute, bit for bit; this export didn't compare it."
)

# Keras, LiteRT and C libraries have no types: they are `Any` here.


@dataclass(frozen=True)
class CFiles:
    """A folder of C files for one image."""

    def write(self, model: Any, path: Path, calibration: Images) -> Classify:
        """Quantise the model, translate it to C and measure what a compiler makes of that.

        Returns:
            LiteRT's reference kernels on the quantised model: the program is equal to them.

        Raises:
            ExportError: where the model has an operation that C lacks.
        """
        return self.write_int8(quantise(model, calibration), path, tuple(model.input_shape[1:]))

    def write_int8(self, content: bytes, path: Path, image_shape: tuple[int, ...]) -> Classify:
        """Translate an int8 LiteRT model to C, as `write` does after quantising."""
        # With a compiler the program is compared with the model, and removed if it differs (`tuner.export.writing.check_file`).
        write_c_files(content, path, image_shape, compared=find_compiler() is not None)
        return reference_classifier(content)

    def open(self, path: Path) -> Opened:
        """Compile it and load it; without a compiler it can't be run here."""
        compiler = find_compiler()
        shape, classes = _read_header(path / HEADER)
        signature = Signature(
            Tensor("pixels", "uint8", shape, (0.0, 255.0)),
            Tensor("probabilities", "uint8", (classes,), (0.0, 255.0), scale=float(STEP)),
        )
        if compiler is None:
            return Opened(_not_compiled, signature, CProgram(builds=()), runs=False)
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            library = load_library(path / SOURCE, compiler, Path(folder))
        return Opened(_classifier(library, shape, classes), signature, CProgram(builds=measure_builds(path / SOURCE)))


def write_c_files(content: bytes, path: Path, image_shape: tuple[int, ...], *, compared: bool = False) -> None:
    """Write an int8 LiteRT model as C files into a new folder.

    Args:
        content: the LiteRT file's.
        path: the folder.
        image_shape: (h, w) or (h, w, 3).
        compared: the program is compared with LiteRT's reference kernels; the header says it.

    Raises:
        ExportError: where it has an operation that C lacks; then nothing is written.
    """
    network = lower(content)
    write_network(network, path, image_shape, content)
    write_network(network, path, image_shape, content, measure_builds(path / SOURCE), compared=compared)


def write_network(
    network: Network,
    path: Path,
    image_shape: tuple[int, ...],
    content: bytes,
    builds: tuple[CBuild, ...] = (),
    *,
    compared: bool = False,
) -> None:
    """Write a network as C files into a folder.

    Args:
        network: the network.
        path: the folder.
        image_shape: (h, w) or (h, w, 3).
        content: the LiteRT file that it was read from.
        builds: what compilers made of it; the header says it.
        compared: it is compared with LiteRT's reference kernels; the header says it.
    """
    code, sizes = format_source(network, HEADER)
    origin = f"{_origin(content)}\n{_COMPARED if compared else _NOT_COMPARED}"
    comment = _sizes_comment(sizes, math.prod(image_shape), builds)
    path.mkdir(exist_ok=True)
    (path / SOURCE).write_text(
        f"/* Written by mnist-tune. {HEADER} says how it is called. */\n{code}", encoding="utf-8"
    )
    (path / HEADER).write_text(_header(network, image_shape, origin, comment), encoding="utf-8")


def reference_classifier(content: bytes) -> Classify:
    """Return the classifier of an int8 LiteRT model in LiteRT's reference kernels."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    (taken,), (given,) = interpreter.get_input_details(), interpreter.get_output_details()

    def classify(images: Images) -> Probabilities:
        answers = []
        for image in images:
            interpreter.set_tensor(taken["index"], image[None])
            interpreter.invoke()
            answers.append(interpreter.get_tensor(given["index"])[0])
        return np.array(answers).astype(np.float32) * STEP

    return classify


def _not_compiled(images: Images) -> Probabilities:
    raise ExportError(f"A C program can't be run without a compiler. Received: {len(images)} images")


def _classifier(library: Any, shape: tuple[int, ...], classes: int) -> Classify:
    def classify(images: Images) -> Probabilities:
        if images.shape[1:] != shape:
            raise ExportError(f"Expected images of {shape}. Received: {images.shape[1:]}")
        scores, given = np.zeros(classes, np.int8), np.zeros((len(images), classes), np.uint8)
        for image, row in zip(np.ascontiguousarray(images), given, strict=True):
            library.mnist_tune_predict(_pointer(image), _pointer(scores))
            library.mnist_tune_probabilities(_pointer(scores), _pointer(row))
        return given.astype(np.float32) * STEP

    return classify


def _pointer(array: Any) -> Any:
    import ctypes

    return ctypes.c_void_p(array.ctypes.data)


def _read_header(path: Path) -> tuple[tuple[int, ...], int]:
    """Return image shape and classes."""
    words = {
        parts[1]: parts[2] for line in path.read_text(encoding="utf-8").splitlines() if len(parts := line.split()) == 3
    }
    sides = tuple(int(words[f"MNIST_TUNE_{side}"]) for side in ("HEIGHT", "WIDTH", "CHANNELS"))
    return sides if sides[2] > 1 else sides[:2], int(words["MNIST_TUNE_CLASSES"])


def _origin(content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    return f" * Written by mnist-tune {metadata.version('mnist-tune')} from an int8 LiteRT model (SHA-256 {digest[:16]}...)."


def _header(network: Network, image_shape: tuple[int, ...], origin: str, sizes: str) -> str:
    height, width, channels = (*image_shape, 1)[:3]
    return f"""/*
 * An image classifier in integer arithmetic, without dependencies: no heap, no floating point, no operating system.
{origin}
 *
{sizes}
 *
 * The memory is static and shared by all calls: don't call it from two threads, or from an interrupt, at a time.
 */
#ifndef MNIST_TUNE_MODEL_H
#define MNIST_TUNE_MODEL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

#define MNIST_TUNE_HEIGHT {height}
#define MNIST_TUNE_WIDTH {width}
#define MNIST_TUNE_CHANNELS {channels}
#define MNIST_TUNE_CLASSES {network.classes}

/* The scale of a score: the model's last layer gave (score - MNIST_TUNE_SCORE_ZERO) * MNIST_TUNE_SCORE_SCALE. */
#define MNIST_TUNE_SCORE_SCALE {network.score_scale:.9g}f
#define MNIST_TUNE_SCORE_ZERO ({network.score_zero})

/*
 * Returns the class with the highest score, of equal ones the first.
 * pixels: height * width * channels bytes, row by row, 0 to 255; they are only read.
 * scores: where MNIST_TUNE_CLASSES scores are put; NULL: nowhere.
 */
int mnist_tune_predict(const uint8_t *pixels, int8_t *scores);

/*
 * Gives the classes' probabilities, in steps of 1/256, of the scores of mnist_tune_predict.
 * A linker that drops unused functions leaves it out of a program that doesn't call it.
 */
void mnist_tune_probabilities(const int8_t *scores, uint8_t *probabilities);

#ifdef __cplusplus
}}
#endif

#endif
"""


def _sizes_comment(sizes: Sizes, image: int, builds: tuple[CBuild, ...]) -> str:
    lines = [
        "Bytes:",
        f"  weights and tables (flash)    {sizes.weights:>8,}",
        f"  static memory (RAM)           {sizes.memory:>8,}   of them {sizes.activations:,} for activations",
        f"  the caller's image (RAM)      {image:>8,}",
        *(line for build in builds for line in _build_lines(build)),
    ]
    return "\n".join(f" * {line}" for line in lines)


def _build_lines(build: CBuild) -> Iterator[str]:
    yield f"Compiled for {build.target} with -Os by {build.compiler}:"
    yield f"  code, weights, tables (text)  {build.text:>8,}   all of both functions"
    yield f"  data, bss                     {build.data:>8,} + {build.bss:,}"
    if build.stack is not None:
        yield f"  stack of a prediction         {build.stack:>8,}   at most"


C = CFiles()
