"""The hyperparameters of a HyperModel are found, each once, whatever brings them about."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from tuner.spaces.discovery import LEAST_BUILDS, MOST_BUILDS, discover, extreme_values, random_values, tried_values


def model() -> Any:
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])


def by(ask: Callable[[Any], object]) -> Callable[[Any], Any]:
    def build(hp: Any) -> Any:
        ask(hp)
        return model()

    return build


def names(ask: Callable[[Any], object]) -> list[str]:
    return [own.name for own in discover(by(ask)).declared.space]


def loop(hp: Any) -> None:
    for i in range(hp.Int("layers", 1, 4)):
        hp.Int(f"units_{i}", 8, 64, step=8)


def long_loop(hp: Any) -> None:
    for i in range(hp.Int("layers", 1, 30)):
        hp.Boolean(f"skip_{i}")


def combination(hp: Any) -> None:
    first, second = hp.Boolean("first"), hp.Choice("second", ["a", "b", "c"])
    if first and second == "c" and hp.Float("third", 0.0, 1.0) > 0.5:
        hp.Choice("hidden", [1, 2])


def chain(hp: Any) -> None:
    if hp.Choice("a", ["x", "y"]) == "y" and hp.Choice("b", ["x", "y"]) == "y":
        hp.Choice("c", ["x", "y"])


def scopes(hp: Any) -> None:
    hp.Choice("kind", ["plain", "deep"])
    with hp.conditional_scope("kind", ["deep"]):
        depth = hp.Int("depth", 1, 2)
        if depth is not None and hp.values.get("kind") == "deep" and depth == 2:
            hp.Float("rate", 0.1, 0.5)


def fails_for_some(hp: Any) -> None:
    if hp.Choice("pooling", [1, 2, 3]) == 3:
        raise ValueError("negative size")
    hp.Boolean("after")


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (lambda hp: None, []),
        (lambda hp: [hp.Choice(name, ["p", "q", "r"]) for name in "abcde"], list("abcde")),
        (lambda hp: [hp.Boolean("same"), hp.Boolean("same")], ["same"]),
        (lambda hp: hp.Fixed("note", "as is"), ["note"]),
        (loop, ["layers", "units_0", "units_1", "units_2", "units_3"]),
        (long_loop, ["layers", *(f"skip_{i}" for i in range(30))]),
        (combination, ["first", "second", "third", "hidden"]),
        (chain, ["a", "b", "c"]),
        (scopes, ["kind", "depth", "rate"]),
        (fails_for_some, ["pooling", "after"]),
    ],
)
def test_each_is_found_once_in_the_order_in_which_it_comes_up(
    ask: Callable[[Any], object], expected: list[str]
) -> None:
    found = names(ask)
    assert sorted(found) == sorted(expected)
    assert len(found) == len(set(found))
    # A parent stands before what it brings about.
    assert found[:1] == expected[:1]


def test_builds_that_fail_are_told_and_pass_over_nothing_else() -> None:
    assert discover(by(fails_for_some)).failures == ("ValueError: negative size",)


def test_the_first_build_has_to_succeed() -> None:
    def build(hp: Any) -> Any:
        raise RuntimeError("no good")

    with pytest.raises(RuntimeError, match="no good"):
        discover(build)


def fifty(hp: Any) -> None:
    for i in range(50):
        hp.Choice(f"c{i}", list(range(10)))


def test_fifty_hyperparameters_of_ten_values_take_seconds_and_what_was_not_tried_is_told() -> None:
    began = time.process_time()
    found = discover(by(fifty))
    assert time.process_time() - began < 10
    assert [own.name for own in found.declared.space] == [f"c{i}" for i in range(50)]
    assert found.untried > 0


def test_a_deep_network_is_built_less_often_and_sequential_ones_without_rebuilding() -> None:
    builds = 0

    def build(hp: Any) -> Any:
        nonlocal builds
        builds += 1
        deep = keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten()])
        for i in range(50):
            deep.add(keras.layers.Dense(hp.Choice(f"units_{i}", list(range(2, 12)))))
        return deep

    began = time.process_time()
    assert len(discover(build).declared.space) == 50
    assert time.process_time() - began < 15
    assert LEAST_BUILDS <= builds <= MOST_BUILDS


def test_the_same_space_is_found_by_the_same_builds() -> None:
    def asked() -> list[dict[str, Any]]:
        seen: list[dict[str, Any]] = []

        def ask(hp: Any) -> None:
            combination(hp)
            seen.append(dict(hp.values))

        discover(by(ask))
        return seen

    assert asked() == asked()


def test_values_are_those_of_the_range() -> None:
    def ask(hp: Any) -> None:
        hp.Int("short", 1, 3)
        hp.Int("long", 8, 512, step=8)
        hp.Float("rate", 1e-4, 1e-1, sampling="log")
        hp.Int("doubled", 4, 64, sampling="log", step=2)
        hp.Boolean("yes")
        hp.Fixed("note", 3)

    declared = discover(by(ask)).declared
    values = {own.name: list(tried_values(own)) for own in declared.space}
    assert values["short"] == [1, 2, 3]
    assert values["long"] == [8, 512]
    assert values["doubled"] == [4, 64]
    assert values["rate"] == pytest.approx([1e-4, 1e-1])
    assert sorted(values["yes"]) == [False, True]
    assert values["note"] == []
    assert extreme_values(declared, largest=True)["long"] == 512
    assert extreme_values(declared, largest=False)["doubled"] == 4
    sampled = random_values(declared, np.random.default_rng(1))
    assert sampled == random_values(declared, np.random.default_rng(1))
    assert sampled["long"] % 8 == 0
