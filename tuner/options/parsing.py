"""Parsers of options whose value on the command line is neither a plain number nor a text."""

from __future__ import annotations


def parse_count_or_auto(text: str) -> int | None:
    """Return a whole number, or None for "auto".

    Raises:
        ValueError: where the text is neither.
    """
    if text == "auto":
        return None
    try:
        return int(text)
    except ValueError as error:
        raise ValueError(f"expected a whole number or auto. Received: {text}") from error


def parse_percent(text: str) -> float:
    """Return the number of "99.4" or "99.4%".

    Raises:
        ValueError: where the text is no number.
    """
    try:
        return float(text.removesuffix("%"))
    except ValueError as error:
        raise ValueError(f"expected a percentage such as 99.4. Received: {text}") from error


def parse_list(text: str) -> tuple[str, ...]:
    """Return the parts between commas, without spaces around them."""
    return tuple(part.strip() for part in text.split(","))
