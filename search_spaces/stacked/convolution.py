"""Convolutions of several networks at once, each with its own kernels: four ways to compute the same numbers.

`benchmarks.convolutions` measures them by shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp
from jax import lax

Method: TypeAlias = Literal["shifted", "im2col", "grouped", "block_diagonal"]
Convolution: TypeAlias = Callable[[jax.Array, jax.Array], jax.Array]


def convolve(
    maps: jax.Array, kernels: jax.Array, first: int, size: tuple[int, int], method: Method | None = None
) -> jax.Array:
    """Return the convolutions of every network's maps with its kernels; outside of the canvas are zeros.

    Args:
        maps: (networks, n, height, width, inputs).
        kernels: (networks, kernel height, kernel width, inputs, outputs).
        first: the offset of the kernel's first row and column from an output's place, 0 or less.
        size: height and width of the result.
        method: None: the one that `choose_method` names.
    """
    height, width = maps.shape[2:4]
    rows, columns = (side + kernel - 1 for side, kernel in zip(size, kernels.shape[1:3], strict=True))
    edges = [(0, 0, 0), (0, 0, 0), (-first, rows + first - height, 0), (-first, columns + first - width, 0), (0, 0, 0)]
    # Negative padding crops.
    padded = lax.pad(maps, jnp.zeros((), maps.dtype), edges)
    chosen = choose_method(jax.default_backend(), kernels.shape) if method is None else method
    return METHODS[chosen](padded, kernels)


def choose_method(platform: str, kernel_shape: tuple[int, ...]) -> Method:
    """Return the method for kernels of this shape (`convolve`) on JAX's platform ("cpu", "gpu").

    On a CPU `benchmarks.convolutions` once took ten times as long by the library's grouped convolution as by products; that result
    was not kept. On a GPU nothing was measured; there the fewest kernels with the longest sums are assumed best.
    """
    inputs = kernel_shape[3]
    return "shifted" if platform == "cpu" and inputs == 1 else "im2col"


def _shifted(maps: jax.Array, kernels: jax.Array) -> jax.Array:
    """Sum a product for each tap of the kernel."""
    networks, height, width = kernels.shape[:3]
    rows, columns = maps.shape[2] - height + 1, maps.shape[3] - width + 1
    result: jax.Array | None = None
    for row in range(height):
        for column in range(width):
            product = _products(maps[:, :, row : row + rows, column : column + columns], kernels[:, row, column])
            result = product if result is None else result + product
    if result is None:
        raise ValueError(f"Expected a kernel with at least one tap. Received: {networks} of {height}×{width}")
    return result


def _im2col(maps: jax.Array, kernels: jax.Array) -> jax.Array:
    """Gather every tap's inputs, then one product."""
    networks, height, width, inputs, outputs = kernels.shape
    rows, columns = maps.shape[2] - height + 1, maps.shape[3] - width + 1
    taps = [maps[:, :, row : row + rows, column : column + columns] for row in range(height) for column in range(width)]
    flat = kernels.reshape(networks, height * width * inputs, outputs)
    return _products(jnp.concatenate(taps, axis=-1), flat)


def _grouped(maps: jax.Array, kernels: jax.Array) -> jax.Array:
    """Call the library's convolution with one group of channels a network."""
    networks, height, width, inputs, outputs = kernels.shape
    side_by_side = jnp.moveaxis(kernels, 0, 3).reshape(height, width, inputs, networks * outputs)
    return _split(_convolve(_joined(maps), side_by_side, networks), networks)


def _block_diagonal(maps: jax.Array, kernels: jax.Array) -> jax.Array:
    """Call the library's convolution with all channels, and zeros between those of different networks.

    A value that is no number spreads to all networks.
    """
    networks, height, width, inputs, _ = kernels.shape
    blocks = jnp.einsum("thwio,ts->hwtiso", kernels, jnp.eye(networks, dtype=kernels.dtype))
    return _split(_convolve(_joined(maps), blocks.reshape(height, width, networks * inputs, -1), 1), networks)


def _products(values: jax.Array, matrices: jax.Array) -> jax.Array:
    """Multiply (networks, n, height, width, inputs) by a matrix (inputs, outputs) a network."""
    networks, n, rows, columns, inputs = values.shape
    product = lax.batch_matmul(values.reshape(networks, n * rows * columns, inputs), matrices)
    return product.reshape(networks, n, rows, columns, matrices.shape[-1])


def _joined(maps: jax.Array) -> jax.Array:
    networks, n, height, width, channels = maps.shape
    return jnp.moveaxis(maps, 0, 3).reshape(n, height, width, networks * channels)


def _split(maps: jax.Array, networks: int) -> jax.Array:
    n, height, width, channels = maps.shape
    return jnp.moveaxis(maps.reshape(n, height, width, networks, channels // networks), 3, 0)


def _convolve(maps: jax.Array, kernel: jax.Array, groups: int) -> jax.Array:
    return lax.conv_general_dilated(
        maps, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"), feature_group_count=groups
    )


METHODS: Mapping[Method, Convolution] = {
    "shifted": _shifted,
    "im2col": _im2col,
    "grouped": _grouped,
    "block_diagonal": _block_diagonal,
}
"""Name → computation, of maps whose edges are padded as the kernel needs."""
