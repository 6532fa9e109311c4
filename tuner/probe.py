"""A process that builds a user's HyperModel to see what it declares, draws and weighs; it trains nothing.

Started as `python -m tuner.probe` with a space on its first line of input; then JSON lines in and out. When standard input ends it ends
too. The parent of a run never imports a user's module: what that does on import happens here.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import keras_tuner
import numpy as np

from search_spaces.networks import LayerSummary
from tuner.records import Json, Value
from tuner.tasks import SpaceRef
from tuner.trial import make_space
from tuner.worker import prepare_device, private_output, reason

# Keras and Keras Tuner have no types: models, layers, hyperparameters and HyperModels are `Any` here.

_MOST_BUILDS = 200
_DRAWS = 100


class ProbeError(ValueError):
    """A HyperModel that can't be used: said in words for its author."""


def main() -> None:
    """Answers requests until standard input ends."""
    out = private_output()
    prepare_device()
    lines = iter(sys.stdin)
    ref = SpaceRef(**json.loads(next(lines)))
    asked = _Answers(ref)
    for line in lines:
        request = json.loads(line)
        out.write(_answered(asked, request) + "\n")
        out.flush()
        keras.backend.clear_session()


def _answered(asked: _Answers, request: Json) -> str:
    """The answer as JSON. Whatever a HyperModel does, `sys.exit` included, ends as words."""
    try:
        return json.dumps({"answer": getattr(asked, request.pop("do"))(**request)})
    except (Exception, SystemExit) as error:
        return json.dumps({"error": str(error) if isinstance(error, ProbeError) else reason(error)})


class _Answers:
    """What is asked of a user's space."""

    def __init__(self, ref: SpaceRef) -> None:
        self._ref = ref
        self._made: Any = None
        self._declared: Any = None

    def describe(self) -> Json:
        """Its hyperparameters, as Keras Tuner writes them down, and the caps that it names."""
        return {
            "hyperparameters": self.declared.get_config(),
            "defaults": _defaults(self.declared),
            "max_params": _cap(self.space, "max_params"),
            "max_macs": _cap(self.space, "max_macs"),
            "description": " ".join((type(self.space).__doc__ or "").split("\n\n")[0].split()),
        }

    def draw(self, seed: Sequence[int], max_params: int | None, max_macs: int | None) -> Json:
        """The first configuration within the caps of a stream of random ones."""
        rng = np.random.default_rng(seed)
        smallest: int | None = None
        for _ in range(_DRAWS):
            hp = _random(self.declared, rng)
            weighed = self._weighed(hp)
            if _fits(weighed, max_params, max_macs):
                return {"configuration": active(hp), **weighed}
            smallest = min(weighed["parameters"], smallest or weighed["parameters"])
        raise ProbeError(
            f"No network fits. Expected a cap that one of {_DRAWS} draws keeps; the smallest of them has {smallest:,} parameters. "
            f"Received: max_params={max_params}, max_macs={max_macs}"
        )

    def weigh(self, configuration: Mapping[str, Value]) -> Json:
        """Parameters and layers of a configuration."""
        hp = self.declared.copy()
        hp.values = dict(configuration)
        return self._weighed(hp)

    @property
    def space(self) -> Any:
        if self._made is None:
            self._made = make_space(self._ref)
        return self._made

    @property
    def declared(self) -> Any:
        """Every hyperparameter, those included that only another one's value brings about."""
        if self._declared is None:
            self._declared = discover(self.space)
        return self._declared

    def _weighed(self, hp: Any) -> Json:
        layers = list(summaries(build(self.space, hp)))
        return {
            "parameters": sum(layer.parameters for layer in layers),
            "layers": [vars(layer) for layer in layers],
        }


def _cap(space: Any, name: str) -> int | None:
    cap = getattr(space, name, None)
    if cap is None or (isinstance(cap, int) and not isinstance(cap, bool) and cap > 0):
        return cap
    raise ProbeError(f"{type(space).__name__}.{name} must be a whole number of 1 or more. Received: {str(cap)[:80]}")


def _fits(weighed: Json, max_params: int | None, max_macs: int | None) -> bool:
    macs = sum(layer["multiply_adds"] for layer in weighed["layers"])
    caps = ((max_params, weighed["parameters"]), (max_macs, macs))
    return all(cap is None or size <= cap for cap, size in caps)


def build(space: Any, hp: Any) -> Any:
    """The model of some hyperparameters.

    Raises:
        ProbeError: where `build` returns no Keras model.
    """
    model = space.build(hp)
    if not isinstance(model, keras.Model):
        raise ProbeError(
            f"{type(space).__name__}.build must return a compiled keras.Model. Received: {type(model).__name__}"
        )
    return model


def discover(space: Any) -> Any:
    """The hyperparameters of a HyperModel: it is built with each value of each choice until nothing new comes up."""
    hp = keras_tuner.HyperParameters()
    build(space, hp)
    tried: set[tuple[str, Value]] = set()
    for _ in range(_MOST_BUILDS):
        untried = next((pair for pair in _choices(hp) if pair not in tried), None)
        if untried is None:
            return hp
        tried.add(untried)
        trial = hp.copy()
        trial.values = {**_defaults(hp), **_demanded(hp, *untried)}
        build(space, trial)
        hp.merge(trial)
    return hp


def _choices(hp: Any) -> Iterator[tuple[str, Value]]:
    for own in hp.space:
        if isinstance(own, (keras_tuner.engine.hyperparameters.Choice, keras_tuner.engine.hyperparameters.Boolean)):
            yield from ((own.name, value) for value in own.values)


def _demanded(hp: Any, name: str, value: Value) -> dict[str, Value]:
    """A value, and those of the others under which it is active."""
    wanted = {name: value}
    for own in hp.space:
        if own.name == name:
            wanted |= {condition.name: condition.values[0] for condition in own.conditions}
    return wanted


def _defaults(hp: Any) -> dict[str, Value]:
    return {own.name: own.default for own in hp.space}


def _random(declared: Any, rng: np.random.Generator) -> Any:
    hp = declared.copy()
    hp.values = {}
    for own in hp.space:
        # One number for each, active or not, so that a draw doesn't shift those after it.
        probability = rng.random()
        if all(condition.is_active(hp.values) for condition in own.conditions):
            hp.values[own.name] = own.prob_to_value(probability)
    return hp


def active(hp: Any) -> dict[str, Value]:
    """The values of the active hyperparameters, in the order in which they are declared."""
    return {
        own.name: hp.values[own.name]
        for own in hp.space
        if own.name in hp.values and all(condition.is_active(hp.values) for condition in own.conditions)
    }


def summaries(model: Any) -> Iterator[LayerSummary]:
    """What each layer of a Keras model is and costs; of layers that aren't known the multiply-adds count 0."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        shape = tuple(int(size) for size in getattr(layer.output, "shape", ())[1:] if size is not None)
        trained = sum(int(np.prod(weight.shape)) for weight in layer.trainable_weights)
        fixed = sum(int(np.prod(weight.shape)) for weight in layer.non_trainable_weights if "seed" not in weight.name)
        yield LayerSummary(layer.name, _kind(layer), shape, trained, _multiply_adds(layer, shape), fixed)


def _kind(layer: Any) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(layer).__name__).lower()


def _multiply_adds(layer: Any, shape: tuple[int, ...]) -> int:
    """Of one image: a kernel's numbers, each as often as it is applied."""
    kernels = [weight for weight in layer.trainable_weights if "kernel" in weight.name]
    positions = int(np.prod(shape[:-1])) if len(shape) > 1 and not isinstance(layer, keras.layers.Dense) else 1
    return sum(int(np.prod(kernel.shape)) for kernel in kernels) * positions


if __name__ == "__main__":
    main()
