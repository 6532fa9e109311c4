"""Anybody's `keras_tuner.HyperModel` as a space: `package.module:Class`.

It is built in a process of its own (`tuner.probe`), which is asked what it declares, draws and weighs; what was answered is
remembered. Workers import it too; the parent of a run never does.
"""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

from search_spaces import given_values
from search_spaces import hyperparameters as tuned
from search_spaces.hyperparameters import Condition, Hyperparameter, Value
from search_spaces.networks import LayerSummary
from search_spaces.registry import load_family
from tuner.errors import RunFailed, UsageError
from tuner.records import Json, configuration_key
from tuner.tasks import SpaceRef
from tuner.worker_environment import worker_environment

_ANSWER_S = 300.0
_SEEDS = 4
_LAST_BYTES = 2**16
"""Of what a process printed, in which its last words are looked for."""


def make_family(ref: SpaceRef) -> Any:
    """What of a space needs no Keras here: one that comes along, or a user's (untyped: each family has its own class).

    Raises:
        UsageError: where a user's space can't be used.
        ValueError: where the name is unknown, or no network fits the caps.
    """
    if ":" in ref.name:
        return UserSpace(ref)
    return load_family(ref.name, max_params=ref.max_params, max_macs=ref.max_macs, classes=ref.classes)


class UserSpace:
    """What the parent of a run knows of a user's HyperModel; the same questions as of the spaces that come along.

    Args:
        ref: where it is, caps and classes. A cap of None is the class's own attribute, if it has one.

    Raises:
        UsageError: where it can't be imported or built, with the reason.
    """

    def __init__(self, ref: SpaceRef) -> None:
        self.name = ref.name
        self.classes = ref.classes
        self._probe = _Probe(ref)
        try:
            described = self._ask("describe")
        except BaseException:
            self.close()
            raise
        self.max_params = ref.max_params if ref.max_params is not None else described["max_params"]
        self.max_macs = ref.max_macs if ref.max_macs is not None else described["max_macs"]
        self.hyperparameters = tuple(
            _hyperparameter(item, described["defaults"]) for item in described["hyperparameters"]["space"]
        )
        self._config = described["hyperparameters"]
        self._weighed: dict[str, Json] = {}

    def declare(self, hp: Any) -> None:
        """Declares every hyperparameter on a `keras_tuner.HyperParameters` (`Any`: it is untyped)."""
        import keras_tuner

        hp.merge(keras_tuner.HyperParameters.from_config(self._config))

    def active(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """The configuration among these values; what is missing has its default."""
        return tuned.active(self.hyperparameters, values)

    def complete(
        self, values: Mapping[str, Value], *, base: Mapping[str, Value] | None = None, strict: bool = True
    ) -> dict[str, Value]:
        """The configuration that a person means by some values.

        Raises:
            ValueError: names the hyperparameter, what was expected and what was received.
        """
        return given_values.complete(self.hyperparameters, values, base=base, strict=strict)

    def draw(self, rng: np.random.Generator) -> dict[str, Value]:
        """A configuration within the caps, by this generator alone.

        Raises:
            UsageError: where none is found, or the HyperModel fails.
        """
        seed = [int(number) for number in rng.integers(0, 2**32, _SEEDS)]
        answer = self._ask("draw", seed=seed, max_params=self.max_params, max_macs=self.max_macs)
        configuration: dict[str, Value] = answer["configuration"]
        self._weighed[configuration_key(configuration)] = answer
        return configuration

    def default_configuration(self) -> None:
        """None: of somebody's defaults it isn't known whether they are within the caps, or any good."""

    def draw_near(self, rng: np.random.Generator, configuration: Mapping[str, Value]) -> dict[str, Value]:
        """Any configuration: no known one is to be near to."""
        return self.draw(rng)

    def layers(self, values: Mapping[str, Value]) -> tuple[LayerSummary, ...]:
        """What each layer is and costs."""
        return tuple(LayerSummary.from_json(layer) for layer in self._weigh(values)["layers"])

    def count_parameters(self, values: Mapping[str, Value]) -> int:
        """Trainable parameters."""
        return int(self._weigh(values)["parameters"])

    def count_multiply_adds(self, values: Mapping[str, Value]) -> int:
        """Of one image, in one forward pass."""
        return sum(layer.multiply_adds for layer in self.layers(values))

    def references(self) -> tuple[()]:
        """None is known."""
        return ()

    def references_that_fit(self) -> tuple[()]:
        """None is known."""
        return ()

    def scaled_references(self) -> tuple[()]:
        """None is known."""
        return ()

    def hyperparameters_json(self) -> list[Json]:
        """The hyperparameters as in `run.json`."""
        return [hyperparameter.to_json() for hyperparameter in self.hyperparameters]

    def close(self) -> None:
        """Ends the process that builds it."""
        self._probe.close()

    def _weigh(self, values: Mapping[str, Value]) -> Json:
        key = configuration_key(values)
        if key not in self._weighed:
            self._weighed[key] = self._ask("weigh", configuration=dict(values))
        return self._weighed[key]

    def _ask(self, what: str, **details: Any) -> Json:
        answer = self._probe.ask(what, **details)
        if "error" in answer:
            raise UsageError(f"--space {self.name} can't be used. {answer['error']}")
        found: Json = answer["answer"]
        return found


def _hyperparameter(item: Json, defaults: Mapping[str, Value]) -> Hyperparameter:
    """One of ours from one of Keras Tuner's configurations."""
    kind, config = str(item["class_name"]), item["config"]
    values = config.get("values")
    if kind == "Boolean":
        values = (False, True)
    elif kind == "Fixed":
        values = (config["value"],)
    logarithmic = "log" in str(config.get("sampling"))
    return Hyperparameter(
        name=str(config["name"]),
        kind=kind.lower(),  # type: ignore[arg-type]
        description="",
        # Keras Tuner leaves a default out of its configuration where it follows from the range.
        default=defaults[config["name"]],
        values=tuple(values) if values is not None else None,
        minimum=config.get("min_value"),
        maximum=config.get("max_value"),
        step=None if logarithmic else config.get("step"),
        sampling=None if values is not None else "log" if logarithmic else "linear",
        conditions=tuple(
            Condition(str(own["config"]["name"]), tuple(own["config"]["values"])) for own in config["conditions"]
        ),
    )


class _Probe:
    """The process that builds a user's HyperModel. It starts when it is first asked."""

    def __init__(self, ref: SpaceRef) -> None:
        self._ref = ref
        self._popen: subprocess.Popen[bytes] | None = None
        self._answers: queue.SimpleQueue[Json | None] = queue.SimpleQueue()
        # A file without a name: nobody else finds it, and it is gone with the process.
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - open for as long as the process is asked
        atexit.register(self.close)

    def ask(self, what: str, **details: Any) -> Json:
        """What it answers: `answer` or `error`.

        Raises:
            RunFailed: where it takes longer than five minutes.
        """
        popen = self._started()
        try:
            self._say(popen, {"do": what, **details})
            answer = self._answers.get(timeout=_ANSWER_S)
        except queue.Empty as error:
            self.close()
            raise RunFailed(f"{self._ref.name} did not build a model within {_ANSWER_S:g} s.") from error
        except OSError:
            answer = None
        return {"error": self._last_words()} if answer is None else answer

    def close(self) -> None:
        """Ends the process."""
        atexit.unregister(self.close)
        if self._popen is not None:
            self._popen.kill()
            self._popen.wait()
            with contextlib.suppress(OSError):
                if self._popen.stdin is not None:
                    self._popen.stdin.close()
            self._popen = None
        self._log.close()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._popen is None:
            if self._log.closed:
                self._log = tempfile.TemporaryFile()  # noqa: SIM115
            self._popen = subprocess.Popen(
                [sys.executable, "-P", "-m", "tuner.probe"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env=worker_environment(0, 0),
            )
            threading.Thread(target=self._listen, args=(self._popen.stdout,), daemon=True).start()
            self._say(self._popen, dataclasses.asdict(self._ref))
        return self._popen

    def _listen(self, stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                with contextlib.suppress(ValueError):  # a line torn by the death of its process
                    self._answers.put(json.loads(line))
        self._answers.put(None)

    def _say(self, popen: subprocess.Popen[bytes], document: Json) -> None:
        if popen.stdin is not None:
            popen.stdin.write(json.dumps(document).encode() + b"\n")
            popen.stdin.flush()

    def _last_words(self) -> str:
        self._log.seek(max(0, self._log.seek(0, os.SEEK_END) - _LAST_BYTES))
        lines = [line.strip() for line in self._log.read().decode(errors="replace").splitlines() if line.strip()]
        return lines[-1] if lines else "its process ended without a word"
