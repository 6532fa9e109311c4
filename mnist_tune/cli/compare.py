"""`mnist-tune compare RUN RUN…`: several runs side by side, one page."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from mnist_tune.cli.parser import Parser, make_parser
from mnist_tune.terminal.encoding import printable_path
from mnist_tune.terminal.lines import write_line
from mnist_tune.version import __version__


def make_command_parser() -> Parser:
    """Return the command's parser. `write_comparison` checks the number of runs, since argparse would not name it."""
    parser = make_parser(
        "mnist-tune compare",
        "Put several runs side by side in one page: winners, paired differences, fronts, curves, settings.",
        argument_default=None,
    )
    parser.add_argument("runs", metavar="RUN", nargs="*", help="the runs' folders, two or more")
    parser.add_argument("-o", "--out", metavar="FILE", default="compare.html", help="the page (default: compare.html)")
    parser.add_argument("--force", action="store_true", help="write over an existing page")
    parser.intermixed = True
    return parser


def run(given: Namespace, words: Sequence[str]) -> None:
    """Write the page."""
    from reports.comparison.page import write_comparison

    path = write_comparison([Path(folder) for folder in given.runs], Path(given.out), __version__, force=given.force)
    write_line(f"Wrote {printable_path(path)}")
