"""Colours of figures by role. Matplotlib knows each by a name; what a name means is a palette: the page's or a file's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache

from matplotlib.colors import get_named_colors_mapping, to_hex

import templates

_VARIABLE = re.compile(r"(--[\w-]+):\s*(#[0-9a-fA-F]{3,8})\s*;")


class Ink:
    """Names of colours, one a role."""

    TEXT = "theme:ink"
    MUTED = "theme:muted"
    HAIRLINE = "theme:hairline"
    FAINT = "theme:faint"
    """Trials in the background."""
    WINNER = "theme:winner"
    PAPER = "theme:paper"
    PUBLISHED = "theme:published"
    """References: the same wherever they stand."""
    CATEGORY = tuple(f"theme:category-{place}" for place in range(6))
    """Okabe and Ito's set without black and the winner's."""
    ORDER = tuple(f"theme:order-{place}" for place in range(5))
    """Ordered, from cividis: few epochs to many."""
    HEAT = tuple(f"theme:heat-{step}" for step in range(8))
    """Ordered, from cividis: few to many."""
    HEAT_TEXT = tuple(f"theme:heat-text-{step}" for step in range(8))
    """Colours that can be read on `HEAT`."""


_SINGLE = (Ink.TEXT, Ink.MUTED, Ink.HAIRLINE, Ink.FAINT, Ink.WINNER, Ink.PAPER, Ink.PUBLISHED)
ROLES = (*_SINGLE, *Ink.CATEGORY, *Ink.ORDER, *Ink.HEAT, *Ink.HEAT_TEXT)

STAND_INS: Mapping[str, str] = {role: f"#0001{place:02x}" for place, role in enumerate(ROLES, start=1)}
"""The page's palette: role → a colour that is never seen, in whose place the page puts the theme's CSS variable."""


def css_variable(role: str) -> str:
    """Return the variable of colours.css that has the colour of a role: "theme:ink" → "--ink"."""
    return f"--{role.removeprefix('theme:')}"


@cache
def light_colours() -> Mapping[str, str]:
    """Return the palette of files: role → its colour in the light theme, from colours.css."""
    light = templates.colours().split("@media", 1)[0]
    values = dict(_VARIABLE.findall(light))
    return {role: to_hex(values[css_variable(role)]) for role in ROLES}


@contextmanager
def painted_with(palette: Mapping[str, str]) -> Iterator[None]:
    """Give the roles a palette's colours while something is drawn; outside they have the page's."""
    _register(palette)
    try:
        yield
    finally:
        _register(STAND_INS)


def _register(palette: Mapping[str, str]) -> None:
    named = get_named_colors_mapping()
    for role, colour in palette.items():
        named[role] = colour


_register(STAND_INS)


def order_colour(place: int, of: int) -> str:
    """Return the colour of the place-th of so many ordered things, 0 the least."""
    if of <= 1:
        return Ink.ORDER[-1]
    return Ink.ORDER[round(place * (len(Ink.ORDER) - 1) / (of - 1))]
