"""A guess of the time that one image takes on a microcontroller: multiply-adds over the clock, as a range.

Nothing is measured here. The anchor is Lai, Suda and Chandra 2018 (CMSIS-NN, arXiv:1801.06601): 8-bit kernels on a
Cortex-M7 of 216 MHz, a CIFAR-10 network of 12.3 million multiply-adds. Its convolutions took 31.4, 42.8 and 22.6 ms
(2.46, 6.55 and 3.28 million multiply-adds: 2.8, 1.4 and 1.5 cycles each), and the whole network 99.1 ms, or 456.4 ms
(8.0 cycles a multiply-add) with plain kernels.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from search_spaces.networks.boards import Board, Core
from search_spaces.networks.costs import LayerSummary

DSP_CORES: tuple[Core, ...] = ("Cortex-M4F", "Cortex-M7", "Cortex-M33")
"""Cores whose instructions multiply two pairs of 16 bits at once, as CMSIS-NN's fast kernels need."""
SOURCE = "Lai, Suda, Chandra 2018, arXiv:1801.06601"


class CyclesRange(NamedTuple):
    """Clock cycles of one multiply-add."""

    least: float
    most: float


_PLAIN = 8.0
FULL_CYCLES = CyclesRange(1.4, _PLAIN)
"""Full convolutions and dense layers on a core with DSP instructions: the paper's fastest convolution, and its network
with plain kernels."""
SEPARABLE_CYCLES = CyclesRange(1.4, 2 * _PLAIN)
"""Separable convolutions: their depthwise part uses each value few times. The upper end is twice the paper's."""
PLAIN_CYCLES = CyclesRange(_PLAIN / 2, _PLAIN * 2)
"""On other cores: half to twice the paper's plain kernels, for which there is no source."""


class LatencyRange(NamedTuple):
    """Milliseconds of one image."""

    least_ms: float
    most_ms: float


def cycles_of(kind: str, board: Board) -> CyclesRange:
    """Return the cycles of a multiply-add in a kind of layer (`LayerSummary.kind`) on a board."""
    if board.core not in DSP_CORES:
        return PLAIN_CYCLES
    return SEPARABLE_CYCLES if kind == "separable_conv" else FULL_CYCLES


def guess_latency(layers: Iterable[LayerSummary], board: Board) -> LatencyRange:
    """Return a guess of the time that one image takes; layers without multiply-adds count nothing."""
    least = most = 0.0
    for layer in layers:
        cycles = cycles_of(layer.kind, board)
        least += layer.multiply_adds * cycles.least
        most += layer.multiply_adds * cycles.most
    per_ms = board.clock_mhz * 1000
    return LatencyRange(least / per_ms, most / per_ms)
