"""A time budget that is spent when so many trials have ended, however quick the machine is."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tuner.run.time_budget import Budget
from tuner.storage.journal import read_state


def spend_budget(monkeypatch: pytest.MonkeyPatch, run: Path, after: int) -> None:
    """Leave an hour of a run's time budget until its journal has so many records, then nothing."""

    def left_s(budget: Budget) -> float:
        if budget.seconds is None:
            return math.inf
        return 0.0 if len(read_state(run / "trials.jsonl").finished) >= after else 3600.0

    monkeypatch.setattr(Budget, "left_s", left_s)
