"""`mnist-tune train NAME|NETWORK|FILE.json|RUN:TRIAL`: one configuration, several seeds."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

from mnist_tune.cli.parser import Parser, add_run_options, given_how, given_options, make_parser
from tuner.options.option import Group
from tuner.options.run_options import CAPS
from tuner.options.train_options import TrainOptions


def make_command_parser() -> Parser:
    """Return the command's parser."""
    parser = make_parser("mnist-tune train", "Train one configuration with several seeds, and report it.")
    parser.add_argument(
        "name",
        nargs="?",
        metavar="NAME|NETWORK|FILE.json|RUN:TRIAL",
        help="a reference (mnist-tune spaces compact8k --references lists some), a network such as 'C8s S16 P GAP 1x1:10' (docs/notation.md), "
        "a JSON file of hyperparameters, a run's trial such as runs/first:0007, or a run's folder for its winner",
    )
    titles: dict[Group, str] = {
        "task": "what is trained",
        "running": "how it runs",
        "report": "what the report shows in addition",
    }
    add_run_options(parser, TrainOptions, titles, leave_out=CAPS)
    return parser


def run(given: Namespace, words: Sequence[str]) -> None:
    """Train, evaluate, export and report."""
    from mnist_tune.api.runs import run_training

    run_training(given_options(given), **given_how(given), command=["mnist-tune", "train", *words])
