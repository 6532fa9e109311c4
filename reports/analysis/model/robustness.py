"""The robustness of the exported model: accuracy on corrupted test images, level by level."""

from __future__ import annotations

import math
from dataclasses import dataclass

from reports.run.run_data import RunData


@dataclass(frozen=True)
class Degradation:
    """Accuracy under one corruption."""

    kind: str
    unit: str
    levels: tuple[float, ...]
    """The strengths, rising; the first is the original test set."""
    accuracy: tuple[float, ...]

    @property
    def loss(self) -> float:
        """The accuracy lost at the strongest level."""
        return self.accuracy[0] - self.accuracy[-1]


def degradations(run: RunData) -> tuple[Degradation, ...]:
    """Return all corruptions that the run measured, without the levels that have no finite accuracy."""
    keys = ("kinds", "units", "levels", "accuracy")
    if any(f"robustness/{key}" not in run.arrays for key in keys):
        return ()
    kinds, units, levels, accuracy = (run.arrays[f"robustness/{key}"] for key in keys)
    measured = []
    for kind, unit, steps, scores in zip(kinds, units, levels, accuracy, strict=True):
        pairs = [
            (float(x), float(y)) for x, y in zip(steps, scores, strict=True) if math.isfinite(x) and math.isfinite(y)
        ]
        if pairs:
            measured.append(Degradation(str(kind), str(unit), tuple(x for x, _ in pairs), tuple(y for _, y in pairs)))
    return tuple(measured)
