"""Trials of a stack record what each would alone, and a search with stacks is a run like any other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("jax")

from search_spaces.families.family import Family
from search_spaces.stacked.grouping import GPU
from tests.kit.stacks import quick_compilation
from tuner.core.records import HISTORY_METRICS, Json
from tuner.data.dataset import Dataset, load_dataset
from tuner.options.search_options import SearchOptions
from tuner.processes.tasks import SpaceRef, StackTask, Task, TrainTask
from tuner.run import launch
from tuner.run.observer import Observer
from tuner.storage.journal import read_state
from tuner.storage.run_folder import RunFolder
from tuner.training.stacked_trials import run_stack
from tuner.training.trial import run_trial
from tuner.workers import stacked
from tuner.workers.local import LocalWorkers

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),
]

SPACE = SpaceRef(name="compact8k", max_params=1000, max_macs=None, classes=10)
BASE: Json = {
    "activation": "relu",
    "dropout": 0.0,
    "l2": 1e-4,
    "optimizer": "momentum",
    "learning_rate_momentum": 0.05,
    "schedule": "one-cycle",
    "batch_size": 64,
    "augmentation": "none",
    "label_smoothing": 0.05,
}


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    with quick_compilation():
        yield


@pytest.fixture(scope="module")
def digits() -> Dataset:
    """Digits of which only the middle is left, in four by four means: 7×7 pixels."""
    data = load_dataset("digits", validation=0.1, seed=1, train_samples=300)
    return replace(data, x_train=data.x_train[:, ::4, ::4], x_validation=data.x_validation[:, ::4, ::4])


def task(name: str, network: str, **changes: Any) -> TrainTask:
    space = replace(SPACE, image_shape=(7, 7))
    epochs = changes.pop("epochs", 2)
    return TrainTask(id=name, space=space, configuration={**BASE, "network": network, **changes}, epochs=epochs, seed=5)


def run(tasks: list[TrainTask], data: Dataset) -> dict[str, list[Json]]:
    events: dict[str, list[Json]] = {made.id: [] for made in tasks}
    run_stack(StackTask(id="stack-1", tasks=tuple(tasks)), data, lambda event: events[event["id"]].append(event))
    return events


def same(body: Json, alone: Json) -> None:
    assert body.keys() == alone.keys()
    assert body["epochs_run"] == alone["epochs_run"]
    assert set(body["history"]) == set(HISTORY_METRICS)
    for metric in set(HISTORY_METRICS) - {"seconds"}:
        np.testing.assert_allclose(body["history"][metric], alone["history"][metric], atol=1e-3, err_msg=metric)
    for score in ("val_accuracy", "val_loss"):
        assert body[score] == pytest.approx(alone[score], abs=1e-3)


def test_each_trial_records_what_it_does_alone(digits: Dataset) -> None:
    tasks = [
        task("0001", "C4 P GAP 1x1:10"),
        task("0002", "C3s C4 GAP 1x1:10", optimizer="adam", learning_rate_adam=0.01),
        # At a rate that teaches nothing, it stops early.
        task("0003", "C2 GAP 1x1:10", optimizer="sgd", learning_rate_sgd=1e-9),
    ]
    events = run(tasks, digits)
    for made in tasks:
        alone = run_trial(made, digits, lambda epoch, metrics: None)
        assert [event["event"] for event in events[made.id]] == ["epoch"] * alone["epochs_run"] + ["finished"]
        same(events[made.id][-1]["body"], alone)
        assert events[made.id][-1]["duration_s"] > 0
    assert events["0003"][-1]["body"]["epochs_run"] == 1


def test_a_fraction_of_an_epoch_trains_on_the_same_images(digits: Dataset) -> None:
    made = task("0001", "C4 P GAP 1x1:10", epochs=0.5)
    events = run([made], digits)
    same(events["0001"][-1]["body"], run_trial(made, digits, lambda epoch, metrics: None))


def test_classes_count_alike_where_the_objective_says_so(digits: Dataset) -> None:
    kept = np.flatnonzero((digits.y_train > 2) | (np.arange(len(digits.y_train)) % 5 == 0))
    unbalanced = replace(digits, x_train=digits.x_train[kept], y_train=digits.y_train[kept])
    made = replace(task("0001", "C4 P GAP 1x1:10", epochs=1), objective="balanced_accuracy")
    alone = run_trial(made, unbalanced, lambda epoch, metrics: None)
    body = run([made], unbalanced)["0001"][-1]["body"]
    same(body, alone)
    assert body["val_balanced_accuracy"] == pytest.approx(alone["val_balanced_accuracy"], abs=0.02)


def test_a_loss_that_is_no_number_fails_its_trial(digits: Dataset) -> None:
    wild = task("0001", "C4(nobn) GAP 1x1:10", optimizer="sgd", learning_rate_sgd=1e30, schedule="constant")
    calm = task("0002", "C4 GAP 1x1:10")
    events = run([wild, calm], digits)
    assert [event["event"] for event in events["0001"]] == ["failed"]
    assert "DivergedError: the loss was no number after epoch 1" in events["0001"][0]["error"]
    assert events["0002"][-1]["event"] == "finished"
    same(events["0002"][-1]["body"], run_trial(calm, digits, lambda epoch, metrics: None))


def test_a_search_with_stacks_is_a_run_like_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real trials in a real process, as one program: all are recorded, resuming has nothing to do, run.json says what is not the same."""
    # On a CPU's own estimate no trial shares a program, nor do trials of different batch sizes.
    monkeypatch.setattr(stacked, "CPU", GPU)
    sample, submit = Family.sample, LocalWorkers.submit
    alike: Json = {"batch_size": 64, "augmentation": "none"}

    def sample_alike(family: Family, rng: np.random.Generator) -> Json:
        return family.active({**sample(family, rng), **alike})

    programs: list[int] = []

    def record_stack(workers: LocalWorkers, made: Task) -> None:
        if isinstance(made, StackTask):
            programs.append(len(made.tasks))
        submit(workers, made)

    monkeypatch.setattr(Family, "sample", sample_alike)
    monkeypatch.setattr(LocalWorkers, "submit", record_stack)
    monkeypatch.setenv("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
    options = SearchOptions(
        space="dense",
        data="digits",
        train_samples=200,
        algorithm="random",
        references=False,
        max_trials=3,
        max_epochs=1,
        confirm_top=1,
        confirm_seeds=1,
        workers=1,
        stack_trials=4,
    )
    folder = RunFolder(tmp_path / "run")
    launch.start(options, folder, Observer(), command=["mnist-tune"])
    records = read_state(folder.journal).finished.values()
    assert sorted(record.phase for record in records) == ["confirm"] + ["search"] * 3
    assert sorted(programs) == [
        1,
        2,
    ]  # the space's default configuration has another batch size than those that are sampled here
    assert all(record.completed and record.history["val_accuracy"] for record in records)
    run_document = folder.read_run()
    assert run_document.status == "completed"
    assert any("--stack-trials" in reason for reason in run_document.nondeterminism)
    assert launch.resume(options, folder, Observer()) is None
    assert (folder.path / "best").is_dir()
