"""How long a run may yet take: from what trials of each length took. None until that is known.

A trial costs something before its first epoch (building, tracing, compiling), which short ones pay as long ones do: an estimate by epochs
alone, from the first trials of a search, is several times too long.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuner.core.records import TrialRecord

_FEWEST = 2
"""Trials of a length before anything is said of it."""


@dataclass(frozen=True)
class PlannedWork:
    """What all phases of a run mean to train."""

    epochs: float
    trials: int
    lengths: int
    """How many different numbers of epochs its trials have."""


def planned_work(
    epochs: float, trials: int | None, lengths: Sequence[float], options: Mapping[str, Any]
) -> PlannedWork:
    """Return the work of a run: its plan is of the search, which its confirmation follows.

    Args:
        epochs: of all trials, the confirmation's too.
        trials: of the search, or of a training or study.
        lengths: epochs of each rung; empty where all trials are of one length.
        options: of the run, as in run.json: whatever a stranger's file holds.
    """
    top, seeds = (options.get(name) for name in ("confirm_top", "confirm_seeds"))
    again = (top + bool(options.get("refit"))) * seeds if isinstance(top, int) and isinstance(seeds, int) else 0
    return PlannedWork(epochs, (trials or 0) + again, len(set(lengths)) or 1)


def seconds_left(work: PlannedWork, records: Sequence[TrialRecord], *, running_epochs: float = 0.0) -> float | None:
    """Return the seconds that the rest of the work takes on as many workers as were seen.

    Args:
        work: what is planned.
        records: the trials that have ended, of all phases.
        running_epochs: what the trials that are running have trained.

    Returns:
        None while no two trials of a length have completed, or, where several lengths are planned, of two lengths.
    """
    timed = [record for record in records if record.completed and record.epochs_spent and record.duration_s > 0]
    lengths = {record.epochs for record in timed}
    known = sorted(length for length in lengths if sum(record.epochs == length for record in timed) >= _FEWEST)
    if not work.epochs or len(known) < min(work.lengths, 2):
        return None
    trial_s, epoch_s = _costs(timed, known)
    epochs = max(0.0, work.epochs - sum(record.epochs for record in records) - running_epochs)
    trials = max(0, work.trials - len(records))
    return (trials * trial_s + epochs * epoch_s) / len({record.worker for record in timed})


def _costs(timed: Sequence[TrialRecord], known: Sequence[float]) -> tuple[float, float]:
    """Return the seconds that a trial takes besides its epochs, and those of an epoch."""
    shortest, longest = (_means([record for record in timed if record.epochs == known[place]]) for place in (0, -1))
    epochs, duration_s = longest[0] - shortest[0], longest[1] - shortest[1]
    if epochs <= 0 or duration_s <= 0:  # one length, or long trials of networks that are quicker
        return 0.0, longest[1] / longest[0]
    epoch_s = min(duration_s / epochs, shortest[1] / shortest[0])
    return shortest[1] - shortest[0] * epoch_s, epoch_s


def _means(records: Sequence[TrialRecord]) -> tuple[float, float]:
    """Return the mean epochs and the mean duration."""
    count = len(records)
    return sum(record.epochs_spent for record in records) / count, sum(record.duration_s for record in records) / count
