"""The hyperparameters of a HyperModel, found by building it with many values. Imports Keras.

A HyperModel has no list of its hyperparameters: each build declares those that it uses. So it is built with its
defaults; with the first, second, … value of all hyperparameters at once; with each value alone; and with random ones,
to find names that only a combination declares. The number of builds depends on the space alone, never on the clock: a
space has the same hyperparameters on every machine.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import keras
import keras_tuner
import numpy as np

from tuner.core.records import Value

# Keras Tuner has no types: its hyperparameters are `Any` here.

MOST_BUILDS, LEAST_BUILDS = 300, 30
LAYERS_BUILT = 1500
"""The approximate number of layers in all builds together: a deep network is built less often."""
MOST_SINGLE = 120
"""Builds that change one value each."""
RANDOM = 40
"""Builds with random values since the last new name."""
_MOST_LISTED = 12
"""The longest range of whole numbers of which each is tried: they are often the length of a loop."""
_SEED = 20

Build: TypeAlias = Callable[[Any], Any]


@dataclass(frozen=True)
class Discovered:
    """The discovered hyperparameters, and the errors of builds."""

    declared: Any
    """A `keras_tuner.HyperParameters` with every hyperparameter once, in the order of discovery."""
    untried: int
    """The number of values that were not tried alone, because there are too many."""
    failures: tuple[str, ...]
    """Messages that builds raised, each once."""


def discover(build: Build) -> Discovered:
    """Find the hyperparameters that a function declares.

    Args:
        build: called with a `keras_tuner.HyperParameters`; returns a model. Its first call, with the defaults, must succeed.

    Raises:
        Exception: whatever the first call raises.
    """
    hp = keras_tuner.HyperParameters()
    layers = len(build(hp).layers)
    search = _Search(build, hp, max(LEAST_BUILDS, min(MOST_BUILDS, LAYERS_BUILT // (layers + 1))))
    search.run()
    # Keep the declarations alone, not the values of the last build.
    hp.values = defaults(hp)
    return Discovered(hp, search.untried, tuple(search.failures))


def merge(hp: Any, other: Any) -> bool:
    """Add the hyperparameters of `other` that are new, each once; return whether there were any."""
    before = len(hp.space)
    hp.merge(other, overwrite=False)
    return len(hp.space) > before


def defaults(hp: Any) -> dict[str, Value]:
    """Return name → default of each hyperparameter."""
    return {hyperparameter.name: hyperparameter.default for hyperparameter in hp.space}


def is_active(hyperparameter: Any, values: dict[str, Value]) -> bool:
    """Return whether the conditions of a hyperparameter hold."""
    return all(condition.is_active(values) for condition in hyperparameter.conditions)


def random_values(hp: Any, rng: np.random.Generator) -> dict[str, Value]:
    """Sample a value of each active hyperparameter."""
    values: dict[str, Value] = {}
    for hyperparameter in hp.space:
        # One number for each, active or not, so that a sample doesn't shift those after it.
        probability = rng.random()
        if is_active(hyperparameter, values):
            values[hyperparameter.name] = hyperparameter.prob_to_value(probability)
    return values


def extreme_values(hp: Any, *, largest: bool) -> dict[str, Value]:
    """Return the smallest or the largest value of each number; choices keep their defaults."""
    values = defaults(hp)
    for hyperparameter in hp.space:
        low, high = getattr(hyperparameter, "min_value", None), getattr(hyperparameter, "max_value", None)
        if low is not None and high is not None:
            values[hyperparameter.name] = tried_values(hyperparameter)[-1 if largest else 0]
    return values


def tried_values(hyperparameter: Any) -> Sequence[Value]:
    """Return the values of a hyperparameter that discovery tries: all of a choice, those of a short range of whole numbers, else both ends."""
    kinds = keras_tuner.engine.hyperparameters
    if isinstance(hyperparameter, kinds.Fixed):
        return ()
    if isinstance(hyperparameter, (kinds.Choice, kinds.Boolean)):
        return tuple(hyperparameter.values)
    ends = (hyperparameter.prob_to_value(0.0), hyperparameter.prob_to_value(1.0 - 1e-9))
    if isinstance(hyperparameter, kinds.Int) and hyperparameter.sampling != "log":
        listed = tuple(range(hyperparameter.min_value, hyperparameter.max_value + 1, hyperparameter.step or 1))
        return listed if len(listed) <= _MOST_LISTED else (listed[0], listed[-1])
    return ends


class _Search:
    """The builds, until no new hyperparameter is declared."""

    def __init__(self, build: Build, hp: Any, most_builds: int) -> None:
        self._build = build
        self._hp = hp
        self._most_builds = most_builds
        self._most_single = min(MOST_SINGLE, most_builds // 2)
        self._tried: set[tuple[str, Value]] = set()
        self._diagonals: set[tuple[int, int]] = set()
        self._builds = 0
        self.failures: dict[str, None] = {}
        self.untried = 0

    def run(self) -> None:
        rng = np.random.default_rng(_SEED)
        while self._diagonal_round() or self._single_round() or self._random_round(rng):
            pass
        self.untried = sum(1 for _ in self._untried_pairs())

    def _diagonal_round(self) -> bool:
        """Try the n-th value of all at once, for each n; return whether a new hyperparameter was declared."""
        longest = max((len(tried_values(hyperparameter)) for hyperparameter in self._hp.space), default=0)
        size = len(self._hp.space)
        new = False
        for place in range(longest):
            if (size, place) not in self._diagonals:
                self._diagonals.add((size, place))
                choices = {hyperparameter.name: tried_values(hyperparameter) for hyperparameter in self._hp.space}
                new |= self._try({name: values[place % len(values)] for name, values in choices.items() if values})
        return new

    def _single_round(self) -> bool:
        for hyperparameter, value in self._untried_pairs():
            if len(self._tried) >= self._most_single:
                return False
            self._tried.add((hyperparameter.name, value))
            if self._try(_demanded(self._hp, hyperparameter, value)):
                return True
        return False

    def _untried_pairs(self) -> Iterator[tuple[Any, Value]]:
        """Yield the values that were not tried alone: the first values of all, then the second ones, and so on."""
        values = [(hyperparameter, tried_values(hyperparameter)) for hyperparameter in self._hp.space]
        for place in range(max((len(some) for _, some in values), default=0)):
            for hyperparameter, some in values:
                if place < len(some) and (hyperparameter.name, some[place]) not in self._tried:
                    yield hyperparameter, some[place]

    def _random_round(self, rng: np.random.Generator) -> bool:
        return any(self._try(random_values(self._hp, rng)) for _ in range(RANDOM))

    def _try(self, values: dict[str, Value]) -> bool:
        """Build with values, the defaults for the rest; return whether a new hyperparameter was declared."""
        if self._builds >= self._most_builds:
            return False
        self._builds += 1
        hp = keras_tuner.HyperParameters()
        hp.values = {**defaults(self._hp), **values}
        try:
            self._build_quickly(hp)
        except Exception as error:  # a combination that makes no network: the others are still tried
            self.failures.setdefault(f"{type(error).__name__}: {error}")
        return merge(self._hp, hp)

    def _build_quickly(self, hp: Any) -> None:
        # A user's `build` may use the model, which was not built.
        with _no_rebuilding(), contextlib.suppress(Exception):
            self._build(hp)
            return
        self._build(hp)


@contextlib.contextmanager
def _no_rebuilding() -> Iterator[None]:
    """Keep `Sequential.add` from rebuilding all layers for each added one: these models are never called."""
    rebuild = keras.Sequential._maybe_rebuild
    keras.Sequential._maybe_rebuild = lambda self: None
    try:
        yield
    finally:
        keras.Sequential._maybe_rebuild = rebuild


def _demanded(hp: Any, hyperparameter: Any, value: Value) -> dict[str, Value]:
    """Return a value, and the values of its parents that make it active."""
    wanted = {condition.name: condition.values[0] for condition in hyperparameter.conditions}
    parents = {other.name: other for other in hp.space}
    for name, needed in tuple(wanted.items()):
        if name in parents:
            wanted |= _demanded(hp, parents[name], needed)
    return {**wanted, hyperparameter.name: value}
