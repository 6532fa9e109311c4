"""`python -m research.guided_draws`: whether draws that learn from finished brackets find good configurations sooner.

Searches over the table of `drawn_trainings` are simulated: each draws its brackets from what is left of the measured
configurations, at random or guided (`research.guidance`). No model of the scores stands in for a training.
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
"""Draws; 22 are those of a default search, the other trials of which are promoted."""
TOP_SHARES = (0.1, 0.05, 0.02)
CANDIDATES, RANDOM_SHARE = 24, 1 / 3
_LEAST_UNSEEN, _ORDERS = 20, 40
"""Of foresight: how many are left to be foretold, and how often others are seen."""
STEPS = ("batch_size", "learning_rate_sgd", "learning_rate_momentum", "learning_rate_adam")
"""What decides how far few epochs of few images get, whatever the network."""
KNOWS, OF_STEPS, OF_THE_REST = "knows the scores", "parzen, of batch size and rate", "parzen, of all else"
WAYS = (*RANKERS, OF_STEPS, OF_THE_REST, KNOWS)
HALVES = 20
"""Of the pool, from which it is estimated what another pool would have shown."""


@dataclass(frozen=True)
class Pool:
    """Measured configurations that searches draw from."""

    encoded: Encoded
    seen: Floats
    """The score that a search sees."""
    judged: Floats
    """Another seed's, by which what it found is judged; NaN where there is none."""

    def some(self, rows: Rows) -> Pool:
        """Only these configurations."""
        return Pool(self.encoded.some(rows), self.seen[rows], self.judged[rows])


def pool_of(table: Sequence[Measured]) -> Pool:
    """Of the configurations that the first seed has trained."""
    scores = {(own.number, own.seed): own.val_accuracy for own in table}
    configurations = {own.number: own.configuration for own in table if own.seed == SEEDS[0]}
    numbers = sorted(configurations)
    encoded = encode(load_family(SPACE).hyperparameters, [configurations[number] for number in numbers])
    seen, judged = (np.array([scores.get((number, seed), math.nan) for number in numbers]) for seed in SEEDS)
    return Pool(encoded, seen, judged)


def search(pool: Pool, ranker: Ranker | None, seed: int, draws: int) -> Rows:
    """Rows of the pool in the order in which a search draws them.

    The first bracket is random, and with it one search's first draws are the same for every ranker. Of a later bracket
    two draws in three are the best of some random candidates, as the scores of all brackets before it say.

    Args:
        pool: none of it is drawn twice.
        ranker: None: every draw is random.
        seed: of all that is random.
        draws: how many, where the pool has so many.
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
    """Return what the brackets so far say of every configuration."""
    if ranker is None or not order:
        return None
    seen = np.array(order)
    return ranker(pool.encoded, seen, pool.seen[seen])


def _choice(rng: np.random.Generator, left: Sequence[int], looks: Floats | None) -> int:
    """The place of the next draw among what is left, which is in random order."""
    if looks is None:
        return 0
    count = 1 if rng.random() < RANDOM_SHARE else min(CANDIDATES, len(left))
    # Others each time: those that were passed over would else wait at the head.
    places = rng.choice(len(left), count, replace=False)
    return int(places[np.argmax(looks[[left[place] for place in places]])])


def outcome(pool: Pool, order: Rows) -> dict[str, float]:
    """Return what a search has after so many draws, in percent, and how many draws it took to be among the pool's best.

    `judged` is the other seed's score of the configuration that looked best: no luck of its own makes that high.
    """
    bests = [order[int(np.argmax(pool.seen[order[:budget]]))] for budget in BUDGETS]
    found = {f"seen after {budget}": _percent(pool.seen[best]) for budget, best in zip(BUDGETS, bests, strict=True)}
    found |= {f"draws to the best {share:.0%}": _draws_to(order, pool.seen, share) for share in TOP_SHARES}
    if not np.isnan(pool.judged).any():
        found |= {f"judged after {n}": _percent(pool.judged[best]) for n, best in zip(BUDGETS, bests, strict=True)}
        found |= {
            f"draws to the best {share:.0%}, judged": _draws_to(order, pool.judged, share) for share in TOP_SHARES
        }
    return found


def _percent(share: float) -> float:
    return 100 * float(share)


def _draws_to(order: Rows, scores: Floats, share: float) -> float:
    """Of scores that equal the least of the best share all count; a search without one has one draw more than it made."""
    least = np.sort(scores)[-max(1, round(share * len(scores)))]
    (hits,) = np.nonzero(scores[order] >= least)
    return float(hits[0] + 1) if len(hits) else float(len(order) + 1)


def outcomes(pool: Pool, ranker: Ranker | None, searches: int) -> dict[str, Floats]:
    """Of one search a seed."""
    found = [outcome(pool, search(pool, ranker, seed, max(BUDGETS))) for seed in range(searches)]
    return {name: np.array([own[name] for own in found]) for name in found[0]}


@dataclass(frozen=True)
class Pairs:
    """One outcome of searches by both ways to draw, a pair a seed."""

    random: Floats
    guided: Floats

    @property
    def difference(self) -> float:
        """In the mean."""
        return float(np.mean(self.guided - self.random))

    @property
    def variance(self) -> float:
        """Of that mean, as more searches of the same pool would change it."""
        return float(np.var(self.guided - self.random, ddof=1)) / len(self.random)


def paired(pool: Pool, ranker: Ranker, searches: int) -> dict[str, Pairs]:
    """Both ways with the same seeds."""
    random, guided = outcomes(pool, None, searches), outcomes(pool, ranker, searches)
    return {name: Pairs(random[name], guided[name]) for name in random}


def differences(pool: Pool, ranker: Ranker, searches: int) -> list[Json]:
    """Return what guidance changes, in the mean of pairs of searches.

    `searches95` is of searches of this very pool. `pool95` says what another pool might have shown: how much random halves
    of it differ (the delete-half jackknife, Shao and Wu 1989), less what so few searches of each half differ by themselves.
    None after draws of more than half of a half, which leave little to differ.
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
    """Spearman's rank correlation of how configurations look with the scores that they turn out to have, by how many were seen.

    Of all that were not seen, and of the better half of these: a search wants the best, not to be spared the worst.
    """
    rows: list[Json] = []
    for count in (budget for budget in BUDGETS if budget <= len(pool.seen) - _LEAST_UNSEEN):
        found = np.array([_foresight(pool, ranker, seed, count) for seed in range(_ORDERS)])
        everyone, better = (round(float(own), 3) for own in found.mean(axis=0))
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
    """A guide that knows every score: with as many candidates none can do better on its pool."""
    return lambda encoded, seen, known: scores


def simulate(pool: Pool, way: str, searches: int) -> Json:
    """One way to guide against random draws."""
    if way == KNOWS:
        pairs = paired(pool, knows(pool.seen), searches)
        return {"way": way, "searches": searches, "rows": [_row(name, own, ()) for name, own in pairs.items()]}
    ranker = guide(way)
    rows = differences(pool, ranker, searches)
    return {"way": way, "searches": searches, "foresight": foresight(pool, ranker), "rows": rows}


def guide(way: str) -> Ranker:
    """The model of a way, and what it is told of."""
    if way in RANKERS:
        return RANKERS[way]
    names = [own.name for own in load_family(SPACE).hyperparameters]
    return only(parzen, [place for place, name in enumerate(names) if (name in STEPS) == (way == OF_STEPS)])


def described(pool: Pool) -> Json:
    """Return what the pool's scores are like."""
    both = ~np.isnan(pool.judged)
    agree = stats.spearmanr(pool.seen[both], pool.judged[both]).statistic if both.sum() > 2 else math.nan
    return {
        "configurations": len(pool.seen),
        "quantiles": {str(q): round(float(np.quantile(pool.seen, q)), 4) for q in (0, 0.25, 0.5, 0.75, 0.9, 0.95, 1)},
        "judged": int(both.sum()),
        "spearman_of_seeds": None if math.isnan(agree) else round(float(agree), 3),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulates, adds to what is kept, prints; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m research.guided_draws", description=__doc__)
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--way", choices=WAYS, action="append", help="to guide, again for several; else all")
    parser.add_argument("--searches", type=int, default=1000, help="simulated ones, of each way to draw")
    parser.add_argument("--out", type=Path, default=RESULT, help="what is kept there is added to")
    given = parser.parse_args(arguments)
    before, pool = conditions(("scipy", "scikit-learn")), pool_of(read_table(given.table))
    for way in given.way or WAYS:
        found = simulate(pool, way, given.searches)
        keep(given.out, before, pool, found)
        sys.stdout.write("".join(f"{line}\n" for line in _lines(found)))
    return 0


def _lines(found: Json) -> Iterator[str]:
    for row in found["rows"]:
        means = f"{row['random']:>8} {row['guided']:>8} {row['difference']:>8}"
        yield f"{found['way']:>18} {row['what']:<28} {means} {row['searches95']} {row['pool95']}"


def keep(path: Path, before: Json, pool: Pool, found: Json) -> None:
    """Add one way to what is kept, in place of an earlier result of the same."""
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"ways": []}
    others = [own for own in kept["ways"] if own["way"] != found["way"]]
    task = {"space": SPACE, "epochs": EPOCHS, "train_samples": SAMPLES, "brackets": BRACKETS, "candidates": CANDIDATES}
    document = {**before, **task, "pool": described(pool), "ways": [*others, found]}
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
