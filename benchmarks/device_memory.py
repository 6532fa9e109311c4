"""`python -m benchmarks.device_memory`: the estimates of RAM and flash against TFLM's interpreter and the int8 files.

Random networks of the compact spaces, with random weights, are converted as `mnist-tune export --format litert-int8` does.
The truth of flash is the size of the file; that of RAM is the smallest arena in which TFLM's interpreter prepares it.
TFLM lacks GELU, so RAM of networks with it has no truth. Needs tflite-micro.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import RESULTS, ROOT, conditions
from search_spaces.families.registry import load_family
from search_spaces.keras.model import build_model
from tuner.core.records import Json
from tuner.export.litert import INT8

RESULT = RESULTS / "device-memory.json"
SPACES = ("compact2k", "compact4k", "compact8k", "compact20k")
_LIBRARIES = ("tensorflow", "keras", "tflite-micro")


@dataclass(frozen=True)
class Measured:
    """A network with estimated and true sizes, in bytes."""

    space: str
    network: str
    activation: str
    parameters: int
    ram: int
    """The estimated arena."""
    arena: int | None
    """The smallest true arena; None where TFLM lacks an operation."""
    flash: int
    """The estimated file."""
    file: int

    @property
    def ram_error(self) -> float | None:
        """Return the excess of the estimated arena, as a fraction of the true one."""
        return None if self.arena is None else self.ram / self.arena - 1

    @property
    def flash_error(self) -> float:
        """Return the excess of the estimated file, as a fraction of the true one."""
        return self.flash / self.file - 1


def measure(spaces: Sequence[str], networks: int, seed: int, image_shape: tuple[int, ...] = (28, 28)) -> list[Measured]:
    """Convert random networks and return their true and estimated sizes.

    Args:
        spaces: names of built-in spaces, in turn.
        networks: how many.
        seed: of the samples and of the weights.
        image_shape: (h, w) or (h, w, 3).
    """
    with tempfile.TemporaryDirectory() as folder:
        made = [
            _convert(spaces[number % len(spaces)], (seed, number), image_shape, Path(folder) / f"{number}.tflite")
            for number in range(networks)
        ]
        paths = [str(path) for _, path in made]
        command = [sys.executable, "-m", "benchmarks.tflm_arena", *paths]
        arenas = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    return [Measured(**fields, arena=arena) for (fields, _), arena in zip(made, arenas, strict=True)]


def _convert(space: str, seed: tuple[int, int], image_shape: tuple[int, ...], path: Path) -> tuple[Json, Path]:
    family = load_family(space, image_shape=image_shape)
    values = family.sample(np.random.default_rng(seed))
    rng = np.random.default_rng((*seed, 1))
    model = build_model(family.specs(values), name=space, image_shape=image_shape)
    randomise(model, rng)
    INT8.write(model, path, rng.integers(0, 256, (8, *image_shape), dtype=np.uint8))
    memory = family.memory(values)
    return {
        "space": space,
        "network": family.notation(values),
        "activation": str(values["activation"]),
        "parameters": family.count_parameters(values),
        "ram": memory.ram,
        "flash": memory.flash,
        "file": path.stat().st_size,
    }, path


def randomise(model: Any, rng: np.random.Generator) -> None:
    """Set biases and BatchNorm values like trained ones: equal arrays would be stored once in the file."""
    for weight in model.weights:
        name = weight.path.split("/")[-1]
        if name in ("gamma", "moving_variance"):
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
        elif name in ("beta", "bias", "moving_mean"):
            weight.assign(rng.normal(0.0, 0.3, weight.shape))


def table(rows: Sequence[Measured]) -> str:
    """Return the errors as a table: estimate over truth, in percent."""
    return "\n".join(
        ["| | networks | median (%) | least (%) | most (%) | below |", "|---|---:|---:|---:|---:|---:|", *_lines(rows)]
    )


def _lines(rows: Sequence[Measured]) -> Iterator[str]:
    errors = {
        "RAM, the arena": [row.ram_error for row in rows if row.ram_error is not None],
        "flash, the file": [row.flash_error for row in rows],
    }
    for name, values in errors.items():
        below = sum(value < 0 for value in values)
        figures = (statistics.median(values), min(values), max(values))
        yield f"| {name} | {len(values)} | {' | '.join(f'{100 * figure:.2f}' for figure in figures)} | {below} |"


def document(rows: Sequence[Measured]) -> Json:
    """Return the document of the result."""
    return {**conditions(_LIBRARIES), "rows": [asdict(row) for row in rows]}


def main() -> None:
    """Measure, print the table and keep the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rows = measure(SPACES, given.networks, given.seed)
    RESULT.write_text(json.dumps(document(rows), indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"{table(rows)}\nWrote {RESULT}\n")


if __name__ == "__main__":
    main()
