"""The data of a run that is resumed: its own copy, checked as if a stranger had written it, else the source again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.kit.data_files import build_arrays, write_npz
from tests.kit.picture_files import write_splits
from tests.kit.replacing import replace
from tests.kit.run_builder import FakeRun, run_document
from tests.kit.runs.runs import training
from tests.kit.runs.user_image_runs import page
from tuner.core.errors import DataError, UsageError
from tuner.data.dataset import describe, load_dataset, save_arrays, splits_hash
from tuner.images.input_form import InputForm
from tuner.images.user_images import load_own_images, read_own_images
from tuner.options.run_options import RunOptions
from tuner.options.search_options import SearchOptions
from tuner.options.study_options import StudyOptions
from tuner.run import launch
from tuner.run.run_data import few_steps_note, load_run_data
from tuner.storage.run_folder import RunFolder
from tuner.storage.schema.run import RunDocument


def options(source: Path) -> SearchOptions:
    return SearchOptions(space="dense", data=str(source), train_samples=30)


def begun(folder: Path) -> tuple[SearchOptions, RunFolder, RunDocument]:
    """A run's data as its start leaves them: the source, the run's copy, and what run.json says of them."""
    asked = options(write_npz(folder / "source.npz"))
    data = load_dataset(asked.data, validation=asked.validation, seed=asked.seed, train_samples=asked.train_samples)
    run = RunFolder(folder / "run")
    save_arrays(data, run.work / "data")
    return asked, run, replace(run_document(FakeRun(), []), data=describe(data))


def changed_pixel(copy: Path) -> None:
    images = np.load(copy / "x_train.npy", allow_pickle=False)
    images[0, 0, 0] ^= 1
    np.save(copy / "x_train.npy", images)


def as_floats(copy: Path) -> None:
    images = np.load(copy / "x_train.npy", allow_pickle=False).astype(np.float32)
    images[0, 0, 0] = np.nan
    np.save(copy / "x_train.npy", images)


def without_older_digest(run: RunDocument) -> None:
    run.data = replace(run.data, splits_sha256=None)


def another_label(copy: Path) -> None:
    np.save(copy / "y_validation.npy", np.load(copy / "y_validation.npy", allow_pickle=False)[::-1].copy())


def a_label_too_many(copy: Path) -> None:
    np.save(copy / "y_test.npy", np.load(copy / "y_test.npy", allow_pickle=False) + 7)


def names(copy: Path, text: str) -> None:
    (copy / "dataset.json").write_text(text)


def replaced(path: Path, folder: bool) -> None:
    if path.is_dir():
        for each in path.iterdir():
            each.unlink()
        path.rmdir()
    else:
        path.unlink()
    path.mkdir() if folder else path.write_text("x")


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a pixel": changed_pixel,
    "floats and NaN": as_floats,
    "labels in another order": another_label,
    "a label out of range": a_label_too_many,
    "a torn file": lambda copy: (copy / "x_test.npy").write_bytes((copy / "x_test.npy").read_bytes()[:200]),
    "no file": lambda copy: (copy / "x_test.npy").unlink(),
    "a folder for a file": lambda copy: replaced(copy / "x_test.npy", folder=True),
    "a file for the folder": lambda copy: replaced(copy, folder=False),
    "deep names": lambda copy: names(copy, "[" * 100_000 + "]" * 100_000),
    "no names": lambda copy: names(copy, "{}"),
    "names of another kind": lambda copy: names(copy, '"x"'),
    "another name": lambda copy: names(copy, (copy / "dataset.json").read_text().replace('"source"', '"other"')),
    "other classes": lambda copy: names(copy, (copy / "dataset.json").read_text().replace('"2"', '"two"')),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_copy_of_the_data_is_made_again_from_the_source(tmp_path: Path, damage: str) -> None:
    asked, folder, run = begun(tmp_path)
    data, notes = launch._data_again(asked, folder, run)
    assert (splits_hash(data), notes) == (run.data.splits_sha256, ())
    DAMAGES[damage](folder.work / "data")
    data, notes = launch._data_again(asked, folder, run)
    assert splits_hash(data) == run.data.splits_sha256
    assert len(notes) == 1
    assert "was damaged; it was made again from" in notes[0]
    data, notes = launch._data_again(asked, folder, run)
    assert (splits_hash(data), notes) == (run.data.splits_sha256, ())


@pytest.mark.parametrize("damage", ["floats and NaN", "a label out of range", "deep names", "a torn file"])
def test_a_run_without_a_digest_of_its_splits_has_them_looked_at(tmp_path: Path, damage: str) -> None:
    asked, folder, run = begun(tmp_path)
    without_older_digest(run)
    assert launch._data_again(asked, folder, run)[1] == ()
    DAMAGES[damage](folder.work / "data")
    assert launch._data_again(asked, folder, run)[1] != ()


@pytest.mark.parametrize("damage", DAMAGES)
def test_where_the_source_is_gone_too_that_is_one_line(tmp_path: Path, damage: str) -> None:
    asked, folder, run = begun(tmp_path)
    DAMAGES[damage](folder.work / "data")
    Path(asked.data).unlink()
    with pytest.raises(DataError) as caught:
        launch._data_again(asked, folder, run)
    assert "no such file" in str(caught.value)
    assert "run/.work/data" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_data_do_not_take_the_place_of_a_damaged_copy(tmp_path: Path) -> None:
    asked, folder, run = begun(tmp_path)
    changed_pixel(folder.work / "data")
    write_npz(Path(asked.data), build_arrays(train=63))
    left = sorted(folder.path.rglob("*"))
    with pytest.raises(UsageError, match="data have changed"):
        launch._data_again(asked, folder, run)
    assert sorted(folder.path.rglob("*")) == left


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 torn", json.dumps([1]).encode()])
def test_damaged_copies_of_somebody_s_images_are_made_again(tmp_path: Path, content: bytes) -> None:
    page(tmp_path / "mine.png")
    folder = RunFolder(tmp_path / "run")
    folder.work.mkdir(parents=True)
    data = load_dataset(str(write_npz(tmp_path / "a.npz")), validation=0.1, seed=1)
    asked = SearchOptions(space="dense", data="digits", images=str(tmp_path / "mine.png"))
    form = InputForm.of(data.input_shape, digits=False)
    read_own_images(str(tmp_path / "mine.png"), data.class_names, form).save(folder.own_images)
    whole = load_own_images(folder.own_images)
    folder.own_images.write_bytes(content)
    with pytest.raises(DataError, match="can't be read"):
        load_own_images(folder.own_images)
    launch._own_images_again(asked, folder, data)
    assert load_own_images(folder.own_images).names == whole.names
    folder.own_images.write_bytes(content)
    (tmp_path / "mine.png").unlink()
    (note,) = launch._own_images_again(asked, folder, data)
    assert "continues without them" in note
    assert not folder.own_images.exists()


def test_photographs_are_read_again_by_the_run_s_options_and_progress_is_shown(tmp_path: Path) -> None:
    folder = write_splits(tmp_path / "zoo", sizes=((40, 30), (30, 30)))
    asked = SearchOptions(space="dense", data=str(folder), image_size="12x8", grayscale=True, resize="stretch")
    data = load_run_data(asked)
    run = replace(run_document(FakeRun(), []), data=describe(data))
    seen: list[tuple[int, int]] = []
    again, notes = launch._data_again(asked, RunFolder(tmp_path / "run"), run, lambda *numbers: seen.append(numbers))
    assert (splits_hash(again), notes) == (splits_hash(data), ())
    assert again.input_shape == (12, 8)
    assert seen[-1] == (49, 49)
    with pytest.raises(UsageError, match="The data have changed since this run began"):
        launch._data_again(SearchOptions(space="dense", data=str(folder)), RunFolder(tmp_path / "other"), run)


def test_arrays_of_something_else_are_not_taken_for_images(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", names=np.array(["a"]), seen=np.zeros((2, 28, 28), np.uint8))
    with pytest.raises(DataError, match="no prepared images"):
        load_own_images(tmp_path / "a.npz")


def arms_of(*epochs: int, hyperparameter: str = "dropout") -> Any:
    return SimpleNamespace(hyperparameter=hyperparameter, arms=[SimpleNamespace(epochs=each) for each in epochs])


@pytest.mark.parametrize(
    ("asked", "study", "images", "advice"),
    [
        (SearchOptions(space="dense"), None, 300, "--max-epochs 27"),
        # One step an epoch, of fewer images than a batch has.
        (SearchOptions(space="dense"), None, 3, "--max-epochs 243"),
        (SearchOptions(space="dense"), None, 127, "--max-epochs 243"),
        (SearchOptions(space="dense"), None, 128, "--max-epochs 81"),
        (SearchOptions(space="dense"), None, 1_167, None),
        (training(), None, 300, "--epochs 27"),
        (training(epochs=25), None, 300, None),
        (StudyOptions(space="dense", name="dropout", epochs=2), arms_of(2, 2), 1_167, "--epochs 9"),
        (StudyOptions(space="dense", name="dropout"), arms_of(15, 15), 30, "--epochs 243"),
        (StudyOptions(space="dense", name="patience"), arms_of(30, 200), 64, None),
        (StudyOptions(space="dense", name="epochs"), arms_of(1, 2, hyperparameter="epochs"), 64, None),
    ],
)
def test_few_steps_are_said(asked: RunOptions, study: Any, images: int, advice: str | None) -> None:
    data: Any = SimpleNamespace(y_train=np.zeros(images, np.int64))
    notes = few_steps_note(asked, data, study)
    assert [note.endswith(f"More epochs help: {advice}.") for note in notes] == ([True] if advice else [])


def test_the_note_counts_the_steps_that_training_takes() -> None:
    data: Any = SimpleNamespace(y_train=np.zeros(40, np.int64))
    (note,) = few_steps_note(SearchOptions(space="dense", max_epochs=1), data)
    assert note.startswith("40 training images are few: 1 epoch has about 1 step of 40 images")
