"""The parser of every command: errors are one line, options can't be abbreviated and are absent unless given."""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NoReturn

from mnist_tune.cli.help_page import HelpPage
from tuner.core.errors import UsageError
from tuner.core.text import did_you_mean
from tuner.options.option import Group, Option, choices_of, flag, options_of, types_of, unknown_choice
from tuner.options.run_options import RunOptions

HOW = ("out", "resume", "force", "quiet", "notes")
"""Settings of every run that don't affect its result; `notes` go to run.json and have no option."""


class Parser(argparse.ArgumentParser):
    """A parser that raises UsageError."""

    intermixed = False
    """True if options may come between positional arguments."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"formatter_class": HelpPage, **settings})

    def parse_words(self, words: Sequence[str]) -> Namespace:
        """Return the parsed arguments.

        Raises:
            UsageError: where an argument is unknown, missing or invalid.
        """
        parse = self.parse_known_intermixed_args if self.intermixed else self.parse_known_args
        given, unknown = parse(words)
        if unknown:
            raise UsageError(self._unknown_argument(unknown[0]))
        return given

    def _unknown_argument(self, word: str) -> str:
        if not word.startswith("-"):
            return f"Unexpected argument {word}. See: {self.prog} --help"
        name = word.partition("=")[0]
        known = [option[2:] for option in self._option_string_actions if option.startswith("--")]
        hint = did_you_mean(name.lstrip("-"), known).replace("mean ", "mean --")
        return f"Unknown option {name}.{hint} See: {self.prog} --help"

    def error(self, message: str) -> NoReturn:
        """Raise UsageError with the message."""
        raise UsageError(f"{message[:1].upper()}{message[1:]}. See: {self.prog} --help")


def make_parser(prog: str, description: str, **more: Any) -> Parser:
    """Return a parser whose options are absent unless given, and can't be abbreviated."""
    settings = {"argument_default": argparse.SUPPRESS, "allow_abbrev": False, **more}
    return Parser(prog=prog, description=description, **settings)


def add_run_options(
    parser: Parser, kind: type[RunOptions], titles: Mapping[Group, str], leave_out: Collection[str] = ()
) -> None:
    """Add the options of a kind of run, from the metadata of its fields, and those of `HOW`.

    Args:
        parser: the command's parser.
        kind: the dataclass that has the options.
        titles: group → its heading, in the order of `--help`.
        leave_out: options to omit.
    """
    groups = {name: parser.add_argument_group(title) for name, title in titles.items()}
    defaults = {field.name: field.default for field in kind.__dataclass_fields__.values()}
    hints = types_of(kind)
    for name, described in options_of(kind).items():
        if name not in leave_out:
            _add_option(groups[described.group], name, described, hints[name], defaults[name])
    _add_how(groups["running"])


def _add_option(group: argparse._ArgumentGroup, name: str, described: Option, hint: Any, default: Any) -> None:
    if described.metavar is None:
        action = "store_false" if default is True else "store_true"
        group.add_argument(flag(name), dest=name, action=action, help=described.help)
        return
    choices = choices_of(hint)
    group.add_argument(
        flag(name),
        metavar=described.metavar,
        type=_choice_type(name, choices) if choices else _value_type(described, hint),
        choices=choices or None,
        help=_help(described, default),
    )


def _help(described: Option, default: Any) -> str:
    shown = described.unset if described.unset is not None else default
    known = isinstance(shown, str | int | float)
    return f"{described.help} (default: {shown})".replace("%", "%%") if known else described.help.replace("%", "%%")


def _value_type(described: Option, hint: Any) -> Callable[[str], Any]:
    return _argument_type(described.parse) if described.parse else _plain_type(hint)


def _choice_type(name: str, choices: Sequence[str]) -> Callable[[str], str]:
    """Return a type that checks the choice before argparse does, whose message has no hint."""

    def read(text: str) -> str:
        if text not in choices:
            raise unknown_choice(name, choices, text)
        return text

    return read


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
        "--resume", action="store_true", help="resume the run in --out, or restore missing files of a completed one"
    )
    group.add_argument("--force", action="store_true", help="write over the run in --out")
    group.add_argument("--quiet", action="store_true", help="print the result only")


def given_options(given: Namespace) -> dict[str, Any]:
    """Return the options of a run that were given."""
    return {
        name: value
        for name, value in vars(given).items()
        if name not in (*HOW, "version") and (name, value) != ("name", None)
    }


def given_how(given: Namespace) -> dict[str, Any]:
    """Return the settings of `HOW`, with their defaults."""
    defaults = {"out": None, "resume": False, "force": False, "quiet": False, "notes": ()}
    return {name: getattr(given, name, defaults[name]) for name in HOW}
