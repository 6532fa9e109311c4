"""Trainings and studies with fake workers."""

from __future__ import annotations

from typing import Any

from search_spaces.families.registry import find_reference
from tuner.options.study_options import StudyOptions
from tuner.options.train_options import TrainOptions

FAKE = "tests.kit.processes.fake_worker"


DIGITS: dict[str, Any] = {"data": "digits", "workers": 2}


def training(**changes: Any) -> TrainOptions:
    values = find_reference("dense128")[1].values
    return TrainOptions(**{"space": "dense", "name": "dense128", "configuration": dict(values), **DIGITS, **changes})


def studying(**changes: Any) -> StudyOptions:
    return StudyOptions(**{"space": "dense", "name": "dropout", "seeds": 3, "epochs": 2, **DIGITS, **changes})
