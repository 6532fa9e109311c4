"""What experiments have trained: a base with a change, its trainings, the file that keeps them, and what they show."""

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
"""Of the images that validate in every arm."""

Key: TypeAlias = tuple[str, str, int, int, float]
"""Base, change, images, epochs, validation: which arm it is."""


@dataclass(frozen=True)
class Trained:
    """One training."""

    seed: int
    val_accuracy: float
    val_loss: float
    accuracy: float
    """Of the training images as they were augmented, over the last epoch."""
    minutes: float
    """Of one core."""


@dataclass(frozen=True)
class Arm:
    """A base with a change, and its trainings so far."""

    base: str
    change: str
    samples: int
    epochs: int
    validation: float
    """Share of the training set."""
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
        return {own.seed: own.val_accuracy for own in self.trainings}


@dataclass
class Kept:
    """All arms, in a file that is written after each training."""

    path: Path
    before: Json
    arms: dict[Key, Arm] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path, before: Json) -> Kept:
        documents = json.loads(path.read_text(encoding="utf-8"))["arms"] if path.exists() else []
        arms = [Arm(**{**own, "trainings": tuple(Trained(**one) for one in own["trainings"])}) for own in documents]
        return cls(path, before, {arm.key: arm for arm in arms})

    def add(self, arm: Arm, trained: Trained) -> None:
        known = self.arms.get(arm.key, arm)
        trainings = sorted((*known.trainings, trained), key=lambda own: own.seed)
        self.arms[arm.key] = Arm(**{**vars(known), "trainings": tuple(trainings)})
        document = {**self.before, "split_seed": SPLIT_SEED, "arms": [asdict(own) for own in self.arms.values()]}
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        partial.replace(self.path)


def differences(arm: Arm, base: Arm) -> list[float]:
    """Arm less base over the seeds that both have trained, in points."""
    both = sorted(set(arm.scores) & set(base.scores))
    return [100.0 * (arm.scores[seed] - base.scores[seed]) for seed in both]


def pooled_sd(groups: Sequence[Sequence[float]]) -> tuple[float, int]:
    """Standard deviation within groups and its degrees of freedom: as if a pair varied alike whatever the change."""
    freedom = sum(len(group) - 1 for group in groups if group)
    squares = sum((own - float(np.mean(group))) ** 2 for group in groups for own in group)
    return (math.sqrt(squares / freedom), freedom) if freedom else (math.nan, 0)


def table(kept: Kept) -> str:
    """Every arm as a row of Markdown: base, change, seeds, mean, difference with its interval, hours of a core.

    Two seeds say little of how far pairs lie apart; all changes of a base together say more.
    """
    lines = [
        "| base | change | images, epochs | seeds | mean, % | difference, points | core hours |",
        "|---|---|---|---|---|---|---|",
    ]
    for arm in kept.arms.values():
        base = kept.arms.get((arm.base, "", *arm.conditions))
        mean = 100.0 * sum(arm.scores.values()) / len(arm.scores)
        told = _told(differences(arm, base), *_noise(kept, base)) if base is not None and arm.change else ""
        hours = sum(own.minutes for own in arm.trainings) / 60
        words = "; ".join((*arm.hyperparameters, *(CHANGES[name].text for name in arm.training_changes))) or "none"
        size = f"{arm.samples or 60_000 - round(60_000 * arm.validation):,}, {arm.epochs}"
        lines.append(f"| `{arm.base}` | {words} | {size} | {len(arm.scores)} | {mean:.2f} | {told} | {hours:.1f} |")
    return "\n".join(lines) + "\n"


def _noise(kept: Kept, base: Arm) -> tuple[float, int]:
    """Of pairs with this base."""
    changed = [own for own in kept.arms.values() if own.change and own.key[0] == base.base]
    return pooled_sd([differences(own, base) for own in changed if own.conditions == base.conditions])


def _told(pairs: Sequence[float], sd: float, freedom: int) -> str:
    if not pairs:
        return ""
    mean = float(np.mean(pairs))
    if not freedom:
        return f"{mean:+.3f}"
    half = student_half_width(sd, len(pairs), freedom=freedom)
    return f"{mean:+.3f} [{mean - half:+.2f}, {mean + half:+.2f}]"
