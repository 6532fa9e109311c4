"""The division of a time budget between the search, the confirmation of its best, and a refit of the winner."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tuner.core.records import TrialRecord, rank_key
from tuner.oracle.budget_fit import TrialTime

_RESERVED_SHARE = 0.5
_SLACK = 1.15
_EVALUATION_S = 20.0
_EVALUATION_PASSES = 12
"""The test set is predicted some 36 times (corruptions), which takes about as long as 12 passes of training."""


@dataclass(frozen=True)
class ConfirmationPlan:
    """The number of finalists that are trained again, and their seeds."""

    top: int
    seeds: int
    refit: bool = False
    """True: reserve time for training the winner on all images afterwards, with as many seeds."""


@dataclass
class Budget:
    """The time that a run may take; `seconds` None: any."""

    seconds: float | None
    began: float = field(default_factory=time.monotonic)

    def left_s(self) -> float:
        """Return the seconds that are left."""
        return math.inf if self.seconds is None else self.seconds - (time.monotonic() - self.began)

    def reserve_s(self, needed_s: float) -> float:
        """Return the seconds reserved for confirmation: what it needs, but half of the budget at most."""
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

    def confirmation_s(
        self, plan: ConfirmationPlan, records: Sequence[TrialRecord], time: TrialTime | None = None
    ) -> float:
        """Return the seconds to confirm, to refit if planned, and to evaluate; infinite before the first record.

        Args:
            plan: the confirmation.
            records: the trials that have ended.
            time: the seconds of a trial, by which the confirmation is forecast until a trial of full length has ended:
                most of a short trial may be the tracing of its model.
        """
        best = sorted((record for record in records if record.completed and record.epochs_spent), key=rank_key)
        if time is not None and not any(record.epochs >= self.epochs for record in best):
            return self._confirmation_s(plan, time.of(self.epochs) / self.epochs)
        if not best:
            return math.inf
        return self._confirmation_s(
            plan, max(record.duration_s / record.epochs_spent for record in best[: max(3, plan.top)])
        )

    def _confirmation_s(self, plan: ConfirmationPlan, per_epoch: float) -> float:
        rounds: float = math.ceil(plan.top * plan.seeds / self.workers)
        if plan.refit:
            rounds += math.ceil(plan.seeds / self.workers) * self._more_images
        return _SLACK * (rounds * per_epoch * self.epochs + self._evaluation_s(per_epoch))

    def refit_s(self, seeds: int, confirmed: Sequence[TrialRecord]) -> float:
        """Return the seconds to train the winner on all images with several seeds and to evaluate it.

        Args:
            seeds: the number of seeds; 0 is the evaluation alone.
            confirmed: the winner's completed records.
        """
        longest = max(record.duration_s for record in confirmed)
        per_epoch = max(record.duration_s / max(record.epochs_spent, 0.01) for record in confirmed)
        rounds = math.ceil(seeds / self.workers)
        return _SLACK * (rounds * longest * self._more_images + self._evaluation_s(per_epoch))

    @property
    def _more_images(self) -> float:
        """Return the duration of a refit's epoch over that of a normal one."""
        return 1 + self.validation_images / self.train_images

    def _evaluation_s(self, per_epoch: float) -> float:
        return _EVALUATION_S + _EVALUATION_PASSES * per_epoch * self.test_images / self.train_images


def confirmation_plans(wanted: ConfirmationPlan) -> list[ConfirmationPlan]:
    """Return a confirmation and smaller ones: finalists are dropped first, then seeds, last the refit."""
    plans = [replace(wanted, top=top) for top in range(wanted.top, 0, -1)]
    plans += [replace(wanted, top=1, seeds=seeds) for seeds in range(wanted.seeds - 1, 0, -1)]
    return plans + [replace(plan, refit=False) for plan in plans] if wanted.refit else plans


def affordable(
    wanted: ConfirmationPlan, left_s: float, forecast: Forecast, records: Sequence[TrialRecord]
) -> ConfirmationPlan:
    """Return the largest confirmation that fits (`confirmation_plans`)."""
    plans = confirmation_plans(wanted)
    return next((plan for plan in plans if forecast.confirmation_s(plan, records) <= left_s), plans[-1])


def affordable_refits(seeds: int, left_s: float, forecast: Forecast, confirmed: Sequence[TrialRecord]) -> int:
    """Return the number of refits, up to `seeds`, that there is time for."""
    return next((n for n in range(seeds, 0, -1) if forecast.refit_s(n, confirmed) <= left_s), 0)
