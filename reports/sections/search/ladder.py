"""The accuracies of a run in the order in which they were measured: best trial, confirmed mean, test; each with its n."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reports import formatting as text
from reports.analysis.search.trials import best, explored
from reports.run.run_data import RunData
from reports.sections.folds import images_words
from tuner.core.records import SCORE_KEYS, SHORT_WORDS, Objective, TrialRecord, configuration_key
from tuner.storage.schema.fields import Interval
from tuner.storage.schema.result import ResultDocument, TestScores


@dataclass(frozen=True)
class Measurement:
    """One accuracy of the ladder."""

    name: str
    value: str
    others: str
    """The other scores (`RunData.other_scores`); "" where the page shows none."""
    of: str
    """The images and the models that the accuracy is of."""


def ladder(run: RunData) -> tuple[Measurement, ...]:
    """Return the measurements of a run with a result, the earliest first; none of other runs."""
    result = run.result
    if result is None:
        return ()
    searched = _searched(run, result) if run.info.kind == "search" else None
    tested = _tested(run, result, result.test) if result.test is not None else None
    return tuple(item for item in (searched, _confirmed(run, result), tested) if item is not None)


def _searched(run: RunData, result: ResultDocument) -> Measurement | None:
    top = best(explored(run.records))
    if top is None:
        return None
    images = text.plural(run.info.data.validation, "validation image")
    other = (
        "" if configuration_key(top.configuration) == configuration_key(result.configuration) else ", not the winner's"
    )
    return Measurement(
        "Best trial of the search",
        f"{text.percent(top.val_accuracy)}%",
        _others(run, {score: text.percent(getattr(top, SCORE_KEYS[score])) for score in run.other_scores}),
        f"{images}, one seed: trial {top.trial}{other}",
    )


def _confirmed(run: RunData, result: ResultDocument) -> Measurement:
    validation = result.validation
    scores = {score: validation.scores(score) for score in run.other_scores}
    return Measurement(
        "Confirmed" if run.info.kind == "search" else "Validation",
        _spread(validation.mean, validation.sd),
        _others(run, {score: text.spread(one.mean, one.sd) for score, one in scores.items() if one is not None}),
        f"{images_words(run)}, {_seeds(validation.n)}, {_epochs(run, result)}",
    )


def _tested(run: RunData, result: ResultDocument, test: TestScores) -> Measurement:
    value = test.exported_accuracy if test.exported_accuracy is not None else test.accuracy
    model = "the refitted model" if result.exported.refitted else "the exported model"
    if test.exported_accuracy is None:
        model = _seeds(len(test.per_seed))
    return Measurement(
        "Test",
        f"{text.percent(value)}%",
        _others(run, _tested_others(test), _intervals(test)),
        f"{text.plural(test.n, 'test image')}, {model}",
    )


def _tested_others(test: TestScores) -> dict[Objective, str]:
    values: dict[Objective, str] = {"balanced_accuracy": text.percent(test.exported_balanced_accuracy)}
    if test.int8 is not None:
        values["int8"] = text.percent(test.int8.accuracy)
    return values


def _intervals(test: TestScores) -> dict[Objective, Interval]:
    int8 = None if test.int8 is None else test.int8.interval
    intervals: dict[Objective, Interval | None] = {"balanced_accuracy": test.balanced_interval, "int8": int8}
    return {score: interval for score, interval in intervals.items() if interval is not None}


def _others(run: RunData, values: Mapping[Objective, str], bounds: Mapping[Objective, Interval] | None = None) -> str:
    """Return the other scores with their intervals: "81.23% balanced [80.12–86.78]"."""
    shown = [score for score in run.other_scores if values.get(score, text.MISSING) != text.MISSING]
    return ", ".join(f"{values[score]}% {SHORT_WORDS[score]}{_between((bounds or {}).get(score))}" for score in shown)


def _between(bounds: Interval | None) -> str:
    return "" if bounds is None else f" [{text.between(bounds)}]"


def _spread(mean: float | None, sd: float | None) -> str:
    return f"{text.percent(mean)}%" if not sd else f"{text.percent(mean)}% ± {text.percent(sd)}"


def _seeds(count: int) -> str:
    return f"mean of {count} seeds" if count > 1 else "one seed"


def _epochs(run: RunData, result: ResultDocument) -> str:
    trained: tuple[TrialRecord, ...] = run.of(result.trials)
    return text.plural(trained[0].epochs if trained else result.epochs, "epoch")
