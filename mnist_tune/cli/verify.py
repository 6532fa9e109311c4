"""`mnist-tune verify RUN`: a run checked, and its checks printed, a line each."""

from __future__ import annotations

import json
import os
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_tune.api.verification import verify_run
from mnist_tune.cli.parser import Parser
from mnist_tune.terminal.lines import aligned, write_line
from tuner.core.errors import MnistTuneError
from tuner.core.records import Json
from tuner.core.text import escape_unprintable

if TYPE_CHECKING:
    from tuner.verification.check import Check


def make_command_parser() -> Parser:
    """Return the command's parser."""
    parser = Parser(
        prog="mnist-tune verify",
        description="Check a run that somebody hands over: its files, its journal and its figures against each other and against the rules of "
        "the search. Nothing in the folder is changed, and no code of it is run.",
        allow_abbrev=False,
        epilog="exit codes: 0 no check failed, 1 one did, 2 wrong usage, 130 interrupted",
    )
    parser.add_argument("run", metavar="RUN", help="the run's folder")
    parser.add_argument(
        "--retrain",
        type=int,
        default=0,
        metavar="K",
        help="train K trials again, chosen at random, and compare them with the journal",
    )
    parser.add_argument("--data", metavar="SOURCE", help="where the run's data are now (default: where they were)")
    parser.add_argument(
        "--space", metavar="MODULE:CLASS", help="the run's space, where it is somebody's own and you trust it"
    )
    parser.add_argument(
        "--run-savedmodel",
        action="store_true",
        help="compare the answers of best/ too: a SavedModel is a program, so only where you trust the run",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def run(given: Namespace, words: Sequence[str]) -> None:
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


def table(checks: Sequence[Check]) -> str:
    """Return a line a check, and a last one that counts them."""
    rows = [("check", "", "")]
    rows += [(check.name, check.status, escape_unprintable(check.detail)) for check in checks]
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
