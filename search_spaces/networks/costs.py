"""The costs of a network from its layer specs, without building a model.

All parameters and multiply-adds are counted here; `keras.model` builds the model from the same fitted specs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search_spaces.networks.specs import INPUT_SHAPE, WEIGHTED, Dense, Dropout, Normalise, Shape, Spec, Weights

BYTES_PER_VALUE = 4
"""Activations are float32."""


@dataclass(frozen=True)
class LayerSummary:
    """One layer of a network, for reports."""

    name: str
    kind: str
    shape: tuple[int, ...]
    """The shape of the output for one image, without the batch axis."""
    parameters: int
    """Trainable ones."""
    multiply_adds: int
    """Multiply-adds of one image, forward."""
    non_trainable: int = 0
    """BatchNorm's moving statistics."""

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> LayerSummary:
        """Return the summary from the JSON of `dataclasses.asdict`."""
        return cls(
            name=str(document["name"]),
            kind=str(document["kind"]),
            shape=tuple(int(size) for size in document["shape"]),
            parameters=int(document["parameters"]),
            multiply_adds=int(document["multiply_adds"]),
            non_trainable=int(document.get("non_trainable", 0)),
        )


@dataclass(frozen=True, slots=True)
class FittedLayer:
    """One layer in a network."""

    spec: Spec
    number: int
    """From 1; layers with a kernel are numbered together, other layers by kind."""
    input_shape: Shape
    shape: Shape

    @property
    def name(self) -> str:
        """The Keras layer's name, such as "conv_1"; its BatchNorm is "batch_norm_1"."""
        return f"{self.spec.kind}_{self.number}"


def resolve(specs: Iterable[Spec], input_shape: Shape = INPUT_SHAPE) -> tuple[FittedLayer, ...]:
    """Return the layers of a network, each fitted to its input.

    A valid convolution on a map smaller than its kernel becomes "same"; a pooling on a map smaller than its window is
    omitted. So every sequence of specs is a network.
    """
    numbers: dict[str, int] = {}
    layers = []
    for spec, before, after in _walk(specs, input_shape):
        group = "weights" if isinstance(spec, WEIGHTED) else spec.kind
        numbers[group] = numbers.get(group, 0) + 1
        layers.append(FittedLayer(spec, numbers[group], before, after))
    return tuple(layers)


def summarise(specs: Iterable[Spec], input_shape: Shape = INPUT_SHAPE) -> tuple[LayerSummary, ...]:
    """Return the layers with their costs; BatchNorm is a separate layer, an activation part of its layer."""
    summaries: list[LayerSummary] = []
    flat = False
    for layer in resolve(specs, input_shape):
        # Dropout and scaling keep the shape of their input.
        flat = isinstance(layer.spec, Dense) or (flat and isinstance(layer.spec, Dropout | Normalise))
        summaries.extend(_summaries_of(layer, layer.shape[2:] if flat else layer.shape))
    return tuple(summaries)


def largest_activation_bytes(specs: Iterable[Spec], input_shape: Shape = INPUT_SHAPE) -> int:
    """Return the size of one image's largest layer output, in float32."""
    sizes = [after[0] * after[1] * after[2] for _, _, after in _walk(specs, input_shape)]
    return max(sizes, default=0) * BYTES_PER_VALUE


def costs(specs: Iterable[Spec], input_shape: Shape = INPUT_SHAPE) -> tuple[int, int]:
    """Return trainable parameters and multiply-adds, in some tens of microseconds."""
    terms, widths = chain(specs, input_shape)
    return chain_costs(terms, widths)


def chain(specs: Iterable[Spec], input_shape: Shape = INPUT_SHAPE) -> tuple[tuple[Weights, ...], list[int]]:
    """Return the layers with a kernel, and the channels between them: the input's, then each layer's output.

    No coefficient depends on a width, so widths can be replaced without the specs.
    """
    terms = []
    widths = [input_shape[2]]
    for spec, before, after in _walk(specs, input_shape):
        if isinstance(spec, WEIGHTED):
            terms.append(spec.weights(before))
            widths.append(after[2])
    return tuple(terms), widths


def chain_costs(terms: Sequence[Weights], widths: Sequence[int]) -> tuple[int, int]:
    """Return trainable parameters and multiply-adds of `chain`'s layers at these widths (one more than terms)."""
    parameters = multiply_adds = 0
    inputs = widths[0]
    for index, term in enumerate(terms, start=1):
        outputs = widths[index]
        parameters += term.parameters(inputs, outputs)
        multiply_adds += term.multiply_adds(inputs, outputs)
        inputs = outputs
    return parameters, multiply_adds


def check_specs(specs: Iterable[Spec]) -> None:
    """Raise ValueError where a layer is impossible in any space."""
    for spec in specs:
        if isinstance(spec, WEIGHTED) and spec.width < 1:
            raise ValueError(f"A layer needs filters or units of 1 and more. Received: {spec.kind} with {spec.width}")
        if isinstance(spec, Dropout) and not 0.0 <= spec.rate < 1.0:
            raise ValueError(f"dropout must be a fraction from 0 to less than 1. Received: dropout={spec.rate!r}")


def check_output(specs: Iterable[Spec], input_shape: Shape = INPUT_SHAPE) -> None:
    """Raise ValueError where a network doesn't end in one number for each class, that is in a map of 1×1."""
    *_, last = resolve(specs, input_shape)
    if last.shape[:2] != (1, 1):
        raise ValueError(
            f"The network's last map has several positions. Expected 1×1, as after GAP or a dense layer such as D10. "
            f"Received: {last.shape[0]}×{last.shape[1]} after {last.name}, from images of {input_shape[0]}×{input_shape[1]}"
        )


def _walk(specs: Iterable[Spec], input_shape: Shape) -> Iterator[tuple[Spec, Shape, Shape]]:
    """Yield each fitted spec with the shapes before and after it."""
    before = input_shape
    for spec in specs:
        fitted = spec.fitted(before)
        if fitted is None:
            continue
        after = fitted.output_shape(before)
        yield fitted, before, after
        before = after


def _summaries_of(layer: FittedLayer, shape: tuple[int, ...]) -> Iterator[LayerSummary]:
    spec = layer.spec
    if not isinstance(spec, WEIGHTED):
        kept = spec.non_trainable if isinstance(spec, Normalise) else 0
        yield LayerSummary(layer.name, spec.kind, shape, 0, 0, kept)
        return
    inputs, width = layer.input_shape[2], spec.width
    weights = spec.weights(layer.input_shape)
    norm = 2 * width * spec.batch_norm
    parameters = weights.parameters(inputs, width) - norm
    yield LayerSummary(layer.name, spec.kind, shape, parameters, weights.multiply_adds(inputs, width))
    if spec.batch_norm:
        # Scale and offset are trainable, the moving mean and variance are not.
        yield LayerSummary(f"batch_norm_{layer.number}", "batch_norm", shape, norm, 0, norm)
