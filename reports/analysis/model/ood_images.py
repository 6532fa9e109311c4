"""The winner's accuracy on images from outside its data set: digits drawn from strokes, and the user's own.

A rejected image (blank, several digits) has no prediction: where its class is known it counts as an error.
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

_DRAWN_KEYS = ("seed", "labels", "probabilities", "warnings", "shown", "originals", "seen")
_USER_KEYS = ("names", "labels", "warnings", "readable", "probabilities", "shown", "originals", "sizes", "seen")


@dataclass(frozen=True)
class DrawnClass:
    """The scores of the drawn digits of one class."""

    index: int
    n: int
    right: int
    refused: int
    interval: tuple[float, float]
    """95% interval of the accuracy (Wilson 1927)."""


@dataclass(frozen=True)
class DrawnStyle:
    """The scores of the drawn digits of one named writing style."""

    name: str
    n: int
    right: int
    refused: int
    as_others: tuple[tuple[int, int], ...]
    """The wrong classes that were predicted, each with its count, the most frequent first."""


@dataclass(frozen=True)
class Answer:
    """An image that the page shows, and the model's prediction of it."""

    place: int
    """The index of its pictures in `…/originals` and `…/seen`."""
    index: int
    name: str
    label: int | None
    prediction: int | None
    """None where the image was rejected: `warning` says why."""
    ranked: tuple[tuple[int, float], ...]
    """The most probable classes with their probabilities, and the true class where it is known."""
    warning: str

    @property
    def wrong(self) -> bool:
        """True if the image was rejected, or predicted as another class than the true one."""
        return self.label is not None and self.prediction != self.label


@dataclass(frozen=True)
class DrawnDigits:
    """The scores of the drawn digits, of which there is at least one."""

    n: int
    seed: int
    right: int
    refused: int
    accuracy: float
    interval: tuple[float, float]
    """95% interval (Wilson 1927)."""
    log_loss: float | None
    """Log loss over the digits that were not rejected, as are the next two fields."""
    calibration_error: float | None
    bins: tuple[ReliabilityBin, ...]
    classes: tuple[DrawnClass, ...]
    styles: tuple[DrawnStyle, ...]
    """Empty for a run of an older version, which stored none."""
    shown: tuple[Answer, ...]
    """The errors, worst first, then the least confident correct image of each class."""


@dataclass(frozen=True)
class UserImages:
    """The scores of the user's images."""

    n: int
    unreadable: int
    refused: int
    """Readable images that were rejected before the model saw them."""
    labelled: int
    """The number of readable images whose class is known."""
    right: int
    """The number of labelled images that were predicted correctly."""
    interval: tuple[float, float] | None
    """95% interval of the accuracy (Wilson 1927); None where no class is known."""
    shown: tuple[Answer, ...]

    @property
    def answered(self) -> int:
        """The number of images with a prediction."""
        return self.n - self.unreadable - self.refused

    @property
    def accuracy(self) -> float | None:
        """The fraction of the labelled images that was predicted correctly; None without labels."""
        return self.right / self.labelled if self.labelled else None


def was_measured(arrays: Mapping[str, Array]) -> bool:
    """Return True if the run evaluated its winner on other images; runs of older versions did not."""
    return "custom/drawn/labels" in arrays


def drawn_digits(arrays: Mapping[str, Array]) -> DrawnDigits | None:
    """Return the scores of the drawn digits; None where none were drawn."""
    group = _under("custom/drawn", _DRAWN_KEYS, arrays)
    if group is None or not len(group["labels"]):
        return None
    labels, table = _labels(group), _table(group)
    answered, right = _answered(table), _right(table, labels)
    scored = Scored("drawn", labels[answered], table[answered])
    bins = reliability(scored)
    n, hits = len(labels), int(right.sum())
    return DrawnDigits(
        n=n,
        seed=int(group["seed"]),
        right=hits,
        refused=int((~answered).sum()),
        accuracy=hits / n,
        interval=wilson_interval(hits, n),
        log_loss=log_loss(scored.probabilities, scored.labels) if answered.any() else None,
        calibration_error=calibration_error(scored.probabilities, scored.labels) if answered.any() else None,
        bins=bins,
        classes=tuple(_class(int(c), labels, answered, right) for c in np.unique(labels)),
        styles=_styles(arrays.get("custom/drawn/styles"), labels, table),
        shown=_shown(group, [f"drawn {index}" for index in range(n)]),
    )


def user_images(arrays: Mapping[str, Array]) -> UserImages | None:
    """Return the scores of the user's images; None where none were given."""
    group = _under("custom/own", _USER_KEYS, arrays)
    if group is None or not len(group["labels"]):
        return None
    labels, table = _labels(group), _table(group)
    readable, answered = np.asarray(group["readable"], dtype=np.bool_), _answered(table)
    has_class = readable & (labels >= 0)
    right, labelled = int((_right(table, labels) & has_class).sum()), int(has_class.sum())
    return UserImages(
        n=len(labels),
        unreadable=int((~readable).sum()),
        refused=int((readable & ~answered).sum()),
        labelled=labelled,
        right=right,
        interval=wilson_interval(right, labelled) if labelled else None,
        shown=_shown(group, [str(name) for name in group["names"]]),
    )


def _under(prefix: str, names: tuple[str, ...], arrays: Mapping[str, Array]) -> dict[str, Array] | None:
    """Return the arrays under a prefix; None unless all of them are there."""
    if any(f"{prefix}/{name}" not in arrays for name in names):
        return None
    return {name: arrays[f"{prefix}/{name}"] for name in names}


def _labels(group: Mapping[str, Array]) -> npt.NDArray[np.int64]:
    return np.asarray(group["labels"], dtype=np.int64)


def _table(group: Mapping[str, Array]) -> npt.NDArray[np.float64]:
    return np.asarray(group["probabilities"], dtype=np.float64)


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


def _shown(group: Mapping[str, Array], names: list[str]) -> tuple[Answer, ...]:
    return tuple(_answer(group, place, int(index), names[int(index)]) for place, index in enumerate(group["shown"]))


def _answer(group: Mapping[str, Array], place: int, index: int, name: str) -> Answer:
    probabilities = np.asarray(group["probabilities"][index], dtype=np.float64)
    accepted = bool(np.isfinite(probabilities).all())
    stored_label = int(group["labels"][index])
    label = stored_label if stored_label >= 0 else None
    return Answer(
        place=place,
        index=index,
        name=name,
        label=label,
        prediction=int(probabilities.argmax()) if accepted else None,
        ranked=most_probable(probabilities, label) if accepted else (),
        warning=str(group["warnings"][index]),
    )
