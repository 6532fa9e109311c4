"""Small records with readable defaults."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tuner.core.records import Phase, Status, Trial, TrialRecord, Value


def trainable(model: Any) -> int:
    """Return the trainable parameters of a Keras model (untyped)."""
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def trial(number: int = 1, **changes: Any) -> Trial:
    values: dict[str, Any] = {
        "trial": f"{number:04d}",
        "phase": "search",
        "bracket": 0,
        "rung": 0,
        "repetition": 0,
        "configuration": {"filters": number},
        "epochs": 2,
        "seed": 1,
        "parameters": 1000,
    }
    return Trial(**{**values, **changes})


def record(
    number: int = 1,
    *,
    val_accuracy: float | None = 0.9,
    val_loss: float | None = 0.1,
    status: Status = "completed",
    configuration: Mapping[str, Value] | None = None,
    phase: Phase = "search",
    epochs: float = 2,
    parameters: int = 1000,
    repetition: int = 0,
    duration_s: float = 1.0,
    **changes: Any,
) -> TrialRecord:
    values: dict[str, Any] = {
        "trial": f"{number:04d}",
        "bracket": 0 if phase == "search" else None,
        "rung": 0 if phase == "search" else None,
        "seed": 1,
        "history": {"val_accuracy": [val_accuracy or 0.0] * math.ceil(epochs)},
        "worker": 0,
        "error": None if status == "completed" else "ValueError: no",
    }
    return TrialRecord(
        phase=phase,
        repetition=repetition,
        configuration={"filters": number} if configuration is None else configuration,
        epochs=epochs,
        epochs_run=math.ceil(epochs),
        parameters=parameters,
        status=status,
        val_accuracy=val_accuracy if status == "completed" else None,
        val_loss=val_loss if status == "completed" else None,
        duration_s=duration_s,
        **{**values, **changes},
    )
