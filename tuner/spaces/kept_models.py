"""Trained models between a trial and the end of the run: saved by one worker, loaded by another. Imports Keras.

A model of a built-in space is kept as a Keras file. For a user's HyperModel only the weights are kept, and the network
is built again from the configuration, so that no class of the user's has to be read from a file.
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
    """Load the model that `save_kept_model` saved, or the weights of a Keras file into a user's network.

    Args:
        path: the file, with its suffix.
        space: the run's space.
        configuration: the model's configuration.
    """
    if space.interface is None:
        return keras.models.load_model(path, compile=False)
    network = build_network(make_space(space), hyperparameters(configuration), space.interface)
    classifier = as_classifier(network, space.interface)
    classifier.load_weights(path)
    return classifier


def compile_plainly(model: Any) -> None:
    """Compile with Keras's own loss and metrics, so that the file can be loaded without this program."""
    model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
