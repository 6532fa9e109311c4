"""`learning-curves`: how the winner and the finalists learned."""

from __future__ import annotations

from reports import formatting as text
from reports.analysis.curves import band, curve, early_stops, generalisation_gap
from reports.analysis.trials import best, explored
from reports.figures.curves import LabelledBand, accuracy_curves, loss_curves, rate_curve
from reports.run_data import RunData
from reports.sections.section import Figure, Section, figure
from tuner.records import TrialRecord

_MOST_STOPS = 12


def build(run: RunData) -> Section:
    """Accuracy, loss and learning rate."""
    winner = winner_records(run)
    bands = _bands(run, winner)
    gap = generalisation_gap(winner)
    return Section(
        id="learning-curves",
        name="Learning curves",
        title=_title(run, winner, gap),
        how="A band spans the smallest and the largest of a configuration's seeds, its line is their mean; thin lines are single trials. "
        "Losses are cross-entropies without L2 and label smoothing, so that they compare.",
        body={
            "accuracy": _accuracy(run, winner, bands),
            "others": _others(winner),
            "why_none": "" if bands else "No trial has a curve with a finite value, so there is nothing to draw.",
            "gap": _gap_words(winner, gap),
            "stops": _stop_words(run),
        },
    )


def winner_records(run: RunData) -> tuple[TrialRecord, ...]:
    """The seeds of the winner, else the best trial so far."""
    if run.result is not None and (records := run.of(run.result.trials)):
        return records
    top = best(explored(run.records) or run.records)
    return (top,) if top is not None else ()


def _title(run: RunData, winner: tuple[TrialRecord, ...], gap: float | None) -> str:
    name = "The winner" if run.result is not None else "The best trial so far"
    if not winner or gap is None:
        return "Learning curves"
    if gap <= 0:
        return f"{name} does {text.points(-gap).lstrip('+')} points better on validation images than on (augmented) training images"
    return f"{name} does {text.points(gap).lstrip('+')} points better on training images than on validation images"


def _bands(run: RunData, winner: tuple[TrialRecord, ...]) -> list[LabelledBand]:
    found = []
    if (own := band(winner, "val_accuracy")) is not None:
        found.append(LabelledBand("winner" if run.result is not None else "best so far", own, winner=True))
    for place, finalist in enumerate(run.result.finalists[1:5] if run.result else (), start=2):
        if (other := band(run.of(finalist.trials), "val_accuracy")) is not None:
            found.append(LabelledBand(f"finalist {place}", other, winner=False))
    return found


def _accuracy(run: RunData, winner: tuple[TrialRecord, ...], bands: list[LabelledBand]) -> Figure | None:
    if not bands:
        return None
    seeds = {record.trial for record in winner}
    background = [curve(record, "val_accuracy") for record in run.records if record.trial not in seeds]
    own = [curve(record, "val_accuracy") for record in winner] if len(winner) > 1 else []
    words = (
        f"Validation accuracy of each epoch: {text.plural(len(winner), 'seed')} of the winner, all other trials faint"
    )
    return figure(accuracy_curves([c for c in background if c.epochs], bands, own, words), words)


def _others(winner: tuple[TrialRecord, ...]) -> list[Figure]:
    found = []
    training, validation = band(winner, "loss"), band(winner, "val_loss")
    if training is not None or validation is not None:
        words = "Loss on training and validation images"
        found.append(figure(loss_curves(training, validation, words), words))
    rate = curve(winner[0], "learning_rate") if winner else None
    if rate is not None and rate.epochs and max(rate.values) > 0:
        words = f"Learning rate: {text.short(max(rate.values))} at its highest"
        found.append(figure(rate_curve(rate, words), words))
    return found


def _gap_words(winner: tuple[TrialRecord, ...], gap: float | None) -> str:
    if gap is None:
        return ""
    return (
        f"At the last epoch training accuracy minus validation accuracy is {text.points(gap)} points, mean of {text.plural(len(winner), 'seed')}. "
        "Training accuracy is taken while the weights move, with dropout and augmentation on."
    )


def _stop_words(run: RunData) -> str:
    stops = early_stops(run.records)
    if not stops:
        return ""
    names = [f"{stop.trial} after {stop.epoch} of {stop.planned}" for stop in stops[:_MOST_STOPS]]
    more = f", and {len(stops) - _MOST_STOPS} more" if len(stops) > _MOST_STOPS else ""
    return f"{text.plural(len(stops), 'trial')} stopped early: {', '.join(names)}{more}."
