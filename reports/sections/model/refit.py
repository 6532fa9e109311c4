"""The text about a refit, beside test figures and the exported model; "" where the run had none."""

from __future__ import annotations

from reports import formatting as text
from reports.run.run_data import RunData
from tuner.storage.schema.result import Refit, ResultDocument


def format_refit(run: RunData) -> str:
    """Return which figures are of which models, in a sentence."""
    result = run.result
    if result is None or result.refit is None:
        return ""
    if result.test is None:
        return (
            f"The exported model was refitted on {_images(result.refit)}, so it has no figure of its own: "
            "validation figures are of the confirmed models."
        )
    return (
        f"The exported model and the test figures are of {_models(result.refit)} refitted on {_images(result.refit)}; validation figures "
        "are of the confirmed models, trained without these."
    )


def format_exported(run: RunData) -> str:
    """After a name of the exported model."""
    refit = run.result.refit if run.result is not None else None
    return f", refitted on {text.count(refit.images)} images," if refit is not None else ""


def format_seeds(result: ResultDocument, seeds: int) -> str:
    """Return how many seeds a test figure is of."""
    return text.plural(seeds, "refitted seed" if result.refit is not None else "seed")


def _models(refit: Refit) -> str:
    return "a model" if len(refit.trials) == 1 else f"{len(refit.trials)} models"


def _images(refit: Refit) -> str:
    return f"all {text.count(refit.images)} training images, the validation images included"
