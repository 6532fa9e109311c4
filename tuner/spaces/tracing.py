"""Tracing a model's layers in a forward pass: their outputs, and their multiply-adds, counted operation by operation.

Works for every model that Keras can call: nested and subclassed ones, shared layers, recurrent ones. Imports Keras.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from search_spaces.networks.costs import LayerSummary
from tuner.spaces import operation_costs

# Keras has no types: models, layers and tensors are `Any` here.


@dataclass(eq=False)
class TracedLayer:
    """A layer in one forward pass."""

    layer: Any
    outputs: list[Any] = field(default_factory=list)
    """One a call: a shared layer has several."""
    multiply_adds: int = 0
    """Multiply-adds of all of its calls."""


@dataclass(eq=False)
class Trace:
    """A forward pass."""

    layers: list[TracedLayer]
    """Layers in the model's order."""
    outside: int = 0
    """Multiply-adds of operations that belong to no layer."""
    complete: bool = True
    """False where something ran whose multiply-adds can't be counted."""
    _current: list[TracedLayer] = field(default_factory=list)

    def add(self, multiply_adds: int | None) -> None:
        """Count an operation: for the outermost layer that runs."""
        if multiply_adds is None:
            self.complete = False
        elif self._current:
            self._current[0].multiply_adds += multiply_adds
        else:
            self.outside += multiply_adds

    @contextlib.contextmanager
    def running(self, traced: TracedLayer) -> Iterator[None]:
        """Count the operations that run meanwhile for this layer."""
        self._current.append(traced)
        try:
            yield
        finally:
            self._current.pop()


def leaf_layers(model: Any) -> Iterator[Any]:
    """Yield the layers of a model in their order, those of nested models in place of these; without input layers."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from leaf_layers(layer)
        elif not isinstance(layer, keras.layers.InputLayer):
            yield layer


def trace(model: Any, images: Any) -> Trace:
    """Return the trace of a model's forward pass.

    Args:
        model: a built Keras model.
        images: (n, …) in the model's form. Multiply-adds are of all of them together.
    """
    recorded_trace = Trace([TracedLayer(layer) for layer in _unique(leaf_layers(model))])
    with contextlib.ExitStack() as stack:
        for traced in recorded_trace.layers:
            stack.enter_context(_watched(recorded_trace, traced))
        stack.enter_context(_unrolled(model))
        stack.enter_context(operation_costs.counting(recorded_trace.add))
        model(images, training=False)
    return recorded_trace


def summaries(model: Any, image: Any) -> tuple[tuple[LayerSummary, ...], bool]:
    """Return each layer's summary for one image, and whether all multiply-adds are known.

    Args:
        model: a built Keras model.
        image: (1, …) as the model takes it.
    """
    recorded_trace = trace(model, image)
    rows = [_summary(traced) for traced in recorded_trace.layers]
    if recorded_trace.outside:
        rows.append(LayerSummary(model.name, "operations", (), 0, recorded_trace.outside))
    return tuple(rows), recorded_trace.complete


def layer_maps(model: Any, image: Any, chosen: Callable[[Sequence[TracedLayer]], Sequence[TracedLayer]]) -> Any:
    """Return name → output (without the batch axis) of chosen layers for one image (1, …)."""
    return {
        traced.layer.name: np.asarray(keras.ops.convert_to_numpy(traced.outputs[0]))[0]
        for traced in chosen(trace(model, image).layers)
    }


def output_shape(traced: TracedLayer) -> tuple[int, ...]:
    """Return the shape of a layer's (first) output for one image; empty where it was not called."""
    outputs = keras.tree.flatten(traced.outputs)
    return tuple(int(size) for size in getattr(outputs[0], "shape", ())[1:]) if outputs else ()


@contextlib.contextmanager
def _unrolled(model: Any) -> Iterator[None]:
    """Unroll recurrent layers: in a loop Keras runs the first step twice, to infer shapes."""
    layers = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.RNN) and not layer.unroll]
    for layer in layers:
        layer.unroll = True
    try:
        yield
    finally:
        for layer in layers:
            layer.unroll = False


def _unique(layers: Iterator[Any]) -> list[Any]:
    return list({id(layer): layer for layer in layers}.values())


@contextlib.contextmanager
def _watched(recorded_trace: Trace, traced: TracedLayer) -> Iterator[None]:
    """Record a layer's calls: its `call` is replaced on the instance, past Keras's own attribute tracking."""
    layer, call = traced.layer, traced.layer.call
    instance_call = layer.__dict__.get("call")

    def watched(*arguments: Any, **keywords: Any) -> Any:
        with recorded_trace.running(traced):
            output = operation_costs.counted(call, recorded_trace.add, *arguments, **keywords)
        traced.outputs.append(output)
        return output

    layer.__dict__["call"] = watched
    try:
        yield
    finally:
        if instance_call is None:
            del layer.__dict__["call"]
        else:
            layer.__dict__["call"] = instance_call


def _summary(traced: TracedLayer) -> LayerSummary:
    layer = traced.layer
    fixed = [weight for weight in layer.non_trainable_weights if "seed" not in weight.name]
    return LayerSummary(
        layer.name,
        _kind(layer),
        output_shape(traced),
        _count(layer.trainable_weights),
        traced.multiply_adds,
        _count(fixed),
    )


def _count(weights: Sequence[Any]) -> int:
    return sum(math.prod(weight.shape) for weight in weights)


def _kind(layer: Any) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(layer).__name__).lower()
