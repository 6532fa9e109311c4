"""`mnist-tune study PRESET` and `mnist-tune study HYPERPARAMETER --values A,B`: one factor, several seeds a value."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

from mnist_tune.cli.parser import Parser, add_run_options, given_how, given_options, make_parser
from tuner.options.option import Group
from tuner.options.run_options import CAPS
from tuner.options.study_options import StudyOptions


def make_command_parser() -> Parser:
    """Return the command's parser."""
    parser = make_parser(
        "mnist-tune study",
        "Compare several values of one factor, several seeds each, and report the effect.",
    )
    parser.add_argument(
        "name", nargs="?", metavar="PRESET|HYPERPARAMETER", help="one of the presets, or a hyperparameter with --values"
    )
    titles: dict[Group, str] = {"task": "what is studied", "running": "how it runs"}
    add_run_options(parser, StudyOptions, titles, leave_out=CAPS)
    return parser


def run(given: Namespace, words: Sequence[str]) -> None:
    """Train every value with every seed, and report."""
    from mnist_tune.api.runs import run_study

    run_study(given_options(given), **given_how(given), command=["mnist-tune", "study", *words])
