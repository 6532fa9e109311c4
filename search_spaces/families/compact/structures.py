"""compact8k's structures with all filters at their least, and what they cost as their filters widen.

Nothing is drawn here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from search_spaces.families.compact.shape import SHAPE_HYPERPARAMETERS, SMALLEST, is_width, labelled_specs
from search_spaces.hyperparameters.hyperparameter import Value
from search_spaces.networks.costs import chain, chain_costs
from search_spaces.networks.notation import format_specs
from search_spaces.networks.specs import WEIGHTED, Weights
from search_spaces.sampling.capped import Caps, Smallest

Structure: TypeAlias = dict[str, Value]
"""A value for every shape hyperparameter, inactive ones too; filters at their least."""

BY_NAME = {hyperparameter.name: hyperparameter for hyperparameter in SHAPE_HYPERPARAMETERS}
"""The shape's hyperparameters."""
WIDTHS = tuple(name for name in BY_NAME if is_width(name))
LAYOUT = tuple(name for name in BY_NAME if name not in WIDTHS)
SMALLEST_STRUCTURE: Structure = {"network": "drawn", **SMALLEST}


@dataclass(frozen=True)
class Network:
    """A structure's layers with a kernel, all filters at their least."""

    terms: tuple[Weights, ...]
    widths: tuple[int, ...]
    slots: Mapping[str, int]
    """Hyperparameter → its place in `widths`, input first."""

    def costs(self) -> tuple[int, int]:
        return chain_costs(self.terms, self.widths)

    def costs_with(self, name: str, width: int) -> tuple[int, int]:
        """With one layer at this width."""
        at = self.slots[name]
        return chain_costs(self.terms, (*self.widths[:at], width, *self.widths[at + 1 :]))

    def widest(self, name: str, caps: Caps) -> int:
        """The largest width of one layer that fits beside the others at their least; below the least where none does."""
        least = self.widths[self.slots[name]]
        base = self.costs()
        if not caps.hold(base):
            return least - 1
        wider = self.costs_with(name, least + 1)
        # Both costs are linear in one width.
        rooms = (caps.max_params - base[0]) // (wider[0] - base[0]), (caps.max_macs - base[1]) // (wider[1] - base[1])
        return min(least + min(rooms), int(BY_NAME[name].maximum or least))


def network_of(structure: Mapping[str, Value], classes: int) -> Network:
    """Return what a structure costs, and which of its widths are tuned."""
    labelled = labelled_specs(structure, classes)
    terms, widths = chain(spec for spec, _ in labelled)
    labels = [label for spec, label in labelled if isinstance(spec, WEIGHTED)]
    slots = {label: at for at, label in enumerate(labels, start=1) if label is not None}
    return Network(terms, tuple(widths), slots)


def smallest_network(classes: int = 10) -> Smallest:
    """The smallest network of the family, in parameters and in multiply-adds."""
    specs = [spec for spec, _ in labelled_specs(SMALLEST_STRUCTURE, classes)]
    return Smallest(format_specs(specs), *network_of(SMALLEST_STRUCTURE, classes).costs())
