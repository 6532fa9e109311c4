"""CIFAR of `keras.datasets`: Keras's cached layout is read in its own process; the arrays are kept for the next run."""

from __future__ import annotations

import io
import pickle
import tarfile
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.kit.data_files import build_arrays, check_said, load, write_npz
from tuner.data import download as download_module
from tuner.data import keras_datasets
from tuner.data.download import download
from tuner.data.keras_datasets import CIFAR10_NAMES, CIFAR100_NAMES, KERAS_DATASETS
from tuner.data.sources import find_data

NO_NETWORK = "no network in a test"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of Keras, and nothing in the environment."""
    monkeypatch.delenv("MNIST_TUNE_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    (tmp_path / "keras" / "datasets").mkdir(parents=True)
    return tmp_path / "keras" / "datasets"


def batch(count: int, first: int) -> dict[bytes, Any]:
    """A batch of CIFAR-100 as its archive has it: rows of 3072 bytes, channel by channel."""
    generator = np.random.default_rng(first)
    fine = [(first + number) % 100 for number in range(count)]
    return {
        b"data": generator.integers(0, 256, (count, 3072)).astype(np.uint8),
        b"fine_labels": fine,
        b"coarse_labels": [label // 5 for label in fine],
    }


def write_archive(path: Path, files: dict[str, dict[bytes, Any]]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            packed = pickle.dumps(content, protocol=4)
            member = tarfile.TarInfo(name)
            member.size = len(packed)
            archive.addfile(member, io.BytesIO(packed))


def without_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the process take an archive whatever its hash is; the rest of it is the program's and Keras's own."""
    prelude = "import keras.src.utils.file_utils as f\nf.validate_file = lambda *_, **__: True\n"
    monkeypatch.setattr(download_module, "_PROGRAM", prelude + download_module._PROGRAM)


def test_names_of_classes() -> None:
    assert (len(CIFAR10_NAMES), len(CIFAR100_NAMES)) == (10, 100)
    assert list(CIFAR10_NAMES) == sorted(CIFAR10_NAMES)
    assert list(CIFAR100_NAMES) == sorted(set(CIFAR100_NAMES))


@pytest.mark.slow
def test_keras_s_own_layout_is_read_by_keras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_hash(monkeypatch)
    train, test = batch(200, 0), batch(100, 7)
    home = tmp_path / "home"
    (home / "datasets").mkdir(parents=True)
    archived = KERAS_DATASETS["cifar100"].download
    assert archived is not None
    write_archive(home / archived, {"cifar-100-python/train": train, "cifar-100-python/test": test})
    assert download("cifar100", home, archive=home / "out.npz") is None
    arrays = np.load(home / "out.npz", allow_pickle=False)
    assert arrays["x_train"].shape == (200, 32, 32, 3)
    np.testing.assert_array_equal(arrays["x_train"], train[b"data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(arrays["y_test"].reshape(-1), test[b"fine_labels"])


@pytest.mark.slow
def test_a_trap_in_keras_s_cache_is_not_sprung(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "sprung",))

    without_hash(monkeypatch)
    home = tmp_path / "home"
    (home / "datasets").mkdir(parents=True)
    archived = KERAS_DATASETS["cifar100"].download
    assert archived is not None
    write_archive(
        home / archived, {"cifar-100-python/train": {b"data": Trap()}, "cifar-100-python/test": batch(100, 0)}
    )
    failure = download("cifar100", home, archive=home / "out.npz")
    assert failure is not None
    assert "Refusing to deserialize" in failure
    assert not (tmp_path / "sprung").exists()


def stand_in(name: str, home: Path, archive: Path | None = None) -> None:
    """A download that leaves a few images of 10 classes where the process leaves CIFAR's arrays."""
    assert archive is not None
    arrays = build_arrays(train=200, test=50, classes=10)
    generator = np.random.default_rng(1)
    for split in ("train", "test"):
        count = len(arrays[f"y_{split}"])
        arrays[f"x_{split}"] = generator.integers(0, 256, (count, 32, 32, 3)).astype(np.uint8)
    write_npz(archive, arrays)


@pytest.mark.parametrize(("name", "names"), [("cifar10", CIFAR10_NAMES), ("cifar100", CIFAR100_NAMES[:10])])
def test_the_arrays_are_kept_and_have_names(
    cache: Path, name: str, names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keras_datasets, "download", stand_in)
    first = load(name)
    assert (first.name, first.class_names, first.input_shape) == (name, names, (32, 32, 3))
    assert [path.name for path in cache.iterdir()] == [f"mnist-tune-{name}.npz"]
    monkeypatch.setattr(keras_datasets, "download", lambda *_, **__: pytest.fail("it was downloaded again"))
    assert load(name).sha256 == first.sha256


def test_what_keras_has_downloaded_is_handed_to_it(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archived = KERAS_DATASETS["cifar10"].download
    assert archived is not None
    (cache / archived.name).write_bytes(b"Keras's archive")

    def looks(name: str, home: Path, archive: Path) -> None:
        assert (home / archived).read_bytes() == b"Keras's archive"
        stand_in(name, home, archive)

    monkeypatch.setattr(keras_datasets, "download", looks)
    assert find_data("cifar10").name == "cifar10"
    assert (cache / archived.name).read_bytes() == b"Keras's archive"


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_offline_it_is_said(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras_datasets, "download", lambda *_, **__: NO_NETWORK)
    check_said(name, f"{name} is unavailable. Expected ")
    check_said(
        name,
        "_archive or a download. Received: a download that failed (no network in a test). Go online, or give a folder: --data PATH",
    )


def test_a_damaged_file_in_the_cache_is_said(cache: Path) -> None:
    (cache / "mnist-tune-cifar10.npz").write_bytes(b"half a file")
    check_said("cifar10", "to have it downloaded again")


def test_a_download_that_leaves_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras_datasets, "download", lambda *_, **__: None)
    check_said("cifar10", "no such file")


def test_the_process_writes_what_a_data_set_of_keras_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "path" / "keras" / "datasets"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").write_text("")
    program = """
        import numpy
        class cifar10:
            load_data = staticmethod(lambda: ((numpy.ones((5, 32, 32, 3), "u1"), numpy.arange(5)[:, None]), (numpy.zeros((2, 32, 32, 3), "u1"), numpy.arange(2)[:, None])))
    """
    (package / "__init__.py").write_text(textwrap.dedent(program))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "path"))
    home = tmp_path / "home"
    home.mkdir()
    assert download("cifar10", home, archive=home / "out.npz") is None
    arrays = np.load(home / "out.npz", allow_pickle=False)
    assert {key: arrays[key].shape for key in arrays} == {
        "x_train": (5, 32, 32, 3), "y_train": (5, 1), "x_test": (2, 32, 32, 3), "y_test": (2, 1)
    }  # fmt: skip
