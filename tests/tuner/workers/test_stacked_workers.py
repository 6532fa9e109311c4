"""Trials that train as one program: who shares one, and that each has its own events, whatever happens to the program."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search_spaces.families.registry import load_family
from search_spaces.networks.notation import parse
from search_spaces.stacked.grouping import CPU, GPU, DeviceCosts, Grouping
from tests.kit.runs.worker_pool import SPACE
from tuner.core.errors import RunFailed, UsageError
from tuner.data.dataset import load_dataset, save_arrays
from tuner.options.search_options import SearchOptions
from tuner.processes.tasks import Event, StackTask, TrainTask, task_from_json, task_to_json
from tuner.workers import stacked
from tuner.workers.local import LocalWorkers
from tuner.workers.stacked import STACK_MODULE, StackedWorkers, can_be_stacked

FAMILY = load_family("compact8k")
FREE = DeviceCosts(slot_s=1.0, multiply_adds_per_s=1e15, compilation_s=1.0, memory_bytes=2**40)
"""A device on which arithmetic costs nothing, so that all trials share a program."""


def task(number: int, batch_size: int = 64, **changes: Any) -> TrainTask:
    configuration = {**FAMILY.sample(np.random.default_rng(number)), "batch_size": batch_size}
    extra = changes.pop("extra", {})
    made = TrainTask(id=f"{number:04d}", space=SPACE, configuration={**configuration, **extra}, epochs=1, seed=1)
    return replace(made, **changes)


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[StackedWorkers]:
    def others() -> LocalWorkers:
        return LocalWorkers(1, tmp_path, tmp_path / "logs", module="tests.kit.processes.fake_worker")

    made = StackedWorkers(
        most=4,
        data_folder=tmp_path,
        log_folder=tmp_path / "logs",
        gpus=0,
        processes=1,
        learns=False,
        make_others=others,
        costs=FREE,
        module="tests.kit.processes.fake_stacked_worker",
    )
    yield made
    made.close()


def ends(workers: StackedWorkers, count: int) -> dict[str, Event]:
    ended: dict[str, Event] = {}
    deadline = time.monotonic() + 60
    while len(ended) < count and time.monotonic() < deadline:
        event = workers.next_event(1.0)
        if event is not None and event.kind != "epoch":
            assert event.task not in ended
            ended[event.task] = event
    return ended


def programs(folder: Path) -> list[list[str]]:
    return [line.split() for line in (folder / "programs").read_text().splitlines()]


def test_trials_of_one_batch_size_and_length_share_a_program(workers: StackedWorkers, tmp_path: Path) -> None:
    for made in (task(1), task(2, 128), task(3), task(4, epochs=2), task(5), task(6, 128)):
        workers.submit(made)
    ended = ends(workers, 6)
    assert programs(tmp_path) == [["0001", "0003", "0005"], ["0002", "0006"], ["0004"]]
    assert {event.kind for event in ended.values()} == {"finished"}
    assert all(event.body["epochs_run"] == 1 and event.duration_s == 0.5 for event in ended.values())


def test_a_program_has_no_more_trials_than_allowed(workers: StackedWorkers, tmp_path: Path) -> None:
    assert workers.size == 16
    for number in range(1, 7):
        workers.submit(task(number))
    ends(workers, 6)
    assert max(map(len, programs(tmp_path))) <= 4
    assert sum(map(len, programs(tmp_path))) == 6


def test_a_trial_that_diverges_fails_alone(workers: StackedWorkers) -> None:
    workers.submit(task(1, extra={"diverge": True}))
    workers.submit(task(2))
    ended = ends(workers, 2)
    assert ended["0001"].kind == "failed"
    assert "DivergedError" in (ended["0001"].error or "")
    assert ended["0002"].kind == "finished"


def test_a_program_whose_process_dies_is_divided(workers: StackedWorkers, tmp_path: Path) -> None:
    """The first trial ended before the process died; the others train in smaller programs, the last alone."""
    for made in (task(1), task(2, extra={"die": "in company"}), task(3)):
        workers.submit(made)
    ended = ends(workers, 3)
    assert {event.kind for event in ended.values()} == {"finished"}
    whole = ["0001", "0002", "0003"]
    assert programs(tmp_path) == [whole, whole, ["0002"], ["0003"]]


def test_a_trial_that_kills_its_own_program_twice_fails(workers: StackedWorkers) -> None:
    workers.submit(task(1, extra={"die": "always"}))
    ended = ends(workers, 1)
    assert ended["0001"].kind == "failed"
    assert "lost its process twice" in (ended["0001"].error or "")


def test_other_tasks_have_ordinary_workers(workers: StackedWorkers, tmp_path: Path) -> None:
    workers.submit(task(1, keep=str(tmp_path / "kept"), extra={"score": 0.25}))
    (tmp_path / "y_validation.npy").write_bytes(b"")
    np.save(tmp_path / "y_validation.npy", np.zeros(3, int))
    workers.submit(task(2))
    ended = ends(workers, 2)
    assert ended["0001"].body["val_accuracy"] == 0.25
    assert programs(tmp_path) == [["0002"]]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"keep": "model"}, False),
        ({"refit": True}, False),
        ({"diagnostics": ("rank",)}, False),
        ({"extra": {"trial.patience": 3}}, False),
        ({"space": replace(SPACE, name="mine:Space")}, False),
        ({"configuration": {**task(1).configuration, "network": "C8 D10"}}, True),
    ],
)
def test_which_trials_can_share_a_program(changes: dict[str, Any], expected: bool) -> None:
    assert can_be_stacked(task(1, **changes)) is expected


def test_an_optimizer_that_programs_lack_trains_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacked, "OPTIMIZERS", {"adamw"})
    shares = {name: can_be_stacked(task(1, extra={"optimizer": name})) for name in ("adamw", "momentum")}
    assert shares == {"adamw": True, "momentum": False}


def test_a_stack_travels_as_json() -> None:
    stack = StackTask(id="stack-1", tasks=(task(1), task(2)))
    assert task_from_json(task_to_json(stack)) == stack


def test_on_a_processor_padding_costs_more_than_it_saves() -> None:
    networks = [FAMILY.specs(FAMILY.sample(np.random.default_rng(number))) for number in range(5)]
    made = {
        name: [len(program.members) for program in Grouping((28, 28, 1), 64, 1000, 16, costs).programs(networks)]
        for name, costs in (("cpu", CPU), ("gpu", GPU), ("free", FREE))
    }
    assert made["cpu"] == [1] * 5
    assert len(made["gpu"]) < 5
    assert made["free"] == [5]
    small = replace(FREE, memory_bytes=2**20)
    assert len(Grouping((28, 28, 1), 64, 1000, 16, small).programs(networks)) == 5


def test_equal_networks_share_a_program_everywhere() -> None:
    networks = [parse("C8 P C8 GAP 1x1:10")] * 3
    assert len(Grouping((28, 28, 1), 64, 100, 16, CPU).programs(networks)) == 1


@pytest.mark.parametrize("other", [{"scheduler": "tcp://h:1"}, {"trial_timeout": 60.0}])
def test_stacks_go_with_neither_a_cluster_nor_a_timeout(other: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"--stack-trials .* Leave one of them out"):
        SearchOptions(space="compact8k", stack_trials=8, **other)


def test_a_gpu_that_jax_can_t_use_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """JAX without CUDA falls back to the processor: no trial of a GPU may train there."""
    pytest.importorskip("jax")
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    save_arrays(load_dataset("digits", validation=0.1, seed=1, train_samples=50), tmp_path / "data")
    workers = LocalWorkers(1, tmp_path / "data", tmp_path / "logs", gpus=1, module=STACK_MODULE, backend="jax")
    advice = r"exit code 1\. --stack-trials can't use the GPU\. Expected .* Received: .* pip install 'jax\[cuda12\]'"
    with contextlib.closing(workers), pytest.raises(RunFailed, match=advice):
        workers.next_event(60.0)
