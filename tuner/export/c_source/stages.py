"""The stages of the C program: a chain, each from a map to a map, row by row.

Activations are bytes: an int8 value plus 128. So the image's pixels and all maps have one type, and zero points are in
0 to 255.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Kind: TypeAlias = Literal["conv", "depthwise", "max", "average"]
Map: TypeAlias = tuple[int, int, int]
"""Height, width, channels."""
Table: TypeAlias = NDArray[np.uint8]
"""(256,), or (channels, 256): the output's byte for each byte of the input."""


@dataclass(frozen=True, eq=False)
class Weights:
    """A kernel with what scales its sums."""

    kernel: NDArray[np.int8]
    """Convolution: (outputs, height, width, inputs); depthwise: (height, width, outputs)."""
    bias: NDArray[np.int32] | None
    multipliers: NDArray[np.int32]
    """(outputs,)."""
    shifts: NDArray[np.int8]
    """(outputs,)."""


@dataclass(frozen=True, eq=False)
class Layer:
    """One operation on a window of its input: all channels of one position."""

    kind: Kind
    kernel: tuple[int, int]
    inputs: int
    """Channels."""
    outputs: int
    weights: Weights | None = None
    """None: a pooling has none."""
    input_zero: int = 0
    output_zero: int = 0
    lowest: int = 0
    """Values are clipped to these two."""
    highest: int = 255
    table: Table | None = None
    """Applied last."""
    rounds_once: bool = False
    """Sums are scaled with one rounding, as LiteRT does it in dense layers; else with two."""


@dataclass(frozen=True)
class Mean:
    """The mean of each channel over a whole map."""

    multiplier: int
    shift: int
    input_zero: int
    output_zero: int


@dataclass(frozen=True, eq=False)
class Stage:
    """A layer on windows of the input map, layers of 1×1 on its result, then perhaps a max pooling of it.

    Nothing between them is kept but one position. A mean takes its input row by row.
    """

    input: Map
    output: Map
    layer: Layer
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    """Rows above and columns left of the map; negative: those that are left out."""
    pointwise: tuple[Layer, ...] = ()
    pool: tuple[int, int] = (1, 1)
    """Height and width of the windows of the max pooling at its end, without overlap."""
    mean: Mean | None = None
    """Instead of the layers' windows; the layer then only has the channels and a table."""
    whole: bool = False
    """It needs its whole input before its first row: the map has another shape than the stage before it gives."""

    @property
    def steps(self) -> int:
        """The number of rows that it computes: before the pooling, or of the input of a mean."""
        return self.input[0] if self.mean else self.output[0] * self.pool[0]

    @property
    def rows_kept(self) -> int:
        """The rows of its input that it needs at once."""
        return self.input[0] if self.whole else min(1 if self.mean else self.layer.kernel[0], self.input[0])

    @property
    def layers(self) -> tuple[Layer, ...]:
        return (self.layer, *self.pointwise)


@dataclass(frozen=True)
class Softmax:
    """The constants of LiteRT's integer softmax."""

    multiplier: int
    shift: int
    least: int
    """Scores that are further below the highest one have probability 0."""


@dataclass(frozen=True, eq=False)
class Network:
    """The whole program."""

    stages: tuple[Stage, ...]
    score_scale: float
    score_zero: int
    """The scores' zero point, as int8."""
    softmax: Softmax | None
    table: Table | None
    """The table from scores to probabilities where there is no softmax; else the one that follows it."""

    @property
    def classes(self) -> int:
        return self.stages[-1].output[2]
