"""The images that the winner got wrong, worst first, and some that it got right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from reports.analysis.classification import Scored
from reports.run_data import RunData


@dataclass(frozen=True)
class Verdict:
    """One image of the test set and what the exported model said of it."""

    index: int
    place: int | None
    """Where its picture is in `images/test`; None where the run kept none."""
    label: int
    prediction: int
    probability: float
    """Of the prediction."""
    label_probability: float
    seeds_wrong: int
    seeds: int


def mistakes(run: RunData, scored: Scored) -> tuple[Verdict, ...]:
    """All misclassified test images, those with the least probable true class first."""
    wrong = np.flatnonzero(scored.predictions != scored.labels)
    order = np.argsort(_own(scored)[wrong], kind="stable")
    return tuple(_verdict(run, scored, int(index)) for index in wrong[order])


def least_sure(run: RunData, scored: Scored, limit: int = 24) -> tuple[Verdict, ...]:
    """Of the right ones that have a picture those with the least probable prediction."""
    pictured = np.asarray(run.arrays.get("images/test_indices", np.empty(0)), dtype=np.int64)
    right = [int(i) for i in pictured if scored.predictions[i] == scored.labels[i]]
    own = _own(scored)
    return tuple(_verdict(run, scored, index) for index in sorted(right, key=lambda i: (own[i], i))[:limit])


def _own(scored: Scored) -> npt.NDArray[np.float64]:
    return np.asarray(scored.probabilities[np.arange(len(scored.labels)), scored.labels])


def _verdict(run: RunData, scored: Scored, index: int) -> Verdict:
    pictured = np.asarray(run.arrays.get("images/test_indices", np.empty(0)), dtype=np.int64)
    place = np.flatnonzero(pictured == index)
    seeds = np.asarray(run.arrays.get("test/predictions_per_seed", np.empty((0, len(scored.labels)))))
    label, prediction = int(scored.labels[index]), int(scored.predictions[index])
    return Verdict(
        index=index,
        place=int(place[0]) if place.size else None,
        label=label,
        prediction=prediction,
        probability=float(scored.probabilities[index, prediction]),
        label_probability=float(scored.probabilities[index, label]),
        seeds_wrong=int((seeds[:, index] != label).sum()),
        seeds=len(seeds),
    )
