"""Finalists, their confirmation with several seeds, and the winner: pure functions of records."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from tuner.core.records import Configuration, TrialRecord, configuration_key, rank_key
from tuner.stats.intervals import mean_and_sd, median_index
from tuner.storage.schema.result import Finalist, Validation


@dataclass(frozen=True)
class Confirmed:
    """A configuration with the records of its seeds."""

    search_trial: str | None
    """None where it was not found by a search."""
    records: tuple[TrialRecord, ...]
    """Completed ones, by repetition."""
    failed: int

    @property
    def configuration(self) -> Configuration:
        return self.records[0].configuration

    @property
    def scores(self) -> tuple[float, ...]:
        """Validation accuracy of each seed."""
        return tuple(record.val_accuracy or 0.0 for record in self.records)

    @property
    def loss_mean(self) -> float:
        """Mean validation loss over seeds."""
        return mean_and_sd([record.val_loss or 0.0 for record in self.records])[0]

    @property
    def median(self) -> int:
        """The index of the seed with the median validation accuracy."""
        return median_index(self.scores)

    def sort_key(self) -> tuple[int, float, float, int, str]:
        """Best first: fewest lost seeds, then mean validation accuracy, loss, parameters, configuration."""
        mean, _ = mean_and_sd(self.scores)
        first = self.records[0]
        return (self.failed, -mean, self.loss_mean, first.parameters, configuration_key(self.configuration))

    def to_finalist(self) -> Finalist:
        """Return one of `finalists` of result.json."""
        mean, sd = mean_and_sd(self.scores)
        return Finalist(
            configuration=dict(self.configuration),
            parameters=self.records[0].parameters,
            multiply_adds=self.records[0].multiply_adds,
            search_trial=self.search_trial,
            trials=tuple(record.trial for record in self.records),
            validation=Validation(
                n=len(self.records), mean=mean, sd=sd, per_seed=self.scores, loss_mean=self.loss_mean
            ),
        )


@lru_cache(maxsize=64)
def trial_seed(run_seed: int, repetition: int) -> int:
    """The seed of a trial: the same for every configuration, so that they are compared in pairs."""
    digest = hashlib.sha256(f"mnist-tune trial {run_seed} {repetition}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


def finalists(records: Sequence[TrialRecord], top: int) -> list[TrialRecord]:
    """The best distinct configurations among the completed trials of the search that were trained longest."""
    return longest_distinct(records)[:top]


def longest_distinct(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Return each configuration's best of the completed trials of the search that were trained longest, best first."""
    completed = [record for record in records if record.completed and record.phase == "search"]
    longest = max((record.epochs for record in completed), default=0)
    distinct: dict[str, TrialRecord] = {}
    for record in sorted((r for r in completed if r.epochs == longest), key=rank_key):
        distinct.setdefault(configuration_key(record.configuration), record)
    return list(distinct.values())


def confirmed(candidates: Sequence[TrialRecord], records: Sequence[TrialRecord]) -> list[Confirmed]:
    """The finalists that at least one seed of completed, best first.

    Args:
        candidates: the finalists' records of the search.
        records: those of the confirmation.
    """
    found = []
    for candidate in candidates:
        key = configuration_key(candidate.configuration)
        own = [record for record in records if configuration_key(record.configuration) == key]
        completed = tuple(sorted((r for r in own if r.completed), key=lambda record: record.repetition))
        if completed:
            found.append(Confirmed(candidate.trial, completed, len(own) - len(completed)))
    return sorted(found, key=Confirmed.sort_key)
