"""Statistics of the winner's weights layer by layer, as the run's evaluation recorded them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reports.run.run_data import RunData


@dataclass(frozen=True)
class LayerWeights:
    """The statistics of one layer's kernel."""

    name: str
    shape: str
    count: int
    mean: float
    sd: float
    norm: float
    smallest: float
    largest: float
    near_zero: float
    """The fraction of weights below 1% of the largest magnitude."""
    filters: int
    dead: int
    """The number of filters whose norm is below 1% of the layer's median."""
    counts: tuple[int, ...]
    edges: tuple[float, ...]


def layer_weights(run: RunData, trial: str) -> tuple[LayerWeights, ...]:
    """Return the layers of a confirmed trial or of a refit, first to last; empty where the run recorded none."""
    refit = run.result is not None and run.result.exported.refitted and trial in run.result.exported.trials
    prefix = f"{'refit' if refit else 'confirm'}/{trial}/weights/"
    keys = ("names", "shapes", "statistics", "histogram_counts", "histogram_edges")
    if any(prefix + key not in run.arrays for key in keys):
        return ()
    names, shapes, statistics, counts, edges = (run.arrays[prefix + key] for key in keys)
    return tuple(
        _layer(str(name), str(shape), row, count, edge)
        for name, shape, row, count, edge in zip(names, shapes, statistics, counts, edges, strict=True)
    )


@dataclass(frozen=True)
class Spread:
    """A number's distribution over the seeds of a configuration."""

    mean: float
    sd: float | None
    """None with one seed."""
    low: float
    high: float


@dataclass(frozen=True)
class LayerNorm:
    """The L2 norm of one layer's kernel over the seeds."""

    name: str
    shape: str
    norm: Spread


@dataclass(frozen=True)
class FinalistNorms:
    """The weight norms of a confirmed configuration."""

    place: int
    """1 for the winner."""
    seeds: int
    layers: tuple[LayerNorm, ...]
    total: Spread
    """The norm of all kernels as one vector."""
    weights: int
    root_mean_square: Spread
    """The total norm over the root of the number of weights: the size of a weight, comparable between networks."""


def finalist_norms(run: RunData) -> tuple[FinalistNorms, ...]:
    """Return the norms of the confirmed configurations, the winner first; empty where the run recorded none."""
    finalists = run.result.finalists if run.result is not None else ()
    rows = (_norms(place, run, finalist.trials) for place, finalist in enumerate(finalists, start=1))
    return tuple(norms for norms in rows if norms is not None)


def _norms(place: int, run: RunData, trials: Sequence[str]) -> FinalistNorms | None:
    seeds = [layers for trial in trials if (layers := layer_weights(run, trial)) and _all_finite(layers)]
    if not seeds:
        return None
    totals = [math.sqrt(sum(layer.norm**2 for layer in layers)) for layers in seeds]
    weights = sum(layer.count for layer in seeds[0])
    return FinalistNorms(
        place=place,
        seeds=len(seeds),
        layers=tuple(
            LayerNorm(layer.name, layer.shape, _spread([layers[row].norm for layers in seeds]))
            for row, layer in enumerate(seeds[0])
        ),
        total=_spread(totals),
        weights=weights,
        root_mean_square=_spread([total / math.sqrt(weights or 1) for total in totals]),
    )


def _all_finite(layers: Sequence[LayerWeights]) -> bool:
    return all(math.isfinite(layer.norm) for layer in layers)


def _spread(values: Sequence[float]) -> Spread:
    sd = statistics.stdev(values) if len(values) > 1 else None
    return Spread(statistics.fmean(values), sd, min(values), max(values))


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
