"""`network/layers` of evaluation.npz: the exported network as data, a JSON text a layer, for the page's own forward pass."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from tuner.storage.schema.fields import Part, Positive, Real, Text

Kind: TypeAlias = Literal["reshape", "scale", "crop", "conv", "depthwise", "max_pool", "mean_pool"]
Function: TypeAlias = Literal[
    "linear", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "tanh", "sigmoid", "hard_sigmoid", "softsign", "softplus",
    "softmax", "normalise", "binary",
]  # fmt: skip
"""`normalise` divides by the sum; `binary` makes (1 − p, p) of one probability p."""
_Size: TypeAlias = Annotated[int, Meta(ge=1, le=10**6)]
_Offset: TypeAlias = Annotated[int, Meta(ge=-(10**4), le=10**4)]


class NetworkLayer(Part, frozen=True, kw_only=True):
    """A layer of a plain chain, with BatchNorm folded in. Maps are (height, width, channels), a vector is (1, 1, n).

    `kernels` and `numbers` of all layers stand one after the other in `network/kernels` and `network/numbers`.
    """

    kind: Kind
    name: Text
    shape: tuple[_Size, _Size, _Size]
    """The output's height, width and channels."""
    kernel: Annotated[tuple[_Size, ...], Meta(max_length=4)] = ()
    """conv: height, width, inputs, outputs; depthwise: height, width, inputs, multiplier; crop and pooling: height, width."""
    strides: tuple[_Size, _Size] = (1, 1)
    start: tuple[_Offset, _Offset] = (0, 0)
    """The row and the column of the input where the first window begins; below 0 it begins in the padding."""
    step: Positive = 1.0
    """Factor of the layer's values in `network/kernels`, which are 16-bit integers as a rule."""
    numbers: Annotated[int, Meta(ge=0, le=10**6)] = 0
    """Values in `network/numbers`: conv and depthwise have a bias an output; scale has factors, then as many offsets."""
    activation: Function = "linear"
    slope: Real = 0.0
    """The slope of leaky_relu and elu below zero."""

    @property
    def has_kernel(self) -> bool:
        """Return whether the layer has weights in `network/kernels`."""
        return self.kind in ("conv", "depthwise")


def encode_layer(layer: NetworkLayer) -> str:
    """Return a layer as JSON."""
    return msgspec.json.encode(layer).decode("utf-8")


def decode_layer(text: str) -> NetworkLayer:
    """Return a layer from untrusted JSON.

    Raises:
        ValueError: where it is no such layer.
    """
    try:
        return msgspec.json.decode(text, type=NetworkLayer)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ValueError(f"it is no layer: {' '.join(str(error).split())[:200]}") from error
