"""Hyperparameters as data: what may be tuned, within what, and when.

The same tuple is declared on Keras Tuner's `HyperParameters`, written to `run.json` and drawn from. No space's own
hyperparameters live here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
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
    """Of a choice, a boolean or something fixed, in order."""
    minimum: float | int | None = None
    maximum: float | int | None = None
    """Included."""
    step: float | int | None = None
    sampling: Literal["linear", "log"] | None = None
    conditions: tuple[Condition, ...] = ()
    """All of them hold where it is active, its parents' conditions among them."""

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
        """Whether it may have this value: of its type, and within its bounds."""
        if self.values is not None:
            return any(value == own and isinstance(value, bool) == isinstance(own, bool) for own in self.values)
        if isinstance(value, (bool, str)) or (self.kind == "int" and not isinstance(value, int)):
            return False
        low, high = self.minimum, self.maximum
        return math.isfinite(value) and (low is None or value >= low) and (high is None or value <= high)

    def to_json(self) -> dict[str, Any]:
        """As in `run.json`."""
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
    """Whether its conditions hold; a parent that is absent is inactive."""
    return all(values.get(condition.name) in condition.values for condition in hyperparameter.conditions)


def declare(hyperparameters: Sequence[Hyperparameter], hp: Any) -> None:
    """Declares all on a `keras_tuner.HyperParameters`, inactive ones as inactive.

    `hp` is `Any`, since naming its type would import Keras.
    """
    for hyperparameter in hyperparameters:
        with ExitStack() as scopes:
            for condition in hyperparameter.conditions:
                scopes.enter_context(hp.conditional_scope(condition.name, list(condition.values)))
            _declare_one(hyperparameter, hp)


def check(hyperparameters: Sequence[Hyperparameter], values: Mapping[str, Value]) -> None:
    """Checks a configuration from outside.

    Raises:
        ValueError: where a name is unknown or inactive, or a value is not allowed; one line that names it.
    """
    known = {hyperparameter.name: hyperparameter for hyperparameter in hyperparameters}
    configuration = active(hyperparameters, values)
    for name, value in values.items():
        if name not in known:
            raise ValueError(f"Unknown hyperparameter. Expected one of {', '.join(known)}. Received: {name}={value!r}")
        if name not in configuration:
            raise ValueError(f"Inactive hyperparameter, given the others' values. Received: {name}={value!r}")
        if known[name].kind != "fixed" and not known[name].allows(value):
            raise ValueError(f"{name} {_expectation(known[name])}. Received: {name}={value!r}")


def _expectation(hyperparameter: Hyperparameter) -> str:
    if hyperparameter.values is not None:
        return f"must be one of {', '.join(map(str, hyperparameter.values))}"
    return f"must be of kind {hyperparameter.kind} from {hyperparameter.minimum} to {hyperparameter.maximum}"


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
