"""C programs as tests run them: compiled with a main that answers images from standard input."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tuner.export.c_source.compiler import WARNINGS, find_compiler

SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g", "-O1")
needs_compiler = pytest.mark.skipif(find_compiler() is None, reason="needs a C compiler")
_MAIN = """
#include <stdio.h>
#include "model.h"
static uint8_t pixels[MNIST_TUNE_HEIGHT * MNIST_TUNE_WIDTH * MNIST_TUNE_CHANNELS];
int main(void) {
  while (fread(pixels, 1, sizeof pixels, stdin) == sizeof pixels) {
    int8_t scores[MNIST_TUNE_CLASSES];
    uint8_t probabilities[MNIST_TUNE_CLASSES];
    const int best = mnist_tune_predict(pixels, scores);
    if (best != mnist_tune_predict(pixels, NULL)) return 3;
    mnist_tune_probabilities(scores, probabilities);
    printf("%d", best);
    for (int n = 0; n < MNIST_TUNE_CLASSES; n++) printf(" %d", scores[n]);
    for (int n = 0; n < MNIST_TUNE_CLASSES; n++) printf(" %d", probabilities[n]);
    printf("\\n");
  }
  return 0;
}
"""


def answers(
    source: Path, images: NDArray[np.uint8], flags: Sequence[str] = SANITIZERS
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Compile a folder's program and return classes (n,), scores (n, classes) and probabilities (n, classes) of images."""
    (source / "main.c").write_text(_MAIN, encoding="utf-8")
    command = [*(find_compiler() or ()), *WARNINGS, "-Wconversion", *flags, "main.c", "model.c", "-o", "program"]
    compiled = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert compiled.returncode == 0, compiled.stderr
    done = subprocess.run([source / "program"], input=images.tobytes(), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    rows = np.array([line.split() for line in done.stdout.splitlines()], np.int64)
    classes = (rows.shape[1] - 1) // 2
    return rows[:, 0], rows[:, 1 : classes + 1], rows[:, classes + 1 :]
