"""Training: schedules, batches, augmentation, determinism."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from search_spaces.hyperparameters.hyperparameter import Value
from search_spaces.hyperparameters.recipe import Augmentation, Optimizer, Recipe, Schedule
from search_spaces.keras import training
from search_spaces.keras.augmentation import augment, jitter, sample_jitter, sample_transforms, transform
from search_spaces.keras.model import build_model
from search_spaces.keras.training import (
    OPTIMIZERS,
    EpochBatches,
    FittedSchedule,
    SmoothedCrossEntropy,
    fit_model,
    last_learning_rate,
    make_optimizer,
    pixel_moments,
)
from search_spaces.networks.notation import parse
from search_spaces.spaces import Cnn3, Compact8k

# Of Keras 3.15 with NumPy 2: copying a variable out.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

SCHEDULES: tuple[Schedule, ...] = ("constant", "cosine", "one-cycle")
NETWORK = "C4 P C4 GAP 1x1:10"


def data(count: int = 100, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, 28, 28)).astype(np.uint8), rng.integers(0, 10, count)


def numbered(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Images whose first pixel is their number, with the number as label."""
    x = np.zeros((count, 28, 28), np.uint8)
    x[:, 0, 0] = np.arange(count)
    return x, np.arange(count)


# Schedules


def formula(schedule: Schedule, step: int, total_steps: int) -> float:
    """The share of the peak before a step, written down a second time: without tensors, branch by branch."""
    place = min(step / max(total_steps, 1), 1.0)
    if schedule == "constant":
        return 1.0
    if schedule == "cosine":
        return (1.0 + math.cos(math.pi * place)) / 2.0
    if place < 0.3:
        return (1.0 + 24.0 * place / 0.3) / 25.0
    return 1e-4 + (1.0 - 1e-4) * (1.0 + math.cos(math.pi * (place - 0.3) / 0.7)) / 2.0


def schedule_factor(schedule: Schedule, step: int, total_steps: int) -> float:
    """The share of the peak that training uses before a step."""
    return float(FittedSchedule(schedule, 1.0, total_steps)(step))


@pytest.mark.parametrize("total", [1, 2, 10, 1000])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_keras_schedule_is_the_formula(schedule: Schedule, total: int) -> None:
    fitted = FittedSchedule(schedule, 0.2, total)
    for step in {0, 1, total // 3, total // 2, total - 1, total, total + 5}:
        expected = 0.2 * formula(schedule, step, total)
        assert float(fitted(step)) == pytest.approx(expected, rel=1e-4, abs=1e-7)


@pytest.mark.parametrize(
    ("schedule", "first", "last"), [("constant", 1.0, 1.0), ("cosine", 1.0, 0.0), ("one-cycle", 1 / 25, 1e-4)]
)
def test_ends_of_schedules(schedule: Schedule, first: float, last: float) -> None:
    assert schedule_factor(schedule, 0, 500) == pytest.approx(first)
    assert schedule_factor(schedule, 500, 500) == pytest.approx(last)


def test_one_cycle_climbs_for_three_tenths() -> None:
    factors = [schedule_factor("one-cycle", step, 100) for step in range(101)]
    assert factors[30] == pytest.approx(1.0)
    assert all(a < b for a, b in pairwise(factors[:31]))
    assert all(a > b for a, b in pairwise(factors[30:]))


def test_a_short_schedule_is_a_small_copy_of_a_long_one() -> None:
    for schedule in SCHEDULES:
        short = [schedule_factor(schedule, step, 20) for step in range(20)]
        assert short == pytest.approx([schedule_factor(schedule, 5 * step, 100) for step in range(20)])


@pytest.mark.parametrize("name", ["nadam", "", "AdamW", "sgd\n"])
def test_an_optimizer_that_is_unknown_is_refused(name: Any) -> None:
    with pytest.raises(ValueError, match=rf"^Unknown optimizer\. Expected {', '.join(OPTIMIZERS)}\. Received: '.*'$"):
        make_optimizer(Recipe(optimizer=name))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimizers(optimizer: Optimizer) -> None:
    made = make_optimizer(Recipe(optimizer=optimizer, learning_rate=0.05, weight_decay=0.01), 10)
    assert float(made.learning_rate) == pytest.approx(0.05 / 25)
    assert float(make_optimizer(Recipe(optimizer=optimizer, learning_rate=0.05)).learning_rate) == pytest.approx(0.05)
    assert (getattr(made, "momentum", 0.0), getattr(made, "nesterov", False)) == (
        (0.9, True) if optimizer == "momentum" else (0.0, False)
    )


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, Recipe(augmentation=Augmentation(10, 0.05, 0.0))),
        ({"optimizer": "sgd", "augmentation": "none"}, Recipe(optimizer="sgd", learning_rate=0.2)),
        ({"optimizer": "adam", "augmentation": "none"}, Recipe(optimizer="adam", learning_rate=4e-3)),
        (
            {"optimizer": "adamw", "augmentation": "none", "weight_decay": 0.1, "label_smoothing": 0.05},
            Recipe(optimizer="adamw", learning_rate=4e-3, weight_decay=0.1, label_smoothing=0.05),
        ),
    ],
)
def test_recipe_of_a_configuration(values: dict[str, Value], expected: Recipe) -> None:
    assert Recipe.from_values(Compact8k().active(values)) == expected


# Loss


def test_smoothed_loss_is_keras_own_of_one_hot_labels() -> None:
    labels = np.array([1, 0, 2])
    probabilities = np.array([[0.2, 0.7, 0.1], [0.5, 0.3, 0.2], [0.3, 0.3, 0.4]], np.float32)
    own = float(SmoothedCrossEntropy(0.1)(labels, probabilities))
    kerass = float(keras.losses.CategoricalCrossentropy(label_smoothing=0.1)(np.eye(3)[labels], probabilities))
    assert own == pytest.approx(kerass, rel=1e-6)


def test_a_compiled_model_survives_saving(tmp_path: Path) -> None:
    model = build_model(parse(NETWORK), l2=1e-4)
    x, y = data(16)
    fit_model(model, Recipe(label_smoothing=0.1, batch_size=8), x, y, seed=1, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.evaluate(x, y, verbose=0) == pytest.approx(model.evaluate(x, y, verbose=0))


# Batches


def test_batches_have_one_size_and_each_image_once() -> None:
    x, y = numbered(103)
    batches = EpochBatches(x, y, 10, Augmentation(), seed=1)
    assert len(batches) == 10
    seen = [label for images, labels in batches for label in labels]
    assert len(set(seen)) == 100
    for images, labels in batches:
        assert images.shape == (10, 28, 28)
        assert images.dtype == np.uint8
        assert images[:, 0, 0].tolist() == labels.tolist()


def test_what_is_left_of_an_epoch_changes() -> None:
    x, y = numbered(13)
    batches = EpochBatches(x, y, 6, Augmentation(), seed=1)
    orders = []
    for _ in range(6):
        orders.append([label for _, labels in batches for label in labels])
        batches.on_epoch_end()
    assert len({tuple(order) for order in orders}) == 6
    assert set().union(*orders) == set(range(13))


def test_a_batch_larger_than_the_data_is_the_data() -> None:
    x, y = numbered(5)
    batches = EpochBatches(x, y, 512, Augmentation(), seed=1)
    assert len(batches) == 1
    assert sorted(batches[0][1]) == list(range(5))


def test_batches_depend_on_seed_and_epoch_alone() -> None:
    x, y = data(5000)
    strengths = Augmentation(10, 0.1, 0.1)
    first, second = (EpochBatches(x, y, 64, strengths, seed=3) for _ in range(2))
    # Asked for in another order.
    backwards = {index: second[index] for index in reversed(range(len(second)))}
    assert all((first[index][0] == backwards[index][0]).all() for index in range(len(first)))
    other = EpochBatches(x, y, 64, strengths, seed=4)
    assert any((first[index][1] != other[index][1]).any() for index in range(3))


def test_a_read_only_memory_map_is_enough(tmp_path: Path) -> None:
    x, y = data(60)
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    same = EpochBatches(mapped, y, 20, Augmentation(5), 1)[1][0] == EpochBatches(x, y, 20, Augmentation(5), 1)[1][0]
    assert same.all()


# Augmentation


def test_zero_strengths_are_the_identity() -> None:
    x, _ = data(20)
    rng = np.random.default_rng(1)
    assert augment(x, Augmentation(), rng) is x
    assert (transform(x, sample_transforms(20, (28, 28), Augmentation(), rng)) == x).all()


def test_no_images_are_no_trouble() -> None:
    assert augment(np.zeros((0, 28, 28), np.uint8), Augmentation(5), np.random.default_rng(1)).shape == (0, 28, 28)


def test_augmentation_keeps_shape_and_type_and_the_original() -> None:
    x, _ = data(50)
    before = x.copy()
    changed = augment(x, Augmentation(15, 0.1, 0.15), np.random.default_rng(1))
    assert changed.shape == x.shape
    assert changed.dtype == np.uint8
    assert (x == before).all()
    assert all((a != b).any() for a, b in zip(changed, x, strict=True))


def test_the_same_generator_gives_the_same_images() -> None:
    x, _ = data(30)
    one, two = (augment(x, Augmentation(15, 0.1, 0.15), np.random.default_rng(7)) for _ in range(2))
    assert (one == two).all()


@pytest.mark.parametrize(("dx", "dy"), [(3, 0), (0, 2), (-4, 1)])
def test_a_shift_goes_to_the_right_and_down(dx: int, dy: int) -> None:
    x = np.zeros((1, 28, 28), np.uint8)
    x[0, 10, 12] = 200
    moved = transform(x, np.array([[1, 0, -dx, 0, 1, -dy, 0, 0]], np.float32))
    assert moved[0, 10 + dy, 12 + dx] == 200
    assert moved.sum() == 200


@pytest.mark.parametrize("strengths", [Augmentation(rotation=15), Augmentation(shift=0.1), Augmentation(scale=0.15)])
def test_strengths_bound_what_happens(strengths: Augmentation) -> None:
    drawn = sample_transforms(4000, (28, 28), strengths, np.random.default_rng(1)).astype(np.float64)
    a, b, d, e = drawn[:, 0], drawn[:, 1], drawn[:, 3], drawn[:, 4]
    np.testing.assert_allclose([a, b], [e, -d])
    angles = np.degrees(np.arctan2(d, a))
    factors = 1 / np.hypot(a, d)
    # Where the image's middle is taken from.
    offsets = np.stack([drawn[:, 2] + 13.5 * (a + b - 1), drawn[:, 5] + 13.5 * (d + e - 1)])
    for values, most in ((angles, strengths.rotation), (factors - 1, strengths.scale), (offsets, 28 * strengths.shift)):
        assert np.abs(values).max() <= most + 1e-4
        assert np.abs(values).max() >= 0.98 * most
        assert abs(values.mean()) <= 0.05 * most + 1e-4


def test_a_rotation_keeps_the_middle_and_the_mean() -> None:
    x = np.zeros((200, 28, 28), np.uint8)
    x[:, 10:18, 10:18] = 255
    turned = augment(x, Augmentation(rotation=15), np.random.default_rng(1))
    assert (turned[:, 13:15, 13:15] == 255).all()
    assert turned.mean() == pytest.approx(x.mean(), rel=0.01)


# Jitter


def test_jitter_by_hand() -> None:
    x = np.zeros((1, 28, 28), np.uint8)
    x[0, :, :14] = 200
    factors = [np.array([factor], np.float32) for factor in (0.5, 0.8)]
    # Dimmed to 100 and 0, mean 50; then each 80% as far from it.
    jittered = jitter(x, *factors)
    assert set(jittered[0, :, :14].flat) == {90}
    assert set(jittered[0, :, 14:].flat) == {10}
    assert jittered.dtype == np.uint8


@pytest.mark.parametrize(("brightness", "contrast"), [(2.0, 1.0), (1.0, 3.0)])
def test_jitter_stays_within_bytes(brightness: float, contrast: float) -> None:
    x, _ = data(10)
    jittered = jitter(x, np.full(10, brightness, np.float32), np.full(10, contrast, np.float32))
    assert jittered.max() == 255
    assert (jittered[x == 0] == 0).all()


@pytest.mark.parametrize("strengths", [Augmentation(brightness=0.3), Augmentation(contrast=0.3)])
def test_strengths_bound_the_jitter(strengths: Augmentation) -> None:
    drawn = sample_jitter(4000, strengths, np.random.default_rng(1))
    for factors, most in zip(drawn, (strengths.brightness, strengths.contrast), strict=True):
        assert np.abs(factors - 1).max() <= most + 1e-6
        assert np.abs(factors - 1).max() >= 0.98 * most
        assert abs(factors.mean() - 1) <= 0.05 * most + 1e-6


def test_jitter_leaves_the_stream_of_transforms_as_it_was() -> None:
    x, _ = data(30)
    rng, moving, both = (np.random.default_rng(7) for _ in range(3))
    moved = augment(x, Augmentation(15, 0.1, 0.15), moving)
    strengths = Augmentation(15, 0.1, 0.15, 0.2, 0.2)
    transforms = sample_transforms(30, (28, 28), strengths, rng)
    assert (augment(x, strengths, both) == jitter(moved, *sample_jitter(30, strengths, rng))).all()
    assert (moved == transform(x, transforms)).all()
    assert moving.random() != both.random()


def test_jitter_alone_moves_nothing_and_keeps_the_original() -> None:
    x, _ = data(20)
    x[:, 5:9] = 0
    before = x.copy()
    jittered = augment(x, Augmentation(brightness=0.4), np.random.default_rng(1))
    assert (x == before).all()
    assert (jittered[:, 5:9] == 0).all()
    assert (jittered != x).any()


@pytest.mark.parametrize(
    "strengths", [{"rotation": -1.0}, {"scale": 1.0}, {"brightness": 1.1}, {"contrast": float("nan")}, {"shift": 2.0}]
)
def test_strengths_that_make_no_sense(strengths: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Received"):
        Augmentation(**strengths)


@pytest.mark.parametrize(
    "changes", [{"batch_size": 0}, {"learning_rate": -1.0}, {"label_smoothing": 1.5}, {"l2": float("nan")}]
)
def test_recipes_that_make_no_sense(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(changes))} must be"):
        Recipe(**changes)


# Normalisation


def outputs(model: Any, layer: str, x: np.ndarray) -> np.ndarray:
    inner = keras.Model(model.inputs[0], model.get_layer(layer).output)
    return np.asarray(keras.ops.convert_to_numpy(inner(x, training=False)))


def test_moments_of_pixels() -> None:
    x, _ = data(5000)
    x = (x // 2).astype(np.uint8)
    mean, variance = pixel_moments(x)
    assert mean == pytest.approx(float((x / 255).mean()))
    assert variance == pytest.approx(float((x / 255).var()))


def test_fixed_normalisation_is_in_the_model() -> None:
    x, _ = data(4)
    model = build_model(parse("norm(.5,.25) C4 GAP D10(bias)"))
    assert outputs(model, "scaling_1", x) == pytest.approx(((x / 255) - 0.5)[..., None] / 0.25, abs=1e-5)


def test_fit_normalises_by_the_training_images_and_the_model_keeps_it(tmp_path: Path) -> None:
    x, y = data(60)
    x = (x // 3 + 40).astype(np.uint8)
    model = build_model(parse("norm C4 GAP D10(bias)"))
    assert outputs(model, "scaling_1", x) == pytest.approx((x / 255)[..., None], abs=1e-6)
    fit_model(model, Recipe(batch_size=20), x, y, 2, seed=1, verbose=0)
    normalised = outputs(model, "scaling_1", x)
    assert float(normalised.mean()) == pytest.approx(0.0, abs=1e-4)
    assert float(normalised.std()) == pytest.approx(1.0, abs=1e-4)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert outputs(loaded, "scaling_1", x) == pytest.approx(normalised)
    assert model.predict(x, verbose=0) == pytest.approx(loaded.predict(x, verbose=0), abs=1e-6)


@pytest.mark.parametrize("network", ["norm C4 GAP D10(bias)", "norm(.5,.5) C4 GAP D10(bias)"])
@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="a SavedModel needs TensorFlow")
def test_normalisation_is_exported(network: str, tmp_path: Path) -> None:
    import tensorflow as tf

    x, y = data(40)
    x = (x // 3 + 40).astype(np.uint8)
    model = build_model(parse(network))
    fit_model(model, Recipe(batch_size=20), x, y, 1, seed=1, verbose=0)
    model.export(str(tmp_path / "exported"), format="tf_saved_model", verbose=False)
    # Held, since its functions don't hold their variables.
    exported = tf.saved_model.load(str(tmp_path / "exported"))
    assert np.asarray(exported.serve(x)) == pytest.approx(np.asarray(model(x, training=False)), abs=1e-5)


@pytest.mark.slow
def test_training_is_the_same_again_with_everything_that_cnn3_has() -> None:
    space = Cnn3()
    values: dict[str, Value] = {"normalisation": "data", "batch_size": 32, "units_1": 16}

    def once() -> dict[str, list[float]]:
        keras.utils.set_random_seed(3)
        model = space.build_values(values)
        return dict(space.fit_values(values, model, *data(96), 1, seed=3, verbose=0).history)

    assert once() == once()


# Fit


def history(values: dict[str, Value], seed: int = 1, count: int = 100, epochs: int = 2) -> dict[str, list[float]]:
    space = Compact8k()
    keras.utils.set_random_seed(seed)
    model = space.build_values(values)
    x, y = data(count)
    fitted = space.fit_values(values, model, x, y, epochs, seed=seed, validation_data=data(40, 2), verbose=0)
    return dict(fitted.history)


SMALL: dict[str, Value] = {"network": NETWORK, "batch_size": 32, "dropout": 0.1, "label_smoothing": 0.1, "l2": 1e-4}


def test_the_same_seed_gives_the_same_history_whatever_ran_before() -> None:
    first = history(SMALL)
    history({**SMALL, "optimizer": "adam", "batch_size": 64}, seed=9)
    assert history(SMALL) == first
    assert history(SMALL, seed=2) != first


def test_metrics_of_a_history() -> None:
    recorded = history({**SMALL, "augmentation": "none"})
    assert {"loss", "accuracy", "cross_entropy"} <= set(recorded)
    assert {"val_loss", "val_accuracy", "val_cross_entropy"} <= set(recorded)
    assert all(len(series) == 2 for series in recorded.values())
    # With smoothing and a penalty.
    assert recorded["val_loss"][0] != pytest.approx(recorded["val_cross_entropy"][0], abs=1e-5)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_schedule_is_fitted_to_the_trial(schedule: Schedule) -> None:
    model = build_model(parse(NETWORK))
    x, y = data(100)
    recipe = Recipe(schedule=schedule, batch_size=10, learning_rate=0.02)
    fit_model(model, recipe, x, y, 3, seed=1, verbose=0)
    assert int(model.optimizer.iterations) == 30
    assert last_learning_rate(model) == pytest.approx(0.02 * schedule_factor(schedule, 29, 30), rel=1e-3)


def test_steps_that_are_no_multiple_of_an_execution_are_all_done() -> None:
    model = build_model(parse(NETWORK))
    x, y = data(230)
    fit_model(model, Recipe(batch_size=10), x, y, 2, seed=1, verbose=0)
    assert int(model.optimizer.iterations) == 46


def test_each_image_is_augmented_once_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    augmented = []

    def counted(images: np.ndarray, strengths: Augmentation, rng: np.random.Generator) -> np.ndarray:
        augmented.append(len(images))
        return images

    monkeypatch.setattr(training, "augment", counted)
    x, y = data(3200)
    fit_model(build_model(parse("P4 C4 GAP 1x1:10")), Recipe(batch_size=64), x, y, epochs=2, verbose=0)
    # Keras looks at the first batch once more before it begins.
    assert 2 * 3200 <= sum(augmented) <= 2 * 3200 + 2048


def test_callbacks_see_every_epoch_and_may_stop() -> None:
    model = build_model(parse(NETWORK))
    x, y = data(40)
    stop = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: setattr(model, "stop_training", True))
    fitted = fit_model(model, Recipe(), x, y, 5, seed=1, callbacks=[stop], verbose=0)
    assert fitted.epoch == [0]


def test_validation_split_and_batch_size_of_keras_are_understood() -> None:
    model = build_model(parse(NETWORK))
    x, y = data(100)
    fitted = fit_model(model, Recipe(), x, y, validation_split=0.2, batch_size=20, verbose=0)
    assert int(model.optimizer.iterations) == 4
    assert "val_accuracy" in fitted.history


def test_a_default_seed_follows_keras() -> None:
    def losses(seed: int) -> Any:
        keras.utils.set_random_seed(seed)
        model = build_model(parse(NETWORK))
        return fit_model(model, Recipe(batch_size=20), *data(60), verbose=0).history["loss"]

    assert losses(1) == losses(1)
    assert losses(1) != losses(2)


def test_no_images_are_an_error() -> None:
    model = build_model(parse(NETWORK))
    with pytest.raises(ValueError, match="at least one training image"):
        fit_model(model, Recipe(), *data(0))


def test_it_learns() -> None:
    """Bright and dark images, told apart within a second."""
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, 600)
    x = (rng.integers(0, 100, (600, 28, 28)) + 150 * y[:, None, None]).astype(np.uint8)
    keras.utils.set_random_seed(1)
    model = build_model(parse("C4 P C4 GAP 1x1:2"))
    fitted = fit_model(model, Recipe(batch_size=32), x, y, 5, seed=1, verbose=0)
    assert fitted.history["accuracy"][-1] > 0.95


@pytest.mark.parametrize(
    ("epochs", "momentum"),
    [(1, 0.9), (10, 0.95), (50, 0.99)],
    ids=["100 steps: over ten at least", "1,000 steps", "5,000 steps: over a fiftieth"],
)
def test_batch_norm_s_statistics_look_back_further_where_there_are_more_steps(epochs: int, momentum: float) -> None:
    model = build_model(parse("C4 P GAP 1x1:10"))
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    training.set_memory_of_statistics(model, 100 * epochs)
    assert [layer.momentum for layer in norms] == [pytest.approx(momentum)]
    x, y = data(100)
    fit_model(model, Recipe(batch_size=10), x, y, 1, seed=1, verbose=0)
    assert [layer.momentum for layer in norms] == [pytest.approx(0.9)]
