"""The text about the validation images of the confirmed seeds: a fold for each seed, except in older runs."""

from __future__ import annotations

from reports import formatting as text
from reports.run.run_data import RunData


def has_folds(run: RunData) -> bool:
    """Return True if a confirmed seed has other validation images than the search's trials."""
    return run.result is not None and any(record.fold for record in run.of(run.result.trials))


def images_words(run: RunData) -> str:
    """Return the number of validation images of a confirmed seed, and a note if they differ between seeds."""
    images = f"{text.count(run.info.data.validation)} validation images"
    return f"{images}, other ones for each seed" if has_folds(run) else images


def format_held_out(run: RunData) -> str:
    """Return a sentence about the folds, after a space; "" for a run without folds."""
    if not has_folds(run):
        return ""
    return " Each seed of the winner held out other images in their place, as many, and trained on the rest of the training set."
