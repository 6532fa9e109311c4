"""`python -m benchmarks.convolutions`: four ways to convolve several networks' maps, each with its own kernels; milliseconds.

Forward and backward, jitted, on JAX's device: a GPU where there is one, else one core. Shapes are those of compact8k's layers on
MNIST. On a CPU processor time is measured, since a busy machine's wall times say nothing.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.measuring import RESULTS, conditions
from tuner.core.records import Json

RESULT = RESULTS / "convolutions.json"
_REPETITIONS = 7


@dataclass(frozen=True)
class Shape:
    """A layer of several networks."""

    networks: int
    batch_size: int
    side: int
    """Height and width of the maps."""
    kernel: int
    inputs: int
    outputs: int

    @property
    def name(self) -> str:
        return f"{self.networks} networks, {self.side}×{self.side}×{self.inputs} → {self.outputs}, {self.kernel}×{self.kernel}"


def shapes(networks: Sequence[int], batch_size: int) -> list[Shape]:
    """Return layers of each number of networks."""
    layers = ((28, 3, 1, 8), (26, 3, 8, 16), (13, 3, 16, 16), (13, 1, 16, 8), (5, 3, 24, 24))
    return [Shape(count, batch_size, *layer) for count in networks for layer in layers]


def measure(shape: Shape, repetitions: int = _REPETITIONS) -> dict[str, float]:
    """Return the median milliseconds of each method, forward and backward."""
    import jax
    import jax.numpy as jnp

    from search_spaces.stacked.convolution import METHODS, convolve

    maps = jnp.ones((shape.networks, shape.batch_size, shape.side, shape.side, shape.inputs))
    kernels = jnp.ones((shape.networks, shape.kernel, shape.kernel, shape.inputs, shape.outputs))
    size = (shape.side - shape.kernel + 1,) * 2
    clock = time.process_time if jax.default_backend() == "cpu" else time.perf_counter
    found: dict[str, float] = {}
    for method in METHODS:

        def loss(maps: Any, kernels: Any, method: Any = method) -> Any:
            result = convolve(maps, kernels, 0, size, method)
            return (result * result).sum()

        step = jax.jit(jax.grad(loss, argnums=(0, 1)))
        jax.block_until_ready(step(maps, kernels))
        times = []
        for _ in range(repetitions):
            began = clock()
            jax.block_until_ready(step(maps, kernels))
            times.append(1e3 * (clock() - began))
        found[method] = round(statistics.median(times), 3)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write and print the table; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.convolutions", description=__doc__)
    parser.add_argument("--networks", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--repetitions", type=int, default=_REPETITIONS)
    parser.add_argument("--out", type=Path, default=RESULT)
    given = parser.parse_args(arguments)
    import jax

    rows: list[Json] = []
    for shape in shapes(given.networks, given.batch_size):
        found = measure(shape, given.repetitions)
        rows.append({**asdict(shape), "milliseconds": found})
        quickest = min(found, key=found.__getitem__)
        sys.stdout.write(f"{shape.name}: {', '.join(f'{name} {value}' for name, value in found.items())}; {quickest}\n")
        sys.stdout.flush()
    platform = {"platform": jax.default_backend(), "repetitions": given.repetitions}
    given.out.write_text(
        json.dumps({**conditions(("jax",)), **platform, "rows": rows}, indent=1) + "\n", encoding="utf-8"
    )
    sys.stdout.write(f"Wrote {given.out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
