"""`python -m research.draw_weights`: the effect of other sampling weights, estimated on measured configurations.

The table of `drawn_trainings` was sampled with the space's weights. Importance weighting estimates the result of the
weights `TRIED`. The costs of trainings are ignored. `TRIED` was chosen on this table, so its result is optimistic;
`time_to_quality` measures whole searches.
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
    """Return the space's weights of the hyperparameters in `TRIED`."""
    known = {hyperparameter.name: hyperparameter for hyperparameter in load_family(SPACE).hyperparameters}
    return {name: dict(zip(known[name].values or (), known[name].weights or (), strict=True)) for name in TRIED}


def ratios(
    configurations: Sequence[Configuration],
    shipped: Mapping[str, Mapping[Value, float]],
    tried: Mapping[str, Mapping[Value, float]],
) -> Floats:
    """Return each configuration's (n,) probability by the tried weights over that by the shipped ones."""
    products = [
        np.prod([tried[name][values[name]] / shipped[name][values[name]] for name in tried if name in values])
        for values in configurations
    ]
    return np.array(products, dtype=np.float64)


def row(scores: Floats, weights: Floats, rng: np.random.Generator) -> Json:
    """Return the result of these weights: fractions above accuracies, and the mean best of some samples."""
    shares = weights / weights.sum()
    best = {count: scores[rng.choice(len(scores), (_SEARCHES, count), p=shares)].max(axis=1).mean() for count in DRAWS}
    return {
        "share_above": {str(level): float(shares @ (scores > level)) for level in ABOVE},
        "best_of": {str(count): float(mean) for count, mean in best.items()},
        "effective_n": float(weights.sum() ** 2 / np.square(weights).sum()),
    }


def compare(table: Sequence[Measured]) -> Json:
    """Return both rows, and 95% intervals of the differences by resampling (Efron and Tibshirani 1993)."""
    scores = np.array([measured.val_accuracy for measured in table])
    weights = ratios([measured.configuration for measured in table], shipped(), TRIED)
    even, rng = np.ones(len(table)), np.random.default_rng(5)
    differences = []
    for _ in range(_RESAMPLES):
        chosen = rng.integers(0, len(table), len(table))
        pair = [row(scores[chosen], applied[chosen], rng) for applied in (even, weights)]
        differences.append([*(_flat(pair[1]) - _flat(pair[0]))])
    low, high = np.percentile(differences, (2.5, 97.5), axis=0)
    return {
        "configurations": len(table),
        "shipped": row(scores, even, rng),
        "tried": row(scores, weights, rng),
        "difference_ci95": {name: [float(a), float(b)] for name, a, b in zip(names_of_row(), low, high, strict=True)},
    }


def names_of_row() -> tuple[str, ...]:
    """Return the names of a row's numbers, in order."""
    return *(f"share_above {level}" for level in ABOVE), *(f"best_of {count}" for count in DRAWS)


def best_and_shares(scores: Floats, rng: np.random.Generator) -> Floats:
    """Return a row's numbers with equal weights."""
    return _flat(row(scores, np.ones(len(scores)), rng))


def _flat(result: Json) -> Floats:
    return np.array([*result["share_above"].values(), *result["best_of"].values()])


def main(arguments: Sequence[str] | None = None) -> int:
    """Compute, write and print the result; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m research.draw_weights", description=__doc__)
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--out", type=Path, default=RESULT)
    given = parser.parse_args(arguments)
    comparison = compare(read_table(given.table))
    given.out.write_text(json.dumps(comparison, indent=1) + "\n", encoding="utf-8")
    for way in ("shipped", "tried"):
        sys.stdout.write(f"{way}: {comparison[way]}\n")
    sys.stdout.write(f"differences, 95%: {comparison['difference_ci95']}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
