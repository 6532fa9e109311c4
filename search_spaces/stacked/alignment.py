"""A common sequence of slots for several sequences of layers: a supersequence of all of them. Imports no JAX."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeVar

Kind = TypeVar("Kind", bound=Hashable)


def supersequence(sequences: Sequence[Sequence[Kind]]) -> tuple[Kind, ...]:
    """Return a sequence that contains each of these in order, merged one by one, the longest first.

    Two are merged by their shortest common supersequence; of many the result may be longer than the shortest one, which is
    NP-hard (Räihä and Ukkonen 1981).
    """
    merged: tuple[Kind, ...] = ()
    for sequence in sorted(sequences, key=len, reverse=True):
        merged = _merge(merged, tuple(sequence))
    return merged


def places(sequence: Sequence[Kind], slots: Sequence[Kind]) -> tuple[int, ...]:
    """Return the slot of each element of a sequence, the earliest possible one.

    Raises:
        ValueError: where the slots don't contain the sequence.
    """
    slot_numbers, at = [], 0
    for kind in sequence:
        while at < len(slots) and slots[at] != kind:
            at += 1
        if at == len(slots):
            raise ValueError(f"Expected slots that contain {tuple(sequence)}. Received: {tuple(slots)}")
        slot_numbers.append(at)
        at += 1
    return tuple(slot_numbers)


def _merge(first: tuple[Kind, ...], second: tuple[Kind, ...]) -> tuple[Kind, ...]:
    """Return the shortest common supersequence of two, by dynamic programming over their ends."""
    lengths = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i in range(len(first), -1, -1):
        for j in range(len(second), -1, -1):
            if i == len(first) or j == len(second):
                lengths[i][j] = len(first) - i + len(second) - j
            elif first[i] == second[j]:
                lengths[i][j] = 1 + lengths[i + 1][j + 1]
            else:
                lengths[i][j] = 1 + min(lengths[i + 1][j], lengths[i][j + 1])
    merged, i, j = [], 0, 0
    while i < len(first) and j < len(second):
        if first[i] == second[j]:
            merged.append(first[i])
            i, j = i + 1, j + 1
        elif lengths[i + 1][j] <= lengths[i][j + 1]:
            merged.append(first[i])
            i += 1
        else:
            merged.append(second[j])
            j += 1
    return (*merged, *first[i:], *second[j:])
