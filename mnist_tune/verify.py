"""`mnist-tune verify`: a run checked, and its checks printed, a line each. What is checked is in `tuner.verification`."""

from __future__ import annotations

import json
import os
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from inference.models import find_model
from inference.names import printable
from mnist_tune.terminal import aligned, write_line
from tuner.errors import MnistTuneError, UsageError
from tuner.records import Json
from tuner.run_folder import RunFolder

if TYPE_CHECKING:
    from tuner.verification.check import Check

MOST_RETRAINED = 50_000


def run_verify(given: Namespace) -> None:
    """Check a run and print what came of it.

    Raises:
        UsageError: where the folder is no run's, or an option is out of its range.
        MnistTuneError: where a check failed; the table has been printed.
    """
    # A GPU's kernels add up in another order; retraining says so.
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    checks = verify_run(
        Path(given.run), retrain=given.retrain, data=given.data, space=given.space, run_savedmodel=given.run_savedmodel
    )
    write_line(json.dumps(to_json(given.run, checks), indent=1) if given.json else table(checks))
    wrong = [check.name for check in checks if check.failed]
    if wrong:
        raise MnistTuneError(f"{len(wrong)} of {len(checks)} checks failed: {', '.join(wrong)}.")


def verify_run(
    run: Path, *, retrain: int = 0, data: str | None = None, space: str | None = None, run_savedmodel: bool = False
) -> list[Check]:
    """Return the checks of a run.

    Raises:
        UsageError: where the folder is no run's, or a value is out of its range.
    """
    if isinstance(retrain, bool) or not isinstance(retrain, int) or not 0 <= retrain <= MOST_RETRAINED:
        raise UsageError(f"--retrain: expected a whole number from 0 to {MOST_RETRAINED:,}. Received: {retrain}")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from tuner.verification.evidence import Request
    from tuner.verification.verify import verify

    request = Request(inspect_model=find_model, data=data, space=space, retrain=retrain, savedmodel=run_savedmodel)
    return verify(RunFolder(run), request)


def table(checks: Sequence[Check]) -> str:
    """Return a line a check, and a last one that counts them."""
    rows = [("check", "", "")]
    rows += [(check.name, check.status, printable(check.detail)) for check in checks]
    return f"{aligned(rows)}\n{_counts(checks)}"


def _counts(checks: Sequence[Check]) -> str:
    number = {
        status: sum(check.status == status for check in checks) for status in ("passed", "failed", "not possible")
    }
    return ", ".join(f"{count} {status}" for status, count in number.items())


def to_json(run: str, checks: Sequence[Check]) -> Json:
    """Return what `--json` prints."""
    return {
        "run": run,
        "failed": sum(check.failed for check in checks),
        "checks": [check.to_json() for check in checks],
    }
