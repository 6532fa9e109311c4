"""The layers of a LiteRT file as stages of their own, with the numbers that LiteRT's reference kernels prepare."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

from tuner.export.c_source.fixed_point import mean_factor, quantise_factor
from tuner.export.c_source.graph import Graph, Operation, Tensor
from tuner.export.c_source.stages import Kind, Layer, Map, Mean, Stage, Weights
from tuner.export.formats import ExportError

Builder: TypeAlias = Callable[[Graph, Operation], Stage]

_BYTE_ZERO = 128
"""An activation's byte is its int8 value plus this."""
_CLIPS: dict[int, tuple[float | None, float | None]] = {
    schema.ActivationFunctionType.NONE: (None, None),
    schema.ActivationFunctionType.RELU: (0.0, None),
    schema.ActivationFunctionType.RELU6: (0.0, 6.0),
    schema.ActivationFunctionType.RELU_N1_TO_1: (-1.0, 1.0),
}


def map_of(shape: tuple[int, ...]) -> Map:
    """Return height, width and channels of a tensor for one image."""
    sides = shape[1:]
    if not shape or shape[0] != 1 or not 1 <= len(sides) <= 3:
        raise ExportError(f"--format c expects tensors (1, n), (1, h, w) or (1, h, w, c). Received: {shape}")
    if len(sides) == 1:
        return 1, 1, sides[0]
    return sides[0], sides[1], (*sides, 1)[2]


def identity(shape: Map) -> Stage:
    """Return a stage that copies its map."""
    return Stage(shape, shape, Layer("max", (1, 1), shape[2], shape[2]))


def _conv(graph: Graph, operation: Operation) -> Stage:
    kernel = graph.constant(operation.inputs[1])
    return _windows(graph, operation, "conv", kernel, (kernel.shape[1], kernel.shape[2]))


def _depthwise(graph: Graph, operation: Operation) -> Stage:
    kernel = graph.constant(operation.inputs[1])[0]
    return _windows(graph, operation, "depthwise", kernel, (kernel.shape[0], kernel.shape[1]))


def _windows(graph: Graph, operation: Operation, kind: Kind, kernel: Any, sides: tuple[int, int]) -> Stage:
    options = operation.options
    if (options.dilationHFactor, options.dilationWFactor) != (1, 1):
        raise ExportError("--format c has no dilated convolution. Export this model as litert-int8.")
    taken, given = graph.tensors[operation.inputs[0]], graph.tensors[operation.output]
    source, output = map_of(taken.shape), map_of(given.shape)
    stride = (options.strideH, options.strideW)
    padding = _padding(options.padding, source, output, sides, stride)
    return Stage(source, output, _layer(graph, operation, kind, kernel, sides), stride, padding)


def _dense(graph: Graph, operation: Operation) -> Stage:
    kernel = graph.constant(operation.inputs[1])
    outputs, inputs = kernel.shape
    layer = _layer(graph, operation, "conv", kernel.reshape(outputs, 1, 1, inputs), (1, 1))
    return Stage((1, 1, inputs), (1, 1, outputs), layer)


def _layer(graph: Graph, operation: Operation, kind: Kind, kernel: Any, sides: tuple[int, int]) -> Layer:
    taken, weights = (graph.tensors[tensor] for tensor in operation.inputs[:2])
    given = graph.tensors[operation.output]
    if weights.dtype != "int8" or any(weights.zero_points):
        raise ExportError(f"--format c expects int8 kernels around 0. Received: {operation.kind} with {weights.dtype}")
    outputs = map_of(given.shape)[2]
    factors = [quantise_factor(factor) for factor in _factors(operation.kind, taken, weights, given)]
    multipliers, shifts = zip(*(factors * (1 if len(factors) > 1 else outputs)), strict=True)
    bias = operation.inputs[2] if len(operation.inputs) > 2 else -1
    lowest, highest = _clips(operation, given)
    return Layer(
        kind,
        sides,
        map_of(taken.shape)[2],
        outputs,
        Weights(
            np.ascontiguousarray(kernel),
            None if bias < 0 or not graph.constant(bias).any() else graph.constant(bias),
            np.array(multipliers, np.int32),
            np.array(shifts, np.int8),
        ),
        taken.zero_point + _BYTE_ZERO,
        given.zero_point + _BYTE_ZERO,
        lowest,
        highest,
        rounds_once=operation.kind == "FULLY_CONNECTED",
    )


def _factors(kind: str, taken: Tensor, weights: Tensor, given: Tensor) -> list[float]:
    """Return the factors from sums to outputs; LiteRT multiplies the scales of a dense layer without channels as floats."""
    if kind == "FULLY_CONNECTED" and len(weights.scales) == 1:
        return [float(taken.scale * weights.scale) / float(given.scale)]
    return [float(taken.scale) * float(scale) / float(given.scale) for scale in weights.scales]


def _clips(operation: Operation, given: Tensor) -> tuple[int, int]:
    least, most = _CLIPS[operation.options.fusedActivationFunction]
    lowest = 0 if least is None else max(0, _quantised(least, given))
    highest = 255 if most is None else min(255, _quantised(most, given))
    return lowest, highest


def _quantised(value: float, tensor: Tensor) -> int:
    steps = float(np.float32(value) / tensor.scale)
    return int(np.copysign(np.floor(abs(steps) + 0.5), steps)) + tensor.zero_point + _BYTE_ZERO


def _max_pool(graph: Graph, operation: Operation) -> Stage:
    return _pool(graph, operation, "max")


def _average_pool(graph: Graph, operation: Operation) -> Stage:
    return _pool(graph, operation, "average")


def _pool(graph: Graph, operation: Operation, kind: Kind) -> Stage:
    options = operation.options
    given = graph.tensors[operation.output]
    source, output = map_of(graph.tensors[operation.inputs[0]].shape), map_of(given.shape)
    sides, stride = (options.filterHeight, options.filterWidth), (options.strideH, options.strideW)
    lowest, highest = _clips(operation, given)
    layer = Layer(kind, sides, source[2], source[2], lowest=lowest, highest=highest)
    return Stage(source, output, layer, stride, _padding(options.padding, source, output, sides, stride))


def _mean(graph: Graph, operation: Operation) -> Stage:
    taken, given = graph.tensors[operation.inputs[0]], graph.tensors[operation.output]
    axes = sorted(int(axis) % len(taken.shape) for axis in graph.constant(operation.inputs[1]).ravel())
    if len(taken.shape) != 4 or axes != [1, 2]:
        raise ExportError(f"--format c expects MEAN over height and width. Received: axes {axes} of {taken.shape}")
    height, width, channels = map_of(taken.shape)
    multiplier, shift = mean_factor(float(taken.scale) / float(given.scale), height * width)
    mean = Mean(multiplier, shift, taken.zero_point + _BYTE_ZERO, given.zero_point + _BYTE_ZERO)
    layer = Layer("average", (height, width), channels, channels)
    return Stage((height, width, channels), (1, 1, channels), layer, mean=mean)


def crop(graph: Graph, operation: Operation) -> Stage:
    """Return a stage that copies a part of its map."""
    taken, given = graph.tensors[operation.inputs[0]], graph.tensors[operation.output]
    begin, end, step = (graph.constant(tensor).ravel() for tensor in operation.inputs[1:4])
    options = operation.options
    starts = [0 if options.beginMask >> axis & 1 else int(begin[axis]) % side for axis, side in enumerate(taken.shape)]
    source, output = map_of(taken.shape), map_of(given.shape)
    if len(taken.shape) != len(given.shape) or len(taken.shape) < 3 or any(step != 1) or source[2] != output[2]:
        raise ExportError(
            f"--format c expects a crop of rows and columns. Received: {taken.shape} to {given.shape}, ends {end}"
        )
    layer = Layer("max", (1, 1), source[2], source[2])
    return Stage(source, output, layer, padding=(-starts[1], -starts[2]))


def pad(graph: Graph, operation: Operation) -> tuple[int, int]:
    """Return the rows above and the columns left of the map that a PAD adds."""
    amounts = graph.constant(operation.inputs[1])
    if amounts.shape != (4, 2) or amounts[0].any() or amounts[3].any():
        raise ExportError(f"--format c expects PAD of rows and columns. Received: {amounts.tolist()}")
    return int(amounts[1, 0]), int(amounts[2, 0])


def _padding(
    padding: int, source: Map, output: Map, kernel: tuple[int, int], stride: tuple[int, int]
) -> tuple[int, int]:
    if padding == schema.Padding.VALID:
        return 0, 0
    rows, columns = (max((output[axis] - 1) * stride[axis] + kernel[axis] - source[axis], 0) // 2 for axis in range(2))
    return rows, columns


LAYERS: Mapping[str, Builder] = {
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _dense,
    "MAX_POOL_2D": _max_pool,
    "AVERAGE_POOL_2D": _average_pool,
    "MEAN": _mean,
    "STRIDED_SLICE": crop,
}
