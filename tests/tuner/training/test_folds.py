"""Confirmed seeds validate on other images each: which ones, what is trained on the rest, what a run and its page say."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_tune.api.export import Request, _export_formats
from mnist_tune.api.export_folder import ExportFolder
from reports.analysis.model.classification import scored_winner
from reports.comparison.differences import seed_pairs
from reports.comparison.runs import name_runs
from reports.pages.page import render_report
from reports.run.reading import read_run
from search_spaces.families.compact.family import CompactFamily
from tests.kit.page import SMALL, Page
from tests.kit.records import record, trial
from tests.kit.run_builder import FakeRun, build_run
from tests.kit.runs.searches import start
from tuner.core.records import to_json
from tuner.data.dataset import Dataset, load_dataset
from tuner.data.splits import fold_indices, proportional_counts
from tuner.export import job
from tuner.export.writing import Sample
from tuner.processes.tasks import SpaceRef, TrainTask
from tuner.run.trial_loop import same_training
from tuner.run.trial_sources import confirmation_trials
from tuner.storage.journal import read_state
from tuner.storage.npz_io import read_npz
from tuner.storage.run_folder import RunFolder
from tuner.storage.schema.documents import validate
from tuner.storage.schema.trials import Finished, Started
from tuner.training.trial import run_trial

# Of Keras 3.15 with NumPy 2: copying a variable out.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_dataset("digits", validation=0.1, seed=1)


@given(sizes=st.lists(st.integers(3, 30), min_size=2, max_size=5), share=st.floats(0.05, 1.0))
def test_folds_have_no_image_in_common_until_all_are_used(sizes: list[int], share: float) -> None:
    labels = np.repeat(np.arange(len(sizes)), sizes)
    total = max(1, int(share * len(labels)))
    rounds = len(labels) // total
    folds = [fold_indices(labels, total, fold) for fold in range(1, rounds + 2)]
    assert all(len(fold) == total and np.all(np.diff(fold) > 0) for fold in folds)
    assert len(np.unique(np.concatenate(folds[:rounds]))) == rounds * total
    # The first one has each class in proportion; what the others find depends on what is left.
    expected = proportional_counts(np.array(sizes), total)
    np.testing.assert_array_equal(np.bincount(labels[folds[0]], minlength=len(sizes)), expected)


def test_a_fold_is_the_same_whenever_it_is_asked_for() -> None:
    labels = np.arange(200) % 10
    np.testing.assert_array_equal(fold_indices(labels, 20, 3), fold_indices(labels, 20, 3))
    assert np.array_equal(np.bincount(labels[fold_indices(labels, 20, 7)]), np.full(10, 2))


def test_a_hostile_fold_takes_no_longer_than_another() -> None:
    labels = np.arange(200) % 10
    assert not np.array_equal(fold_indices(labels, 20, 10**6), fold_indices(labels, 20, 10))


def pictures(images: Any) -> list[bytes]:
    return [image.tobytes() for image in np.asarray(images)]


def test_what_validates_is_never_trained_on_and_nothing_is_lost(digits: Dataset) -> None:
    folds = [digits.fold(number) for number in range(4)]
    everything = sorted(pictures(digits.joined().x_train))
    for one in folds:
        assert one.x_train.shape == digits.x_train.shape
        assert one.x_validation.shape == digits.x_validation.shape
        assert sorted(pictures(one.x_train) + pictures(one.x_validation)) == everything
        assert one.x_test is digits.x_test
    held_out = [image for one in folds for image in pictures(one.x_validation)]
    assert len(set(held_out)) == len(set(everything) & set(held_out)) > 3.9 * len(digits.y_validation)
    labels = dict(zip(pictures(digits.joined().x_train), digits.joined().y_train, strict=True))
    for one in folds:
        assert [labels[image] for image in pictures(one.x_train)] == list(one.y_train)
        assert [labels[image] for image in pictures(one.x_validation)] == list(one.y_validation)
    assert digits.fold(0) is digits


def test_too_few_training_images_have_no_folds() -> None:
    assert load_dataset("digits", validation=0.4, seed=1).has_folds
    few = load_dataset("digits", validation=0.5, seed=1, train_samples=100)
    assert not few.has_folds
    assert few.fold(3) is few


@pytest.mark.parametrize(("folds", "expected"), [(True, [1, 2, 3]), (False, [0, 0, 0])])
def test_every_finalist_has_the_same_folds(folds: bool, expected: list[int]) -> None:
    trials = confirmation_trials([record(1), record(2)], 3, 31, 3, 1, folds=folds)
    assert [one.fold for one in trials] == expected * 2
    assert [one.seed for one in trials[:3]] == [one.seed for one in trials[3:]]


def test_a_training_validates_on_its_fold(tmp_path: Path) -> None:
    digits = load_dataset("digits", validation=0.1, seed=1, train_samples=300)
    configuration = {**CompactFamily(max_params=1000).sample(np.random.default_rng(3)), "network": "C4 P C4 GAP 1x1:10"}
    task = TrainTask(
        id="a",
        space=SpaceRef(name="compact8k", max_params=1000, max_macs=None, classes=10),
        configuration=configuration,
        epochs=1,
        seed=5,
        fold=2,
        keep=str(tmp_path / "fold"),
    )
    body = run_trial(task, digits, lambda *_: None)
    by_hand = run_trial(replace(task, fold=0, keep=str(tmp_path / "same")), digits.fold(2), lambda *_: None)
    assert body["history"]["loss"] == by_hand["history"]["loss"]
    assert body["val_accuracy"] == by_hand["val_accuracy"]
    kept, beside = (read_npz(tmp_path / f"{name}.npz") for name in ("fold", "same"))
    np.testing.assert_array_equal(kept["validation_labels"], digits.fold(2).y_validation)
    np.testing.assert_array_equal(kept["validation_probabilities"], beside["validation_probabilities"])
    assert "validation_labels" not in beside
    right = kept["validation_probabilities"].argmax(axis=1) == kept["validation_labels"]
    assert right.mean() == pytest.approx(body["val_accuracy"])


def test_a_fold_belongs_to_a_training() -> None:
    one = trial(31, phase="confirm", repetition=1, fold=1)
    ended = record(31, phase="confirm", repetition=1, fold=1, configuration={"filters": 31})
    assert same_training(one, ended)
    assert not same_training(replace(one, fold=0), ended)


def test_the_journals_of_older_versions_have_fold_0() -> None:
    one, ended = to_json(trial(31, fold=2)), to_json(record(31, phase="confirm", fold=2))
    assert (
        validate({"event": "started", **one}, Started).fold
        == validate({"event": "finished", **ended}, Finished).fold
        == 2
    )
    del one["fold"], ended["fold"]
    assert (
        validate({"event": "started", **one}, Started).fold
        == validate({"event": "finished", **ended}, Finished).fold
        == 0
    )


def test_a_search_confirms_on_folds(tmp_path: Path) -> None:
    path = tmp_path / "run"
    result = start(path, confirm_top=2, confirm_seeds=3)
    records = read_state(path / "trials.jsonl").finished.values()
    assert {one.fold for one in records if one.phase == "search"} == {0}
    confirmed = [one for one in records if one.phase == "confirm"]
    assert len(confirmed) == 6
    assert all(one.fold == one.repetition for one in confirmed)
    assert result["fold"] == next(one.fold for one in confirmed if one.trial == result["trial"])


def test_a_search_with_few_images_confirms_on_the_ones_that_it_has(tmp_path: Path) -> None:
    path = tmp_path / "run"
    assert start(path, validation=0.5, train_samples=100)["fold"] == 0
    assert {one.fold for one in read_state(path / "trials.jsonl").finished.values()} == {0}


def test_an_export_without_the_test_set_compares_on_images_that_its_model_never_saw(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run"
    result = start(path, test=False)
    compared: list[Sample] = []

    def compare(formats: object, model: object, stage: Path, sample: Sample, int8: bytes | None) -> dict[str, Any]:
        compared.append(sample)
        return {}

    monkeypatch.setattr(job, "export_formats", compare)
    monkeypatch.setattr(job, "load_model", lambda *_, **__: None)
    folder = RunFolder(path)
    request = Request(folder, folder.read_run(), (), ExportFolder(tmp_path / "out", model=folder.keras_model), (), None)
    _export_formats(request, digits, tmp_path)
    document = json.loads(folder.result_json.read_text())
    del document["fold"]
    folder.result_json.write_text(json.dumps(document))
    _export_formats(request, digits, tmp_path)
    assert result["fold"] > 0
    for sample, fold in zip(compared, (result["fold"], 0), strict=True):
        expected = Sample.of(digits.fold(fold), test=False)
        assert (sample.split, sample.images.tolist()) == ("validation", expected.images.tolist())
        assert sample.calibration.tolist() == expected.calibration.tolist()


# The page


def test_the_page_says_that_each_seed_has_other_images(tmp_path: Path) -> None:
    before, after = (
        Page(render_report(build_run(tmp_path / str(folds), FakeRun(**{**SMALL, "folds": folds})))).text
        for folds in (False, True)
    )
    words = "validation images, other ones for each seed"
    assert words in after
    assert "held out other images in their place" in after
    assert words not in before
    assert "held out other images in their place" not in before


def test_a_confusion_matrix_without_a_test_set_is_of_the_fold(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "run", FakeRun(**{**SMALL, "folds": True, "meet_test": False}))
    run = read_run(folder)
    assert run.result is not None
    found = scored_winner(run)
    assert found is not None
    assert found.split == "validation"
    shifted = (found.labels + 1) % 10
    arrays = {**run.arrays, f"confirm/{run.result.trial}/validation_labels": shifted}
    other = scored_winner(replace(run, arrays=arrays))
    assert other is not None
    np.testing.assert_array_equal(other.labels, shifted)


@pytest.mark.parametrize(
    ("first", "second", "samples", "obstacle"),
    [
        (False, False, False, None),
        (True, True, False, None),
        (True, False, False, "labels"),
        (True, True, True, "labels"),
        (False, False, True, None),
    ],
)
def test_seeds_compare_on_the_same_images_only(
    tmp_path: Path, first: bool, second: bool, samples: bool, obstacle: str | None
) -> None:
    """`samples`: the second run has fewer training images, of which another fold would be others."""
    folders = [
        build_run(tmp_path / name, FakeRun(**{**SMALL, "folds": folds}))
        for name, folds in (("a", first), ("b", second))
    ]
    if samples:
        document = json.loads((folders[1] / "run.json").read_text())
        document["data"]["train"] -= 1
        (folders[1] / "run.json").write_text(json.dumps(document))
    assert seed_pairs(name_runs(folders, [read_run(folder) for folder in folders]))[0].obstacle == obstacle
