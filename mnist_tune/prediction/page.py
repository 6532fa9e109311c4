"""The page of `mnist-tune predict --html`: each original beside what the network saw and what it said."""

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
MOST_CLASSES = 10
"""So many of the most probable classes are shown."""


@dataclass(frozen=True)
class Share:
    """A class and its probability, as a bar."""

    name: str
    percent: str
    width: str
    """The width of the bar, of 100."""
    best: bool


@dataclass(frozen=True)
class Card:
    """An image with what was said of it."""

    name: str
    answer: str
    probability: str
    truth: str
    """The true class, where it is known and another one was given."""
    warning: str
    original: str
    """Addresses of pictures; empty where there is none."""
    seen: str
    shares: tuple[Share, ...]


def page_of(predictions: Sequence[Prediction], model: str, truths: Sequence[str] | None = None) -> str:
    """The page as HTML."""
    known = truths or [""] * len(predictions)
    cards = [_card(one, truth) for one, truth in zip(predictions[:MOST_SHOWN], known, strict=False)]
    answered = sum(one.probabilities is not None for one in predictions)
    return templates.render(
        "predict.html.j2",
        {
            "title": f"{answered:,} of {text.plural(len(predictions), 'image')} classified",
            "model": escape_unprintable(model),
            "left_out": _left_out(len(predictions)),
            "cards": cards,
            "style": templates.colours(),
            "version": __version__,
        },
    )


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
        warning=escape_unprintable(prediction.warning or ""),
        original=_address(sample.original) if sample.original is not None else "",
        seen=pictures.grey(sample.image) if sample.image is not None else "",
        shares=_shares(prediction),
    )


def _shares(prediction: Prediction) -> tuple[Share, ...]:
    """In the order of the classes; of many, only the most probable."""
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
