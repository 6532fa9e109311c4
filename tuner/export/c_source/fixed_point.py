"""Factors as fixed-point numbers, as LiteRT's kernels prepare them: a multiplier of 31 bits and a shift."""

from __future__ import annotations

import math

_DIFFERENCE_BITS = 5
"""Integer bits of the differences that the softmax takes."""


def quantise_factor(factor: float) -> tuple[int, int]:
    """Return multiplier and shift of a factor: it is multiplier / 2^31 · 2^shift."""
    if factor == 0:
        return 0, 0
    fraction, shift = math.frexp(factor)
    # C's round: halves away from zero; the factor is positive.
    multiplier = math.floor(fraction * 2**31 + 0.5)
    if multiplier == 2**31:
        multiplier, shift = multiplier // 2, shift + 1
    return (0, 0) if shift < -31 else (multiplier, shift)


def mean_factor(factor: float, count: int) -> tuple[int, int]:
    """Return multiplier and shift from a sum of `count` values to their mean in the output's scale."""
    multiplier, shift = quantise_factor(factor)
    bits = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << bits) // count, shift - bits


def softmax_factor(beta: float, scale: float) -> tuple[int, int, int]:
    """Return multiplier, shift and the least difference whose exponential counts."""
    multiplier, shift = quantise_factor(min(beta * scale * 2 ** (31 - _DIFFERENCE_BITS), 2.0**31 - 1))
    least = math.floor((2**_DIFFERENCE_BITS - 1) * 2 ** (31 - _DIFFERENCE_BITS) / 2**shift)
    return multiplier, shift, -least
