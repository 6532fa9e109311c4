"""Trained models between a trial and the end of the run: kept by a worker, loaded by the one that evaluates and exports. Imports Keras.

A model of a space that comes along is kept as a Keras file. Of a user's HyperModel the weights are kept, and the network is built again
from the configuration: so nothing of the user's classes has to be read from a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from tuner.core.records import Value
from tuner.processes.tasks import SpaceRef
from tuner.spaces.adapter import as_classifier, build_network, hyperparameters
from tuner.spaces.loading import make_space
from tuner.storage.files import whole_file
from tuner.storage.run_folder import MODEL_SUFFIX, WEIGHTS_SUFFIX

# Keras has no types: models are `Any` here.


def save_kept_model(model: Any, space: SpaceRef, path: Path) -> None:
    """Keep a classifier at a path without suffix."""
    suffix = MODEL_SUFFIX if space.interface is None else WEIGHTS_SUFFIX
    with whole_file(path.with_suffix(suffix), f".{path.name}.partial{suffix}") as temporary:
        if space.interface is None:
            compile_plainly(model)
            model.save(temporary)
        else:
            model.save_weights(temporary)


def load_kept_model(path: Path, space: SpaceRef, configuration: Mapping[str, Value]) -> Any:
    """Load what `save_kept_model` left, or the weights of a Keras file into a user's network.

    Args:
        path: of the file, with its suffix.
        space: the run's.
        configuration: of the model.
    """
    if space.interface is None:
        return keras.models.load_model(path, compile=False)
    network = build_network(make_space(space), hyperparameters(configuration), space.interface)
    classifier = as_classifier(network, space.interface)
    classifier.load_weights(path)
    return classifier


def compile_plainly(model: Any) -> None:
    """Compile with plain loss and metrics, so that anybody can load the file."""
    model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
