"""The learning of a study's arms over epochs: convergence, the cost of early stopping, the gain of longer training.

These numbers are descriptive; only the steps of a study of epochs are tested.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median, stdev

from reports.analysis.model.curves import curve
from reports.analysis.search.leaderboard import first_epoch_at
from reports.analysis.study.effects import ArmData, Spread, arms_of, base_of, mean_of, paired, spread, varied_settings
from reports.run.run_data import RunData
from tuner.core.records import TrialRecord
from tuner.stats.intervals import student_interval
from tuner.stats.paired_tests import NO_SPREAD

THRESHOLDS = (0.95, 0.97, 0.98, 0.99)
NEAR = 0.001
"""The largest distance from the last score at which an arm counts as settled: 0.1 points."""
_FEWEST_EPOCHS = 3


@dataclass(frozen=True)
class Convergence:
    """The speed and the steadiness of an arm's learning."""

    arm: ArmData
    reached: tuple[tuple[tuple[int, ...], int], ...]
    """For each of `THRESHOLDS` the first epochs of the seeds that reached it, and the number of seeds."""
    settled: Spread | None
    """The first epoch from which each seed stayed within `NEAR` of its own last score."""
    sd: float | None
    """The standard deviation of the last scores over seeds."""
    wobble: float | None
    """The mean absolute change of validation accuracy from epoch to epoch, in the second half of training."""


@dataclass(frozen=True)
class Stopping:
    """The savings and the cost of an arm's early stopping."""

    arm: ArmData
    restored: bool
    """True if the best epoch's weights were restored."""
    planned: int
    run: Spread
    saved: float
    """The fraction of the planned epochs that was not run."""
    score: Spread
    lost: float | None
    """The base's accuracy minus the arm's, the mean over pairs; negative for a gain."""
    best: float | None
    """The mean over seeds of the best epoch's validation accuracy, which is chosen and measured on the same images."""


@dataclass(frozen=True)
class Step:
    """The gain from one length of training to the next."""

    earlier: ArmData
    later: ArmData
    n: int
    gained: float | None
    interval: tuple[float, float] | None
    """The 95% interval, simultaneous over all steps (Bonferroni)."""
    shown: bool
    """True if the interval excludes zero."""


def convergence(run: RunData) -> tuple[Convergence, ...]:
    """Return the convergence of each arm; empty where the study varies the length of training or early stopping."""
    arms = arms_of(run)
    if stopping(run) or len({arm.plan.epochs for arm in arms}) > 1:
        return ()
    curved = [arm for arm in arms if any(len(_accuracies(record)) >= _FEWEST_EPOCHS for record in arm.records)]
    return tuple(_convergence(arm) for arm in curved)


def _convergence(arm: ArmData) -> Convergence:
    series = [values for record in arm.records if (values := _accuracies(record))]
    firsts = [[first_epoch_at(values, threshold) for values in series] for threshold in THRESHOLDS]
    score = spread(arm.scores)
    return Convergence(
        arm=arm,
        reached=tuple((tuple(epoch for epoch in row if epoch is not None), len(series)) for row in firsts),
        settled=spread([settled_at(values) for values in series]),
        sd=score.sd if score is not None else None,
        wobble=mean_of([_wobble(values) for values in series]),
    )


def _accuracies(record: TrialRecord) -> tuple[float, ...]:
    return tuple(record.history.get("val_accuracy", ()))


def settled_at(values: Sequence[float]) -> int | None:
    """Return the first epoch, from 1, from which values stay within `NEAR` of the last; None if that is not finite."""
    if not values or not math.isfinite(values[-1]):
        return None
    far = [n for n, v in enumerate(values, start=1) if not abs(v - values[-1]) <= NEAR + NO_SPREAD]
    return far[-1] + 1 if far else 1


def _wobble(values: Sequence[float]) -> float | None:
    half = values[len(values) // 2 :]
    return mean_of([abs(b - a) for a, b in pairwise(half)])


def stopping(run: RunData) -> tuple[Stopping, ...]:
    """Return the epochs saved and the accuracy lost by each arm; empty where no arm sets early stopping."""
    arms = arms_of(run)
    if not any("trial.patience" in arm.plan.configuration for arm in arms):
        return ()
    base = base_of(arms)
    return tuple(row for arm in arms if (row := _stopping(arm, base)) is not None)


def _stopping(arm: ArmData, base: ArmData | None) -> Stopping | None:
    run, score = spread([record.epochs_run for record in arm.records]), spread(arm.scores)
    if run is None or score is None:
        return None
    pairs = paired(base, arm) if base is not None else ()
    return Stopping(
        arm=arm,
        restored=arm.plan.configuration.get("trial.restore_best") is True,
        planned=arm.plan.epochs,
        run=run,
        saved=1 - run.mean / arm.plan.epochs,
        score=score,
        lost=-fmean(pair.difference for pair in pairs) if pairs else None,
        best=mean_of([max(curve(record, "val_accuracy").values, default=None) for record in arm.records]),
    )


def length_steps(run: RunData) -> tuple[Step, ...]:
    """Return the steps from each length of training to the next; empty where the arms do not differ in length alone."""
    arms = sorted(arms_of(run), key=lambda arm: arm.plan.epochs)
    if len({arm.plan.epochs for arm in arms}) < max(len(arms), 2) or varied_settings(arms):
        return ()
    steps = list(pairwise(arms))
    return tuple(_step(earlier, later, len(steps)) for earlier, later in steps)


def _step(earlier: ArmData, later: ArmData, steps: int) -> Step:
    values = [pair.difference for pair in paired(earlier, later)]
    interval = paired_interval(values, 1 - 0.05 / steps)
    shown = interval is not None and (interval[0] > 0 or interval[1] < 0)
    return Step(earlier, later, len(values), fmean(values) if values else None, interval, shown)


def paired_interval(values: Sequence[float], level: float) -> tuple[float, float] | None:
    """Return Student's interval of a mean; None with fewer than two values, or with no spread."""
    if len(values) < 2 or stdev(values) <= NO_SPREAD:
        return None
    return student_interval(values, level)


def last_shown(steps: Sequence[Step]) -> Step | None:
    """Return the last step that shows a gain, or None."""
    return next((step for step in reversed(steps) if step.shown and (step.gained or 0) > 0), None)


def median_epoch(epochs: Sequence[int]) -> float | None:
    """Return the median of the first epochs; None if no seed reached the threshold."""
    return float(median(epochs)) if epochs else None
