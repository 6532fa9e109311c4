"""A study's arms out of run.json and the records, and what result.json says of them. No Keras, no files."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tuner.core.records import TrialRecord, configuration_key
from tuner.stats.intervals import mean_and_sd
from tuner.storage.schema.study import ArmComparison, PlannedArm, StudiedArm, StudyPlan, StudyResult
from tuner.study.comparisons import ArmScores, Comparison, compare_arms
from tuner.study.conclusion_text import conclusion


def study_result(study: StudyPlan, records: Sequence[TrialRecord]) -> StudyResult:
    """Return the `study` part of result.json.

    Args:
        study: the `study` part of run.json.
        records: the trials that have ended, in any order; those of other configurations are ignored.

    Raises:
        ValueError: where no arm has the base's label.
    """
    arms = study_arms(study, records)
    base = _base(arms, study.base)
    comparisons = compare_arms(base, [arm for arm in arms if arm is not base])
    return StudyResult(
        name=study.name,
        hyperparameter=study.hyperparameter,
        base=study.base,
        seeds=study.seeds,
        arms=tuple(studied_arm(arm) for arm in arms),
        comparisons=tuple(_compared(comparison) for comparison in comparisons),
        conclusion=conclusion(base, arms, comparisons),
    )


def study_arms(study: StudyPlan, records: Sequence[TrialRecord]) -> tuple[ArmScores, ...]:
    """Return the arms in the order of run.json, each with the records of its configuration and epochs."""
    return tuple(
        ArmScores(
            label=planned.label,
            value=planned.value,
            parameters=planned.parameters,
            epochs=planned.epochs,
            seeds=study.seeds,
            records=_records_of(planned, records),
        )
        for planned in study.arms
    )


def studied_arm(arm: ArmScores) -> StudiedArm:
    """Return an arm as result.json has it."""
    scored = arm.scored
    scores = arm.scores
    mean, sd = _mean_sd(list(scores.values()))
    loss_mean, loss_sd = _mean_sd([record.val_loss for record in scored])
    return StudiedArm(
        label=arm.label,
        value=arm.value,
        trials=tuple(record.trial for record in arm.records),
        failed=arm.failed,
        n=len(scored),
        mean=mean,
        sd=sd,
        per_seed=tuple(scores.get(number) for number in range(1, arm.seeds + 1)),
        loss_mean=loss_mean,
        loss_sd=loss_sd,
        train_accuracy_mean=_mean_sd([_last(record, "accuracy") for record in scored])[0],
        gap_mean=_mean_sd([_gap(record) for record in scored])[0],
        parameters=arm.parameters,
        epochs=arm.epochs,
        epochs_run_mean=_mean_sd([record.epochs_run for record in scored])[0],
        duration_mean_s=_mean_sd([record.duration_s for record in scored])[0],
    )


def _records_of(arm: PlannedArm, records: Sequence[TrialRecord]) -> tuple[TrialRecord, ...]:
    key = configuration_key(arm.configuration)
    by_repetition = {
        r.repetition: r for r in records if r.epochs == arm.epochs and configuration_key(r.configuration) == key
    }
    return tuple(by_repetition[number] for number in sorted(by_repetition))


def _base(arms: Sequence[ArmScores], label: str) -> ArmScores:
    for arm in arms:
        if arm.label == label:
            return arm
    raise ValueError(
        f"The base of a study must be one of its arms. Expected: one of {[a.label for a in arms]}. Received: {label!r}"
    )


def _compared(comparison: Comparison) -> ArmComparison:
    test = comparison.test
    return ArmComparison(
        label=comparison.label,
        n=test.n,
        difference=test.difference,
        sd=test.sd,
        interval=test.interval,
        t=test.t,
        p=test.p,
        p_holm=comparison.p_holm,
        verdict=comparison.verdict,
    )


def _mean_sd(values: Sequence[float | None]) -> tuple[float | None, float | None]:
    finite = [value for value in values if value is not None and math.isfinite(value)]
    return mean_and_sd(finite) if finite else (None, None)


def _last(record: TrialRecord, metric: str) -> float | None:
    series = record.history.get(metric, ())
    return series[-1] if series and math.isfinite(series[-1]) else None


def _gap(record: TrialRecord) -> float | None:
    training, validation = _last(record, "accuracy"), _last(record, "val_accuracy")
    return training - validation if training is not None and validation is not None else None
