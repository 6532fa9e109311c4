"""A network as a strip of blocks: layers that only follow another one (BatchNorm, activation, dropout) join it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from search_spaces.networks.costs import LayerSummary

_FOLLOWERS = (
    "norm", "activation", "relu", "elu", "tanh", "softsign", "softmax", "sigmoid", "swish", "dropout", "flatten",
    "rescal", "reshape", "noise", "random", "augment", "cast",
)  # fmt: skip


@dataclass(frozen=True)
class Block:
    """A layer and the layers that only follow it."""

    name: str
    kind: str
    followers: tuple[str, ...]
    """The kinds of the layers that joined it."""
    shape: tuple[int, ...]
    parameters: int
    multiply_adds: int
    kernel: int | None
    """The side of a convolution's kernel, derived from its number of weights; None for other layers."""
    parameter_share: float
    """The fraction of the network's parameters."""


@dataclass(frozen=True)
class Network:
    """A network's blocks and sums."""

    blocks: tuple[Block, ...]
    parameters: int
    non_trainable: int
    multiply_adds: int
    largest_activation: int
    """The number of values that the layer with the largest output has."""


def network(layers: Sequence[LayerSummary], channels: int = 1) -> Network | None:
    """Return the blocks of a network, input first; None without layers. `channels` are those of an image."""
    if not layers:
        return None
    groups: list[list[LayerSummary]] = []
    for layer in layers:
        if groups and is_follower(layer):
            groups[-1].append(layer)
        else:
            groups.append([layer])
    total = sum(layer.parameters for layer in layers)
    entering = [channels, *((group[-1].shape or (1,))[-1] for group in groups)]
    return Network(
        blocks=tuple(_block(group, total, inputs) for group, inputs in zip(groups, entering, strict=False)),
        parameters=total,
        non_trainable=sum(layer.non_trainable for layer in layers),
        multiply_adds=sum(layer.multiply_adds for layer in layers),
        largest_activation=max(_volume(layer.shape) for layer in layers),
    )


def is_follower(layer: LayerSummary) -> bool:
    """Return True if a layer only follows another one."""
    kind = layer.kind.lower()
    return layer.multiply_adds == 0 and any(word in kind for word in _FOLLOWERS)


def kernel_side(layer: LayerSummary, channels: int) -> int | None:
    """Return the side of a convolution's square kernel, from its parameters (with a bias or without one).

    Args:
        layer: the layer; None is returned unless its `kind` is "conv" or "separable_conv".
        channels: the number of its input channels.
    """
    filters = layer.shape[-1] if layer.shape else 0
    if layer.kind not in ("conv", "separable_conv") or not filters or not channels:
        return None
    # A separable kernel is one per input channel, followed by a 1×1 convolution.
    separable = layer.kind == "separable_conv"
    pointwise, kernels = (channels * filters, channels) if separable else (0, channels * filters)
    for weights in (layer.parameters - pointwise, layer.parameters - pointwise - filters):
        side = math.isqrt(max(weights, 0) // kernels)
        if side and side * side * kernels == weights:
            return side
    return None


def _block(group: Sequence[LayerSummary], total: int, channels: int) -> Block:
    parameters = sum(layer.parameters for layer in group)
    return Block(
        name=group[0].name,
        kind=group[0].kind,
        followers=tuple(layer.kind for layer in group[1:]),
        shape=group[-1].shape,
        parameters=parameters,
        multiply_adds=sum(layer.multiply_adds for layer in group),
        kernel=kernel_side(group[0], channels),
        parameter_share=parameters / total if total else 0.0,
    )


def _volume(shape: Sequence[int]) -> int:
    volume = 1
    for size in shape:
        volume *= size
    return volume
