"""`mnist-tune spaces`: the search spaces, on a terminal or in a file."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from mnist_tune.cli.parser import Parser, make_parser
from mnist_tune.terminal.space_tables import fitted_table, hyperparameter_table, reference_table
from search_spaces.families.describe import SpaceDescription, describe_space, describe_spaces
from search_spaces.families.registry import SPACES
from tuner.core.errors import UsageError
from tuner.processes.tasks import SpaceRef
from tuner.spaces.named_code import check_space_name, is_code


def make_command_parser() -> Parser:
    """Return the command's parser."""
    parser = make_parser(
        "mnist-tune spaces", "List the search spaces, or show the hyperparameters, references and caps of one."
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="a space")
    parser.add_argument(
        "--references", action="store_true", help="list the published networks of the space, which train takes by name"
    )
    return parser


def run(given: Namespace, words: Sequence[str]) -> None:
    """Print all spaces, the named one, or its references.

    Raises:
        UsageError: where references are requested of no space.
    """
    name = getattr(given, "name", None)
    if "references" in given:
        if name is None:
            raise UsageError(
                "--references belongs to one space. Expected mnist-tune spaces NAME --references. Received: no name"
            )
        print_references(name)
    elif name is None:
        print_spaces()
    else:
        print_space(name)


def print_spaces() -> None:
    """Print a table of the spaces: cap, default network, description."""
    console = make_console()
    rows = [
        (space.name, f"≤ {space.max_params:,}", f"{space.parameters:,}", space.description)
        for space in describe_spaces()
    ]
    console.print(fitted_table(("space", "parameters", "default", "what it holds"), rows, console, right=(1, 2)))
    console.print()
    console.print(Text("One of them: mnist-tune spaces NAME"), soft_wrap=True)
    console.print(Text("Your own:    mnist-tune --space package.module:Class"), soft_wrap=True)


def print_space(name: str) -> None:
    """Print one space: caps, default network, hyperparameters; or a user's space with its notes.

    Raises:
        UsageError: where the name is unknown, or a user's space can't be used.
    """
    space = _described(name)
    if space is None:
        _print_user_space(name)
        return
    console = make_console()
    console.print(Text(f"{name}: {space.description}", style="bold"))
    console.print(
        Text(f"At most {space.max_params:,} parameters and {space.max_macs:,} multiply-adds an image; both can be set.")
    )
    default = f"{space.network}, {space.parameters:,} parameters, {space.multiply_adds:,} multiply-adds"
    console.print(Text(f"Default: {default}"))
    console.print()
    console.print(hyperparameter_table(space.hyperparameters, console))
    console.print()
    if space.references:
        console.print(
            Text(f"Published networks ({len(space.references)}): mnist-tune spaces {name} --references"),
            soft_wrap=True,
        )
    console.print(Text(f"Search it: mnist-tune --space {name}"), soft_wrap=True)


def print_references(name: str) -> None:
    """Print the references of a space.

    Raises:
        UsageError: where the name is unknown, or the space is a user's, which has none.
    """
    space = _described(name)
    if space is None:
        raise UsageError(f"A space of yours has no references. Expected one of {', '.join(SPACES)}. Received: {name}")
    console = make_console()
    if space.references:
        console.print(reference_table(space, console))
        console.print()
        console.print(Text(f"Train one of them: mnist-tune train {space.references[0].name}"), soft_wrap=True)
    else:
        console.print(Text(f"{name} has no published networks."))


def _described(name: str) -> SpaceDescription | None:
    """Return the description of a space of the program, or None for a user's.

    Raises:
        UsageError: where the name is unknown.
    """
    try:
        check_space_name(name)
        return None if is_code(name) else describe_space(name)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _print_user_space(name: str) -> None:
    from tuner.spaces.user_space import UserSpace  # with what reads data, which takes half a second to import

    space = UserSpace(SpaceRef(name=name, max_params=None, max_macs=None, classes=10))
    console = make_console()
    console.print(Text(f"{name}: {space.description}" if space.description else name, style="bold"))
    caps = {"parameters": space.max_params, "multiply-adds an image": space.max_macs}
    held = [f"{cap:,} {unit}" for unit, cap in caps.items() if cap is not None]
    console.print(
        Text(f"At most {' and '.join(held)}." if held else "No cap: set one with --max-params or --max-macs.")
    )
    defaults = space.active({})
    macs = space.count_multiply_adds(defaults)
    console.print(Text(f"Default: {space.count_parameters(defaults):,} parameters, {macs:,} multiply-adds"))
    console.print()
    console.print(hyperparameter_table(space.hyperparameters, console))
    for note in space.notes:
        console.print(Text(note))


def make_console() -> Console:
    """Return the terminal, for texts that are printed as they are."""
    return Console(highlight=False, markup=False, emoji=False)
