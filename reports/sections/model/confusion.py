"""`confusion`: the confusion between classes, and the calibration of the model's probabilities."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from reports import formatting as text
from reports.analysis.model.classification import (
    ConfusedPair,
    Scored,
    confused_pairs,
    reliability,
    row_shares,
    scored_winner,
)
from reports.analysis.model.ranking import RankCurve, macro_curve, rank_curves
from reports.figures import pictures
from reports.figures.model.confusion import confusion_figure
from reports.figures.model.measures import reliability_figure
from reports.figures.model.ranking import MOST_DRAWN, Ranked, precision_recall_figure, roc_figure
from reports.run.run_data import RunData
from reports.sections.model.refit import format_exported
from reports.sections.section import Cell, Column, Figure, Picture, Row, Section, Table, number
from reports.sections.testing import format_why_not_tested
from tuner.stats.metrics import calibration_error, class_scores, is_unbalanced, log_loss

_LONGEST_NAME = 24
_MANY = 20
"""The number of classes above which the table scrolls, and the matrix has no numbers."""
_MOST_PAIRS, _MOST_PAIRS_OF_MANY = 10, 24
"""The most confused pairs that are listed; more where the matrix has no numbers."""
_ONE_MATRIX = 30
"""The number of classes above which the matrix is drawn over the whole width, without numbers."""


@dataclass(frozen=True)
class PairView:
    """A confused pair with examples."""

    words: str
    count: str
    pictures: tuple[Picture, ...]


def build(run: RunData) -> Section:
    """Return the section: the matrix, confused pairs, classes, calibration."""
    scored = scored_winner(run)
    if scored is None:
        return Section(
            id="confusion",
            name="Confusion",
            part="Model",
            title="What it confuses is not known yet",
            how="The matrix is drawn from the winner's predictions.",
            body={
                "scored": False,
                "why_none": "No configuration is confirmed yet, so there are no predictions to count.",
            },
        )
    counts = scored.confusion
    many = len(counts) > _MANY
    pairs = confused_pairs(scored, _MOST_PAIRS_OF_MANY if many else _MOST_PAIRS, examples=5)
    bins = reliability(scored)
    curves = rank_curves(scored)
    return Section(
        id="confusion",
        name="Confusion",
        part="Model",
        title=_title(run, scored, pairs),
        how=f"Rows are true classes, columns predictions. Only mistakes are coloured, on a logarithmic scale{_format_cells(len(counts))}. "
        "The two curves compare each class with the rest at every threshold; rates near 100% are spaced by their distance from it, so "
        "that each step is a tenth of the mistakes, and 0 and 100 are at the edge. In the calibration plot a line spans the 95% "
        "interval of a bin's accuracy: where the dashed line crosses it, the model may be well calibrated.",
        body={
            "scored": True,
            "why_none": "",
            "split": _format_split(run, scored),
            "matrix": _matrix(run, counts),
            "pairs": [_pair_view(run, scored, pair) for pair in pairs],
            "no_pairs": "" if pairs else f"There is no mistake among {text.plural(len(scored.labels), 'image')}.",
            "curves": _curve_figures(run, scored, curves),
            "no_curves": "" if curves else "All images are of one class, so there is nothing to rank them against.",
            "many": many,
            "wide": len(counts) > _ONE_MATRIX,
            "classes": _class_table(run, counts, curves),
            "reliability": Figure(reliability_figure(bins, _calibration_title(scored)), _calibration_title(scored)),
            "scores": _format_score(run, scored),
        },
    )


def _format_cells(classes: int) -> str:
    return "; the diagonal is written" if classes <= _MANY else ": the most frequent ones are listed below it"


def _title(run: RunData, scored: Scored, pairs: tuple[ConfusedPair, ...]) -> str:
    if not pairs:
        return f"No mistake among {text.plural(len(scored.labels), 'image')}"
    name = run.info.data.class_name
    top = pairs[0]
    mistake = _format_mistake(name(top.true), name(top.predicted))
    return f"{mistake[:1].upper()}{mistake[1:]} is the most frequent mistake: {text.plural(top.count, 'time')}"


def _format_mistake(true: str, predicted: str) -> str:
    """Name a mistake: "a 4 taken for a 9", "shirt taken for dress"."""
    article = "a " if true.isdigit() and predicted.isdigit() else ""
    return f"{article}{true} taken for {article}{predicted}"


def _format_split(run: RunData, scored: Scored) -> str:
    images = text.plural(len(scored.labels), f"{scored.split} image")
    if scored.split == "test":
        return f"The exported model{format_exported(run)} on {images}."
    refit = " They are the confirmed model's: the exported one was trained on them." if format_exported(run) else ""
    chosen = "" if run.info.kind == "train" else ", on which the winner was chosen, so they flatter it"
    return f"{format_why_not_tested(run)}: these are {images}{chosen}.{refit}"


def _matrix(run: RunData, counts: npt.NDArray[np.int64]) -> Figure:
    """Return the matrix: counts, or shares of each true class where the classes are of unequal size or too many for numbers."""
    names = [run.info.data.class_name(index) for index in range(len(counts))]
    wrong = int(counts.sum() - np.trace(counts))
    words = f"{text.plural(wrong, 'mistake')} of {text.plural(int(counts.sum()), 'image')}"
    if len(counts) > _ONE_MATRIX or is_unbalanced([int(number) for number in counts.sum(axis=1)]):
        shares = row_shares(counts)
        percent = [[_share_text(value) for value in row] for row in shares]
        words = f"{words}, as shares of each true class, %"
        return Figure(confusion_figure(shares, percent, names, words, name="confusion-shares"), words)
    written = [[str(n) if n else "" for n in row] for row in counts]
    drawn = confusion_figure(counts.astype(np.float64), written, names, words, name="confusion-counts")
    return Figure(drawn, words)


def _share_text(value: float) -> str:
    if not math.isfinite(value) or value == 0:
        return ""
    return f"{100 * value:.1f}" if value >= 0.0995 else f"{100 * value:.2f}".lstrip("0")


def _pair_view(run: RunData, scored: Scored, pair: ConfusedPair) -> PairView:
    name = run.info.data.class_name
    return PairView(
        words=f"{name(pair.true)} taken for {name(pair.predicted)}",
        count=text.plural(pair.count, "time"),
        pictures=_examples(run, scored, pair),
    )


def _examples(run: RunData, scored: Scored, pair: ConfusedPair) -> tuple[Picture, ...]:
    images, kept = run.arrays.get("images/test"), run.arrays.get("images/test_indices")
    if scored.split != "test" or images is None or kept is None:
        return ()
    place = {int(index): k for k, index in enumerate(kept)}
    name = run.info.data.class_name
    return tuple(
        Picture(
            pictures.photograph(images[place[index]]),
            f"test image {index}: {_format_mistake(name(pair.true), name(pair.predicted))}",
            (f"{text.percent(float(scored.probabilities[index, pair.predicted]), 0)}%",),
        )
        for index in pair.indices
        if index in place
    )


def _curve_figures(run: RunData, scored: Scored, curves: tuple[RankCurve, ...]) -> list[Figure]:
    """Return ROC and precision-recall curves; empty without two classes."""
    mean = macro_curve(curves)
    if mean is None:
        return []
    by_area = sorted(curves, key=lambda curve: (curve.auc, curve.index or 0))
    by_precision = sorted(curves, key=lambda curve: (curve.average_precision, curve.index or 0))
    members = np.bincount(scored.labels)
    sizes = (int(members.max()), len(scored.labels) - int(members[members > 0].min()))
    roc = f"ROC: mean area {text.area(mean.auc)}, lowest {text.area(by_area[0].auc)}, of class {_name(run, by_area[0])}"
    precision = (
        f"Precision and recall: mean average precision {text.area(mean.average_precision)}, lowest "
        f"{text.area(by_precision[0].average_precision)}, of class {_name(run, by_precision[0])}"
    )
    return [
        Figure(roc_figure(Ranked(by_area, mean, *sizes, _format_curve(run, by_area)), roc), roc),
        Figure(
            precision_recall_figure(Ranked(by_precision, mean, *sizes, _format_curve(run, by_precision)), precision),
            precision,
        ),
    ]


def _format_curve(run: RunData, curves: list[RankCurve]) -> tuple[str, str, str]:
    """Return the labels of the mean, of the worst class and of the others."""
    others = len(curves) - 1
    drawn = min(others, MOST_DRAWN - 1)
    left = f", the worst {drawn} of {others}" if drawn < others else ""
    return (
        f"mean of {text.plural(len(curves), 'class', 'classes')}",
        f"{_name(run, curves[0])}, the lowest",
        f"the others{left}" if others else "",
    )


def _name(run: RunData, curve: RankCurve) -> str:
    name = run.info.data.class_name(curve.index or 0)
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _class_table(run: RunData, counts: npt.NDArray[np.int64], curves: tuple[RankCurve, ...]) -> Table:
    ranked = {curve.index: curve for curve in curves}
    return Table(
        caption="Each class against the rest.",
        columns=(
            Column("Class", number=False),
            Column("Precision", "%", note="of what was called this, how much was"),
            Column("Recall", "%", note="of what is this, how much was called so"),
            Column("F1", "%", note="harmonic mean of the two"),
            Column(
                "AUC", note="area under the ROC curve: how often an image of this class is ranked above another one"
            ),
            Column("Average precision", note="area under the precision-recall curve"),
            Column("Images"),
        ),
        rows=[
            Row(
                (
                    Cell(run.info.data.class_name(score.index), sort=score.index),
                    number(score.precision, text.percent(score.precision)),
                    number(score.recall, text.percent(score.recall)),
                    number(score.f1, text.percent(score.f1)),
                    *_areas(ranked.get(score.index)),
                    number(score.support),
                )
            )
            for score in class_scores(counts)
        ],
        sortable=True,
    )


def _areas(curve: RankCurve | None) -> tuple[Cell, Cell]:
    areas = (curve.auc, curve.average_precision) if curve is not None else (None, None)
    return number(areas[0], text.area(areas[0])), number(areas[1], text.area(areas[1]))


def _calibration_title(scored: Scored) -> str:
    confidence = float(scored.probabilities.max(axis=1).mean())
    right = float((scored.predictions == scored.labels).mean())
    gap = abs(confidence - right)
    if gap < 0.00005:
        return "The model is as sure as it is right"
    word = "less" if confidence < right else "more"
    return f"On average the model is {text.percent(gap)} points {word} sure than right"


def _format_score(run: RunData, scored: Scored) -> list[tuple[str, str]]:
    test = run.result.test if run.result is not None and scored.split == "test" else None
    error, loss = (None, None) if test is None else (test.calibration_error, test.log_loss)
    if error is None:
        error = calibration_error(scored.probabilities, scored.labels)
    rows = [
        ("Log loss", text.loss(loss if loss is not None else log_loss(scored.probabilities, scored.labels))),
        ("Calibration error", f"{text.percent(error)} %"),
    ]
    if test is not None:
        names = {"precision": "Precision, macro", "recall": "Recall, macro", "f1": "F1, macro"}
        rows += [(label, f"{text.percent(getattr(test, key))} %") for key, label in names.items()]
        rows.append(("AUC-ROC, one against rest", text.area(test.auc_roc)))
    return rows
