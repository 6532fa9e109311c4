"""The arms of experiments: a base with a change, its trainings, their file, and a table of the results."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np

from research.training_changes import CHANGES
from search_spaces.hyperparameters.hyperparameter import Value
from tuner.core.records import Json
from tuner.stats.intervals import student_half_width

SPLIT_SEED = 1
"""The seed of the split, which all arms share."""

Key: TypeAlias = tuple[str, str, int, int, float]
"""Base, change, images, epochs, validation fraction: the identity of an arm."""


@dataclass(frozen=True)
class Trained:
    """One training."""

    seed: int
    val_accuracy: float
    val_loss: float
    accuracy: float
    """Accuracy on the augmented training images in the last epoch."""
    minutes: float
    """Minutes of computing on one core."""


@dataclass(frozen=True)
class Arm:
    """A base with a change, and its trainings so far."""

    base: str
    change: str
    samples: int
    epochs: int
    validation: float
    """Fraction of the training set."""
    configuration: Mapping[str, Value]
    trainings: tuple[Trained, ...] = ()

    @property
    def key(self) -> Key:
        return self.base, self.change, *self.conditions

    @property
    def conditions(self) -> tuple[int, int, float]:
        return self.samples, self.epochs, self.validation

    @property
    def training_changes(self) -> tuple[str, ...]:
        return tuple(word for word in self.change.split(",") if word in CHANGES)

    @property
    def hyperparameters(self) -> tuple[str, ...]:
        return tuple(word for word in self.change.split(",") if word not in CHANGES) if self.change else ()

    @property
    def scores(self) -> dict[int, float]:
        """Seed → validation accuracy."""
        return {trained.seed: trained.val_accuracy for trained in self.trainings}


@dataclass
class Kept:
    """All arms, in a file that is updated after each training."""

    path: Path
    before: Json
    arms: dict[Key, Arm] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path, before: Json) -> Kept:
        documents = json.loads(path.read_text(encoding="utf-8"))["arms"] if path.exists() else []
        arms = [
            Arm(**{**document, "trainings": tuple(Trained(**one) for one in document["trainings"])})
            for document in documents
        ]
        return cls(path, before, {arm.key: arm for arm in arms})

    def add(self, arm: Arm, trained: Trained) -> None:
        known = self.arms.get(arm.key, arm)
        trainings = sorted((*known.trainings, trained), key=lambda training: training.seed)
        self.arms[arm.key] = Arm(**{**vars(known), "trainings": tuple(trainings)})
        document = {**self.before, "split_seed": SPLIT_SEED, "arms": [asdict(stored) for stored in self.arms.values()]}
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        partial.replace(self.path)


def differences(arm: Arm, base: Arm) -> list[float]:
    """Return arm minus base in points, for each common seed."""
    both = sorted(set(arm.scores) & set(base.scores))
    return [100.0 * (arm.scores[seed] - base.scores[seed]) for seed in both]


def pooled_sd(groups: Sequence[Sequence[float]]) -> tuple[float, int]:
    """Return the pooled standard deviation of the groups and its degrees of freedom."""
    freedom = sum(len(group) - 1 for group in groups if group)
    squares = sum((score - float(np.mean(group))) ** 2 for group in groups for score in group)
    return (math.sqrt(squares / freedom), freedom) if freedom else (math.nan, 0)


def table(kept: Kept) -> str:
    """Return the arms as a table in Markdown: base, change, seeds, mean, difference with interval, core hours.

    The interval uses the standard deviation pooled over all changes of a base, since each has few seeds.
    """
    lines = [
        "| base | change | images, epochs | seeds | mean, % | difference, points | core hours |",
        "|---|---|---|---|---|---|---|",
    ]
    for arm in kept.arms.values():
        base = kept.arms.get((arm.base, "", *arm.conditions))
        mean = 100.0 * sum(arm.scores.values()) / len(arm.scores)
        difference = (
            _format_difference(differences(arm, base), *_noise(kept, base)) if base is not None and arm.change else ""
        )
        hours = sum(training.minutes for training in arm.trainings) / 60
        words = "; ".join((*arm.hyperparameters, *(CHANGES[name].text for name in arm.training_changes))) or "none"
        size = f"{arm.samples or 60_000 - round(60_000 * arm.validation):,}, {arm.epochs}"
        lines.append(
            f"| `{arm.base}` | {words} | {size} | {len(arm.scores)} | {mean:.2f} | {difference} | {hours:.1f} |"
        )
    return "\n".join(lines) + "\n"


def _noise(kept: Kept, base: Arm) -> tuple[float, int]:
    """Return the pooled standard deviation of pairs with this base, and its degrees of freedom."""
    changed = [arm for arm in kept.arms.values() if arm.change and arm.key[0] == base.base]
    return pooled_sd([differences(arm, base) for arm in changed if arm.conditions == base.conditions])


def _format_difference(pairs: Sequence[float], sd: float, freedom: int) -> str:
    if not pairs:
        return ""
    mean = float(np.mean(pairs))
    if not freedom:
        return f"{mean:+.3f}"
    half = student_half_width(sd, len(pairs), freedom=freedom)
    return f"{mean:+.3f} [{mean - half:+.2f}, {mean + half:+.2f}]"
