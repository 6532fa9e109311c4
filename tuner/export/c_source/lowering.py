"""Translation of a LiteRT file's operations to the stages of the C program.

Reshapes vanish, elementwise operations become tables, a 1×1 convolution joins the stage before it, and so does a max
pooling without overlap.
"""

from __future__ import annotations

from dataclasses import replace

from tuner.export.c_source.fixed_point import softmax_factor
from tuner.export.c_source.graph import Graph, Operation, read_graph
from tuner.export.c_source.layers import LAYERS, identity, map_of, pad
from tuner.export.c_source.stages import Map, Network, Softmax, Stage, Table
from tuner.export.c_source.tables import ELEMENTWISE, compose, compute_table, is_identity, is_monotone
from tuner.export.formats import ExportError

_RESHAPES = frozenset({"RESHAPE", "SQUEEZE", "EXPAND_DIMS"})
_OTHERS = frozenset({"PAD", "SOFTMAX"})
KNOWN = ELEMENTWISE | _RESHAPES | _OTHERS | LAYERS.keys()
"""The operations that the C format has."""
_MOST = 65535
"""Heights, widths and channels are uint16_t in the program."""
_INSTEAD = "Export this model as litert-int8."


def lower(content: bytes) -> Network:
    """Return the network of an int8 LiteRT file.

    Raises:
        ExportError: where it has an operation that C lacks, or isn't a chain of layers.
    """
    graph = read_graph(content)
    unknown = sorted({operation.kind for operation in graph.operations} - KNOWN)
    if unknown:
        raise ExportError(
            f"--format c has no {' and no '.join(unknown)}. Expected operations among {', '.join(sorted(KNOWN))}. {_INSTEAD}"
        )
    return _Lowering(content, graph).network()


class _Lowering:
    """The stages so far, and what can be read of the last one's output."""

    def __init__(self, content: bytes, graph: Graph) -> None:
        self._content, self._graph = content, graph
        self._stages: list[Stage] = []
        self._aliases: dict[int, int] = {}
        """Reshaped tensor → the tensor with its values."""
        self._last = graph.input
        """The last stage's output."""
        self._readable: dict[int, tuple[Operation, ...]] = {graph.input: ()}
        """Tensor of the last stage's values → the elementwise operations that lead to it."""
        self._pad: tuple[Map, tuple[int, int]] | None = None
        """The map before a PAD, and what that adds above and left."""
        self._softmax: Softmax | None = None
        self._scores = graph.input
        """The tensor that the softmax reads."""

    def network(self) -> Network:
        """Return the network."""
        for operation in self._graph.operations:
            self._add(operation)
        table: Table | None = self._table(self._source(self._graph.output))
        if self._softmax is None:
            self._scores = self._last
        elif table is not None and is_identity(table):
            table = None
        if not self._stages or self._stages[-1].output[:2] != (1, 1):
            raise ExportError("--format c expects a network that ends in one score a class.")
        if any(side > _MOST for stage in self._stages for side in (*stage.input, *stage.output)):
            raise ExportError(f"--format c expects maps with at most {_MOST:,} channels. {_INSTEAD}")
        scores = self._graph.tensors[self._scores]
        return Network(tuple(self._stages), float(scores.scale), scores.zero_point, self._softmax, table)

    def _add(self, operation: Operation) -> None:
        source = operation.inputs[0]
        if operation.kind in _RESHAPES:
            self._aliases[operation.output] = self._aliases.get(source, source)
        elif operation.kind in ELEMENTWISE:
            self._readable[operation.output] = self._elementwise(operation)
        else:
            self._layer(operation)
            self._last, self._readable = operation.output, {operation.output: ()}

    def _elementwise(self, operation: Operation) -> tuple[Operation, ...]:
        """Return the operations from the last stage's output to an elementwise one's."""
        before: dict[int, Operation] = {}
        channels = map_of(self._graph.tensors[operation.output].shape)[2]
        for tensor in operation.inputs:
            values = self._graph.tensors[tensor].values
            if values is None:
                before |= {one.output: one for one in self._readable[self._source(tensor)]}
            elif values.size not in (1, channels):
                raise ExportError(
                    f"--format c expects {operation.kind} with one value, or one for each of {channels} channels. "
                    f"Received: {values.size} values. {_INSTEAD}"
                )
        return (*before.values(), operation)

    def _layer(self, operation: Operation) -> None:
        if self._softmax is not None:
            raise ExportError(f"--format c expects SOFTMAX last. Received: {operation.kind} after it. {_INSTEAD}")
        source = self._source(operation.inputs[0])
        shape = map_of(self._graph.tensors[source].shape)
        if self._readable[source]:
            self._apply(self._table(source), shape)
        if operation.kind == "SOFTMAX":
            self._scores = source
            scale = float(self._graph.tensors[source].scale)
            self._softmax = Softmax(*softmax_factor(float(operation.options.beta), scale))
        elif operation.kind == "PAD":
            self._pad = shape, pad(self._graph, operation)
        else:
            self._append(self._padded(LAYERS[operation.kind](self._graph, operation)))

    def _source(self, tensor: int) -> int:
        source = self._aliases.get(tensor, tensor)
        if source not in self._readable:
            raise ExportError(f"--format c expects layers that follow one another. Received: branches. {_INSTEAD}")
        return source

    def _table(self, end: int) -> Table:
        return compute_table(self._content, self._graph, self._readable[end], self._aliases, (self._last, end))

    def _apply(self, table: Table, shape: Map) -> None:
        """Let the last stage apply a table to its values."""
        if is_identity(table):
            return
        self._only_before_a_convolution(None)
        if not self._stages or (self._stages[-1].pool != (1, 1) and not is_monotone(table)):
            self._append(identity(shape))
        stage = self._stages[-1]
        *others, layer = stage.layers
        first, *rest = (*others, replace(layer, table=compose(layer.table, table)))
        self._stages[-1] = replace(stage, layer=first, pointwise=tuple(rest))

    def _padded(self, stage: Stage) -> Stage:
        """Return a stage that does a PAD before it: what is outside a map counts nothing in a convolution."""
        self._only_before_a_convolution(stage)
        if self._pad is None:
            return stage
        (shape, (top, left)), self._pad = self._pad, None
        return replace(stage, input=shape, padding=(stage.padding[0] + top, stage.padding[1] + left))

    def _only_before_a_convolution(self, stage: Stage | None) -> None:
        if self._pad is not None and (stage is None or stage.layer.kind not in ("conv", "depthwise")):
            raise ExportError(f"--format c expects a convolution right after PAD. {_INSTEAD}")

    def _append(self, stage: Stage) -> None:
        """Add a stage, as a part of the last one where that can be."""
        last = self._stages[-1] if self._stages else None
        if last is None:
            self._stages.append(stage)
        elif last.mean is not None or last.pool != (1, 1) or last.output != stage.input:
            self._stages.append(replace(stage, whole=last.mean is not None or last.output != stage.input))
        elif _is_pointwise(stage):
            self._stages[-1] = replace(last, output=stage.output, pointwise=(*last.pointwise, stage.layer))
        elif _is_max_without_overlap(stage):
            self._stages[-1] = replace(last, output=stage.output, pool=stage.layer.kernel)
        else:
            self._stages.append(stage)


def _is_pointwise(stage: Stage) -> bool:
    return stage.layer.kind == "conv" and (stage.layer.kernel, stage.stride, stage.padding) == ((1, 1), (1, 1), (0, 0))


def _is_max_without_overlap(stage: Stage) -> bool:
    layer = stage.layer
    plain = layer.kind == "max" and (layer.lowest, layer.highest) == (0, 255) and stage.padding == (0, 0)
    fits = all(stage.output[axis] * layer.kernel[axis] <= stage.input[axis] for axis in range(2))
    return plain and fits and stage.stride == layer.kernel != (1, 1)
