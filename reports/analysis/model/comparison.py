"""The winner beside published networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.analysis.search.trials import best, explored
from reports.run.run_data import RunData
from tuner.core.records import TrialRecord, Value, configuration_key
from tuner.storage.schema.run import Hyperparameter, Reference


@dataclass(frozen=True)
class ReferenceRow:
    """A published network and how the winner differs from it."""

    reference: Reference
    difference: float | None
    """Winner's mean test accuracy minus the published one; None where either is missing or the data differ."""
    parameter_ratio: float | None
    """Winner's parameters over the reference's."""


def reference_trial(run: RunData, reference: Reference) -> TrialRecord | None:
    """The best of the longest trials of a reference's configuration in this run's search; None where it has no score."""
    return _best_with(run, _key_of(run, reference))


def likeness_trial(run: RunData, reference: Reference) -> TrialRecord | None:
    """The same of its likeness that was scaled to fit the caps."""
    return _best_with(run, _key_of_trial(run, reference.scaled))


def winning_reference(run: RunData) -> Reference | None:
    """The reference whose configuration is the winner's, or None."""
    if run.result is None:
        return None
    key = configuration_key(run.result.configuration)
    return next((reference for reference in run.info.references if _key_of(run, reference) == key), None)


def winning_likeness(run: RunData) -> Reference | None:
    """The reference whose likeness, scaled to fit the caps, is the winner, or None."""
    if run.result is None:
        return None
    key = configuration_key(run.result.configuration)
    return next((own for own in run.info.references if _key_of_trial(run, own.scaled) == key), None)


def default_wins(run: RunData) -> bool:
    """Whether the winner's configuration is the space's default one."""
    return run.result is not None and dict(run.result.configuration) == default_configuration(
        run.info.space.hyperparameters
    )


def default_configuration(hyperparameters: Sequence[Hyperparameter]) -> dict[str, Value] | None:
    """The defaults of those that are active with them; None where one isn't known."""
    values: dict[str, Value] = {}
    for own in hyperparameters:
        if all(values.get(condition.name) in condition.values for condition in own.conditions):
            if own.default is None:
                return None
            values[own.name] = own.default
    return values


def best_reference_trial(run: RunData) -> tuple[Reference, TrialRecord] | None:
    """The best of the references that this run trained, among those that it trained longest; None without one."""
    tried = [
        (reference, record)
        for reference in run.info.references
        if (record := reference_trial(run, reference)) is not None
    ]
    top = best([record for _, record in tried])
    return next((pair for pair in tried if top is not None and pair[1].trial == top.trial), None)


def reference_rows(
    references: Sequence[Reference], *, accuracy: float | None, parameters: int | None
) -> tuple[ReferenceRow, ...]:
    """References by published accuracy, best first; those without one last."""
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


def _best_with(run: RunData, key: str | None) -> TrialRecord | None:
    return best([record for record in explored(run.records) if key and configuration_key(record.configuration) == key])


def _key_of(run: RunData, reference: Reference) -> str | None:
    return _key_of_trial(run, reference.trial)


def _key_of_trial(run: RunData, trial: str | None) -> str | None:
    first = run.record(trial) if trial is not None else None
    return configuration_key(first.configuration) if first is not None else None
