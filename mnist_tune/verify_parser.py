"""The words of `mnist-tune verify`: a parser only, nothing is done here and nothing slow is imported."""

from __future__ import annotations

from mnist_tune.arguments import Parser


def verify_parser() -> Parser:
    """`mnist-tune verify RUN`."""
    parser = Parser(
        prog="mnist-tune verify",
        description="Check a run that somebody hands over: its files, its journal and its figures against each other and against the rules of "
        "the search. Nothing in the folder is changed, and no code of it is run.",
        allow_abbrev=False,
        epilog="exit codes: 0 no check failed, 1 one did, 2 wrong usage, 130 interrupted",
    )
    parser.add_argument("run", metavar="RUN", help="the run's folder")
    parser.add_argument(
        "--retrain",
        type=int,
        default=0,
        metavar="K",
        help="train K trials again, chosen at random, and compare them with the journal",
    )
    parser.add_argument("--data", metavar="SOURCE", help="where the run's data are now (default: where they were)")
    parser.add_argument(
        "--space", metavar="MODULE:CLASS", help="the run's space, where it is somebody's own and you trust it"
    )
    parser.add_argument(
        "--run-savedmodel",
        action="store_true",
        help="compare the answers of best/ too: a SavedModel is a program, so only where you trust the run",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser
