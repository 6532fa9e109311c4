"""A user's `keras_tuner.HyperModel` as a space: `package.module:Class`, or a function that builds a model.

A separate process (`tuner.rehearsal.probe`) builds it, samples configurations and counts their parameters; its answers
are cached. Workers import the user's module too; the parent of a run never does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from search_spaces.families.registry import entry, load_family
from search_spaces.hyperparameters import hyperparameter as tuned
from search_spaces.hyperparameters import parsing
from search_spaces.hyperparameters.hyperparameter import Condition, Hyperparameter, Value
from search_spaces.networks.costs import LayerSummary
from tuner.core.errors import UsageError
from tuner.core.records import Json, configuration_key
from tuner.data.dataset import Dataset
from tuner.processes.tasks import SpaceRef
from tuner.spaces.named_code import check_space_name, is_code
from tuner.spaces.probe_client import ProbeProcess
from tuner.spaces.rehearsal_images import images_text, noise_images, rehearsal_images
from tuner.storage.schema.documents import validate
from tuner.storage.schema.model_interface import ModelInterface

_SEEDS = 4


def validate_space(name: str) -> None:
    """Raise `UsageError` where a name is neither a built-in space's nor that of a user's own code; runs nothing."""
    try:
        check_space_name(name)
        if not is_code(name):
            entry(name)
    except ValueError as error:
        raise UsageError(str(error)) from error


def make_family(ref: SpaceRef, data: Dataset | None = None) -> Any:
    """Return the Keras-free part of a built-in or a user's space (untyped: each family has its own class).

    Args:
        ref: name, caps, classes and the shape of the images.
        data: the run's data, on some images of which a user's space is rehearsed; None: on noise.

    Raises:
        UsageError: where a user's space can't be used.
        ValueError: where the name is unknown, or no network fits the caps.
    """
    check_space_name(ref.name)
    if is_code(ref.name):
        if ref.max_ram is not None or ref.max_flash is not None:
            raise UsageError(
                "--max-ram, --max-flash and --board need a built-in space, whose layers are known before a model is built. "
                f"Expected one that mnist-tune spaces lists, or --max-params and --max-macs. Received: --space {ref.name}"
            )
        return UserSpace(ref, data)
    return load_family(ref.name, **ref.arguments)


class UserSpace:
    """A user's HyperModel in the parent of a run, with the interface of the built-in spaces.

    Args:
        ref: its name, caps, classes and the shape of the images. A cap of None is the class's own attribute, if it has one.
        data: the run's data, or None.

    Raises:
        UsageError: where it can't be imported or built, or the rehearsal fails; with the reason.
    """

    def __init__(self, ref: SpaceRef, data: Dataset | None = None) -> None:
        self.name = ref.name
        self.classes = ref.classes
        self._probe = ProbeProcess(ref)
        images = noise_images(ref.classes, ref.image_shape) if data is None else rehearsal_images(data)
        try:
            described = self._ask("describe", images=images_text(images))
        except BaseException:
            self.close()
            raise
        self.max_params = ref.max_params if ref.max_params is not None else described["max_params"]
        self.max_macs = ref.max_macs if ref.max_macs is not None else described["max_macs"]
        self.hyperparameters = tuple(
            _hyperparameter(item, described["defaults"]) for item in described["hyperparameters"]["space"]
        )
        self.description = str(described["description"])
        self.interface = validate(described["model"], ModelInterface)
        self.notes: tuple[str, ...] = tuple(described["notes"])
        """Notes for the user about the space."""
        self._config = described["hyperparameters"]
        self._weighed: dict[str, Json] = {}

    def declare(self, hp: Any) -> None:
        """Declare every hyperparameter on a `keras_tuner.HyperParameters` (`Any`: it is untyped)."""
        import keras_tuner

        hp.merge(keras_tuner.HyperParameters.from_config(self._config), overwrite=False)

    def active(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """Return the active values of a configuration, completed by defaults: those of `build` and of `fit`."""
        active_values: dict[str, Value] = self._weigh({**tuned.active(self.hyperparameters, {}), **values})[
            "configuration"
        ]
        return active_values

    def complete(
        self, values: Mapping[str, Value], *, base: Mapping[str, Value] | None = None, strict: bool = True
    ) -> dict[str, Value]:
        """Return a complete configuration from some of its values.

        Raises:
            ValueError: names the hyperparameter, what was expected and what was received.
        """
        completed = parsing.complete(self.hyperparameters, values, base=base, strict=strict)
        active = self.active(completed)
        unused = [name for name in values if name not in active]
        if unused and strict:
            raise ValueError(
                f"Inactive hyperparameter. With the other values the network doesn't ask for it. Received: {unused[0]}={values[unused[0]]!r}"
            )
        return active

    def sample(self, rng: np.random.Generator) -> dict[str, Value]:
        """Return a random configuration within the caps, which depends on this generator alone.

        Raises:
            UsageError: where none is found, or the HyperModel fails.
        """
        seed = [int(number) for number in rng.integers(0, 2**32, _SEEDS)]
        answer = self._ask("sample", seed=seed, max_params=self.max_params, max_macs=self.max_macs)
        configuration: dict[str, Value] = answer["configuration"]
        self._weighed[configuration_key(configuration)] = answer
        return configuration

    def default_configuration(self) -> None:
        """Return None: a user's defaults may be above the caps, or no good start."""

    def sample_near(self, rng: np.random.Generator, configuration: Mapping[str, Value]) -> dict[str, Value]:
        """Return any random configuration: a user's space has no warm starts."""
        return self.sample(rng)

    def layers(self, values: Mapping[str, Value]) -> tuple[LayerSummary, ...]:
        """Return the summary of each layer."""
        return tuple(LayerSummary.from_json(layer) for layer in self._weigh(values)["layers"])

    def count_parameters(self, values: Mapping[str, Value]) -> int:
        """Return the number of trainable parameters."""
        return int(self._weigh(values)["parameters"])

    def count_multiply_adds(self, values: Mapping[str, Value]) -> int:
        """Return the multiply-adds of one image, in one forward pass."""
        return sum(layer.multiply_adds for layer in self.layers(values))

    def known_memory(self, values: Mapping[str, Value]) -> tuple[None, None]:
        """Return that RAM and flash of the int8 network are unknown: they are computed for layers of the built-in spaces."""
        return None, None

    def check_output(self, configuration: Mapping[str, Value]) -> None:
        """Do nothing: the rehearsal has seen the model's output."""

    def check_caps(self, seed: int) -> None:
        """Raise `UsageError` where no configuration within the caps is found."""
        self.sample(np.random.default_rng(seed))

    def references(self) -> tuple[()]:
        """Return none: a user's space has no references."""
        return ()

    def references_that_fit(self) -> tuple[()]:
        """Return none: a user's space has no references."""
        return ()

    def scaled_references(self) -> tuple[()]:
        """Return none: a user's space has no references."""
        return ()

    def hyperparameters_json(self) -> list[Json]:
        """Return the hyperparameters as in `run.json`."""
        return [hyperparameter.to_json() for hyperparameter in self.hyperparameters]

    def close(self) -> None:
        """End the process that builds it."""
        self._probe.close()

    def _weigh(self, values: Mapping[str, Value]) -> Json:
        key = configuration_key(values)
        if key not in self._weighed:
            self._weighed[key] = self._ask("weigh", configuration=dict(values))
        return self._weighed[key]

    def _ask(self, what: str, **details: Any) -> Json:
        answer = self._probe.ask(what, **details)
        if "error" in answer:
            raise UsageError(f"{self.name} can't be used. {answer['error']}")
        result: Json = answer["answer"]
        return result


def _hyperparameter(item: Json, defaults: Mapping[str, Value]) -> Hyperparameter:
    """Return a hyperparameter from its configuration in Keras Tuner."""
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
            Condition(str(condition["config"]["name"]), tuple(condition["config"]["values"]))
            for condition in config["conditions"]
        ),
    )
