"""Networks as data: what follows from layer specs without building a model.

A network's parameters and multiply-adds are counted here and nowhere else; `model` builds it in Keras from the same
fitted specs. No Keras, no hyperparameters.
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
    """One layer of a network as reports show it."""

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
        """Read what `dataclasses.asdict` wrote."""
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
    """One layer at its place in a network."""

    spec: Spec
    number: int
    """From 1; layers with a kernel are counted together, the others each kind for itself."""
    input_shape: Shape
    shape: Shape

    @property
    def name(self) -> str:
        """The Keras layer's name: "conv_1". That of its BatchNorm is "batch_norm_1"."""
        return f"{self.spec.kind}_{self.number}"


def resolve(specs: Iterable[Spec], input_shape: Shape = INPUT_SHAPE) -> tuple[FittedLayer, ...]:
    """The network as it is built: each layer fitted to the map that it receives.

    A valid convolution on a map smaller than its kernel becomes "same"; a pooling on a map smaller than its window is
    left out. So every sequence of specs is a network.
    """
    numbers: dict[str, int] = {}
    layers = []
    for spec, before, after in _walk(specs, input_shape):
        group = "weights" if isinstance(spec, WEIGHTED) else spec.kind
        numbers[group] = numbers.get(group, 0) + 1
        layers.append(FittedLayer(spec, numbers[group], before, after))
    return tuple(layers)


def summarise(specs: Iterable[Spec], input_shape: Shape = INPUT_SHAPE) -> tuple[LayerSummary, ...]:
    """Return what each layer is and costs, BatchNorm as a layer of its own; activations are part of their layer."""
    summaries: list[LayerSummary] = []
    flat = False
    for layer in resolve(specs, input_shape):
        # Dropout and scaling keep the axes that they receive; every other layer makes its own.
        flat = isinstance(layer.spec, Dense) or (flat and isinstance(layer.spec, Dropout | Normalise))
        summaries.extend(_summaries_of(layer, layer.shape[2:] if flat else layer.shape))
    return tuple(summaries)


def largest_activation_bytes(specs: Iterable[Spec], input_shape: Shape = INPUT_SHAPE) -> int:
    """Size of the largest map between two layers for one image, in float32; the input is no layer."""
    sizes = [after[0] * after[1] * after[2] for _, _, after in _walk(specs, input_shape)]
    return max(sizes, default=0) * BYTES_PER_VALUE


def costs(specs: Iterable[Spec], input_shape: Shape = INPUT_SHAPE) -> tuple[int, int]:
    """Trainable parameters and multiply-adds, in some tens of microseconds."""
    terms, widths = chain(specs, input_shape)
    return chain_costs(terms, widths)


def chain(specs: Iterable[Spec], input_shape: Shape = INPUT_SHAPE) -> tuple[tuple[Weights, ...], list[int]]:
    """The layers with a kernel, and the channels between them: the input's, then each layer's output.

    No coefficient depends on a width, so that widths may be exchanged without asking the specs again.
    """
    terms = []
    widths = [input_shape[2]]
    for spec, before, after in _walk(specs, input_shape):
        if isinstance(spec, WEIGHTED):
            terms.append(spec.weights(before))
            widths.append(after[2])
    return tuple(terms), widths


def chain_costs(terms: Sequence[Weights], widths: Sequence[int]) -> tuple[int, int]:
    """Trainable parameters and multiply-adds of `chain`'s layers at these widths (one more than terms)."""
    parameters = multiply_adds = 0
    inputs = widths[0]
    for index, term in enumerate(terms, start=1):
        outputs = widths[index]
        parameters += term.parameters(inputs, outputs)
        multiply_adds += term.multiply_adds(inputs, outputs)
        inputs = outputs
    return parameters, multiply_adds


def check_specs(specs: Iterable[Spec]) -> None:
    """Check a network that somebody wrote.

    Raises:
        ValueError: where a layer makes no sense at all, whatever a space's range is; one line.
    """
    for spec in specs:
        if isinstance(spec, WEIGHTED) and spec.width < 1:
            raise ValueError(f"A layer needs filters or units of 1 and more. Received: {spec.kind} with {spec.width}")
        if isinstance(spec, Dropout) and not 0.0 <= spec.rate < 1.0:
            raise ValueError(f"dropout must be a share from 0 to less than 1. Received: dropout={spec.rate!r}")


def _walk(specs: Iterable[Spec], input_shape: Shape) -> Iterator[tuple[Spec, Shape, Shape]]:
    """Each fitted spec with the shapes before and after it."""
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
        # Scale and offset are trained; the moving mean and variance are not.
        yield LayerSummary(f"batch_norm_{layer.number}", "batch_norm", shape, norm, 0, norm)
