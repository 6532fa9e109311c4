"""A colour model in every format: the signature that each file has, its predictions, its calibration; wrong shapes are refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.kit.pictures import picture_data, picture_model, trained_model
from tests.kit.run_builder import FakeRun, build_run
from tests.tuner.export.test_export import needs
from tuner.core.errors import UsageError
from tuner.data.dataset import Dataset
from tuner.export import verification
from tuner.export.formats import FORMATS
from tuner.export.job import export_formats, load_model
from tuner.export.litert import full_range
from tuner.export.writing import Sample
from tuner.storage.run_folder import RunFolder

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SHAPE = (16, 20, 3)


@pytest.fixture(scope="module", autouse=True)
def few_calls() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verification, "_WARM_UP", 1)
        patch.setattr(verification, "_TIMED", 3)
        yield


@pytest.fixture(scope="module")
def data() -> Dataset:
    return picture_data(SHAPE)


@pytest.fixture(scope="module")
def model(data: Dataset) -> Any:
    return trained_model(data)


def check_export(name: str, model: Any, data: Dataset, folder: Path) -> None:
    one = FORMATS[name]  # type: ignore[index]
    (file,) = export_formats([one], model, folder, Sample.of(data, test=True)).values()
    first = (1,) if name.startswith("litert") else () if name == "c" else (None,)
    assert file.signature.input.shape == (*first, *SHAPE)
    assert file.signature.input.dtype == "uint8"
    assert file.signature.input.range == (0.0, 255.0)
    assert file.signature.output.shape == (*first, 12)
    assert file.keras_accuracy > 0.9
    opened = one.load().open(folder / one.file)
    images = np.asarray(data.x_validation[:24])
    tolerance = 0.1 if name in ("litert-int8", "c") else 1e-4
    np.testing.assert_allclose(opened.classify(images), model.predict_on_batch(images), atol=tolerance)


@pytest.mark.parametrize("name", [needs("savedmodel"), needs("keras")])
def test_a_colour_model_comes_back_as_it_was(name: str, model: Any, data: Dataset, tmp_path: Path) -> None:
    check_export(name, model, data, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", [needs("litert"), needs("litert-int8"), needs("c"), needs("onnx")])
def test_a_colour_model_for_other_programs_comes_back(name: str, model: Any, data: Dataset, tmp_path: Path) -> None:
    check_export(name, model, data, tmp_path)


def test_calibration_images_have_the_whole_range_in_every_channel() -> None:
    images = np.full((3, *SHAPE), 100, np.uint8)
    changed = full_range(images)
    assert changed[0].min(axis=(0, 1)).tolist() == [0, 0, 0]
    assert changed[0].max(axis=(0, 1)).tolist() == [255, 255, 255]
    assert np.array_equal(changed[1:], images[1:])
    assert (images == 100).all()


@pytest.mark.parametrize("shape", [SHAPE, (20, 16, 3), (16, 20), (28, 28)], ids=str)
def test_a_model_must_take_the_images_of_its_run(shape: tuple[int, ...], tmp_path: Path) -> None:
    run = RunFolder(build_run(tmp_path / "run", FakeRun(image_shape=SHAPE, classes=12, confirm=False)))
    picture_model(shape).save(run.keras_model)
    if shape == SHAPE:
        assert load_model(run, 12, SHAPE).input_shape == (None, *SHAPE)
        return
    with pytest.raises(UsageError, match=r"Expected \(None, 16, 20, 3\) to \(None, 12\)"):
        load_model(run, 12, SHAPE)
