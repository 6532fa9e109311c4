"""Parse a person's values of hyperparameters; errors are one line."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence

from search_spaces.hyperparameters.hyperparameter import Hyperparameter, Value, active


def complete(
    hyperparameters: Sequence[Hyperparameter],
    values: Mapping[str, Value],
    *,
    base: Mapping[str, Value] | None = None,
    strict: bool = True,
) -> dict[str, Value]:
    """Return the configuration of a person's values.

    Args:
        hyperparameters: the space's hyperparameters.
        values: validated one by one.
        base: a configuration for missing values, not validated; without those that `values` make inactive. The defaults
            complete it.
        strict: False allows numbers outside their range, except for parents of other hyperparameters.

    Raises:
        ValueError: where a name is unknown or inactive, or a value is not allowed.
    """
    known = {hyperparameter.name: hyperparameter for hyperparameter in hyperparameters}
    for name, value in values.items():
        if name not in known:
            raise ValueError(_unknown(name, value, known))
    read = {name: _read(known[name], value, hyperparameters, strict) for name, value in values.items()}
    configuration = active(hyperparameters, {**(base or {}), **read})
    for name, value in values.items():
        if name not in configuration:
            raise ValueError(_inactive(known[name], value, configuration))
    return configuration


def _unknown(name: str, value: Value, known: Mapping[str, Hyperparameter]) -> str:
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
    return f"Unknown hyperparameter. Expected one of the space's, such as {nearest!r}. Received: {name}={value!r}"


def _inactive(hyperparameter: Hyperparameter, value: Value, configuration: Mapping[str, Value]) -> str:
    unmet = [c for c in hyperparameter.conditions if configuration.get(c.name) not in c.values]
    needed = ", ".join(f"{c.name} of {' or '.join(map(str, c.values))}" for c in unmet)
    return f"Inactive hyperparameter. Expected with it {needed}. Received: {hyperparameter.name}={value!r}"


def _read(
    hyperparameter: Hyperparameter, value: Value, hyperparameters: Sequence[Hyperparameter], strict: bool
) -> Value:
    """Return a value in the type of the hyperparameter: 0 becomes 0.0 for a float."""
    if hyperparameter.kind == "fixed":
        return value
    # Conditions depend on a parent's value, so it must be in its range.
    bound = strict or any(c.name == hyperparameter.name for other in hyperparameters for c in other.conditions)
    if not (hyperparameter.allows(value) if bound else _is_of_kind(hyperparameter, value)):
        expected = _expectation(hyperparameter) if bound else f"must be {_kind(hyperparameter)}"
        raise ValueError(f"{hyperparameter.name} {expected}. Received: {hyperparameter.name}={value!r}")
    return float(value) if _kind(hyperparameter) == _FLOAT else value


_INT, _FLOAT = "a whole number", "a number"


def _kind(hyperparameter: Hyperparameter) -> str:
    """Return the type of the values in words."""
    values = hyperparameter.values or (hyperparameter.default,)
    if any(isinstance(value, (bool, str)) for value in values):
        return f"one of {', '.join(map(str, values))}"
    return _INT if all(isinstance(value, int) for value in values) else _FLOAT


def _is_of_kind(hyperparameter: Hyperparameter, value: Value) -> bool:
    kind = _kind(hyperparameter)
    if kind not in (_INT, _FLOAT):
        return hyperparameter.allows(value)
    if isinstance(value, (bool, str)):
        return False
    return math.isfinite(value) and (kind == _FLOAT or isinstance(value, int))


def _expectation(hyperparameter: Hyperparameter) -> str:
    if hyperparameter.values is not None:
        return f"must be one of {', '.join(map(str, hyperparameter.values))}"
    return f"must be {_kind(hyperparameter)} from {hyperparameter.minimum} to {hyperparameter.maximum}"
