"""The winner's model of a run, loaded again; a user's own network is built from the code that the user names. Imports Keras."""

from __future__ import annotations

from typing import Any

from tuner.core.errors import MnistTuneError, UsageError
from tuner.export.writing import short
from tuner.processes.tasks import SpaceRef
from tuner.spaces.kept_models import load_kept_model
from tuner.storage.run_folder import RunFolder

# Keras has no types: models are `Any` here.


def load_named_model(folder: RunFolder) -> Any:
    """Build the winner's network from its space and load its weights.

    To be called only where the user named the run's space: its code is run.

    Raises:
        UsageError: where the network can't be built, or the weights don't fit it.
    """
    run, result = folder.read_run(), folder.read_result()
    if result is None:
        raise MnistTuneError(f"This run has no winner yet. Received: {folder.path}")
    path = folder.keras_model if folder.keras_model.exists() else folder.weights
    try:
        return load_kept_model(path, SpaceRef.for_run(run), result.configuration)
    except Exception as error:
        raise UsageError(
            f"The model can't be built from {run.space.name}: {short(error)}. Expected the code that the run was made with. "
            f"Received: {path}"
        ) from error
