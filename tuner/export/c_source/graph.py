"""A LiteRT file's graph: its tensors and operations, read from the flatbuffer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from tensorflow.lite.python import schema_py_generated as schema

Array: TypeAlias = NDArray[Any]

# TensorFlow's classes of the flatbuffer have no types: models and options are `Any` here.

_KINDS: dict[int, str] = {code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
_DTYPES: dict[int, str] = {
    schema.TensorType.FLOAT32: "float32",
    schema.TensorType.INT32: "int32",
    schema.TensorType.INT64: "int64",
    schema.TensorType.INT8: "int8",
    schema.TensorType.UINT8: "uint8",
}


@dataclass(frozen=True, eq=False)
class Tensor:
    """An activation, or a constant."""

    shape: tuple[int, ...]
    dtype: str
    """numpy's name, or the number of a type that no int8 file has."""
    scales: NDArray[np.float32]
    """One, or one a channel; none of what is not quantised."""
    zero_points: tuple[int, ...]
    values: Array | None
    """None: an activation."""

    @property
    def scale(self) -> np.float32:
        """The scale of a tensor that has one."""
        return np.float32(self.scales[0])

    @property
    def zero_point(self) -> int:
        """The zero point of a tensor that has one."""
        return self.zero_points[0]


@dataclass(frozen=True, eq=False)
class Operation:
    """One operation."""

    kind: str
    """Its name in LiteRT's schema: `CONV_2D`."""
    inputs: tuple[int, ...]
    """Tensors; -1: an optional one that is missing."""
    output: int
    options: Any


@dataclass(frozen=True, eq=False)
class Graph:
    """The operations in the order of their execution."""

    tensors: tuple[Tensor, ...]
    operations: tuple[Operation, ...]
    input: int
    output: int

    def constant(self, tensor: int) -> Array:
        """Return a constant's values."""
        values = self.tensors[tensor].values
        if values is None:
            raise ValueError(f"Expected a constant. Received: tensor {tensor}, an activation")
        return values


def read_graph(content: bytes) -> Graph:
    """Return the graph of a LiteRT file's content."""
    model = read_model(content)
    graph = model.subgraphs[0]
    return Graph(
        tuple(_tensor(tensor, model.buffers[tensor.buffer].data) for tensor in graph.tensors),
        tuple(_operation(operation, model.operatorCodes) for operation in graph.operators),
        int(graph.inputs[0]),
        int(graph.outputs[0]),
    )


def read_model(content: bytes) -> Any:
    """Return the flatbuffer as an object (untyped) that may be changed and packed again."""
    return schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))


def _tensor(tensor: Any, content: Any) -> Tensor:
    shape = () if tensor.shape is None else tuple(int(side) for side in tensor.shape)
    dtype = _DTYPES.get(tensor.type, str(tensor.type))
    quantization = tensor.quantization
    scales = None if quantization is None else quantization.scale
    zeros = None if quantization is None else quantization.zeroPoint
    values = None
    if content is not None and len(content) and dtype in _DTYPES.values():
        values = np.asarray(content, np.uint8).view(dtype).reshape(shape)
    return Tensor(
        shape,
        dtype,
        np.asarray([] if scales is None else scales, np.float32),
        () if zeros is None else tuple(int(zero) for zero in zeros),
        values,
    )


def _operation(operation: Any, codes: Any) -> Operation:
    code = codes[operation.opcodeIndex]
    # Old operations have their code in a field of one byte.
    kind = _KINDS.get(max(code.builtinCode, code.deprecatedBuiltinCode), "?")
    inputs = tuple(int(tensor) for tensor in operation.inputs)
    return Operation(kind, inputs, int(operation.outputs[0]), operation.builtinOptions)
