"""`trials.csv`: one row a trial, for pandas and spreadsheets."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

from reports.analysis.leaderboard import setting_names, trial_rows
from reports.run_data import RunData, read_run

CSV_NAME = "trials.csv"

_COLUMNS = (
    "trial", "phase", "bracket", "rung", "repetition", "epochs", "epochs_run", "seed", "status", "parameters",
    "multiply_adds", "val_accuracy", "val_loss", "train_accuracy", "duration_s", "worker", "error",
)  # fmt: skip


def trials_csv(run: RunData) -> str:
    """All trials in the order of their names; hyperparameters as columns `hp.<name>`, empty where a trial lacks one."""
    names = setting_names(run.records, [item.name for item in run.info.hyperparameters])
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*_COLUMNS, *(f"hp.{name}" for name in names)])
    for row in sorted(trial_rows(run.records), key=lambda row: row.trial):
        fixed = [getattr(row, column) for column in _COLUMNS]
        writer.writerow([*fixed, *(row.configuration.get(name) for name in names)])
    return stream.getvalue()


def write_trials_csv(run_dir: Path) -> Path:
    """Writes `trials.csv` into the run's folder, whole or not at all; returns its path."""
    path = run_dir / CSV_NAME
    unfinished = path.with_name(f".{CSV_NAME}.{os.getpid()}")
    try:
        unfinished.write_text(trials_csv(read_run(run_dir)), encoding="utf-8", newline="")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path
