"""`learning-curves`: the learning curves of the winner and the finalists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from reports import formatting as text
from reports.analysis.model.curves import (
    Band,
    Stop,
    background,
    band,
    band_of,
    curve,
    early_stops,
    gap_curve,
    generalisation_gap,
)
from reports.analysis.search.naming import best_label, best_name
from reports.analysis.search.trials import best, explored
from reports.figures.search.curves import (
    LabelledBand,
    Split,
    accuracy_curves,
    gap_curves,
    rate_curves,
    split_accuracy,
    split_loss,
)
from reports.figures.study.effects import short_label
from reports.run.run_data import RunData
from reports.sections.section import Figure, Section
from tuner.core.records import TrialRecord

_MOST_STOPS = 12
_MOST_FINALISTS = 5
_LABEL_LETTERS = 16
_MOST_BEHIND = 150
"""The most trials drawn behind the winner: more would be a grey area, and a larger page."""


@dataclass(frozen=True)
class Confirmed:
    """The seeds of a confirmed configuration, or the best trial so far."""

    label: str
    place: int
    records: tuple[TrialRecord, ...]


def build(run: RunData) -> Section:
    """Return the section: accuracy, loss, gap and learning rate."""
    confirmed = _confirmed(run)
    winner = confirmed[0].records if confirmed else ()
    gap = generalisation_gap(winner)
    accuracy = _accuracy(run, confirmed)
    return Section(
        id="learning-curves",
        name="Learning curves",
        part="Model",
        title=_title(run, winner, gap, accuracy),
        how="A band spans the smallest and the largest of a configuration's seeds, its line is their mean; thin lines are single "
        "trials. Training is dashed, validation is solid. Losses are cross-entropies without L2 and label smoothing, so that they "
        f"compare. The learning rate is that of an epoch's last step.{_format_refit(run)}",
        body={
            "accuracy": accuracy,
            "others": _panels(confirmed),
            "why_none": "" if accuracy else "No trial has a curve with a finite value, so there is nothing to draw.",
            "gap": _format_gap(winner, gap),
            "stops": _format_stop(early_stops(run.records)),
        },
    )


def _format_refit(run: RunData) -> str:
    return " Refits are not drawn: they were trained on the validation images." if run.refits else ""


def winner_records(run: RunData) -> tuple[TrialRecord, ...]:
    """Return the seeds of the winner, else the best trial so far."""
    if run.result is not None and (records := run.of(run.result.trials)):
        return records
    top = best(explored(run.records) or run.records)
    return (top,) if top is not None else ()


def _confirmed(run: RunData) -> list[Confirmed]:
    """Return the winner and the other finalists."""
    winner = winner_records(run)
    if not winner:
        return []
    confirmed = [Confirmed(short_label(best_label(run), _LABEL_LETTERS), 1, winner)]
    others = run.result.finalists[1:_MOST_FINALISTS] if run.result is not None else ()
    return confirmed + [
        Confirmed(f"finalist {place}", place, run.of(finalist.trials)) for place, finalist in enumerate(others, start=2)
    ]


def _title(run: RunData, winner: tuple[TrialRecord, ...], gap: float | None, accuracy: Figure | None) -> str:
    name = best_name(run)
    if gap is None and accuracy is not None:
        return f"How the validation accuracy of {name} rose"
    if not winner or gap is None:
        return (
            "No learning curve was recorded"
            if run.info.status == "completed" and winner
            else "No learning curve to show yet"
        )
    name = name[:1].upper() + name[1:] if name.startswith("the ") else name
    where = "on training images than on validation images"
    if gap <= 0:
        where = "on validation images than on (augmented) training images"
    size = text.percent(abs(gap))
    return (
        f"{name} does as well on training as on validation images"
        if size == "0.00"
        else (f"{name} does {size} points better {where}")
    )


def _bands(confirmed: list[Confirmed], metric: str) -> list[LabelledBand]:
    return _labelled((item, band(item.records, metric)) for item in confirmed)


def _labelled(bands: Iterable[tuple[Confirmed, Band | None]]) -> list[LabelledBand]:
    return [LabelledBand(c.label, seeds, c.place == 1, c.place) for c, seeds in bands if seeds is not None]


def _accuracy(run: RunData, confirmed: list[Confirmed]) -> Figure | None:
    bands = _bands(confirmed, "val_accuracy")
    if not bands or not bands[0].winner:
        return None
    winner = confirmed[0].records
    seeds = {record.trial for record in winner}
    others = [record for record in run.records if record.trial not in seeds]
    behind = background(others, _MOST_BEHIND)
    seed_curves = [curve(record, "val_accuracy") for record in winner] if len(winner) > 1 else []
    words = f"{text.percent(bands[0].band.mean[-1])}% of the validation images at the last epoch{_format_seeds(run, winner)}"
    lines = [curve(record, "val_accuracy") for record in behind]
    svg = accuracy_curves(lines, bands, seed_curves, words, early_stops(run.records))
    return Figure(svg, words, " ".join(filter(None, (_format_behind(len(behind), len(others)), _format_share(behind)))))


def _format_seeds(run: RunData, winner: tuple[TrialRecord, ...]) -> str:
    if run.result is None:
        return ": the best trial so far"
    return f": mean of {len(winner)} seeds of {best_name(run)}" if len(winner) > 1 else f": {best_name(run)}, one seed"


def _format_behind(drawn: int, others: int) -> str:
    if not others:
        return ""
    if drawn == others:
        return f"Grey: the other {text.plural(others, 'trial')}, of all lengths."
    which = "an even sample from the best to the worst" if drawn == _MOST_BEHIND else "those with a finite score"
    return f"Grey: {text.count(drawn)} of the other {text.plural(others, 'trial')}, {which}."


def _format_share(drawn: Sequence[TrialRecord]) -> str:
    return (
        "A trial of less than an epoch is drawn at epoch 1, its only pass." if any(r.share < 1 for r in drawn) else ""
    )


def _panels(confirmed: list[Confirmed]) -> list[Figure]:
    figures = [_split_accuracy(confirmed), _split_loss(confirmed), _gap(confirmed), _rate(confirmed)]
    return [item for item in figures if item is not None]


def _splits(confirmed: list[Confirmed], training: str, validation: str) -> list[Split]:
    splits = [Split(c.label, c.place, band(c.records, training), band(c.records, validation)) for c in confirmed]
    return [split for split in splits if split.training is not None or split.validation is not None]


def _split_accuracy(confirmed: list[Confirmed]) -> Figure | None:
    splits = _splits(confirmed, "accuracy", "val_accuracy")
    if not splits or splits[0].place != 1 or splits[0].training is None:
        return None
    words = f"Accuracy: {_both(splits[0], text.percent, '%')}"
    return Figure(split_accuracy(splits, words), words)


def _split_loss(confirmed: list[Confirmed]) -> Figure | None:
    splits = _splits(confirmed, "loss", "val_loss")
    if not splits or splits[0].place != 1:
        return None
    words = f"Loss: {_both(splits[0], text.loss, '')}"
    return Figure(split_loss(splits, words), words)


def _both(split: Split, shown: Callable[[float], str], unit: str) -> str:
    """Return the last training and validation values as text."""
    ends = [("training", split.training), ("validation", split.validation)]
    return ", ".join(f"{shown(side.mean[-1])}{unit} on {name} images" for name, side in ends if side is not None)


def _gap(confirmed: list[Confirmed]) -> Figure | None:
    bands = _labelled((item, band_of([gap_curve(record) for record in item.records])) for item in confirmed)
    if not bands or not bands[0].winner:
        return None
    words = f"The gap: {_gap_story(bands[0].band)}"
    return Figure(gap_curves(bands, words), words)


def _gap_story(gap_band: Band) -> str:
    first = next((epoch for epoch, gap in zip(gap_band.epochs, gap_band.mean, strict=True) if gap > 0), None)
    end = f"{text.points(gap_band.mean[-1])} points at the last epoch"
    if first is None or gap_band.mean[-1] <= 0:
        return f"{end}, training minus validation accuracy"
    return f"training accuracy is ahead from epoch {first} on, by {end}" if _stays(gap_band, first) else end


def _stays(gap_band: Band, first: int) -> bool:
    return all(gap > 0 for epoch, gap in zip(gap_band.epochs, gap_band.mean, strict=True) if epoch >= first)


def _rate(confirmed: list[Confirmed]) -> Figure | None:
    rates = [item for item in _bands(confirmed, "learning_rate") if max(item.band.mean) > 0]
    if not rates or not rates[0].winner:
        return None
    rate = rates[0].band
    peak = max(rate.mean)
    words = f"Learning rate: {text.short(peak)} at its highest, in epoch {rate.epochs[rate.mean.index(peak)]}"
    return Figure(rate_curves(rates, words), words)


def _format_gap(winner: tuple[TrialRecord, ...], gap: float | None) -> str:
    if gap is None:
        return ""
    seeds = f"mean of {len(winner)} seeds" if len(winner) > 1 else "one seed"
    return (
        f"At the last epoch training accuracy minus validation accuracy is {text.points(gap)} points, {seeds}. "
        "Training accuracy is measured while the weights change, with dropout and augmentation on, "
        "so it is lower than the same weights would have on plain training images."
    )


def _format_stop(stops: tuple[Stop, ...]) -> str:
    if not stops:
        return "Early stopping struck no trial."
    names = [f"{stop.trial} after {stop.epoch} of {stop.planned} epochs" for stop in stops[:_MOST_STOPS]]
    more = f", and {len(stops) - _MOST_STOPS} more" if len(stops) > _MOST_STOPS else ""
    return f"Early stopping ended {text.plural(len(stops), 'trial')}, each at a cross: {', '.join(names)}{more}."
