"""The command line's entry: which command the words name, and how an error ends it."""

from __future__ import annotations

import difflib
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
from tuner.core.text import escape_unprintable

COMMANDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "spaces": ("[NAME]", "what can be searched"),
        "train": ("NAME", "train one configuration with several seeds"),
        "study": ("NAME", "vary one thing, several seeds a value, all else held"),
        "report": ("RUN", "render the report of a run again (--figures DIR: SVG and PNG files)"),
        "compare": ("RUN RUN…", "several runs side by side, one page"),
        "export": ("RUN", "the model for other programs: SavedModel, Keras, LiteRT, ONNX"),
        "predict": ("RUN|MODEL IMAGE", "classify image files or folders"),
        "verify": ("RUN [--retrain K]", "check a run that somebody hands over"),
    }
)
"""Command → its words and what it does. Each is the module of its name in this package; without one it is a search."""

_LONGEST_MESSAGE = 2000
"""Characters: what was received may be as long as somebody likes."""


class Command(Protocol):
    """A command's module."""

    def make_command_parser(self) -> Parser:
        """Return the command's parser."""

    def run(self, given: Namespace, words: Sequence[str]) -> None:
        """Do it. `words` are the command's own, for whoever writes them down."""


def load_command(name: str) -> Command:
    """Return the module of a command."""
    # mypy can't see that a module that is imported by name has these functions; the tests call each.
    return cast(Command, importlib.import_module(f"mnist_tune.cli.{name}"))


def format_commands() -> str:
    """Return the end of `mnist-tune --help`: every command, and the exit codes."""
    rows = [("--space NAME [options]", "search, confirm, evaluate, export, report")]
    rows += [(f"{name} {words}", summary) for name, (words, summary) in COMMANDS.items()]
    lines = [f"  mnist-tune {words:<24} {summary}" for words, summary in rows]
    return "\n".join(["commands:", *lines, "", "exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    open_standard_streams()
    # Where it keeps its settings is no concern of whoever reads a report: with an unwritable home it says so on four lines.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    try:
        with ending_like_ctrl_c(), watched_output():
            _refuse_zeros(words)
            _run(words)
    except MnistTuneError as error:
        if not (isinstance(error, OutputError) and error.reader_gone):
            write_error(f"mnist-tune: {_one_line(str(error))}")
        return error.exit_code
    except OSError as error:
        if is_no_temporary_folder(error):
            write_error("mnist-tune: No folder for temporary files can be written to. Set TMPDIR to one that can.")
            return UsageError.exit_code
        if not is_no_space(error):
            raise
        write_error(f"mnist-tune: The disk is full. Make space, and give the command again. Received: {error}")
        return 1
    except KeyboardInterrupt:
        write_error("mnist-tune: Interrupted.")
        return Interrupted.exit_code
    return 0


def _refuse_zeros(words: Sequence[str]) -> None:
    """No file has such a name, and each system call would say so in its own way; a shell can't pass one on anyway."""
    for word in words:
        if "\0" in word:
            raise UsageError(f"A word of a command can't hold a zero byte. Received: {word}")


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
        parser = search.make_command_parser(format_commands())
        given = parser.parse_words(words)
        if words:
            search.run(given, words)
        else:
            parser.print_help()


def _unknown_command(word: str) -> str:
    near = difflib.get_close_matches(word, COMMANDS, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"There is no command {word}.{hint} Expected --space NAME, or one of: {', '.join(sorted(COMMANDS))}. See: mnist-tune --help"
