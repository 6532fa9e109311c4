"""`mnist-tune --space NAME`: a search."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence

from mnist_tune.cli.parser import Parser, add_run_options, given_how, given_options, make_parser
from mnist_tune.version import __version__
from tuner.options.search_options import SearchOptions

_DESCRIPTION = (
    "Search for the best small image classifier under a parameter cap, confirm it, and report it in one HTML page."
)
_EXIT_CODES = "exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted"


def make_command_parser(*, usage: str | None = None, commands: str = "") -> Parser:
    """Return the parser of a search. `usage` and the table of `commands` are those of the whole program."""
    description = f"{_DESCRIPTION}\n\n{commands}" if commands else _DESCRIPTION
    parser = make_parser("mnist-tune", description, usage=usage, epilog=_EXIT_CODES)
    parser.add_argument("--version", action="store_true", help="print the version")
    add_run_options(
        parser,
        SearchOptions,
        {
            "task": "what is searched",
            "search": "how it is searched",
            "confirmation": "how the winner is confirmed",
            "running": "how it runs",
            "report": "what the report shows in addition",
        },
    )
    return parser


def run(given: Namespace, words: Sequence[str]) -> None:
    """Search, or print the version."""
    if "version" in given:
        sys.stdout.write(f"mnist-tune {__version__}\n")
        return
    from mnist_tune.api.runs import run_search

    run_search(given_options(given), **given_how(given), command=["mnist-tune", *words])
