"""What a run found: result.json and evaluation.npz, from the records and arrays of a confirmation."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tuner.arrays import Arrays, load_arrays_file, save_arrays_file
from tuner.confirmation import Confirmed
from tuner.data import Dataset
from tuner.records import SCHEMA, Json
from tuner.run_folder import RunFolder
from tuner.target import target_json


def result_json(found: Sequence[Confirmed], test: Json | None, model: Json, target: float | None = None) -> Json:
    """The content of result.json; `found` has the winner first."""
    winner = found[0]
    summary = winner.to_json()
    record = winner.records[winner.median]
    return {
        "schema": SCHEMA,
        "trial": record.trial,
        "trials": summary["trials"],
        "configuration": summary["configuration"],
        "parameters": summary["parameters"],
        "multiply_adds": summary["multiply_adds"],
        "epochs": record.epochs,
        "layers": [dataclasses.asdict(layer) for layer in record.layers],
        "validation": summary["validation"],
        **({} if target is None else {"target": target_json(winner, target)}),
        "test": test,
        "finalists": [finalist.to_json() for finalist in found],
        "model": model,
    }


def collect_arrays(folder: RunFolder, data: Dataset, found: Sequence[Confirmed], winner: Path) -> None:
    """Writes evaluation.npz: the confirmed models' arrays and the winner's."""
    arrays: Arrays = {"validation/labels": np.asarray(data.y_validation)}
    for finalist in found:
        for record in finalist.records:
            kept = load_arrays_file(folder.kept(record.trial).with_suffix(".npz"))
            arrays |= {_key_of(record.trial, key): array for key, array in kept.items()}
    save_arrays_file(folder.evaluation, {**arrays, **load_arrays_file(winner)})


def _key_of(trial: str, key: str) -> str:
    """Where a trial's array stands; a study's diagnostics stand apart from what every confirmed model has."""
    if key.startswith("study/"):
        return f"study/{trial}/{key.removeprefix('study/')}"
    return f"confirm/{trial}/{key}"
