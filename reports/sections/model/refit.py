"""The text about a refit, beside test figures and the exported model; "" where the run had none."""

from __future__ import annotations

from reports import formatting as text
from reports.run.run_data import RunData
from tuner.storage.schema.result import ExportedModel, ResultDocument


def format_refit(run: RunData) -> str:
    """Return a sentence about which metrics belong to which models."""
    result = run.result
    if result is None or not result.exported.refitted:
        return ""
    if result.test is None:
        return (
            f"The exported model was refitted on {_images(result.exported)}, so it has no figure of its own: "
            "validation figures are of the confirmed models."
        )
    return (
        f"The exported model and the test figures are of {_models(result.exported)} refitted on {_images(result.exported)}; validation figures "
        "are of the confirmed models, trained without these."
    )


def format_exported(run: RunData) -> str:
    """Return the text that follows a name of the exported model."""
    if run.result is None or not run.result.exported.refitted:
        return ""
    return f", refitted on {text.count(run.result.exported.images)} images,"


def format_seeds(result: ResultDocument, seeds: int) -> str:
    """Return the number of seeds of a test metric, as text."""
    return text.plural(seeds, "refitted seed" if result.exported.refitted else "seed")


def _models(model: ExportedModel) -> str:
    return "a model" if len(model.trials) == 1 else f"{len(model.trials)} models"


def _images(model: ExportedModel) -> str:
    return f"all {text.count(model.images)} training images, the validation images included"
