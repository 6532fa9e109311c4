"""A stranger's run: whatever one thing of it is changed to, its report renders or is refused in one line."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reports.pages.page import render_report
from reports.pages.trials_csv import trials_csv
from reports.run.array_checks import ArrayError, check_arrays
from reports.run.reading import read_run
from tests.kit.strangers import SMALL, WRONG, Change, built, changed, every_place
from tests.kit.study_builder import FakeArm, FakeStudy, build_study
from tests.kit.wrong_arrays import WRONG_ARRAYS
from tuner.core.errors import JournalError, MnistTuneError

KINDS = ("search", "study")
READS, RENDERS = 60, 1
DEEP_READS, DEEP_RENDERS = 1_500, 20
DEEP_SEED = 7
"""Of the slow tests; another one looks elsewhere."""


@pytest.fixture(scope="module", params=KINDS)
def sound(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound") / "run"
    if request.param == "search":
        return built(folder)
    arms = (FakeArm("0", 0.0), FakeArm("0.1", 0.1, {"dropout": 0.1}))
    return build_study(
        folder,
        FakeStudy(arms=arms, seeds=2, epochs=3, diagnostics=("gradient_norms", "units", "gradient_noise", "step")),
    )


def changes(folder: Path, seed: int) -> Iterator[Change]:
    """All changes of one thing, in an order that a seed gives."""
    places = every_place(folder)
    found = [Change(file, place, value) for file, place in places for value in WRONG]
    found += [Change(file, place, None, removed=True) for file, place in places]
    random.Random(seed).shuffle(found)
    yield from found


def is_read(sound: Path, run: Path, change: Change) -> bool:
    """False where the run is refused, in one line."""
    shutil.rmtree(run, ignore_errors=True)
    shutil.copytree(sound, run)
    changed(run, change)
    try:
        read_run(run)
    except MnistTuneError as error:
        assert "\n" not in str(error), change
        assert len(str(error)) < 2000, change
        return False
    return True


def render(run: Path) -> None:
    page = render_report(run)
    page.encode()
    trials_csv(read_run(run)).encode()
    assert "<script>window" not in page


def check(sound: Path, run: Path, seed: int, reads: int, renders: int) -> None:
    left = renders
    for change, _ in zip(changes(sound, seed), range(reads), strict=False):
        if is_read(sound, run, change) and left:
            left -= 1
            try:
                render(run)
            except Exception as error:
                raise AssertionError(f"{change}: {error!r}") from error
    assert left == 0


def test_one_change_is_refused_or_rendered(sound: Path, tmp_path: Path) -> None:
    check(sound, tmp_path / "run", 1, READS, RENDERS)


@pytest.mark.slow
def test_many_changes_are_refused_or_rendered(sound: Path, tmp_path: Path) -> None:
    check(sound, tmp_path / "run", DEEP_SEED, DEEP_READS, DEEP_RENDERS)


# --- evaluation.npz -----------------------------------------------------------------------------------------------------


def save(path: Path, arrays: dict[str, Any]) -> None:
    np.savez(path, **arrays)


def check_arrays_of(sound: Path, tmp_path: Path, seed: int, renders: int) -> None:
    with np.load(sound / "evaluation.npz", allow_pickle=False) as file:
        arrays = {key: file[key] for key in file.files}
    cases: list[tuple[str, Any]] = [
        (key, value)
        for key in arrays
        for value in (*WRONG_ARRAYS, None, arrays[key][:-1] if arrays[key].ndim else None)
    ]
    random.Random(seed).shuffle(cases)
    run = shutil.copytree(sound, tmp_path / "run")
    for key, value in cases:
        rest = {name: array for name, array in arrays.items() if name != key}
        put = rest if value is None else {**rest, key: value}
        try:
            check_arrays(put, read_run(sound).info.data.classes)
        except ArrayError as error:
            assert "\n" not in str(error)
            continue
        save(run / "evaluation.npz", put)
        try:
            render(run)
        except JournalError:
            continue
        except Exception as error:
            raise AssertionError(f"{key} as {value!r}: {error!r}") from error
        renders -= 1
        if renders == 0:
            return


def test_an_array_that_is_another_is_refused_or_drawn(sound: Path, tmp_path: Path) -> None:
    check_arrays_of(sound, tmp_path, 1, 1)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_every_array_that_is_another_is_refused_or_drawn(sound: Path, tmp_path: Path) -> None:
    check_arrays_of(sound, tmp_path, 2, DEEP_RENDERS)


@pytest.mark.parametrize(
    ("key", "array", "told"),
    [
        ("test/labels", np.full(SMALL["test"], 3), "points outside of classes"),
        ("test/labels", np.zeros(5, np.int64), "wrong shape"),
        ("test/probabilities", np.zeros((SMALL["test"], 4)), "wrong shape"),
        ("images/test", np.zeros((1, 28, 28), np.uint8), "wrong shape"),
        ("images/samples", np.zeros((6, 28, 28), np.float32), "wrong type"),
        ("images/test_indices", np.array([10**9]), "wrong shape"),
        ("confirm/0005/weights/names", np.zeros(3), "wrong type"),
    ],
)
def test_what_is_wrong_with_an_array_is_said(key: str, array: Any, told: str, tmp_path: Path) -> None:
    run = built(tmp_path / "run")
    with np.load(run / "evaluation.npz", allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    assert key in arrays
    save(run / "evaluation.npz", {**arrays, key: array})
    with pytest.raises(JournalError, match=told):
        read_run(run)
