"""A time budget that is spent after a number of trials, whatever the machine's speed."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tuner.run.time_budget import Budget
from tuner.storage.journal import read_state


def spend_budget(monkeypatch: pytest.MonkeyPatch, run: Path, after: int) -> None:
    """Leave an hour of a run's time budget until its journal has `after` records, then nothing."""

    def left_s(budget: Budget) -> float:
        if budget.seconds is None:
            return math.inf
        return 0.0 if len(read_state(run / "trials.jsonl").finished) >= after else 3600.0

    monkeypatch.setattr(Budget, "left_s", left_s)
