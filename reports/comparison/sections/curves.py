"""`compare-curves`: how the winners learned."""

from __future__ import annotations

from collections.abc import Sequence

from reports import formatting as text
from reports.analysis.model.curves import band
from reports.comparison.differences import all_same_data
from reports.comparison.figures import RunBand, curves_figure
from reports.comparison.runs import NamedRun
from reports.comparison.sections.words import letters
from reports.sections.search.learning_curves import winner_records
from reports.sections.section import Figure, Section


def build(runs: Sequence[NamedRun]) -> Section:
    """Return the section: the winners' validation accuracy epoch by epoch."""
    curves = [(run, band(winner_records(run.run), "val_accuracy")) for run in runs]
    bands = [RunBand(run.place, run.short, curve) for run, curve in curves if curve is not None]
    without = [run.place for run, curve in curves if curve is None]
    words = "Validation accuracy of the winners: mean and range of their seeds"
    return Section(
        id="compare-curves",
        name="Learning curves",
        title=_title(runs, bands),
        how="A line is the mean over the seeds of a run's winner, the band around it spans the smallest and the largest; without a confirmed winner it is "
        "the best trial so far, one seed. A schedule that ends low is better at its end than before it, so only the ends compare.",
        body={
            "figure": Figure(curves_figure(bands, words), words) if bands else None,
            "why_none": f"No curve has a finite value: {letters(runs, without)}." if without else "",
        },
    )


def _title(runs: Sequence[NamedRun], bands: Sequence[RunBand]) -> str:
    if not bands or not all_same_data(runs):
        return "Learning curves of the winners"
    top = max(bands, key=lambda item: item.band.mean[-1])
    return (
        f"{runs[top.place].letter} ends highest: {text.percent(top.band.mean[-1])}% of its validation images "
        f"after {text.plural(top.band.epochs[-1], 'epoch')}"
    )
