"""The winner's weights layer by layer, as the run's evaluation counted them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from reports.run_data import RunData


@dataclass(frozen=True)
class LayerWeights:
    """The kernel of one layer."""

    name: str
    shape: str
    count: int
    mean: float
    sd: float
    norm: float
    smallest: float
    largest: float
    near_zero: float
    """Share below 1% of the largest magnitude."""
    filters: int
    dead: int
    """Filters whose norm is below 1% of the layer's median."""
    counts: tuple[int, ...]
    edges: tuple[float, ...]


def layer_weights(run: RunData, trial: str) -> tuple[LayerWeights, ...]:
    """The layers of a confirmed trial, first to last; empty where the run kept none."""
    prefix = f"confirm/{trial}/weights/"
    keys = ("names", "shapes", "statistics", "histogram_counts", "histogram_edges")
    if any(prefix + key not in run.arrays for key in keys):
        return ()
    names, shapes, statistics, counts, edges = (run.arrays[prefix + key] for key in keys)
    return tuple(
        _layer(str(name), str(shape), row, count, edge)
        for name, shape, row, count, edge in zip(names, shapes, statistics, counts, edges, strict=True)
    )


def _layer(name: str, shape: str, row: np.ndarray, counts: np.ndarray, edges: np.ndarray) -> LayerWeights:
    return LayerWeights(
        name=name,
        shape=shape,
        count=_whole(row[0]),
        mean=float(row[1]),
        sd=float(row[2]),
        norm=float(row[3]),
        smallest=float(row[4]),
        largest=float(row[5]),
        near_zero=float(row[6]),
        filters=_whole(row[7]),
        dead=_whole(row[8]),
        counts=tuple(int(n) for n in counts),
        edges=tuple(float(edge) for edge in edges),
    )


def _whole(value: float) -> int:
    return int(value) if math.isfinite(value) else 0
