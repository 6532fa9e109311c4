"""How much of a score's spread each hyperparameter explains: functional ANOVA over a random forest.

Hutter, Hoos and Leyton-Brown, "An efficient approach for assessing hyperparameter importance", ICML 2014. The forest is
scikit-learn's; the marginals are taken exactly, from the boxes and values of its trees' leaves. What the hyperparameters
of a run are, and which of its trials to ask, is in `reports.analysis.search.factors`.

Two things differ from the paper. The function that is taken apart is the forest's, the mean of its trees, rather than
each tree's: a tree's own noise would count as interactions of many hyperparameters. And a value weighs as often as
the trials have it, rather than all values alike: under a cap the draws leave much of a space empty, and there a tree only guesses.
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
"""Of a tree: the marginals of a forest take time that grows with the square of all its leaves."""

Array: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Factor:
    """A hyperparameter as the forest sees it, over n trials."""

    name: str
    values: Array
    """(n,): numbers on the scale that they are drawn on, or codes of categories from 0."""
    categories: int = 0
    """How many codes there are; 0 for numbers."""


@dataclass(frozen=True)
class Share:
    """What one hyperparameter, or a pair beyond its two, explains of the variance of the forest's prediction."""

    names: tuple[str, ...]
    share: float
    """In [0, 1]."""
    spread: float
    """Standard deviation of the same share over single trees."""


@dataclass(frozen=True)
class Importance:
    """The parts of a variance. Main parts, pairs and `rest` add up to 1."""

    trials: int
    explained: float
    """R² of the forest on the trials that each tree did not see (out of bag); below 0 it is worse than the mean."""
    main: tuple[Share, ...]
    """Largest first."""
    pairs: tuple[Share, ...]
    """Largest first."""
    rest: float
    """What only three or more together explain."""


def importance(factors: Sequence[Factor], scores: npt.ArrayLike) -> Importance | None:
    """The parts of the variance of `scores`; None where they, or all factors, are constant.

    Args:
        factors: the hyperparameters, each over n trials.
        scores: (n,), finite.
    """
    goal = np.asarray(scores, dtype=np.float64)
    if not factors or len(goal) < 2 or float(np.ptp(goal)) == 0:
        return None
    # Around 0, which is what scikit-learn takes a trial's prediction for where every tree has seen it.
    goal = goal - goal.mean()
    encoded = [_columns(factor) for factor in factors]
    grown = _grown(np.column_stack(encoded), goal)
    owners = np.repeat(np.arange(len(factors)), [columns.shape[1] for columns in encoded])
    forest = [_leaves(tree.tree_, factors, owners) for tree in grown.estimators_]
    own = [_parts(leaves, leaves) for leaves in forest]
    between = [_parts(leaves, _together(forest[place + 1 :])) for place, leaves in enumerate(forest[:-1])]
    total = sum(found.total for found in own) + 2 * sum(found.total for found in between)
    if total <= 0:
        return None
    parts = np.sum([found.parts for found in own], axis=0) + 2 * np.sum([found.parts for found in between], axis=0)
    spread = np.std([found.parts / found.total for found in own if found.total > 0], axis=0)
    return _summary([factor.name for factor in factors], parts / total, spread, len(goal), float(grown.oob_score_))


def _grown(columns: Array, goal: Array) -> Any:
    # Slow to import, and the pages of short runs have no use for it. `Any`: scikit-learn has no types.
    from sklearn.ensemble import RandomForestRegressor

    forest = RandomForestRegressor(
        n_estimators=TREES, max_leaf_nodes=_MOST_LEAVES, min_samples_leaf=1, oob_score=True, random_state=0
    )
    with warnings.catch_warnings():
        # That some trial is in every tree's sample: it then counts as foretold by the mean.
        warnings.simplefilter("ignore", UserWarning)
        return forest.fit(columns, goal)


def _columns(factor: Factor) -> Array:
    """(n, columns): numbers as they are, two categories as 0 and 1, more of them as one column each."""
    if factor.categories < 3:
        return factor.values[:, None]
    return np.asarray(factor.values[:, None] == np.arange(factor.categories), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class _Leaves:
    """The boxes of leaves, as the measure sees them: the shares of trials that they hold along each hyperparameter."""

    spans: tuple[tuple[Array, Array], ...]
    """Of numbers: the shares of values below the box and up to its end, (L,) each. Of categories: (L, k) which of them are inside, (k,) their shares."""
    numeric: tuple[bool, ...]
    weights: Array
    """(L,): the leaf's measure times its value, less the tree's mean."""

    def overlaps(self, factor: int, other: _Leaves) -> Array:
        """(L, M): the share of values that lie in a box of these and in one of the others, along one hyperparameter."""
        first, second = self.spans[factor]
        if self.numeric[factor]:
            below, upto = other.spans[factor]
            shared = np.minimum(second[:, None], upto) - np.maximum(first[:, None], below)
            return np.asarray(np.maximum(shared, 0.0), dtype=np.float64)
        return np.asarray((first * second) @ other.spans[factor][0].T, dtype=np.float64)

    def widths(self, factor: int) -> Array:
        """(L,): the share of values in each box, along one hyperparameter."""
        first, second = self.spans[factor]
        return np.asarray(second - first if self.numeric[factor] else first @ second, dtype=np.float64)


def _leaves(tree: Any, factors: Sequence[Factor], owners: npt.NDArray[np.intp]) -> _Leaves:
    """The leaves of one tree. `Any`: scikit-learn has no types.

    Args:
        tree: its arrays.
        factors: the hyperparameters.
        owners: (columns,), the place of the hyperparameter that a column is of.
    """
    low, high, values = _boxes(tree, len(owners))
    spans = tuple(_span(factor, low[:, owners == k], high[:, owners == k]) for k, factor in enumerate(factors))
    leaves = _Leaves(spans, tuple(factor.categories == 0 for factor in factors), np.empty(0))
    measure = np.prod([leaves.widths(k) for k in range(len(factors))], axis=0)
    return replace(leaves, weights=measure * (values - np.sum(measure * values)))


def _boxes(tree: Any, columns: int) -> tuple[Array, Array, Array]:
    """Of each leaf its box, exclusive lower and inclusive upper ends, (L, columns), and its value, (L,)."""
    left, right, feature, threshold = tree.children_left, tree.children_right, tree.feature, tree.threshold
    low = np.full((tree.node_count, columns), -np.inf)
    high = np.full((tree.node_count, columns), np.inf)
    # A parent's children have to be reached after it.
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
    """What `_Leaves.spans` holds of one hyperparameter."""
    if factor.categories:
        counts = np.bincount(factor.values.astype(int), minlength=factor.categories)
        return _inside(factor.categories, low, high), counts / counts.sum()
    # A tree compares what it was given rounded to single precision.
    ordered = np.sort(factor.values.astype(np.float32).astype(np.float64))
    below, upto = (np.searchsorted(ordered, ends[:, 0], side="right") / len(ordered) for ends in (low, high))
    return below, upto


def _inside(categories: int, low: Array, high: Array) -> Array:
    """(L, categories): whether a box holds a category, as 0 or 1."""
    if categories < 3:
        codes = np.arange(categories)
        return np.asarray((low < codes) & (codes <= high), dtype=np.float64)
    hot = np.eye(categories)
    return np.asarray(((low[:, None] < hot) & (hot <= high[:, None])).all(axis=2), dtype=np.float64)


def _together(forest: Sequence[_Leaves]) -> _Leaves:
    """All leaves of all trees."""
    numeric = forest[0].numeric
    spans = []
    for factor, is_number in enumerate(numeric):
        first = np.concatenate([leaves.spans[factor][0] for leaves in forest])
        second = np.concatenate([leaves.spans[factor][1] for leaves in forest]) if is_number else None
        spans.append((first, forest[0].spans[factor][1] if second is None else second))
    return _Leaves(tuple(spans), numeric, np.concatenate([leaves.weights for leaves in forest]))


@dataclass(frozen=True, eq=False)
class _Covariance:
    """Of two sums of leaves."""

    parts: Array
    """(H, H): the main parts on the diagonal, those of pairs above it."""
    total: float


def _parts(these: _Leaves, those: _Leaves) -> _Covariance:
    """Takes the covariance of two sums of leaves apart.

    With w(l) a leaf's measure times its centred value and o_h(l, m) the measure of what two leaves share along h over the
    product of theirs, the main part of h is the sum over all l and m of w(l) w(m) (o_h − 1), that of a pair the same with
    (o_h − 1)(o_g − 1), and all of it that of Π o_h: the integrals of products of marginals, written as sums over leaves.
    """
    weights = np.outer(these.weights, those.weights)
    ratios = [_ratio(these, those, factor) for factor in range(len(these.numeric))]
    # Where one side never splits on a hyperparameter there is no part of it.
    active = [factor for factor, ratio in enumerate(ratios) if ratio is not None]
    parts = np.zeros((len(ratios), len(ratios)))
    known = [ratio for ratio in ratios if ratio is not None]
    if known:
        stacked = np.array([ratio.ravel() - 1 for ratio in known])
        weighted = stacked * weights.ravel()
        found = np.triu(weighted @ stacked.T)
        np.fill_diagonal(found, weighted.sum(axis=1))
        parts[np.ix_(active, active)] = found
    return _Covariance(parts, float(np.sum(weights * np.prod(known, axis=0))))


def _ratio(these: _Leaves, those: _Leaves, factor: int) -> Array | None:
    """(L, M): what two boxes share over the product of their widths; None where it is 1 for all."""
    rows, columns = these.widths(factor), those.widths(factor)
    if bool((rows == 1).all() or (columns == 1).all()):
        return None
    scale = np.outer(rows, columns)
    # A leaf without measure weighs nothing, whatever stands here.
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
