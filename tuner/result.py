"""What a run found: result.json and evaluation.npz, from the records and arrays of a confirmation."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tuner.confirmation import Confirmed
from tuner.data import Dataset
from tuner.npz_io import Arrays, read_npz, write_npz
from tuner.records import SCHEMA, Json, TrialRecord
from tuner.refit import Refitted
from tuner.run_folder import RunFolder
from tuner.target import target_json


def result_json(
    found: Sequence[Confirmed],
    test: Json | None,
    model: Json,
    target: float | None = None,
    refit: Refitted | None = None,
) -> Json:
    """The content of result.json; `found` has the winner first."""
    winner = found[0]
    summary = winner.to_json()
    record = winner.records[winner.median]
    return {
        "schema": SCHEMA,
        "trial": record.trial,
        "fold": record.fold,
        "trials": summary["trials"],
        "configuration": summary["configuration"],
        "parameters": summary["parameters"],
        "multiply_adds": summary["multiply_adds"],
        "epochs": record.epochs,
        "layers": [dataclasses.asdict(layer) for layer in record.layers],
        "validation": summary["validation"],
        **({} if target is None else {"target": target_json(winner, target)}),
        **({} if refit is None else {"refit": refit.to_json()}),
        "test": test,
        "finalists": [finalist.to_json() for finalist in found],
        "model": model,
    }


def collect_arrays(
    folder: RunFolder, data: Dataset, found: Sequence[Confirmed], winner: Path | None, refit: Refitted | None = None
) -> None:
    """Write evaluation.npz: the arrays of the confirmed models, of the refits and of the evaluation, if there was one."""
    arrays: Arrays = {"validation/labels": np.asarray(data.y_validation)}
    refits = refit.records if refit is not None else ()
    for record in (*(record for finalist in found for record in finalist.records), *refits):
        kept = read_npz(folder.kept(record.trial).with_suffix(".npz"))
        arrays |= {_key_of(record, key): array for key, array in kept.items()}
    write_npz(folder.evaluation, {**arrays, **({} if winner is None else read_npz(winner))})


def _key_of(record: TrialRecord, key: str) -> str:
    """Where a trial's array stands; a study's diagnostics and refits stand apart from what every confirmed model has."""
    if key.startswith("study/"):
        return f"study/{record.trial}/{key.removeprefix('study/')}"
    return f"{'refit' if record.phase == 'refit' else 'confirm'}/{record.trial}/{key}"
