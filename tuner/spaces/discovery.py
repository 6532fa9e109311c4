"""The hyperparameters of a HyperModel, found by building it with many values. Imports Keras.

A HyperModel doesn't say which hyperparameters it has: a build shows those that it asks for. So it is built with its defaults; with the
first, second, … value of all hyperparameters at once; with each value alone; and with random ones, so that names which only a
combination brings about come up too. How many builds there are depends on the space alone, never on the clock: the same space is the
same space on every machine.
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
"""Layers of all builds together, about: a deep network is built less often."""
MOST_SINGLE = 120
"""Builds that change one value each."""
RANDOM = 40
"""Builds with random values since the last new name."""
_MOST_LISTED = 12
"""Whole numbers of a range that are tried one by one, where there are no more of them: they are often the length of a loop."""
_SEED = 20

Build: TypeAlias = Callable[[Any], Any]


@dataclass(frozen=True)
class Discovered:
    """The hyperparameters that were found, and what builds raised."""

    declared: Any
    """A `keras_tuner.HyperParameters` with every hyperparameter once, in the order in which they came up."""
    untried: int
    """Values that were not tried alone, for there are too many."""
    failures: tuple[str, ...]
    """Messages that builds raised, each once."""


def discover(build: Build) -> Discovered:
    """Find the hyperparameters that a function asks for.

    Args:
        build: called with a `keras_tuner.HyperParameters`; returns a model. Its first call, with the defaults, must succeed.

    Raises:
        Exception: whatever the first call raises.
    """
    hp = keras_tuner.HyperParameters()
    layers = len(build(hp).layers)
    search = _Search(build, hp, max(LEAST_BUILDS, min(MOST_BUILDS, LAYERS_BUILT // (layers + 1))))
    search.run()
    # Values belong to a build; what is kept is what can be asked for.
    hp.values = defaults(hp)
    return Discovered(hp, search.untried, tuple(search.failures))


def merge(hp: Any, other: Any) -> bool:
    """Add what other hyperparameters have beyond these, each once; return whether there was anything."""
    before = len(hp.space)
    hp.merge(other, overwrite=False)
    return len(hp.space) > before


def defaults(hp: Any) -> dict[str, Value]:
    """Return the default of each."""
    return {own.name: own.default for own in hp.space}


def is_active(own: Any, values: dict[str, Value]) -> bool:
    """Return whether the conditions of a hyperparameter hold."""
    return all(condition.is_active(values) for condition in own.conditions)


def random_values(hp: Any, rng: np.random.Generator) -> dict[str, Value]:
    """Sample a value of each active hyperparameter."""
    values: dict[str, Value] = {}
    for own in hp.space:
        # One number for each, active or not, so that a sample doesn't shift those after it.
        probability = rng.random()
        if is_active(own, values):
            values[own.name] = own.prob_to_value(probability)
    return values


def extreme_values(hp: Any, *, largest: bool) -> dict[str, Value]:
    """Return the smallest or the largest value of each number; choices keep their defaults."""
    values = defaults(hp)
    for own in hp.space:
        low, high = getattr(own, "min_value", None), getattr(own, "max_value", None)
        if low is not None and high is not None:
            values[own.name] = tried_values(own)[-1 if largest else 0]
    return values


def tried_values(own: Any) -> Sequence[Value]:
    """Return the values of a hyperparameter that discovery tries: all of a choice, those of a short range of whole numbers, else both ends."""
    kinds = keras_tuner.engine.hyperparameters
    if isinstance(own, kinds.Fixed):
        return ()
    if isinstance(own, (kinds.Choice, kinds.Boolean)):
        return tuple(own.values)
    ends = (own.prob_to_value(0.0), own.prob_to_value(1.0 - 1e-9))
    if isinstance(own, kinds.Int) and own.sampling != "log":
        listed = tuple(range(own.min_value, own.max_value + 1, own.step or 1))
        return listed if len(listed) <= _MOST_LISTED else (listed[0], listed[-1])
    return ends


class _Search:
    """Builds until nothing new comes up."""

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
        """Try the n-th value of all at once, for each n; return whether something new came up."""
        longest = max((len(tried_values(own)) for own in self._hp.space), default=0)
        size = len(self._hp.space)
        new = False
        for place in range(longest):
            if (size, place) not in self._diagonals:
                self._diagonals.add((size, place))
                choices = {own.name: tried_values(own) for own in self._hp.space}
                new |= self._try({name: values[place % len(values)] for name, values in choices.items() if values})
        return new

    def _single_round(self) -> bool:
        for own, value in self._untried_pairs():
            if len(self._tried) >= self._most_single:
                return False
            self._tried.add((own.name, value))
            if self._try(_demanded(self._hp, own, value)):
                return True
        return False

    def _untried_pairs(self) -> Iterator[tuple[Any, Value]]:
        """Yield those that were not tried alone: the first values of all, then the second ones, and so on."""
        values = [(own, tried_values(own)) for own in self._hp.space]
        for place in range(max((len(some) for _, some in values), default=0)):
            for own, some in values:
                if place < len(some) and (own.name, some[place]) not in self._tried:
                    yield own, some[place]

    def _random_round(self, rng: np.random.Generator) -> bool:
        return any(self._try(random_values(self._hp, rng)) for _ in range(RANDOM))

    def _try(self, values: dict[str, Value]) -> bool:
        """Build with values, the defaults for the rest; return whether it asked for something new."""
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
        with _no_rebuilding(), contextlib.suppress(Exception):  # it may look at what was not built
            self._build(hp)
            return
        self._build(hp)


@contextlib.contextmanager
def _no_rebuilding() -> Iterator[None]:
    """Keep `Sequential.add` from building all layers again for each that is added: nobody calls these models."""
    rebuild = keras.Sequential._maybe_rebuild
    keras.Sequential._maybe_rebuild = lambda self: None
    try:
        yield
    finally:
        keras.Sequential._maybe_rebuild = rebuild


def _demanded(hp: Any, own: Any, value: Value) -> dict[str, Value]:
    """Return a value, and those of the others under which it is active."""
    wanted = {condition.name: condition.values[0] for condition in own.conditions}
    parents = {other.name: other for other in hp.space}
    for name, needed in tuple(wanted.items()):
        if name in parents:
            wanted |= _demanded(hp, parents[name], needed)
    return {**wanted, own.name: value}
