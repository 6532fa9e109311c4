"""Runs with a user's own images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tuner.images.digits.strokes import draw_digit
from tuner.images.input_form import InputForm
from tuner.images.user_images import OwnImages, read_own_images
from tuner.options.run_options import RunOptions
from tuner.options.train_options import TrainOptions
from tuner.run import launch
from tuner.run.observer import Observer
from tuner.storage.run_folder import RunFolder

DIGITS = tuple("0123456789")


def page(path: Path, label: int = 7) -> Path:
    """Write a picture of a drawn digit."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(draw_digit(label, np.random.default_rng([1, label]))).save(path)
    return path


def read(path: Path, names: tuple[str, ...] = DIGITS, digits: bool = True) -> OwnImages:
    return read_own_images(str(path), names, InputForm.of((28, 28), digits=digits))


def options(kind: type[RunOptions], **changes: Any) -> RunOptions:
    from search_spaces.families.registry import find_reference

    values: dict[str, Any] = {"space": "dense", "data": "digits", "workers": 1, **changes}
    if kind is TrainOptions:
        values |= {"name": "dense128", "configuration": dict(find_reference("dense128")[1].values), "seeds": 1}
    else:
        values |= {"max_epochs": 1, "algorithm": "random", "max_trials": 1, "references": False, "confirm_top": 1}
    return kind(**values)


class Notes(Observer):
    """An observer that keeps the notes."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, text: str) -> None:
        self.said.append(text)


def start(folder: Path, asked: RunOptions, observer: Observer | None = None) -> Any:
    return launch.start(asked, RunFolder(folder), observer or Observer(), command=["mnist-tune"], worker_module=FAKE)


FAKE = "tests.kit.processes.fake_worker"
