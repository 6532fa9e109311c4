"""The text of the C program: its data from a network and a plan, its code from `kernels.c` and `softmax.c`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tuner.export.c_source.buffers import Buffer, Plan, plan_buffers
from tuner.export.c_source.stages import Layer, Network, Stage, Table

_HERE = Path(__file__).parent
_LINE = 116
_TABLE_ENTRIES = 256


@dataclass(frozen=True)
class Sizes:
    """The bytes of a program's data."""

    weights: int
    """Kernels, biases, multipliers, shifts and tables, in flash."""
    memory: int
    """Static, in RAM."""
    activations: int
    """The part of it for the maps."""


@dataclass
class _Data:
    """The arrays of the program; equal ones are written once."""

    names: dict[tuple[str, bytes], str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    size_bytes: int = 0

    def name(self, array: NDArray[np.generic] | None, stem: str, number: int) -> str:
        """Return the name of an array with these values, written where it is new; else `stem` and `number`."""
        if array is None:
            return "NULL"
        kind = f"{array.dtype.name}_t"
        key = kind, array.tobytes()
        if key not in self.names:
            name = f"{stem}_{number}"
            self.names[key] = name
            self.size_bytes += array.nbytes
            self.lines += [f"static const {kind} {name}[{array.size}] = {{", *_wrapped(map(str, array.ravel())), "};"]
        return self.names[key]


def format_source(network: Network, header: str) -> tuple[str, Sizes]:
    """Return the text of the C file, without its leading comment, and the sizes of its data.

    Args:
        network: the network.
        header: the name of the header that it includes.
    """
    plan, data = plan_buffers(network.stages), _Data()
    parts_of = [(layer, stage) for stage in network.stages for layer in stage.layers]
    layers = [_format_layer(layer, stage, data, number) for number, (layer, stage) in enumerate(parts_of)]
    firsts = list(accumulate((len(stage.layers) for stage in network.stages), initial=0))
    table = data.name(network.table, "PROBABILITIES", 0)
    stages = _format_stages(network.stages, plan, firsts)
    memory, static_bytes = _memory(network, plan)
    parts = [
        *memory,
        *data.lines,
        _struct("Layer", "LAYERS", len(layers), layers),
        _struct("Stage", "STAGES", len(stages), stages),
        f"static const uint8_t ENDS[{len(plan.ends)}] = {{{', '.join(map(str, plan.ends))}}};"
        " /* stages that are done before the next one begins */",
        f"static uint8_t *const SCORES = activations + {plan.buffers[-1].offset};",
    ]
    code = _code("kernels.c").replace("@NETWORK@\n", "\n".join(parts) + "\n")
    text = f'#include "{header}"\n\n{_switches(network)}\n\n{code}{_probabilities(network, table)}'
    return text, Sizes(data.size_bytes, static_bytes, plan.size_bytes)


def _code(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _switches(network: Network) -> str:
    """Return constants that say what this network has: the compiler leaves the rest of the code out."""
    layers = list(chain.from_iterable(stage.layers for stage in network.stages if stage.mean is None))
    tables = [layer.table for stage in network.stages for layer in stage.layers if layer.table is not None]
    kinds = {layer.kind for layer in layers}
    switches = {
        "DEPTHWISE": "depthwise" in kinds,
        "DENSE": any(layer.rounds_once for layer in layers),
        "POOLING": not kinds.isdisjoint({"max", "average"}),
        "AVERAGE": "average" in kinds,
        "MEAN": any(stage.mean for stage in network.stages),
        "FUSED_MAX": any(stage.pool != (1, 1) for stage in network.stages),
        "TABLE": bool(tables),
        "CHANNEL_TABLES": any(table.ndim == 2 for table in tables),
    }
    entries = ", ".join(f"HAS_{name} = {int(value)}" for name, value in switches.items())
    return (
        "/* What this network has. A compiler leaves the code for what it has not out. */\nenum {\n"
        + "\n".join(_wrapped(entries.split(", ")))
        + "\n};"
    )


def _memory(network: Network, plan: Plan) -> tuple[list[str], int]:
    """Return the static memory's lines and bytes."""
    stages = network.stages
    inner = [layer for stage in stages for layer in (stage.layers if stage.pool != (1, 1) else stage.layers[:-1])]
    scratches = max((len(stage.layers) - (stage.pool == (1, 1)) for stage in stages), default=0)
    scratches, width = max(1, min(2, scratches)), max((layer.outputs for layer in inner), default=1)
    sums = max((stage.input[2] for stage in stages if stage.mean), default=1)
    most = max((255 * stage.input[0] * stage.input[1] for stage in stages if stage.mean), default=0)
    kind = "int16_t" if most <= np.iinfo(np.int16).max else "int32_t"
    lines = [
        f"enum {{ STAGE_COUNT = {len(stages)}, SCRATCHES = {scratches} }};",
        f"typedef {kind} Sum;",
        f"static uint8_t activations[{plan.size_bytes}];",
        f"static uint8_t scratch[SCRATCHES][{width}]; /* one position between two layers of a stage */",
        f"static Sum sums[{sums}]; /* of the channels whose mean is taken */",
    ]
    return lines, plan.size_bytes + scratches * width + sums * (2 if kind == "int16_t" else 4)


def _format_layer(layer: Layer, stage: Stage, data: _Data, number: int) -> dict[str, str]:
    kernel = bias = multiplier = shift = "NULL"
    if layer.weights is not None:
        weights = layer.weights
        kernel, bias = data.name(weights.kernel, "KERNEL", number), data.name(weights.bias, "BIAS", number)
        multiplier, shift = (
            data.name(weights.multipliers, "MULTIPLIER", number),
            data.name(weights.shifts, "SHIFT", number),
        )
    zeros = layer.input_zero, layer.output_zero
    sides = layer.kernel
    if stage.mean is not None:
        mean = stage.mean
        multiplier = data.name(np.array([mean.multiplier], np.int32), "MULTIPLIER", number)
        shift = data.name(np.array([mean.shift], np.int8), "SHIFT", number)
        zeros, sides = (mean.input_zero, mean.output_zero), (1, 1)
    return {
        "kernel": kernel,
        "bias": bias,
        "multiplier": multiplier,
        "shift": shift,
        "table": data.name(layer.table, "TABLE", number),
        "inputs": str(layer.inputs),
        "outputs": str(layer.outputs),
        "height": str(sides[0]),
        "width": str(sides[1]),
        "kind": "MEAN" if stage.mean else layer.kind.upper(),
        "input_zero": str(zeros[0]),
        "output_zero": str(zeros[1]),
        "lowest": str(layer.lowest),
        "highest": str(layer.highest),
        "channel_tables": str(int(layer.table is not None and layer.table.ndim == 2)),
        "rounds_once": str(int(layer.rounds_once)),
    }


def _format_stages(stages: Sequence[Stage], plan: Plan, firsts: Sequence[int]) -> list[dict[str, str]]:
    image = Buffer(0, stages[0].input[0])
    buffers = pairwise((image, *plan.buffers))
    return [
        {
            "in": "NULL" if number == 0 else f"activations + {before.offset}",
            "out": f"activations + {buffer.offset}",
            "layers": f"LAYERS + {firsts[number]}",
            "in_height": str(stage.input[0]),
            "in_width": str(stage.input[1]),
            "in_rows": str(stage.input[0] if stage.whole else before.rows),
            "out_rows": str(buffer.rows),
            "out_width": str(stage.output[1]),
            "steps": str(stage.steps),
            "pad_top": str(stage.padding[0]),
            "pad_left": str(stage.padding[1]),
            "stride_y": str(stage.stride[0]),
            "stride_x": str(stage.stride[1]),
            "pool_y": str(stage.pool[0]),
            "pool_x": str(stage.pool[1]),
            "layer_count": str(len(stage.layers)),
            "whole": str(int(stage.whole)),
        }
        for number, (stage, (before, buffer)) in enumerate(zip(stages, buffers, strict=True))
    ]


def _struct(kind: str, name: str, count: int, rows: Sequence[Mapping[str, str]]) -> str:
    body = "\n".join(
        "\n".join(["    {", *_wrapped((f".{key} = {value}" for key, value in row.items()), indent=8), "    },"])
        for row in rows
    )
    return f"static const {kind} {name}[{count}] = {{\n{body}\n}};"


def _probabilities(network: Network, table: str) -> str:
    if network.softmax is None:
        return (
            "\nvoid mnist_tune_probabilities(const int8_t *scores, uint8_t *probabilities) {\n"
            "  for (int n = 0; n < MNIST_TUNE_CLASSES; n++) probabilities[n] = "
            f"{_looked_up(network.table, table, 'scores[n] + 128')};\n}}\n"
        )
    softmax = network.softmax
    constants = (
        f"\nenum {{ SOFTMAX_MULTIPLIER = {softmax.multiplier}, SOFTMAX_SHIFT = {softmax.shift}, "
        f"SOFTMAX_LEAST = {softmax.least} }};\n"
    )
    byte = "(uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value)"
    return constants + _code("softmax.c").replace("@PROBABILITY@", _looked_up(network.table, table, byte))


def _looked_up(table: Table | None, name: str, byte: str) -> str:
    if table is None:
        return byte
    return f"{name}[{byte}]" if table.ndim == 1 else f"{name}[{_TABLE_ENTRIES} * n + {byte}]"


def _wrapped(words: Iterator[str] | Sequence[str] | map[str], indent: int = 4) -> list[str]:
    """Return words, each with a comma, in lines."""
    lines, line = [], " " * indent
    for word in words:
        if len(line) + len(word) + 1 > _LINE and line.strip():
            lines.append(line.rstrip())
            line = " " * indent
        line += f"{word}, "
    return [*lines, line.rstrip()]
