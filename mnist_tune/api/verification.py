"""Verify a run. `tuner.verification` has the checks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from inference.models import find_model
from tuner.core.errors import UsageError
from tuner.storage.run_folder import RunFolder

if TYPE_CHECKING:
    from tuner.verification.check import Check

MOST_RETRAINED = 50_000


def verify_run(
    run: Path, *, retrain: int = 0, data: str | None = None, space: str | None = None, run_savedmodel: bool = False
) -> list[Check]:
    """Return the checks of a run.

    Raises:
        UsageError: where the folder is not a run's, or a value is out of its range.
    """
    if isinstance(retrain, bool) or not isinstance(retrain, int) or not 0 <= retrain <= MOST_RETRAINED:
        raise UsageError(f"--retrain: expected a whole number from 0 to {MOST_RETRAINED:,}. Received: {retrain}")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from tuner.verification.evidence import Request
    from tuner.verification.verify import verify

    request = Request(inspect_model=find_model, data=data, space=space, retrain=retrain, savedmodel=run_savedmodel)
    return verify(RunFolder(run), request)
