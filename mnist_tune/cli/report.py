"""`mnist-tune report RUN`: render the page again, and write its figures as files."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from mnist_tune.cli.parser import Parser, make_parser
from mnist_tune.terminal.encoding import printable_path
from mnist_tune.terminal.lines import write_line


def make_command_parser() -> Parser:
    """Return the command's parser."""
    parser = make_parser("mnist-tune report", "Render the report of a run again.", argument_default=None)
    parser.add_argument("run", metavar="RUN", help="the run's folder")
    parser.add_argument("--figures", metavar="DIR", help="also write each figure as an SVG and a PNG file into DIR")
    parser.add_argument("--force", action="store_true", help="write over files in DIR that mnist-tune did not write")
    return parser


def run(given: Namespace, words: Sequence[str]) -> None:
    """Write the page, and the figures where a folder for them was named."""
    from mnist_tune.api.run import load_run

    loaded = load_run(given.run)
    if given.figures is not None:
        _write_figures(loaded.path, Path(given.figures), force=given.force)
    write_line(f"Wrote {printable_path(loaded.report())}")


def _write_figures(path: Path, folder: Path, *, force: bool) -> None:
    from reports.pages.figure_files import write_figures

    number = write_figures(path, folder, force=force)
    write_line(f"Wrote {number} figure{'' if number == 1 else 's'} to {printable_path(folder)}")
