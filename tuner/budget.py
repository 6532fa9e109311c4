"""How a time budget is shared between the search and the confirmation of what it found."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from tuner.records import TrialRecord, rank_key

_RESERVED_SHARE = 0.5
_SLACK = 1.15
_EVALUATION_S = 20.0
_EVALUATION_PASSES = 12
"""The test set is seen some 36 times (corruptions), forward only: about as long as 12 times in training."""


@dataclass(frozen=True)
class ConfirmationPlan:
    """How many finalists are trained again, with how many seeds."""

    top: int
    seeds: int


@dataclass
class Budget:
    """The time that a run may take; `seconds` None: any."""

    seconds: float | None
    began: float = field(default_factory=time.monotonic)

    def left_s(self) -> float:
        """Seconds that are left."""
        return math.inf if self.seconds is None else self.seconds - (time.monotonic() - self.began)

    def reserve_s(self, needed_s: float) -> float:
        """What the search leaves for confirmation: what that needs, but half of the budget at most."""
        return 0.0 if self.seconds is None else min(needed_s, _RESERVED_SHARE * self.seconds)


@dataclass(frozen=True)
class Forecast:
    """How long a confirmation will take, from how long trials took."""

    epochs: int
    workers: int
    train_images: int
    test_images: int

    def confirmation_s(self, plan: ConfirmationPlan, records: Sequence[TrialRecord]) -> float:
        """Seconds to train the finalists again and to evaluate the winner; infinite before the first record."""
        best = sorted((record for record in records if record.completed and record.epochs_spent), key=rank_key)
        if not best:
            return math.inf
        per_epoch = max(record.duration_s / record.epochs_spent for record in best[: max(3, plan.top)])
        rounds = math.ceil(plan.top * plan.seeds / self.workers)
        evaluation = _EVALUATION_S + _EVALUATION_PASSES * per_epoch * self.test_images / self.train_images
        return _SLACK * (rounds * per_epoch * self.epochs + evaluation)


def affordable(
    wanted: ConfirmationPlan, left_s: float, forecast: Forecast, records: Sequence[TrialRecord]
) -> ConfirmationPlan:
    """The largest confirmation that fits: finalists are dropped first, then seeds; one of each always stays."""
    plans = [ConfirmationPlan(top, wanted.seeds) for top in range(wanted.top, 0, -1)]
    plans += [ConfirmationPlan(1, seeds) for seeds in range(wanted.seeds - 1, 0, -1)]
    return next((plan for plan in plans if forecast.confirmation_s(plan, records) <= left_s), plans[-1])
