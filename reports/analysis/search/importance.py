"""Hyperparameter importance, the fraction of a score's variance that each explains: functional ANOVA of a forest.

Hutter, Hoos and Leyton-Brown, "An efficient approach for assessing hyperparameter importance", ICML 2014. The forest is
scikit-learn's; the marginals are taken exactly, from the boxes and values of its trees' leaves. What the hyperparameters
of a run are, and which of its trials count, is in `reports.analysis.search.factors`.

Two things differ from the paper. The function decomposed is the forest's, the mean of its trees, rather than a single
tree's: a tree's own noise would count as interactions of many hyperparameters. And a value weighs as often as the trials
have it, rather than all values alike: under a cap much of a space is never sampled, and a tree only guesses there.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

TREES = 24
_MOST_LEAVES = 48
"""Leaves of a tree at most: the time for a forest's marginals grows with the square of all its leaves."""

Array: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Factor:
    """A hyperparameter as the forest's input, over n trials."""

    name: str
    values: Array
    """(n,): numbers on the scale that they are sampled on, or codes of categories from 0."""
    categories: int = 0
    """The number of codes; 0 for numbers."""


@dataclass(frozen=True)
class Share:
    """The fraction of the prediction's variance explained by one hyperparameter, or by a pair beyond each alone."""

    names: tuple[str, ...]
    share: float
    """The fraction, in [0, 1]."""
    spread: float
    """The share's standard deviation over single trees."""


@dataclass(frozen=True)
class Importance:
    """The decomposition of a variance. Main parts, pairs and `rest` add up to 1."""

    trials: int
    explained: float
    """R² of the forest on the trials that each tree did not see (out of bag); below 0 it is worse than the mean."""
    main: tuple[Share, ...]
    """Largest first."""
    pairs: tuple[Share, ...]
    """Largest first."""
    rest: float
    """The share that only three or more together explain."""


def importance(factors: Sequence[Factor], scores: npt.ArrayLike) -> Importance | None:
    """Return the parts of the variance of `scores`; None where they, or all factors, are constant.

    Args:
        factors: the hyperparameters, each over n trials.
        scores: (n,), finite.
    """
    target = np.asarray(scores, dtype=np.float64)
    if not factors or len(target) < 2 or float(np.ptp(target)) == 0:
        return None
    # Centred on 0, which scikit-learn uses as the prediction of a trial that every tree has seen.
    target = target - target.mean()
    encoded = [_columns(factor) for factor in factors]
    fitted = _fit_forest(np.column_stack(encoded), target)
    owners = np.repeat(np.arange(len(factors)), [columns.shape[1] for columns in encoded])
    forest = [_leaves(tree.tree_, factors, owners) for tree in fitted.estimators_]
    within = [_parts(leaves, leaves) for leaves in forest]
    between = [_parts(leaves, _concatenate(forest[place + 1 :])) for place, leaves in enumerate(forest[:-1])]
    total = sum(part.total for part in within) + 2 * sum(part.total for part in between)
    if total <= 0:
        return None
    parts = np.sum([part.parts for part in within], axis=0) + 2 * np.sum([part.parts for part in between], axis=0)
    spread = np.std([part.parts / part.total for part in within if part.total > 0], axis=0)
    return _summary([factor.name for factor in factors], parts / total, spread, len(target), float(fitted.oob_score_))


def _fit_forest(columns: Array, target: Array) -> Any:
    # Slow to import, and the pages of short runs have no use for it. `Any`: scikit-learn has no types.
    from sklearn.ensemble import RandomForestRegressor

    forest = RandomForestRegressor(
        n_estimators=TREES, max_leaf_nodes=_MOST_LEAVES, min_samples_leaf=1, oob_score=True, random_state=0
    )
    with warnings.catch_warnings():
        # The warning that some trial is in every tree's sample: the mean is then its prediction.
        warnings.simplefilter("ignore", UserWarning)
        return forest.fit(columns, target)


def _columns(factor: Factor) -> Array:
    """Return (n, columns): numbers as they are, two categories as 0 and 1, three or more as one column each."""
    if factor.categories < 3:
        return factor.values[:, None]
    return np.asarray(factor.values[:, None] == np.arange(factor.categories), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class _Leaves:
    """The boxes of leaves, measured by the fraction of trials that they hold along each hyperparameter."""

    spans: tuple[tuple[Array, Array], ...]
    """Numbers: the fractions of values below the box and up to its end, (L,) each. Categories: (L, k) membership and
    (k,) fractions."""
    numeric: tuple[bool, ...]
    weights: Array
    """(L,): the leaf's measure times its value, less the tree's mean."""

    def overlaps(self, factor: int, other: _Leaves) -> Array:
        """Return (L, M): the fraction of values in the intersection of two boxes, along one hyperparameter."""
        first, second = self.spans[factor]
        if self.numeric[factor]:
            below, upto = other.spans[factor]
            shared = np.minimum(second[:, None], upto) - np.maximum(first[:, None], below)
            return np.asarray(np.maximum(shared, 0.0), dtype=np.float64)
        return np.asarray((first * second) @ other.spans[factor][0].T, dtype=np.float64)

    def widths(self, factor: int) -> Array:
        """Return (L,): the fraction of values in each box, along one hyperparameter."""
        first, second = self.spans[factor]
        return np.asarray(second - first if self.numeric[factor] else first @ second, dtype=np.float64)


def _leaves(tree: Any, factors: Sequence[Factor], owners: npt.NDArray[np.intp]) -> _Leaves:
    """Return the leaves of one tree. `Any`: scikit-learn has no types.

    Args:
        tree: its arrays.
        factors: the hyperparameters.
        owners: (columns,), the index of each column's hyperparameter.
    """
    low, high, values = _boxes(tree, len(owners))
    spans = tuple(_span(factor, low[:, owners == k], high[:, owners == k]) for k, factor in enumerate(factors))
    leaves = _Leaves(spans, tuple(factor.categories == 0 for factor in factors), np.empty(0))
    measure = np.prod([leaves.widths(k) for k in range(len(factors))], axis=0)
    return replace(leaves, weights=measure * (values - np.sum(measure * values)))


def _boxes(tree: Any, columns: int) -> tuple[Array, Array, Array]:
    """Return each leaf's box, exclusive lower and inclusive upper ends, (L, columns), and its value, (L,)."""
    left, right, feature, threshold = tree.children_left, tree.children_right, tree.feature, tree.threshold
    low = np.full((tree.node_count, columns), -np.inf)
    high = np.full((tree.node_count, columns), np.inf)
    # A box is its parent's, cut once: so a parent comes before its children.
    waiting = [0] if left[0] >= 0 else []
    while waiting:
        node = waiting.pop()
        first, second, column = left[node], right[node], feature[node]
        low[first] = low[second] = low[node]
        high[first] = high[second] = high[node]
        high[first, column] = low[second, column] = threshold[node]
        waiting += [child for child in (first, second) if left[child] >= 0]
    ends = left < 0
    return low[ends], high[ends], np.asarray(tree.value[ends, 0, 0], dtype=np.float64)


def _span(factor: Factor, low: Array, high: Array) -> tuple[Array, Array]:
    """Return one hyperparameter's item of `_Leaves.spans`."""
    if factor.categories:
        counts = np.bincount(factor.values.astype(int), minlength=factor.categories)
        return _inside(factor.categories, low, high), counts / counts.sum()
    # A tree compares its inputs rounded to single precision.
    ordered = np.sort(factor.values.astype(np.float32).astype(np.float64))
    below, upto = (np.searchsorted(ordered, ends[:, 0], side="right") / len(ordered) for ends in (low, high))
    return below, upto


def _inside(categories: int, low: Array, high: Array) -> Array:
    """Return (L, categories): 1 where a box holds a category, else 0."""
    if categories < 3:
        codes = np.arange(categories)
        return np.asarray((low < codes) & (codes <= high), dtype=np.float64)
    hot = np.eye(categories)
    return np.asarray(((low[:, None] < hot) & (hot <= high[:, None])).all(axis=2), dtype=np.float64)


def _concatenate(forest: Sequence[_Leaves]) -> _Leaves:
    """Return all leaves of all trees as one object."""
    numeric = forest[0].numeric
    spans = []
    for factor, is_number in enumerate(numeric):
        first = np.concatenate([leaves.spans[factor][0] for leaves in forest])
        second = np.concatenate([leaves.spans[factor][1] for leaves in forest]) if is_number else None
        spans.append((first, forest[0].spans[factor][1] if second is None else second))
    return _Leaves(tuple(spans), numeric, np.concatenate([leaves.weights for leaves in forest]))


@dataclass(frozen=True, eq=False)
class _Covariance:
    """The covariance of two sums of leaves, by its parts."""

    parts: Array
    """(H, H): the main parts on the diagonal, those of pairs above it."""
    total: float


def _parts(these: _Leaves, those: _Leaves) -> _Covariance:
    """Decompose the covariance of two sums of leaves.

    Let w(l) be a leaf's measure times its centred value, and o_h(l, m) the measure of two leaves' intersection along h
    divided by the product of their measures. The main part of h is the sum over all l and m of w(l) w(m) (o_h − 1), the
    part of a pair that of w(l) w(m) (o_h − 1)(o_g − 1), the total that of w(l) w(m) Π o_h: integrals of products of
    marginals, written as sums over leaves.
    """
    weights = np.outer(these.weights, those.weights)
    ratios = [_ratio(these, those, factor) for factor in range(len(these.numeric))]
    # A hyperparameter on which one side never splits has no part.
    active = [factor for factor, ratio in enumerate(ratios) if ratio is not None]
    parts = np.zeros((len(ratios), len(ratios)))
    split_ratios = [ratio for ratio in ratios if ratio is not None]
    if split_ratios:
        stacked = np.array([ratio.ravel() - 1 for ratio in split_ratios])
        weighted = stacked * weights.ravel()
        products = np.triu(weighted @ stacked.T)
        np.fill_diagonal(products, weighted.sum(axis=1))
        parts[np.ix_(active, active)] = products
    return _Covariance(parts, float(np.sum(weights * np.prod(split_ratios, axis=0))))


def _ratio(these: _Leaves, those: _Leaves, factor: int) -> Array | None:
    """Return (L, M): two boxes' intersection divided by the product of their widths; None where it is 1 for all."""
    rows, columns = these.widths(factor), those.widths(factor)
    if bool((rows == 1).all() or (columns == 1).all()):
        return None
    scale = np.outer(rows, columns)
    # A leaf without measure has weight 0, so that its ratio doesn't matter.
    return np.divide(these.overlaps(factor, those), scale, out=np.ones_like(scale), where=scale > 0)


def _summary(names: Sequence[str], parts: Array, spread: Array, trials: int, explained: float) -> Importance:
    shares = np.clip(parts, 0.0, 1.0)
    main, pairs = [], []
    for h, name in enumerate(names):
        main.append(Share((name,), float(shares[h, h]), float(spread[h, h])))
        for g in range(h + 1, len(names)):
            pairs.append(Share((name, names[g]), float(shares[h, g]), float(spread[h, g])))
    return Importance(
        trials=trials,
        explained=explained,
        main=tuple(sorted(main, key=lambda part: -part.share)),
        pairs=tuple(sorted(pairs, key=lambda part: -part.share)),
        rest=max(0.0, 1.0 - float(shares.sum())),
    )
