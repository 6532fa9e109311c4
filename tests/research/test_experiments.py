"""Experiments: changes of a training, arms, what is kept and told. What an experiment finds is not tested."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from research import experiments, weight_averages
from research.distillation import TEACHER, softened
from research.experiment_arms import Arm, Kept, Trained, differences, pooled_sd, table
from research.experiments import make_arm
from research.further_augmentation import brighten, cut_out, displace, displacements
from research.training_changes import CHANGES, set_constant
from research.watched_weights import Averages, accuracies
from search_spaces.families.registry import load_family
from search_spaces.keras.model import build_model
from search_spaces.networks.specs import Conv, Dense, GlobalAveragePooling, SeparableConv
from tuner.core.errors import UsageError
from tuner.data.dataset import load_dataset, save_arrays

IMAGES = np.random.default_rng(3).integers(1, 256, (5, 28, 28), dtype=np.uint8)


def test_no_displacement_changes_nothing() -> None:
    assert np.array_equal(displace(IMAGES, np.zeros((5, 2, 28, 28))), IMAGES)


@pytest.mark.parametrize(("axis", "place"), [(0, "rows"), (1, "columns")])
def test_a_displacement_of_one_pixel_takes_the_next_one(axis: int, place: str) -> None:
    shifts = np.zeros((5, 2, 28, 28))
    shifts[:, axis] = 1.0
    moved = displace(IMAGES, shifts)
    expected = np.zeros_like(IMAGES)
    if place == "rows":
        expected[:, :-1] = IMAGES[:, 1:]
    else:
        expected[:, :, :-1] = IMAGES[:, :, 1:]
    assert np.array_equal(moved, expected)


def test_half_a_pixel_is_the_mean_of_two() -> None:
    shifts = np.zeros((5, 2, 28, 28))
    shifts[:, 1] = 0.5
    means = (IMAGES[:, :, :-1].astype(float) + IMAGES[:, :, 1:]) / 2
    assert np.array_equal(displace(IMAGES, shifts)[:, :, :-1], np.rint(means))


def test_what_lies_far_outside_is_black() -> None:
    assert not displace(IMAGES, np.full((5, 2, 28, 28), 100.0)).any()
    assert not displace(IMAGES, np.full((5, 2, 28, 28), -100.0)).any()


def test_displacements_have_their_strength_and_are_smooth() -> None:
    shifts = displacements(64, (28, 28), 1.5, 4.0, np.random.default_rng(1))
    assert shifts.shape == (64, 2, 28, 28)
    assert np.sqrt(np.mean(shifts**2)) == pytest.approx(1.5)
    assert np.abs(np.diff(shifts, axis=-1)).mean() < 0.3 * np.abs(shifts).mean()


def test_a_square_is_cut_out_of_each_image() -> None:
    cut = cut_out(6)(IMAGES, np.random.default_rng(2))
    assert [int(np.count_nonzero(image == 0)) for image in cut] == [36] * 5
    kept = cut != 0
    assert np.array_equal(cut[kept], IMAGES[kept])


def test_brightness_is_one_factor_an_image_cut_off_at_white() -> None:
    changed = brighten(0.3)(np.full((200, 28, 28), 200, dtype=np.uint8), np.random.default_rng(4))
    levels = changed[:, 0, 0]
    assert (changed == levels[:, None, None]).all()
    assert levels.min() >= 140
    assert levels.max() == 255
    assert len(set(levels.tolist())) > 50


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_softened_probabilities_are_those_of_divided_logits(temperature: float) -> None:
    logits = np.array([[2.0, 0.0, -1.0], [0.0, 0.0, 0.0]])
    raised = np.exp(logits)
    given = (raised / raised.sum(axis=1, keepdims=True)).astype(np.float32)
    expected = np.exp(logits / temperature)
    expected /= expected.sum(axis=1, keepdims=True)
    assert softened(given, temperature) == pytest.approx(expected, rel=1e-5)


def test_an_impossible_class_stays_finite() -> None:
    assert np.isfinite(softened(np.array([[1.0, 0.0]], dtype=np.float32), 3.0)).all()


def test_only_a_number_of_training_is_a_constant() -> None:
    with pytest.raises(TypeError):
        set_constant("fit_model", 1.0)


def test_a_change_of_hyperparameters_is_a_complete_configuration() -> None:
    base, arm = (
        make_arm("c12-8172", ""),
        make_arm("c12-8172", "batch_size=32,learning_rate_momentum=0.05"),
    )
    differing = {name for name in arm.configuration if arm.configuration[name] != base.configuration.get(name)}
    assert differing == {"batch_size", "learning_rate_momentum"}
    load_family(experiments.SPACE).complete(dict(arm.configuration), strict=True)


def test_a_space_stands_for_its_defaults_and_a_network_for_itself() -> None:
    base, arm = make_arm("compact8k", ""), make_arm("compact8k", "network=C8s S16s P S32 GAP 1x1:10")
    family = load_family("compact8k")
    assert base.configuration == family.default_configuration()
    assert family.notation(arm.configuration) == "C8s S16s P S32 GAP 1x1:10"
    assert family.recipe(arm.configuration) == family.recipe(base.configuration)
    assert not any(name.startswith("filters_") for name in arm.configuration)


@pytest.mark.parametrize(
    "change",
    [
        "network=C8 X",
        "network=",
        "no-such-change",
        "batch_size",
        "batch_size=33",
        "no_such=1",
        "batch_size=32,",
        "weight_decay=0.01",
    ],
)
def test_what_is_no_change_is_refused_in_one_line(change: str) -> None:
    with pytest.raises(UsageError) as caught:
        make_arm("c12-8172", change)
    assert "\n" not in str(caught.value)


def prepared_by(change: str, monkeypatch: pytest.MonkeyPatch, data: Path) -> Callable[[Any, Any], None]:
    """What a change does to a model before it is fitted."""
    kept: list[Callable[[Any, Any], None]] = []
    monkeypatch.setattr("research.training_changes._before_fit", kept.append)
    CHANGES[change].apply(data)
    return kept[0]


def trained(seed: int, val_accuracy: float) -> Trained:
    return Trained(seed, val_accuracy, 0.1, 0.9, 3.0)


def arm_with(change: str, *accuracies: float) -> Arm:
    return Arm("c12-8172", change, 0, 15, 1 / 3, {}, tuple(trained(seed, own) for seed, own in enumerate(accuracies)))


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    kept = Kept.open(path, {"machine": "any"})
    for seed, accuracy in ((2, 0.992), (1, 0.991)):
        kept.add(make_arm("c12-8172", "ema"), trained(seed, accuracy))
    again = Kept.open(path, {})
    assert again.arms == kept.arms
    assert next(iter(again.arms.values())).scores == {1: 0.991, 2: 0.992}
    assert json.loads(path.read_text(encoding="utf-8"))["machine"] == "any"


def test_an_arm_of_another_configuration_is_not_added_to(tmp_path: Path) -> None:
    kept = Kept.open(tmp_path / "kept.json", {})
    kept.add(arm_with(""), trained(1, 0.99))
    with pytest.raises(UsageError, match="stored with another configuration"):
        experiments.train(make_arm("c12-8172", ""), [1, 2], tmp_path, kept, None)


def test_an_arm_is_told_by_pairs_of_the_same_seeds() -> None:
    base, changed = arm_with("", 0.990, 0.992, 0.991), arm_with("ema", 0.991, 0.9935)
    assert differences(changed, base) == pytest.approx([0.1, 0.15])


def test_noise_is_pooled_over_changes() -> None:
    """By hand: squares .5, 2 and 0 over one, two and no degrees of freedom."""
    sd, freedom = pooled_sd([[1.0, 2.0], [3.0, 4.0, 5.0], [7.0], []])
    assert sd == pytest.approx((2.5 / 3) ** 0.5)
    assert freedom == 3
    assert pooled_sd([[1.0]])[1] == 0


def test_the_table_tells_every_arm(tmp_path: Path) -> None:
    base, changed = arm_with("", 0.990, 0.992), arm_with("ema", 0.991, 0.9935)
    kept = Kept(tmp_path / "kept.json", {}, {own.key: own for own in (base, changed)})
    rows = table(kept).splitlines()[2:]
    assert "| none |" in rows[0]
    assert "| 99.10 |" in rows[0]
    assert CHANGES["ema"].text in rows[1]
    assert "+0.125 [" in rows[1]


def test_every_kernel_of_a_separable_network_is_initialised(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    prepare = prepared_by("orthogonal", monkeypatch, tmp_path)
    model = build_model((Conv(4), SeparableConv(6), GlobalAveragePooling(), Dense(10, activation="linear")))
    before = [weight.numpy() for weight in model.trainable_weights if "kernel" in weight.path]
    prepare(model, {})
    after = [weight.numpy() for weight in model.trainable_weights if "kernel" in weight.path]
    assert len(after) == 4
    assert all(not np.allclose(own, other) for own, other in zip(before, after, strict=True))
    filters = after[1].reshape(9, 4)
    assert filters.T @ filters == pytest.approx(np.eye(4), abs=1e-5)


def test_pixels_are_standardised_by_the_training_images(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    np.save(tmp_path / "x_train.npy", IMAGES)
    prepare = prepared_by("standard-pixels", monkeypatch, tmp_path)
    model = build_model((GlobalAveragePooling(), Dense(10, activation="linear")))
    prepare(model, {})
    seen = model.get_layer("scale")(IMAGES).numpy()
    assert seen.mean() == pytest.approx(0.0, abs=1e-5)
    assert seen.std() == pytest.approx(1.0, abs=1e-5)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data with a teacher's probabilities."""
    data = tmp_path_factory.mktemp("digits") / "data"
    save_arrays(load_dataset("digits", validation=0.2, seed=1, train_samples=400), data)
    labels = np.load(data / "y_train.npy")
    np.save(data / TEACHER, np.eye(10, dtype=np.float32)[(labels + 1) % 10] * 0.9 + 0.01)
    return data


def val_loss_with(change: str, data: Path, folder: Path) -> float:
    kept = Kept.open(folder / "kept.json", {})
    experiments.train(make_arm("c12-8172", change, 400, 2), [5], data, kept, None)
    (arm,) = kept.arms.values()
    return arm.trainings[0].val_loss


@pytest.fixture(scope="module")
def unchanged(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> float:
    return val_loss_with("", digits, tmp_path_factory.mktemp("unchanged"))


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_every_change_trains_and_changes_the_training(
    change: str, digits: Path, unchanged: float, tmp_path: Path
) -> None:
    assert val_loss_with(change, digits, tmp_path) != unchanged


def test_an_average_of_one_step_is_the_last_weights_and_a_longer_one_lies_behind() -> None:
    model = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(1, use_bias=False), keras.layers.BatchNormalization()]
    )
    model.compile(keras.optimizers.SGD(0.1), "mse", metrics=["accuracy"])
    x, y = np.random.default_rng(1).normal(size=(40, 2)), np.zeros(40)
    seen: list[NDArray[np.float32]] = []
    watching = Averages([1 / 20, 0.1])
    note = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(model.get_weights()[0]))
    model.fit(x, y, batch_size=4, epochs=2, callbacks=[watching, note], shuffle=False, verbose=0)
    last, longer = watching.averages.values()
    assert [own.tolist() for own in last] == [own.tolist() for own in model.get_weights()]
    expected = seen[0]
    for weights in seen[1:]:
        expected = 0.5 * expected + 0.5 * weights
    assert longer[0] == pytest.approx(expected, rel=1e-5)
    before = model.get_weights()
    found = accuracies(model, watching.averages, (x, y))
    kinds = ["weights", "statistics", "both"]
    assert [(own["window"], own["of"]) for own in found["averages"]] == [(w, of) for w in (1 / 20, 0.1) for of in kinds]
    assert {own["val_accuracy"] for own in found["averages"][:3]} == {found["last"]}
    assert all((own == old).all() for own, old in zip(model.get_weights(), before, strict=True))


def test_averages_are_told_with_their_difference_by_pairs() -> None:
    trainings = [
        {"last": last, "averages": [{"window": 0.005, "of": "both", "val_accuracy": last + gain}]}
        for last, gain in [(0.99, 0.001), (0.98, 0.003)]
    ]
    last, averaged = weight_averages.table(trainings).splitlines()[2:]
    assert last == "| nothing | | 2 | 98.500 | |"
    assert averaged == "| both | 0.5% | 2 | 98.700 | +0.200 [-1.071, +1.471] |"
