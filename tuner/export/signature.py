"""What a model's file takes and gives: name, type, shape and range of its one input and one output."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from tuner.records import Json

INPUT_NAME = "images"
"""What a client calls the input, in all formats but the Keras file, which keeps the model's own name."""


@dataclass(frozen=True)
class Tensor:
    """An input or an output."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]
    """None: any number of images."""
    range: tuple[float, float]
    """Smallest and largest value that has a meaning."""
    scale: float | None = None
    """Of a quantised output: the probability of one step; None elsewhere."""


@dataclass(frozen=True)
class Signature:
    """How a file is called."""

    input: Tensor
    output: Tensor

    def to_json(self) -> Json:
        """As in export.json."""
        return dataclasses.asdict(self)


def float_signature(
    shape: tuple[int | None, ...], output: str, given: tuple[int | None, ...], taken: str = INPUT_NAME
) -> Signature:
    """Of the formats that take pixels and give probabilities, whatever happens between."""
    return Signature(
        Tensor(taken, "uint8", shape, (0.0, 255.0)),
        Tensor(output, "float32", given, (0.0, 1.0)),
    )
