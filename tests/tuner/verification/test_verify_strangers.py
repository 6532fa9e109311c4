"""A stranger's run in `mnist-tune verify`: whatever one thing of it is changed to, every check says something, in one line."""

from __future__ import annotations

import copy
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference.models import find_model
from tests.kit.marks import slow_after
from tests.kit.runs.verified_runs import MODEL, SMALL, WORKER, studying
from tests.kit.strangers import WRONG, Change, changed, every_place
from tests.kit.tampering import Victim
from tests.kit.wrong_arrays import WRONG_ARRAYS
from tuner.core.records import Json
from tuner.options.run_options import RunOptions
from tuner.options.search_options import SearchOptions
from tuner.run import launch
from tuner.run.observer import Observer
from tuner.storage.npz_io import read_npz, write_npz
from tuner.storage.run_folder import RunFolder
from tuner.verification.check import LONGEST_DETAIL
from tuner.verification.evidence import Request
from tuner.verification.verify import CHECKS, verify

# `Any`: what is wrong has any type.

KINDS: dict[str, RunOptions] = {
    "study": studying(seeds=2),
    "hyperband": SearchOptions(**{**SMALL, "max_epochs": 3}, confirm_seeds=2, refit=True, target=70.0),
    "bayesian": SearchOptions(**SMALL, algorithm="bayesian", max_trials=4, confirm_seeds=1),
}
CHANGES, DEEP_CHANGES = 6, 150


@pytest.fixture(scope="module", params=slow_after(1, KINDS))
def sound(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound") / "run"
    launch.start(KINDS[request.param], RunFolder(folder), Observer(), command=["mnist-tune"], worker_module=WORKER)
    return folder


def changes(folder: Path, seed: int) -> Iterator[Change]:
    places = every_place(folder)
    found = [Change(file, place, value) for file, place in places for value in WRONG]
    found += [Change(file, place, None, removed=True) for file, place in places]
    random.Random(seed).shuffle(found)
    yield from found


def put(folder: Path, change: Change) -> None:
    """Makes a change; the journal's chain is right again where what it holds can be written."""

    def put_into(events: list[Json]) -> None:
        target: Any = events
        for name in change.place[:-1]:
            target = target[name]
        if change.removed:
            del target[change.place[-1]]
        else:
            target[change.place[-1]] = copy.deepcopy(change.value)

    if change.file != "trials.jsonl":
        changed(folder, change)
        return
    try:
        Victim(folder).edit_events(put_into)
    except (ValueError, TypeError, AttributeError):
        changed(folder, change)


def says_something(run: Path, what: object) -> set[str]:
    """The checks that fail; each check of a changed run has to end."""
    try:
        checks = verify(RunFolder(run), Request(inspect_model=find_model))
    except Exception as error:
        raise AssertionError(f"{what}: {error!r}") from error
    for check in checks:
        assert "\n" not in check.detail, what
        assert len(check.detail) <= LONGEST_DETAIL + 3, what
    return {check.name for check in checks if check.failed}


def check_changes(sound: Path, run: Path, seed: int, number: int) -> None:
    for change, _ in zip(changes(sound, seed), range(number), strict=False):
        shutil.rmtree(run, ignore_errors=True)
        shutil.copytree(sound, run)
        put(run, change)
        says_something(run, change)


@pytest.fixture(autouse=True)
def without_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuner.verification.verify.CHECKS", {k: v for k, v in CHECKS.items() if k not in MODEL})
    monkeypatch.setattr("tuner.data.keras_datasets.download", lambda *_, **__: "no network in a test")


def test_every_check_says_something_of_one_change(sound: Path, tmp_path: Path) -> None:
    check_changes(sound, tmp_path / "run", 1, CHANGES)


@pytest.mark.slow
def test_every_check_says_something_of_many_changes(sound: Path, tmp_path: Path) -> None:
    check_changes(sound, tmp_path / "run", 2, DEEP_CHANGES)


@pytest.mark.slow
def test_every_check_says_something_of_other_arrays(sound: Path, tmp_path: Path) -> None:
    arrays = read_npz(sound / "evaluation.npz")
    names = [name for name in arrays if name.startswith(("validation", "confirm", "test"))]
    cases = [(name, value) for name in names for value in (None, *WRONG_ARRAYS)]
    random.Random(3).shuffle(cases)
    for name, value in cases[:60]:
        run = tmp_path / "run"
        shutil.rmtree(run, ignore_errors=True)
        shutil.copytree(sound, run)
        others = {key: array for key, array in arrays.items() if key != name or value is not None}
        if value is not None:
            others[name] = np.asarray(value)
        write_npz(run / "evaluation.npz", others)
        assert "digests" in says_something(run, (name, value))
