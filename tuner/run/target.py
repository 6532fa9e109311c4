"""`--target` and `--at-least`: choosing finalists and winner where the smallest good enough model wins. Pure functions of records.

Without a goal `tuner.run.confirmation` chooses.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

from tuner.core.records import ACCURACY_TOLERANCE, VALIDATION_WORDS, Objective, TrialRecord, rank_key
from tuner.options.run_options import RunOptions
from tuner.options.search_options import SearchOptions
from tuner.run.confirmation import Confirmed, longest_distinct
from tuner.stats.intervals import effective_images, lower_bound_of_mean, mean_and_sd
from tuner.stats.pareto_front import pareto_front
from tuner.storage.schema.data_set import DataSet
from tuner.storage.schema.result import SizeUnit, Target


@dataclass(frozen=True)
class Seeds:
    """The conditions of a confirmation's seeds, from which the bound of their mean follows."""

    number: int
    """Planned; a time budget may leave fewer."""
    images: float
    """Validation images of one seed; of a balanced accuracy as many as would tell it as exactly if all classes had equally many."""
    shared: bool
    """True if all seeds validate on the same images."""


@dataclass(frozen=True)
class Goal:
    """A score that the winner should reach with as small a network as it can."""

    accuracy: float
    """The score in [0, 1], in the run's objective."""
    seeds: Seeds | None = None
    """None: the mean over seeds is to reach it (`--target`); else the mean's lower 95% bound (`--at-least`)."""
    unit: SizeUnit = "parameters"
    """The size by which the smallest is found."""

    def size(self, record: TrialRecord) -> int:
        """Return a trial's size in the goal's unit."""
        size = record.flash if self.unit == "flash" else record.parameters
        return record.parameters if size is None else size

    def bound(self, finalist: Confirmed) -> float | None:
        """Return the lower 95% bound of a finalist's mean; None with one seed left, and of a goal by the mean."""
        scores = finalist.scores
        if self.seeds is None or len(scores) < 2:
            return None
        mean, sd = mean_and_sd(scores)
        return lower_bound_of_mean(mean, sd or 0.0, len(scores), self.seeds.images, shared=self.seeds.shared)

    def promises(self, score: float | None) -> bool:
        """Return whether a trial with this score may be expected to reach the goal in the confirmation."""
        if self.seeds is None or score is None:
            return reaches(score, self.accuracy)
        # The spread over seeds is unknown: assume the standard deviation that sampling the images causes.
        sd = math.sqrt(score * (1 - score) / self.seeds.images)
        expected = lower_bound_of_mean(score, sd, self.seeds.number, self.seeds.images, shared=self.seeds.shared)
        return reaches(expected, self.accuracy)

    def to_target(self, winner: Confirmed) -> Target:
        """Return `target` of result.json."""
        by = "mean" if self.seeds is None else "bound"
        return Target(accuracy=self.accuracy, reached=has_reached(winner, self), by=by, unit=self.unit)  # type: ignore[arg-type]


def goal_of(options: RunOptions, data: DataSet) -> Goal | None:
    """Return the goal of a search's options; None without one. `data`: as run.json describes them."""
    if not isinstance(options, SearchOptions):
        return None
    if options.target_share is not None:
        return Goal(options.target_share)
    if options.at_least_share is None:
        return None
    seeds = Seeds(options.confirm_seeds, scored_images(options.objective, data), shared=not data.has_folds)
    return Goal(options.at_least_share, seeds, "parameters" if options.flash_cap is None else "flash")


def scored_images(objective: Objective, data: DataSet) -> float:
    """Return the number of validation images that a score is as certain as: fewer where each class counts alike.

    Args:
        objective: by which the score ranks.
        data: as run.json describes them.
    """
    counts = [count for count in data.class_counts.get("validation", ()) if count]
    return effective_images(counts) if objective == "balanced_accuracy" and counts else data.validation


def reaches(score: float | None, target: float) -> bool:
    """Return whether a score in [0, 1] is at the target or above; None never is."""
    return score is not None and score >= target - ACCURACY_TOLERANCE


def finalists_around(records: Sequence[TrialRecord], top: int, goal: Goal) -> list[TrialRecord]:
    """Return the finalists of a search with a goal, the most promising first.

    They are taken from the Pareto front of score against size, outwards from the goal (`around`). Where the
    front has too few members, the front of all others follows, in the same order, and so on.

    Args:
        records: the search's records.
        top: the largest number of finalists.
        goal: what the winner should reach.
    """
    chosen: list[TrialRecord] = []
    rest = longest_distinct(records)
    while rest and len(chosen) < top:
        layer = front(rest, goal)
        chosen += around(layer, goal)
        rest = [record for record in rest if record not in layer]
    return chosen[:top]


def front(records: Sequence[TrialRecord], goal: Goal) -> list[TrialRecord]:
    """Return the Pareto front of score against size, smallest first; of equals in both the best ranked."""
    return pareto_front(
        records,
        size=goal.size,
        value=lambda record: record.score or 0.0,
        best_first=rank_key,
    )


def around(layer: Sequence[TrialRecord], goal: Goal) -> list[TrialRecord]:
    """Return a front in the order in which its members are worth confirming.

    First the smallest that reached the target in the search (with `--at-least`: by so much that its bound may be expected to); then by turns its next larger neighbour and its next
    smaller one. The larger one comes first, because selection by one seed is biased upwards: the smallest member that
    reached the target often misses it over several seeds, and smaller ones reach it even more rarely. With two
    finalists (the default) the second is the safer one; with five, two are larger and two smaller. Where none reached
    the target, the most accurate comes first.

    Args:
        layer: the result of `front`: rising in size and in score.
        goal: what the winner should reach.
    """
    first = next((place for place, record in enumerate(layer) if goal.promises(record.score)), None)
    if first is None:
        return list(reversed(layer))
    smaller, larger = reversed(layer[:first]), layer[first + 1 :]
    turns = chain.from_iterable(zip_longest(larger, smaller))
    return [layer[first], *(record for record in turns if record is not None)]


def smallest_first(finalists: Sequence[Confirmed], goal: Goal | None) -> list[Confirmed]:
    """Return the finalists, the winner first: those that reach the goal, then the others as without one.

    Of those that reach it the ones with the fewest lost seeds come first; of these the smallest.
    """
    if goal is None:
        return list(finalists)
    reached = sorted((one for one in finalists if has_reached(one, goal)), key=lambda one: _size_key(one, goal))
    others = sorted((one for one in finalists if not has_reached(one, goal)), key=Confirmed.sort_key)
    return [*reached, *others]


def has_reached(finalist: Confirmed, goal: Goal) -> bool:
    """Return whether the mean score over a finalist's seeds, or its lower bound, reaches the goal."""
    return reaches(goal.bound(finalist) if goal.seeds is not None else mean_and_sd(finalist.scores)[0], goal.accuracy)


def format_missed(winner: Confirmed, goal: Goal) -> str:
    """Return the note for the user and the report where no finalist reaches the goal."""
    mean, _ = mean_and_sd(winner.scores)
    words, percent = VALIDATION_WORDS[winner.objective], f"{100 * goal.accuracy:.10g}%"
    if goal.seeds is None:
        return (
            f"No finalist's mean {words} reaches the target of {percent}: the winner, the best of them, "
            f"has {100 * mean:.6g}%. More parameters, epochs or trials may reach it."
        )
    bound = goal.bound(winner)
    shown = "one seed, which has none" if bound is None else f"{100 * bound:.6g}%, of a mean of {100 * mean:.6g}%"
    return (
        f"No finalist's mean {words} is at least {percent} with 95% confidence: the lower bound of the winner, the best of them, is "
        f"{shown}. More seeds make the bound tighter; more parameters, epochs or trials the network better."
    )


def _size_key(finalist: Confirmed, goal: Goal) -> tuple[int, int, tuple[int, float, float, int, str]]:
    return (finalist.failed, goal.size(finalist.records[0]), finalist.sort_key())
