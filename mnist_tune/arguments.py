"""The command line's words: parsers only, nothing is done here and nothing slow is imported."""

from __future__ import annotations

import argparse
from typing import NoReturn

from tuner.errors import UsageError
from tuner.options import parse_duration

DESCRIPTION = (
    "Search for the best small image classifier under a parameter cap, confirm it, and report it in one HTML page."
)
EPILOG = """commands:
  mnist-tune --space NAME [options]   search, confirm, evaluate, export, report
  mnist-tune report RUN               render the report of a run again
  mnist-tune predict RUN|MODEL IMAGE  classify image files or folders

exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted"""


class Parser(argparse.ArgumentParser):
    """Tells a mistake in one line, as an exception."""

    def error(self, message: str) -> NoReturn:
        """
        Raises:
            UsageError: always.
        """
        raise UsageError(f"{message[:1].upper()}{message[1:]}. See: {self.prog} --help")


def _duration(text: str) -> float:
    try:
        return parse_duration(text)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _count_or_auto(text: str) -> int | None:
    if text == "auto":
        return None
    try:
        return int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected a whole number or auto. Received: {text}") from error


def search_parser() -> Parser:
    """The options of a search. Only what was typed is in the namespace: the defaults are `SearchOptions`'s."""
    parser = Parser(
        prog="mnist-tune",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="store_true", help="print the version")
    _add_what(parser)
    _add_how(parser)
    _add_confirmation(parser)
    _add_running(parser)
    return parser


def _add_what(parser: Parser) -> None:
    group = parser.add_argument_group("what is searched")
    group.add_argument("--space", metavar="NAME", help="the search space: compact8k")
    group.add_argument(
        "--data",
        metavar="SOURCE",
        help="auto (MNIST, or 8×8 digits where it can't be had), mnist, fashion_mnist, digits, a .npz file, or a folder "
        "of IDX files (default: auto)",
    )
    group.add_argument("--validation", type=float, metavar="SHARE", help="split off the training set (default: 0.1)")
    group.add_argument("--train-samples", type=int, metavar="N", help="train on N images (default: all)")
    group.add_argument("--max-params", type=int, metavar="N", help="cap of trainable parameters (default: the space's)")
    group.add_argument("--max-macs", type=int, metavar="N", help="cap of multiply-adds an image (default: the space's)")
    group.add_argument(
        "--no-references", dest="references", action="store_false", help="don't try published networks first"
    )


def _add_how(parser: Parser) -> None:
    group = parser.add_argument_group("how it is searched")
    group.add_argument("--algorithm", metavar="NAME", help="hyperband, random or bayesian (default: hyperband)")
    group.add_argument("--max-epochs", type=int, metavar="N", help="epochs of the longest trials (default: 15)")
    group.add_argument("--factor", type=int, metavar="N", help="Hyperband's reduction factor (default: 3)")
    group.add_argument("--iterations", type=int, metavar="N", help="how often Hyperband is gone through (default: 1)")
    group.add_argument("--max-trials", type=int, metavar="N", help="of random and bayesian (default: 30)")
    group.add_argument("--seed", type=int, metavar="N", help="the same seed gives the same run (default: 1)")


def _add_confirmation(parser: Parser) -> None:
    group = parser.add_argument_group("how the winner is confirmed")
    group.add_argument("--confirm-top", type=int, metavar="N", help="finalists trained again (default: 2)")
    group.add_argument("--confirm-seeds", type=int, metavar="N", help="seeds of each finalist (default: 3)")
    group.add_argument("--no-test", dest="test", action="store_false", help="leave the test set alone")


def _add_running(parser: Parser) -> None:
    group = parser.add_argument_group("how it runs")
    group.add_argument(
        "--workers", type=_count_or_auto, metavar="N", help="processes (default: auto, one a core or four a GPU)"
    )
    group.add_argument("--device", metavar="NAME", help="auto, cpu or gpu (default: auto)")
    group.add_argument("--time-budget", type=_duration, metavar="TIME", help="for the whole run: 45m, 2h")
    group.add_argument("--trial-timeout", type=_duration, metavar="TIME", help="for one trial: 10m")
    group.add_argument("--out", metavar="DIR", help="the run's folder (default: runs/<space>-<date>-<time>)")
    group.add_argument("--resume", action="store_true", help="go on with the run in --out")
    group.add_argument("--force", action="store_true", help="write over the run in --out")
    group.add_argument("--quiet", action="store_true", help="print the result only")


def report_parser() -> Parser:
    """`mnist-tune report RUN`."""
    parser = Parser(prog="mnist-tune report", description="Render the report of a run again.", allow_abbrev=False)
    parser.add_argument("run", metavar="RUN", help="the run's folder")
    return parser


def predict_parser() -> Parser:
    """`mnist-tune predict RUN|MODEL IMAGE…`."""
    parser = Parser(
        prog="mnist-tune predict",
        description="Classify images: photographs, scans, screenshots, arrays. Each is prepared as MNIST's digits were.",
        epilog="exit codes: 0 done, 1 some images could not be used, 2 wrong usage or no image could be used, 130 interrupted",
        allow_abbrev=False,
    )
    parser.add_argument("model", metavar="RUN|MODEL", help="a run's folder, a .keras file or a SavedModel's folder")
    parser.add_argument(
        "images", metavar="IMAGE", nargs="*", help="an image, a .npy or .npz file, a folder, or - (stdin)"
    )
    parser.add_argument("--raw", action="store_true", help="no preparation: 28×28 pixels, ink bright on black")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--html", metavar="FILE", help="write a page: each image beside what the network saw")
    parser.add_argument("--force", action="store_true", help="write over the page in --html")
    parser.add_argument("--synthetic", type=int, metavar="N", help="classify N digits of random strokes instead")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the random strokes (default: 1)")
    return parser
