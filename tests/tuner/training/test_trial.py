"""What a trial does beside training: when it stops, what it records, what it leaves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from search_spaces.families.compact.family import CompactFamily
from search_spaces.keras.training import fit_model
from tests.kit.marks import slow_after
from tuner.core.records import HISTORY_METRICS, Json
from tuner.data.dataset import Dataset, load_dataset
from tuner.processes.tasks import SpaceRef, TrainTask
from tuner.spaces import callbacks
from tuner.stats.metrics import balanced_accuracy, class_weights
from tuner.storage.npz_io import read_npz
from tuner.training import trial

# Of Keras 3.15 with NumPy 2: copying a variable out.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

SPACE = SpaceRef(name="compact8k", max_params=1000, max_macs=None, classes=10)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_dataset("digits", validation=0.1, seed=1, train_samples=300)


def task(epochs: int = 1, keep: str | None = None, **changes: Any) -> TrainTask:
    configuration = {**CompactFamily(max_params=1000).sample(np.random.default_rng(3)), "network": "C4 P C4 GAP 1x1:10"}
    return TrainTask(id="a", space=SPACE, configuration={**configuration, **changes}, epochs=epochs, seed=5, keep=keep)


def run(todo: TrainTask, data: Dataset) -> tuple[Json, list[int]]:
    epochs: list[int] = []
    return trial.run_trial(todo, data, lambda epoch, _: epochs.append(epoch)), epochs


@pytest.fixture(scope="module")
def plain(digits: Dataset) -> tuple[Json, list[int]]:
    return run(task(epochs=2, schedule="constant"), digits)


@pytest.fixture(scope="module")
def kept(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> tuple[Json, Path]:
    """A trial's record, and the path of what it kept, without a suffix."""
    path = tmp_path_factory.mktemp("kept") / "models" / "0031"
    return run(task(keep=str(path), label_smoothing=0.1), digits)[0], path


def test_every_epoch_is_recorded_and_told(plain: tuple[Json, list[int]]) -> None:
    body, epochs = plain
    assert epochs == [1, 2]
    assert body["epochs_run"] == 2
    assert set(body["history"]) == set(HISTORY_METRICS)
    assert all(len(series) == 2 for series in body["history"].values())
    assert body["val_accuracy"] == body["history"]["val_accuracy"][-1]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_record_and_another_one_another(digits: Dataset) -> None:
    first, _ = run(task(), digits)
    again, _ = run(task(), digits)
    other, _ = run(TrainTask(**{**vars(task()), "seed": 6}), digits)
    assert first["history"]["loss"] == again["history"]["loss"]
    assert first["history"]["loss"] != other["history"]["loss"]


def test_a_loss_that_is_no_number_fails_the_trial(digits: Dataset) -> None:
    diverging = task(epochs=3, optimizer="sgd", learning_rate_sgd=float("inf"), schedule="constant")
    with pytest.raises(callbacks.DivergedError, match="no number after epoch 1"):
        run(diverging, digits)


def test_what_is_kept_loads_anywhere(digits: Dataset, kept: tuple[Json, Path]) -> None:
    import keras

    _, path = kept
    arrays = read_npz(path.with_suffix(".npz"))
    assert arrays["validation_probabilities"].shape == (len(digits.y_validation), 10)
    assert arrays["weights/statistics"].shape[1] == 9
    model = keras.models.load_model(path.with_suffix(".keras"))
    again = model.predict(np.asarray(digits.x_validation), verbose=0)
    assert np.abs(again - arrays["validation_probabilities"]).max() < 1e-5


@pytest.mark.parametrize(
    ("epoch", "accuracy", "val_accuracy", "stops"),
    [(0, 0.1, 0.1, False), (1, 0.1, 0.1, True), (1, 0.3, 0.1, False), (1, 0.1, 0.3, False), (4, 0.1, 0.1, True)],
)
def test_only_what_is_hopeless_is_stopped_early(epoch: int, accuracy: float, val_accuracy: float, stops: bool) -> None:
    callback = callbacks.StopAtChance(epochs=5, chance=0.15)
    model = SimpleNamespace(stop_training=False)
    callback._model = model
    callback.on_epoch_end(epoch, {"accuracy": accuracy, "val_accuracy": val_accuracy})
    assert model.stop_training is stops


def test_chance_is_the_largest_class_and_two_standard_errors() -> None:
    assert callbacks.chance_level(np.array([0] * 50 + [1] * 50)) == pytest.approx(0.6)


@pytest.mark.parametrize(("restore", "place"), slow_after(1, [(True, "best"), (False, -1)]))
def test_a_study_s_patience_and_best_weights_hold(digits: Dataset, restore: bool, place: Any) -> None:
    options: dict[str, Any] = {"trial.patience": 1, "trial.restore_best": restore, "schedule": "constant"}
    steep: dict[str, Any] = {"optimizer": "sgd", "learning_rate_sgd": 0.9, "batch_size": 16}
    body, epochs = run(task(epochs=12, **options, **steep), digits)
    losses = body["history"]["val_loss"]
    assert len(epochs) == body["epochs_run"] < 12
    assert body["val_loss"] == (min(losses) if place == "best" else losses[-1])
    assert min(losses) < losses[-1]


@pytest.mark.parametrize(
    ("schedule", "stop_early", "patience", "names"),
    [
        ("constant", True, None, ["EarlyStopping"]),
        ("one-cycle", True, None, ["StopAtChance"]),
        ("constant", False, None, []),
        ("one-cycle", False, None, []),
        ("constant", False, 2, ["EarlyStopping"]),
    ],
)
def test_only_a_search_stops_trials_by_itself(
    digits: Dataset, schedule: str, stop_early: bool, patience: int | None, names: list[str]
) -> None:
    given: dict[str, Any] = {"schedule": schedule} | ({} if patience is None else {"trial.patience": patience})
    todo = replace(task(epochs=9, **given), stop_early=stop_early)
    assert [type(callback).__name__ for callback in callbacks.stopping(todo, digits)] == names


@pytest.mark.slow
def test_what_a_study_measures_is_kept_and_leaves_the_model_alone(digits: Dataset, tmp_path: Path) -> None:
    plain, measured = tmp_path / "plain", tmp_path / "measured"
    run(task(keep=str(plain)), digits)
    run(replace(task(keep=str(measured)), diagnostics=("step", "gradient_norms")), digits)
    first, second = (read_npz(path.with_suffix(".npz")) for path in (plain, measured))
    assert second.keys() - first.keys() == {"study/step", "study/gradient_norms/names", "study/gradient_norms/values"}
    assert (first["weights/statistics"] == second["weights/statistics"]).all()


def unbalanced(digits: Dataset) -> Dataset:
    """Class 0 keeps its images, the others every third one."""
    rows = np.sort(np.concatenate([np.flatnonzero(digits.y_train == c)[:: 1 if c == 0 else 3] for c in range(10)]))
    return replace(digits, x_train=digits.x_train[rows], y_train=digits.y_train[rows])


def test_a_trial_for_balanced_accuracy_weights_the_classes(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    data, weights = unbalanced(digits), []

    def recorded(*arguments: Any, **given: Any) -> Any:
        weights.append(given.get("class_weight"))
        return fit_model(*arguments, **given)

    monkeypatch.setattr("search_spaces.keras.keras_space.fit_model", recorded)
    plain, _ = run(task(batch_size=32), data)
    balanced, _ = run(replace(task(batch_size=32), objective="balanced_accuracy"), data)
    assert weights[0] is None
    assert weights[1] == class_weights(np.asarray(data.y_train))
    assert weights[1][0] < 0.5 < weights[1][1]
    assert plain["history"]["loss"] != balanced["history"]["loss"]
    assert "val_balanced_accuracy" not in balanced["history"]
    assert 0 <= balanced["val_balanced_accuracy"] <= 1


def test_the_balanced_accuracy_is_that_of_the_kept_probabilities(digits: Dataset, kept: tuple[Json, Path]) -> None:
    body, path = kept
    predictions = read_npz(path.with_suffix(".npz"))["validation_probabilities"].argmax(axis=1)
    assert body["val_balanced_accuracy"] == balanced_accuracy(np.asarray(digits.y_validation), predictions)


def test_a_search_trial_by_accuracy_measures_it_only_where_classes_are_unbalanced(
    digits: Dataset, plain: tuple[Json, list[int]]
) -> None:
    assert plain[0]["val_balanced_accuracy"] is None
    rows = np.concatenate([np.flatnonzero(digits.y_validation == 0), np.flatnonzero(digits.y_validation == 1)[:1]])
    few = replace(digits, x_validation=digits.x_validation[rows], y_validation=digits.y_validation[rows])
    body, _ = run(task(), few)
    assert body["val_balanced_accuracy"] is not None


def test_chance_of_a_training_for_balanced_accuracy_is_an_equal_share(digits: Dataset) -> None:
    labels = np.array([0] * 90 + [1] * 10)
    assert callbacks.chance_level(labels) > 0.9
    assert callbacks.chance_level(labels, 0.5) == pytest.approx(0.6)
    data = replace(digits, y_validation=np.array([0] * 99 + [1]))
    (stop,) = callbacks.stopping(replace(task(schedule="cosine"), objective="balanced_accuracy"), data)
    assert stop._chance == pytest.approx(0.6)
