"""The winner's evaluation on colour images and on grey ones of another size: every array fits the page's checks."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from reports.run.array_checks import check_arrays
from tests.kit.pictures import CLOTHES, photograph, picture_data, picture_model
from tuner.images.input_form import InputForm
from tuner.images.user_images import read_own_images
from tuner.processes.tasks import EvaluateTask, SpaceRef
from tuner.storage.npz_io import Arrays, read_npz
from tuner.storage.schema.model_interface import ImageFormat, ModelInterface
from tuner.training import evaluation
from tuner.training.evaluation import _kernels, evaluate, feature_maps, shown_images
from tuner.training.network_copy.chain import NotAChain

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

SHAPES = ((16, 20, 3), (12, 9))
IMAGE = ImageFormat(shape=(12, 9))


@pytest.fixture(scope="module", params=SHAPES, ids=str)
def evaluated(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[tuple[int, ...], Arrays]:
    """The arrays of an evaluation with a user's images, and the shape of an image."""
    shape, folder = request.param, tmp_path_factory.mktemp("evaluated")
    data = picture_data(shape, each=4)
    picture_model(shape).save(folder / "model.keras")
    (folder / "mine" / "hat").mkdir(parents=True)
    photograph(1).save(folder / "mine" / "hat" / "a.png")
    photograph(2, mode="L").save(folder / "mine" / "b.jpg")
    form = InputForm.of(shape, digits=False)
    read_own_images(str(folder / "mine"), CLOTHES, form).save(folder / "own.npz")
    task = EvaluateTask(
        id="e",
        space=SpaceRef(name="compact8k", max_params=None, max_macs=None, classes=len(CLOTHES)),
        configuration={},
        models=(str(folder / "model.keras"),) * 2,
        exported=0,
        arrays=str(folder / "arrays.npz"),
        test=True,
        seed=1,
        custom=True,
        own_images=str(folder / "own.npz"),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "make_space", lambda ref: SimpleNamespace(augment=lambda values, x, rng: x[:, ::-1]))
        answer = evaluate(task, data)
    assert answer["faults"] == []
    assert answer["test"]["n"] == 48
    return shape, read_npz(Path(task.arrays))


def test_all_arrays_pass_the_page_s_checks(evaluated: tuple[tuple[int, ...], Arrays]) -> None:
    shape, arrays = evaluated
    check_arrays(arrays, len(CLOTHES), shape)
    for name in ("images/test", "images/samples", "images/augmented", "custom/own/seen"):
        assert arrays[name].shape[1:] == shape
    assert arrays["features/example"].shape == shape
    channels = shape[2:]
    assert arrays["kernels"].shape == (3, 3, *channels, 6)
    assert float(arrays["network/difference"]) < 1e-3


@pytest.mark.parametrize("interface", [None, ModelInterface(network=IMAGE, fit=IMAGE, images=SHAPES[1])])
def test_a_network_that_a_page_can_t_compute_is_a_fault_of_built_in_spaces_only(
    interface: ModelInterface | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> Arrays:
        raise NotAChain("layer memory (LSTM) is none that a page computes")

    monkeypatch.setattr(evaluation, "network_arrays", refuse)
    monkeypatch.setattr(evaluation, "load_kept_model", lambda *_: picture_model(SHAPES[1]))
    space = SpaceRef(name="a:B", max_params=None, max_macs=None, classes=len(CLOTHES), interface=interface)
    arrays = str(tmp_path / "arrays.npz")
    task = EvaluateTask(
        id="e", space=space, configuration={}, models=("a",), exported=0, arrays=arrays, test=False, seed=1
    )
    answer = evaluate(task, picture_data(SHAPES[1], each=4))
    words = [name for name in ("faults", "notes") if any("memory (LSTM)" in message for message in answer[name])]
    assert words == (["faults"] if interface is None else ["notes"])


def test_robustness_is_by_the_corruptions_of_the_kind(evaluated: tuple[tuple[int, ...], Arrays]) -> None:
    shape, arrays = evaluated
    assert ("saturation" in arrays["robustness/kinds"]) == (len(shape) == 3)
    accuracy = arrays["robustness/accuracy"]
    assert np.ptp(accuracy[:, 0]) == 0
    assert accuracy.shape == (len(arrays["robustness/kinds"]), 5)


def test_no_digits_are_drawn_and_own_images_are_resized(evaluated: tuple[tuple[int, ...], Arrays]) -> None:
    shape, arrays = evaluated
    assert arrays["custom/drawn/labels"].shape == (0,)
    assert arrays["custom/own/labels"].tolist() == [-1, 1]
    assert arrays["custom/own/probabilities"].shape == (2, len(CLOTHES))
    assert not any("digit" in warning or "ink" in warning for warning in arrays["custom/own/warnings"].tolist())
    of_hat = arrays["custom/own/seen"][1].astype(float).mean(axis=(0, 1))
    expected = np.asarray(photograph(1).convert("RGB" if len(shape) == 3 else "L"), float).mean(axis=(0, 1))
    assert np.abs(of_hat - expected).max() < 4


@pytest.mark.parametrize(("shape", "expected"), [((6, 5, 3), (6, 5, 3, 12)), ((6, 5), (6, 5, 12))])
def test_a_dense_layer_s_kernels_are_templates_of_the_image(shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    import keras

    image = keras.Input(shape, dtype="uint8")
    flat = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255, dtype="float32")(image))
    model = keras.Model(image, keras.layers.Dense(12, "softmax")(flat))
    kernels = _kernels(model)["kernels"]
    assert kernels.shape == expected
    np.testing.assert_allclose(kernels.reshape(-1, 12), model.layers[-1].get_weights()[0])


def test_feature_maps_of_a_colour_image() -> None:
    example = picture_data(each=1).x_test[0]
    arrays = feature_maps(picture_model(), example)
    assert np.array_equal(arrays["features/example"], example)
    assert arrays["features/0"].shape == (8, 10, 6)


@pytest.mark.parametrize(
    ("classes", "expected"), [(10, 10), (30, 30), (31, 31), (40, 40), (60, 60), (61, 60), (100, 60)]
)
def test_right_images_are_of_all_classes_or_spread_over_them(classes: int, expected: int) -> None:
    labels = np.arange(3 * classes) % classes
    right = np.eye(classes)[labels] * 0.9 + 0.001
    shown = shown_images(right, labels)
    assert len(shown) == min(60, 3 * classes)
    assert len(set(shown.tolist())) == len(shown)
    of_classes = sorted(set(labels[shown].tolist()))
    assert len(of_classes) == expected
    assert of_classes[-1] >= classes - 2
    assert max(np.diff([-1, *of_classes])) <= 2


def test_a_class_without_right_images_leaves_its_places_to_others() -> None:
    labels = np.arange(160) % 40
    probabilities = np.eye(40)[labels] * 0.9 + 0.001
    probabilities[labels < 20] = np.roll(probabilities[labels < 20], 1, axis=1)
    shown = shown_images(probabilities, labels)
    right = shown[probabilities[shown].argmax(axis=1) == labels[shown]]
    assert set(labels[right].tolist()) == set(range(20, 40))
    assert len(right) == 40


def test_the_most_frequent_mistakes_are_among_the_pictures_even_where_they_are_not_the_worst() -> None:
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(3), 100)
    probabilities = rng.dirichlet(np.ones(3), 300) * 0.1
    probabilities[np.arange(300), labels] = 0.3
    probabilities[:90, 1] = 0.31  # 0 taken for 1, never by much
    probabilities[100:200, 2] = 0.9
    probabilities[100:200, 1] = rng.uniform(0, 0.1, 100)  # 1 taken for 2, always by much
    shown = shown_images(probabilities, labels)
    wrong = shown[probabilities[shown].argmax(axis=1) != labels[shown]]
    assert set(labels[wrong[:80]]) == {1}
    assert list(labels[wrong[80:]]).count(0) == 3
    assert len(set(shown)) == len(shown)
