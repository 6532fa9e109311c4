"""The data of the slider that moves the cap: which trial is the best below any cap. The page's script only picks a step.

Below every cap the best of the longest trials is one of the front's, so the front is all that the slider needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from reports import formatting as text
from reports.analysis.search.pareto import Front, Measure, SizePoint, size_front, size_of
from reports.figures.search.pareto import size_limits
from reports.run.run_data import RunData
from tuner.core.records import configuration_key
from tuner.stats.intervals import wilson_interval
from tuner.storage.schema.result import Finalist

MEASURES: Mapping[Measure, tuple[str, str]] = {
    "parameters": ("parameters", "--max-params"),
    "multiply_adds": ("multiply-adds", "--max-macs"),
    "ram": ("bytes of RAM", "--max-ram"),
    "flash": ("bytes of flash", "--max-flash"),
}
"""Measure → its noun, and the option of a search that caps it."""

_SEEDS = 3
"""The seeds of a confirmation where the run's options name none."""
_OF_THE_FOLDER = ("--out", "--resume", "--force")
"""Options that belong to the run's own folder, not to another search."""


def cap_data(run: RunData, figures: Mapping[Measure, tuple[str, int]]) -> dict[str, object]:
    """Return the slider's measures, each with the front's steps as text; {} of other runs than searches, and where no front has two steps.

    Args:
        run: of any kind.
        figures: measure → name and width of the figure that shows it.
    """
    if run.info.kind != "search":
        return {}
    fronts = {measure: size_front(run, measure) for measure in MEASURES}
    measures = [_measure(run, front, *figures[measure]) for measure, front in fronts.items() if len(front.front) > 1]
    if not measures:
        return {}
    return {"measures": measures, "seeds": _seeds(run), "validation": text.count(run.info.data.validation)}


def _measure(run: RunData, front: Front, figure: str, width: int) -> dict[str, object]:
    limits = size_limits(front)
    noun, option = MEASURES[front.measure]
    return {
        "key": front.measure,
        "noun": noun,
        "figure": figure,
        "cap": front.cap,
        "epochs": text.plural(front.epochs or 0, "epoch"),
        # The smallest and the largest value, whether the axis is logarithmic, and the pixels of its two ends.
        "axis": [limits.low, limits.high, limits.log, *limits.pixels(width)],
        "search": _search(run, option),
        "steps": [_step(run, front, point) for point in front.front],
    }


def _step(run: RunData, front: Front, point: SizePoint) -> dict[str, object]:
    top = front.front[-1]
    return {
        "trial": point.trial,
        "size": size_of(point, front.measure),
        "score": _format_score(run, point.accuracy),
        "cost": "" if point is top else _cost(front, point, top),
        "confirmed": _confirmed(run, point),
    }


def _format_score(run: RunData, accuracy: float) -> str:
    bounds = _interval(run, accuracy)
    return f"{text.percent(accuracy)}%{f' [{text.between(bounds)}]' if bounds is not None else ''}"


def _interval(run: RunData, accuracy: float) -> tuple[float, float] | None:
    """Return Wilson's interval of an accuracy; None for other scores: a balanced accuracy is not a proportion, and int8 accuracies have none here."""
    images = run.info.data.validation
    if run.objective != "val_accuracy" or images < 1:
        return None
    return wilson_interval(round(accuracy * images), images)


def _cost(front: Front, point: SizePoint, top: SizePoint) -> str:
    lost = text.points(top.accuracy - point.accuracy).lstrip("+")
    size, largest = size_of(point, front.measure) or 0, size_of(top, front.measure) or 1
    return f"{lost} points below trial {top.trial}, with {text.percent(size / largest, 0)}% of its {MEASURES[front.measure][0]}"


def _confirmed(run: RunData, point: SizePoint) -> str:
    """Return the confirmed score of the trial's configuration; "" for one that was not confirmed."""
    finalist = _finalist(run, point)
    scores = finalist.validation.scores(run.objective) if finalist is not None else None
    if scores is None or not scores.per_seed:
        return ""
    spread = text.spread(scores.mean, scores.sd)
    return f"{spread}%, {f'mean of {len(scores.per_seed)} seeds' if len(scores.per_seed) > 1 else 'one seed'}"


def _finalist(run: RunData, point: SizePoint) -> Finalist | None:
    record = run.record(point.trial)
    if run.result is None or record is None:
        return None
    key = configuration_key(record.configuration)
    return next((item for item in run.result.finalists if configuration_key(item.configuration) == key), None)


def _seeds(run: RunData) -> int:
    given = run.info.options.get("confirm_seeds")
    return given if isinstance(given, int) and not isinstance(given, bool) and given > 0 else _SEEDS


def _search(run: RunData, option: str) -> str:
    """Return the run's own command without its folder and its cap, to which the slider adds a cap; "" of other commands."""
    words = list(run.info.command)
    if words[:1] != ["mnist-tune"] or "--space" not in words or any("\n" in word for word in words):
        return ""
    kept = [words[0]]
    for before, word in pairwise(words):
        name = word.partition("=")[0]
        if name in (*_OF_THE_FOLDER, option) or (before in ("--out", option) and not word.startswith("--")):
            continue
        kept.append(word)
    return f"{text.command(kept)} {option}"
