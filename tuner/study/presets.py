"""The studies that are known by name: what each varies, and what the others are compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from search_spaces.hyperparameters.hyperparameter import Value
from tuner.processes.tasks import PATIENCE, RESTORE_BEST

EPOCHS = "epochs"
"""The factor of a study that compares lengths of training: no hyperparameter of a space."""
_DEFAULT_SPACE = "dense"


@dataclass(frozen=True)
class Arm:
    """One of the things that are compared."""

    label: str
    value: Value | None
    changes: Mapping[str, Value] = field(default_factory=dict)
    """Changes of the base's configuration."""
    epochs: int | None = None
    """None: the study's."""


@dataclass(frozen=True)
class Preset:
    """A study that is known by name."""

    hyperparameter: str
    question: str
    arms: tuple[Arm, ...]
    base: str
    """The label of the arm that the others are compared with."""
    space: str = _DEFAULT_SPACE
    epochs: int | None = None
    """None: the default of all studies."""
    changes: Mapping[str, Value] = field(default_factory=dict)
    """Changes of the space's defaults, in all arms."""


def _values(name: str, *values: Value) -> tuple[Arm, ...]:
    return tuple(Arm(str(value), value, {name: value}) for value in values)


def _patience(patience: int, epochs: int, restore: bool) -> Arm:
    label = "never" if patience >= epochs else f"patience {patience}"
    return Arm(f"{label}, best" if restore else label, patience, {PATIENCE: patience, RESTORE_BEST: restore})


_PATIENT_EPOCHS = 30

PRESETS: Mapping[str, Preset] = {
    "dropout": Preset("dropout", "Does dropout help?", _values("dropout", 0.0, 0.1, 0.3), "0.0"),
    "l2": Preset(
        "l2",
        "Does an L2 penalty on the kernels help, and what does it do to them?",
        _values("l2", 0.0, 1e-4, 1e-3, 1e-2),
        "0.0",
    ),
    "optimizer": Preset(
        "optimizer",
        "Which optimizer learns fastest, and which most steadily?",
        _values("optimizer", "sgd", "momentum", "adam", "adamw"),
        "sgd",
    ),
    "batch_size": Preset("batch_size", "How large should a batch be?", _values("batch_size", 8, 32, 128, 512), "32"),
    "activation": Preset(
        "activation",
        "Which activation should the hidden layers have?",
        _values("activation", "relu", "tanh", "softsign", "gelu"),
        "relu",
    ),
    "epochs": Preset(
        EPOCHS,
        "Where does more training stop helping?",
        tuple(Arm(str(epochs), epochs, {}, epochs) for epochs in (1, 2, 5, 10, 20, 40)),
        "10",
    ),
    "early_stopping": Preset(
        "patience",
        "How many epochs does early stopping save, and what does it cost?",
        tuple(
            _patience(patience, _PATIENT_EPOCHS, restore)
            for restore in (False, True)
            for patience in (1, 3, 5, _PATIENT_EPOCHS)
        ),
        "never",
        epochs=_PATIENT_EPOCHS,
    ),
    "augmentation": Preset(
        "augmentation",
        "Which augmentation of the training images helps?",
        (
            Arm("none", "none", {"augmentation": "none"}),
            *(
                Arm(label, label, {"augmentation": "affine", "rotation": rotation, "shift": shift, "scale": scale})
                for label, rotation, shift, scale in (
                    ("rotation 10°", 10, 0.0, 0.0),
                    ("shift 5%", 0, 0.05, 0.0),
                    ("scale 10%", 0, 0.0, 0.1),
                    ("all three", 10, 0.05, 0.1),
                )
            ),
        ),
        "none",
        space="compact8k",
    ),
    "schedule": Preset(
        "schedule",
        "Which schedule of the learning rate helps?",
        _values("schedule", "constant", "cosine", "one-cycle"),
        "constant",
        space="compact8k",
    ),
    "capacity": Preset(
        "units_1",
        "How does the gap between training and validation grow with the number of parameters?",
        _values("units_1", 8, 16, 32, 64, 128, 256, 512),
        "128",
    ),
}
"""The experiments that notebooks make, one a name."""


def preset_space(name: str) -> str:
    """Return the default space of a study."""
    return PRESETS[name].space if name in PRESETS else _DEFAULT_SPACE
