"""`model-card`: the description of the model for its users."""

from __future__ import annotations

from reports import formatting as text
from reports.run.run_data import RunData
from reports.sections.model.card import card_of
from reports.sections.section import Section
from tuner.storage.schema.result import ResultDocument


def build(run: RunData) -> Section:
    """Return the section: the model card with the exported files."""
    card = card_of(run, run.result, run.exports) if run.result is not None else None
    return Section(
        id="model-card",
        name="Model card",
        part="Record",
        title=_title(run.result),
        how="A description to pass on with the model. Limits say what it was not tested on and what lowers its accuracy. mnist-tune export "
        "writes the same card beside every file, as Markdown. The next section says how the model was made.",
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
