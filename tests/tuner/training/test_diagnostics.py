"""What a study measures of trained models, against functions whose answer is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest

from search_spaces.hyperparameters.recipe import Recipe
from search_spaces.keras.model import build_model
from search_spaces.keras.training import compile_model
from search_spaces.networks.notation import parse
from tuner.data.dataset import Dataset, load_dataset
from tuner.processes.tasks import SpaceRef, TrainTask
from tuner.storage.schema.study import Diagnostic
from tuner.training.diagnostics import BATCH, batch_gradients, dead_share, flat_share, measure, noise_scale

# Of Keras 3.15 with NumPy 2: copying a variable out.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


def make_dataset(train: int) -> Dataset:
    return load_dataset("digits", validation=0.1, seed=1, train_samples=train)


def task(*diagnostics: Diagnostic, **configuration: Any) -> TrainTask:
    space = SpaceRef(name="compact8k", max_params=None, max_macs=None, classes=10)
    return TrainTask(id="0001", space=space, configuration=configuration, epochs=1, seed=3, diagnostics=diagnostics)


def model(network: str, activation: Any = "relu") -> Any:
    keras.utils.set_random_seed(1)
    built = build_model(parse(network, activation))
    compile_model(built, Recipe())
    return built


@pytest.mark.parametrize("batch", [16, 64])
def test_the_noise_scale_is_that_of_gradients_whose_noise_is_known(batch: int) -> None:
    rng = np.random.default_rng(0)
    mean, sd, numbers = 0.2, 1.5, 400
    gradients = mean + rng.normal(0.0, sd / np.sqrt(batch), (2000, numbers))
    scale, squared, trace, count = noise_scale(gradients, batch)
    assert squared == pytest.approx(numbers * mean**2, rel=0.02)
    assert trace == pytest.approx(numbers * sd**2, rel=0.02)
    assert scale == pytest.approx(sd**2 / mean**2, rel=0.04)
    assert count == 2000


def test_gradients_without_noise_have_a_scale_of_nothing() -> None:
    scale, squared, trace, _ = noise_scale(np.ones((5, 3)), 8)
    assert (scale, squared, trace) == pytest.approx((0.0, 3.0, 0.0))


def test_gradients_of_noise_alone_have_no_scale() -> None:
    assert np.isnan(noise_scale(np.array([[1.0, -1.0], [-1.0, 1.0]]), 4)[0])


@pytest.mark.parametrize(
    ("activation", "inputs", "share"),
    [
        ("relu", [-2.0, -1.0, 1.0, 2.0], 0.5),
        ("tanh", [0.0, 1.0, 4.0, -4.0], 0.5),
        ("softsign", [0.0, 1.0, 20.0, -3.0], 0.25),
        ("linear", [0.0, 100.0], 0.0),
    ],
)
def test_flat_parts_of_activations(activation: str, inputs: list[float], share: float) -> None:
    assert flat_share(keras.activations.get(activation), np.array(inputs, np.float32)) == share


@pytest.mark.parametrize(
    ("outputs", "share"),
    [([[1.0, 0.0], [2.0, 0.0]], 0.5), ([[0.0, 0.0]], 1.0), ([[1.0, -1.0]], 0.0), ([[1.0, 1e-5]], 0.5)],
)
def test_dead_units(outputs: list[list[float]], share: float) -> None:
    assert dead_share(np.array(outputs)) == share


def test_a_softmax_s_gradient_is_its_textbook_one() -> None:
    built = model("D10(bias)")
    images = np.random.default_rng(0).integers(0, 256, (BATCH, 28, 28)).astype(np.uint8)
    labels = np.arange(BATCH) % 10
    ((kernel, bias),) = batch_gradients(built, (images, labels))
    error = np.asarray(built(images, training=False)) - np.eye(10)[labels]
    np.testing.assert_allclose(bias, error.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(kernel, (images.reshape(BATCH, -1) / 255.0).T @ error / BATCH, atol=1e-5)


def test_everything_that_is_asked_for_is_measured() -> None:
    data = make_dataset(train=200)
    wanted = task("gradient_norms", "units", "gradient_noise", "step", batch_size=32)
    arrays = measure(wanted, model("C4 P C6 GAP 1x1:10", "tanh"), data)
    assert list(arrays["study/gradient_norms/names"]) == ["conv_1", "conv_2", "conv_3"]
    assert (arrays["study/gradient_norms/values"] > 0).all()
    assert arrays["study/units/dead"].shape == arrays["study/units/saturated"].shape == (2,)
    assert arrays["study/gradient_noise"].shape == (4,)
    assert arrays["study/gradient_noise"][3] == 3
    assert arrays["study/step"][0] > 0


def test_fewer_images_than_a_batch_have_a_gradient_and_no_noise() -> None:
    arrays = measure(task("gradient_noise", "gradient_norms"), model("D10"), make_dataset(train=20))
    assert np.isnan(arrays["study/gradient_noise"][0])
    assert arrays["study/gradient_norms/values"].shape == (1,)


def test_nothing_is_measured_unasked() -> None:
    assert measure(replace(task(), diagnostics=()), model("D10"), make_dataset(train=20)) == {}
