"""One setting at a time against the score: the six that matter most are shown, the others are folded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports import formatting as text
from reports.analysis.search.slices import Slice, effect
from reports.analysis.search.trials import EpochGroup, accuracy_of
from reports.figures.search.slices import slice_figure
from reports.sections.section import Figure
from tuner.core.records import Configuration

MOST_SHOWN = 6


@dataclass(frozen=True)
class SliceFigures:
    """The figures that are shown and those that are folded."""

    shown: list[Figure]
    folded: list[Figure]


def slice_figures(
    drawn_slices: Sequence[Slice],
    groups: Sequence[EpochGroup],
    strongest: Sequence[str],
    winner: Configuration,
    score_name: str,
) -> SliceFigures:
    """Return a figure a setting.

    Args:
        drawn_slices: in the space's order.
        groups: the trials by length.
        strongest: settings by importance, where that is known.
        winner: the winner's configuration, whose value is marked; its settings come before those that it lacks.
        score_name: of the run.
    """
    accuracies = shown_scores(groups)
    ordered = sorted(drawn_slices, key=lambda item: _rank(item, groups, strongest, winner))
    figures = [
        Figure(
            slice_figure(
                item, accuracies, place, f"{score_name.capitalize()} against {item.name}", winner.get(item.name)
            ),
            item.name,
            item.description,
        )
        for place, item in enumerate(ordered)
    ]
    return SliceFigures(figures[:MOST_SHOWN], figures[MOST_SHOWN:])


def format_folded(slices: SliceFigures) -> str:
    """Return the line that unfolds the other settings; "" where there are none."""
    return f"{text.plural(len(slices.folded), 'more setting')}" if slices.folded else ""


def shown_scores(groups: Sequence[EpochGroup]) -> list[float]:
    """Return the accuracies that a scale must include: all but the worst tenth."""
    scores = sorted(accuracy_of(record) for group in groups for record in group.records)
    return scores[len(scores) // 10 if len(scores) >= 10 else 0 :]


def _rank(
    item: Slice, groups: Sequence[EpochGroup], strongest: Sequence[str], winner: Configuration
) -> tuple[bool, float]:
    """Return the sort key: settings that the winner has first, then by importance, or else by the effect on the score."""
    lacking = bool(winner) and item.name not in winner
    if strongest:
        return lacking, float(strongest.index(item.name) if item.name in strongest else len(strongest))
    largest = max(range(len(groups)), key=lambda place: len(groups[place].records))
    return lacking, -effect(item, largest)
