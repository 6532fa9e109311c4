"""The division of a time budget between the search, the confirmation of what it found, and a refit of the winner."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tuner.core.records import TrialRecord, rank_key

_RESERVED_SHARE = 0.5
_SLACK = 1.15
_EVALUATION_S = 20.0
_EVALUATION_PASSES = 12
"""The test set is seen some 36 times (corruptions), forward only: about as long as 12 times in training."""


@dataclass(frozen=True)
class ConfirmationPlan:
    """The number of finalists that are trained again, and their seeds."""

    top: int
    seeds: int
    refit: bool = False
    """Whether time is kept for training the winner on all images afterwards, with as many seeds."""


@dataclass
class Budget:
    """The time that a run may take; `seconds` None: any."""

    seconds: float | None
    began: float = field(default_factory=time.monotonic)

    def left_s(self) -> float:
        """Seconds that are left."""
        return math.inf if self.seconds is None else self.seconds - (time.monotonic() - self.began)

    def reserve_s(self, needed_s: float) -> float:
        """Return what the search leaves for confirmation: what that needs, but half of the budget at most."""
        return 0.0 if self.seconds is None else min(needed_s, _RESERVED_SHARE * self.seconds)


@dataclass(frozen=True)
class Forecast:
    """A forecast of the time of a confirmation and a refit, from the trials' times."""

    epochs: int
    workers: int
    train_images: int
    test_images: int
    validation_images: int = 0
    """The images that a refit trains on besides."""

    def confirmation_s(self, plan: ConfirmationPlan, records: Sequence[TrialRecord]) -> float:
        """Seconds to train the finalists again, to refit the winner if that is planned, and to evaluate it; infinite before the first record."""
        best = sorted((record for record in records if record.completed and record.epochs_spent), key=rank_key)
        if not best:
            return math.inf
        per_epoch = max(record.duration_s / record.epochs_spent for record in best[: max(3, plan.top)])
        rounds: float = math.ceil(plan.top * plan.seeds / self.workers)
        if plan.refit:
            rounds += math.ceil(plan.seeds / self.workers) * self._more_images
        return _SLACK * (rounds * per_epoch * self.epochs + self._evaluation_s(per_epoch))

    def refit_s(self, seeds: int, confirmed: Sequence[TrialRecord]) -> float:
        """Seconds to train the winner on all images with so many seeds and to evaluate it.

        Args:
            seeds: how many; 0 is the evaluation alone.
            confirmed: the winner's completed records.
        """
        longest = max(record.duration_s for record in confirmed)
        per_epoch = max(record.duration_s / max(record.epochs_spent, 0.01) for record in confirmed)
        rounds = math.ceil(seeds / self.workers)
        return _SLACK * (rounds * longest * self._more_images + self._evaluation_s(per_epoch))

    @property
    def _more_images(self) -> float:
        """Return how many times as long an epoch of a refit takes."""
        return 1 + self.validation_images / self.train_images

    def _evaluation_s(self, per_epoch: float) -> float:
        return _EVALUATION_S + _EVALUATION_PASSES * per_epoch * self.test_images / self.train_images


def affordable(
    wanted: ConfirmationPlan, left_s: float, forecast: Forecast, records: Sequence[TrialRecord]
) -> ConfirmationPlan:
    """The largest confirmation that fits: finalists are dropped first, then seeds, last the refit; one finalist with one seed always stays."""
    plans = [replace(wanted, top=top) for top in range(wanted.top, 0, -1)]
    plans += [replace(wanted, top=1, seeds=seeds) for seeds in range(wanted.seeds - 1, 0, -1)]
    if wanted.refit:
        plans += [replace(plan, refit=False) for plan in plans]
    return next((plan for plan in plans if forecast.confirmation_s(plan, records) <= left_s), plans[-1])


def affordable_refits(seeds: int, left_s: float, forecast: Forecast, confirmed: Sequence[TrialRecord]) -> int:
    """Return how many of so many refits fit; 0 where none does."""
    return next((n for n in range(seeds, 0, -1) if forecast.refit_s(n, confirmed) <= left_s), 0)
