"""What a study varies: presets, values from the command line, and what is refused."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from search_spaces.families.registry import load_family
from tuner.core.errors import UsageError
from tuner.options.study_options import StudyOptions
from tuner.storage.schema.study import StudyPlan
from tuner.study.plan import make_study
from tuner.study.presets import PRESETS, preset_space


def study(name: str, values: str | None = None, space: str | None = None, **changes: Any) -> StudyPlan:
    wanted = space or preset_space(name)
    texts = tuple(values.split(",")) if values is not None else None
    return make_study(StudyOptions(name=name, space=wanted, values=texts, **changes), load_family(wanted))


def labels(made: StudyPlan) -> list[str]:
    return [arm.label for arm in made.arms]


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_of_arms_that_differ_and_has_its_base(name: str) -> None:
    made = study(name)
    assert made.base in labels(made)
    assert len(labels(made)) == len(set(labels(made))) >= 3
    assert made.preset is True
    for first, second in pairwise(made.arms):
        assert (first.configuration, first.epochs) != (second.configuration, second.epochs)
    assert all(arm.parameters > 0 and arm.epochs > 0 for arm in made.arms)


@pytest.mark.parametrize("name", PRESETS)
def test_arms_differ_in_what_is_varied_and_in_what_that_brings_along(name: str) -> None:
    brought = {
        "optimizer": {"learning_rate_sgd", "learning_rate_momentum", "learning_rate_adam", "weight_decay"},
        "augmentation": {"rotation", "shift", "scale"},
        "early_stopping": {"trial.patience", "trial.restore_best"},
    }
    made = study(name)
    first = made.arms[0].configuration
    changed = {
        key for arm in made.arms for key in {*arm.configuration, *first} if arm.configuration.get(key) != first.get(key)
    }
    assert changed <= {made.hyperparameter, *brought.get(name, set())}


@pytest.mark.parametrize(
    ("name", "values", "found"),
    [
        ("dropout", "0,0.1,.3", [0.0, 0.1, 0.3]),
        ("batch_size", "32, 64", [32, 64]),
        ("optimizer", "sgd,Adam", ["sgd", "adam"]),
        ("learning_rate_adam", "1e-3,2e-3", [0.001, 0.002]),
        ("dense_layers", "1,2", [1, 2]),
        ("batch_norm", "true,false", [True, False]),
        ("epochs", "1,3", [1, 3]),
        ("patience", "2,9", [2, 9]),
    ],
)
def test_values_are_read_as_the_hyperparameter_is(name: str, values: str, found: list[Any]) -> None:
    made = study(name, values)
    assert [arm.value for arm in made.arms] == found
    assert [type(arm.value) for arm in made.arms] == [type(value) for value in found]


def test_the_base_is_the_default_value_where_it_is_among_them() -> None:
    assert study("activation", "tanh,relu").base == "relu"
    assert study("activation", "tanh,gelu").base == "tanh"


def test_epochs_are_the_option_s_the_preset_s_or_fifteen() -> None:
    assert {arm.epochs for arm in study("dropout").arms} == {15}
    assert {arm.epochs for arm in study("dropout", epochs=4).arms} == {4}
    assert {arm.epochs for arm in study("early_stopping").arms} == {30}
    assert [arm.epochs for arm in study("epochs").arms] == [1, 2, 5, 10, 20, 40]


def test_the_rest_is_held_at_a_reference() -> None:
    made = study("dropout", "0,0.05", space="compact8k", base="head-7752")
    assert {arm.parameters for arm in made.arms} == {7752}
    assert {arm.configuration["batch_size"] for arm in made.arms} == {128}


def test_what_a_study_of_batches_measures() -> None:
    assert study("batch_size").diagnostics == ("gradient_noise", "step")
    assert study("dropout").diagnostics == ()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": "dropot"}, "Did you mean dropout"),
        ({"name": "units_1"}, "give --values"),
        ({"name": "drpout", "values": "0,1"}, "Did you mean dropout"),
        ({"name": "dropout", "values": "0.1"}, "two different ones or more"),
        ({"name": "dropout", "values": "0.1,0.1"}, "two different ones"),
        ({"name": "dropout", "values": "0,7"}, "Received: 7"),
        ({"name": "dropout", "values": "0,high"}, "Received: high"),
        ({"name": "dropout", "values": "0,nan"}, "Received: nan"),
        ({"name": "optimizer", "values": "sgd,adagrad"}, "sgd, momentum, adam, adamw"),
        ({"name": "batch_size", "values": "32,33.5"}, "Received: 33.5"),
        ({"name": "epochs", "values": "0,3"}, "1 or more"),
        ({"name": "learning_rate_sgd", "values": "0.1,0.2"}, "learning_rate_sgd"),
        ({"name": "dropout", "base": "head-7752"}, "another space"),
        ({"name": "dropout", "base": "head-7753"}, "head-7752"),
        ({"name": "dropout", "seeds": 0}, "--seeds"),
        ({"name": "dropout", "epochs": 0}, "--epochs"),
        ({"name": "dropout", "test": True}, "never evaluates on the test set"),
    ],
)
def test_mistakes_are_told_in_one_line(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        study(**arguments)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_run_that_has_no_winner_is_no_base(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no run\.json"):
        study("dropout", base=str(tmp_path))
