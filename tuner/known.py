"""What a search knows before its first draw: configurations that are tried first, and near which others are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from tuner.records import Configuration

_REFERENCES, _SCALED = 3, 2
"""How many of each are tried at most."""


@dataclass(frozen=True)
class Known:
    """A configuration that is tried first."""

    kind: Literal["reference", "default", "scaled"]
    name: str
    """Of the reference, which a scaled one resembles; empty for the space's default configuration."""
    configuration: Configuration

    @property
    def origin(self) -> str:
        """In words: "reference gap-6664", "default", "scaled c12-8172"."""
        return f"{self.kind} {self.name}".rstrip()


def known_configurations(space: Any, references: bool) -> tuple[Known, ...]:
    """In the order in which they are tried, none twice.

    Args:
        space: a family, or somebody's own space (`Any`: they have no common type).
        references: whether published networks are wanted: the best that fit, and the best larger ones scaled to fit.
    """
    fitting = space.references_that_fit()[:_REFERENCES] if references else ()
    scaled = space.scaled_references()[:_SCALED] if references else ()
    default = space.default_configuration()
    found = [
        *(Known("reference", own.name, dict(own.values)) for own in fitting),
        *([] if default is None else [Known("default", "", default)]),
        *(Known("scaled", own.name, configuration) for own, configuration in scaled),
    ]
    return tuple(
        own
        for place, own in enumerate(found)
        if own.configuration not in [earlier.configuration for earlier in found[:place]]
    )
