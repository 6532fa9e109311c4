"""`robustness`: accuracy on test images made worse."""

from __future__ import annotations

from reports import formatting as text
from reports.analysis.robustness import Degradation, degradations
from reports.figures.measures import robustness_figure
from reports.run_data import RunData
from reports.sections.section import Section, figure


def build(run: RunData) -> Section:
    """One small plot for each way."""
    found = degradations(run)
    every = [value for item in found for value in item.accuracy]
    return Section(
        id="robustness",
        name="Robustness",
        title=_title(found),
        how="The exported model on the test images, made worse step by step; the leftmost mark is the untouched set. The scale of the "
        "accuracy, in percent, is the same in all plots.",
        body={
            "figures": [figure(robustness_figure(item, every, _words(item)), _words(item)) for item in found],
            "why_none": ""
            if found
            else "The run has not measured this: it is done when the winner meets the test set.",
        },
    )


def _title(found: tuple[Degradation, ...]) -> str:
    if not found:
        return "Robustness was not measured"
    worst = max(found, key=lambda item: item.loss)
    return f"{worst.kind.capitalize()} harms most: {text.points(-worst.loss)} points at {worst.levels[-1]:.3g} {worst.unit}"


def _words(item: Degradation) -> str:
    return f"{item.kind.capitalize()}: {text.percent(item.accuracy[0])}% to {text.percent(item.accuracy[-1])}%"
