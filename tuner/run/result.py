"""The result of a run: result.json and evaluation.npz, from the records and arrays of a confirmation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from msgspec import UNSET
from msgspec.structs import replace

from tuner.core.records import TrialRecord
from tuner.data.dataset import Dataset
from tuner.run.confirmation import Confirmed
from tuner.run.refit import Refitted
from tuner.run.target import Goal
from tuner.storage.npz_io import Arrays, read_npz, write_npz
from tuner.storage.run_folder import RunFolder
from tuner.storage.schema.result import ModelFiles, ResultDocument, TestScores
from tuner.storage.schema.trials import Layer


def result_document(
    ranked: Sequence[Confirmed],
    test: TestScores | None,
    model: ModelFiles,
    goal: Goal | None = None,
    refit: Refitted | None = None,
) -> ResultDocument:
    """Return result.json. `ranked`: the confirmed configurations, the winner first."""
    finalists = tuple(
        replace(finalist.to_finalist(), bound=None if goal is None else goal.bound(finalist)) for finalist in ranked
    )
    winner, record = finalists[0], ranked[0].records[ranked[0].median]
    return ResultDocument(
        trial=record.trial,
        fold=record.fold,
        trials=winner.trials,
        configuration=winner.configuration,
        parameters=winner.parameters,
        multiply_adds=winner.multiply_adds,
        ram=winner.ram,
        flash=winner.flash,
        epochs=record.epochs,
        layers=tuple(Layer(**asdict(layer)) for layer in record.layers),
        validation=winner.validation,
        target=None if goal is None else goal.to_target(ranked[0]),
        refitted=UNSET if refit is None else refit.to_refit(),
        test=test,
        finalists=finalists,
        model=model,
    )


def collect_arrays(
    folder: RunFolder, data: Dataset, ranked: Sequence[Confirmed], winner: Path | None, refit: Refitted | None = None
) -> None:
    """Write evaluation.npz: the arrays of the confirmed models, of the refits and of the evaluation, if there was one."""
    arrays: Arrays = {"validation/labels": np.asarray(data.y_validation)}
    refits = refit.records if refit is not None else ()
    for record in (*(record for finalist in ranked for record in finalist.records), *refits):
        kept = read_npz(folder.kept(record.trial).with_suffix(".npz"))
        arrays |= {_key_of(record, key): array for key, array in kept.items()}
    write_npz(folder.evaluation, {**arrays, **({} if winner is None else read_npz(winner))})


def _key_of(record: TrialRecord, key: str) -> str:
    """Return the key of a trial's array; a study's diagnostics and refits have prefixes of their own."""
    if key.startswith("study/"):
        return f"study/{record.trial}/{key.removeprefix('study/')}"
    return f"{'refit' if record.phase == 'refit' else 'confirm'}/{record.trial}/{key}"
