"""`mnist-tune verify RUN`: check a run, and print each check."""

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
        description="Check a run: its files, journal and figures against each other and the rules of the search. "
        "The folder is not changed, and none of its code is executed.",
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
    parser.add_argument(
        "--data", metavar="SOURCE", help="the run's data, where they have moved (default: the source in run.json)"
    )
    parser.add_argument("--space", metavar="MODULE:CLASS", help="the run's space, if it is custom code that you trust")
    parser.add_argument(
        "--run-savedmodel",
        action="store_true",
        help="also compare the predictions of best/: a SavedModel is a program, so only if you trust the run",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def run(given: Namespace, words: Sequence[str]) -> None:
    """Check a run and print the checks.

    Raises:
        UsageError: where the folder is not a run's, or an option is out of its range.
        MnistTuneError: where a check failed; the table has been printed.
    """
    # A GPU sums in another order, which a retraining would show.
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    checks = verify_run(
        Path(given.run), retrain=given.retrain, data=given.data, space=given.space, run_savedmodel=given.run_savedmodel
    )
    write_line(json.dumps(to_json(given.run, checks), indent=1) if given.json else table(checks))
    wrong = [check.name for check in checks if check.failed]
    if wrong:
        raise MnistTuneError(f"{len(wrong)} of {len(checks)} checks failed: {', '.join(wrong)}.")


def table(checks: Sequence[Check]) -> str:
    """Return a table of the checks, and a last line of counts."""
    rows = [("check", "", "")]
    rows += [(check.name, check.status, escape_unprintable(check.detail)) for check in checks]
    return f"{aligned(rows)}\n{_counts(checks)}"


def _counts(checks: Sequence[Check]) -> str:
    number = {
        status: sum(check.status == status for check in checks) for status in ("passed", "failed", "not possible")
    }
    return ", ".join(f"{count} {status}" for status, count in number.items())


def to_json(run: str, checks: Sequence[Check]) -> Json:
    """Return the document that `--json` prints."""
    return {
        "run": run,
        "failed": sum(check.failed for check in checks),
        "checks": [check.to_json() for check in checks],
    }
