"""`errors`: the misclassified test images, worst first, and correct ones of each class by confidence."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile

from reports import formatting as text
from reports.analysis.model.classification import Scored, scored_winner
from reports.analysis.model.errors import ClassSample, Verdict, mistakes, right_samples
from reports.figures import pictures
from reports.run.run_data import RunData
from reports.sections.section import Picture, Section
from reports.sections.testing import format_why_not_tested, never_tests

MOST_SHOWN = 200


@dataclass(frozen=True)
class Line:
    """A class with its probability as a bar."""

    name: str
    probability: str
    share: str
    """The bar's length in percent."""
    true: bool


@dataclass(frozen=True)
class VerdictView:
    """A misclassified image with its predictions."""

    picture: Picture
    words: str
    lines: tuple[Line, ...]
    seeds: str
    everywhere: bool
    """True if all of the winner's seeds were wrong."""
    label: int
    prediction: int


@dataclass(frozen=True)
class RightView:
    """Correctly classified images of one class."""

    name: str
    surest: tuple[Picture, ...]
    least_sure: tuple[Picture, ...]


def build(run: RunData) -> Section:
    """Return the section: galleries of misclassified and of correct images."""
    scored = scored_winner(run)
    if scored is None or scored.split != "test":
        return _without(run, scored)
    wrong = mistakes(run, scored)
    # The run may have pictures of less bad errors too, as examples of the most frequent pairs.
    pictured = list(takewhile(lambda verdict: verdict.place is not None, wrong))[:MOST_SHOWN]
    samples = right_samples(run, scored)
    return Section(
        id="errors",
        name="Errors",
        part="Model",
        title=_title(wrong),
        how="Worst first: the less probable the model held the true class, the earlier an image stands. Beside each the most "
        "probable classes, the true one in bold with a mark; below, how many of the winner's seeds made the same error. An error "
        "that all seeds make is a hard image, or a wrong label; one that a single seed makes is chance.",
        body={
            "wrong": [_view(run, verdict) for verdict in pictured],
            "left_out": _left_out(len(wrong), len(pictured)),
            "right": [_right(run, sample) for sample in samples],
            "right_words": _format_right(run, samples),
            "why_none": "" if wrong else f"There is no mistake among {text.plural(len(scored.labels), 'test image')}.",
        },
    )


def _without(run: RunData, scored: Scored | None) -> Section:
    left_alone = never_tests(run)
    reason = format_why_not_tested(run) if scored is not None or left_alone else "No configuration has been evaluated"
    return Section(
        id="errors",
        name="Errors",
        part="Model",
        title="No errors to show" if left_alone else "No errors to show yet",
        how="The test images that the winner classified wrongly.",
        body={
            "wrong": [],
            "left_out": "",
            "right": [],
            "right_words": "",
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
    return f"The worst {text.count(shown)} of {text.count(wrong)} are shown: the run kept the pictures of no more."


def _view(run: RunData, verdict: Verdict) -> VerdictView:
    name = run.info.data.class_name
    words = f"test image {verdict.index}: true class {name(verdict.label)}, prediction {name(verdict.prediction)}"
    return VerdictView(
        picture=_picture(run, verdict, words),
        words=f"{name(verdict.label)} → {name(verdict.prediction)}",
        lines=tuple(
            Line(name(index), format_probability(value), f"{100 * value:.1f}", index == verdict.label)
            for index, value in verdict.ranked
        ),
        seeds=_seeds(verdict),
        everywhere=verdict.seeds > 1 and verdict.seeds_wrong == verdict.seeds,
        label=verdict.label,
        prediction=verdict.prediction,
    )


def _seeds(verdict: Verdict) -> str:
    if verdict.seeds < 2:
        return ""
    other = verdict.seeds_wrong - verdict.same_error
    return f"{verdict.same_error} of {verdict.seeds} seeds" + (f", {other} wrong too" if other > 0 else "")


def _picture(run: RunData, verdict: Verdict, words: str, caption: tuple[str, ...] = ()) -> Picture:
    image = run.arrays["images/test"][verdict.place or 0]
    return Picture(pictures.photograph(image), words, caption, *pictures.shown_size(image.shape))


def format_probability(value: float) -> str:
    """Format a probability in percent; only exact values are shown as 0 or 100."""
    if 0 < value < 0.0005:
        return "<0.1"
    return ">99.9" if 0.9995 <= value < 1 else text.percent(value, 1)


def _right(run: RunData, sample: ClassSample) -> RightView:
    name = run.info.data.class_name(sample.label)
    surest, least = (
        tuple(
            _picture(
                run,
                verdict,
                f"test image {verdict.index}: {name}, held for it with {format_probability(verdict.probability)}%",
                (format_probability(verdict.probability),),
            )
            for verdict in half
        )
        for half in (sample.surest, sample.least_sure)
    )
    return RightView(name, surest, least)


def _format_right(run: RunData, samples: tuple[ClassSample, ...]) -> str:
    if not samples:
        return ""
    least = min(verdict.probability for sample in samples for verdict in (*sample.surest, *sample.least_sure))
    classes = run.info.data.classes
    of = "each class" if len(samples) == classes else f"{len(samples)} of {classes} classes"
    return (
        f"Of {of} the surest on the left, the least sure on the right, with the probability in percent. "
        f"The least sure of all was held for what it is with {format_probability(least)}%."
    )
