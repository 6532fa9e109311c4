"""`mnist-tune spaces`: what can be searched, on a terminal or in a file."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mnist_tune.cli.parser import Parser, make_parser
from search_spaces.families.describe import SpaceDescription, describe_space, describe_spaces
from search_spaces.families.references import Reference
from search_spaces.hyperparameters.hyperparameter import Hyperparameter
from tuner.core.errors import UsageError
from tuner.processes.tasks import SpaceRef
from tuner.spaces.named_code import check_space_name, is_code
from tuner.spaces.user_space import UserSpace

_LEAST_WIDTH = 100
"""Where the output is no terminal, lines may be long."""


def make_command_parser() -> Parser:
    """Return the command's parser."""
    parser = make_parser(
        "mnist-tune spaces", "What can be searched; with a name its hyperparameters, references and caps."
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="a space")
    return parser


def run(given: Namespace, words: Sequence[str]) -> None:
    """Print all spaces, or the one that is named."""
    name = getattr(given, "name", None)
    if name is None:
        print_spaces()
    else:
        print_space(name)


def print_spaces() -> None:
    """All spaces: cap, default network, what they hold."""
    console = _console()
    table = _table("space", "parameters", "default", "what it holds")
    _to_the_right(table, 1, 2)
    for space in describe_spaces():
        table.add_row(space.name, f"≤ {space.max_params:,}", f"{space.parameters:,}", space.description)
    console.print(table)
    console.print(Text("One of them: mnist-tune spaces NAME. Your own: mnist-tune --space package.module:Class"))


def print_space(name: str) -> None:
    """Print one space: caps, default network, hyperparameters, references; of a user's own what a rehearsal on noise found.

    Raises:
        UsageError: where the name is unknown, or a user's space can't be used.
    """
    try:
        check_space_name(name)
        if is_code(name):
            _print_user_space(name)
            return
        space = describe_space(name)
    except ValueError as error:
        raise UsageError(str(error)) from error
    console = _console()
    console.print(Text(f"{name}: {space.description}", style="bold"))
    console.print(
        Text(
            f"At most {space.max_params:,} parameters and {space.max_macs:,} multiply-adds an image; both can be changed."
        )
    )
    default = f"{space.network}, {space.parameters:,} parameters, {space.multiply_adds:,} multiply-adds"
    console.print(Text(f"Default: {default}"))
    console.print()
    console.print(_hyperparameter_table(space.hyperparameters))
    if space.references:
        console.print()
        console.print(_reference_table(space))
        console.print(Text("Train one of them: mnist-tune train NAME"))


def _print_user_space(name: str) -> None:
    space = UserSpace(SpaceRef(name=name, max_params=None, max_macs=None, classes=10))
    console = _console()
    console.print(Text(f"{name}: {space.description}" if space.description else name, style="bold"))
    caps = {"parameters": space.max_params, "multiply-adds an image": space.max_macs}
    held = [f"{cap:,} {unit}" for unit, cap in caps.items() if cap is not None]
    console.print(
        Text(f"At most {' and '.join(held)}." if held else "No cap of its own: give --max-params or --max-macs.")
    )
    defaults = space.active({})
    macs = space.count_multiply_adds(defaults)
    console.print(Text(f"Default: {space.count_parameters(defaults):,} parameters, {macs:,} multiply-adds"))
    console.print()
    console.print(_hyperparameter_table(space.hyperparameters))
    for note in space.notes:
        console.print(Text(note))


def _hyperparameter_table(hyperparameters: Sequence[Hyperparameter]) -> Table:
    names = ("hyperparameter", "values", "default", "active where", "what it is")
    rows = [
        (own.name, format_value(own), f"{own.default}", format_condition(own), own.description)
        for own in hyperparameters
        if own.kind != "fixed"
    ]
    # A user's own say neither when they are active nor what they are.
    filled = [place for place in range(len(names)) if place < 3 or any(row[place] for row in rows)]
    table = _table(*(names[place] for place in filled))
    table.columns[0].overflow = table.columns[2].overflow = "fold"
    for row in rows:
        table.add_row(*(row[place] for place in filled))
    return table


def _reference_table(space: SpaceDescription) -> Table:
    table = _table("reference", "parameters", "published", "epochs", "network", "assumed")
    _to_the_right(table, 1, 2, 3)
    for own in space.references:
        over = "" if own.name in space.fitting else ", over the cap"
        epochs = "" if own.published_epochs is None else f"{own.published_epochs}"
        table.add_row(own.name, f"{own.parameters:,}{over}", format_published(own), epochs, own.network, own.assumed)
    return table


def format_published(own: Reference) -> str:
    """Return what was published of a reference: its accuracy, else its other scores; empty where nothing was."""
    if own.published_accuracy is not None:
        return f"{own.published_accuracy:.2%}"
    return ", ".join(f"{name} {score}" for name, score in own.published_scores.items())


def format_value(own: Hyperparameter) -> str:
    """Return what a hyperparameter may be: "0 to 0.2, in steps of 0.005"."""
    if own.values is not None:
        return ", ".join(f"{value}" for value in own.values)
    step = f", in steps of {own.step}" if own.step not in (None, 1) else ""
    scale = ", log" if own.sampling == "log" else ""
    return f"{own.minimum} to {own.maximum}{step}{scale}"


def format_condition(own: Hyperparameter) -> str:
    """When it is active: "optimizer is adam or adamw"; empty for always."""
    parts = [
        f"{condition.name} is {_either(condition.values)}"
        for condition in own.conditions
        if condition.name != "network"
    ]
    return "; ".join(parts)


def _either(values: tuple[Any, ...]) -> str:
    words = [f"{value}" for value in values]
    if len(words) > 2 and all(isinstance(value, int) for value in values):
        return f"{words[0]} to {words[-1]}"
    return " or ".join(words)


def _table(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading)
    return table


def _to_the_right(table: Table, *columns: int) -> None:
    for column in columns:
        table.columns[column].justify = "right"


def _console() -> Console:
    console = Console(highlight=False, markup=False, emoji=False)
    return (
        console
        if console.is_terminal
        else Console(highlight=False, markup=False, emoji=False, width=max(console.width, _LEAST_WIDTH))
    )
