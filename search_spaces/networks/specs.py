"""Layers as data: a network is a tuple of specs, each with its output shape, its weights and its fit to a map.

`costs` sums up whole networks; `keras.model` builds them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

Shape: TypeAlias = tuple[int, int, int]
"""Height, width, channels of one image's map."""
Activation: TypeAlias = Literal["linear", "relu", "tanh", "softsign", "gelu", "leaky_relu"]
Padding: TypeAlias = Literal["valid", "same"]

ACTIVATIONS: tuple[Activation, ...] = ("linear", "relu", "tanh", "softsign", "gelu", "leaky_relu")
INPUT_SHAPE: Shape = (28, 28, 1)


@dataclass(frozen=True, slots=True)
class Weights:
    """The cost of a layer with a kernel, as a function of its numbers of input and output channels.

    All counts use the two methods. Both are linear in each number of channels, with coefficients that don't depend on
    them, which makes sampling under a cap fast.
    """

    per_pair: int
    """Weights for each pair of an input and an output channel."""
    per_input: int
    """Weights for each input channel (a depthwise kernel)."""
    per_output: int
    """Trainable numbers for each output channel that cost no multiplication (bias, BatchNorm's scale and offset)."""
    positions: int
    """The number of positions of the kernel on one image."""

    def parameters(self, inputs: int, outputs: int) -> int:
        """Return the trainable parameters, including BatchNorm's."""
        return (self.per_pair * outputs + self.per_input) * inputs + self.per_output * outputs

    def multiply_adds(self, inputs: int, outputs: int) -> int:
        """Return the multiply-adds of one image's forward pass, without BatchNorm and activations."""
        return self.positions * (self.per_pair * outputs + self.per_input) * inputs


@dataclass(frozen=True, slots=True)
class Conv:
    """A convolution with BatchNorm and an activation, stride 1."""

    filters: int
    kernel: int = 3
    padding: Padding = "valid"
    bias: bool = False
    batch_norm: bool = True
    activation: Activation = "relu"

    @property
    def kind(self) -> str:
        return "conv"

    @property
    def width(self) -> int:
        """Output channels."""
        return self.filters

    def fitted(self, shape: Shape) -> Conv:
        """Itself, padded where the map is smaller than the kernel."""
        if self.padding == "valid" and min(shape[0], shape[1]) < self.kernel:
            return replace(self, padding="same")
        return self

    def output_shape(self, shape: Shape) -> Shape:
        lost = self.kernel - 1 if self.padding == "valid" else 0
        return shape[0] - lost, shape[1] - lost, self.filters

    def weights(self, shape: Shape) -> Weights:
        height, width, _ = self.output_shape(shape)
        return Weights(self.kernel * self.kernel, 0, self.bias + 2 * self.batch_norm, height * width)


@dataclass(frozen=True, slots=True)
class SeparableConv:
    """A depthwise convolution without bias, then a 1×1 convolution; BatchNorm, an activation."""

    filters: int
    kernel: int = 3
    padding: Padding = "valid"
    bias: bool = False
    batch_norm: bool = True
    activation: Activation = "relu"

    @property
    def kind(self) -> str:
        return "separable_conv"

    @property
    def width(self) -> int:
        """Output channels."""
        return self.filters

    def fitted(self, shape: Shape) -> SeparableConv:
        """Itself, padded where the map is smaller than the kernel."""
        if self.padding == "valid" and min(shape[0], shape[1]) < self.kernel:
            return replace(self, padding="same")
        return self

    def output_shape(self, shape: Shape) -> Shape:
        lost = self.kernel - 1 if self.padding == "valid" else 0
        return shape[0] - lost, shape[1] - lost, self.filters

    def weights(self, shape: Shape) -> Weights:
        height, width, _ = self.output_shape(shape)
        return Weights(1, self.kernel * self.kernel, self.bias + 2 * self.batch_norm, height * width)


@dataclass(frozen=True, slots=True)
class Dense:
    """A dense layer on the whole map, which it flattens; BatchNorm, an activation."""

    units: int
    bias: bool = True
    batch_norm: bool = False
    activation: Activation = "relu"

    @property
    def kind(self) -> str:
        return "dense"

    @property
    def width(self) -> int:
        """Output channels."""
        return self.units

    def fitted(self, shape: Shape) -> Dense:
        del shape
        return self

    def output_shape(self, shape: Shape) -> Shape:
        del shape
        return 1, 1, self.units

    def weights(self, shape: Shape) -> Weights:
        return Weights(shape[0] * shape[1], 0, self.bias + 2 * self.batch_norm, 1)


@dataclass(frozen=True, slots=True)
class Pool:
    """Max pooling or average pooling without padding."""

    size: int = 2
    stride: int | None = None
    """None: as large as the window."""
    average: bool = False
    """On the image, the mean of each window is a smaller image."""

    @property
    def kind(self) -> str:
        return "average_pool" if self.average else "pool"

    @property
    def step(self) -> int:
        """The stride as a number."""
        return self.size if self.stride is None else self.stride

    def fitted(self, shape: Shape) -> Pool | None:
        """Return the layer; None where the map is smaller than the window."""
        return self if min(shape[0], shape[1]) >= self.size else None

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[0] - self.size) // self.step + 1, (shape[1] - self.size) // self.step + 1, shape[2]


@dataclass(frozen=True, slots=True)
class Crop:
    """The middle of a map, size × size."""

    size: int

    @property
    def kind(self) -> str:
        return "crop"

    def fitted(self, shape: Shape) -> Crop | None:
        """Return the layer; None where the map is not larger."""
        return self if min(shape[0], shape[1]) > self.size else None

    def margins(self, shape: Shape) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return the rows above and below the middle, and the columns left and right of it."""
        above, left = ((side - self.size) // 2 for side in shape[:2])
        return (above, shape[0] - self.size - above), (left, shape[1] - self.size - left)

    def output_shape(self, shape: Shape) -> Shape:
        return self.size, self.size, shape[2]


@dataclass(frozen=True, slots=True)
class Dropout:
    """Dropout of single values, in training only."""

    rate: float
    """The fraction that is dropped, in [0, 1)."""

    @property
    def kind(self) -> str:
        return "dropout"

    def fitted(self, shape: Shape) -> Dropout:
        del shape
        return self

    def output_shape(self, shape: Shape) -> Shape:
        return shape


@dataclass(frozen=True, slots=True)
class Normalise:
    """Normalisation of pixels in [0, 1] by mean and standard deviation; by default those of the training images."""

    mean: float | None = None
    sd: float | None = None

    @property
    def kind(self) -> str:
        return "scaling"

    @property
    def non_trainable(self) -> int:
        """Numbers from the training images: mean, variance, and Keras's count."""
        return 3 if self.mean is None or self.sd is None else 0

    def fitted(self, shape: Shape) -> Normalise:
        del shape
        return self

    def output_shape(self, shape: Shape) -> Shape:
        return shape


@dataclass(frozen=True, slots=True)
class GlobalAveragePooling:
    """The mean of each channel: a map of 1×1, so that 1×1 convolutions may follow."""

    @property
    def kind(self) -> str:
        return "global_average_pooling"

    def fitted(self, shape: Shape) -> GlobalAveragePooling:
        del shape
        return self

    def output_shape(self, shape: Shape) -> Shape:
        return 1, 1, shape[2]


WeightedSpec: TypeAlias = Conv | SeparableConv | Dense
Spec: TypeAlias = WeightedSpec | Pool | Crop | Dropout | GlobalAveragePooling | Normalise
WEIGHTED = (Conv, SeparableConv, Dense)


def activation_of(values: Mapping[str, object]) -> Activation:
    """Return the activation of a configuration's hidden layers.

    Raises:
        ValueError: where it is unknown.
    """
    value = values.get("activation", "relu")
    for activation in ACTIVATIONS:
        if value == activation:
            return activation
    raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}. Received: activation={value!r}")
