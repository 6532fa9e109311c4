"""Stratified choices of images: which of them validate, which of them train. Knows labels only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


def proportional_counts(sizes: Indices, total: int) -> Indices:
    """Return how many of each class make up `total`, in proportion (method of the largest remainder).

    Args:
        sizes: (k,) images of each class.
        total: from 0 to the sum of `sizes`; the result has exactly this sum. Ties go to the lower class.
    """
    products = sizes * total
    counts: Indices = products // sizes.sum()
    remainders = products % sizes.sum()
    left_over = total - int(counts.sum())
    counts[np.argsort(-remainders, kind="stable")[:left_over]] += 1
    return counts


def stratified_indices(labels: Indices, total: int, generator: np.random.Generator) -> Indices:
    """Return `total` indices into `labels`, ascending, drawn at random and of each class in proportion.

    Args:
        labels: (n,) from 0 to k - 1.
        total: from 0 to n.
        generator: where the draws come from.
    """
    return _drawn(labels, proportional_counts(np.bincount(labels).astype(np.int64), total), generator)


def fold_indices(labels: Indices, total: int, fold: int) -> Indices:
    """Return which `total` images another fold validates on, ascending: of each class in proportion, none twice while there are any.

    Args:
        labels: (n,) from 0 to k - 1.
        total: up to n.
        fold: 1 or more. Folds up to n // total have no image in common; then they are drawn anew.
    """
    turn, place = divmod(fold - 1, len(labels) // total)
    generator = np.random.default_rng([total, 3, turn])
    left = np.arange(len(labels), dtype=np.int64)
    for _ in range(place + 1):
        chosen = left[stratified_indices(labels[left], total, generator)]
        left = np.setdiff1d(left, chosen, assume_unique=True)
    return chosen


def share_indices(labels: Indices, share: float, seed: int) -> Indices:
    """Return the indices of a share of the images, ascending: stratified, but at least one of each class that there is.

    A smaller share with the same seed is a part of a larger one, but for rounding.

    Args:
        labels: (n,) from 0 to k - 1.
        share: above 0 and up to 1.
        seed: what chance depends on.
    """
    sizes = np.bincount(labels).astype(np.int64)
    counts = proportional_counts(sizes, round(share * len(labels)))
    return _drawn(labels, np.maximum(counts, np.minimum(sizes, 1)), np.random.default_rng([seed, 2]))


def _drawn(labels: Indices, counts: Indices, generator: np.random.Generator) -> Indices:
    """Return so many of each class, drawn at random."""
    chosen = [generator.permutation(np.flatnonzero(labels == label))[:count] for label, count in enumerate(counts)]
    return np.sort(np.concatenate(chosen)).astype(np.int64)


def without(length: int, indices: Indices) -> Indices:
    """Return the indices from 0 to `length` - 1 that are not among `indices`, ascending."""
    kept = np.ones(length, dtype=bool)
    kept[indices] = False
    return np.flatnonzero(kept).astype(np.int64)
