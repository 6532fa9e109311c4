"""Colours of figures by role. Each has a name in matplotlib; a palette, the page's or a file's, gives its value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache

from matplotlib.colors import get_named_colors_mapping, to_hex

import templates

_VARIABLE = re.compile(r"(--[\w-]+):\s*(#[0-9a-fA-F]{3,8})\s*;")


class Ink:
    """The name of each role's colour."""

    TEXT = "theme:ink"
    MUTED = "theme:muted"
    HAIRLINE = "theme:hairline"
    FAINT = "theme:faint"
    """Trials in the background."""
    WINNER = "theme:winner"
    PAPER = "theme:paper"
    PUBLISHED = "theme:published"
    """References, in every figure."""
    CATEGORY = tuple(f"theme:category-{place}" for place in range(6))
    """Okabe and Ito's palette without black and the winner's colour."""
    ORDER = tuple(f"theme:order-{place}" for place in range(5))
    """Ordered, from cividis: few epochs to many."""
    ORDER_TEXT = tuple(f"theme:order-text-{place}" for place in range(5))
    """The same colours for words: as dark (in dark mode: as bright) as text must be."""
    HEAT = tuple(f"theme:heat-{step}" for step in range(8))
    """Ordered, from cividis: few to many."""
    HEAT_TEXT = tuple(f"theme:heat-text-{step}" for step in range(8))
    """Text colours that are readable on `HEAT`."""


_SINGLE = (Ink.TEXT, Ink.MUTED, Ink.HAIRLINE, Ink.FAINT, Ink.WINNER, Ink.PAPER, Ink.PUBLISHED)
ROLES = (*_SINGLE, *Ink.CATEGORY, *Ink.ORDER, *Ink.ORDER_TEXT, *Ink.HEAT, *Ink.HEAT_TEXT)

STAND_INS: Mapping[str, str] = {role: f"#0001{place:02x}" for place, role in enumerate(ROLES, start=1)}
"""The page's palette: role → a placeholder, which the page replaces by the theme's CSS variable."""


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
    """Apply a palette to the roles within the context; outside it they have the page's."""
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


def text_colour(role: str) -> str:
    """Return the colour for words about marks of a role: another one where the role's is too faint for text."""
    if role == Ink.FAINT:
        return Ink.MUTED
    return Ink.ORDER_TEXT[Ink.ORDER.index(role)] if role in Ink.ORDER else role


def order_colour(place: int, of: int) -> str:
    """Return the colour of the place-th of `of` ordered values, from 0 for the lowest."""
    if of <= 1:
        return Ink.ORDER[-1]
    return Ink.ORDER[round(place * (len(Ink.ORDER) - 1) / (of - 1))]
