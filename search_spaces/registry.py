"""The spaces that are known by name, and where they live. Keras is imported when a space is loaded, not before."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True)
class SpaceEntry:
    """Where a space lives, as "module:Class"."""

    space: str
    """The `keras_tuner.HyperModel`."""
    family: str
    """What of it needs no Keras: drawing, counting, references."""
    description: str
    """One line."""


SPACES: Mapping[str, SpaceEntry] = MappingProxyType(
    {
        "compact8k": SpaceEntry(
            space="search_spaces.compact:Compact8k",
            family="search_spaces.compact_family:CompactFamily",
            description="convolutional networks of 8,000 parameters at most, with BatchNorm and without biases",
        )
    }
)


def load_space(name: str, **arguments: Any) -> Any:
    """A known space, a `keras_tuner.HyperModel`; imports Keras.

    Args:
        name: a key of `SPACES`.
        arguments: of its constructor: `max_params`, `max_macs`, `classes`. What is None has the space's own default.

    Raises:
        ValueError: where the name is unknown; names the nearest one.
    """
    return _load(_entry(name).space, arguments)


def load_family(name: str, **arguments: Any) -> Any:
    """What of a known space needs no Keras; the same arguments and errors as `load_space`."""
    return _load(_entry(name).family, arguments)


def _entry(name: str) -> SpaceEntry:
    if name in SPACES:
        return SPACES[name]
    nearest = difflib.get_close_matches(name, SPACES, n=1, cutoff=0.0)
    raise ValueError(
        f"Unknown space. Expected one of {', '.join(SPACES)}. Received: {name!r}. Did you mean {nearest[0]!r}?"
    )


def _load(location: str, arguments: Mapping[str, Any]) -> Any:
    module, _, attribute = location.partition(":")
    given = {key: value for key, value in arguments.items() if value is not None}
    return getattr(importlib.import_module(module), attribute)(**given)
