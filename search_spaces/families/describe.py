"""Descriptions of the built-in spaces, as data, without Keras."""

from __future__ import annotations

from dataclasses import dataclass

from search_spaces.families.references import Reference
from search_spaces.families.registry import SPACES, entry, load_family
from search_spaces.hyperparameters.hyperparameter import Hyperparameter


@dataclass(frozen=True)
class SpaceDescription:
    """One space, under its own caps."""

    name: str
    description: str
    """One line."""
    max_params: int
    max_macs: int
    network: str
    """The default configuration's network, in the notation without its activation."""
    parameters: int
    """The default configuration's trainable parameters."""
    multiply_adds: int
    """The default configuration's multiply-adds for one image."""
    hyperparameters: tuple[Hyperparameter, ...]
    """All, conditional ones too."""
    references: tuple[Reference, ...]
    """All references, also those above the caps."""
    fitting: tuple[str, ...]
    """Names of the references within the caps, in the order in which a search tries them."""


def describe_space(name: str, classes: int = 10) -> SpaceDescription:
    """Return the description of a space.

    Args:
        name: a key of `registry.SPACES`.
        classes: 2 to 100; counts are of networks with as many.

    Raises:
        ValueError: where the name is unknown; names the nearest one.
    """
    family = load_family(name, classes=classes)
    parameters, multiply_adds = family.costs({})
    return SpaceDescription(
        name=name,
        description=entry(name).description,
        max_params=family.max_params,
        max_macs=family.max_macs,
        network=family.notation({}),
        parameters=parameters,
        multiply_adds=multiply_adds,
        hyperparameters=family.hyperparameters,
        references=family.references(),
        fitting=tuple(reference.name for reference in family.references_that_fit()),
    )


def describe_spaces(classes: int = 10) -> tuple[SpaceDescription, ...]:
    """Return the descriptions of all spaces, in the registry's order."""
    return tuple(describe_space(name, classes) for name in SPACES)
