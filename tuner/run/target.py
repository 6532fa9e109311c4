"""`--target`: the smallest model that is good enough. Which finalists are confirmed then, and which of them wins: pure functions of records.

Without a target both are `tuner.run.confirmation`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, zip_longest

from tuner.core.records import ACCURACY_TOLERANCE, TrialRecord, rank_key
from tuner.run.confirmation import Confirmed, longest_distinct
from tuner.stats.intervals import mean_and_sd
from tuner.stats.pareto_front import pareto_front


def reaches(accuracy: float | None, target: float) -> bool:
    """Return whether an accuracy in [0, 1] is at the target or above; that of a failed trial, or none, never is."""
    return accuracy is not None and accuracy >= target - ACCURACY_TOLERANCE


def finalists_around(records: Sequence[TrialRecord], top: int, target: float) -> list[TrialRecord]:
    """The finalists of a search with a target, the most wanted first.

    Taken along the front of accuracy against parameters, outwards from the target (`around`). Where the front has fewer members than are
    wanted, the front of all others follows, in the same order, and so on.

    Args:
        records: of the search.
        top: how many at most.
        target: a validation accuracy in [0, 1].
    """
    found: list[TrialRecord] = []
    rest = longest_distinct(records)
    while rest and len(found) < top:
        layer = front(rest)
        found += around(layer, target)
        rest = [record for record in rest if record not in layer]
    return found[:top]


def front(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Return the records that none with as few parameters or fewer equals in validation accuracy, smallest first; of equals in both the best ranked."""
    return pareto_front(
        records,
        size=lambda record: record.parameters,
        value=lambda record: record.val_accuracy or 0.0,
        best_first=rank_key,
    )


def around(layer: Sequence[TrialRecord], target: float) -> list[TrialRecord]:
    """A front in the order in which its members are worth several seeds.

    First the smallest that reached the target in the search; then by turns its next larger neighbour and its next smaller one. The larger
    one goes first, for the search's one seed flatters: what stands on a front was lucky, and the first of it to pass a bar often falls short
    of it over several seeds, while a smaller one, which not even luck has brought there, makes it seldom. So with two finalists (the default)
    the second is the safer one, and a run seldom ends without an answer; with five two are larger and two smaller, and a smaller one that
    was unlucky is found. Where none reached it: the most accurate first.

    Args:
        layer: as `front` gives it: rising in parameters and in accuracy.
        target: a validation accuracy in [0, 1].
    """
    first = next((place for place, record in enumerate(layer) if reaches(record.val_accuracy, target)), None)
    if first is None:
        return list(reversed(layer))
    smaller, larger = reversed(layer[:first]), layer[first + 1 :]
    turns = chain.from_iterable(zip_longest(larger, smaller))
    return [layer[first], *(record for record in turns if record is not None)]


def smallest_first(found: Sequence[Confirmed], target: float) -> list[Confirmed]:
    """The finalists with the winner first: those that reach the target, then the others as without one.

    Of those that reach it the ones with the fewest lost seeds come first, as always; of these the smallest.
    """
    reached = sorted((one for one in found if has_reached(one, target)), key=_size_key)
    others = sorted((one for one in found if not has_reached(one, target)), key=Confirmed.sort_key)
    return [*reached, *others]


def has_reached(finalist: Confirmed, target: float) -> bool:
    """Return whether the mean validation accuracy over a finalist's seeds reaches the target."""
    mean, _ = mean_and_sd(finalist.scores)
    return reaches(mean, target)


def format_missed(winner: Confirmed, target: float) -> str:
    """Return what the user and the reader of the report are told where no finalist reaches the target."""
    mean, _ = mean_and_sd(winner.scores)
    return (
        f"No finalist's mean validation accuracy reaches the target of {100 * target:.10g}%: the winner, the best of them, "
        f"has {100 * mean:.6g}%. More parameters, epochs or trials may reach it."
    )


def _size_key(finalist: Confirmed) -> tuple[int, int, tuple[int, float, float, int, str]]:
    return (finalist.failed, finalist.records[0].parameters, finalist.sort_key())
