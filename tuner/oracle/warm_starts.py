"""Warm starts: configurations that a search tries first, and near which it samples others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from tuner.core.records import Configuration

_REFERENCES, _SCALED = 3, 2
"""The largest number of each."""


@dataclass(frozen=True)
class WarmStart:
    """A configuration that is tried first."""

    kind: Literal["reference", "default", "scaled"]
    name: str
    """The name of the reference, which a scaled one resembles; empty for the space's default configuration."""
    configuration: Configuration

    @property
    def origin(self) -> str:
        """Return the origin in words: "reference gap-6664", "default", "scaled c12-8172"."""
        return f"{self.kind} {self.name}".rstrip()


def warm_starts(space: Any, references: bool) -> tuple[WarmStart, ...]:
    """Return the warm starts of a search in the order in which they are tried, none twice.

    Args:
        space: a family, or a user's space (`Any`: they have no common type).
        references: include published networks: the best that fit, and the best larger ones scaled to fit.
    """
    fitting = space.references_that_fit()[:_REFERENCES] if references else ()
    scaled = space.scaled_references()[:_SCALED] if references else ()
    default = space.default_configuration()
    starts = [
        *(WarmStart("reference", start.name, dict(start.values)) for start in fitting),
        *([] if default is None else [WarmStart("default", "", default)]),
        *(WarmStart("scaled", start.name, configuration) for start, configuration in scaled),
    ]
    return tuple(
        start
        for place, start in enumerate(starts)
        if start.configuration not in [earlier.configuration for earlier in starts[:place]]
    )
