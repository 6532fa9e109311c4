"""What the winner makes of images that are not of its data set: digits drawn from strokes, and the user's own.

An image that was refused (blank, several digits) has no answer: where its class is known it counts as an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from reports.analysis.model.classification import ReliabilityBin, Scored, reliability
from reports.analysis.model.errors import most_probable
from reports.run.run_data import Array
from tuner.stats.intervals import wilson_interval
from tuner.stats.metrics import calibration_error, log_loss

_DRAWN = ("seed", "labels", "probabilities", "warnings", "shown", "originals", "seen")
_OWN = ("names", "labels", "warnings", "readable", "probabilities", "shown", "originals", "sizes", "seen")


@dataclass(frozen=True)
class DrawnClass:
    """The drawn digits of one class."""

    index: int
    n: int
    right: int
    refused: int
    interval: tuple[float, float]
    """95%, of the share that is right (Wilson 1927)."""


@dataclass(frozen=True)
class DrawnStyle:
    """The drawn digits that are written in a way that has a name."""

    name: str
    n: int
    right: int
    refused: int
    as_others: tuple[tuple[int, int], ...]
    """The classes that were given instead, each with how often: most often first."""


@dataclass(frozen=True)
class Answer:
    """An image that the page shows, and what the model said of it."""

    place: int
    """Where its pictures are in `…/originals` and `…/seen`."""
    index: int
    name: str
    label: int | None
    prediction: int | None
    """None where the model was not asked: `warning` says why."""
    ranked: tuple[tuple[int, float], ...]
    """The most probable classes with their probabilities, and the true class where it is known."""
    warning: str

    @property
    def wrong(self) -> bool:
        """Whether another class was given than the true one, or none."""
        return self.label is not None and self.prediction != self.label


@dataclass(frozen=True)
class Drawn:
    """How many of the drawn digits are recognised. At least one was drawn."""

    n: int
    seed: int
    right: int
    refused: int
    accuracy: float
    interval: tuple[float, float]
    """95% (Wilson 1927)."""
    log_loss: float | None
    """Over the digits that were not refused, as are the next two."""
    calibration_error: float | None
    bins: tuple[ReliabilityBin, ...]
    classes: tuple[DrawnClass, ...]
    styles: tuple[DrawnStyle, ...]
    """Empty where a run of an older version kept none."""
    shown: tuple[Answer, ...]
    """Errors first, worst first; then of each class the right one that was least sure."""


@dataclass(frozen=True)
class Own:
    """What the model said of the user's images."""

    n: int
    unreadable: int
    refused: int
    """Could be read, but the model was not asked."""
    labelled: int
    """Of those that could be read, how many have a known class."""
    right: int
    """Of the labelled ones."""
    interval: tuple[float, float] | None
    """95%, of the share that is right (Wilson 1927); None where no class is known."""
    shown: tuple[Answer, ...]

    @property
    def answered(self) -> int:
        """How many have a class."""
        return self.n - self.unreadable - self.refused

    @property
    def accuracy(self) -> float | None:
        """The share of the labelled ones that is right."""
        return self.right / self.labelled if self.labelled else None


def was_measured(arrays: Mapping[str, Array]) -> bool:
    """Whether the run let its winner meet other images; runs of older versions did not."""
    return "custom/drawn/labels" in arrays


def drawn_digits(arrays: Mapping[str, Array]) -> Drawn | None:
    """The figures of the drawn digits; None where none were drawn."""
    found = _under("custom/drawn", _DRAWN, arrays)
    if found is None or not len(found["labels"]):
        return None
    labels, table = _labels(found), _table(found)
    answered, right = _answered(table), _right(table, labels)
    scored = Scored("drawn", labels[answered], table[answered])
    bins = reliability(scored)
    n, hits = len(labels), int(right.sum())
    return Drawn(
        n=n,
        seed=int(found["seed"]),
        right=hits,
        refused=int((~answered).sum()),
        accuracy=hits / n,
        interval=wilson_interval(hits, n),
        log_loss=log_loss(scored.probabilities, scored.labels) if answered.any() else None,
        calibration_error=calibration_error(scored.probabilities, scored.labels) if answered.any() else None,
        bins=bins,
        classes=tuple(_class(int(c), labels, answered, right) for c in np.unique(labels)),
        styles=_styles(arrays.get("custom/drawn/styles"), labels, table),
        shown=_shown(found, [f"drawn {index}" for index in range(n)]),
    )


def own_images(arrays: Mapping[str, Array]) -> Own | None:
    """The figures of the user's images; None where none were given."""
    found = _under("custom/own", _OWN, arrays)
    if found is None or not len(found["labels"]):
        return None
    labels, table = _labels(found), _table(found)
    readable, answered = np.asarray(found["readable"], dtype=np.bool_), _answered(table)
    known = readable & (labels >= 0)
    right, labelled = int((_right(table, labels) & known).sum()), int(known.sum())
    return Own(
        n=len(labels),
        unreadable=int((~readable).sum()),
        refused=int((readable & ~answered).sum()),
        labelled=labelled,
        right=right,
        interval=wilson_interval(right, labelled) if labelled else None,
        shown=_shown(found, [str(name) for name in found["names"]]),
    )


def _under(prefix: str, names: tuple[str, ...], arrays: Mapping[str, Array]) -> dict[str, Array] | None:
    """The arrays under a prefix; None unless all of them are there."""
    if any(f"{prefix}/{name}" not in arrays for name in names):
        return None
    return {name: arrays[f"{prefix}/{name}"] for name in names}


def _labels(found: Mapping[str, Array]) -> npt.NDArray[np.int64]:
    return np.asarray(found["labels"], dtype=np.int64)


def _table(found: Mapping[str, Array]) -> npt.NDArray[np.float64]:
    return np.asarray(found["probabilities"], dtype=np.float64)


def _answered(table: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    return np.asarray(np.isfinite(table).all(axis=1))


def _right(table: npt.NDArray[np.float64], labels: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    return np.asarray(_answered(table) & (np.nan_to_num(table).argmax(axis=1) == labels))


def _class(
    index: int, labels: npt.NDArray[np.int64], answered: npt.NDArray[np.bool_], right: npt.NDArray[np.bool_]
) -> DrawnClass:
    members = labels == index
    n, hits = int(members.sum()), int((members & right).sum())
    return DrawnClass(index, n, hits, int((members & ~answered).sum()), wilson_interval(hits, n))


def _styles(
    names: Array | None, labels: npt.NDArray[np.int64], table: npt.NDArray[np.float64]
) -> tuple[DrawnStyle, ...]:
    if names is None or len(names) != len(labels):
        return ()
    return tuple(_style(str(name), names == name, labels, table) for name in np.unique(names) if name)


def _style(
    name: str, members: npt.NDArray[np.bool_], labels: npt.NDArray[np.int64], table: npt.NDArray[np.float64]
) -> DrawnStyle:
    right = _right(table, labels)
    wrong = table[members & ~right & _answered(table)].argmax(axis=1)
    counts = np.bincount(wrong, minlength=1)
    order = np.argsort(-counts, kind="stable")
    return DrawnStyle(
        name=name,
        n=int(members.sum()),
        right=int((members & right).sum()),
        refused=int((members & ~_answered(table)).sum()),
        as_others=tuple((int(c), int(counts[c])) for c in order if counts[c]),
    )


def _shown(found: Mapping[str, Array], names: list[str]) -> tuple[Answer, ...]:
    return tuple(_answer(found, place, int(index), names[int(index)]) for place, index in enumerate(found["shown"]))


def _answer(found: Mapping[str, Array], place: int, index: int, name: str) -> Answer:
    probabilities = np.asarray(found["probabilities"][index], dtype=np.float64)
    asked = bool(np.isfinite(probabilities).all())
    given = int(found["labels"][index])
    label = given if given >= 0 else None
    return Answer(
        place=place,
        index=index,
        name=name,
        label=label,
        prediction=int(probabilities.argmax()) if asked else None,
        ranked=most_probable(probabilities, label) if asked else (),
        warning=str(found["warnings"][index]),
    )
