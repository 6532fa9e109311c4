"""`python -m research.near_draws`: samples near known configurations against random ones, by `drawn_trainings`.

Both tables are of two epochs on 10,800 images.
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
    """Return the rows of both, and 95% intervals of near minus random by resampling (Efron and Tibshirani 1993)."""
    rng = np.random.default_rng(5)
    differences = [
        best_and_shares(rng.choice(near, len(near)), rng) - best_and_shares(rng.choice(random, len(random)), rng)
        for _ in range(_RESAMPLES)
    ]
    low, high = np.percentile(differences, (2.5, 97.5), axis=0)
    figures = {name: best_and_shares(accuracies, rng) for name, accuracies in (("random", random), ("near", near))}
    return {
        "configurations": {"random": len(random), "near": len(near)},
        "rows": [
            {"what": what, "random": float(a), "near": float(b), "difference_ci95": [float(least), float(most)]}
            for what, a, b, least, most in zip(
                names_of_row(), figures["random"], figures["near"], low, high, strict=True
            )
        ],
    }


def scores_of(path: Path) -> Floats:
    """Return the validation accuracies of the seed that a search sees."""
    return np.array([measured.val_accuracy for measured in read_table(path) if measured.seed == SEEDS[0]])


def main(tables: Sequence[Path] = (TABLE, NEAR_TABLE), out: Path = RESULT) -> int:
    """Compute, write and print the result; return the exit code."""
    comparison = compare(*(scores_of(path) for path in tables))
    out.write_text(json.dumps(comparison, indent=1) + "\n", encoding="utf-8")
    for row in comparison["rows"]:
        sys.stdout.write(f"{row['what']:<20} {row['random']:.4f} {row['near']:.4f} {row['difference_ci95']}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
