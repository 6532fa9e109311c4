"""`mnist-tune export`: every file is called by its format's own client; what disagrees is refused; what is said and what is left."""

from __future__ import annotations

import errno
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from markdown_it import MarkdownIt
from numpy.typing import NDArray

import templates
from mnist_tune import cli, load_run
from mnist_tune.api.export_folder import ExportFolder
from reports.pages.page import render_report
from reports.run.reading import read_run
from reports.sections.model.card import card_text
from reports.sections.model.model_files import TITLES
from tests.kit.paths import ROOT
from tests.kit.replacing import replace
from tests.kit.run_builder import FakeRun, build_run, write_json
from tests.tuner.export.c_programs import needs_compiler
from tuner.core.errors import UsageError
from tuner.data.dataset import Dataset, load_dataset
from tuner.export import verification
from tuner.export.c_source import compiler
from tuner.export.c_source.compiler import find_compiler
from tuner.export.formats import FORMATS, Exporter, ExportError, Format, chosen_formats
from tuner.export.run_export import export_winner
from tuner.export.verification import Agreement, agreement, compared_indices, size_bytes
from tuner.export.writing import Sample, calibration_images, check_file, write_checked
from tuner.processes.tasks import ExportTask, SpaceRef
from tuner.storage.run_folder import RunFolder
from tuner.storage.schema.documents import validate
from tuner.storage.schema.export import ExportDocument, Tolerance

NAMES = tuple(FORMATS)
HOSTILE = "</td><script>alert(1)</script>|`*_x_*`[a](javascript:alert(1))\n# head\n$y$ {{ 7*7 }} \\"
SMALL: dict[str, Any] = {
    "brackets": ((0, ((3, 2),)),), "failed": 0, "finalists": 1, "seeds": 2, "validation": 130, "test": 500,
}  # fmt: skip
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def needs(name: str) -> Any:
    """A parameter that is skipped where the format's library is not installed."""
    missing = FORMATS[name].missing()  # type: ignore[index]
    return pytest.param(name, marks=pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(missing)}"))


EVERY = [needs(name) for name in NAMES]
ALL_THERE = not any(one.missing() for one in FORMATS.values())
all_there = pytest.mark.skipif(not ALL_THERE, reason="needs the extras litert and onnx")


# A run whose data and model are real: scikit-learn's digits, some seconds of training


@pytest.fixture(scope="module", autouse=True)
def few_calls() -> Iterator[None]:
    """A latency that nobody reads needs no 200 calls."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verification, "_WARM_UP", 1)
        patch.setattr(verification, "_TIMED", 3)
        yield


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset("digits", validation=0.1, seed=1)


def network(text: str, activation: Any = "relu") -> Any:
    from search_spaces.keras.model import build_model
    from search_spaces.networks.notation import parse

    return build_model(parse(text, activation))


def trained(data: Dataset, seed: int, epochs: int = 6) -> Any:
    import keras

    keras.utils.set_random_seed(seed)
    model = network("C6 P C8 P C10 GAP 1x1:10")
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
    model.fit(np.asarray(data.x_train), np.asarray(data.y_train), batch_size=32, epochs=epochs, verbose=0)
    return model


@pytest.fixture(scope="module")
def models(data: Dataset) -> tuple[Any, Any]:
    """The run's model and another one of the same shape."""
    return trained(data, 1), trained(data, 2, epochs=1)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, data: Dataset, models: tuple[Any, Any]) -> Path:
    """The folder of a run on digits, with a name that shells and templates stumble over."""
    folder = tmp_path_factory.mktemp("made") / 'it\'s a "run" <b> é'
    digits_run(folder, data.sha256)
    models[0].save(folder / "best.keras")
    return folder


def digits_run(folder: Path, sha256: str, **changes: Any) -> None:
    fake = FakeRun(**{**SMALL, "data": "digits", **changes})
    build_run(folder, fake)
    document = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    document["data"]["sha256"] = sha256
    write_json(folder / "run.json", document)


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(made, tmp_path / made.name))


@pytest.fixture(scope="module")
def exported(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every format whose library is installed."""
    folder = tmp_path_factory.mktemp("exported") / "of a run"
    there = ",".join(name for name in NAMES if not FORMATS[name].missing())
    assert cli.main(["export", str(made), "--format", there, "-o", str(folder)]) == 0
    return folder


def images_of(data: Dataset, count: int = 40) -> NDArray[np.uint8]:
    return np.ascontiguousarray(data.x_test[:count])


def answers(model: Any, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.asarray(model(images, training=False))


def in_python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False, env=environment
    )


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line of an error."""
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("mnist-tune: ")
    return captured.err


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# Each format's own client


def test_a_saved_model_is_loaded_by_tensorflow(exported: Path, data: Dataset, models: tuple[Any, Any]) -> None:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(exported / "savedmodel"))
    images = images_of(data)
    signature = loaded.signatures["serving_default"]
    assert {name: spec.dtype for name, spec in signature.structured_input_signature[1].items()} == {"images": tf.uint8}
    ours = answers(models[0], images)
    np.testing.assert_allclose(np.asarray(loaded.serve(images)), ours, atol=1e-4)
    np.testing.assert_allclose(np.asarray(signature(images=tf.constant(images))["output_0"]), ours, atol=1e-4)


def test_a_saved_model_is_a_layer_of_keras(exported: Path, data: Dataset, models: tuple[Any, Any]) -> None:
    import keras

    images = images_of(data)
    layer = keras.layers.TFSMLayer(str(exported / "savedmodel"), call_endpoint="serving_default")
    np.testing.assert_allclose(np.asarray(layer(images)["output_0"]), answers(models[0], images), atol=1e-4)


@pytest.mark.slow
def test_a_saved_model_is_run_by_its_command(
    exported: Path, data: Dataset, models: tuple[Any, Any], tmp_path: Path
) -> None:
    images = images_of(data)
    np.save(tmp_path / "images.npy", images)
    done = subprocess.run(
        [sys.executable, "-m", "tensorflow.python.tools.saved_model_cli", "run", "--dir", str(exported / "savedmodel"),
         "--tag_set", "serve", "--signature_def", "serving_default", "--inputs", "images=images.npy", "--outdir", "out"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(np.load(tmp_path / "out" / "output_0.npy"), answers(models[0], images), atol=1e-4)


def test_a_keras_file_is_loaded_by_keras_and_has_no_optimizer(
    exported: Path, data: Dataset, models: tuple[Any, Any]
) -> None:
    import keras

    model = keras.models.load_model(exported / "model.keras")
    images = images_of(data)
    np.testing.assert_array_equal(answers(model, images), answers(models[0], images))
    assert not getattr(model, "optimizer", None)


@pytest.mark.parametrize("name", [needs("onnx")])
def test_an_onnx_file_is_run_by_onnxruntime(name: str, exported: Path, data: Dataset, models: tuple[Any, Any]) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(exported / "model.onnx"), providers=["CPUExecutionProvider"])
    (taken,), (given,) = session.get_inputs(), session.get_outputs()
    assert (taken.name, taken.type, taken.shape) == ("images", "tensor(uint8)", ["batch", 28, 28])
    assert (given.name, given.type, given.shape) == ("probabilities", "tensor(float)", ["batch", 10])
    for count in (1, 40):
        images = images_of(data, count)
        (found,) = session.run(None, {"images": images})
        np.testing.assert_allclose(found, answers(models[0], images), atol=1e-4)


def interpreter(path: Path) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    loaded = Interpreter(str(path))
    loaded.allocate_tensors()
    return loaded


@pytest.mark.parametrize("name", [needs("litert")])
def test_a_litert_file_is_run_by_its_interpreter(
    name: str, exported: Path, data: Dataset, models: tuple[Any, Any]
) -> None:
    loaded = interpreter(exported / "model.tflite")
    (taken,), (given,) = loaded.get_input_details(), loaded.get_output_details()
    assert (taken["dtype"], taken["shape"].tolist()) == (np.uint8, [1, 28, 28])
    images = images_of(data)
    for image, ours in zip(images, answers(models[0], images), strict=True):
        loaded.set_tensor(taken["index"], image[None])
        loaded.invoke()
        np.testing.assert_allclose(loaded.get_tensor(given["index"])[0], ours, atol=1e-4)


@pytest.mark.parametrize("name", [needs("litert-int8")])
def test_a_quantised_litert_file_has_no_float_in_it(
    name: str, exported: Path, data: Dataset, models: tuple[Any, Any]
) -> None:
    loaded = interpreter(exported / "model-int8.tflite")
    (taken,), (given,) = loaded.get_input_details(), loaded.get_output_details()
    assert (taken["dtype"], taken["quantization"]) == (np.uint8, (1.0, 0))
    assert (given["dtype"], given["quantization"]) == (np.uint8, (1 / 256, 0))
    assert {tensor["dtype"] for tensor in loaded.get_tensor_details()} <= {np.uint8, np.int8, np.int32}
    images = images_of(data, 100)
    found = []
    for image in images:
        loaded.set_tensor(taken["index"], image[None])
        loaded.invoke()
        found.append(int(loaded.get_tensor(given["index"])[0].argmax()))
    assert (np.array(found) == answers(models[0], images).argmax(axis=1)).mean() >= 0.95


NETWORKS = {
    "separable": "C4 S5 P S6s GAP D10",
    "dense": "norm(.1,.3) D16 drop.1 D10",
    "strides": "C4 P3/2 5x5:6s P GAP D10",
    "small images": "crop21 avg2 C4 P S6s GAP D10",
}
CASES = [
    ("separable", "gelu"),
    ("separable", "linear"),
    ("dense", "tanh"),
    ("strides", "softsign"),
    ("small images", "leaky_relu"),
]
"""Every kind of layer and every activation once; the run's model has ReLU."""


@pytest.mark.slow
@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize(("layers", "activation"), CASES)
def test_every_kind_of_layer_can_be_exported(
    layers: str, activation: str, name: str, data: Dataset, tmp_path: Path
) -> None:
    import keras

    keras.utils.set_random_seed(1)
    model = network(NETWORKS[layers], activation)
    wanted = replace(FORMATS[name], tolerance=Tolerance(None if name in ("litert-int8", "c") else 1e-4))  # type: ignore[index]
    sample = Sample.of(data, test=True)
    _, found = write_checked(wanted, model, tmp_path / wanted.file, sample, answers(model, sample.images))
    assert found.n == 500


# What a file that disagrees gets


def reference(data: Dataset, model: Any) -> tuple[Sample, NDArray[np.float32]]:
    sample = Sample.of(data, test=True)
    return sample, answers(model, sample.images)


@pytest.mark.parametrize("name", EVERY)
def test_another_model_s_weights_in_the_file_s_place_are_refused(
    name: str, data: Dataset, models: tuple[Any, Any], tmp_path: Path, exported: Path
) -> None:
    wanted = FORMATS[name]  # type: ignore[index]
    sample, ours = reference(data, models[0])
    opened, found = check_file(wanted, exported / wanted.file, sample, ours)
    assert (found.decided_equal or 0.0) >= 0.98
    assert opened.signature.input.dtype == "uint8"
    path = tmp_path / wanted.file
    wanted.load().write(models[1], path, sample.calibration)
    with pytest.raises(ExportError, match=rf"{name} file disagrees.* on 500 test images"):
        check_file(wanted, path, sample, ours)


@pytest.mark.parametrize("name", EVERY)
def test_a_damaged_file_is_refused(name: str, data: Dataset, models: tuple[Any, Any], tmp_path: Path) -> None:
    wanted = FORMATS[name]  # type: ignore[index]
    path = tmp_path / wanted.file
    path.write_bytes(b"not a model")
    with pytest.raises(ExportError, match="can't be read again"):
        check_file(wanted, path, *reference(data, models[0]))


class Swapping:
    """An exporter into whose file another model gets."""

    def __init__(self, exporter: Exporter, other: Any) -> None:
        self._exporter, self._other = exporter, other

    def write(self, model: Any, path: Path, calibration: Any) -> None:
        self._exporter.write(self._other, path, calibration)

    def open(self, path: Path) -> Any:
        return self._exporter.open(path)


def swap(monkeypatch: pytest.MonkeyPatch, name: str, other: Any) -> None:
    honest = Format.load
    monkeypatch.setattr(
        Format, "load", lambda self: Swapping(honest(self), other) if self.name == name else honest(self)
    )


def test_where_one_format_disagrees_nothing_is_left(
    run: Path, models: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = listing(run)
    swap(monkeypatch, "savedmodel", models[1])
    assert cli.main(["export", str(run), "--format", "keras,savedmodel"]) == 1
    assert "savedmodel file disagrees with the Keras model" in said(capsys)
    assert listing(run) == before


@pytest.mark.slow
def test_where_one_format_disagrees_what_was_there_stays(
    run: Path, models: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["export", str(run), "--format", "keras"]) == 0
    kept = {path.name: path.read_bytes() for path in (run / "export").iterdir()}
    capsys.readouterr()
    swap(monkeypatch, "savedmodel", models[1])
    assert cli.main(["export", str(run), "--format", "keras,savedmodel", "--force"]) == 1
    assert {path.name: path.read_bytes() for path in (run / "export").iterdir()} == kept


def test_a_full_disk_leaves_nothing(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = listing(run)
    monkeypatch.setattr(ExportFolder, "place", full)
    assert cli.main(["export", str(run), "--format", "keras"]) == 2
    assert "No space left on device" in said(capsys)
    assert listing(run) == before


FLOAT, INT8 = FORMATS["onnx"].tolerance, FORMATS["litert-int8"].tolerance


def found(**changes: Any) -> Agreement:
    good: dict[str, Any] = {
        "n": 1000,
        "difference": 0.0,
        "equal_classes": 1.0,
        "accuracy": 0.99,
        "keras_accuracy": 0.99,
    }
    return Agreement(**{**good, **changes})


@pytest.mark.parametrize(
    ("numbers", "tolerance", "faults"),
    [
        ({}, FLOAT, 0),
        ({"difference": 1e-4}, FLOAT, 0),
        ({"difference": 1.1e-4}, FLOAT, 1),
        ({"difference": float("nan")}, FLOAT, 1),
        ({"difference": 0.3}, INT8, 0),
        ({"equal_classes": 0.98, "accuracy": 0.98}, INT8, 0),
        ({"equal_classes": 0.979}, INT8, 1),
        ({"accuracy": 0.979}, INT8, 1),
        ({"equal_classes": 0.5, "accuracy": 0.5}, INT8, 2),
        ({"equal_classes": 0.99, "accuracy": 1.0}, INT8, 0),
        ({"equal_classes": float("nan")}, INT8, 1),
        ({"equal_classes": 0.9, "decided_equal": 0.985}, INT8, 0),
        ({"equal_classes": 0.99, "decided_equal": 0.97}, INT8, 1),
        ({"n": 372, "accuracy": 0.97, "flips": 9}, INT8, 0),
        ({"n": 372, "accuracy": 0.96, "flips": 9}, INT8, 1),
    ],
)
def test_what_is_outside_its_tolerance_is_a_fault(numbers: dict[str, float], tolerance: Tolerance, faults: int) -> None:
    assert len(found(**numbers).faults(tolerance)) == faults


def test_agreement_is_counted() -> None:
    ours = np.array([[0.9, 0.1], [0.4, 0.6], [0.5, 0.5], [0.2, 0.8]], np.float32)
    theirs = np.array([[0.9, 0.1], [0.6, 0.4], [0.5, 0.5], [0.3, 0.7]], np.float32)
    one = agreement(ours, theirs, np.array([0, 1, 0, 0]))
    assert (one.n, one.equal_classes, one.accuracy, one.keras_accuracy) == (4, 0.75, 0.5, 0.75)
    assert one.difference == pytest.approx(0.2)
    assert one.decided_equal == pytest.approx(2 / 3)
    assert one.flips == 1


def test_an_image_that_the_model_is_undecided_about_is_no_disagreement() -> None:
    ours = np.array([[0.9, 0.1], [0.52, 0.48], [0.2, 0.8]], np.float32)
    theirs = np.array([[0.9, 0.1], [0.49, 0.51], [0.2, 0.8]], np.float32)
    assert agreement(ours, theirs, np.array([0, 0, 1])).decided_equal == 1.0
    assert agreement(ours[1:2], theirs[1:2], np.array([0])).decided_equal is None


@pytest.mark.parametrize("theirs", [np.full((4, 2), np.nan), np.full((4, 3), 0.3), np.full((3, 2), 0.5)])
def test_what_can_t_be_compared_disagrees_without_bound(theirs: NDArray[np.float32]) -> None:
    one = agreement(np.full((4, 2), 0.5, np.float32), theirs, np.zeros(4, np.int64))
    assert one.faults(FLOAT)
    assert one.faults(INT8)


def test_images_are_of_every_class_whatever_their_order() -> None:
    labels = np.sort(np.arange(5000) % 10)
    chosen = compared_indices(labels)
    assert len(chosen) == 1000
    assert np.bincount(labels[chosen]).tolist() == [100] * 10
    assert np.array_equal(chosen, compared_indices(labels))
    assert compared_indices(labels[:300]).tolist() == list(range(300))


def test_calibration_is_of_training_images_and_always_the_same(data: Dataset) -> None:
    chosen = calibration_images(data)
    assert chosen.shape == (500, 28, 28)
    assert np.array_equal(chosen, calibration_images(data))
    train = {image.tobytes() for image in np.asarray(data.x_train)}
    assert all(image.tobytes() in train for image in chosen)


def test_a_folder_s_size_is_its_files(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "one").write_bytes(b"123")
    (tmp_path / "a" / "b" / "two").write_bytes(b"12")
    assert size_bytes(tmp_path / "a") == 5
    assert size_bytes(tmp_path / "a" / "one") == 3


# What the command says and leaves


def test_a_saved_model_is_what_nobody_asked_for(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["export", str(run)]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    assert re.search(r"^SavedModel +savedmodel +[\d.]+ KiB +\S+ +100\.00 +\d+\.\d\d +\S+$", told.out, re.MULTILINE)
    assert "Verified on 500 test images" in told.out
    assert f"Wrote {run / 'export'}, with model_card.md" in told.out
    assert listing(run / "export") == ["export.json", "model_card.md", "savedmodel"]
    assert load_run(run).path == run


@pytest.mark.slow
def test_formats_are_added_and_never_written_over(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["export", str(run), "--format", "keras", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document == json.loads((run / "export" / "export.json").read_text(encoding="utf-8"))
    entry = document["formats"]["keras"]
    assert entry["images"] == {"split": "test", "n": 500}
    assert entry["signature"]["input"]["shape"] == [None, 28, 28]
    assert entry["size_bytes"] == (run / "export" / "model.keras").stat().st_size
    assert 0 < entry["latency_s"] < 5
    assert cli.main(["export", str(run), "--format", "keras"]) == 2
    assert "model.keras exists already" in said(capsys)
    assert cli.main(["export", str(run), "--format", "keras", "--force"]) == 0
    assert cli.main(["export", str(run), "--format", "savedmodel"]) == 0
    assert sorted(json.loads((run / "export" / "export.json").read_bytes())["formats"]) == ["keras", "savedmodel"]
    card = (run / "export" / "model_card.md").read_text(encoding="utf-8")
    assert "### SavedModel" in card
    assert "### Keras file" in card


@pytest.mark.slow
def test_a_card_that_somebody_wrote_on_is_kept(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["export", str(run), "--format", "keras"]) == 0
    capsys.readouterr()
    card = run / "export" / "model_card.md"
    card.write_text(card.read_text(encoding="utf-8") + "mine\n", encoding="utf-8")
    assert cli.main(["export", str(run), "--format", "savedmodel"]) == 2
    assert "model_card.md was not written by mnist-tune" in said(capsys)
    assert card.read_text(encoding="utf-8").endswith("mine\n")
    assert cli.main(["export", str(run), "--format", "savedmodel", "--force"]) == 0


@pytest.mark.slow
def test_the_report_shows_what_was_exported(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "report.html").write_text("old", encoding="utf-8")
    before = render_report(run)
    assert "No other format was exported yet" in before
    assert "best.keras" in before
    assert cli.main(["export", str(run), "--format", "keras", "-o", str(run / "for them")]) == 0
    page = (run / "report.html").read_text(encoding="utf-8")
    assert page == render_report(run)
    assert "Exported files in for them/" in page
    assert "Verified on 500 test images" in page
    assert "keras.models.load_model(&#34;model.keras&#34;)" in page
    (run / "for them" / "export.json").write_text('{"schema": 1}', encoding="utf-8")
    assert cli.main(["report", str(run)]) == 1


@pytest.mark.slow
def test_a_run_that_left_the_test_set_alone_is_verified_on_validation_images(
    tmp_path: Path, data: Dataset, models: tuple[Any, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    digits_run(tmp_path / "run", data.sha256, meet_test=False, options={"test": False})
    models[0].save(tmp_path / "run" / "best.keras")
    assert cli.main(["export", str(tmp_path / "run"), "--format", "keras"]) == 0
    assert "Verified on 130 validation images" in capsys.readouterr().out
    card = (tmp_path / "run" / "export" / "model_card.md").read_text(encoding="utf-8")
    assert "the test set was not used" in card
    assert "It was never evaluated on the test set" in card
    assert "Verified on 130 validation images" in card


@pytest.mark.slow
def test_from_python_a_path_comes_back(run: Path, tmp_path: Path) -> None:
    made = load_run(run)
    assert made.export("keras") == run / "export" / "model.keras"
    assert made.export("savedmodel", tmp_path / "there") == tmp_path / "there" / "savedmodel"
    with pytest.raises(UsageError, match="already"):
        made.export("keras")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a b", 'it\'s "quoted"', "日本 é", "line\nbreak", "{a}|`b`", "-o", "%41$HOME", "a:b"])
def test_folders_may_be_called_anything(name: str, run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "new" / name
    assert cli.main(["export", str(run), "--format", "savedmodel,keras", "--out", str(folder)]) == 0
    assert listing(folder) == ["export.json", "model.keras", "model_card.md", "savedmodel"]
    assert len(fences((folder / "model_card.md").read_text(encoding="utf-8"), "bash")) == 2


@pytest.mark.parametrize("sign", "[]*?")
def test_tensorflow_reads_no_saved_model_from_a_pattern(
    sign: str, cheap: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["export", str(cheap), "-o", str(tmp_path / f"a{sign}b" / "c")]) == 2
    assert "can't read a SavedModel from a path with [, ], * or ?" in said(capsys)


def test_a_run_whose_folder_tensorflow_can_t_read_ends_without_its_saved_model(data: Dataset, tmp_path: Path) -> None:
    space = SpaceRef(name="compact8k", max_params=None, max_macs=None, classes=10)
    folder = str(tmp_path / "a[1]" / "best")
    task = ExportTask(
        id="export", space=space, configuration={}, model="gone.keras", keras_file="gone.keras", folder=folder
    )
    model = export_winner(task, data)
    assert (model["savedmodel"], model["difference"]) == (False, None)
    assert "a path with [" in model["note"]


# Mistakes: one line, exit code 2, nothing written; Keras is not asked


def fake_model(path: Path, config: Any) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))


@pytest.fixture
def cheap(tmp_path: Path, data: Dataset) -> Path:
    """A run whose model is no more than a file."""
    digits_run(tmp_path / "cheap", data.sha256)
    fake_model(tmp_path / "cheap" / "best.keras", {"class_name": "Functional"})
    return tmp_path / "cheap"


def as_study(run: Path) -> None:
    document = json.loads((run / "run.json").read_bytes())
    write_json(run / "run.json", {**document, "kind": "study"})


def with_options(run: Path, **options: Any) -> None:
    document = json.loads((run / "run.json").read_bytes())
    write_json(run / "run.json", {**document, "options": {**document["options"], **options}})


def another_model_s(run: Path) -> None:
    (run / "export").mkdir()
    write_json(run / "export" / "export.json", {"schema": 1, "model_sha256": "0" * 64, "formats": {}})


def occupied(run: Path, name: str, content: str = "mine") -> None:
    (run / "export").mkdir()
    (run / "export" / name).write_text(content, encoding="utf-8")


MISTAKES: dict[str, tuple[Callable[[Path], object], list[str], str]] = {
    "no run": (lambda run: (run / "run.json").unlink(), [], "not a run's folder"),
    "no model": (lambda run: (run / "best.keras").unlink(), [], "This run has no model yet"),
    "no result": (lambda run: (run / "result.json").unlink(), [], "This run has no model yet"),
    "a study": (as_study, [], "A study has no model to export"),
    "damaged model": (lambda run: (run / "best.keras").write_bytes(b"x"), [], "not a .keras file, or it is damaged"),
    "code inside": (
        lambda run: fake_model(run / "best.keras", {"layers": [{"class_name": "Lambda"}]}),
        [],
        "contains code",
    ),
    "unknown format": (lambda run: None, ["--format", "pickle"], "expected one of savedmodel, keras"),
    "no format": (lambda run: None, ["--format", "keras,"], "Received: nothing"),
    "a file in the way": (lambda run: occupied(run, "savedmodel"), [], "savedmodel exists already"),
    "a card in the way": (lambda run: occupied(run, "model_card.md"), [], "model_card.md was not written by mnist-tune"),
    "another model's": (another_model_s, ["--force"], "exports of another model"),
    "damaged document": (lambda run: occupied(run, "export.json", "{"), ["--force"], "export.json can't be read"),
    "deep document": (
        lambda run: occupied(run, "export.json", "[" * 200_000 + "]" * 200_000),
        ["--force"],
        "nested too deeply",
    ),
    "a document of nothing": (lambda run: occupied(run, "export.json", '{"schema": 1}'), ["--force"], "Choose another"),
    "a document that is a folder": (
        lambda run: (run / "export" / "export.json").mkdir(parents=True),
        ["--force"],
        "export.json: expected a regular file",
    ),
    "export is a file": (lambda run: (run / "export").write_text("x"), [], "Expected a folder. Received a file"),
    "out is a file": (
        lambda run: (run / "mine").write_text("x"), ["-o", "cheap/mine"], "expected a folder. Received"
    ),
    "out below a file": (lambda run: None, ["-o", "cheap/run.json/x"], "can be written to"),
    "no data": (lambda run: with_options(run, data="gone.npz"), [], "Name the run's data (--data SOURCE)"),
    "other data": (
        lambda run: with_options(run, train_samples=None, data="digits", validation=0.1, seed=1),
        ["--data", "small.npz"],
        "The data have changed since this run began",
    ),
    "not a model after all": (lambda run: None, [], "The model can't be loaded safely"),
    "an unknown option": (lambda run: None, ["--quickly"], "Unknown option --quickly. See"),
}  # fmt: skip


def small_set(path: Path) -> None:
    x, y = np.zeros((200, 28, 28), np.uint8), np.arange(200) % 10
    np.savez(path, x_train=x, y_train=y, x_test=x[:20], y_test=y[:20])


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line(
    mistake: str, cheap: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil, words, line = MISTAKES[mistake]
    monkeypatch.chdir(cheap.parent)
    small_set(cheap.parent / "small.npz")
    spoil(cheap)
    before = sorted(str(path) for path in cheap.rglob("*"))
    assert cli.main(["export", "cheap", *words]) == 2
    assert line in said(capsys)
    assert sorted(str(path) for path in cheap.rglob("*")) == before


@pytest.mark.parametrize("alive", [False, True])
def test_what_a_killed_export_left_is_removed(tmp_path: Path, alive: bool) -> None:
    """By the next one that writes there, and by whoever resumes the run; what a living process writes stays."""
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    pid = os.getppid() if alive else int(ended.stdout)
    left = tmp_path / "export" / f".export-{pid}.partial"
    removers: tuple[Callable[[], None], ...] = (
        RunFolder(tmp_path).sweep,
        lambda: enter_and_leave(tmp_path / "export"),
    )
    for remove in removers:
        (left / "savedmodel").mkdir(parents=True, exist_ok=True)
        remove()
        assert left.exists() == alive


def enter_and_leave(folder: Path) -> None:
    with ExportFolder(folder, model=folder.parent / "best.keras").staged():
        pass


def test_a_missing_library_names_its_extra(
    cheap: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for name, packages, extra in (("onnx", "onnx and onnxruntime and tf2onnx", "onnx"), ("litert", "ai_edge_litert", "litert"),
                                  ("litert-int8", "ai_edge_litert", "litert"), ("c", "ai_edge_litert", "litert")):  # fmt: skip
        assert cli.main(["export", str(cheap), "--format", name]) == 2
        line = said(capsys)
        assert f"--format {name} needs {packages}, which" in line
        assert f'pip install "mnist-tune[{extra}]"' in line


def test_every_extra_that_is_named_is_one_of_the_project_s() -> None:
    import tomllib

    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    for one in FORMATS.values():
        if one.packages:
            named = {re.split("[<>=]", line)[0].replace("-", "_") for line in table[one.extra]}
            assert named == set(one.packages)
            assert set(table[one.extra]) <= set(table["dev"])


def test_another_backend_is_told(
    cheap: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert cli.main(["export", str(cheap)]) == 2
    assert "Set KERAS_BACKEND=tensorflow. Received: jax" in said(capsys)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_can_t_be_written_is_told(cheap: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cheap.chmod(0o500)
    try:
        assert cli.main(["export", str(cheap)]) == 2
    finally:
        cheap.chmod(0o700)
    assert "can be written to" in said(capsys)


def test_formats_are_a_list_or_several() -> None:
    names = [one.name for one in chosen_formats(["onnx,keras", "litert", "keras"])]
    assert names == ["onnx", "keras", "litert"]


# The card


def fences(text: str, language: str) -> list[str]:
    """The code of a Markdown text's fences in a language."""
    return [token.content for token in MarkdownIt().parse(text) if token.type == "fence" and token.info == language]


def shape_of(text: str) -> list[str]:
    """What a Markdown text is made of, block by block."""
    return [token.type for token in MarkdownIt().enable("table").parse(text)]


def inside(text: str) -> set[str]:
    """What stands in its lines."""
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    return {child.type for token in tokens for child in token.children or []} | {
        token.type for token in tokens if "html" in token.type
    }


def card(folder: Path, name: str = "keras", **changes: Any) -> str:
    build_run(folder, FakeRun(**{**SMALL, **changes}))
    entry = {
        "file": "model.keras", "size_bytes": 1, "difference": 0.0, "equal_classes": 1.0, "accuracy": 0.9,
        "keras_accuracy": 0.9, "latency_s": 0.01, "latency_method": "by hand", "images": {"split": "test", "n": 9},
        "signature": {
            "input": {"name": "image", "dtype": "uint8", "shape": [None, 28, 28], "range": [0, 255]},
            "output": {"name": "p", "dtype": "float32", "shape": [None, 10], "range": [0, 1]},
        },
    }  # fmt: skip
    return card_text(read_run(folder), validate({"formats": {name: entry}}, ExportDocument), "mnist-tune export run")


def test_hostile_names_are_text_on_the_card(tmp_path: Path) -> None:
    plain = card(tmp_path / "plain")
    hostile = card(tmp_path / "hostile", hostile=HOSTILE, class_names=[f"{index}{HOSTILE}" for index in range(10)])
    assert shape_of(hostile) == shape_of(plain)
    assert inside(hostile) <= {"text", "softbreak", "text_special"}
    words = "".join(
        child.content for token in MarkdownIt().enable("table").parse(hostile) for child in token.children or []
    )
    assert "<script>alert(1)</script>" in words
    assert "[a](javascript:alert(1))" in words
    assert "{{ 7*7 }}" in words


@pytest.mark.parametrize("name", ["of-tomorrow", "../page"])
def test_a_format_of_another_version_is_on_the_card_without_an_example(tmp_path: Path, name: str) -> None:
    text = card(tmp_path, name)
    assert name in text.replace("\\", "")
    assert fences(text, "python") == []


def test_the_card_has_the_formats_titles_and_an_example_of_each() -> None:
    assert {name: one.title for name, one in FORMATS.items() if name in TITLES} == TITLES
    examples = {path.name.split(".")[0] for path in Path(templates.__file__).parent.glob("call-*.j2")}
    assert examples == {f"call-{name}" for name in TITLES}


def test_a_command_with_fences_stays_in_its_fence(tmp_path: Path) -> None:
    build_run(tmp_path / "run", FakeRun(**SMALL))
    run = read_run(tmp_path / "run")
    run = replace(run, info=replace(run.info, command=("mnist-tune", "--out", "a\n```\n# head\n````\nb")))
    text = card_text(run, ExportDocument(formats={}), "")
    (command,) = fences(text, "bash")
    assert command.endswith("'a\n```\n# head\n````\nb'\n")
    assert "head" not in [token.content for token in MarkdownIt().parse(text) if token.type == "inline"]


def test_the_card_says_what_it_is_worth_and_what_not(tmp_path: Path) -> None:
    text = card(tmp_path / "run")
    result = json.loads((tmp_path / "run" / "result.json").read_bytes())
    low, high = (f"{100 * bound:.2f}" for bound in result["test"]["accuracy_ci95"])
    assert f"\\[{low}, {high}\\]" in text
    for head in ("What it is", "Data", "Metrics", "Limits", "Files", "How to call it", "Licence", "How it was made"):
        assert f"\n## {head}\n" in text
    assert "0123456789abcdef" * 4 in text
    assert "Apache License 2.0" in text
    assert "rotation" in text
    assert "Verified on 9 test images" in text
    assert not re.search(r"\b(None|nan|Undefined)\b", text)


def test_no_measure_of_robustness_is_said_so(tmp_path: Path) -> None:
    assert "was not measured" in card(tmp_path / "run", arrays=False)


@pytest.mark.slow
def test_the_card_s_programs_run_as_they_stand(exported: Path) -> None:
    programs = fences((exported / "model_card.md").read_text(encoding="utf-8"), "python")
    assert len(programs) == sum(not one.missing() for one in FORMATS.values() if one.name != "c")
    for program in programs:
        done = in_python(program, exported)
        assert done.returncode == 0, done.stderr
        assert re.fullmatch(r"\[\d\] \[[\d.e-]+\]\n", done.stdout)


@needs_compiler
@pytest.mark.parametrize("name", [needs("c")])
def test_the_card_s_c_program_compiles_and_runs_as_it_stands(name: str, exported: Path, tmp_path: Path) -> None:
    (program,) = fences((exported / "model_card.md").read_text(encoding="utf-8"), name)
    shutil.copytree(exported / "c", tmp_path / "c")
    (tmp_path / "c" / "main.c").write_text(program)
    command = [
        *(find_compiler() or ()),
        "-std=c99",
        "-Wall",
        "-Wextra",
        "-Werror",
        "main.c",
        "model.c",
        "-o",
        "classify",
    ]
    subprocess.run(command, cwd=tmp_path / "c", check=True)
    done = subprocess.run([tmp_path / "c" / "classify"], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"\[\d\] \[0\.\d{4}\]\n", done.stdout)


@needs_compiler
@pytest.mark.parametrize("name", [needs("c")])
def test_a_c_program_is_compared_with_the_int8_file_and_measured(name: str, exported: Path) -> None:
    document = json.loads((exported / "export.json").read_text(encoding="utf-8"))
    entry, quantised = document["formats"][name], document["formats"]["litert-int8"]
    assert entry["c"]["equal_reference"] == 1.0
    # LiteRT's usual kernels round otherwise.
    assert abs(entry["accuracy"] - quantised["accuracy"]) <= 0.02
    (build,) = [build for build in entry["c"]["builds"] if build["target"] == "this machine"]
    assert 1_500 < build["text"] < 8_000
    assert 100 < build["bss"] < 2_000
    header = (exported / "c" / "model.h").read_text()
    assert "compared with them when it was exported" in header
    assert f"{build['text']:,}" in header
    assert sorted(path.name for path in (exported / "c").iterdir()) == ["model.c", "model.h"]


@pytest.mark.parametrize("name", [needs("c")])
def test_without_a_compiler_the_c_files_are_written_and_that_is_said(
    name: str, run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    monkeypatch.setattr(compiler, "_CORTEX_M", ("no-such-compiler",))
    assert cli.main(["export", str(run), "--format", name]) == 0
    printed = capsys.readouterr().out
    assert "C was not compiled: no C compiler (cc, gcc or clang, or the one in CC)." in printed
    entry = json.loads((run / "export" / "export.json").read_text(encoding="utf-8"))["formats"][name]
    assert entry["c"] == {"builds": [], "equal_reference": None}
    assert "no C compiler was found" in entry["latency_method"]
    assert "int mnist_tune_predict" in (run / "export" / "c" / "model.c").read_text()
    assert "this export didn't compare it" in (run / "export" / "c" / "model.h").read_text()


@needs_compiler
@pytest.mark.parametrize("name", [needs("c")])
def test_a_c_program_that_differs_from_the_int8_file_is_refused(
    name: str, data: Dataset, models: tuple[Any, Any], exported: Path
) -> None:
    wanted = FORMATS[name]  # type: ignore[index]
    sample, ours = reference(data, models[0])
    other = FORMATS["litert-int8"].load().open(exported / "model-int8.tflite").classify

    with pytest.raises(
        ExportError, match=r"differs from the int8 file .* on \d+ of 500 test images\. Expected the same bits"
    ):
        check_file(wanted, exported / wanted.file, sample, ours, lambda images: np.roll(other(images), 1, axis=1))

    same = wanted.load().open(exported / wanted.file).classify

    def one_step_apart(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """One probability of one image is another, and its class the same."""
        probabilities = same(images)
        probabilities[3, probabilities[3].argmax()] += 1 / 256
        return probabilities

    with pytest.raises(ExportError, match=r"on 1 of 500 test images"):
        check_file(wanted, exported / wanted.file, sample, ours, one_step_apart)


@pytest.mark.slow
def test_the_command_is_quiet_and_the_report_s_programs_run(run: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mnist_tune", "export", str(run)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 4
