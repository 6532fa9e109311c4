"""The network of the first screen: a strip of blocks, from the image to the answer."""

from __future__ import annotations

from dataclasses import dataclass

from reports import formatting as text
from reports.analysis.model.network import Block, Network

_WIDEST, _THICKEST, _THINNEST = 72, 4.0, 2.0
"""The limits of a layer's width in the strip, and of a channel's slice of it, in pixels."""

_KINDS = {
    "pool": "max pool",
    "average_pool": "mean pool",
    "separable_conv": "separable",
    "global_average_pooling": "average",
    "batch_norm": "norm",
}


@dataclass(frozen=True)
class StripBlock:
    """A block of the network as the strip shows it."""

    kind: str
    followers: str
    shape: str
    meaning: str
    """The meaning of the shape's numbers."""
    parameters: str
    multiply_adds: str
    height: str
    """The height of its picture in pixels, proportional to the image's side."""
    width: str
    """The width of its picture in pixels, increasing with the channels."""
    pitch: str
    """The width of a channel's slice of its picture; 0 if too thin to be visible."""
    bar: str
    """Its share of the largest block's parameters in percent."""
    share: str
    """Its share of the network's parameters, as text."""


def strip(net: Network | None) -> tuple[StripBlock, ...]:
    """Return the blocks of a network, input first; none without a network."""
    if net is None:
        return ()
    largest = max(block.parameter_share for block in net.blocks) or 1.0
    side = max(block.shape[0] if len(block.shape) > 1 else 1 for block in net.blocks)
    return tuple(_strip_block(block, side, largest) for block in net.blocks)


def format_network(net: Network | None) -> str:
    """Return the network's sums as text; "" without a network."""
    if net is None:
        return ""
    moving = f" and {text.count(net.non_trainable)} moving statistics" if net.non_trainable else ""
    return (
        f"{text.count(net.parameters)} trainable parameters{moving}, {text.count(net.multiply_adds)} multiply-adds an image, "
        f"largest activation {text.count(net.largest_activation)} values"
    )


def _strip_block(block: Block, side: int, largest: float) -> StripBlock:
    here = block.shape[0] if len(block.shape) > 1 else 1
    channels = max(block.shape[-1], 1) if block.shape else 1
    pitch = min(_THICKEST, _WIDEST / channels)
    pitch = pitch if pitch >= _THINNEST else 0.0
    return StripBlock(
        kind=_kind(block),
        followers=", ".join(_KINDS.get(kind, kind.replace("_", " ")) for kind in block.followers),
        shape=text.shape(block.shape),
        meaning={3: "height × width × channels", 1: "values"}.get(len(block.shape), "shape"),
        parameters=text.count(block.parameters) if block.parameters else text.MISSING,
        multiply_adds=text.count(block.multiply_adds) if block.multiply_adds else text.MISSING,
        height=f"{max(3.0, 40 * here / side):.0f}",
        width=f"{pitch * channels:.0f}" if pitch else f"{_WIDEST}",
        pitch=f"{pitch:.2f}",
        bar=f"{100 * block.parameter_share / largest:.1f}",
        share=f"{text.percent(block.parameter_share, 1)}%",
    )


def _kind(block: Block) -> str:
    name = _KINDS.get(block.kind, block.kind.replace("_", " "))
    return f"{block.kernel}×{block.kernel} {name}" if block.kernel else name
