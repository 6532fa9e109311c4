"""Colours of figures that follow the page's theme: each role is drawn in a stand-in, which `svg` replaces by a CSS variable."""

from __future__ import annotations


class Ink:
    """Stand-in colours, one a role; none of them is ever seen."""

    TEXT = "#000101"
    MUTED = "#000102"
    HAIRLINE = "#000103"
    FAINT = "#000104"
    """Trials in the background."""
    WINNER = "#000105"
    PAPER = "#000106"
    PUBLISHED = "#000107"
    """References: the same wherever they stand."""
    CATEGORY = ("#000110", "#000111", "#000112", "#000113", "#000114", "#000115")
    """Okabe and Ito's set without black and the winner's."""
    ORDER = ("#000120", "#000121", "#000122", "#000123", "#000124")
    """Ordered, from cividis: few epochs to many."""
    HEAT = tuple(f"#0001{48 + step:02x}" for step in range(8))
    """Ordered, from cividis: few to many."""
    HEAT_TEXT = tuple(f"#0001{64 + step:02x}" for step in range(8))
    """What can be read on `HEAT`."""


VARIABLES = {
    Ink.TEXT: "--ink",
    Ink.MUTED: "--muted",
    Ink.HAIRLINE: "--hairline",
    Ink.FAINT: "--faint",
    Ink.WINNER: "--winner",
    Ink.PAPER: "--paper",
    Ink.PUBLISHED: "--published",
    **{colour: f"--category-{place}" for place, colour in enumerate(Ink.CATEGORY)},
    **{colour: f"--order-{place}" for place, colour in enumerate(Ink.ORDER)},
    **{colour: f"--heat-{place}" for place, colour in enumerate(Ink.HEAT)},
    **{colour: f"--heat-text-{place}" for place, colour in enumerate(Ink.HEAT_TEXT)},
}
"""Stand-in colour → the variable of colours.css that the page shows."""


def order_colour(place: int, of: int) -> str:
    """The colour of the place-th of so many ordered things, 0 the least."""
    if of <= 1:
        return Ink.ORDER[-1]
    return Ink.ORDER[round(place * (len(Ink.ORDER) - 1) / (of - 1))]
