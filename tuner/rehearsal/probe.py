"""A process that builds a user's HyperModel: discovers hyperparameters, rehearses training, samples, counts parameters.

Started as `python -m tuner.rehearsal.probe`; the first message is a space, the others are requests about it. The parent
of a run never imports a user's module: only this process does.
"""

from __future__ import annotations

import dataclasses
import gc
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from tuner.core.failures import reason
from tuner.core.records import Json, Value, configuration_key
from tuner.processes.environment import prepare_device
from tuner.processes.serving import Parent
from tuner.processes.tasks import SpaceRef
from tuner.rehearsal.network_form import SpaceError, built
from tuner.rehearsal.rehearsal import rehearse
from tuner.spaces.adapter import build, build_network, format_images, hyperparameters
from tuner.spaces.discovery import Discovered, defaults, discover, is_active, random_values
from tuner.spaces.loading import make_space
from tuner.spaces.rehearsal_images import read_images
from tuner.spaces.tracing import summaries
from tuner.storage.schema.model_interface import ModelInterface

# Keras and Keras Tuner have no types: models, hyperparameters and HyperModels are `Any` here.

_SAMPLES = 100
MOST_HYPERPARAMETERS = 1000
"""The largest number of them that a run's document may have."""
_BUILDS_A_SESSION = 20
"""The number of builds between two calls of `clear_session`."""


def main() -> None:
    """Answer requests until the parent ends."""
    parent = Parent()
    prepare_device()
    # The collector need not scan the imported modules at each `clear_session`.
    gc.collect()
    gc.freeze()
    answers = Answers(SpaceRef.from_json(parent.receive()))
    while True:
        serve(answers, parent.receive(), parent.send)


def serve(answers: Answers, request: Json, send: Callable[[Json], None]) -> None:
    """Send the answer to a request, or an error message, whatever a HyperModel raises (`sys.exit` included)."""
    try:
        send({"answer": getattr(answers, request.pop("do"))(**request)})
    except (Exception, SystemExit) as error:
        send({"error": str(error) if isinstance(error, SpaceError) else reason(error)})


class Answers:
    """The requests that a run makes about a user's space."""

    def __init__(self, ref: SpaceRef) -> None:
        self._ref = ref
        self._space: Any = None
        self._declared: Any = None
        self._in_build: frozenset[str] = frozenset()
        """Names that `build` declares; those that only `fit` declares are always active."""
        self._interface: ModelInterface | None = ref.interface
        self._weighed: dict[str, Json | None] = {}
        self._builds = 0

    def describe(self, images: str) -> Json:
        """Return the space's hyperparameters in Keras Tuner's form, its own caps, and the result of a rehearsal.

        Args:
            images: a few images of the run's data, as `images_text` wrote them.
        """
        try:
            self._space = make_space(self._ref)
        except ValueError as error:
            raise SpaceError(str(error)) from error
        caps = {name: self._cap(name) for name in ("max_params", "max_macs")}
        discovered = self._discover()
        self._declared = discovered.declared
        self._in_build = frozenset(hyperparameter.name for hyperparameter in discovered.declared.space)
        rehearsal = rehearse(self._space, discovered.declared, read_images(images))
        self._interface = rehearsal.interface
        if len(discovered.declared.space) > MOST_HYPERPARAMETERS:
            raise SpaceError(
                f"The space has too many hyperparameters. Expected {MOST_HYPERPARAMETERS:,} at most. Received: {len(discovered.declared.space):,}"
            )
        notes = [*_discovery_notes(discovered), *rehearsal.notes]
        if not self.weigh(defaults(discovered.declared))["macs_known"]:
            notes.append(
                "The multiply-adds of these networks are not known: some operations can't be counted, and are left out of the figures."
            )
        return {
            "hyperparameters": discovered.declared.get_config(),
            "defaults": defaults(discovered.declared),
            **caps,
            "description": " ".join((getattr(self._space, "__doc__", "") or "").split("\n\n")[0].split()),
            "model": dataclasses.asdict(rehearsal.interface),
            "notes": notes,
        }

    def sample(self, seed: Sequence[int], max_params: int | None, max_macs: int | None) -> Json:
        """Return the first random configuration within the caps."""
        rng = np.random.default_rng(seed)
        smallest: int | None = None
        for _ in range(_SAMPLES):
            weighed = self._try_weigh(random_values(self._declared, rng))
            if weighed is None:
                continue
            if _fits(weighed, max_params, max_macs):
                return weighed
            smallest = min(weighed["parameters"], smallest or weighed["parameters"])
        if smallest is None:
            raise SpaceError(f"None of {_SAMPLES} random configurations makes a network. {self._last_error}")
        raise SpaceError(
            f"No network fits. Expected a cap that one of {_SAMPLES} random configurations keeps; the smallest of them has {smallest:,} "
            f"parameters. Received: max_params={max_params}, max_macs={max_macs}"
        )

    def weigh(self, configuration: Mapping[str, Value]) -> Json:
        """Return parameters, layers and active values of a configuration."""
        key = configuration_key(configuration)
        if self._weighed.get(key) is None:
            self._weighed[key] = self._weigh(configuration)
        return self._weighed[key] or {}

    def _try_weigh(self, values: Mapping[str, Value]) -> Json | None:
        """Build sampled values once, and return their counts; None where they make no network."""
        key = configuration_key(values)
        if key not in self._weighed:
            try:
                self._weighed[key] = self._weigh(values)
            except Exception as error:  # a combination that a user's build can't make
                self._weighed[key], self._last_error = None, reason(error)
        return self._weighed[key]

    _last_error = ""

    def _weigh(self, configuration: Mapping[str, Value]) -> Json:
        if self._interface is None:
            raise SpaceError("The space was not described yet.")
        self._builds += 1
        if self._builds % _BUILDS_A_SESSION == 0:
            keras.backend.clear_session()
        hp = hyperparameters(configuration)
        network = build_network(self._space, hp, self._interface)
        image = format_images(np.zeros((1, *self._interface.images), np.uint8), self._interface.network)
        layers, known = summaries(network, image)
        asked = {hyperparameter.name for hyperparameter in hp.space if is_active(hyperparameter, hp.values)}
        return {
            "configuration": self._active(configuration, asked),
            "parameters": sum(layer.parameters for layer in layers),
            "layers": [vars(layer) for layer in layers],
            "macs_known": known,
        }

    def _active(self, values: Mapping[str, Value], asked: set[str]) -> dict[str, Value]:
        """Return the values that this network was built with, and those that only `fit` declares, in declared order."""
        taken = {**defaults(self._declared), **values}
        active: dict[str, Value] = {}
        for hyperparameter in self._declared.space:
            if (hyperparameter.name in asked or hyperparameter.name not in self._in_build) and is_active(
                hyperparameter, taken
            ):
                active[hyperparameter.name] = taken[hyperparameter.name]
        return active

    def _discover(self) -> Discovered:
        space, first = self._space, True

        def build_next(hp: Any) -> Any:
            nonlocal first
            self._builds += 1
            if self._builds % _BUILDS_A_SESSION == 0:
                keras.backend.clear_session()
            network = built(space, hp) if first else build(space, hp)
            first = False
            return network

        return discover(build_next)

    def _cap(self, name: str) -> int | None:
        cap = getattr(self._space, name, None)
        if cap is None or (isinstance(cap, int) and not isinstance(cap, bool) and cap > 0):
            return cap
        raise SpaceError(
            f"{type(self._space).__name__}.{name} must be a whole number of 1 or more. Received: {str(cap)[:80]}"
        )


def _discovery_notes(discovered: Discovered) -> list[str]:
    notes = []
    if discovered.untried:
        notes.append(
            f"The space has many values: {discovered.untried:,} of them were tried together with others only. A hyperparameter that is declared "
            "with one of them alone is not searched."
        )
    if discovered.failures:
        shown = reason(RuntimeError(discovered.failures[0])).removeprefix("RuntimeError: ")
        notes.append(f"Some combinations of values make no network, and are skipped: {shown}")
    return notes


def _fits(weighed: Json, max_params: int | None, max_macs: int | None) -> bool:
    if max_macs is not None and not weighed["macs_known"]:
        raise SpaceError(
            "The multiply-adds of these networks are not known (some operations can't be counted), so they can't be capped. "
            f"Leave --max-macs out. Received: max_macs={max_macs}"
        )
    macs = sum(layer["multiply_adds"] for layer in weighed["layers"])
    caps = ((max_params, weighed["parameters"]), (max_macs, macs))
    return all(cap is None or size <= cap for cap, size in caps)


if __name__ == "__main__":
    main()
