"""Statistics of a model's weights, as arrays for `evaluation.npz`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tuner.spaces.tracing import leaf_layers

BINS = 40
_NEAR_ZERO = 0.01
_DEAD = 0.01


def weight_arrays(model: Any) -> dict[str, np.ndarray[Any, Any]]:
    """Name, shapes, statistics and histograms of every kernel, first layer to last.

    Args:
        model: a Keras model (untyped).

    Returns:
        Nothing where there is no kernel, else `weights/names` (L,), `weights/shapes` (L,), `weights/statistics` (L, 9), `weights/histogram_counts` (L, 40)
        and `weights/histogram_edges` (L, 41); the columns of statistics are described in docs/run-folder.md.
    """
    kernels = list(kernels_of(model))
    if not kernels:
        return {}
    counts, edges = zip(*(np.histogram(kernel, bins=BINS) for _, kernel in kernels), strict=True)
    return {
        "weights/names": np.array([name for name, _ in kernels]),
        "weights/shapes": np.array(["×".join(map(str, kernel.shape)) for _, kernel in kernels]),
        "weights/statistics": np.array([kernel_statistics(kernel) for _, kernel in kernels]),
        "weights/histogram_counts": np.array(counts),
        "weights/histogram_edges": np.array(edges, dtype=np.float64),
    }


def kernels_of(model: Any) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """Name and kernel of each layer that has one, filters on the last axis."""
    for name, weight in kernel_variables(model):
        yield name, np.asarray(weight.numpy() if hasattr(weight, "numpy") else weight)


def kernel_variables(model: Any) -> Iterator[tuple[str, Any]]:
    """Name and Keras variable of each kernel, first layer to last, those of nested models among them.

    A layer of a user's own may name its weights as it likes: there whatever has two axes or more is a kernel.
    """
    for layer in leaf_layers(model):
        weights = layer.trainable_weights
        kernels = [weight for weight in weights if "kernel" in weight.name] or [w for w in weights if len(w.shape) > 1]
        for weight in kernels:
            yield layer.name if len(kernels) == 1 else f"{layer.name}/{weight.name}", weight


def kernel_statistics(kernel: np.ndarray[Any, Any]) -> tuple[float, ...]:
    """Return count, mean, sd, L2 norm, smallest, largest, fraction near zero, filters, dead filters of one kernel."""
    values = kernel.astype(np.float64)
    norms = np.sqrt((values.reshape(-1, values.shape[-1]) ** 2).sum(axis=0))
    magnitude = np.abs(values)
    near_zero = float((magnitude < _NEAR_ZERO * magnitude.max()).mean()) if magnitude.max() > 0 else 1.0
    dead = int((norms <= _DEAD * np.median(norms)).sum())
    return (
        float(values.size),
        float(values.mean()),
        float(values.std()),
        float(np.sqrt((values**2).sum())),
        float(values.min()),
        float(values.max()),
        near_zero,
        float(values.shape[-1]),
        float(dead),
    )
