"""Lines and aligned tables on standard output."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.cells import cell_len


def write_line(words: str) -> None:
    """Write words to standard output; what its encoding lacks is written as an escape."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(words.encode(encoding, "backslashreplace").decode(encoding) + "\n")


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells as lines, columns below each other."""
    widths = [max(cell_len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = (
        "  ".join(cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)
