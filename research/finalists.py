"""`python -m research.finalists`: what more finalists, and folds of their own, are worth to the winner. Drawn, not trained.

A search ends with some trials of full length. How good their configurations truly are is drawn, and so is what is seen of them: a score lies
off by what the images that validate happen to favour, and by its seed. The search's score has its own images and seed; in the confirmation
each seed has another draw, and the images are those of the search, or others for each seed (folds). All deviations are normal.
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
"""Standard deviations of what configurations truly are, in points of accuracy: those of long trials lie about so far apart (docs/accuracy.md)."""
TOPS = (1, 2, 3, 4, 8)
_SEARCHES = 40_000

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Standard deviations in points of accuracy: together that of one seed on 6,000 images, .085."""

    images: float = 0.06
    seed: float = 0.06


def gain(spread: float, tops: Sequence[int], *, folds: bool, trials: int = 8, seeds: int = 3, noise: Noise) -> Floats:
    """Return how much better than the mean trial the winner truly is, in points: (len(tops),), a mean over searches.

    Args:
        spread: standard deviation of what the trials' configurations truly are.
        tops: numbers of finalists, each up to `trials`.
        folds: whether each seed of the confirmation has images of its own.
        trials: of full length.
        seeds: of the confirmation.
        noise: of a score.
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
    """For each spread and number of finalists the gain with the search's images and with folds."""
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
    """Write benchmarks/results/finalists.json and prints it."""
    argparse.ArgumentParser(
        prog="python -m research.finalists", description=(__doc__ or "").split("\n")[0]
    ).parse_args()
    found = measure()
    RESULT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    lines = [f"points above the mean trial, by finalists: {found['finalists']}"]
    lines += [
        f"spread {row['spread']}: same images {row['same_images']}, folds {row['folds']}" for row in found["rows"]
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
