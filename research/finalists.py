"""`python -m research.finalists`: the value of more finalists, and of a fold for each seed, by simulation.

A search ends with some trials of full length. Their true accuracies are random, and each score has two errors: one of
the validation images, one of the seed. The search has its own images and seed; in the confirmation each seed differs,
and the images are those of the search or a fold for each seed. All deviations are normal.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import RESULTS
from tuner.core.records import Json

RESULT = RESULTS / "finalists.json"
SPREADS = (0.06, 0.08, 0.1)
"""Standard deviations of true accuracies in points, as among long trials (docs/accuracy.md)."""
TOPS = (1, 2, 3, 4, 8)
_SEARCHES = 40_000

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Standard deviations of a score's errors in points; combined .085, as of one seed on 6,000 images."""

    images: float = 0.06
    seed: float = 0.06


def gain(spread: float, tops: Sequence[int], *, folds: bool, trials: int = 8, seeds: int = 3, noise: Noise) -> Floats:
    """Return the winner's true advantage over the mean trial in points: (len(tops),), a mean over searches.

    Args:
        spread: standard deviation of the true accuracies.
        tops: numbers of finalists, each up to `trials`.
        folds: whether each seed of the confirmation has its own images.
        trials: the number of trials of full length.
        seeds: the number of seeds of the confirmation.
        noise: the errors of a score.
    """
    rng = np.random.default_rng(1)
    shape = (_SEARCHES, trials)
    true, images = rng.normal(0, spread, shape), rng.normal(0, noise.images, shape)
    order = np.argsort(-(true + images + rng.normal(0, noise.seed, shape)), axis=1)
    off = rng.normal(0, noise.seed / np.sqrt(seeds), shape)
    off += rng.normal(0, noise.images / np.sqrt(seeds), shape) if folds else images
    true, seen = (np.take_along_axis(values, order, axis=1) for values in (true, true + off))
    winners = [seen[:, :top].argmax(axis=1) for top in tops]
    return np.array([np.take_along_axis(true, winner[:, None], axis=1).mean() for winner in winners])


def measure() -> Json:
    """Return, for each spread and number of finalists, the gain with the search's images and with folds."""
    rows = [
        {
            "spread": spread,
            "same_images": [round(float(value), 3) for value in gain(spread, TOPS, folds=False, noise=Noise())],
            "folds": [round(float(value), 3) for value in gain(spread, TOPS, folds=True, noise=Noise())],
        }
        for spread in SPREADS
    ]
    return {"finalists": list(TOPS), "searches": _SEARCHES, "rows": rows}


def main() -> None:
    """Write benchmarks/results/finalists.json and print it."""
    argparse.ArgumentParser(
        prog="python -m research.finalists", description=(__doc__ or "").split("\n")[0]
    ).parse_args()
    result = measure()
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    lines = [f"points above the mean trial, by finalists: {result['finalists']}"]
    lines += [
        f"spread {row['spread']}: same images {row['same_images']}, folds {row['folds']}" for row in result["rows"]
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
