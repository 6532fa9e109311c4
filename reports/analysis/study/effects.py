"""The descriptive numbers of a study's page: its arms over their seeds, and their differences from the base.

Tests and verdicts are not computed here: they are read from result.json. Accuracies and differences are fractions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from reports.analysis.model.curves import Band, band, curve
from reports.analysis.search.trials import accuracy_of, scored
from reports.run.run_data import RunData
from tuner.core.records import TrialRecord, configuration_key
from tuner.stats.correlation import spearman
from tuner.stats.paired_tests import corrected_interval
from tuner.storage.schema.study import ArmComparison, PlannedArm, StudyPlan

_FEWEST_TREND = 4


@dataclass(frozen=True)
class ArmData:
    """An arm of a study with its ended trials."""

    place: int
    """The arm's index in run.json, from 0."""
    hyperparameter: str
    """The hyperparameter that the study varies."""
    plan: PlannedArm
    base: bool
    records: tuple[TrialRecord, ...]
    """The trials with a score, by repetition."""
    failed: int
    missing: int
    """The planned seeds that have not ended."""

    @property
    def label(self) -> str:
        """The arm's label as the study gives it."""
        return self.plan.label

    @property
    def name(self) -> str:
        """The label within a sentence: the hyperparameter's name precedes a bare number."""
        label = " ".join(self.label.split())
        return f"{self.hyperparameter} {label}" if _is_number(label) else label

    @property
    def scores(self) -> tuple[float, ...]:
        """The validation accuracy of each seed that has one."""
        return tuple(accuracy_of(record) for record in self.records)


@dataclass(frozen=True)
class Spread:
    """A measure over the seeds of an arm."""

    n: int
    mean: float
    sd: float | None
    values: tuple[float, ...]


@dataclass(frozen=True)
class PairedDifference:
    """The difference of one seed: the arm's trial minus the base's trial of the same repetition."""

    trial: str
    repetition: int
    difference: float


@dataclass(frozen=True)
class Effect:
    """The effect of an arm: its scores, and its differences from the base."""

    arm: ArmData
    score: Spread | None
    loss: Spread | None
    gap: Spread | None
    """Training minus validation accuracy at the last epoch."""
    duration: Spread | None
    pairs: tuple[PairedDifference, ...]
    difference: float | None
    """The mean over the pairs."""
    comparison: ArmComparison | None
    """The comparison in result.json; None for the base, and until the study has ended."""

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95% interval of the difference, corrected as the p value is; None where nothing was tested."""
        test = self.comparison
        return None if test is None else corrected_interval(test.difference, test.sd, test.n, test.p, test.p_holm)


@dataclass(frozen=True)
class Trend:
    """The rank correlation of an ordered value with the score, seed by seed."""

    arms: int
    seeds: int
    rho: float
    """Spearman's rank correlation, mean over seeds."""
    same_sign: int
    """Seeds whose correlation has the sign of the mean."""


# --- arms -----------------------------------------------------------------------------------------------------------


def arms_of(run: RunData) -> tuple[ArmData, ...]:
    """Return the arms of a study in the order of run.json; empty where the run is not a study."""
    plan = run.info.study
    if plan is None:
        return ()
    return tuple(_arm_data(run, plan, place, arm) for place, arm in enumerate(plan.arms))


def _arm_data(run: RunData, plan: StudyPlan, place: int, arm: PlannedArm) -> ArmData:
    key = configuration_key(arm.configuration)
    ended = {
        record.repetition: record
        for record in run.records
        if record.epochs == arm.epochs and configuration_key(record.configuration) == key
    }
    records = scored(ended[number] for number in sorted(ended))
    return ArmData(
        place=place,
        hyperparameter=plan.hyperparameter,
        plan=arm,
        base=arm.label == plan.base,
        records=records,
        failed=len(ended) - len(records),
        missing=max(plan.seeds - len(ended), 0),
    )


def base_of(arms: Sequence[ArmData]) -> ArmData | None:
    """Return the arm that the others are compared with, or None."""
    return next((arm for arm in arms if arm.base), None)


def spread(values: Sequence[float | None]) -> Spread | None:
    """Return the mean and standard deviation of the finite values; None without one."""
    finite = tuple(value for value in values if value is not None and math.isfinite(value))
    if not finite:
        return None
    return Spread(len(finite), fmean(finite), stdev(finite) if len(finite) > 1 else None, finite)


def mean_of(values: Sequence[float | None]) -> float | None:
    """Return the mean of the finite values; None without one."""
    finite = [value for value in values if value is not None and math.isfinite(value)]
    return fmean(finite) if finite else None


def is_ordered(arms: Sequence[ArmData]) -> bool:
    """Return True if the arms' values are three or more numbers, all different."""
    values = _numbers(arms)
    return len(arms) > 2 and len(values) == len(arms) and len(set(values)) == len(arms)


def _is_number(label: str) -> bool:
    try:
        float(label)
    except ValueError:
        return False
    return True


def _numbers(arms: Sequence[ArmData]) -> list[float]:
    values = [arm.plan.value for arm in arms]
    return [float(v) for v in values if isinstance(v, (int, float)) and not isinstance(v, bool) and math.isfinite(v)]


def by_value(arms: Sequence[ArmData]) -> tuple[ArmData, ...]:
    """Return ordered arms by their value, others as they are."""
    if not is_ordered(arms):
        return tuple(arms)
    return tuple(arm for _, arm in sorted(zip(_numbers(arms), arms, strict=True), key=lambda pair: pair[0]))


def varied_settings(arms: Sequence[ArmData]) -> frozenset[str]:
    """Return the names of the settings that are not the same in all arms."""
    names = {name for arm in arms for name in arm.plan.configuration}
    return frozenset(name for name in names if len({repr(arm.plan.configuration.get(name)) for arm in arms}) > 1)


# --- effects --------------------------------------------------------------------------------------------------------


def effects(run: RunData) -> tuple[Effect, ...]:
    """Return the effect of every arm, the base included, in the order of run.json."""
    arms = arms_of(run)
    return tuple(_effect(run, arm, base_of(arms)) for arm in arms)


def _effect(run: RunData, arm: ArmData, base: ArmData | None) -> Effect:
    pairs = paired(base, arm) if base is not None and not arm.base else ()
    study = run.result.study if run.result is not None else None
    return Effect(
        arm=arm,
        score=spread(arm.scores),
        loss=spread([record.val_loss for record in arm.records]),
        gap=spread([gap_of(record) for record in arm.records]),
        duration=spread([record.duration_s for record in arm.records]),
        pairs=pairs,
        difference=fmean(pair.difference for pair in pairs) if pairs else None,
        comparison=study.comparison(arm.label) if study is not None and not arm.base else None,
    )


def paired(base: ArmData, arm: ArmData) -> tuple[PairedDifference, ...]:
    """Return arm − base for each repetition with both scores."""
    scores = {record.repetition: accuracy_of(record) for record in base.records}
    return tuple(
        PairedDifference(record.trial, record.repetition, accuracy_of(record) - scores[record.repetition])
        for record in arm.records
        if record.repetition in scores
    )


def gap_of(record: TrialRecord) -> float | None:
    """Return training minus validation accuracy at the last epoch."""
    training, validation = curve(record, "accuracy"), curve(record, "val_accuracy")
    return training.values[-1] - validation.values[-1] if training.values and validation.values else None


def trend(arms: Sequence[ArmData]) -> Trend | None:
    """Return Spearman's correlation of value and score within each seed; None with fewer than four ordered arms."""
    if len(arms) < _FEWEST_TREND or not is_ordered(arms):
        return None
    values = _numbers(arms)
    rows = [spearman(values, scores) for scores in _complete_seeds(arms)]
    correlations = [rho for rho in rows if rho is not None]
    if not correlations:
        return None
    mean = fmean(correlations)
    return Trend(len(arms), len(correlations), mean, sum(rho * mean > 0 for rho in correlations))


def _complete_seeds(arms: Sequence[ArmData]) -> list[list[float]]:
    columns = [{record.repetition: accuracy_of(record) for record in arm.records} for arm in arms]
    shared = set.intersection(*(set(column) for column in columns))
    return [[column[number] for column in columns] for number in sorted(shared)]


# --- curves ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ArmBand:
    """The band of one metric over an arm's seeds."""

    arm: ArmData
    band: Band


def arm_bands(arms: Sequence[ArmData], metric: str) -> tuple[ArmBand, ...]:
    """Return the band of each arm that has this metric."""
    bands = ((arm, band(arm.records, metric)) for arm in arms)
    return tuple(ArmBand(arm, seeds_band) for arm, seeds_band in bands if seeds_band is not None)
