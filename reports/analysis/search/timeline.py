"""The timeline of a run: each trial's time and worker, the workers' utilisation, and the best score over time.

Times come from the journal: a trial ends at its event's time and started its duration earlier. Pauses, in which no
trial ran (a run that was interrupted and resumed), are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from reports.analysis.search.trials import accuracy_of, explored, scored
from tuner.core.records import TrialRecord

LONGEST_WAIT_S = 60.0
"""The longest time without a running trial that counts as a wait between trials; a longer one is a pause of the run."""


@dataclass(frozen=True)
class TrialSpan:
    """The time that a trial ran on its worker."""

    trial: str
    worker: int
    start_s: float
    """Seconds from the start of the first trial, without the pauses."""
    end_s: float
    epochs: float
    completed: bool


@dataclass(frozen=True)
class Timeline:
    """The trials of a run whose times are known."""

    bars: tuple[TrialSpan, ...]
    """The trials' spans, ordered by their end."""
    workers: tuple[int, ...]
    span_s: float
    """Seconds from the start of the first trial to the end of the last, without the pauses."""
    pauses_s: tuple[float, ...]
    """The length of each pause."""
    utilisation: float | None
    """The fraction of the workers' time in which they trained; None without trials."""


@dataclass(frozen=True)
class Moment:
    """A scored trial and the best score until then."""

    trial: str
    epochs: float
    accuracy: float
    best: float
    time_s: float


def timeline(records: Iterable[TrialRecord]) -> Timeline:
    """Return the timeline of the trials of every phase, without those whose time is unknown."""
    spans = [
        (start, end, record) for record in records if (start := _start(record)) is not None for end in (_end(record),)
    ]
    spans.sort(key=lambda span: (span[1], span[2].trial))
    if not spans:
        return Timeline((), (), 0.0, (), None)
    pauses = _pauses([(start, end) for start, end, _ in spans])
    first = min(start for start, _, _ in spans)

    def placed(moment: float) -> float:
        return moment - first - sum(length for began, length in pauses if began < moment)

    bars = tuple(
        TrialSpan(record.trial, record.worker, placed(start), placed(end), record.epochs, record.completed)
        for start, end, record in spans
    )
    workers = tuple(sorted({bar.worker for bar in bars}))
    span_s = max(bar.end_s for bar in bars)
    return Timeline(bars, workers, span_s, tuple(length for _, length in pauses), _utilisation(bars, workers, span_s))


def best_over_time(records: Sequence[TrialRecord], run_timeline: Timeline) -> tuple[Moment, ...]:
    """Return the scored trials of the search by the time at which they ended, each with the best score until then."""
    usable = {record.trial: record for record in scored(explored(records))}
    moments: list[Moment] = []
    best = -math.inf
    for bar in run_timeline.bars:
        if (record := usable.get(bar.trial)) is not None:
            best = max(best, accuracy_of(record))
            moments.append(Moment(bar.trial, bar.epochs, accuracy_of(record), best, bar.end_s))
    return tuple(moments)


def last_improvement_s(moments: Sequence[Moment]) -> float | None:
    """Return the time at which the best score was reached; None without a scored trial."""
    return next((moment.time_s for moment in moments if moment.best == moments[-1].best), None)


def busy_shares(run_timeline: Timeline, steps: int) -> dict[int, tuple[float, ...]]:
    """Map each worker to the fractions of `steps` equal intervals of time in which it trained."""
    width = run_timeline.span_s / steps if steps else 0.0
    if width <= 0:
        return {}
    shares = {worker: [0.0] * steps for worker in run_timeline.workers}
    for bar in run_timeline.bars:
        for step in range(max(0, int(bar.start_s / width)), min(steps, int(bar.end_s / width) + 1)):
            inside = min(bar.end_s, (step + 1) * width) - max(bar.start_s, step * width)
            shares[bar.worker][step] += max(0.0, inside) / width
    return {worker: tuple(min(1.0, share) for share in values) for worker, values in shares.items()}


def _end(record: TrialRecord) -> float:
    return datetime.fromisoformat(record.finished_at).timestamp()


def _start(record: TrialRecord) -> float | None:
    try:
        return _end(record) - max(0.0, record.duration_s)
    except ValueError:
        return None


def _pauses(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return (start, length) of each pause."""
    pauses: list[tuple[float, float]] = []
    ordered = sorted(spans)
    reached = ordered[0][1]
    for start, end in ordered:
        if start - reached > LONGEST_WAIT_S:
            pauses.append((reached, start - reached))
        reached = max(reached, end)
    return pauses


def _utilisation(bars: Sequence[TrialSpan], workers: Sequence[int], span_s: float) -> float | None:
    if span_s <= 0:
        return None
    return min(1.0, sum(bar.end_s - bar.start_s for bar in bars) / (len(workers) * span_s))
