"""Many trainings as one program: the same numbers as one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("jax")

import jax
import jax.numpy as jnp

from search_spaces.families.registry import load_family
from search_spaces.hyperparameters.recipe import Augmentation, Recipe
from search_spaces.keras.augmentation import augment
from search_spaces.keras.training import FittedSchedule
from search_spaces.networks.notation import parse
from search_spaces.networks.specs import Dropout
from search_spaces.stacked.augmentation import Augmenter, batch_draws
from search_spaces.stacked.convolution import METHODS, Method, convolve
from search_spaces.stacked.grouping import OPTIMIZERS
from search_spaces.stacked.layers import forward
from search_spaces.stacked.optimizers import Rules
from search_spaces.stacked.randomness import key_of, uniform
from tests.kit.stacks import (
    Curves,
    alone,
    build_models,
    images,
    plain_losses,
    quick_compilation,
    train_plainly,
    train_stacked,
    trained_weights,
    training_losses,
    training_of,
    unstack_weights,
)

# In the order of the networks: every optimizer, schedule, activation, kind of layer and head.
NETWORKS = (
    parse("C4 P C6s drop.2 GAP 1x1:10"),
    parse("crop7 S3s(bias) C5(nobn,bias) P2/1 1x1:10 GAP", "gelu"),
    parse("norm 5x5:3s(tanh) avg2 D8(leaky_relu) drop.1 D10"),
    parse("C3s S5 P3/2 1x1:4(linear) C4 GAP 1x1:5 1x1:10(bn)", "softsign"),
)
RECIPES = (
    Recipe(optimizer="momentum", schedule="one-cycle", batch_size=16, l2=1e-3),
    Recipe(optimizer="adamw", learning_rate=0.01, weight_decay=0.1, schedule="cosine", batch_size=16),
    Recipe(optimizer="sgd", learning_rate=0.2, schedule="constant", batch_size=16, label_smoothing=0.1),
    Recipe(optimizer="adam", learning_rate=0.01, schedule="one-cycle", batch_size=16, l2=1e-2, label_smoothing=0.05),
)
AUGMENTATION = Augmentation(rotation=10.0, shift=0.05, scale=0.1)
X, Y = images(40)


def without_dropout(networks: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(tuple(spec for spec in specs if not isinstance(spec, Dropout)) for specs in networks)


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    with quick_compilation():
        yield


@pytest.fixture(scope="module")
def stacked() -> Curves:
    """The four networks with dropout, two of them augmented, as one program."""
    with quick_compilation():
        return train_stacked(_training(), X, Y)


def _training() -> Any:
    augmented = [replace(r, augmentation=AUGMENTATION) if at < 2 else r for at, r in enumerate(RECIPES)]
    return training_of(NETWORKS, augmented, X, 2)


def agree(first: Curves, second: Curves, tolerance: float = 2e-4) -> None:
    np.testing.assert_allclose(first.losses, second.losses, atol=tolerance)
    np.testing.assert_allclose(first.validation, second.validation, atol=tolerance)
    np.testing.assert_allclose(first.accuracies, second.accuracies, atol=1e-6)


@pytest.mark.slow
def test_a_stack_trains_as_keras_does() -> None:
    training = training_of(without_dropout(NETWORKS), RECIPES, X, 2)
    ours, kerass = train_stacked(training, X, Y), train_plainly(training, X, Y)
    agree(ours, kerass)
    np.testing.assert_array_equal(ours.predictions, kerass.predictions)


@pytest.mark.slow
@pytest.mark.parametrize("space", ["compact8k", "compact2k", "micro1k", "dense", "cnn3"])
def test_sampled_configurations_train_as_by_keras(space: str) -> None:
    """Four of each space in a stack: with their own optimizers, schedules and heads, without dropout.

    Images are only flipped: where they are turned, a rounded pixel may differ by one of 255, to which a network that
    normalises twelve single positions answers with another loss.
    """
    x, y = images(36, (10, 10))
    family, rng = load_family(space, image_shape=(10, 10)), np.random.default_rng(11)
    sampled = [family.sample(rng) for _ in range(4)]
    flipped = Augmentation(horizontal_flip=True)
    recipes = [replace(family.recipe(values), batch_size=12, augmentation=flipped) for values in sampled]
    networks = without_dropout(tuple(family.specs(values) for values in sampled))
    training = training_of(networks, recipes, x, 1)
    np.testing.assert_allclose(training_losses(training, x, y), plain_losses(training, x, y), atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("network", range(len(NETWORKS)))
def test_a_network_trains_the_same_whatever_is_beside_it(network: int, stacked: Curves) -> None:
    """With dropout and augmentation: the stack of one has no padding, no selection, no other network."""
    single = train_stacked(alone(_training(), network), X, Y)
    np.testing.assert_allclose(stacked.losses[:, [network]], single.losses, atol=2e-4)
    np.testing.assert_allclose(stacked.validation[:, [network]], single.validation, atol=2e-4)


@pytest.mark.slow
def test_weights_go_back_to_keras(stacked: Curves) -> None:
    training = _training()
    assert stacked.state is not None
    weights, statistics = trained_weights(stacked.state)
    for number, model in enumerate(build_models(training.networks, training.recipes, (8, 8))):
        unstack_weights(training.layout, weights, statistics, number, model)
        if number == 2:  # normalises by the training images
            continue
        np.testing.assert_array_equal(model.predict(X, verbose=0).argmax(1), stacked.predictions[number])


@pytest.mark.slow
def test_padding_stays_zero(stacked: Curves) -> None:
    """Every array has as many numbers that are not zero as its network has weights."""
    training = _training()
    assert stacked.state is not None
    for number, model in enumerate(build_models(training.networks, training.recipes, (8, 8))):
        trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
        arrays = [array[number] for slot in trained_weights(stacked.state)[0].values() for array in slot.values()]
        assert sum(int(np.count_nonzero(array)) for array in arrays) <= trainable
        assert sum(int(np.count_nonzero(array)) for array in arrays) >= 0.9 * trainable


@pytest.mark.slow
def test_a_network_that_diverges_harms_no_other() -> None:
    networks = (parse("C3 D10"), parse("C4s(nobn) P D10"))
    calm = Recipe(optimizer="sgd", learning_rate=0.1, batch_size=16)
    wild = Recipe(optimizer="sgd", learning_rate=1e30, schedule="constant", batch_size=16)
    both = train_stacked(training_of(networks, (calm, wild), X, 2), X, Y)
    assert np.isnan(both.losses[-1, 1])
    single = train_stacked(training_of(networks[:1], (calm,), X, 2), X, Y)
    np.testing.assert_allclose(both.losses[:, :1], single.losses, atol=1e-5)


def test_only_a_network_s_own_weights_have_gradients() -> None:
    """A full, a separable and a dense network, whose first two layers share slots."""
    networks = (parse("C3 D10"), parse("S2s D10"), parse("D4 D10"))
    training = training_of(networks, (Recipe(batch_size=16),) * 3, X, 1)
    state = training.initial_state(build_models(networks, training.recipes, X.shape[1:]), X)
    maps = jnp.broadcast_to(jnp.asarray(X[None, :4, :, :, None] / 255.0, jnp.float32), (3, 4, 8, 8, 1))

    def loss(weights: Any) -> Any:
        return (forward(training.layout, weights, state.statistics, maps)[0] ** 2).sum()

    gradients = jax.grad(loss)(state.weights)
    for slot, arrays in state.weights.items():
        for name, values in arrays.items():
            foreign = np.asarray(gradients[slot][name])[np.asarray(values) == 0.0]
            if name not in ("beta", "bias"):
                np.testing.assert_array_equal(foreign, 0.0, err_msg=f"{slot} {name}")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("kernel", "first", "size"), [(3, -1, (6, 5)), (3, 0, (4, 3)), (1, 0, (6, 5)), (4, -1, (6, 5))]
)
def test_each_method_is_a_convolution(method: Method, kernel: int, first: int, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(2)
    maps = rng.normal(size=(3, 2, 6, 5, 4)).astype(np.float32)
    kernels = rng.normal(size=(3, kernel, kernel, 4, 2)).astype(np.float32)
    expected = np.zeros((3, 2, *size, 2))
    for row, column, down, right in np.ndindex(*size, kernel, kernel):
        at = row + down + first, column + right + first
        if 0 <= at[0] < 6 and 0 <= at[1] < 5:
            expected[:, :, row, column] += np.einsum("tni,tio->tno", maps[:, :, at[0], at[1]], kernels[:, down, right])
    result = convolve(jnp.asarray(maps), jnp.asarray(kernels), first, size, method)
    np.testing.assert_allclose(result, expected, atol=1e-5)


def test_random_numbers_are_uniform_and_move_with_no_padding() -> None:
    keys = jnp.stack([key_of(2**32 - 1, jnp.asarray(2), 3), key_of(1, jnp.asarray(2), 4)])
    numbers = np.asarray(uniform(keys, ((6, 5, 3), (4, 4, 2)), (6, 5, 3), 200))
    assert numbers.min() >= 0.0
    assert numbers.max() < 1.0
    shares, _ = np.histogram(numbers[0], 10, (0.0, 1.0))
    assert abs(shares / numbers[0].size - 0.1).max() < 5 * (0.09 / numbers[0].size) ** 0.5
    assert abs(np.corrcoef(numbers[0].ravel()[:-1], numbers[0].ravel()[1:])[0, 1]) < 0.03
    single = np.asarray(uniform(keys[1:], ((4, 4, 2),), (4, 4, 2), 200))
    np.testing.assert_array_equal(numbers[1, :, :4, :4, :2], single[0])
    assert not np.array_equal(numbers[0, :, :4, :4, :2], single[0])


@pytest.mark.parametrize("colour", [False, True])
def test_augmentation_on_the_device_is_that_of_the_host(colour: bool) -> None:
    x, _ = images(24, (10, 12, 3) if colour else (10, 12))
    strengths = (
        Augmentation(rotation=15.0, shift=0.1, scale=0.15),
        Augmentation(),
        Augmentation(brightness=0.3, contrast=0.2, saturation=0.4 if colour else 0.0, horizontal_flip=True),
        Augmentation(rotation=5.0, contrast=0.1, horizontal_flip=True),
    )
    augmenter = Augmenter(strengths, colour)
    draws = batch_draws(augmenter.streams, len(x), 8, 16, (7, 1))
    maps = x if colour else x[..., None]
    for step in range(3):
        rows = slice(step * 8, step * 8 + 8)
        ours = np.asarray(augmenter.apply(jnp.asarray(maps[rows]), jnp.asarray(draws[:, step])))
        for number, own in enumerate(strengths):
            start = step // 2 * 16
            chunk = augment(x[start : start + 16], own, np.random.default_rng((7, 1, start // 16 + 1)))
            expected = chunk[rows.start - start : rows.stop - start].astype(float)
            differences = np.abs(ours[number] - (expected if colour else expected[..., None]))
            assert differences.max() <= 1.0
            assert (differences > 0).mean() < 0.02


@pytest.mark.parametrize("step", [0, 1, 7, 24, 25, 99, 100])
def test_learning_rates_are_those_of_the_schedules(step: int) -> None:
    recipes = tuple(Recipe(schedule=name, learning_rate=0.3) for name in ("constant", "cosine", "one-cycle"))
    ours = Rules(recipes, 100).learning_rates(jnp.asarray(step))
    expected = [float(FittedSchedule(recipe.schedule, 0.3, 100)(step)) for recipe in recipes]
    np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-9)


def test_recipes_of_different_batch_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"same batch size.*\[16, 32\]"):
        training_of(NETWORKS[:2], (RECIPES[0], replace(RECIPES[1], batch_size=32)), X, 1)


def test_an_optimizer_without_a_formula_is_refused() -> None:
    """Its weights would stay as they are, and no number would say so."""
    with pytest.raises(ValueError, match=r"adamw.* Received: \['lion'\]"):
        Rules((Recipe(), Recipe(optimizer="lion")), 10)  # type: ignore[arg-type]


def test_every_optimizer_with_a_formula_moves_the_weights() -> None:
    for name in OPTIMIZERS:
        rules, weights = Rules((Recipe(optimizer=name),), 10), {"slot": {"kernel": jnp.ones((1, 2))}}
        changed, _ = rules.update(weights, weights, rules.initial_moments(weights), jnp.asarray(0))
        assert float(changed["slot"]["kernel"].max()) < 1.0, name


def test_classes_have_their_weights_in_the_loss() -> None:
    training = replace(training_of(NETWORKS[:1], RECIPES[:1], X, 1), class_weights=(2.0,) + (0.5,) * 9)
    logits, labels = jnp.zeros((1, 2, 10)), jnp.asarray([0, 3])
    np.testing.assert_allclose(training._losses(logits, labels), [1.25 * np.log(10.0)], rtol=1e-6)
