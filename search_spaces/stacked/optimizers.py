"""Updates of several networks' weights, each by its own optimizer, learning rate and schedule.

The formulas are Keras's (`search_spaces.keras.training.make_optimizer`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from search_spaces.hyperparameters.recipe import Recipe
from search_spaces.keras.training import FINAL_FACTOR, INITIAL_DIVISOR, MOMENTUM, WARM_UP
from search_spaces.stacked.grouping import OPTIMIZERS
from search_spaces.stacked.layers import Arrays

KERNELS = ("kernel", "depthwise", "pointwise")
"""The arrays with an L2 penalty and weight decay."""
_BETAS = (0.9, 0.999)
_EPSILON = 1e-7


class _Weight(NamedTuple):
    """An array of weights before a step."""

    value: jax.Array
    gradient: jax.Array
    first: jax.Array
    second: jax.Array | None
    is_kernel: bool


@dataclass(frozen=True)
class Rules:
    """The update rules of several networks.

    Raises:
        ValueError: where a recipe's optimizer has no formula here: its weights would stay as they are.
    """

    recipes: tuple[Recipe, ...]
    total_steps: int

    def __post_init__(self) -> None:
        missing = sorted({recipe.optimizer for recipe in self.recipes} - OPTIMIZERS)
        if missing:
            raise ValueError(f"Expected optimizers of {sorted(OPTIMIZERS)}. Received: {missing}")

    def learning_rates(self, step: jax.Array) -> jax.Array:
        """Return each network's rate at a step from 0: `search_spaces.keras.training.FittedSchedule` of all."""
        place = jnp.minimum(jnp.asarray(step, jnp.float32) / max(self.total_steps, 1), 1.0)
        climb = (1.0 + (INITIAL_DIVISOR - 1.0) * place / WARM_UP) / INITIAL_DIVISOR
        fall = (1.0 + jnp.cos(math.pi * (place - WARM_UP) / (1.0 - WARM_UP))) / 2.0
        parts = {
            "constant": jnp.ones_like(place),
            "cosine": (1.0 + jnp.cos(math.pi * place)) / 2.0,
            "one-cycle": jnp.where(place < WARM_UP, climb, FINAL_FACTOR + (1.0 - FINAL_FACTOR) * fall),
        }
        peaks = jnp.asarray([recipe.learning_rate for recipe in self.recipes], jnp.float32)
        return peaks * jnp.stack([parts[recipe.schedule] for recipe in self.recipes])

    def initial_moments(self, weights: Arrays) -> dict[str, Arrays]:
        """Return zeros for what the optimizers keep: a first moment (or momentum), and a second one where Adam needs it."""
        zeros = jax.tree.map(jnp.zeros_like, weights)
        has_second = any(self._uses("adam", "adamw"))
        return {"first": zeros, "second": jax.tree.map(jnp.zeros_like, weights) if has_second else {}}

    def update(
        self, weights: Arrays, gradients: Arrays, moments: dict[str, Arrays], step: jax.Array
    ) -> tuple[Arrays, dict[str, Arrays]]:
        """Return the next weights and moments.

        Args:
            weights: slot → name → (networks, …).
            gradients: of the losses without the L2 penalty, in the same shape.
            moments: as of `initial_moments`.
            step: from 0.
        """
        rates = self.learning_rates(step)
        changed: Arrays = {}
        kept: dict[str, Arrays] = {"first": {}, "second": {}}
        for slot, arrays in weights.items():
            changed[slot], kept["first"][slot] = {}, {}
            if moments["second"]:
                kept["second"][slot] = {}
            for name, weight in arrays.items():
                second = moments["second"][slot][name] if moments["second"] else None
                variable = _Weight(weight, gradients[slot][name], moments["first"][slot][name], second, name in KERNELS)
                value, first, second = self._step(variable, rates, step)
                changed[slot][name], kept["first"][slot][name] = value, first
                if second is not None:
                    kept["second"][slot][name] = second
        return changed, kept

    def _step(
        self, variable: _Weight, rates: jax.Array, step: jax.Array
    ) -> tuple[jax.Array, jax.Array, jax.Array | None]:
        weight, gradient, first, second, is_kernel = variable

        def each(values: Sequence[float] | Sequence[bool] | jax.Array) -> jax.Array:
            return jnp.asarray(values).reshape(-1, *(1,) * (weight.ndim - 1))

        rate = each(rates)
        if is_kernel and any(recipe.l2 for recipe in self.recipes):
            gradient = gradient + 2.0 * each([recipe.l2 for recipe in self.recipes]) * weight
        plain, with_momentum = self._uses("sgd"), self._uses("momentum")
        result, next_first = weight, first
        if any(plain):
            result = jnp.where(each(plain), weight - rate * gradient, result)
        if any(with_momentum):
            velocity = MOMENTUM * first - rate * gradient
            result = jnp.where(each(with_momentum), weight + MOMENTUM * velocity - rate * gradient, result)
            next_first = jnp.where(each(with_momentum), velocity, next_first)
        if second is None:
            return result, next_first, None
        adaptive = each(self._uses("adam", "adamw"))
        start = weight
        if is_kernel and any(self._uses("adamw")):
            decays = [recipe.weight_decay if recipe.optimizer == "adamw" else 0.0 for recipe in self.recipes]
            start = weight - weight * each(decays) * rate
        count = jnp.asarray(step, jnp.float32) + 1.0
        mean = first + (gradient - first) * (1.0 - _BETAS[0])
        square = second + (gradient * gradient - second) * (1.0 - _BETAS[1])
        alpha = rate * jnp.sqrt(1.0 - jnp.power(_BETAS[1], count)) / (1.0 - jnp.power(_BETAS[0], count))
        result = jnp.where(adaptive, start - alpha * mean / (jnp.sqrt(square) + _EPSILON), result)
        return result, jnp.where(adaptive, mean, next_first), jnp.where(adaptive, square, second)

    def _uses(self, *names: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        return np.array([recipe.optimizer in names for recipe in self.recipes])
