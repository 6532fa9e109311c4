"""`python -m research.bracket_sizes`: what Keras Tuner's larger brackets buy over the paper's (Li et al. 2018, algorithm 1).

Searches are simulated. A configuration has a true quality, normal with mean 0 and standard deviation 1; a trial's score is its
quality with noise, such that both correlate as `CORRELATION` says. The two finalists with the best long trials are scored with three
seeds more, and the better one wins. Prints the winner's mean quality; nothing is trained.
"""

from __future__ import annotations

import math
import sys

import numpy as np
from numpy.typing import NDArray

from search_spaces.families.registry import load_family
from tuner.options.search_options import SearchOptions
from tuner.oracle.registry import make_oracle

EPOCHS, FACTOR = 15, 3
CORRELATION = {2: 0.834, 5: 0.806, 15: 0.985}
"""Epochs of a trial → correlation of its score with the true quality. Short trials: the rank correlation with the score after 15
epochs in benchmarks/results/fidelity.json, 12 configurations. Long ones: an estimate, since those 12 differ by sd .085 and 750
validation images and a seed add about .015."""
SEARCHES, FINALISTS, SEEDS = 20_000, 2, 3

Plan = list[list[tuple[int, int]]]
"""Brackets of rungs of (trials, epochs)."""
Scores = NDArray[np.float64]


def paper_size(depth: int, rung: int, depths: int) -> int:
    """Return the size of a rung in the paper: a bracket's first rung is rounded up, the others down."""
    first = math.ceil((depths + 1) * int(FACTOR**depth) / (depth + 1))
    return max(1, first // int(FACTOR**rung))


def keras_tuner_plan() -> Plan:
    """Return the brackets of a default search: Keras Tuner's sizes, rounded up rung by rung."""
    rungs = make_oracle(load_family("compact8k"), SearchOptions(space="compact8k")).rungs
    brackets = sorted({rung.bracket for rung in rungs})
    return [[(rung.size, int(rung.epochs)) for rung in rungs if rung.bracket == bracket] for bracket in brackets]


def paper_plan() -> Plan:
    """Return the paper's brackets for as many epochs, the one with the shortest trials first."""
    depths = int(math.log(EPOCHS) / math.log(FACTOR))
    return [
        [(paper_size(depth, rung, depths), math.ceil(EPOCHS * FACTOR ** (rung - depth))) for rung in range(depth + 1)]
        for depth in range(depths, -1, -1)
    ]


def winners(plan: Plan, rng: np.random.Generator, searches: int = SEARCHES) -> Scores:
    """Return the true quality (searches,) of each search's winner."""
    return simulated(plan, rng, searches, stop_when_flat=False)[0]


def simulated(
    plan: Plan, rng: np.random.Generator, searches: int = SEARCHES, *, stop_when_flat: bool
) -> tuple[Scores, float]:
    """Return the true quality (searches,) of each search's winner, and the mean number of epochs of a search.

    Args:
        plan: brackets.
        rng: the only source of chance.
        searches: the number of simulated searches.
        stop_when_flat: True ends a search after a bracket that beats none before it, as `--stop-when-flat` does.
    """
    qualities, scores, epochs_run = [], [], 0.0
    best, runs = np.full(searches, -np.inf), np.ones(searches, dtype=bool)
    for bracket in plan:
        quality = rng.normal(size=(searches, bracket[0][0]))
        for size, epochs in bracket:
            quality = quality[:, :size]
            score = _scored(quality, epochs, rng)
            order = np.argsort(-score, axis=1)
            quality, score = (np.take_along_axis(array, order, axis=1) for array in (quality, score))
        epochs_run += runs.mean() * sum(size * epochs for size, epochs in bracket)
        qualities.append(quality)
        scores.append(np.where(runs[:, None], score, -np.inf))
        runs &= (score[:, 0] > best) | (not stop_when_flat)
        best = np.maximum(best, score[:, 0])
    top = np.argsort(-np.hstack(scores), axis=1)[:, :FINALISTS]
    finalists = np.take_along_axis(np.hstack(qualities), top, axis=1)
    confirmed = sum(_scored(finalists, EPOCHS, rng) for _ in range(SEEDS))
    winner = np.take_along_axis(finalists, np.argmax(confirmed, axis=1)[:, None], axis=1)[:, 0]
    return winner, float(epochs_run)


def _scored(quality: Scores, epochs: int, rng: np.random.Generator) -> Scores:
    correlation = CORRELATION[epochs]
    noise: Scores = rng.normal(size=quality.shape)
    return correlation * quality + math.sqrt(1 - correlation**2) * noise


def main() -> int:
    """Print a line for each plan; return the exit code."""
    plans = {
        "Keras Tuner's": (keras_tuner_plan(), False),
        "Keras Tuner's, stopped when flat": (keras_tuner_plan(), True),
        "the paper's": (paper_plan(), False),
        "the paper's, two iterations": (2 * paper_plan(), False),
    }
    for name, (plan, flat) in plans.items():
        quality, epochs = simulated(plan, np.random.default_rng(1), stop_when_flat=flat)
        sys.stdout.write(f"{name}: {epochs:.0f} epochs, winner at {quality.mean():.2f} sd\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
