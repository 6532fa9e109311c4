"""The time that a run still needs, from the durations of its trials by length; None until it is known.

Every trial, short or long, has a fixed cost before its first epoch (building, tracing, compiling). An
estimate by epochs alone, from the first trials of a search, is therefore several times too long. The first estimates from few
trials may be, too: they are shown once they agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuner.core.records import TrialRecord

_FEWEST = 2
"""The fewest trials of a length from which its duration is estimated."""
_LEAST_SHARE = 0.1
"""The share of the planned epochs that has ended before the time left is known."""
_AGREEING = 3
"""The number of estimates, after the last trials, that must agree."""
_AGREEMENT = 1.3
"""The largest ratio between two of their durations of the whole run."""


@dataclass(frozen=True)
class PlannedWork:
    """The work planned in all phases of a run."""

    epochs: float
    trials: int
    lengths: int
    """The number of different lengths of its trials."""


def planned_work(
    epochs: float, trials: int | None, lengths: Sequence[float], options: Mapping[str, Any]
) -> PlannedWork:
    """Return the work of a run: the search's plan and the confirmation that follows it.

    Args:
        epochs: the epochs of all trials, the confirmation's included.
        trials: the trials of the search, or of a training or study.
        lengths: the epochs of each rung; empty where all trials have one length.
        options: the run's options as in run.json, not validated.
    """
    top, seeds = (options.get(name) for name in ("confirm_top", "confirm_seeds"))
    confirmation_trials = (
        (top + bool(options.get("refit"))) * seeds if isinstance(top, int) and isinstance(seeds, int) else 0
    )
    return PlannedWork(epochs, (trials or 0) + confirmation_trials, len(set(lengths)) or 1)


def seconds_left(work: PlannedWork, records: Sequence[TrialRecord], *, running_epochs: float = 0.0) -> float | None:
    """Return the seconds that the rest of the work takes, once it is known.

    It is known when a tenth of the planned epochs has ended, and the estimates after each of the last three trials agree: the
    durations of the whole run that follow from them differ by less than a third.

    Args:
        work: the planned work.
        records: the trials that have ended, of all phases, in the order in which they ended.
        running_epochs: the epochs that the running trials have trained.

    Returns:
        None while it is not known.
    """
    if sum(record.epochs for record in records) < _LEAST_SHARE * work.epochs:
        return None
    totals_s = [_total_seconds(work, records[: len(records) - back]) for back in range(_AGREEING)]
    known_s = [total_s for total_s in totals_s if total_s is not None]
    if len(known_s) < _AGREEING or max(known_s) > _AGREEMENT * min(known_s):
        return None
    return estimate_seconds(work, records, running_epochs=running_epochs)


def _total_seconds(work: PlannedWork, records: Sequence[TrialRecord]) -> float | None:
    """Return the estimated seconds of the whole run, which don't fall as it proceeds."""
    left_s = estimate_seconds(work, records)
    if left_s is None:
        return None
    return left_s + sum(record.duration_s for record in records) / len({record.worker for record in records})


def estimate_seconds(work: PlannedWork, records: Sequence[TrialRecord], *, running_epochs: float = 0.0) -> float | None:
    """Return an estimate of the seconds that the rest of the work takes on the number of workers seen so far.

    Args and order of the records are those of `seconds_left`.

    Returns:
        None while no two trials of a length have completed, or, where several lengths are planned, of two lengths.
    """
    timed = [record for record in records if record.completed and record.epochs_spent and record.duration_s > 0]
    lengths = {record.epochs for record in timed}
    known_lengths = sorted(length for length in lengths if sum(record.epochs == length for record in timed) >= _FEWEST)
    if not work.epochs or len(known_lengths) < min(work.lengths, 2):
        return None
    trial_s, epoch_s = _costs(timed, known_lengths)
    epochs = max(0.0, work.epochs - sum(record.epochs for record in records) - running_epochs)
    trials = max(0, work.trials - len(records))
    return (trials * trial_s + epochs * epoch_s) / len({record.worker for record in timed})


def _costs(timed: Sequence[TrialRecord], known_lengths: Sequence[float]) -> tuple[float, float]:
    """Return the fixed seconds of a trial and the seconds of an epoch."""
    shortest, longest = (
        _means([record for record in timed if record.epochs == known_lengths[place]]) for place in (0, -1)
    )
    epochs, duration_s = longest[0] - shortest[0], longest[1] - shortest[1]
    if epochs <= 0 or duration_s <= 0:  # all of one length, or the longer trials were quicker networks
        return 0.0, longest[1] / longest[0]
    epoch_s = min(duration_s / epochs, shortest[1] / shortest[0])
    return shortest[1] - shortest[0] * epoch_s, epoch_s


def _means(records: Sequence[TrialRecord]) -> tuple[float, float]:
    """Return the mean epochs and the mean duration."""
    count = len(records)
    return sum(record.epochs_spent for record in records) / count, sum(record.duration_s for record in records) / count
