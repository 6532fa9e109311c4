"""`errors`: the misclassified test images, worst first, and right ones that it was least sure of."""

from __future__ import annotations

from dataclasses import dataclass

from reports import formatting as text
from reports import pictures
from reports.analysis.classification import Scored, scored_winner
from reports.analysis.errors import Verdict, least_sure, mistakes
from reports.run_data import RunData
from reports.sections.section import Picture, Section

MOST_SHOWN = 200


@dataclass(frozen=True)
class VerdictView:
    """An image with what was said of it."""

    picture: Picture
    label: str
    prediction: str
    probability: str
    label_probability: str
    seeds: str


def build(run: RunData) -> Section:
    """Galleries of wrong and of barely right images."""
    scored = scored_winner(run)
    if scored is None or scored.split != "test":
        return _without(scored)
    wrong = mistakes(run, scored)
    pictured = [verdict for verdict in wrong if verdict.place is not None][:MOST_SHOWN]
    return Section(
        id="errors",
        name="Errors",
        title=_title(wrong),
        how="Worst first: the less probable the model held the true class, the earlier an image stands. Under each: true class → "
        "prediction, with the probability of each, and how many of the winner's seeds were wrong too.",
        body={
            "wrong": [_view(run, verdict) for verdict in pictured],
            "left_out": _left_out(len(wrong), len(pictured)),
            "right": [_view(run, verdict) for verdict in least_sure(run, scored)],
            "why_none": "" if wrong else f"There is no mistake among {text.plural(len(scored.labels), 'test image')}.",
        },
    )


def _without(scored: Scored | None) -> Section:
    reason = "The test set has not been used" if scored is not None else "No configuration has been evaluated"
    return Section(
        id="errors",
        name="Errors",
        title="No errors to show yet",
        how="The test images that the winner got wrong.",
        body={
            "wrong": [],
            "left_out": "",
            "right": [],
            "why_none": f"{reason}, so there are no misclassified test images.",
        },
    )


def _title(wrong: tuple[Verdict, ...]) -> str:
    if not wrong:
        return "No test image was misclassified"
    several = wrong[0].seeds > 1
    everywhere = sum(verdict.seeds_wrong == verdict.seeds for verdict in wrong)
    tail = f"; all {wrong[0].seeds} seeds of the winner get {everywhere} of them wrong" if several else ""
    return f"{text.plural(len(wrong), 'test image')} misclassified{tail}"


def _left_out(wrong: int, shown: int) -> str:
    if shown == wrong:
        return ""
    return f"{text.count(shown)} of {text.count(wrong)} are shown: the run kept the pictures of no more."


def _view(run: RunData, verdict: Verdict) -> VerdictView:
    name = run.info.data.class_name
    words = f"test image {verdict.index}: true class {name(verdict.label)}, prediction {name(verdict.prediction)}"
    return VerdictView(
        picture=Picture(pictures.grey(run.arrays["images/test"][verdict.place or 0]), words),
        label=name(verdict.label),
        prediction=name(verdict.prediction),
        probability=f"{text.percent(verdict.probability, 1)}%",
        label_probability=f"{text.percent(verdict.label_probability, 1)}%",
        seeds=f"{verdict.seeds_wrong} of {verdict.seeds} seeds wrong" if verdict.seeds > 1 else "",
    )
