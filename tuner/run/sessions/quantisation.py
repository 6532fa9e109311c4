"""Checks before a run whose objective is the int8 network's accuracy. `tuner.training.int8` quantises."""

from __future__ import annotations

from tuner.core.errors import UsageError
from tuner.core.machine import keras_backend
from tuner.export.formats import FORMATS
from tuner.export.int8 import FORMAT, missing_packages
from tuner.options.run_options import RunOptions


def check_quantisation(options: RunOptions) -> None:
    """Check that models can be quantised where the objective needs it.

    Raises:
        UsageError: where a package or Keras's backend is missing for that, or the networks are a user's own.
    """
    if getattr(options, "objective", None) != "int8":
        return
    board = getattr(options, "board", None)
    asked = "--objective int8" if board is None else "--objective int8, the default with --board,"
    instead = "or give --objective val_accuracy."
    if missing := missing_packages():
        raise UsageError(
            f"{asked} needs {' and '.join(missing)}, which is not installed. "
            f'Install: pip install "mnist-tune[{FORMATS[FORMAT].extra}]", {instead}'
        )
    backend = keras_backend()
    if backend != "tensorflow":
        raise UsageError(
            f"{asked} needs TensorFlow as Keras's backend, which quantises. Set KERAS_BACKEND=tensorflow, {instead} Received: {backend}"
        )
    if ":" in options.space:
        raise UsageError(
            f"{asked} goes with the program's own spaces: whether a network of yours can be quantised is not known before it is trained. "
            f"Use val_accuracy, then mnist-tune export RUN --format {FORMAT}. Received: --space {options.space}"
        )
