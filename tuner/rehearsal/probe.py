"""A process that builds a user's HyperModel to see what it declares, how it trains on a few images, what it samples and weighs.

Started as `python -m tuner.rehearsal.probe`; a space comes first, then questions about it. The parent of a run never imports a user's module: what that does on import happens here.
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
from tuner.data.validation import SIDE
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
"""The number that run.json may list."""
_BUILDS_A_SESSION = 20
"""After so many builds Keras forgets its names and graphs."""


def main() -> None:
    """Answer questions until the parent is gone."""
    parent = Parent()
    prepare_device()
    # What the imports made need not be looked through at each `clear_session`.
    gc.collect()
    gc.freeze()
    answers = Answers(SpaceRef.from_json(parent.receive()))
    while True:
        serve(answers, parent.receive(), parent.send)


def serve(answers: Answers, request: Json, send: Callable[[Json], None]) -> None:
    """Send the answer to a question. Whatever a HyperModel does, `sys.exit` included, ends as words."""
    try:
        send({"answer": getattr(answers, request.pop("do"))(**request)})
    except (Exception, SystemExit) as error:
        send({"error": str(error) if isinstance(error, SpaceError) else reason(error)})


class Answers:
    """The answers of a user's space to a run."""

    def __init__(self, ref: SpaceRef) -> None:
        self._ref = ref
        self._space: Any = None
        self._declared: Any = None
        self._in_build: frozenset[str] = frozenset()
        """Names that `build` asks for; what only `fit` asks for is always active."""
        self._interface: ModelInterface | None = ref.interface
        self._weighed: dict[str, Json | None] = {}
        self._builds = 0

    def describe(self, images: str) -> Json:
        """Return its hyperparameters, as Keras Tuner writes them down, the caps that it names, and what a rehearsal found.

        Args:
            images: a few of the run's, as `images_text` wrote them.
        """
        try:
            self._space = make_space(self._ref)
        except ValueError as error:
            raise SpaceError(str(error)) from error
        caps = {name: self._cap(name) for name in ("max_params", "max_macs")}
        found = self._discover()
        self._declared = found.declared
        self._in_build = frozenset(own.name for own in found.declared.space)
        rehearsal = rehearse(self._space, found.declared, read_images(images))
        self._interface = rehearsal.interface
        if len(found.declared.space) > MOST_HYPERPARAMETERS:
            raise SpaceError(
                f"The space has too many hyperparameters. Expected {MOST_HYPERPARAMETERS:,} at most. Received: {len(found.declared.space):,}"
            )
        notes = [*_discovery_notes(found), *rehearsal.notes]
        if not self.weigh(defaults(found.declared))["macs_known"]:
            notes.append(
                "The multiply-adds of these networks are not known: something runs in them that can't be counted, and is left out of the figures."
            )
        return {
            "hyperparameters": found.declared.get_config(),
            "defaults": defaults(found.declared),
            **caps,
            "description": " ".join((getattr(self._space, "__doc__", "") or "").split("\n\n")[0].split()),
            "model": dataclasses.asdict(rehearsal.interface),
            "notes": notes,
        }

    def sample(self, seed: Sequence[int], max_params: int | None, max_macs: int | None) -> Json:
        """Return the first configuration within the caps of a stream of random ones."""
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
        """Weigh sampled values; None where they make no network. The same values are built once."""
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
        image = format_images(np.zeros((1, SIDE, SIDE), np.uint8), self._interface.network)
        layers, known = summaries(network, image)
        asked = {own.name for own in hp.space if is_active(own, hp.values)}
        return {
            "configuration": self._active(configuration, asked),
            "parameters": sum(layer.parameters for layer in layers),
            "layers": [vars(layer) for layer in layers],
            "macs_known": known,
        }

    def _active(self, values: Mapping[str, Value], asked: set[str]) -> dict[str, Value]:
        """Return the values that this network was built with, and those that only `fit` asks for, in the order in which they are declared."""
        taken = {**defaults(self._declared), **values}
        active: dict[str, Value] = {}
        for own in self._declared.space:
            if (own.name in asked or own.name not in self._in_build) and is_active(own, taken):
                active[own.name] = taken[own.name]
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


def _discovery_notes(found: Discovered) -> list[str]:
    notes = []
    if found.untried:
        notes.append(
            f"The space has many values: {found.untried:,} of them were tried together with others only. A hyperparameter that one of them "
            "alone brings about is not searched."
        )
    if found.failures:
        shown = reason(RuntimeError(found.failures[0])).removeprefix("RuntimeError: ")
        notes.append(f"Some combinations of values make no network, and are passed over: {shown}")
    return notes


def _fits(weighed: Json, max_params: int | None, max_macs: int | None) -> bool:
    if max_macs is not None and not weighed["macs_known"]:
        raise SpaceError(
            "The multiply-adds of these networks are not known (something runs in them that can't be counted), so a cap on them can't "
            f"hold. Leave --max-macs out. Received: max_macs={max_macs}"
        )
    macs = sum(layer["multiply_adds"] for layer in weighed["layers"])
    caps = ((max_params, weighed["parameters"]), (max_macs, macs))
    return all(cap is None or size <= cap for cap, size in caps)


if __name__ == "__main__":
    main()
