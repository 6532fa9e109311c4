"""`custom-images`: the winner's accuracy on digits drawn from strokes and on the user's images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reports import formatting as text
from reports.analysis.model.ood_images import (
    Answer,
    DrawnDigits,
    DrawnStyle,
    UserImages,
    drawn_digits,
    user_images,
    was_measured,
)
from reports.figures import pictures
from reports.figures.model.measures import reliability_figure
from reports.run.run_data import Array, RunData
from reports.sections.model.errors import Line, format_probability
from reports.sections.section import Cell, Column, Figure, Picture, Row, Section, Table, number
from tuner.storage.schema.data_set import MNIST_SHAPE

SEEN = 56
"""The least longer side of what the network saw, in CSS pixels."""
_DIGITS = 10
_FEWEST_BINS = 3
"""The fewest bins of a calibration plot; fewer are no more than the calibration error."""


@dataclass(frozen=True)
class AnswerView:
    """An image, the network's input and its prediction."""

    name: str
    original: Picture | None
    seen: Picture | None
    words: str
    lines: tuple[Line, ...]
    warning: str
    wrong: bool


def build(run: RunData) -> Section | None:
    """Return the section: figures, classes, galleries; None if the winner was not evaluated on other images."""
    if not was_measured(run.arrays):
        return None
    drawn, given_images = drawn_digits(run.arrays), user_images(run.arrays)
    return Section(
        id="custom-images",
        name="Other images",
        part="Model",
        title=_title(drawn, given_images),
        how=_how(run),
        body={
            "drawn": _drawn_body(run, drawn),
            "no_drawn": "" if drawn else _why_no_digits(run),
            "may_be_digits": drawn is not None or _are_ten_digits(run),
            "own": _user_body(run, given_images),
            "no_own": "" if given_images else _HOW_TO_GIVE,
        },
    )


def _how(run: RunData) -> str:
    prepared, refused = "each resized as its training images were.", ""
    if _has_digits(run):
        prepared = "each prepared as MNIST's makers prepared theirs: ink found, scaled to 20 pixels, centred by mass."
        refused = (
            " A blank image or one with several digits is not guessed; where its class is known it counts as an error."
        )
    return (
        f"The exported model on images that are not of its data set, {prepared} Beside each image is the input of the network, "
        f"and the most probable classes in percent.{refused} The model was not chosen by any of these images."
    )


def _has_digits(run: RunData) -> bool:
    """Return whether pictures are prepared as MNIST's digits for this run's model."""
    data = run.info.data
    return (data.is_mnist or data.is_digits) and data.input_shape == MNIST_SHAPE


_HOW_TO_GIVE = (
    "No images of your own were given. A search with --images PATH shows here what its winner makes of them; "
    "mnist-tune predict classifies them now."
)


def _why_no_digits(run: RunData) -> str:
    data = run.info.data
    what = (
        "a set of one's own: whether its classes are the digits is not known"
        if _is_user_data(run)
        else "no set of digits"
    )
    return f"No digits were drawn to test it with: {data.name} is {what}."


def _are_ten_digits(run: RunData) -> bool:
    """Return whether the classes have the digits' names, or none."""
    data = run.info.data
    return data.classes == _DIGITS and all(data.class_name(index) == str(index) for index in range(_DIGITS))


def _is_user_data(run: RunData) -> bool:
    return run.info.data.name not in ("mnist", "fashion_mnist", "digits")


def _title(drawn: DrawnDigits | None, given_images: UserImages | None) -> str:
    parts = []
    if drawn is not None:
        parts.append(f"{_share(drawn.accuracy, drawn.interval)} of {text.plural(drawn.n, 'drawn digit')} recognised")
    if given_images is not None:
        parts.append(_user_title(given_images))
    return ", ".join(parts) or "The winner was not tested on other images"


_UPSTROKE = (
    " A 1 with a long upstroke, as many in Europe write it, is rare in MNIST, and models trained on MNIST read some as 7: "
    "how many of those drawn is said above."
)


def _user_title(given_images: UserImages) -> str:
    if given_images.interval is not None:
        return f"{_share(given_images.accuracy, given_images.interval)} of {text.plural(given_images.labelled, 'image')} of your own"
    return f"{given_images.answered} of {text.plural(given_images.n, 'image')} of your own classified"


def _share(accuracy: float | None, interval: tuple[float, float] | None) -> str:
    """Format an accuracy and its interval as in the headline: 99.42% [99.25, 99.55]."""
    bounds = f" [{text.percent(interval[0])}, {text.percent(interval[1])}]" if interval is not None else ""
    return f"{text.percent(accuracy)}%{bounds}"


def _drawn_body(run: RunData, drawn: DrawnDigits | None) -> dict[str, object] | None:
    if drawn is None:
        return None
    wrong = [answer for answer in drawn.shown if answer.wrong]
    right = [answer for answer in drawn.shown if not answer.wrong]
    views = [_view(run, answer, "drawn") for answer in wrong]
    return {
        "facts": _drawn_facts(run, drawn),
        "caveat": "Drawn digits say less than people's: they come from few skeletons, and the preparation was tuned on such strokes. "
        "A model that fails here does not generalise; one that passes need not." + (_UPSTROKE if drawn.styles else ""),
        "classes": _class_table(run, drawn),
        "figures": _figures(drawn),
        "wrong": views,
        "wrong_words": _format_wrong(drawn, len(wrong)),
        "right": [_view(run, answer, "drawn") for answer in right],
    }


def _format_wrong(drawn: DrawnDigits, shown: int) -> str:
    errors = drawn.n - drawn.right
    if not errors:
        return "None was taken for another digit, and none was refused."
    return "Worst first." if shown == errors else f"The worst {shown} of {errors:,}."


def _drawn_facts(run: RunData, drawn: DrawnDigits) -> list[tuple[str, str]]:
    test = run.result.test if run.result is not None else None
    beside = [("On the test set, to compare", _share(test.exported_accuracy, test.interval))] if test else []
    return [
        ("Recognised", _share(drawn.accuracy, drawn.interval)),
        *beside,
        ("Errors", f"{drawn.n - drawn.right:,}, {drawn.refused:,} of them refused"),
        *((f"Drawn with a {style.name}", _format_style(run, style)) for style in drawn.styles),
        ("Log loss", text.loss(drawn.log_loss)),
        ("Calibration error", f"{text.percent(drawn.calibration_error)} %"),
        ("Seed", str(drawn.seed)),
    ]


def _format_style(run: RunData, style: DrawnStyle) -> str:
    """Format the counts of a style: 12 of 17 right, 5 read as 7."""
    others = "".join(f", {count} read as {run.info.data.class_name(index)}" for index, count in style.as_others)
    refused = f", {style.refused} refused" if style.refused else ""
    return f"{style.right} of {style.n} right{others}{refused}"


def _figures(drawn: DrawnDigits) -> list[Figure]:
    if len(drawn.bins) < _FEWEST_BINS:
        return []
    words = f"On drawn digits its probabilities are off by {text.percent(drawn.calibration_error)} points on average"
    return [Figure(reliability_figure(drawn.bins, words, name="drawn-reliability"), words)]


def _class_table(run: RunData, drawn: DrawnDigits) -> Table:
    return Table(
        caption="Each drawn digit: how many are right, with the 95% interval of their share.",
        columns=(
            Column("Digit", number=False),
            Column("Right", "%"),
            Column("95% interval", "%"),
            Column("Errors"),
            Column("Refused", note="taken for blank or for several digits; among the errors"),
            Column("Drawn"),
        ),
        rows=[
            Row(
                (
                    Cell(run.info.data.class_name(digit.index), sort=digit.index),
                    number(digit.right / digit.n, text.percent(digit.right / digit.n)),
                    Cell(f"{text.percent(digit.interval[0])} to {text.percent(digit.interval[1])}"),
                    number(digit.n - digit.right),
                    number(digit.refused),
                    number(digit.n),
                )
            )
            for digit in drawn.classes
        ],
        sortable=True,
    )


def _user_body(run: RunData, given_images: UserImages | None) -> dict[str, object] | None:
    if given_images is None:
        return None
    return {
        "facts": _user_facts(given_images),
        "caveat": _user_caveat(given_images),
        "shown": [_view(run, answer, "own") for answer in given_images.shown],
        "left_out": _left_out(given_images),
    }


def _user_facts(given_images: UserImages) -> list[tuple[str, str]]:
    rows = [("Images", f"{given_images.n:,}"), ("Classified", f"{given_images.answered:,}")]
    if given_images.refused:
        rows.append(("Not classified", f"{given_images.refused:,}"))
    if given_images.unreadable:
        rows.append(("Could not be used", f"{given_images.unreadable:,}"))
    if given_images.interval is not None:
        rows.append(("Right", _share(given_images.accuracy, given_images.interval)))
        rows.append(("With a known class", f"{given_images.labelled:,}"))
    return rows


def _user_caveat(given_images: UserImages) -> str:
    words = []
    if given_images.interval is None:
        words.append("No folder names a class, so the number of right answers is unknown.")
    elif given_images.labelled < given_images.n - given_images.unreadable:
        words.append("The share that is right is of the images whose folder tells their class.")
    return " ".join(words)


def _left_out(given_images: UserImages) -> str:
    if len(given_images.shown) == given_images.n:
        return ""
    return f"{len(given_images.shown)} of {given_images.n:,} are shown: mistakes, images without an answer, then those it was least sure of."


def _view(run: RunData, answer: Answer, group: str) -> AnswerView:
    return AnswerView(
        name=answer.name,
        original=_original(run, answer, group),
        seen=None if answer.prediction is None else _seen(run, answer, group),
        words=_words(run, answer),
        lines=tuple(_lines(run, answer)),
        warning=answer.warning,
        wrong=answer.wrong,
    )


def _words(run: RunData, answer: Answer) -> str:
    """Return the predicted class, after the true one if that is known and different."""
    name = run.info.data.class_name
    if answer.prediction is None:
        return "not classified" if answer.label is None else f"{name(answer.label)} → not classified"
    return (
        f"{name(answer.label)} → {name(answer.prediction)}"
        if answer.label is not None and answer.wrong
        else name(answer.prediction)
    )


def _lines(run: RunData, answer: Answer) -> Iterator[Line]:
    for index, value in answer.ranked:
        yield Line(
            run.info.data.class_name(index), format_probability(value), f"{100 * value:.1f}", index == answer.label
        )


def _original(run: RunData, answer: Answer, group: str) -> Picture | None:
    image: Array = run.arrays[f"custom/{group}/originals"][answer.place]
    sizes = run.arrays.get(f"custom/{group}/sizes")
    if sizes is not None:
        height, width = (int(side) for side in sizes[answer.place])
        image = image[:height, :width]
    return Picture(pictures.colour(image), f"{answer.name}, as it was given") if image.size else None


def _seen(run: RunData, answer: Answer, group: str) -> Picture:
    image = run.arrays[f"custom/{group}/seen"][answer.place]
    size = pictures.small_size(image.shape, SEEN)
    return Picture(pictures.photograph(image), f"{answer.name}, as the network saw it", (), *size)
