"""`python -m research.near_draws`: draws near known configurations beside random ones, by the tables of `drawn_trainings`.

Both were trained alike, for two epochs on 10,800 images. Nothing is trained here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import RESULTS
from research.draw_weights import best_and_shares, names_of_row
from research.drawn_trainings import NEAR_TABLE, SEEDS, TABLE, read_table
from tuner.core.records import Json

RESULT = RESULTS / "near-draws.json"
_RESAMPLES = 400

Floats = NDArray[np.float64]


def compare(random: Floats, near: Floats) -> Json:
    """Both, and 95% intervals of near less random by resampling configurations (Efron and Tibshirani 1993)."""
    rng = np.random.default_rng(5)
    differences = [
        best_and_shares(rng.choice(near, len(near)), rng) - best_and_shares(rng.choice(random, len(random)), rng)
        for _ in range(_RESAMPLES)
    ]
    low, high = np.percentile(differences, (2.5, 97.5), axis=0)
    found = {name: best_and_shares(own, rng) for name, own in (("random", random), ("near", near))}
    return {
        "configurations": {"random": len(random), "near": len(near)},
        "rows": [
            {"what": what, "random": float(a), "near": float(b), "difference_ci95": [float(least), float(most)]}
            for what, a, b, least, most in zip(names_of_row(), found["random"], found["near"], low, high, strict=True)
        ],
    }


def scores_of(path: Path) -> Floats:
    """Validation accuracies of the seed that a search sees."""
    return np.array([own.val_accuracy for own in read_table(path) if own.seed == SEEDS[0]])


def main(tables: Sequence[Path] = (TABLE, NEAR_TABLE), out: Path = RESULT) -> int:
    """Compute, keeps, prints; returns the exit code."""
    found = compare(*(scores_of(path) for path in tables))
    out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    for row in found["rows"]:
        sys.stdout.write(f"{row['what']:<20} {row['random']:.4f} {row['near']:.4f} {row['difference_ci95']}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
