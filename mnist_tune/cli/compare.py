"""`mnist-tune compare RUN RUN…`: several runs side by side, one page."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from mnist_tune.cli.parser import Parser, make_parser
from mnist_tune.terminal.lines import write_line
from mnist_tune.version import __version__
from tuner.core.text import escape_unprintable


def make_command_parser() -> Parser:
    """Return the command's parser. How many runs it takes is not argparse's to say: its message names no number."""
    parser = make_parser(
        "mnist-tune compare",
        "Put several runs side by side in one page: winners, paired differences, fronts, curves, settings.",
        argument_default=None,
    )
    parser.add_argument("runs", metavar="RUN", nargs="*", help="the runs' folders, two or more")
    parser.add_argument("-o", "--out", metavar="FILE", default="compare.html", help="the page (default: compare.html)")
    parser.add_argument("--force", action="store_true", help="write over the page that is there")
    parser.intermixed = True
    return parser


def run(given: Namespace, words: Sequence[str]) -> None:
    """Write the page."""
    from reports.comparison.page import write_comparison

    path = write_comparison([Path(folder) for folder in given.runs], Path(given.out), __version__, force=given.force)
    write_line(f"Wrote {escape_unprintable(str(path))}")
