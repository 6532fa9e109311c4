"""The signature of a model's file: name, type, shape and range of its one input and one output."""

from __future__ import annotations

from tuner.storage.schema.export import Signature, Tensor

INPUT_NAME = "images"
"""The input's name, in all formats but the Keras file, which keeps the model's own name."""


def float_signature(
    shape: tuple[int | None, ...], output: str, given: tuple[int | None, ...], taken: str = INPUT_NAME
) -> Signature:
    """Return the signature of the formats from pixels to probabilities."""
    return Signature(
        Tensor(taken, "uint8", shape, (0.0, 255.0)),
        Tensor(output, "float32", given, (0.0, 1.0)),
    )
