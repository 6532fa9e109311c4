"""The comparison of the winner with the references, the published networks of a space."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reports.analysis.search.trials import best, explored
from reports.run.run_data import RunData
from tuner.core.records import TrialRecord, Value, configuration_key
from tuner.storage.schema.run import Hyperparameter, Reference


@dataclass(frozen=True)
class ReferenceRow:
    """A reference and the winner's difference from it."""

    reference: Reference
    difference: float | None
    """The winner's mean test accuracy minus the published one; None where either is missing or the data differ."""
    parameter_ratio: float | None
    """The winner's parameters divided by the reference's."""


def reference_trial(run: RunData, reference: Reference) -> TrialRecord | None:
    """Return the best of the search's longest trials of a reference's configuration; None without a score."""
    return _best_with(run, _key_of(run, reference))


def likeness_trial(run: RunData, reference: Reference) -> TrialRecord | None:
    """Return the best of the search's longest trials of a reference scaled to fit the caps; None without a score."""
    return _best_with(run, _key_of_trial(run, reference.scaled))


def winning_reference(run: RunData) -> Reference | None:
    """Return the reference whose configuration is the winner's, or None."""
    if run.result is None:
        return None
    key = configuration_key(run.result.configuration)
    return next((reference for reference in run.info.references if _key_of(run, reference) == key), None)


def winning_likeness(run: RunData) -> Reference | None:
    """Return the reference that, scaled to fit the caps, is the winner, or None."""
    if run.result is None:
        return None
    key = configuration_key(run.result.configuration)
    return next((reference for reference in run.info.references if _key_of_trial(run, reference.scaled) == key), None)


def default_wins(run: RunData) -> bool:
    """Return True if the winner's configuration is the space's default one."""
    return run.result is not None and dict(run.result.configuration) == default_configuration(
        run.info.space.hyperparameters
    )


def default_configuration(hyperparameters: Sequence[Hyperparameter]) -> dict[str, Value] | None:
    """Return the space's default configuration, active hyperparameters only; None where a default is unknown."""
    values: dict[str, Value] = {}
    for hyperparameter in hyperparameters:
        if all(values.get(condition.name) in condition.values for condition in hyperparameter.conditions):
            if hyperparameter.default is None:
                return None
            values[hyperparameter.name] = hyperparameter.default
    return values


def best_reference_trial(run: RunData) -> tuple[Reference, TrialRecord] | None:
    """Return the best of the references that this run trained longest, with its trial; None without one.

    A reference whose configuration won is left out: the winner isn't compared with itself.
    """
    winner = winning_reference(run)
    trained = [
        (reference, record)
        for reference in run.info.references
        if reference != winner and (record := reference_trial(run, reference)) is not None
    ]
    top = best([record for _, record in trained])
    return next((pair for pair in trained if top is not None and pair[1].trial == top.trial), None)


def reference_rows(
    references: Sequence[Reference], *, accuracy: float | None, parameters: int | None
) -> tuple[ReferenceRow, ...]:
    """Return the references by published accuracy, best first; those without one last."""
    ordered = sorted(
        references, key=lambda r: (r.published_accuracy is None, -(r.published_accuracy or 0), r.parameters)
    )
    return tuple(
        ReferenceRow(
            reference,
            accuracy - reference.published_accuracy
            if accuracy is not None and reference.published_accuracy is not None
            else None,
            parameters / reference.parameters if parameters and reference.parameters else None,
        )
        for reference in ordered
    )


def nearest_rows(rows: Sequence[ReferenceRow], count: int) -> tuple[ReferenceRow, ...]:
    """Return the rows whose sizes are nearest to the winner's by ratio, in the order given; the first ones without a winner."""
    known = [row for row in rows if row.parameter_ratio is not None]
    nearest = sorted(known, key=lambda row: abs(math.log(row.parameter_ratio or 1)))[:count] if known else rows[:count]
    return tuple(row for row in rows if row in nearest)


def _best_with(run: RunData, key: str | None) -> TrialRecord | None:
    return best([record for record in explored(run.records) if key and configuration_key(record.configuration) == key])


def _key_of(run: RunData, reference: Reference) -> str | None:
    return _key_of_trial(run, reference.trial)


def _key_of_trial(run: RunData, trial: str | None) -> str | None:
    record = run.record(trial) if trial is not None else None
    return configuration_key(record.configuration) if record is not None else None
