"""Data sets: every source, every fault of a file, the splits, sharing and description."""

from __future__ import annotations

import gzip
import json
import os
import struct
import subprocess
import sys
import textwrap
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.kit.data_files import IMAGES, NAMES, Arrays, build_arrays, check_said, load, write_idx, write_npz
from tests.kit.handwriting import mnist
from tests.kit.paths import ROOT
from tuner.core.errors import DataError, UsageError
from tuner.data import download as download_module
from tuner.data import keras_datasets
from tuner.data import sources as data_sources
from tuner.data.dataset import describe, open_arrays, save_arrays, splits_hash
from tuner.data.splits import proportional_counts
from tuner.storage.npz_io import NpzArchive
from tuner.storage.schema.documents import as_json


@pytest.fixture(autouse=True)
def no_data_around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in the environment, an empty cache, and no network."""
    monkeypatch.delenv("MNIST_TUNE_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(keras_datasets, "download", lambda *_, **__: "no network in a test")


def test_a_file_is_loaded_as_it_is(tmp_path: Path) -> None:
    arrays = build_arrays()
    dataset = load(write_npz(tmp_path / "noise.npz"))
    assert (dataset.name, dataset.fallback, dataset.class_names) == ("noise", False, ("0", "1", "2"))
    assert dataset.x_train.shape == (54, 28, 28)
    assert dataset.x_train.dtype == np.uint8
    assert dataset.y_train.dtype == np.int64
    np.testing.assert_array_equal(dataset.x_test, arrays["x_test"])
    np.testing.assert_array_equal(dataset.y_test, arrays["y_test"])


def test_every_kind_of_file_has_the_same_hash(tmp_path: Path) -> None:
    sources = [
        write_npz(tmp_path / "a.npz"),
        write_idx(tmp_path / "plain"),
        write_idx(tmp_path / "zipped", zipped=True),
        write_idx(tmp_path / "dots", dots=True),
        write_idx(tmp_path / "both", dots=True, zipped=True),
    ]
    hashes = {load(source).sha256 for source in sources}
    assert len(hashes) == 1
    other = build_arrays()
    other["x_test"][0, 0, 0] ^= 1
    assert load(write_npz(tmp_path / "b.npz", other)).sha256 not in hashes


@pytest.mark.parametrize("gzipped", [True, False])
def test_the_content_says_whether_an_idx_file_is_gzipped(tmp_path: Path, gzipped: bool) -> None:
    folder = write_idx(tmp_path / "idx", zipped=gzipped)
    for path in list(folder.iterdir()):
        path.rename(path.with_suffix("") if gzipped else path.with_name(path.name + ".gz"))
    assert len(load(folder).y_test) == 20


@pytest.mark.parametrize(
    "images",
    [
        pytest.param(IMAGES.astype(np.int64), id="int64"),
        pytest.param(IMAGES.astype(">u2"), id="big-endian"),
        pytest.param(IMAGES.astype(np.float32), id="floats to 255"),
        pytest.param((IMAGES / 255).astype(np.float32), id="floats to 1"),
        pytest.param((IMAGES / 255).astype(np.float64), id="doubles to 1"),
        pytest.param((IMAGES / 255).astype(np.float16), id="half floats to 1"),
        pytest.param(IMAGES[..., None], id="channel"),
        pytest.param(np.asfortranarray(IMAGES), id="column-major"),
    ],
)
def test_images_are_converted_exactly(tmp_path: Path, images: NDArray[Any]) -> None:
    factor = 255 if images.dtype.kind == "f" and images.max() <= 1 else 1
    test = (build_arrays()["x_test"] / factor).astype(images.dtype)
    path = write_npz(tmp_path / "a.npz", x_train=images, x_test=test)
    assert load(path).sha256 == load(write_npz(tmp_path / "b.npz")).sha256


def test_floats_are_scaled_by_train_and_test_together(tmp_path: Path) -> None:
    arrays = build_arrays()
    dark = np.minimum(arrays["x_test"], 1).astype(np.float32)
    path = write_npz(tmp_path / "a.npz", x_train=arrays["x_train"].astype(np.float32), x_test=dark)
    assert load(path).x_test.max() == 1


@pytest.mark.parametrize("side", [4, 8, 20, 27, 33, 64])
def test_small_images_keep_their_size(tmp_path: Path, side: int) -> None:
    arrays = build_arrays(side=side)
    data = load(write_npz(tmp_path / "a.npz", arrays))
    np.testing.assert_array_equal(data.x_test, arrays["x_test"])
    assert data.input_shape == (side, side)
    assert data.notes == ()


def test_whole_float_labels_are_taken(tmp_path: Path) -> None:
    labels = build_arrays()["y_train"].astype(np.float64)
    assert load(write_npz(tmp_path / "a.npz", y_train=labels)).y_train.dtype == np.int64


def with_value(array: NDArray[Any], value: float, dtype: str) -> NDArray[Any]:
    changed = array.astype(dtype)
    changed.reshape(-1)[7] = value
    return changed


X, Y = build_arrays()["x_train"], build_arrays()["y_train"]
Y_TEST = build_arrays()["y_test"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"x_train": X[:, 0]}, "x_train has a wrong shape. Expected (n, h, w)", id="flat images"),
        pytest.param(
            {"x_train": np.zeros((60, 28, 28, 3), np.uint8)}, "Expected 28×28, in colour in both", id="colour"
        ),
        pytest.param({"x_train": np.zeros((60, 28, 28, 2), np.uint8)}, "Received: (60, 28, 28, 2)", id="two channels"),
        pytest.param({"x_train": np.zeros((60, 3, 32), np.uint8)}, "Received: (60, 3, 32)", id="too small"),
        pytest.param({"x_train": np.zeros((60, 0, 28), np.uint8)}, "Received: (60, 0, 28)", id="no pixels"),
        pytest.param({"x_train": X[:0], "y_train": Y[:0]}, "Expected 1 to 1,000,000 images. Received: 0", id="none"),
        pytest.param({"x_train": X[:, :9]}, "Received: 28×28 in x_test", id="two sizes"),
        pytest.param({"y_train": Y[:59]}, "Received: 60 images and 59 labels", id="lengths"),
        pytest.param({"x_train": X.astype(complex)}, "Received: dtype complex128", id="complex"),
        pytest.param({"x_train": X.astype("U3")}, "Save pixels, not text", id="text images"),
        pytest.param({"y_train": Y.astype(object)}, "pickled Python objects, which are never loaded", id="pickled"),
        pytest.param({"x_train": with_value(X, np.nan, "f4")}, "NaN or infinite pixels", id="NaN"),
        pytest.param({"x_train": with_value(X, np.inf, "f4")}, "NaN or infinite pixels", id="infinite"),
        pytest.param({"x_train": with_value(X, -1, "i4")}, "Received: -1 to 255", id="negative"),
        pytest.param({"x_train": with_value(X, 256, "i4")}, "Received: 0 to 256", id="16 bits"),
        pytest.param({"y_train": with_value(Y, np.nan, "f4")}, "NaN or infinite labels", id="NaN label"),
        pytest.param(
            {"y_train": with_value(Y, 0.5, "f4")},
            "not whole. Expected 0, 1, 2 and so on, or texts. Received: 0.5",
            id="half",
        ),
        pytest.param({"y_train": np.minimum(Y, 1)}, "Received: none of 2", id="only in the test set"),
        pytest.param({"y_train": Y * 0, "y_test": Y_TEST * 0}, "too few classes. Expected 2 to 100", id="1 class"),
        pytest.param({"y_train": (np.arange(60) == 0).astype(int), "y_test": Y_TEST * 0}, "class 1", id="1 image"),
    ],
)
def test_what_is_wrong_with_an_array_is_said(tmp_path: Path, changes: Arrays, said: str) -> None:
    check_said(write_npz(tmp_path / "bad.npz", None, **changes), said)


def missing_key(path: Path) -> None:
    arrays = build_arrays()
    del arrays["y_test"]
    np.savez(path, **arrays, other=np.zeros(3))  # type: ignore[arg-type]


def truncated(path: Path) -> None:
    write_npz(path)
    path.write_bytes(path.read_bytes()[:-200])


def flipped(path: Path) -> None:
    content = bytearray(write_npz(path).read_bytes())
    content[5000] ^= 0xFF
    path.write_bytes(content)


def declared(path: Path, *, images: int = 60, side: int = 28, dtype: str = "|u1", zeros: int | None = None) -> None:
    """An archive whose x_train says what it likes; `zeros` bytes follow, else as many as the header promises."""
    write_npz(path.with_suffix(".full.npz"))
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({images}, {side}, {side}), }}\n"
    head = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
    size = images * side * side * np.dtype(dtype).itemsize if zeros is None else zeros
    with (
        zipfile.ZipFile(path.with_suffix(".full.npz")) as full,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made,
    ):
        for name in ("y_train.npy", "x_test.npy", "y_test.npy"):
            made.writestr(name, full.read(name))
        with made.open("x_train.npy", "w", force_zip64=True) as stream:
            stream.write(head)
            stream.write(bytes(size))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        pytest.param(lambda path: None, "Received: no such file", id="missing"),
        pytest.param(missing_key, "lacks the key y_test. Expected the keys x_train, y_train", id="missing key"),
        pytest.param(truncated, "damaged or no .npz file", id="truncated"),
        pytest.param(flipped, "damaged or no .npz file", id="flipped bits"),
        pytest.param(lambda path: path.write_bytes(b""), "Received: 0 bytes", id="empty"),
        pytest.param(lambda path: path.write_text("<html>"), "Received: 6 bytes that can't be unpacked", id="a page"),
        pytest.param(lambda path: declared(path, zeros=100), "x_train is truncated or has a wrong header", id="short"),
        pytest.param(lambda path: declared(path, zeros=10**6), "or has a wrong header", id="long"),
        pytest.param(lambda path: declared(path, dtype="|V8"), "Received: dtype |V8", id="records"),
        pytest.param(
            lambda path: declared(path, images=1_000_001, side=4), "Expected 1 to 1,000,000 images", id="a million"
        ),
    ],
)
def test_what_is_wrong_with_an_archive_is_said(tmp_path: Path, make: Callable[[Path], None], said: str) -> None:
    path = tmp_path / "bad.npz"
    make(path)
    check_said(path, said)


def test_an_archive_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bomb.npz"
    declared(path, images=400_000, side=4)
    monkeypatch.setattr("tuner.data.validation.MAX_BYTES", 300_000)
    monkeypatch.setattr(NpzArchive, "read", lambda *_: pytest.fail("it was unpacked"))
    check_said(path, "would take too much memory once unpacked")
    with pytest.raises(pytest.fail.Exception, match="it was unpacked"):
        load(write_npz(tmp_path / "small.npz", build_arrays(side=4)))


def edit_idx(folder: Path, key: str, change: Callable[[bytes], bytes]) -> None:
    (path,) = folder.glob(NAMES[key] + "*")
    path.write_bytes(change(path.read_bytes()))


def rezip(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return lambda content: gzip.compress(change(gzip.decompress(content)))


HUGE = struct.pack(">BBBB3I", 0, 0, 8, 3, 1_000_000, 28, 28)
ENDLESS = struct.pack(">BBBB3I", 0, 0, 8, 3, 2**32 - 1, 28, 28)


@pytest.mark.parametrize(
    ("key", "zipped", "change", "said"),
    [
        pytest.param("x_train", False, lambda b: b[:-1], "is truncated or has a wrong header", id="short"),
        pytest.param("x_train", False, lambda b: b + b"\0", "Expected 47,040 bytes for the shape", id="long"),
        pytest.param("y_train", False, lambda b: b[:2], "is no IDX file", id="stub"),
        pytest.param("y_train", False, lambda b: b"", "Received: an empty file", id="empty"),
        pytest.param("y_train", False, lambda b: b[:6], "the header is incomplete", id="half a header"),
        pytest.param("y_train", False, lambda b: b"\x89PNG" + b, "is no IDX file", id="a picture"),
        pytest.param("x_train", False, lambda b: ENDLESS + b[16:], "or has a wrong header", id="endless"),
        pytest.param("x_train", True, lambda b: b[:-20], "is damaged", id="gzip cut"),
        pytest.param("x_train", True, lambda b: b[:40] + b"\xff\xff" + b[42:], "is damaged", id="gzip flipped"),
        pytest.param("x_train", True, rezip(lambda b: b[:-1]), "Received: 47,039", id="gzip short"),
        pytest.param("x_train", True, rezip(lambda b: b + b"\0"), "Received: more", id="gzip long"),
        pytest.param("x_train", True, rezip(lambda b: HUGE + b[16:]), "different lengths", id="gzip huge"),
        pytest.param("x_train", True, rezip(lambda b: ENDLESS + b[16:]), "1 to 1,000,000", id="gzip endless"),
    ],
)
def test_what_is_wrong_with_an_idx_file_is_said(
    tmp_path: Path, key: str, zipped: bool, change: Callable[[bytes], bytes], said: str
) -> None:
    folder = write_idx(tmp_path / "idx", zipped=zipped)
    edit_idx(folder, key, change)
    check_said(folder, said)


def test_a_missing_idx_file_is_said(tmp_path: Path) -> None:
    folder = write_idx(tmp_path / "idx")
    (folder / NAMES["y_test"]).unlink()
    check_said(folder, "lacks the IDX file of y_test. Expected t10k-labels-idx1-ubyte")


@pytest.mark.parametrize("source", ["minst", "no/such/folder", "notes.txt"])
def test_an_unknown_source_is_a_usage_error(tmp_path: Path, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "notes.txt").write_text("")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        UsageError, match=r"Expected auto, mnist, fashion_mnist, cifar10, cifar100, digits, a \.npz file, a \.csv file"
    ):
        load(source)


@pytest.mark.parametrize(("sizes", "total"), [([1, 1, 1], 2), ([5, 3, 2], 5), ([100, 1], 7), ([7, 7], 0), ([4, 9], 13)])
def test_proportional_counts_are_exact(sizes: list[int], total: int) -> None:
    array = np.array(sizes, dtype=np.int64)
    counts = proportional_counts(array, total)
    assert counts.sum() == total
    assert np.all(np.abs(counts - total * array / array.sum()) < 1)
    assert np.all(counts <= array)


def numbered() -> Arrays:
    """Each training image carries its number in its first two pixels."""
    arrays = build_arrays(train=1000, classes=7)
    arrays["x_train"][:, 0, 0], arrays["x_train"][:, 0, 1] = np.divmod(np.arange(1000), 256)
    return arrays


def numbers(images: NDArray[np.uint8]) -> list[int]:
    first: list[int] = (images[:, 0, 0].astype(int) * 256 + images[:, 0, 1]).tolist()
    return first


@pytest.mark.parametrize(("validation", "size"), [(0.1, 100), (0.5, 500), (0.0333, 33), (0.0125, 13)])
def test_the_validation_split(tmp_path: Path, validation: float, size: int) -> None:
    dataset = load(write_npz(tmp_path / "a.npz", numbered()), validation=validation)
    train, chosen = numbers(dataset.x_train), numbers(dataset.x_validation)
    assert sorted(train + chosen) == list(range(1000))
    assert (train, chosen) == (sorted(train), sorted(chosen))
    assert len(chosen) == size
    assert dataset.y_validation.tolist() == [number % 7 for number in chosen]
    assert dataset.y_train.tolist() == [number % 7 for number in train]
    assert np.all(np.abs(np.bincount(dataset.y_validation) - size / 7) < 1)


def test_the_split_follows_the_seed_alone(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "a.npz", numbered())
    chosen = [numbers(load(path, seed=seed).x_validation) for seed in (0, 0, 1, 2**32 - 1)]
    assert chosen[0] == chosen[1]
    assert len({tuple(one) for one in chosen}) == 3


def test_train_samples_are_a_stratified_choice_of_the_rest(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "a.npz", numbered())
    whole, part = load(path), load(path, train_samples=70)
    assert np.bincount(part.y_train).tolist() == [10] * 7
    assert set(numbers(part.x_train)) <= set(numbers(whole.x_train))
    assert numbers(part.x_train) == sorted(numbers(part.x_train))
    assert numbers(part.x_validation) == numbers(whole.x_validation)
    assert part.sha256 == whole.sha256
    assert len(load(path, train_samples=900).y_train) == 900


@pytest.mark.parametrize("samples", [0, 6, 901])
def test_train_samples_out_of_range(tmp_path: Path, samples: int) -> None:
    with pytest.raises(UsageError, match=r"Expected 7 to 900 \(what the validation split leaves\)\. Received: "):
        load(write_npz(tmp_path / "a.npz", numbered()), train_samples=samples)


@pytest.mark.parametrize("validation", [0, -0.1, 0.51, float("nan")])
def test_validation_out_of_range(tmp_path: Path, validation: float) -> None:
    with pytest.raises(UsageError, match=r"above 0 and up to 0\.5"):
        load(write_npz(tmp_path / "a.npz"), validation=validation)


DIGITS_SHA256 = "bbd29622ec7374700ff0b7228a882114e1e30754aaae1515f5c67be7bd8ad5f8"
MNIST_SHA256 = "d3bba0ce073901b7c0c5264630a1d97b21d250061900b89e8cafc17b2d4840de"
"""As they were when all images were 28×28."""


@pytest.mark.skipif(mnist() is None, reason="MNIST_TUNE_DATA is not set")
def test_mnist_is_what_it_always_was(tmp_path: Path) -> None:
    data = load(write_npz(tmp_path / "mnist.npz", mnist()))
    assert (data.sha256, data.input_shape, data.notes) == (MNIST_SHA256, (28, 28), ())


def test_digits() -> None:
    dataset = load("digits")
    assert (dataset.sha256, dataset.input_shape) == (DIGITS_SHA256, (28, 28))
    assert (dataset.name, dataset.fallback, dataset.classes) == ("digits", False, 10)
    assert [len(dataset.y_train), len(dataset.y_validation), len(dataset.y_test)] == [1167, 130, 500]
    assert dataset.x_train.max() == 255
    assert dataset.x_train[:, :4].max() == 0
    assert np.abs(np.bincount(dataset.y_test) - 50).max() <= 2


def test_the_test_set_of_digits_is_the_same_in_every_run() -> None:
    first, second = load("digits", seed=1), load("digits", seed=2)
    np.testing.assert_array_equal(first.x_test, second.x_test)
    assert first.sha256 == second.sha256


def test_upscaling_keeps_flat_areas_and_order() -> None:
    flat = data_sources.upscaled(np.full((1, 8, 8), 16.0))
    assert (flat.shape, flat.min(), flat.max()) == ((1, 20, 20), 255, 255)
    ramp = data_sources.upscaled(np.tile(np.arange(8.0) * 2, (8, 1))[None])
    assert np.all(np.diff(ramp[0, 0].astype(int)) >= 0)


def cache(tmp_path: Path) -> Path:
    folder = tmp_path / "keras" / "datasets"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "mnist.npz"


@pytest.mark.parametrize("source", ["auto", "mnist"])
def test_the_environment_comes_before_the_cache(tmp_path: Path, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write_npz(cache(tmp_path))
    assert load(source).name == "mnist"
    monkeypatch.setenv("MNIST_TUNE_DATA", str(write_npz(tmp_path / "mine.npz")))
    assert load(source).name == "mine"
    monkeypatch.setenv("MNIST_TUNE_DATA", str(write_idx(tmp_path / "folder")))
    assert load(source).name == "folder"


@pytest.mark.parametrize("given", ["nowhere.npz", "nowhere", "empty"])
def test_an_unusable_environment_is_an_error(tmp_path: Path, given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write_npz(cache(tmp_path))
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("MNIST_TUNE_DATA", str(tmp_path / given))
    with pytest.raises(UsageError, match=given):
        load("auto")


def test_a_damaged_cache_is_an_error(tmp_path: Path) -> None:
    cache(tmp_path).write_bytes(b"half a download")
    check_said("auto", "to have it downloaded again")


def test_offline_auto_falls_back_and_mnist_does_not() -> None:
    assert load("auto").fallback
    check_said("mnist", "Go online, or set MNIST_TUNE_DATA to a .npz file or a folder of IDX files")
    check_said("fashion_mnist", "fashion_mnist is unavailable")


def test_a_download_is_kept_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def downloaded(name: str, home: Path) -> None:
        (home / "datasets").mkdir()
        write_npz(home / "datasets" / "mnist.npz")

    monkeypatch.setattr(keras_datasets, "download", downloaded)
    assert load("auto").name == "mnist"
    assert [path.name for path in cache(tmp_path).parent.iterdir()] == ["mnist.npz"]


def test_a_download_that_is_damaged_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def downloaded(name: str, home: Path) -> None:
        (home / "datasets").mkdir()
        (home / "datasets" / "mnist.npz").write_text("Please sign in to this network")

    monkeypatch.setattr(keras_datasets, "download", downloaded)
    check_said("auto", "damaged or no .npz file")
    assert not cache(tmp_path).exists()


def test_fashion_mnist_of_the_cache(tmp_path: Path) -> None:
    cache(tmp_path)
    write_idx(tmp_path / "keras" / "datasets" / "fashion-mnist", build_arrays(train=200, classes=10), zipped=True)
    dataset = load("fashion_mnist")
    assert (dataset.name, dataset.class_names[9]) == ("fashion_mnist", "Ankle boot")


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import sys; sys.exit(0)", None),
        ("import time; time.sleep(60)", "no answer for 0.5 s"),
        ("print('noise'); raise OSError('URL fetch failure')", "OSError: URL fetch failure"),
        ("import sys; sys.exit(3)", "no reason given"),
    ],
)
def test_a_download_ends(
    tmp_path: Path, program: str, said: str | None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(download_module, "_PROGRAM", program)
    start = time.monotonic()
    assert download_module.download("mnist", tmp_path, silence_s=0.5 if said and "0.5" in said else 20) == said
    assert time.monotonic() - start < 20
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_a_slow_download_that_goes_on_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = """
        import pathlib, sys, time
        path = pathlib.Path(sys.argv[2])
        for size in range(14):
            path.write_bytes(bytes(size))
            time.sleep(0.2)
    """
    monkeypatch.setattr(download_module, "_PROGRAM", textwrap.dedent(program))
    assert download_module.download("mnist", tmp_path, silence_s=2) is None


def test_saved_arrays_open_as_read_only_maps(tmp_path: Path) -> None:
    dataset = load(write_npz(tmp_path / "a.npz"))
    save_arrays(dataset, tmp_path / "shared")
    opened = open_arrays(tmp_path / "shared")
    assert (opened.name, opened.sha256, opened.fallback) == (dataset.name, dataset.sha256, dataset.fallback)
    assert opened.class_names == dataset.class_names
    for name in ("x_train", "y_train", "x_validation", "y_validation", "x_test", "y_test"):
        array = getattr(opened, name)
        np.testing.assert_array_equal(array, getattr(dataset, name))
        assert isinstance(array, np.memmap)
        assert not array.flags.writeable
    assert not list((tmp_path / "shared").glob("*.partial"))


@pytest.mark.parametrize("name", ["dataset.json", "x_train.npy", "y_test.npy"])
@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_incomplete_saved_arrays_are_an_error(tmp_path: Path, name: str, damage: str) -> None:
    save_arrays(load(write_npz(tmp_path / "a.npz")), tmp_path / "shared")
    path = tmp_path / "shared" / name
    content = path.read_bytes()
    path.unlink()
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match="holds no complete data set"):
        open_arrays(tmp_path / "shared")


def test_describe_is_what_a_run_keeps(tmp_path: Path) -> None:
    dataset = load(write_npz(tmp_path / "a.npz"))
    description = json.loads(json.dumps(as_json(describe(dataset))))
    pixels = dataset.x_train / 255
    assert description.pop("mean") == pytest.approx(pixels.mean())
    assert description.pop("sd") == pytest.approx(pixels.std())
    histogram = description.pop("pixel_histogram")
    assert len(histogram) == 256
    assert sum(histogram) == dataset.x_train.size
    assert histogram[17] == int((dataset.x_train == 17).sum())
    assert description == {
        "name": "a",
        "sha256": dataset.sha256,
        "splits_sha256": splits_hash(dataset),
        "fallback": False,
        "image_shape": [28, 28],
        "given_validation": False,
        "classes": 3,
        "class_names": ["0", "1", "2"],
        "train": 54,
        "validation": 6,
        "test": 20,
        "class_counts": {"train": [18, 18, 18], "validation": [2, 2, 2], "test": [7, 7, 6]},
    }


def test_local_files_need_no_keras(tmp_path: Path) -> None:
    program = """
        import sys
        from tuner.data.dataset import load_dataset
        for source in [*sys.argv[1:], "digits", "auto"]:
            load_dataset(source, validation=0.1, seed=1)
        sys.exit(", ".join({"keras", "tensorflow", "keras_tuner"} & set(sys.modules)) or None)
    """
    sources = [str(write_npz(tmp_path / "a.npz")), str(write_idx(tmp_path / "idx", zipped=True))]
    environment = {**os.environ, "MNIST_TUNE_DATA": sources[0], "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", textwrap.dedent(program), *sources]
    answer = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (answer.returncode, answer.stderr) == (0, "")


@pytest.mark.slow
def test_a_real_download_never_hangs(tmp_path: Path) -> None:
    """Offline it says why; online the file is there. Neither takes Keras into this process."""
    failure = download_module.download("mnist", tmp_path)
    assert failure or (tmp_path / "datasets" / "mnist.npz").is_file()


@pytest.mark.parametrize(
    ("file", "name"),
    [("digits.npz", "digits.npz"), ("cifar10.npz", "cifar10.npz"), ("mnist.npz", "mnist"), ("letters.npz", "letters")],
)
def test_a_file_has_no_other_data_set_s_name(tmp_path: Path, file: str, name: str) -> None:
    assert load(str(write_npz(tmp_path / file))).name == name


def test_a_folder_has_no_other_data_set_s_name(tmp_path: Path) -> None:
    write_idx(tmp_path / "digits", build_arrays(train=200, classes=10), zipped=True)
    assert load(str(tmp_path / "digits")).name == "digits/"
