"""Differences between the winners of several runs, on the same test images and over the same seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal, TypeAlias

import numpy as np

from reports.analysis.model.classification import Scored, scored_winner
from reports.analysis.search.trials import scored
from reports.comparison.runs import NamedRun
from reports.run.run_data import RunData
from tuner.core.records import TrialRecord
from tuner.stats.intervals import mean_and_sd, student_interval
from tuner.stats.paired_tests import Counts, counts_of, holm, mcnemar, newcombe_interval

Obstacle: TypeAlias = Literal["missing", "data", "labels", "seeds"]
"""The reason why two runs do not compare: one lacks the scores, or their data, images (or order), or seeds differ."""


@dataclass(frozen=True)
class ImagePair:
    """Two exported models on the same test images."""

    first: int
    """Places of the two runs."""
    second: int
    counts: Counts | None = None
    interval: tuple[float, float] | None = None
    """The interval of the difference in accuracy, first minus second."""
    p: float | None = None
    p_corrected: float | None = None
    """Holm's, over the pairs that could be tested."""
    obstacle: Obstacle | None = None
    missing: tuple[int, ...] = ()
    """Places of the runs that lack test figures."""


@dataclass(frozen=True)
class SeedDifferences:
    """The differences first minus second, seed by seed, for one seed or more."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        return mean_and_sd(self.values)[0]

    @property
    def sd(self) -> float | None:
        """None with one seed."""
        return mean_and_sd(self.values)[1]

    @property
    def interval(self) -> tuple[float, float] | None:
        """95%, Student 1908; None with one seed."""
        return student_interval(self.values)


@dataclass(frozen=True)
class SeedPair:
    """Two winners over the seeds that both were trained with."""

    first: int
    second: int
    differences: SeedDifferences | None = None
    repetitions: tuple[int, ...] = ()
    obstacle: Obstacle | None = None
    missing: tuple[int, ...] = ()


def image_pairs(runs: Sequence[NamedRun]) -> tuple[ImagePair, ...]:
    """Return every pair of runs in the order given, with Holm's correction over those that compare."""
    models = {run.place: _on_test(run.run) for run in runs}
    pairs = [_image_pair(a, b, models[a.place], models[b.place]) for a, b in combinations(runs, 2)]
    corrected = holm([pair.p for pair in pairs])
    return tuple(replace(pair, p_corrected=p) for pair, p in zip(pairs, corrected, strict=True))


def seed_pairs(runs: Sequence[NamedRun]) -> tuple[SeedPair, ...]:
    """Return every pair of runs, paired over repetitions that were trained with the same seed."""
    return tuple(_seed_pair(a, b) for a, b in combinations(runs, 2))


def same_data(first: RunData, second: RunData) -> bool:
    """Return True if both runs have the same data, by hash."""
    one, other = first.info.data, second.info.data
    return bool(one.sha256) and one.sha256 == other.sha256 and one.classes == other.classes


def all_same_data(runs: Sequence[NamedRun]) -> bool:
    """Return True if all runs have the same data."""
    return all(same_data(runs[0].run, run.run) for run in runs[1:])


def winner_trials(run: RunData) -> tuple[TrialRecord, ...]:
    """Return the scored seeds of a confirmed winner."""
    return scored(run.of(run.result.trials)) if run.result is not None else ()


def _on_test(run: RunData) -> Scored | None:
    winner = scored_winner(run)
    return winner if winner is not None and winner.split == "test" else None


def _image_pair(a: NamedRun, b: NamedRun, one: Scored | None, other: Scored | None) -> ImagePair:
    blank = ImagePair(a.place, b.place)
    if one is None or other is None:
        lacking = tuple(run.place for run, scores in ((a, one), (b, other)) if scores is None)
        return replace(blank, obstacle="missing", missing=lacking)
    if not same_data(a.run, b.run):
        return replace(blank, obstacle="data")
    if not np.array_equal(one.labels, other.labels):
        return replace(blank, obstacle="labels")
    counts = counts_of(one.predictions == one.labels, other.predictions == other.labels)
    return replace(blank, counts=counts, interval=newcombe_interval(counts), p=mcnemar(counts))


def _seed_pair(a: NamedRun, b: NamedRun) -> SeedPair:
    blank = SeedPair(a.place, b.place)
    one, other = winner_trials(a.run), winner_trials(b.run)
    if not one or not other:
        lacking = tuple(run.place for run, trials in ((a, one), (b, other)) if not trials)
        return replace(blank, obstacle="missing", missing=lacking)
    if not same_data(a.run, b.run):
        return replace(blank, obstacle="data")
    if not _same_validation(a.run, b.run):
        return replace(blank, obstacle="labels")
    partners = {(record.repetition, record.seed): record for record in other}
    met = [(record, partners.get((record.repetition, record.seed))) for record in one]
    same_seed = [(record, partner) for record, partner in met if partner is not None]
    # A fold is a part of the training images, so these must be the same too.
    same_train = a.run.info.data.train == b.run.info.data.train
    pairs = [(x, y) for x, y in same_seed if x.fold == y.fold and (same_train or x.fold == 0)]
    if not pairs:
        return replace(blank, obstacle="labels" if same_seed else "seeds")
    values = tuple((record.val_accuracy or 0.0) - (partner.val_accuracy or 0.0) for record, partner in pairs)
    repetitions = tuple(record.repetition for record, _ in pairs)
    return replace(blank, differences=SeedDifferences(values), repetitions=repetitions)


def _same_validation(a: RunData, b: RunData) -> bool:
    """Return True if the validation images are the same: the run's seed decides the split."""
    one, other = a.arrays.get("validation/labels"), b.arrays.get("validation/labels")
    if one is not None and other is not None:
        return np.array_equal(one, other)
    return a.info.data.validation == b.info.data.validation and a.info.seed == b.info.seed
