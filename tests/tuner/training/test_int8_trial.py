"""A trial that is ranked by its int8 network: quantised after the training, scored on the validation images, kept. Really trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tuner.data.dataset import Dataset, load_dataset
from tuner.export.int8 import predict_int8
from tuner.processes.tasks import EvaluateTask, SpaceRef, TrainTask
from tuner.spaces.user_space import make_family
from tuner.storage.npz_io import read_npz
from tuner.training.evaluation import evaluate
from tuner.training.trial import run_trial

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]

SPACE = SpaceRef(name="compact2k", max_params=None, max_macs=None, classes=10)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_dataset("digits", validation=0.1, train_samples=None, seed=1)


def task(**changes: Any) -> TrainTask:
    configuration = make_family(SPACE).default_configuration()
    values = {"id": "0001", "space": SPACE, "configuration": configuration, "epochs": 1, "seed": 7, "objective": "int8"}
    return TrainTask(**{**values, **changes})


def run(one: TrainTask, data: Dataset) -> Any:
    return run_trial(one, data, lambda *_: None)


@pytest.fixture(scope="module")
def kept(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    path = tmp_path_factory.mktemp("kept") / "0001"
    return path, run(task(keep=str(path)), digits)


def test_the_kept_file_is_the_scored_network(kept: tuple[Path, Any], digits: Dataset) -> None:
    path, body = kept
    predictions = predict_int8(path.with_suffix(".tflite").read_bytes(), np.asarray(digits.x_validation))
    assert read_npz(path.with_suffix(".npz"))["int8_predictions"].tolist() == predictions.tolist()
    assert body["val_int8_accuracy"] == float((predictions == digits.y_validation).mean())


def test_the_same_seed_gives_the_same_network(kept: tuple[Path, Any], digits: Dataset, tmp_path: Path) -> None:
    path, body = kept
    again = run(task(keep=str(tmp_path / "again")), digits)
    assert {**again["history"], "seconds": None} == {**body["history"], "seconds": None}
    assert again["val_int8_accuracy"] == body["val_int8_accuracy"]
    assert (tmp_path / "again.tflite").read_bytes() == path.with_suffix(".tflite").read_bytes()


def test_quantising_changes_nothing_of_the_training(kept: tuple[Path, Any], digits: Dataset) -> None:
    plain = run(task(objective="val_accuracy"), digits)
    assert plain["val_int8_accuracy"] is None
    assert plain["val_accuracy"] == kept[1]["val_accuracy"]
    assert plain["history"]["loss"] == kept[1]["history"]["loss"]


def test_a_refit_is_quantised_and_not_scored(digits: Dataset, tmp_path: Path) -> None:
    body = run(task(keep=str(tmp_path / "refit"), refit=True), digits)
    assert body["val_int8_accuracy"] is None
    assert (tmp_path / "refit.tflite").is_file()
    assert "int8_predictions" not in read_npz(tmp_path / "refit.npz")


def test_the_evaluation_asks_the_int8_file(kept: tuple[Path, Any], digits: Dataset, tmp_path: Path) -> None:
    path, _ = kept
    asked = EvaluateTask(
        id="evaluate",
        space=SPACE,
        configuration=task().configuration,
        models=(str(path.with_suffix(".keras")),),
        exported=0,
        arrays=str(tmp_path / "winner.npz"),
        test=True,
        seed=1,
        int8=str(path.with_suffix(".tflite")),
    )
    answer = evaluate(asked, digits)
    arrays = read_npz(tmp_path / "winner.npz")
    assert answer["faults"] == []
    right = int((arrays["test/int8_predictions"] == digits.y_test).sum())
    assert answer["test"]["int8"]["errors"] == len(digits.y_test) - right
    assert len(arrays["int8/names"]) == len(arrays["int8/snr_db"]) > 3
    assert arrays["memory/tensors"].shape == (len(arrays["memory/names"]), 4)
    untested = evaluate(replace(asked, test=False), digits)
    assert untested["test"] is None
    assert "test/int8_predictions" not in read_npz(tmp_path / "winner.npz")
