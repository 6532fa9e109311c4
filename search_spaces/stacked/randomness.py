"""Random numbers that a network has whatever the networks beside it and however wide its canvas is.

Each is a hash of its network's seed and of its own place in the network's own map, so padding moves none of them. The hash is
"lowbias32" (C. Wellons, hash-prospector, 2018), applied twice with two keys: fit for dropout, not for cryptography.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from search_spaces.networks.specs import Shape

_MULTIPLIERS = (0x7FEB352D, 0x846CA68B)
_GOLDEN = 0x9E3779B9
"""2**32 over the golden ratio: neighbouring numbers times this one are far from each other."""
_BITS = 24
"""All that a float32 in [0, 1) holds."""


def mix(values: jax.Array) -> jax.Array:
    """Return 32 well mixed bits for each value (uint32); a bijection."""
    values = (values ^ (values >> 16)) * jnp.uint32(_MULTIPLIERS[0])
    values = (values ^ (values >> 15)) * jnp.uint32(_MULTIPLIERS[1])
    return values ^ (values >> 16)


def key_of(*numbers: int | jax.Array) -> jax.Array:
    """Return a key (uint32) for numbers, such as a seed, a step and a layer."""
    key = jnp.uint32(_GOLDEN)
    for number in numbers:
        # A seed of 2**31 and more is no int32.
        bits = jnp.uint32(number) if isinstance(number, int) else number.astype(jnp.uint32)
        key = mix(key ^ (bits * jnp.uint32(_GOLDEN)))
    return key


def uniform(keys: jax.Array, shapes: tuple[Shape, ...], canvas: Shape, n: int) -> jax.Array:
    """Return numbers in [0, 1) for each value of each network's maps; those of padding mean nothing.

    Args:
        keys: (networks,), uint32.
        shapes: each network's own map.
        canvas: height, width and channels.
        n: images.

    Returns:
        (networks, n, height, width, channels), float32.
    """
    widths = jnp.asarray([shape[1] for shape in shapes], jnp.uint32).reshape(-1, 1, 1, 1, 1)
    depths = jnp.asarray([shape[2] for shape in shapes], jnp.uint32).reshape(-1, 1, 1, 1, 1)
    heights = jnp.asarray([shape[0] for shape in shapes], jnp.uint32).reshape(-1, 1, 1, 1, 1)
    image = jnp.arange(n, dtype=jnp.uint32).reshape(1, -1, 1, 1, 1)
    row = jnp.arange(canvas[0], dtype=jnp.uint32).reshape(1, 1, -1, 1, 1)
    column = jnp.arange(canvas[1], dtype=jnp.uint32).reshape(1, 1, 1, -1, 1)
    channel = jnp.arange(canvas[2], dtype=jnp.uint32)
    index = ((image * heights + row) * widths + column) * depths + channel
    keys = keys.reshape(-1, 1, 1, 1, 1)
    bits = mix(mix(index ^ keys) + (keys * jnp.uint32(_GOLDEN) | jnp.uint32(1)))
    return (bits >> (32 - _BITS)).astype(jnp.float32) * (0.5**_BITS)
