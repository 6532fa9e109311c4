"""The measures of a study besides accuracy and learning: norms, units, gradients, cost, size, where recorded.

These numbers are descriptive; nothing is tested.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reports.analysis.study.effects import (
    ArmData,
    Spread,
    arms_of,
    by_value,
    gap_of,
    mean_of,
    spread,
    varied_settings,
)
from reports.run.run_data import Array, RunData
from tuner.core.records import TrialRecord


@dataclass(frozen=True)
class LayerValues:
    """One number for each layer, the mean over an arm's seeds."""

    arm: ArmData
    names: tuple[str, ...]
    values: tuple[float, ...]
    seeds: int


@dataclass(frozen=True)
class Norms:
    """The norms of an arm's kernels by layer, means over its seeds."""

    arm: ArmData
    norms: LayerValues
    total: float | None
    """The L2 norm of all kernels together."""
    near_zero: float | None
    """The fraction of all weights below 1% of their layer's largest."""


@dataclass(frozen=True)
class Units:
    """The fractions of dead and of saturated units by layer, means over an arm's seeds."""

    arm: ArmData
    dead: LayerValues
    saturated: LayerValues | None


@dataclass(frozen=True)
class BatchCost:
    """The cost of a batch size and the noise of its gradients."""

    arm: ArmData
    batch_size: int | None
    noise_scale: float | None
    """tr(Σ)/|G|² in images, from means over seeds (McCandlish et al. 2018); None where |G|² is not above the noise."""
    noise_seeds: Spread | None
    """The noise scale of each seed where it is positive."""
    step_s: Spread | None
    epoch_s: Spread | None
    memory_bytes: Spread | None
    gap: Spread | None


@dataclass(frozen=True)
class Size:
    """The parameters of an arm, its score and its gap."""

    arm: ArmData
    parameters: int
    score: Spread
    gap: Spread | None


def weight_norms(run: RunData) -> tuple[Norms, ...]:
    """Return the norms of each arm's kernels; empty where no weight penalty is studied, or no norms were recorded."""
    arms = arms_of(run)
    if not any(_is_penalty(name) for name in varied_settings(arms)):
        return ()
    return tuple(norms for arm in by_value(arms) if (norms := _norms(run, arm)) is not None)


def _is_penalty(name: str) -> bool:
    return name in ("l1", "l2") or name.startswith(("l2_", "l1_", "weight_decay", "regular"))


def _norms(run: RunData, arm: ArmData) -> Norms | None:
    tables = [table for record in arm.records if (table := _statistics(run, record.trial)) is not None]
    if not tables:
        return None
    totals = [math.sqrt(float((table[:, 3] ** 2).sum())) for _, table in tables]
    near = [float((table[:, 0] * table[:, 6]).sum() / max(table[:, 0].sum(), 1)) for _, table in tables]
    norms = _layer_means(arm, [(names, table[:, 3]) for names, table in tables])
    return Norms(arm, norms, mean_of(totals), mean_of(near))


def _statistics(run: RunData, trial: str) -> tuple[tuple[str, ...], Array] | None:
    """Return the names and statistics (L, 9) of a trial's kernels, or None."""
    prefix = f"confirm/{trial}/weights/"
    table, names = run.arrays.get(prefix + "statistics"), run.arrays.get(prefix + "names")
    if table is None or names is None or not len(names):
        return None
    return tuple(str(name) for name in names), table


def _layer_means(arm: ArmData, rows: Sequence[tuple[Sequence[str], Array]]) -> LayerValues:
    """Return the mean of the finite values over seeds, for each layer of the first seed."""
    names = tuple(rows[0][0])
    means = [mean_of([float(row[k]) for _, row in rows if k < len(row)]) for k in range(len(names))]
    return LayerValues(arm, names, tuple(math.nan if value is None else value for value in means), len(rows))


def gradient_norms(run: RunData) -> tuple[LayerValues, ...]:
    """Return the gradient norms by layer, first to last, of the arms that were measured."""
    return _measured(run, "gradient_norms", "values")


def units(run: RunData) -> tuple[Units, ...]:
    """Return the dead and saturated units of the arms that were measured."""
    dead = {values.arm.place: values for values in _measured(run, "units", "dead")}
    saturated = {values.arm.place: values for values in _measured(run, "units", "saturated")}
    return tuple(Units(values.arm, values, saturated.get(place)) for place, values in dead.items())


def _measured(run: RunData, kind: str, key: str) -> tuple[LayerValues, ...]:
    measured = []
    for arm in arms_of(run):
        rows = [
            (
                [str(name) for name in run.arrays[f"study/{trial}/{kind}/names"]],
                run.arrays[f"study/{trial}/{kind}/{key}"],
            )
            for trial in (record.trial for record in arm.records)
            if f"study/{trial}/{kind}/names" in run.arrays and f"study/{trial}/{kind}/{key}" in run.arrays
        ]
        if rows and rows[0][0]:
            measured.append(_layer_means(arm, rows))
    return tuple(measured)


def batch_costs(run: RunData) -> tuple[BatchCost, ...]:
    """Return noise, time, memory and gap by arm; empty where no batch size is studied and nothing was measured."""
    arms = arms_of(run)
    kinds = {key.rpartition("/")[2] for key in run.arrays if key.startswith("study/")}
    if "batch_size" not in varied_settings(arms) and not kinds & {"gradient_noise", "step"}:
        return ()
    return tuple(_batch_cost(run, arm) for arm in by_value(arms) if arm.records)


def _batch_cost(run: RunData, arm: ArmData) -> BatchCost:
    noise = _rows(run, arm, "gradient_noise")
    steps = _rows(run, arm, "step")
    batch_size = arm.plan.configuration.get("batch_size")
    return BatchCost(
        arm=arm,
        batch_size=batch_size if isinstance(batch_size, int) else None,
        noise_scale=_noise_scale(noise),
        noise_seeds=spread([row[0] for row in noise if row[0] > 0]),
        step_s=spread([row[0] for row in steps]),
        epoch_s=spread([_epoch_s(record) for record in arm.records]),
        memory_bytes=spread([row[1] for row in steps]),
        gap=spread([gap_of(record) for record in arm.records]),
    )


def _rows(run: RunData, arm: ArmData, kind: str) -> list[tuple[float, ...]]:
    keys = (f"study/{record.trial}/{kind}" for record in arm.records)
    return [tuple(float(value) for value in run.arrays[key]) for key in keys if key in run.arrays]


def _noise_scale(rows: Sequence[tuple[float, ...]]) -> float | None:
    """Return the ratio of means: a mean of ratios is dominated by the seed whose |G|² is nearest to zero."""
    squared, trace = mean_of([row[1] for row in rows]), mean_of([row[2] for row in rows])
    return trace / squared if squared is not None and trace is not None and squared > 0 and trace > 0 else None


def sizes(run: RunData) -> tuple[Size, ...]:
    """Return the arms by parameters; empty where all have the same number, or fewer than two have a score."""
    rows = [
        Size(arm, arm.plan.parameters or arm.records[0].parameters, score, spread([gap_of(r) for r in arm.records]))
        for arm in arms_of(run)
        if (score := spread(arm.scores)) is not None
    ]
    if len({row.parameters for row in rows}) < 2:
        return ()
    return tuple(sorted(rows, key=lambda row: (row.parameters, row.arm.place)))


def _epoch_s(record: TrialRecord) -> float | None:
    """Return the seconds of an epoch, without the first one, which builds the model, if there are others."""
    seconds = tuple(record.history.get("seconds", ()))
    return mean_of(seconds[1:] or seconds)
