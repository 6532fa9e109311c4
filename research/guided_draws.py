"""`python -m research.guided_draws`: whether sampling guided by finished brackets finds good configurations sooner.

Searches over the table of `drawn_trainings` are simulated: each samples its brackets from the remaining measured
configurations, at random or guided (`research.guidance`). All scores are of real trainings.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from benchmarks.measuring import RESULTS, conditions
from research.drawn_trainings import EPOCHS, SAMPLES, SEEDS, SPACE, TABLE, Measured, read_table
from research.guidance import RANKERS, Encoded, Floats, Ranker, Rows, encode, only, parzen
from search_spaces.families.registry import load_family
from tuner.core.records import Json

RESULT = RESULTS / "guided-draws.json"
BRACKETS = (12, 6, 4)
"""First rungs of a default search's iteration."""
BUDGETS = (12, 22, 36, 60, 100)
"""Numbers of samples; a default search has 22, its other trials are promotions."""
TOP_SHARES = (0.1, 0.05, 0.02)
CANDIDATES, RANDOM_SHARE = 24, 1 / 3
_LEAST_UNSEEN, _ORDERS = 20, 40
"""The fewest configurations that `foresight` predicts, and its number of random orders."""
STEPS = ("batch_size", "learning_rate_sgd", "learning_rate_momentum", "learning_rate_adam")
"""Hyperparameters that determine the progress of a short training with any network."""
KNOWS, OF_STEPS, OF_THE_REST = "knows the scores", "parzen, of batch size and rate", "parzen, of all else"
WAYS = (*RANKERS, OF_STEPS, OF_THE_REST, KNOWS)
HALVES = 20
"""Number of random halves of the pool, for the variance between pools."""


@dataclass(frozen=True)
class Pool:
    """Measured configurations from which searches sample."""

    encoded: Encoded
    seen: Floats
    """The score that a search sees."""
    judged: Floats
    """Another seed's score, which evaluates the result of a search; NaN where there is none."""

    def some(self, rows: Rows) -> Pool:
        """Return these configurations only."""
        return Pool(self.encoded.some(rows), self.seen[rows], self.judged[rows])


def pool_of(table: Sequence[Measured]) -> Pool:
    """Return the pool of the first seed's configurations."""
    scores = {(measured.number, measured.seed): measured.val_accuracy for measured in table}
    configurations = {measured.number: measured.configuration for measured in table if measured.seed == SEEDS[0]}
    numbers = sorted(configurations)
    encoded = encode(load_family(SPACE).hyperparameters, [configurations[number] for number in numbers])
    seen, judged = (np.array([scores.get((number, seed), math.nan) for number in numbers]) for seed in SEEDS)
    return Pool(encoded, seen, judged)


def search(pool: Pool, ranker: Ranker | None, seed: int, draws: int) -> Rows:
    """Return rows of the pool in the order in which a search samples them.

    The first bracket is random and equal for every ranker. In a later bracket two samples in three are the best of some
    random candidates, by the scores of all brackets before it.

    Args:
        pool: sampled without replacement.
        ranker: None: every sample is random.
        seed: for all randomness.
        draws: the number of samples, at most the size of the pool.
    """
    rng = np.random.default_rng(seed)
    left = [int(row) for row in rng.permutation(len(pool.seen))]
    order: list[int] = []
    for size in itertools.cycle(BRACKETS):
        looks = _looks(pool, ranker, order)
        for _ in range(min(size, len(left))):
            order.append(left.pop(_choice(rng, left, looks)))
        if len(order) >= draws or not left:
            break
    return np.array(order[:draws])


def _looks(pool: Pool, ranker: Ranker | None, order: Sequence[int]) -> Floats | None:
    """Return the ranker's rating of every configuration by the brackets so far."""
    if ranker is None or not order:
        return None
    seen = np.array(order)
    return ranker(pool.encoded, seen, pool.seen[seen])


def _choice(rng: np.random.Generator, left: Sequence[int], looks: Floats | None) -> int:
    """Return the index of the next sample among the remaining rows, which are in random order."""
    if looks is None:
        return 0
    count = 1 if rng.random() < RANDOM_SHARE else min(CANDIDATES, len(left))
    # Other candidates each time: rejected ones would otherwise stay at the head.
    places = rng.choice(len(left), count, replace=False)
    return int(places[np.argmax(looks[[left[place] for place in places]])])


def outcome(pool: Pool, order: Rows) -> dict[str, float]:
    """Return a search's best score after each budget in percent, and the samples until one of the pool's best.

    `judged` is the other seed's score of the best configuration, which selection does not bias.
    """
    bests = [order[int(np.argmax(pool.seen[order[:budget]]))] for budget in BUDGETS]
    figures = {f"seen after {budget}": _percent(pool.seen[best]) for budget, best in zip(BUDGETS, bests, strict=True)}
    figures |= {f"draws to the best {share:.0%}": _draws_to(order, pool.seen, share) for share in TOP_SHARES}
    if not np.isnan(pool.judged).any():
        figures |= {f"judged after {n}": _percent(pool.judged[best]) for n, best in zip(BUDGETS, bests, strict=True)}
        figures |= {
            f"draws to the best {share:.0%}, judged": _draws_to(order, pool.judged, share) for share in TOP_SHARES
        }
    return figures


def _percent(share: float) -> float:
    return 100 * float(share)


def _draws_to(order: Rows, scores: Floats, share: float) -> float:
    """Return the samples until a score in the best fraction, ties included; without one all and one more."""
    least = np.sort(scores)[-max(1, round(share * len(scores)))]
    (hits,) = np.nonzero(scores[order] >= least)
    return float(hits[0] + 1) if len(hits) else float(len(order) + 1)


def outcomes(pool: Pool, ranker: Ranker | None, searches: int) -> dict[str, Floats]:
    """Return the outcomes of one search a seed."""
    results = [outcome(pool, search(pool, ranker, seed, max(BUDGETS))) for seed in range(searches)]
    return {name: np.array([result[name] for result in results]) for name in results[0]}


@dataclass(frozen=True)
class Pairs:
    """A measured outcome of searches with both kinds of sampling, in pairs of one seed."""

    random: Floats
    guided: Floats

    @property
    def difference(self) -> float:
        """Return the mean difference."""
        return float(np.mean(self.guided - self.random))

    @property
    def variance(self) -> float:
        """Return the variance of the mean difference over searches of one pool."""
        return float(np.var(self.guided - self.random, ddof=1)) / len(self.random)


def paired(pool: Pool, ranker: Ranker, searches: int) -> dict[str, Pairs]:
    """Return the outcomes of random and guided searches with the same seeds."""
    random, guided = outcomes(pool, None, searches), outcomes(pool, ranker, searches)
    return {name: Pairs(random[name], guided[name]) for name in random}


def differences(pool: Pool, ranker: Ranker, searches: int) -> list[Json]:
    """Return the mean effect of guidance over pairs of searches.

    `searches95` is an interval over searches of this pool, `pool95` over pools: the variance among random halves
    (Shao and Wu 1989) less that among searches of each half; None for budgets above a quarter of the pool.
    """
    whole = paired(pool, ranker, searches)
    halves = [paired(pool.some(rows), ranker, max(2, searches // HALVES)) for rows in _halves(len(pool.seen))]
    too_many = [f"after {budget}" for budget in BUDGETS if budget > len(pool.seen) / 4]
    return [
        _row(name, pairs, [] if name.endswith(tuple(too_many)) else [half[name] for half in halves])
        for name, pairs in whole.items()
    ]


def _row(name: str, whole: Pairs, halves: Sequence[Pairs]) -> Json:
    return {
        "what": name,
        "random": round(float(np.mean(whole.random)), 3),
        "guided": round(float(np.mean(whole.guided)), 3),
        "difference": round(whole.difference, 3),
        "searches95": _interval(whole.difference, whole.variance),
        "pool95": _interval(whole.difference, whole.variance + _between(halves)) if halves else None,
    }


def _between(halves: Sequence[Pairs]) -> float:
    by_chance = float(np.mean([half.variance for half in halves]))
    return max(0.0, float(np.var([half.difference for half in halves], ddof=1)) - by_chance)


def _interval(mean: float, variance: float) -> list[float]:
    within = 1.96 * math.sqrt(variance)
    return [round(mean - within, 3), round(mean + within, 3)]


def _halves(count: int) -> Iterator[Rows]:
    for number in range(HALVES):
        yield np.sort(np.random.default_rng([3, number]).permutation(count)[: count // 2])


def foresight(pool: Pool, ranker: Ranker) -> list[Json]:
    """Return Spearman's rank correlation of ratings with scores of unseen configurations, by the number of seen ones.

    It is over all unseen ones, and over their better half, since a search needs the best ones.
    """
    rows: list[Json] = []
    for count in (budget for budget in BUDGETS if budget <= len(pool.seen) - _LEAST_UNSEEN):
        correlations = np.array([_foresight(pool, ranker, seed, count) for seed in range(_ORDERS)])
        everyone, better = (round(float(correlation), 3) for correlation in correlations.mean(axis=0))
        rows.append({"seen": count, "spearman": everyone, "better_half": better})
    return rows


def _foresight(pool: Pool, ranker: Ranker, seed: int, count: int) -> tuple[float, float]:
    shuffled = np.random.default_rng([9, seed]).permutation(len(pool.seen))
    seen, others = shuffled[:count], shuffled[count:]
    looks = ranker(pool.encoded, seen, pool.seen[seen])
    better = others[np.argsort(-pool.seen[others], kind="stable")][: len(others) // 2]
    everyone, best = (float(stats.spearmanr(looks[rows], pool.seen[rows]).statistic) for rows in (others, better))
    return everyone, best


def knows(scores: Floats) -> Ranker:
    """Return a ranker that knows every score: the upper bound with as many candidates."""
    return lambda encoded, seen, known: scores


def simulate(pool: Pool, way: str, searches: int) -> Json:
    """Compare one kind of guidance with random sampling."""
    if way == KNOWS:
        pairs = paired(pool, knows(pool.seen), searches)
        return {"way": way, "searches": searches, "rows": [_row(name, pair, ()) for name, pair in pairs.items()]}
    ranker = guide(way)
    rows = differences(pool, ranker, searches)
    return {"way": way, "searches": searches, "foresight": foresight(pool, ranker), "rows": rows}


def guide(way: str) -> Ranker:
    """Return the ranker of a kind of guidance, with its hyperparameters."""
    if way in RANKERS:
        return RANKERS[way]
    names = [hyperparameter.name for hyperparameter in load_family(SPACE).hyperparameters]
    return only(parzen, [place for place, name in enumerate(names) if (name in STEPS) == (way == OF_STEPS)])


def described(pool: Pool) -> Json:
    """Return a summary of the pool's scores."""
    both = ~np.isnan(pool.judged)
    agree = stats.spearmanr(pool.seen[both], pool.judged[both]).statistic if both.sum() > 2 else math.nan
    return {
        "configurations": len(pool.seen),
        "quantiles": {str(q): round(float(np.quantile(pool.seen, q)), 4) for q in (0, 0.25, 0.5, 0.75, 0.9, 0.95, 1)},
        "judged": int(both.sum()),
        "spearman_of_seeds": None if math.isnan(agree) else round(float(agree), 3),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate, add to the result and print; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m research.guided_draws", description=__doc__)
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument(
        "--way", choices=WAYS, action="append", help="a kind of guidance, again for several (default: all)"
    )
    parser.add_argument("--searches", type=int, default=1000, help="simulated searches of each kind")
    parser.add_argument("--out", type=Path, default=RESULT, help="the result file, which is added to")
    given = parser.parse_args(arguments)
    before, pool = conditions(("scipy", "scikit-learn")), pool_of(read_table(given.table))
    for way in given.way or WAYS:
        result = simulate(pool, way, given.searches)
        keep(given.out, before, pool, result)
        sys.stdout.write("".join(f"{line}\n" for line in _lines(result)))
    return 0


def _lines(result: Json) -> Iterator[str]:
    for row in result["rows"]:
        means = f"{row['random']:>8} {row['guided']:>8} {row['difference']:>8}"
        yield f"{result['way']:>18} {row['what']:<28} {means} {row['searches95']} {row['pool95']}"


def keep(path: Path, before: Json, pool: Pool, result: Json) -> None:
    """Add a kind of guidance to the result, in place of an earlier one of the same kind."""
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"ways": []}
    others = [other for other in kept["ways"] if other["way"] != result["way"]]
    task = {"space": SPACE, "epochs": EPOCHS, "train_samples": SAMPLES, "brackets": BRACKETS, "candidates": CANDIDATES}
    document = {**before, **task, "pool": described(pool), "ways": [*others, result]}
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
