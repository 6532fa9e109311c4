"""The winner's misclassified test images, worst first, and samples of the correct ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from reports.analysis.model.classification import Scored
from reports.run.run_data import RunData


@dataclass(frozen=True)
class Verdict:
    """One test image and the exported model's prediction of it."""

    index: int
    place: int | None
    """The index of its picture in `images/test`; None where the run stored none."""
    label: int
    prediction: int
    probability: float
    """The probability of the prediction."""
    label_probability: float
    seeds_wrong: int
    seeds: int
    same_error: int
    """The number of seeds with the same prediction."""
    ranked: tuple[tuple[int, float], ...] = ()
    """The most probable classes with their probabilities, the true class among them."""


@dataclass(frozen=True)
class ClassSample:
    """Correctly classified images of one class that have a picture."""

    label: int
    surest: tuple[Verdict, ...]
    """The most confident, the surest first."""
    least_sure: tuple[Verdict, ...]
    """The least confident, the least sure first."""


SHOWN_CLASSES = 3
MOST_OF_A_CLASS = 6
"""The most images in each half of a class's sample."""


def mistakes(run: RunData, scored: Scored) -> tuple[Verdict, ...]:
    """Return all misclassified test images, those with the least probable true class first."""
    wrong = np.flatnonzero(scored.predictions != scored.labels)
    order = np.argsort(_true_class_probabilities(scored)[wrong], kind="stable")
    return tuple(_verdict(run, scored, int(index)) for index in wrong[order])


def right_samples(run: RunData, scored: Scored) -> tuple[ClassSample, ...]:
    """Return each class's correct images that have a picture: the more and the less confident half."""
    by_class: dict[int, list[Verdict]] = {}
    for index in sorted(_places(run)):
        if scored.predictions[index] == scored.labels[index]:
            verdict = _verdict(run, scored, index)
            by_class.setdefault(verdict.label, []).append(verdict)
    return tuple(_halves(label, members) for label, members in sorted(by_class.items()))


def _halves(label: int, members: list[Verdict]) -> ClassSample:
    ordered = sorted(members, key=lambda verdict: (-verdict.probability, verdict.index))
    half = (len(ordered) + 1) // 2
    surest, least_sure = ordered[:half], ordered[half:][::-1]
    return ClassSample(label, tuple(surest[:MOST_OF_A_CLASS]), tuple(least_sure[:MOST_OF_A_CLASS]))


def _places(run: RunData) -> dict[int, int]:
    """Map each test image that has a picture to the picture's index."""
    pictured = run.arrays.get("images/test_indices", np.empty(0))
    return {int(index): place for place, index in enumerate(pictured)}


def _true_class_probabilities(scored: Scored) -> npt.NDArray[np.float64]:
    return np.asarray(scored.probabilities[np.arange(len(scored.labels)), scored.labels])


def _verdict(run: RunData, scored: Scored, index: int) -> Verdict:
    seeds = np.asarray(run.arrays.get("test/predictions_per_seed", np.empty((0, len(scored.labels)))))
    label, prediction = int(scored.labels[index]), int(scored.predictions[index])
    return Verdict(
        index=index,
        place=_places(run).get(index),
        label=label,
        prediction=prediction,
        probability=float(scored.probabilities[index, prediction]),
        label_probability=float(scored.probabilities[index, label]),
        seeds_wrong=int((seeds[:, index] != label).sum()),
        seeds=len(seeds),
        same_error=int((seeds[:, index] == prediction).sum()),
        ranked=most_probable(scored.probabilities[index], label),
    )


def most_probable(probabilities: npt.NDArray[np.float64], label: int | None) -> tuple[tuple[int, float], ...]:
    """Return the most probable classes of an image, (classes,), and the true one if known, with their probabilities."""
    order = [int(k) for k in np.argsort(-probabilities, kind="stable")[:SHOWN_CLASSES]]
    if label is not None and label not in order:
        order[-1] = label
    return tuple((k, float(probabilities[k])) for k in order)
