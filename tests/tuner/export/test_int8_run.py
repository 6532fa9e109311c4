"""Exports of a run that was ranked by its int8 network: the very network that was scored. Needs TensorFlow and LiteRT."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from mnist_tune import cli
from tests.kit.run_builder import FakeRun, build_run, write_json
from tests.tuner.export.c_programs import needs_compiler
from tuner.data.dataset import Dataset, load_dataset
from tuner.export import int8, verification
from tuner.export.formats import FORMATS
from tuner.export.int8 import missing_requirement, quantise
from tuner.export.writing import calibration_images, exported_data
from tuner.run.lost_files import is_as_written
from tuner.storage.run_folder import RunFolder, file_digests
from tuner.storage.schema.result import ResultDocument

pytestmark = [
    pytest.mark.skipif(bool(FORMATS["c"].missing()), reason="needs the extra litert"),
    # Keras saves its variables so.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]
FOLD = 2

# Keras models have no types: they are `Any` here.


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset("digits", validation=0.1, seed=1)


@pytest.fixture(scope="module")
def model() -> Any:
    """A small network, not trained: undecided images are no disagreement."""
    import keras

    from search_spaces.keras.model import build_model
    from search_spaces.networks.notation import parse

    keras.utils.set_random_seed(1)
    return build_model(parse("C3 P C4 GAP 1x1:10", "relu"))


def result_of(folder: Path) -> ResultDocument:
    document = RunFolder(folder).read_result()
    assert document is not None
    return document


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, data: Dataset, model: Any) -> Path:
    """A run whose exported trial validated on another fold, and was quantised after its training."""
    folder = tmp_path_factory.mktemp("int8") / "run"
    build_run(folder, FakeRun(test=9, validation=20, seeds=1, finalists=1, data="digits"))
    for name, change in (("run.json", {"sha256": data.sha256}), ("result.json", {"fold": FOLD})):
        document = json.loads((folder / name).read_text(encoding="utf-8"))
        (document["data"] if name == "run.json" else document).update(change)
        write_json(folder / name, document)
    model.save(folder / "best.keras")
    content = quantise(model, calibration_images(data.fold(FOLD)))
    assert content != quantise(model, calibration_images(data))
    (folder / "best-int8.tflite").write_bytes(content)
    document = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    document["model"]["int8"], document["files"] = True, file_digests(RunFolder(folder))
    write_json(folder / "result.json", document)
    return folder


@pytest.fixture
def run(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(verification, "_WARM_UP", 1)
    monkeypatch.setattr(verification, "_TIMED", 3)
    return Path(shutil.copytree(made, tmp_path / "run"))


def digest_in_header(run: Path) -> str:
    header = (run / "export" / "c" / "model.h").read_text(encoding="utf-8")
    return header.split("(SHA-256 ", 1)[1][:16]


@needs_compiler
def test_c_is_made_from_the_int8_file_that_was_scored(run: Path) -> None:
    scored = (run / "best-int8.tflite").read_bytes()
    assert cli.main(["export", str(run), "--format", "c,litert-int8"]) == 0
    assert digest_in_header(run) == hashlib.sha256(scored).hexdigest()[:16]
    assert (run / "export" / "model-int8.tflite").read_bytes() == scored
    entry = json.loads((run / "export" / "export.json").read_text(encoding="utf-8"))["formats"]["c"]
    assert entry["c"]["equal_reference"] == 1.0


def test_without_it_the_model_is_quantised_with_its_own_training_images(run: Path) -> None:
    scored = (run / "best-int8.tflite").read_bytes()
    (run / "best-int8.tflite").unlink()
    assert cli.main(["export", str(run), "--format", "c"]) == 0
    assert digest_in_header(run) == hashlib.sha256(scored).hexdigest()[:16]


def test_another_int8_file_is_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "best-int8.tflite").write_bytes(b"another")
    assert not is_as_written(run / "best-int8.tflite", result_of(run))
    assert cli.main(["export", str(run), "--format", "c"]) == 2
    assert "best-int8.tflite is not the file that the run wrote" in capsys.readouterr().err


def test_a_refit_calibrates_with_all_images(tmp_path: Path, data: Dataset) -> None:
    refit = result_of(build_run(tmp_path / "refit", FakeRun(refit=True, seeds=1)))
    assert len(exported_data(data, refit).y_train) == len(data.y_train) + len(data.y_validation)


def test_what_quantising_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(int8, "keras_backend", lambda: "tensorflow")
    assert missing_requirement() is None
    monkeypatch.setattr(int8, "keras_backend", lambda: "jax")
    assert missing_requirement() == "TensorFlow as Keras's backend"
    monkeypatch.setattr(int8, "missing_packages", lambda: ("a", "b"))
    assert missing_requirement() == "a and b"
