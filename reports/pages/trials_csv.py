"""`trials.csv`: one row for each trial, for pandas and spreadsheets."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

from reports.analysis.search.leaderboard import setting_names, trial_rows
from reports.run.reading import read_run
from reports.run.run_data import RunData
from tuner.core.records import SCORE_KEYS
from tuner.storage.files import os_errors_as_usage, write_text

if TYPE_CHECKING:
    import pandas as pd

CSV_NAME = "trials.csv"

_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""The characters that start a formula; the last four are full-width forms, which some spreadsheets read alike."""
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?", re.IGNORECASE | re.ASCII)
_COLUMNS = (
    "trial", "phase", "bracket", "rung", "repetition", "epochs", "epochs_run", "seed", "status", "parameters",
    "multiply_adds", "ram", "flash", "val_accuracy", "val_loss", "train_accuracy", "duration_s", "worker", "origin", "error",
)  # fmt: skip
_OTHERS = tuple(key for key in SCORE_KEYS.values() if key not in _COLUMNS)
"""Columns where some trial has a value: those of older runs have none."""


def trials_csv(run: RunData) -> str:
    """Return all trials by name; hyperparameters are columns `hp.<name>`, empty where a trial lacks one."""
    rows, names = _rows(run)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(_escape_formula(name) for name in names)
    rows.sort(key=lambda row: str(row[0]))
    writer.writerows([_escape_formula(cell) for cell in row] for row in rows)
    return stream.getvalue()


def _escape_formula(cell: object) -> object:
    """Return a cell that no spreadsheet reads as a formula: text that looks like one gets an apostrophe."""
    is_formula = isinstance(cell, str) and cell.startswith(_FORMULA_SIGNS) and not _NUMBER.fullmatch(cell)
    return f"'{cell}" if is_formula else cell


def write_trials_csv(run_dir: Path) -> Path:
    """Write `trials.csv` into the run's folder, whole or not at all, and return its path.

    Raises:
        UsageError: if the folder holds no run, or can't be written to.
        JournalError: if one of its files is damaged.
    """
    path = run_dir / CSV_NAME
    table = trials_csv(read_run(run_dir))
    with os_errors_as_usage(path):
        write_text(path, table)
    return path


def trials_frame(run_dir: Path) -> pd.DataFrame:
    """Return one row for each ended trial, best first within a phase; the columns are those of `trials.csv`."""
    import pandas

    rows, names = _rows(read_run(run_dir))
    frame = pandas.DataFrame(rows, columns=names)
    frame["phase"] = pandas.Categorical(frame["phase"], ["search", "confirm", "refit", "train", "study"])
    return frame.sort_values("phase", kind="stable").astype({"phase": str}).reset_index(drop=True)


def _rows(run: RunData) -> tuple[list[list[object]], list[str]]:
    """Return all trials, best first, and the names of their columns."""
    names = setting_names(run.every, [item.name for item in run.info.space.hyperparameters])
    every = trial_rows(run.every)
    known = [key for key in _OTHERS if any(getattr(row, key) is not None for row in every)]
    columns = [*_COLUMNS, *known]
    rows = [
        [*(getattr(row, column) for column in columns), *(row.configuration.get(name) for name in names)]
        for row in every
    ]
    return rows, [*columns, *(f"hp.{name}" for name in names)]
