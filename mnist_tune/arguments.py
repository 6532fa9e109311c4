"""The command line's words: parsers only, nothing is done here and nothing slow is imported."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

from tuner.errors import UsageError
from tuner.option_values import parse_duration

DESCRIPTION = (
    "Search for the best small image classifier under a parameter cap, confirm it, and report it in one HTML page."
)
EPILOG = """commands:
  mnist-tune --space NAME [options]   search, confirm, evaluate, export, report
  mnist-tune spaces [NAME]            what can be searched
  mnist-tune train NAME               train one configuration with several seeds
  mnist-tune study NAME               vary one thing, several seeds a value, all else held
  mnist-tune report RUN               render the report of a run again (--figures DIR: SVG and PNG files)
  mnist-tune compare RUN RUN…         several runs side by side, one page
  mnist-tune export RUN               the model for other programs: SavedModel, Keras, LiteRT, ONNX
  mnist-tune predict RUN|MODEL IMAGE  classify image files or folders
  mnist-tune verify RUN [--retrain K] check a run that somebody hands over

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


def _percent(text: str) -> float:
    try:
        return float(text.removesuffix("%"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected a percentage such as 99.4. Received: {text}") from error


def _values(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


def search_parser() -> Parser:
    """The options of a search. Only what was typed is in the namespace: the defaults are `SearchOptions`'s."""
    parser = make_parser("mnist-tune", DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", action="store_true", help="print the version")
    what = parser.add_argument_group("what is searched")
    _add_space(what)
    _add_data(what)
    _add_caps(what)
    what.add_argument(
        "--no-references",
        dest="references",
        action="store_false",
        help="don't try published networks, nor draw near them",
    )
    _add_how(parser)
    _add_confirmation(parser)
    running = _add_running(parser)
    running.add_argument("--time-budget", type=_duration, metavar="TIME", help="for the whole run: 45m, 2h")
    _add_images(parser)
    return parser


def train_parser() -> Parser:
    """`mnist-tune train NAME|FILE.json|RUN:TRIAL`."""
    parser = make_parser("mnist-tune train", "Train one configuration with several seeds, and report it.")
    parser.add_argument(
        "name",
        nargs="?",
        metavar="NAME|FILE.json|RUN:TRIAL",
        help="a reference (mnist-tune spaces lists them), a JSON file of hyperparameters, a run's trial such as runs/first:0007, "
        "or a run's folder for its winner",
    )
    what = parser.add_argument_group("what is trained")
    _add_space(what, help="of a JSON file that doesn't name its own")
    _add_data(what)
    _add_repetitions(what, epochs="15, or those of the trial", seeds=3)
    what.add_argument("--no-test", dest="test", action="store_false", help="leave the test set alone")
    _add_running(parser)
    _add_images(parser)
    return parser


def study_parser() -> Parser:
    """`mnist-tune study HYPERPARAMETER --values A,B` and `mnist-tune study PRESET`."""
    parser = make_parser(
        "mnist-tune study",
        "Vary one thing over several values, several seeds each, all else held, and report what it does.",
    )
    parser.add_argument(
        "name", nargs="?", metavar="PRESET|HYPERPARAMETER", help="one of the presets, or a hyperparameter with --values"
    )
    what = parser.add_argument_group("what is studied")
    _add_space(what, help="default: the preset's, else dense")
    what.add_argument("--values", type=_values, metavar="A,B,…", help="of the hyperparameter, two or more")
    what.add_argument(
        "--base",
        metavar="NAME|RUN",
        help="hold the rest at a reference or at a run's winner (default: the space's defaults)",
    )
    _add_data(what)
    _add_repetitions(what, epochs="the preset's, else 15", seeds=5)
    _add_running(parser)
    return parser


def spaces_parser() -> Parser:
    """`mnist-tune spaces [NAME]`."""
    parser = make_parser(
        "mnist-tune spaces", "What can be searched; with a name its hyperparameters, references and caps."
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="a space")
    return parser


def report_parser() -> Parser:
    """`mnist-tune report RUN`."""
    parser = make_parser("mnist-tune report", "Render the report of a run again.", argument_default=None)
    parser.add_argument("run", metavar="RUN", help="the run's folder")
    parser.add_argument("--figures", metavar="DIR", help="also write each figure as an SVG and a PNG file into DIR")
    parser.add_argument("--force", action="store_true", help="write over files in DIR that are not of mnist-tune")
    return parser


def make_parser(prog: str, description: str, **more: Any) -> Parser:
    """Return a parser whose options are absent unless they were typed, and can't be shortened."""
    settings = {"argument_default": argparse.SUPPRESS, "allow_abbrev": False, **more}
    return Parser(prog=prog, description=description, **settings)


def _add_space(group: argparse._ArgumentGroup, help: str = "the search space; mnist-tune spaces lists them") -> None:
    group.add_argument("--space", metavar="NAME", help=help)


def _add_data(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--data",
        metavar="SOURCE",
        help="auto (MNIST, or 8×8 digits where it can't be had), mnist, fashion_mnist, digits, a .npz file, or a folder "
        "of IDX files (default: auto)",
    )
    group.add_argument("--validation", type=float, metavar="SHARE", help="split off the training set (default: 0.1)")
    group.add_argument("--train-samples", type=int, metavar="N", help="train on N images (default: all)")


def _add_caps(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--max-params", type=int, metavar="N", help="cap of trainable parameters (default: the space's)")
    group.add_argument("--max-macs", type=int, metavar="N", help="cap of multiply-adds an image (default: the space's)")


def _add_repetitions(group: argparse._ArgumentGroup, *, epochs: str, seeds: int) -> None:
    group.add_argument("--epochs", type=int, metavar="N", help=f"of each training (default: {epochs})")
    group.add_argument("--seeds", type=int, metavar="N", help=f"trainings of each configuration (default: {seeds})")


def _add_how(parser: Parser) -> None:
    group = parser.add_argument_group("how it is searched")
    group.add_argument("--algorithm", metavar="NAME", help="hyperband, random or bayesian (default: hyperband)")
    group.add_argument("--max-epochs", type=int, metavar="N", help="epochs of the longest trials (default: 15)")
    group.add_argument("--factor", type=int, metavar="N", help="Hyperband's reduction factor (default: 3)")
    group.add_argument(
        "--min-resource",
        type=float,
        metavar="E",
        help="epochs of Hyperband's shortest trials; below 1 one pass over that share of the images (default: 1.0)",
    )
    group.add_argument("--iterations", type=int, metavar="N", help="how often Hyperband is gone through (default: 1)")
    group.add_argument("--max-trials", type=int, metavar="N", help="of random and bayesian (default: 30)")


def _add_confirmation(parser: Parser) -> None:
    group = parser.add_argument_group("how the winner is confirmed")
    group.add_argument("--confirm-top", type=int, metavar="N", help="finalists trained again (default: 2)")
    group.add_argument("--confirm-seeds", type=int, metavar="N", help="seeds of each finalist (default: 3)")
    group.add_argument(
        "--target",
        type=_percent,
        metavar="PERCENT",
        help="the smallest finalist whose mean validation accuracy reaches it wins, such as 99.4 (default: the most accurate one)",
    )
    group.add_argument(
        "--refit",
        action="store_true",
        help="then train the winner again on all training images, the validation images too; that is exported and tested",
    )
    group.add_argument("--no-test", dest="test", action="store_false", help="leave the test set alone")


def _add_running(parser: Parser) -> argparse._ArgumentGroup:
    group = parser.add_argument_group("how it runs")
    group.add_argument("--seed", type=int, metavar="N", help="the same seed gives the same run (default: 1)")
    group.add_argument(
        "--workers", type=_count_or_auto, metavar="N", help="processes (default: auto, one a core or four a GPU)"
    )
    group.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster, such as tcp://10.0.0.1:8786")
    group.add_argument("--device", metavar="NAME", help="auto, cpu or gpu (default: auto)")
    group.add_argument("--trial-timeout", type=_duration, metavar="TIME", help="for one trial: 10m")
    group.add_argument("--out", metavar="DIR", help="the run's folder (default: runs/<what>-<date>-<time>)")
    group.add_argument(
        "--resume", action="store_true", help="go on with the run in --out, or make again what a completed one lacks"
    )
    group.add_argument("--force", action="store_true", help="write over the run in --out")
    group.add_argument("--quiet", action="store_true", help="print the result only")
    return group


def _add_images(parser: Parser) -> None:
    group = parser.add_argument_group("what the report shows besides")
    group.add_argument(
        "--images",
        metavar="PATH",
        help="your own images, a file or a folder, which the winner classifies; folders in it named as classes label them",
    )


def compare_parser() -> Parser:
    """`mnist-tune compare RUN RUN…`. How many runs it takes is not argparse's to say: its message names no number."""
    parser = make_parser(
        "mnist-tune compare",
        "Put several runs side by side in one page: winners, paired differences, fronts, curves, settings.",
        argument_default=None,
    )
    parser.add_argument("runs", metavar="RUN", nargs="*", help="the runs' folders, two or more")
    parser.add_argument("-o", "--out", metavar="FILE", default="compare.html", help="the page (default: compare.html)")
    parser.add_argument("--force", action="store_true", help="write over the page that is there")
    return parser
