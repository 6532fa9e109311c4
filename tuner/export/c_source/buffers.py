"""The places of all activations in one static array, planned before the program is written.

Stages run row by row, each as far ahead as the next one needs it, so of most maps only a few rows are kept, in a ring.
A map may be kept whole instead: then everything before it is done, and its memory is free, before anything after it
begins. Which maps are whole is chosen so that the array is smallest. A whole map lies at one end of the array, the next
whole one at the other end, and the rings between them in the middle: nothing is lost to fragments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tuner.export.c_source.stages import Stage


@dataclass(frozen=True)
class Buffer:
    """The output of a stage."""

    offset: int
    rows: int
    """The rows that are kept."""


@dataclass(frozen=True)
class Plan:
    """The array and its parts."""

    size_bytes: int
    buffers: tuple[Buffer, ...]
    """One a stage."""
    ends: tuple[int, ...]
    """The stages that are completed before the next one begins; the last stage is the last of them."""


def plan_buffers(stages: Sequence[Stage]) -> Plan:
    """Return the plan with the smallest array; of equal ones that with the fewest whole maps."""
    ends = _best_ends(stages)
    size = max(_segment_bytes(stages, first, last) for first, last in _segments(ends))
    buffers: dict[int, Buffer] = {}
    at_start = True
    for first, last in _segments(ends):
        whole = _bytes(stages, last, whole=True)
        offset = 0 if at_start else size - whole
        # The rings follow the whole map of the previous segment, which is at the other end of the array.
        place = whole if at_start else _bytes(stages, first - 1, whole=True)
        for stage in range(first, last):
            buffers[stage] = Buffer(place, _rows(stages, stage))
            place += _bytes(stages, stage, whole=False)
        buffers[last] = Buffer(offset, stages[last].output[0])
        at_start = not at_start
    return Plan(size, tuple(buffers[stage] for stage in range(len(stages))), tuple(ends))


def _best_ends(stages: Sequence[Stage]) -> list[int]:
    """Return the last stages of the segments: the smallest largest segment, by dynamic programming."""
    best: list[tuple[int, int, list[int]]] = []
    for last in range(len(stages)):
        choices = [(_segment_bytes(stages, 0, last), 1, [last])]
        for before in range(last):
            size, count, ends = best[before]
            choices.append((max(size, _segment_bytes(stages, before + 1, last)), count + 1, [*ends, last]))
        best.append(min(choices))
    return best[-1][2]


def _segments(ends: Sequence[int]) -> list[tuple[int, int]]:
    firsts = [0, *(end + 1 for end in ends[:-1])]
    return list(zip(firsts, ends, strict=True))


def _segment_bytes(stages: Sequence[Stage], first: int, last: int) -> int:
    """Return what is needed while the stages from `first` to `last` run: two whole maps, and rings between."""
    before = _bytes(stages, first - 1, whole=True) if first else 0
    rings = sum(_bytes(stages, stage, whole=False) for stage in range(first, last))
    return before + rings + _bytes(stages, last, whole=True)


def _rows(stages: Sequence[Stage], stage: int) -> int:
    """Return the rows of a stage's output that the next stage needs at once."""
    return stages[stage].output[0] if stages[stage + 1].whole else stages[stage + 1].rows_kept


def _bytes(stages: Sequence[Stage], stage: int, *, whole: bool) -> int:
    height, width, channels = stages[stage].output
    return (height if whole else _rows(stages, stage)) * width * channels
