"""Hyperparameters as data: name, range and conditions.

One tuple serves Keras Tuner's `HyperParameters`, `run.json`, sampling, and the parsing of a person's values.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
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
    """A hyperparameter with its range and conditions."""

    name: str
    kind: Kind
    description: str
    """One line."""
    default: Value
    values: tuple[Value, ...] | None = None
    """The values of a choice, a boolean or a fixed hyperparameter, in order."""
    minimum: float | int | None = None
    maximum: float | int | None = None
    """Inclusive."""
    step: float | int | None = None
    sampling: Literal["linear", "log"] | None = None
    conditions: tuple[Condition, ...] = ()
    """Active where all of them hold, including its parents' conditions."""
    weights: tuple[float, ...] | None = None
    """The relative frequency of each grid value in samples; None: uniform."""

    def grid(self) -> tuple[Value, ...] | None:
        """Return every value in order; None where the range is continuous."""
        if self.values is not None:
            return self.values
        if self.minimum is None or self.maximum is None or self.step is None:
            return None
        count = round((self.maximum - self.minimum) / self.step) + 1
        if self.kind == "int":
            return tuple(int(self.minimum + i * self.step) for i in range(count))
        # Rounded, or 0.035 would read 0.035000000000000003.
        return tuple(round(self.minimum + i * self.step, 10) for i in range(count))

    def allows(self, value: Value) -> bool:
        """Return whether a value has the right type and is within the bounds."""
        if self.values is not None:
            return any(
                value == allowed and isinstance(value, bool) == isinstance(allowed, bool) for allowed in self.values
            )
        if isinstance(value, (bool, str)) or (self.kind == "int" and not isinstance(value, int)):
            return False
        low, high = self.minimum, self.maximum
        return math.isfinite(value) and (low is None or value >= low) and (high is None or value <= high)

    def to_json(self) -> dict[str, Any]:
        """Return the hyperparameter as in `run.json`."""
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
    """Return a configuration: the values of the active hyperparameters, in the order of declaration.

    Missing values are defaults; unknown names are ignored.
    """
    configuration: dict[str, Value] = {}
    for hyperparameter in hyperparameters:
        if is_active(hyperparameter, configuration):
            configuration[hyperparameter.name] = values.get(hyperparameter.name, hyperparameter.default)
    return configuration


def is_active(hyperparameter: Hyperparameter, values: Mapping[str, Value]) -> bool:
    """Return whether the conditions hold; an absent parent is inactive."""
    return all(values.get(condition.name) in condition.values for condition in hyperparameter.conditions)


def declare(hyperparameters: Sequence[Hyperparameter], hp: Any) -> None:
    """Declare all on a `keras_tuner.HyperParameters` (`Any`, or Keras would be imported), with their conditions."""
    for hyperparameter in hyperparameters:
        with ExitStack() as scopes:
            for condition in hyperparameter.conditions:
                scopes.enter_context(hp.conditional_scope(condition.name, list(condition.values)))
            _declare_one(hyperparameter, hp)


def changed(
    hyperparameters: Sequence[Hyperparameter], changes: Mapping[str, Mapping[str, Any]]
) -> tuple[Hyperparameter, ...]:
    """Return the hyperparameters with changed fields: {name: {field: value}}.

    Weights may be {value: weight}: a value that is left out keeps its weight.
    """
    return tuple(_changed(hyperparameter, changes.get(hyperparameter.name, {})) for hyperparameter in hyperparameters)


def _changed(tuned: Hyperparameter, fields: Mapping[str, Any]) -> Hyperparameter:
    weights = fields.get("weights")
    if isinstance(weights, Mapping):
        values = tuned.values or ()
        own = dict(zip(values, tuned.weights or (1.0,) * len(values), strict=True))
        fields = {**fields, "weights": tuple({**own, **weights}[value] for value in fields.get("values", values))}
    return replace(tuned, **fields)


def with_defaults(
    hyperparameters: Sequence[Hyperparameter], defaults: Mapping[str, Value]
) -> tuple[Hyperparameter, ...]:
    """Return the hyperparameters with changed defaults."""
    return changed(hyperparameters, {name: {"default": value} for name, value in defaults.items()})


def without_values(
    hyperparameters: Sequence[Hyperparameter], name: str, excluded: Collection[Value]
) -> tuple[Hyperparameter, ...]:
    """Return the hyperparameters, one of them a choice without some of its values; its default may change."""
    return tuple(_without(tuned, excluded) if tuned.name == name else tuned for tuned in hyperparameters)


def _without(tuned: Hyperparameter, excluded: Collection[Value]) -> Hyperparameter:
    values = tuned.values or ()
    weights = tuned.weights or (1.0,) * len(values)
    kept = [(value, weight) for value, weight in zip(values, weights, strict=True) if value not in excluded]
    names = tuple(value for value, _ in kept)
    default = names[0] if tuned.default in excluded else tuned.default
    return replace(tuned, values=names, weights=tuple(weight for _, weight in kept), default=default)


def choice(
    name: str,
    description: str,
    values: tuple[Value, ...],
    default: Value,
    *conditions: Condition,
    weights: tuple[float, ...] | None = None,
) -> Hyperparameter:
    """Return a choice among values."""
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
    """Return a hyperparameter that is False or True."""
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
    """Return a whole number within bounds."""
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
    """Return a number of filters or units, sampled log-uniformly: each doubling is as frequent as the next."""
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
    """Return a number on a grid: minimum, maximum, step."""
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
    """Return a number whose logarithm is sampled uniformly."""
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
        # Keras Tuner knows "linear" and "log"; a continuous range has no step.
        kind = hp.Int if hyperparameter.kind == "int" else hp.Float
        bounds = {"min_value": hyperparameter.minimum, "max_value": hyperparameter.maximum, "step": hyperparameter.step}
        kind(name, **bounds, sampling=hyperparameter.sampling, default=default)
