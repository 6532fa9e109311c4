"""The text about the images that the confirmed seeds validated on: each seed has others, held out for it alone, but in older runs."""

from __future__ import annotations

from reports import formatting as text
from reports.run.run_data import RunData


def has_folds(run: RunData) -> bool:
    """Return whether a confirmed seed validated on other images than the search's trials did."""
    return run.result is not None and any(record.fold for record in run.of(run.result.trials))


def images_words(run: RunData) -> str:
    """Return how many images a confirmed seed validated on, and whether the others had the same."""
    images = f"{text.count(run.info.data.validation)} validation images"
    return f"{images}, other ones for each seed" if has_folds(run) else images


def format_held_out(run: RunData) -> str:
    """A sentence of the section on the data, with a space before it; none for a run without folds."""
    if not has_folds(run):
        return ""
    return " Each seed of the winner held out other images in their place, as many, and trained on the rest of the training set."
