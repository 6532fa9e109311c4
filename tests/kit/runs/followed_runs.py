"""A run that a progress display follows."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from rich.console import Console

from mnist_tune.progress.progress import Progress
from tests.kit.replacing import replace
from tests.kit.run_builder import FakeRun, run_document
from tuner.storage.schema.run import Bracket, Plan, RunDocument, Rung


def a_run(**changes: Any) -> RunDocument:
    plan = Plan(brackets=(Bracket(bracket=0, rungs=(Rung(rung=0, size=3, epochs=2),)),), trials=3, epochs=96)
    options = {"confirm_top": 2, "confirm_seeds": 3, "max_epochs": 15, "test": True}
    return replace(replace(run_document(FakeRun(options=options), []), plan=plan), **changes)


def followed(
    *, terminal: bool = False, quiet: bool = False, run: RunDocument | None = None
) -> tuple[Progress, io.StringIO]:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=100, highlight=False)
    progress = Progress(console, Path("run"), quiet=quiet)
    progress.run_began(run or a_run())
    progress.phase_began("search", 3)
    return progress, stream
