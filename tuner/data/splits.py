"""Stratified sampling of the images that validate, train and test. Works on labels only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tuner.core.errors import UsageError, fault

Indices = NDArray[np.int64]
_TEST_SEED = 1998
TEST_SHARE = 1 / 7
"""The share of test images where a data set has none, as in MNIST."""


def proportional_counts(sizes: Indices, total: int) -> Indices:
    """Return the number of images of each class, in proportion, that add up to `total` (largest remainder).

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
    """Return `total` indices into `labels`, ascending, sampled at random and of each class in proportion.

    Args:
        labels: (n,) from 0 to k - 1.
        total: from 0 to n.
        generator: source of randomness.
    """
    return _sampled(labels, proportional_counts(np.bincount(labels).astype(np.int64), total), generator)


def split_off_test(labels: Indices, total: int) -> tuple[Indices, Indices]:
    """Return the indices of training and test images of a set without a test set: the same in every run.

    Args:
        labels: (n,) from 0 to k - 1.
        total: number of test images, of each class in proportion.
    """
    test = stratified_indices(labels, total, np.random.default_rng(_TEST_SEED))
    return without(len(labels), test), test


def validation_indices(where: str, labels: Indices, class_names: Sequence[str], share: float, seed: int) -> Indices:
    """Return the indices of the validation images; every class is on both sides of the split.

    Args:
        where: the data set, for messages.
        labels: (n,) from 0 to k - 1, each of them at least once.
        class_names: (k,), for messages.
        share: the fraction that validates.
        seed: seed of the sampling.

    Raises:
        DataError: too few images for such a split.
    """
    sizes = np.bincount(labels)
    total = int(len(labels) * share + 0.5)
    if total < len(sizes):
        raise fault(
            f"{where}: a validation split of {share:g} is too small",
            expected=f"{len(sizes)} images or more, one of each class",
            received=f"{total} of {len(labels):,}",
            do="give a larger --validation, or add images",
        )
    chosen = stratified_indices(labels, total, np.random.default_rng([seed, 0]))
    counts = np.bincount(labels[chosen], minlength=len(sizes))
    bare = np.flatnonzero((counts == 0) | (counts == sizes))
    if bare.size:
        raise fault(
            f"{where}: too few training images of class {class_names[bare[0]]}",
            expected=f"enough for a validation split of {share:g}, about {int(np.ceil(1 / share))} of each class",
            received=int(sizes[bare[0]]),
            do="add images of it, or give another --validation",
        )
    return chosen


def training_indices(labels: Indices, total: int, seed: int) -> Indices:
    """Return the indices of the training images that `--train-samples` keeps; every class is among them.

    Args:
        labels: (n,) from 0 to k - 1, of the training images.
        total: their number.
        seed: seed of the sampling.

    Raises:
        UsageError: a number out of range, or too small for every class.
    """
    classes = int(labels.max()) + 1
    message = "--train-samples is out of range. Expected {}. Received: {}."
    if not classes <= total <= len(labels):
        raise UsageError(message.format(f"{classes:,} to {len(labels):,} (what the validation split leaves)", total))
    chosen = stratified_indices(labels, total, np.random.default_rng([seed, 1]))
    missing = np.flatnonzero(np.bincount(labels[chosen], minlength=classes) == 0)
    if missing.size:
        raise UsageError(message.format(f"enough that class {missing[0]} is among them", total))
    return chosen


def fold_indices(labels: Indices, total: int, fold: int) -> Indices:
    """Return the indices of another fold's `total` validation images, ascending, of each class in proportion.

    Args:
        labels: (n,) from 0 to k - 1.
        total: up to n.
        fold: 1 or more. Folds up to n // total have no image in common; then sampling starts again from all images.
    """
    turn, place = divmod(fold - 1, len(labels) // total)
    generator = np.random.default_rng([total, 3, turn])
    left = np.arange(len(labels), dtype=np.int64)
    for _ in range(place + 1):
        chosen = left[stratified_indices(labels[left], total, generator)]
        left = np.setdiff1d(left, chosen, assume_unique=True)
    return chosen


def share_indices(labels: Indices, share: float, seed: int) -> Indices:
    """Return the indices of a fraction of the images, ascending: stratified, but at least one of each class.

    A smaller fraction with the same seed is a subset of a larger one, except for rounding.

    Args:
        labels: (n,) from 0 to k - 1.
        share: above 0 and up to 1.
        seed: seed of the sampling.
    """
    sizes = np.bincount(labels).astype(np.int64)
    counts = proportional_counts(sizes, round(share * len(labels)))
    return _sampled(labels, np.maximum(counts, np.minimum(sizes, 1)), np.random.default_rng([seed, 2]))


def _sampled(labels: Indices, counts: Indices, generator: np.random.Generator) -> Indices:
    """Return `counts[k]` indices of each class k, sampled at random, ascending."""
    chosen = [generator.permutation(np.flatnonzero(labels == label))[:count] for label, count in enumerate(counts)]
    return np.sort(np.concatenate(chosen)).astype(np.int64)


def without(length: int, indices: Indices) -> Indices:
    """Return the indices from 0 to `length` - 1 that are not among `indices`, ascending."""
    kept = np.ones(length, dtype=bool)
    kept[indices] = False
    return np.flatnonzero(kept).astype(np.int64)
