"""Elementwise operations as tables of 256 bytes, computed by LiteRT's own reference kernels.

Everything from one map to another of the same size whose values depend on one value each (a scaling, tanh, the three
operations of a softsign, …) is one table, however many operations it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.export.c_source.graph import Graph, Operation, read_model
from tuner.export.c_source.stages import Table

ELEMENTWISE = frozenset(
    [
        "ABS",
        "ADD",
        "DIV",
        "ELU",
        "EXP",
        "GELU",
        "HARD_SWISH",
        "LEAKY_RELU",
        "LOG",
        "LOGISTIC",
        "MAXIMUM",
        "MINIMUM",
        "MUL",
        "NEG",
        "POW",
        "PRELU",
        "QUANTIZE",
        "RELU",
        "RELU6",
        "RELU_0_TO_1",
        "RELU_N1_TO_1",
        "RSQRT",
        "SQRT",
        "SQUARE",
        "SQUARED_DIFFERENCE",
        "SUB",
        "TANH",
    ]
)
_BYTES = 256


def compute_table(
    content: bytes, graph: Graph, operations: Sequence[Operation], aliases: Mapping[int, int], ends: tuple[int, int]
) -> Table:
    """Return the table of elementwise operations.

    Args:
        content: the LiteRT file's.
        graph: the same, read.
        operations: in the order of their execution.
        aliases: of each reshaped tensor the one with its values.
        ends: the tensor that the operations begin with, and the one that they give.

    Returns:
        (256,), or (channels, 256) where a constant has a value for each channel.
    """
    start, end = ends
    channels = _channels(graph, operations)
    shape = (_BYTES, channels)
    model = read_model(content)
    subgraph = model.subgraphs[0]
    kept = [one for one in subgraph.operators if int(one.outputs[0]) in {operation.output for operation in operations}]
    for operation in kept:
        operation.inputs = np.array([aliases.get(int(tensor), int(tensor)) for tensor in operation.inputs], np.int32)
        for tensor in (*operation.inputs, *operation.outputs):
            constant = graph.tensors[int(tensor)].values
            subgraph.tensors[int(tensor)].shape = np.array(
                shape if constant is None else (constant.size,) if constant.size > 1 else (1,), np.int32
            )
            subgraph.tensors[int(tensor)].shapeSignature = None
    subgraph.operators, subgraph.inputs, subgraph.outputs = kept, np.array([start]), np.array([end])
    model.signatureDefs = []
    values = np.arange(_BYTES).astype(np.uint8)
    if graph.tensors[start].dtype == "int8":
        values = (values ^ 128).view(np.int8)
    given = _run(model, np.repeat(values[:, None], channels, axis=1))
    table = given if given.dtype == np.uint8 else given.view(np.uint8) ^ np.uint8(128)
    return table[:, 0] if channels == 1 else np.ascontiguousarray(table.T)


def is_identity(table: Table) -> bool:
    """Return whether a table changes nothing."""
    return bool((table == np.arange(_BYTES)).all())


def is_monotone(table: Table) -> bool:
    """Return whether a larger byte never gives a smaller one: then a maximum may be taken after the table."""
    return bool((np.diff(table.astype(int), axis=-1) >= 0).all())


def compose(first: Table | None, then: Table) -> Table:
    """Return the table that has the effect of two, one after the other."""
    if first is None:
        return then
    if first.ndim == then.ndim == 1:
        return then[first]
    count = max(table.shape[0] for table in (first, then) if table.ndim == 2)
    firsts, thens = (np.broadcast_to(table, (count, _BYTES)) for table in (first, then))
    return np.take_along_axis(thens, firsts.astype(np.intp), axis=1)


def _channels(graph: Graph, operations: Sequence[Operation]) -> int:
    constants = [graph.tensors[tensor].values for operation in operations for tensor in operation.inputs if tensor >= 0]
    return max((values.size for values in constants if values is not None), default=1)


def _run(model: Any, values: NDArray[Any]) -> NDArray[Any]:
    """Return what a model (the flatbuffer's object) of LiteRT's reference kernels gives for one input."""
    import flatbuffers
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    interpreter = Interpreter(
        model_content=bytes(builder.Output()), experimental_op_resolver_type=OpResolverType.BUILTIN_REF
    )
    interpreter.allocate_tensors()
    (taken,), (given,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.set_tensor(taken["index"], values)
    interpreter.invoke()
    return np.array(interpreter.get_tensor(given["index"]))
