"""`python -m research.draw_weights`: what other weights of the draws would have found among configurations that are measured already.

The table of `drawn_trainings` was drawn with the space's own weights. Each of its configurations counts as often as the weights `TRIED` would draw it
in relation to these (importance weighting). Nothing is trained, and what a training costs isn't looked at. `TRIED` was chosen after this
table was seen, so that it flatters it; whole searches are `time_to_quality`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import RESULTS
from research.drawn_trainings import SPACE, TABLE, Measured, read_table
from search_spaces.families.registry import load_family
from search_spaces.hyperparameters.hyperparameter import Value
from tuner.core.records import Configuration, Json

RESULT = RESULTS / "draw-weights.json"
TRIED: Mapping[str, Mapping[Value, float]] = {
    "activation": {"relu": 0.45, "tanh": 0.1, "softsign": 0.1, "gelu": 0.35},
    "optimizer": {"sgd": 0.1, "momentum": 0.55, "adam": 0.2, "adamw": 0.15},
    "batch_size": {32: 0.25, 64: 0.4, 128: 0.25, 256: 0.07, 512: 0.03},
}
ABOVE, DRAWS = (0.9, 0.95, 0.965, 0.97), (12, 22, 36)
_RESAMPLES, _SEARCHES = 400, 400

Floats = NDArray[np.float64]


def shipped() -> dict[str, dict[Value, float]]:
    """The space's weights, of the hyperparameters of `TRIED`."""
    known = {own.name: own for own in load_family(SPACE).hyperparameters}
    return {name: dict(zip(known[name].values or (), known[name].weights or (), strict=True)) for name in TRIED}


def ratios(
    configurations: Sequence[Configuration],
    shipped: Mapping[str, Mapping[Value, float]],
    tried: Mapping[str, Mapping[Value, float]],
) -> Floats:
    """Return how much more often each configuration (n,) would be drawn with the weights tried."""
    found = [
        np.prod([tried[name][values[name]] / shipped[name][values[name]] for name in tried if name in values])
        for values in configurations
    ]
    return np.array(found, dtype=np.float64)


def row(scores: Floats, weights: Floats, rng: np.random.Generator) -> Json:
    """Return what draws with these weights give: shares above some accuracies, and the best of some draws in the mean."""
    shares = weights / weights.sum()
    best = {count: scores[rng.choice(len(scores), (_SEARCHES, count), p=shares)].max(axis=1).mean() for count in DRAWS}
    return {
        "share_above": {str(level): float(shares @ (scores > level)) for level in ABOVE},
        "best_of": {str(count): float(own) for count, own in best.items()},
        "effective_n": float(weights.sum() ** 2 / np.square(weights).sum()),
    }


def compare(table: Sequence[Measured]) -> Json:
    """Both weights, and 95% intervals of their differences by resampling configurations (Efron and Tibshirani 1993)."""
    scores = np.array([own.val_accuracy for own in table])
    weights = ratios([own.configuration for own in table], shipped(), TRIED)
    even, rng = np.ones(len(table)), np.random.default_rng(5)
    differences = []
    for _ in range(_RESAMPLES):
        chosen = rng.integers(0, len(table), len(table))
        pair = [row(scores[chosen], own[chosen], rng) for own in (even, weights)]
        differences.append([*(_flat(pair[1]) - _flat(pair[0]))])
    low, high = np.percentile(differences, (2.5, 97.5), axis=0)
    return {
        "configurations": len(table),
        "shipped": row(scores, even, rng),
        "tried": row(scores, weights, rng),
        "difference_ci95": {name: [float(a), float(b)] for name, a, b in zip(names_of_row(), low, high, strict=True)},
    }


def names_of_row() -> tuple[str, ...]:
    """Return what a row's numbers are, in their order."""
    return *(f"share_above {level}" for level in ABOVE), *(f"best_of {count}" for count in DRAWS)


def best_and_shares(scores: Floats, rng: np.random.Generator) -> Floats:
    """A row's numbers where all configurations weigh alike."""
    return _flat(row(scores, np.ones(len(scores)), rng))


def _flat(found: Json) -> Floats:
    return np.array([*found["share_above"].values(), *found["best_of"].values()])


def main(arguments: Sequence[str] | None = None) -> int:
    """Compute, keeps, prints; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m research.draw_weights", description=__doc__)
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--out", type=Path, default=RESULT)
    given = parser.parse_args(arguments)
    found = compare(read_table(given.table))
    given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    for way in ("shipped", "tried"):
        sys.stdout.write(f"{way}: {found[way]}\n")
    sys.stdout.write(f"differences, 95%: {found['difference_ci95']}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
