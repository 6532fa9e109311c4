"""Finalists, their confirmation with several seeds, and the winner: pure functions of records."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from tuner.core.records import SCORE_KEYS, Configuration, Objective, TrialRecord, configuration_key, rank_key
from tuner.stats.intervals import mean_and_sd, median_index
from tuner.storage.schema.result import Finalist, SeedScores, Validation


@dataclass(frozen=True)
class Confirmed:
    """A configuration with the records of its seeds."""

    search_trial: str | None
    """The trial of the search that it comes from; None outside a search."""
    records: tuple[TrialRecord, ...]
    """Completed records, by repetition."""
    failed: int

    @property
    def configuration(self) -> Configuration:
        return self.records[0].configuration

    @property
    def scores(self) -> tuple[float, ...]:
        """Score of each seed: the objective's value on validation images."""
        return tuple(record.score or 0.0 for record in self.records)

    @property
    def objective(self) -> Objective:
        """The objective of the scores."""
        return self.records[0].objective

    @property
    def loss_mean(self) -> float:
        """Mean validation loss over seeds."""
        return mean_and_sd([record.val_loss or 0.0 for record in self.records])[0]

    @property
    def median(self) -> int:
        """The index of the seed with the median score."""
        return median_index(self.scores)

    def sort_key(self) -> tuple[int, float, float, int, str]:
        """Return the key that sorts best first: fewest lost seeds, mean score, loss, parameters, configuration."""
        mean, _ = mean_and_sd(self.scores)
        first = self.records[0]
        return (self.failed, -mean, self.loss_mean, first.parameters, configuration_key(self.configuration))

    def to_finalist(self) -> Finalist:
        """Return one of `finalists` of result.json."""
        accuracies = tuple(record.val_accuracy or 0.0 for record in self.records)
        mean, sd = mean_and_sd(accuracies)
        return Finalist(
            configuration=dict(self.configuration),
            parameters=self.records[0].parameters,
            multiply_adds=self.records[0].multiply_adds,
            ram=self.records[0].ram,
            flash=self.records[0].flash,
            search_trial=self.search_trial,
            trials=tuple(record.trial for record in self.records),
            validation=Validation(
                n=len(self.records),
                mean=mean,
                sd=sd,
                per_seed=accuracies,
                loss_mean=self.loss_mean,
                balanced_accuracy=self._seed_scores("balanced_accuracy"),
                int8_accuracy=self._seed_scores("int8"),
            ),
        )

    def _seed_scores(self, objective: Objective) -> SeedScores | None:
        measured = (getattr(record, SCORE_KEYS[objective]) for record in self.records)
        values = tuple(value for value in measured if value is not None)
        if len(values) < len(self.records):
            return None
        mean, sd = mean_and_sd(values)
        return SeedScores(mean=mean, sd=sd, per_seed=values)


@lru_cache(maxsize=64)
def trial_seed(run_seed: int, repetition: int) -> int:
    """Return the seed of a trial: the same for every configuration, so that they are compared in pairs."""
    digest = hashlib.sha256(f"mnist-tune trial {run_seed} {repetition}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


def finalists(records: Sequence[TrialRecord], top: int) -> list[TrialRecord]:
    """Return the best distinct configurations among the completed trials of the search that were trained longest."""
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
    """Return the finalists with at least one completed seed, best first.

    Args:
        candidates: the finalists' records of the search.
        records: the records of the confirmation.
    """
    confirmed_finalists = []
    for candidate in candidates:
        key = configuration_key(candidate.configuration)
        seed_records = [record for record in records if configuration_key(record.configuration) == key]
        completed = tuple(sorted((r for r in seed_records if r.completed), key=lambda record: record.repetition))
        if completed:
            confirmed_finalists.append(Confirmed(candidate.trial, completed, len(seed_records) - len(completed)))
    return sorted(confirmed_finalists, key=Confirmed.sort_key)
