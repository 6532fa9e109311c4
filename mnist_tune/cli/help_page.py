"""The form of `--help`: a usage in one line, paragraphs and tables as they are written, headings in bold."""

from __future__ import annotations

import argparse
import sys
import textwrap
from argparse import Action
from collections.abc import Iterable
from typing import Any

from mnist_tune.terminal.colour import bold


class HelpPage(argparse.HelpFormatter):
    """The formatter of every command's help."""

    def add_usage(self, usage: str | None, actions: Iterable[Action], groups: Any, prefix: str | None = None) -> None:
        """Add the usage: the positional arguments, and "[options]" for the rest, which the page lists in groups."""
        words = [_positional(action) for action in actions if not action.option_strings]
        super().add_usage(usage or " ".join(["%(prog)s", *words, "[options]"]), actions, groups, prefix)

    def start_section(self, heading: str | None) -> None:
        """Begin a group of options."""
        super().start_section(bold(heading, sys.stdout) if heading else heading)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """Return a description: an indented line is a table's row and stays, another is wrapped."""
        lines = (line if line.startswith(" ") or not line else textwrap.fill(line, width) for line in text.split("\n"))
        return "\n".join(f"{indent}{line}" for line in lines)


def _positional(action: Action) -> str:
    name = action.metavar if isinstance(action.metavar, str) else action.dest
    return {"?": f"[{name}]", "*": f"[{name} ...]"}.get(str(action.nargs), name)
