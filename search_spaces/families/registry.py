"""The built-in spaces and their modules. Keras is imported only when a space is loaded."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from search_spaces.families.family import Family
from search_spaces.families.references import Reference


@dataclass(frozen=True)
class SpaceEntry:
    """The classes of a space, each as "module:Class"."""

    space: str
    """The `keras_tuner.HyperModel`."""
    family: str
    """The part without Keras: sampling, counting, references."""
    description: str
    """One line."""


def _entry_of(space: str, family: str, description: str) -> SpaceEntry:
    return SpaceEntry(f"search_spaces.spaces:{space}", f"search_spaces.families.{family}", description)


SPACES: Mapping[str, SpaceEntry] = MappingProxyType(
    {
        "compact8k": _entry_of(
            "Compact8k",
            "compact.family:CompactFamily",
            "convolutional networks of 8,000 parameters at most, with BatchNorm and without biases",
        ),
        "compact2k": _entry_of(
            "Compact2k", "compact.family:Compact2kFamily", "compact8k's networks, of 2,000 parameters at most"
        ),
        "compact4k": _entry_of(
            "Compact4k", "compact.family:Compact4kFamily", "compact8k's networks, of 4,000 parameters at most"
        ),
        "compact20k": _entry_of(
            "Compact20k", "compact.family:Compact20kFamily", "compact8k's networks, of 20,000 parameters at most"
        ),
        "micro1k": _entry_of("Micro1k", "micro:MicroFamily", "separable convolutions, of 1,000 parameters at most"),
        "cnn3": _entry_of(
            "Cnn3", "cnn3:Cnn3Family", "three convolutions with pooling, then one or two hidden dense layers"
        ),
        "dense": _entry_of("Dense", "dense:DenseFamily", "one to three hidden dense layers, no convolutions"),
    }
)


def load_space(name: str, **arguments: Any) -> Any:
    """Load a space, a `keras_tuner.HyperModel`; imports Keras.

    Args:
        name: a key of `SPACES`.
        arguments: of its constructor: `max_params`, `max_macs`, `max_ram`, `max_flash`, `classes`, `image_shape`, `digits`; None: the default.

    Raises:
        ValueError: where the name is unknown.
    """
    return _load(entry(name).space, arguments)


def load_family(name: str, **arguments: Any) -> Family:
    """Load a space's family, without Keras; arguments and errors as in `load_space`."""
    family: Family = _load(entry(name).family, arguments)
    return family


def find_reference(name: str) -> tuple[str, Reference]:
    """Return the first space that has a reference, and the reference; without Keras.

    Raises:
        ValueError: where no space has it.
    """
    # In reverse, so that the first space takes precedence.
    spaces = reversed(tuple(SPACES))
    known = {reference.name: (space, reference) for space in spaces for reference in load_family(space).references()}
    if name in known:
        return known[name]
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
    raise ValueError(
        f"Unknown reference. Expected one of {', '.join(sorted(known))}. Received: {name!r}. "
        f"Did you mean {nearest[0]!r}?"
    )


def entry(name: str) -> SpaceEntry:
    """Return a space's entry.

    Raises:
        ValueError: where the name is unknown.
    """
    if name in SPACES:
        return SPACES[name]
    nearest = difflib.get_close_matches(name, SPACES, n=1)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    raise ValueError(
        f"Unknown space. Expected one of {', '.join(SPACES)}, or a class of yours as package.module:Class. "
        f"Received: {name!r}.{hint}"
    )


def _load(location: str, arguments: Mapping[str, Any]) -> Any:
    module, _, attribute = location.partition(":")
    given = {key: value for key, value in arguments.items() if value is not None}
    return getattr(importlib.import_module(module), attribute)(**given)
