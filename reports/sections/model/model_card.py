"""`model-card`: what somebody who is handed the model must know."""

from __future__ import annotations

from reports import formatting as text
from reports.run.run_data import RunData
from reports.sections.model.card import card_of
from reports.sections.section import Section
from tuner.storage.schema.result import ResultDocument


def build(run: RunData) -> Section:
    """The card of the model, and what was exported of it."""
    card = card_of(run, run.result, run.exports) if run.result is not None else None
    return Section(
        id="model-card",
        name="Model card",
        title=_title(run.result),
        how="What goes with the model where it goes. Limits are what it was not tried on and what it bears badly. mnist-tune export writes "
        "the same beside every file, as Markdown. How it was made stands under the next heading.",
        body={
            "card": card,
            "facts": (*card.facts, card.signature) if card is not None else (),
            "not_exported": "" if run.exports else _not_exported(run),
            "why_none": "" if card is not None else "The card is written when there is a model.",
        },
    )


def _title(result: ResultDocument | None) -> str:
    if result is None:
        return "There is no model yet"
    return f"The model: {text.count(result.parameters)} parameters, pixels in, probabilities out"


def _not_exported(run: RunData) -> str:
    if run.result is None:
        return ""
    return "No other format was exported yet: mnist-tune export writes Keras, LiteRT and ONNX files, and verifies each."
