"""The page of `mnist-tune predict --html`: each image, the network's input and its prediction."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

import templates
from mnist_tune.version import __version__
from reports import formatting as text
from reports.figures import pictures
from tuner.core.text import escape_unprintable
from tuner.images.prediction import Prediction

MOST_SHOWN = 500
_SEEN = 96
"""The least longer side of what the network saw, in CSS pixels."""
_CLOSE_SECOND = 0.5
"""The least ratio of the second probability to the first of an answer that is called unsure."""
MOST_CLASSES = 10
"""The number of classes shown, most probable first."""


@dataclass(frozen=True)
class Share:
    """A class and its probability, as a bar."""

    name: str
    percent: str
    width: str
    """The width of the bar in percent."""
    best: bool


@dataclass(frozen=True)
class Card:
    """An image and its prediction."""

    name: str
    answer: str
    probability: str
    truth: str
    """The true class, where the prediction is wrong."""
    unsure: str
    """The class that comes next, where it is half as likely as the answer or more."""
    warning: str
    original: str
    """Data URIs; empty where there is no picture."""
    seen: str
    seen_size: tuple[int, int]
    """Width and height in which it is shown, in CSS pixels."""
    shares: tuple[Share, ...]


def page_of(
    predictions: Sequence[Prediction], model: str, truths: Sequence[str] | None = None, *, size: str = "28×28"
) -> str:
    """Return the page as HTML. `size`: of the images that the network sees, in pixels."""
    known = truths or [""] * len(predictions)
    cards = [_card(one, truth) for one, truth in zip(predictions[:MOST_SHOWN], known, strict=False)]
    return templates.render(
        "predict.html.j2",
        {
            "title": _title(predictions, truths),
            "model": escape_unprintable(model),
            "size": size,
            "left_out": _left_out(len(predictions)),
            "cards": cards,
            "style": templates.colours(),
            "version": __version__,
        },
    )


def _title(predictions: Sequence[Prediction], truths: Sequence[str] | None) -> str:
    """Return the verdict: the answer to a single image, else how many were classified, are right, are unsure."""
    answered = [one for one in predictions if one.probabilities is not None]
    if len(predictions) == 1 and answered:
        name, share = answered[0].ranked()[0]
        unsure = "perhaps " if is_unsure(answered[0]) else ""
        return (
            f"{escape_unprintable(answered[0].sample.name)}: {unsure}{escape_unprintable(name)}, {text.percent(share)}%"
        )
    parts = [f"{len(answered):,} of {text.plural(len(predictions), 'image')} classified"]
    known = [(one, truth) for one, truth in zip(predictions, truths or (), strict=False) if truth and one.probabilities]
    if known:
        right = sum(escape_unprintable(one.ranked()[0][0]) == truth for one, truth in known)
        parts.append(f"{right:,} of {len(known):,} with a known class right")
    unsure_ones = sum(is_unsure(one) for one in answered)
    return ", ".join([*parts, f"{unsure_ones:,} unsure"] if unsure_ones else parts)


def is_unsure(prediction: Prediction) -> bool:
    """Return whether the second class is at least half as likely as the first, or the highest probability is low."""
    ranked = prediction.ranked()
    return len(ranked) > 1 and (prediction.unlikely or ranked[1][1] >= _CLOSE_SECOND * ranked[0][1])


def _left_out(count: int) -> str:
    return f"The first {MOST_SHOWN} of {text.count(count)} are shown." if count > MOST_SHOWN else ""


def _card(prediction: Prediction, truth: str) -> Card:
    sample, ranked = prediction.sample, prediction.ranked()
    answer = escape_unprintable(ranked[0][0]) if ranked else text.MISSING
    return Card(
        name=escape_unprintable(sample.name),
        answer=answer,
        probability=f"{text.percent(ranked[0][1])}%" if ranked else "",
        truth=truth if truth != answer else "",
        unsure=f"{escape_unprintable(ranked[1][0])}, {text.percent(ranked[1][1])}%" if is_unsure(prediction) else "",
        warning=escape_unprintable(prediction.warning or ""),
        original=_address(sample.original) if sample.original is not None else "",
        seen=pictures.photograph(sample.image) if sample.image is not None else "",
        seen_size=pictures.shown_size(sample.image.shape, _SEEN) if sample.image is not None else (0, 0),
        shares=_shares(prediction),
    )


def _shares(prediction: Prediction) -> tuple[Share, ...]:
    """Return the bars in the order of the classes; where there are many, only the most probable."""
    best = prediction.ranked()[:MOST_CLASSES]
    if len(prediction.class_names) <= MOST_CLASSES:
        pairs = list(zip(prediction.class_names, prediction.probabilities or (), strict=False))
    else:
        pairs = best
    top = best[0][0] if best else ""
    return tuple(
        Share(escape_unprintable(name), text.percent(share, 1), f"{100 * share:.1f}", name == top)
        for name, share in pairs
    )


def _address(image: Image.Image) -> str:
    file = io.BytesIO()
    image.save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")
