"""The winner beside published networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.run_data import Reference


@dataclass(frozen=True)
class ReferenceRow:
    """A published network and how the winner differs from it."""

    reference: Reference
    difference: float | None
    """Winner's mean test accuracy minus the published one; None where either is missing or the data differ."""
    parameter_ratio: float | None
    """Winner's parameters over the reference's."""


def reference_rows(
    references: Sequence[Reference], *, accuracy: float | None, parameters: int | None
) -> tuple[ReferenceRow, ...]:
    """References by published accuracy, best first; those without one last."""
    ordered = sorted(
        references, key=lambda r: (r.published_accuracy is None, -(r.published_accuracy or 0), r.parameters)
    )
    return tuple(
        ReferenceRow(
            reference,
            accuracy - reference.published_accuracy
            if accuracy is not None and reference.published_accuracy is not None
            else None,
            parameters / reference.parameters if parameters and reference.parameters else None,
        )
        for reference in ordered
    )
