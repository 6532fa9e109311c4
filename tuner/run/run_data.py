"""The data set that a run's options name, and whether it suits them."""

from __future__ import annotations

import math

from tuner.data.dataset import Dataset, load_dataset
from tuner.data.picture_options import OnProgress, PictureOptions
from tuner.data.source_options import SourceOptions
from tuner.options.run_options import RunOptions
from tuner.options.search_options import SearchOptions
from tuner.storage.schema.study import StudyPlan
from tuner.study.plan import DEFAULT_EPOCHS
from tuner.study.presets import EPOCHS

_BATCH = 64
"""The spaces' default batch size."""
_FEW_STEPS = 100


def load_run_data(options: RunOptions, source: str | None = None, on_progress: OnProgress | None = None) -> Dataset:
    """Return the data set of a run, split.

    Args:
        options: the run's options.
        source: another place of the same data; None: that of the options.
        on_progress: receives the numbers of pictures that are decoded, and of all.

    Raises:
        UsageError: the data are missing, can't be used, or an option doesn't fit them.
    """
    return load_dataset(
        source or options.data,
        validation=options.validation,
        seed=options.seed,
        train_samples=options.train_samples,
        pictures=PictureOptions.of(options),
        files=SourceOptions.of(options),
        on_progress=on_progress,
    )


def few_steps_note(options: RunOptions, data: Dataset, study: StudyPlan | None = None) -> tuple[str, ...]:
    """Return a note where the longest trials have so few steps that no network learns much; else nothing.

    Args:
        options: the options of a run whose trials are still to be trained.
        data: the run's data.
        study: the plan of a study, which knows the epochs of its arms; None in other runs.
    """
    if study is not None and study.hyperparameter == EPOCHS:
        return ()  # the study's question is how many epochs are enough
    epochs, name = _longest_epochs(options, study)
    images = len(data.y_train)
    batch = min(_BATCH, images)
    # As training counts them: the last, smaller batch of an epoch is left out.
    steps_per_epoch = max(1, images // max(batch, 1))
    steps = epochs * steps_per_epoch
    if steps >= _FEW_STEPS:
        return ()
    enough = 3 ** math.ceil(math.log(_FEW_STEPS / steps_per_epoch, 3) - 1e-9)
    have = (
        f"{epochs} {'epoch has' if epochs == 1 else 'epochs have'} about {steps:,} {'step' if steps == 1 else 'steps'}"
    )
    return (
        f"{images:,} training images are few: {have} of {batch} images, in which hardly any network learns. "
        f"More epochs help: {name} {max(enough, epochs + 1)}.",
    )


def _longest_epochs(options: RunOptions, study: StudyPlan | None) -> tuple[int, str]:
    """Return the epochs of a run's longest trials, and the option that sets them."""
    if isinstance(options, SearchOptions):
        return options.max_epochs, "--max-epochs"
    if study is not None:
        return max(arm.epochs for arm in study.arms), "--epochs"
    return int(getattr(options, "epochs", None) or DEFAULT_EPOCHS), "--epochs"
