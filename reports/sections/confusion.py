"""`confusion`: which classes are taken for which, and whether the model's probabilities can be believed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from reports import formatting as text
from reports import pictures
from reports.analysis.classification import (
    Pair,
    Scored,
    calibration_error,
    class_scores,
    confused_pairs,
    confusion_counts,
    log_loss,
    reliability,
    row_shares,
    scored_winner,
)
from reports.figures.confusion import confusion_figure
from reports.figures.measures import reliability_figure
from reports.run_data import RunData
from reports.sections.section import Cell, Column, Figure, Picture, Row, Section, Table, figure, number


@dataclass(frozen=True)
class PairView:
    """A confused pair with examples."""

    words: str
    count: str
    pictures: tuple[Picture, ...]


def build(run: RunData) -> Section:
    """Matrices, pairs, classes, calibration."""
    scored = scored_winner(run)
    if scored is None:
        return Section(
            id="confusion",
            name="Confusion",
            title="What it confuses is not known yet",
            how="The matrices are drawn from the winner's predictions.",
            body={
                "scored": False,
                "why_none": "No configuration is confirmed yet, so there are no predictions to count.",
            },
        )
    counts = confusion_counts(scored)
    pairs = confused_pairs(scored)
    bins = reliability(scored)
    return Section(
        id="confusion",
        name="Confusion",
        title=_title(run, scored, pairs),
        how="Rows are true classes, columns predictions. Only mistakes are coloured, on a logarithmic scale; the diagonal is written. "
        "In the calibration plot a mark's area and number are its images: on the dashed line the model is as sure as it is right.",
        body={
            "scored": True,
            "why_none": "",
            "split": _split_words(scored),
            "matrices": _matrices(run, counts),
            "pairs": [_pair_view(run, scored, pair) for pair in pairs],
            "no_pairs": "" if pairs else f"There is no mistake among {text.plural(len(scored.labels), 'image')}.",
            "classes": _class_table(run, counts),
            "reliability": figure(reliability_figure(bins, _calibration_title(scored)), _calibration_title(scored)),
            "scores": _score_words(run, scored),
        },
    )


def _title(run: RunData, scored: Scored, pairs: tuple[Pair, ...]) -> str:
    if not pairs:
        return f"No mistake among {text.plural(len(scored.labels), 'image')}"
    name = run.info.data.class_name
    top = pairs[0]
    return f"A {name(top.true)} taken for a {name(top.predicted)} is the most frequent mistake: {text.plural(top.count, 'time')}"


def _split_words(scored: Scored) -> str:
    images = text.plural(len(scored.labels), f"{scored.split} image")
    if scored.split == "test":
        return f"The exported model on {images}."
    return f"The test set has not been used: these are {images}, on which the winner was chosen, so they flatter it."


def _matrices(run: RunData, counts: npt.NDArray[np.int64]) -> list[Figure]:
    names = [run.info.data.class_name(index) for index in range(len(counts))]
    shares = row_shares(counts)
    wrong = int(counts.sum() - np.trace(counts))
    count_words = f"{text.plural(wrong, 'mistake')} of {text.plural(int(counts.sum()), 'image')}"
    share_words = "Share of each true class, %"
    written = [[str(n) if n else "" for n in row] for row in counts]
    percent = [[_share_text(value) for value in row] for row in shares]
    return [
        figure(
            confusion_figure(counts.astype(np.float64), written, names, count_words, name="confusion-counts"),
            count_words,
        ),
        figure(confusion_figure(shares, percent, names, share_words, name="confusion-shares"), share_words),
    ]


def _share_text(value: float) -> str:
    if not math.isfinite(value) or value == 0:
        return ""
    return f"{100 * value:.1f}" if value >= 0.0995 else f"{100 * value:.2f}".lstrip("0")


def _pair_view(run: RunData, scored: Scored, pair: Pair) -> PairView:
    name = run.info.data.class_name
    return PairView(
        words=f"{name(pair.true)} taken for {name(pair.predicted)}",
        count=text.plural(pair.count, "time"),
        pictures=_examples(run, scored, pair),
    )


def _examples(run: RunData, scored: Scored, pair: Pair) -> tuple[Picture, ...]:
    images, kept = run.arrays.get("images/test"), run.arrays.get("images/test_indices")
    if scored.split != "test" or images is None or kept is None:
        return ()
    place = {int(index): k for k, index in enumerate(kept)}
    name = run.info.data.class_name
    return tuple(
        Picture(
            pictures.grey(images[place[index]]),
            f"test image {index}: a {name(pair.true)} taken for a {name(pair.predicted)}",
            (f"{text.percent(float(scored.probabilities[index, pair.predicted]), 0)}%",),
        )
        for index in pair.indices
        if index in place
    )


def _class_table(run: RunData, counts: npt.NDArray[np.int64]) -> Table:
    return Table(
        caption="Each class against the rest.",
        columns=(
            Column("Class", number=False),
            Column("Precision", "%", note="of what was called this, how much was"),
            Column("Recall", "%", note="of what is this, how much was called so"),
            Column("F1", "%", note="harmonic mean of the two"),
            Column("Images"),
        ),
        rows=[
            Row(
                (
                    Cell(run.info.data.class_name(score.index), sort=score.index),
                    number(score.precision, text.percent(score.precision)),
                    number(score.recall, text.percent(score.recall)),
                    number(score.f1, text.percent(score.f1)),
                    number(score.support),
                )
            )
            for score in class_scores(counts)
        ],
        sortable=True,
    )


def _calibration_title(scored: Scored) -> str:
    confidence = float(scored.probabilities.max(axis=1).mean())
    right = float((scored.predictions == scored.labels).mean())
    gap = abs(confidence - right)
    if gap < 0.00005:
        return "The model is as sure as it is right"
    word = "less" if confidence < right else "more"
    return f"On average the model is {text.percent(gap)} points {word} sure than right"


def _score_words(run: RunData, scored: Scored) -> list[tuple[str, str]]:
    test = run.result.test if run.result is not None and scored.split == "test" else None
    given = test.scores if test is not None else {}
    error, loss = given.get("calibration_error"), given.get("log_loss")
    if error is None:
        error = calibration_error(reliability(scored))
    rows = [
        ("Log loss", text.loss(loss if loss is not None else log_loss(scored))),
        ("Calibration error", f"{text.percent(error)} %"),
    ]
    if test is not None:
        names = {"precision": "Precision, macro", "recall": "Recall, macro", "f1": "F1, macro"}
        rows += [(label, f"{text.percent(given.get(key))} %") for key, label in names.items()]
        rows.append(("AUC-ROC, one against rest", text.loss(given.get("auc_roc"))))
    return rows
