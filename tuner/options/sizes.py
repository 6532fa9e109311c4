"""Sizes in bytes as the command line writes them: 32768, 32k, 1M."""

from __future__ import annotations

import re

from tuner.core.errors import UsageError

SIZE = (1, 2**40)
"""Range of a size in bytes."""

_UNITS = {"": 1, "k": 2**10, "m": 2**20}
_SIZE = re.compile(r"(\d{1,12}(?:\.\d{1,6})?) ?([km]?)(?:i?b)?", re.IGNORECASE | re.ASCII)


def parse_size(text: str) -> int:
    """Return the bytes of "32768", "32k", "1.5k" or "1M"; k is 1,024 and M is 1,048,576, as datasheets count memory.

    Raises:
        UsageError: where the text is no size.
    """
    match = _SIZE.fullmatch(text.strip())
    if not match:
        raise UsageError(f"A size can't be read. Expected bytes such as 32768, 32k or 1M. Received: {text}")
    return int(float(match[1]) * _UNITS[match[2].lower()])
