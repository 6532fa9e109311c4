"""The parser that every command builds on: a mistake is one line, an option can't be shortened, and is absent unless it was typed."""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NoReturn, get_type_hints

from tuner.core.errors import UsageError
from tuner.options.option import Group, Option, flag, options_of
from tuner.options.run_options import RunOptions

HOW = ("out", "resume", "force", "quiet", "notes")
"""Settings of every run that are no part of what it finds; `notes` are for run.json, and typed by nobody."""


class Parser(argparse.ArgumentParser):
    """A parser that raises for a mistake."""

    intermixed = False
    """Whether options may stand between the positional words."""

    def parse_words(self, words: Sequence[str]) -> Namespace:
        """Return what was typed.

        Raises:
            UsageError: where the words can't be understood.
        """
        return self.parse_intermixed_args(words) if self.intermixed else self.parse_args(words)

    def error(self, message: str) -> NoReturn:
        """
        Raises:
            UsageError: always.
        """
        raise UsageError(f"{message[:1].upper()}{message[1:]}. See: {self.prog} --help")


def make_parser(prog: str, description: str, **more: Any) -> Parser:
    """Return a parser whose options are absent unless they were typed, and can't be shortened."""
    settings = {"argument_default": argparse.SUPPRESS, "allow_abbrev": False, **more}
    return Parser(prog=prog, description=description, **settings)


def add_run_options(
    parser: Parser, kind: type[RunOptions], titles: Mapping[Group, str], leave_out: Collection[str] = ()
) -> None:
    """Add the options of a kind of run, each from its field's metadata, and `HOW`.

    Args:
        parser: of the command.
        kind: the dataclass of the options.
        titles: group → its heading, in the order of `--help`.
        leave_out: options that this command doesn't offer.
    """
    groups = {name: parser.add_argument_group(title) for name, title in titles.items()}
    defaults = {field.name: field.default for field in kind.__dataclass_fields__.values()}
    hints = get_type_hints(kind)
    for name, described in options_of(kind).items():
        if name not in leave_out:
            _add_option(groups[described.group], name, described, hints[name], defaults[name])
    _add_how(groups["running"])


def _add_option(group: argparse._ArgumentGroup, name: str, described: Option, hint: Any, default: Any) -> None:
    if described.metavar is None:
        action = "store_false" if default is True else "store_true"
        group.add_argument(flag(name), dest=name, action=action, help=described.help)
        return
    group.add_argument(
        flag(name),
        metavar=described.metavar,
        type=_argument_type(described.parse) if described.parse else _plain_type(hint),
        help=_help(described, default),
    )


def _help(described: Option, default: Any) -> str:
    shown = described.unset if described.unset is not None else default
    known = isinstance(shown, str | int | float)
    return f"{described.help} (default: {shown})".replace("%", "%%") if known else described.help.replace("%", "%%")


def _plain_type(hint: Any) -> type:
    return next((number for number in (int, float) if hint in (number, number | None)), str)


def _argument_type(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            return parse(text)
        except (UsageError, ValueError) as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return read


def _add_how(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--out", metavar="DIR", help="the run's folder (default: runs/<what>-<date>-<time>)")
    group.add_argument(
        "--resume", action="store_true", help="resume the run in --out, or make again what a completed one lacks"
    )
    group.add_argument("--force", action="store_true", help="write over the run in --out")
    group.add_argument("--quiet", action="store_true", help="print the result only")


def given_options(given: Namespace) -> dict[str, Any]:
    """Return the options of a run that were typed; a name that wasn't is not among them."""
    return {
        name: value
        for name, value in vars(given).items()
        if name not in (*HOW, "version") and (name, value) != ("name", None)
    }


def given_how(given: Namespace) -> dict[str, Any]:
    """Return `HOW` as it was typed, or its defaults."""
    defaults = {"out": None, "resume": False, "force": False, "quiet": False, "notes": ()}
    return {name: getattr(given, name, defaults[name]) for name in HOW}
