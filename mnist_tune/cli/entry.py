"""The entry point: choose the command, run it, and turn an error into one line and an exit code."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Protocol, cast

from mnist_tune.cli import search
from mnist_tune.cli.parser import Parser
from mnist_tune.terminal.signals import ending_like_ctrl_c
from mnist_tune.terminal.stdout import OutputError, open_standard_streams, watched_output, write_error
from tuner.core.disk_full import is_no_space, is_no_temporary_folder
from tuner.core.errors import Interrupted, MnistTuneError, UsageError
from tuner.core.text import did_you_mean, escape_unprintable

COMMANDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "spaces": ("[NAME]", "what can be searched: all search spaces, or one"),
        "boards": ("", "the microcontrollers that --board knows"),
        "train": ("NAME", "train one configuration with several seeds"),
        "study": ("NAME", "compare values of one factor, several seeds each"),
        "report": ("RUN", "render the report again, or write its figures"),
        "compare": ("RUN RUN…", "several runs side by side on one page"),
        "export": ("RUN", "the model for other programs: LiteRT, ONNX, Keras"),
        "predict": ("RUN|MODEL IMAGE", "classify image files or folders"),
        "verify": ("RUN", "check the files and the figures of a run"),
        "completion": ("SHELL", "complete commands and options in bash, zsh or fish"),
    }
)
"""Command → its arguments and summary. Each is a module of that name; without a command it is a search."""

_USAGE = "mnist-tune --space NAME [options]\n       mnist-tune COMMAND [arguments]"
_FIRST_WORDS = """mnist-tune finds the best small image classifier under a cap of parameters.

  mnist-tune --space compact8k --data digits       try it: minutes, no download
  mnist-tune --space compact8k --time-budget 45m   search MNIST for 45 minutes

Commands:
  {commands}
All options: mnist-tune --help. Those of a command: mnist-tune train --help
"""
"""The output of `mnist-tune` alone."""
_LONGEST_MESSAGE = 2000
"""Characters; a received value may be of any length."""


class Command(Protocol):
    """A command's module."""

    def make_command_parser(self) -> Parser:
        """Return the command's parser."""

    def run(self, given: Namespace, words: Sequence[str]) -> None:
        """Run the command. `words` are its arguments as typed, for the record."""


def load_command(name: str) -> Command:
    """Return the module of a command."""
    # mypy can't check a module that is imported by name; the tests call each.
    return cast(Command, importlib.import_module(f"mnist_tune.cli.{name}"))


def format_commands() -> str:
    """Return the table of the commands in `mnist-tune --help`."""
    rows = [(f"{name} {words}", summary) for name, (words, summary) in COMMANDS.items()]
    lines = [f"  {words:<24} {summary}" for words, summary in rows]
    return "\n".join(["commands (each has its own --help; without one it is a search):", *lines])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    open_standard_streams()
    # With an unwritable home matplotlib would warn about its settings in four lines.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    try:
        with ending_like_ctrl_c(), watched_output():
            _reject_zero_bytes(words)
            _run(words)
    except MnistTuneError as error:
        if not (isinstance(error, OutputError) and error.reader_gone):
            write_error(f"mnist-tune: {_one_line(str(error))}")
        return error.exit_code
    except OSError as error:
        if is_no_temporary_folder(error):
            write_error("mnist-tune: No writable folder for temporary files. Set TMPDIR to a writable folder.")
            return UsageError.exit_code
        if not is_no_space(error):
            raise
        write_error(f"mnist-tune: The disk is full. Free some space and repeat the command. Received: {error}")
        return 1
    except KeyboardInterrupt:
        write_error("mnist-tune: Interrupted.")
        return Interrupted.exit_code
    return 0


def _reject_zero_bytes(words: Sequence[str]) -> None:
    """Reject a zero byte, on which each system call would fail in its own way."""
    for word in words:
        if "\0" in word:
            raise UsageError(f"An argument can't contain a zero byte. Received: {word}")


def _one_line(message: str) -> str:
    words = escape_unprintable(" ".join(message.split()))
    return (
        words
        if len(words) <= _LONGEST_MESSAGE
        else f"{words[: _LONGEST_MESSAGE // 2]} … {words[-_LONGEST_MESSAGE // 2 :]}"
    )


def _run(words: list[str]) -> None:
    from mnist_tune.sagemaker import environment

    name = words[0] if words and not words[0].startswith("-") else ""
    if name and name not in COMMANDS:
        raise UsageError(_unknown_command(name))
    managed = environment.read_environment(os.environ) if name in ("", "train") else None
    if managed is not None:
        from mnist_tune.sagemaker.main import run_managed

        run_managed(managed, load_command(name or "search"), words[1:] if name else words)
    elif name:
        command = load_command(name)
        command.run(command.make_command_parser().parse_words(words[1:]), words[1:])
    else:
        _search(words)


def _search(words: list[str]) -> None:
    if not words:
        sys.stdout.write(_FIRST_WORDS.format(commands=" ".join(COMMANDS)))
        return
    parser = search.make_command_parser(usage=_USAGE, commands=format_commands())
    search.run(parser.parse_words(words), words)


def _unknown_command(word: str) -> str:
    expected = f"--space NAME, or one of: {', '.join(sorted(COMMANDS))}"
    return f"Unknown command {word}.{_meant(word)} Expected {expected}. See: mnist-tune --help"


def _meant(word: str) -> str:
    """Return the hint at what an unknown command may mean: a command, a space without --space, or a reference."""
    from search_spaces.families.registry import SPACES, find_reference

    if word in SPACES:
        return f" Did you mean mnist-tune --space {word}?"
    near = did_you_mean(word, COMMANDS)
    if near:
        return near
    try:
        find_reference(word)
    except ValueError:
        return ""
    return f" Did you mean mnist-tune train {word}?"
