"""Hyperparameters as data: what may be tuned, within what, and when.

The same tuple is declared on Keras Tuner's `HyperParameters`, written to `run.json` and drawn from, and what a person wrote
is read by it (`parsing`). No space's own hyperparameters live here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

Value: TypeAlias = bool | int | float | str
Kind: TypeAlias = Literal["choice", "int", "float", "boolean", "fixed"]


@dataclass(frozen=True)
class Condition:
    """The hyperparameter `name` has one of these values."""

    name: str
    values: tuple[Value, ...]


@dataclass(frozen=True, kw_only=True)
class Hyperparameter:
    """One thing that is tuned."""

    name: str
    kind: Kind
    description: str
    """One line."""
    default: Value
    values: tuple[Value, ...] | None = None
    """The values of a choice, a boolean or something fixed, in order."""
    minimum: float | int | None = None
    maximum: float | int | None = None
    """Included."""
    step: float | int | None = None
    sampling: Literal["linear", "log"] | None = None
    conditions: tuple[Condition, ...] = ()
    """All of them hold where it is active, its parents' conditions among them."""
    weights: tuple[float, ...] | None = None
    """The relative frequency of each value of the grid in samples; None: all alike."""

    def grid(self) -> tuple[Value, ...] | None:
        """Every value in order, or None where there is a continuum."""
        if self.values is not None:
            return self.values
        if self.minimum is None or self.maximum is None or self.step is None:
            return None
        count = round((self.maximum - self.minimum) / self.step) + 1
        if self.kind == "int":
            return tuple(int(self.minimum + i * self.step) for i in range(count))
        # Rounded, so that a value reads 0.035 and not 0.035000000000000003.
        return tuple(round(self.minimum + i * self.step, 10) for i in range(count))

    def allows(self, value: Value) -> bool:
        """Return whether it may have this value: of its type, and within its bounds."""
        if self.values is not None:
            return any(value == own and isinstance(value, bool) == isinstance(own, bool) for own in self.values)
        if isinstance(value, (bool, str)) or (self.kind == "int" and not isinstance(value, int)):
            return False
        low, high = self.minimum, self.maximum
        return math.isfinite(value) and (low is None or value >= low) and (high is None or value <= high)

    def to_json(self) -> dict[str, Any]:
        """Return it as in `run.json`."""
        return {
            "name": self.name,
            "kind": self.kind,
            "values": list(self.values) if self.values is not None else None,
            "min": self.minimum,
            "max": self.maximum,
            "step": self.step,
            "sampling": self.sampling,
            "conditions": [{"name": c.name, "values": list(c.values)} for c in self.conditions],
            "default": self.default,
            "description": self.description,
        }


def active(hyperparameters: Sequence[Hyperparameter], values: Mapping[str, Value]) -> dict[str, Value]:
    """A configuration: the values of the active hyperparameters, in the order in which they are declared.

    What is missing has its default; names that are no hyperparameters are passed over.
    """
    configuration: dict[str, Value] = {}
    for hyperparameter in hyperparameters:
        if is_active(hyperparameter, configuration):
            configuration[hyperparameter.name] = values.get(hyperparameter.name, hyperparameter.default)
    return configuration


def is_active(hyperparameter: Hyperparameter, values: Mapping[str, Value]) -> bool:
    """Return whether its conditions hold; a parent that is absent is inactive."""
    return all(values.get(condition.name) in condition.values for condition in hyperparameter.conditions)


def declare(hyperparameters: Sequence[Hyperparameter], hp: Any) -> None:
    """Declare all on a `keras_tuner.HyperParameters`, inactive ones as inactive.

    `hp` is `Any`, since naming its type would import Keras.
    """
    for hyperparameter in hyperparameters:
        with ExitStack() as scopes:
            for condition in hyperparameter.conditions:
                scopes.enter_context(hp.conditional_scope(condition.name, list(condition.values)))
            _declare_one(hyperparameter, hp)


def changed(
    hyperparameters: Sequence[Hyperparameter], changes: Mapping[str, Mapping[str, Any]]
) -> tuple[Hyperparameter, ...]:
    """Return the same hyperparameters, some with other fields: {name: {field: value}}.

    `Any`: fields are of several types.
    """
    return tuple(replace(own, **changes.get(own.name, {})) for own in hyperparameters)


def with_defaults(
    hyperparameters: Sequence[Hyperparameter], defaults: Mapping[str, Value]
) -> tuple[Hyperparameter, ...]:
    """Return the same hyperparameters, some with other defaults."""
    return changed(hyperparameters, {name: {"default": value} for name, value in defaults.items()})


def choice(
    name: str,
    description: str,
    values: tuple[Value, ...],
    default: Value,
    *conditions: Condition,
    weights: tuple[float, ...] | None = None,
) -> Hyperparameter:
    """One of some values."""
    return Hyperparameter(
        name=name,
        kind="choice",
        description=description,
        values=values,
        default=default,
        conditions=conditions,
        weights=weights,
    )


def boolean(
    name: str, description: str, default: bool, *conditions: Condition, weights: tuple[float, ...] | None = None
) -> Hyperparameter:
    """No or yes."""
    return Hyperparameter(
        name=name,
        kind="boolean",
        description=description,
        values=(False, True),
        default=default,
        conditions=conditions,
        weights=weights,
    )


def integer(
    name: str,
    description: str,
    bounds: tuple[int, int],
    default: int,
    *conditions: Condition,
    step: int = 1,
    weights: tuple[float, ...] | None = None,
) -> Hyperparameter:
    """A whole number within bounds."""
    return Hyperparameter(
        name=name,
        kind="int",
        description=description,
        minimum=bounds[0],
        maximum=bounds[1],
        step=step,
        sampling="linear",
        default=default,
        conditions=conditions,
        weights=weights,
    )


def width(
    name: str, description: str, bounds: tuple[int, int], default: int, *conditions: Condition, step: int = 1
) -> Hyperparameter:
    """A number of filters or units: small ones are sampled more often, each doubling as often as the next."""
    weights = tuple(1.0 / value for value in range(bounds[0], bounds[1] + 1, step))
    return integer(name, description, bounds, default, *conditions, step=step, weights=weights)


def real(
    name: str,
    description: str,
    range_: tuple[float, float, float],
    default: float,
    *conditions: Condition,
    weights: tuple[float, ...] | None = None,
) -> Hyperparameter:
    """A number on a grid: least, most, step."""
    return Hyperparameter(
        name=name,
        kind="float",
        description=description,
        minimum=range_[0],
        maximum=range_[1],
        step=range_[2],
        sampling="linear",
        default=default,
        conditions=conditions,
        weights=weights,
    )


def log_real(
    name: str, description: str, bounds: tuple[float, float], default: float, *conditions: Condition
) -> Hyperparameter:
    """A number whose logarithm is drawn."""
    return Hyperparameter(
        name=name,
        kind="float",
        description=description,
        minimum=bounds[0],
        maximum=bounds[1],
        sampling="log",
        default=default,
        conditions=conditions,
    )


def _declare_one(hyperparameter: Hyperparameter, hp: Any) -> None:
    name, default = hyperparameter.name, hyperparameter.default
    if hyperparameter.kind == "fixed":
        hp.Fixed(name, default)
    elif hyperparameter.kind == "boolean":
        hp.Boolean(name, default=default)
    elif hyperparameter.values is not None:
        hp.Choice(name, list(hyperparameter.values), default=default)
    else:
        # Keras Tuner knows "linear" and "log"; a step is not given for a continuum.
        kind = hp.Int if hyperparameter.kind == "int" else hp.Float
        bounds = {"min_value": hyperparameter.minimum, "max_value": hyperparameter.maximum, "step": hyperparameter.step}
        kind(name, **bounds, sampling=hyperparameter.sampling, default=default)
