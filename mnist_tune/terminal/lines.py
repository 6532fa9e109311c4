"""Lines and aligned tables on standard output."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.cells import cell_len

from mnist_tune.terminal.encoding import encodable


def write_line(words: str) -> None:
    """Write a line to standard output; characters outside its encoding become ASCII or escapes."""
    sys.stdout.write(encodable(f"{words}\n", sys.stdout.encoding))


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of cells as lines with aligned columns."""
    rows = [[encodable(cell, sys.stdout.encoding) for cell in row] for row in rows]
    widths = [max(cell_len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = (
        "  ".join(cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)
