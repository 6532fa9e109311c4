"""Accuracy on test images that were made worse step by step."""

from __future__ import annotations

import math
from dataclasses import dataclass

from reports.run.run_data import RunData


@dataclass(frozen=True)
class Degradation:
    """One way of making images worse."""

    kind: str
    unit: str
    levels: tuple[float, ...]
    """Rising; the first is the untouched test set."""
    accuracy: tuple[float, ...]

    @property
    def loss(self) -> float:
        """Accuracy lost at the strongest level."""
        return self.accuracy[0] - self.accuracy[-1]


def degradations(run: RunData) -> tuple[Degradation, ...]:
    """All kinds that the run measured; levels without a finite accuracy are left out."""
    keys = ("kinds", "units", "levels", "accuracy")
    if any(f"robustness/{key}" not in run.arrays for key in keys):
        return ()
    kinds, units, levels, accuracy = (run.arrays[f"robustness/{key}"] for key in keys)
    found = []
    for kind, unit, steps, scores in zip(kinds, units, levels, accuracy, strict=True):
        pairs = [
            (float(x), float(y)) for x, y in zip(steps, scores, strict=True) if math.isfinite(x) and math.isfinite(y)
        ]
        if pairs:
            found.append(Degradation(str(kind), str(unit), tuple(x for x, _ in pairs), tuple(y for _, y in pairs)))
    return tuple(found)
