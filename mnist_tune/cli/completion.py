"""`mnist-tune completion bash|zsh|fish`: print a script that completes commands, options and their values.

shtab writes the script from the parsers of all commands. What an argument's values are comes from its choices, its name or its
metavar, so a new option is completed without a line here.
"""

from __future__ import annotations

import importlib
import sys
from argparse import Action, Namespace
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeAlias

from mnist_tune.cli.parser import Parser, make_parser
from tuner.core.errors import UsageError
from tuner.core.text import did_you_mean

SHELLS = ("bash", "zsh", "fish")
_EPILOG = """to use it:
  bash   eval "$(mnist-tune completion bash)", in ~/.bashrc
  zsh    eval "$(mnist-tune completion zsh)", in ~/.zshrc after compinit
  fish   mnist-tune completion fish > ~/.config/fish/completions/mnist-tune.fish"""

Completer: TypeAlias = Mapping[str, str | Mapping[str, str]]
"""A shell's name → the code that completes a word, and "preamble" → its functions: shtab's `complete` attribute."""
Files: TypeAlias = Literal["file", "dir"]

_FILES: Mapping[str, Files] = {
    "FILE": "file",
    "IMAGE": "file",
    "MODEL": "file",
    "PATH": "file",
    "SOURCE": "file",
    "DIR": "dir",
    "RUN": "dir",
}
"""A metavar, or a part of one between bars → what it names."""
_FILE_CODE: Mapping[Files, tuple[str, str, str]] = {
    "file": ("-f", "_files", "__fish_complete_path (commandline -ct)"),
    "dir": ("-d", "_files -/", "__fish_complete_directories (commandline -ct)"),
}
"""The code that completes them in bash, zsh and fish."""


def make_command_parser() -> Parser:
    """Return the command's parser."""
    parser = make_parser(
        "mnist-tune completion",
        "Print a script that completes commands, options and their values in a shell.",
        epilog=_EPILOG,
    )
    parser.add_argument("shell", nargs="?", metavar="SHELL", help="bash, zsh or fish")
    return parser


def run(given: Namespace, words: Sequence[str]) -> None:
    """Print the script of a shell.

    Raises:
        UsageError: where no shell is named, or one that has no script.
    """
    shell = getattr(given, "shell", None)
    if shell not in SHELLS:
        raise UsageError(
            f"The shell is {'unknown' if shell else 'missing'}. Expected one of {', '.join(SHELLS)}. "
            f"Received: {shell or 'none'}.{did_you_mean(shell or '', SHELLS)}"
        )
    sys.stdout.write(format_script(shell))


def format_script(shell: str) -> str:
    """Return the script of a shell, one of `SHELLS`."""
    import shtab

    return shtab.complete(make_program_parser(), shell).rstrip() + "\n"


def make_program_parser() -> Parser:
    """Return one parser of the whole program, with the commands as its subparsers and a completer for each argument."""
    from mnist_tune.cli.entry import COMMANDS

    modules = {name: importlib.import_module(f"mnist_tune.cli.{name}") for name in ("search", *COMMANDS)}
    parsers = {name: module.make_command_parser() for name, module in modules.items()}
    for name, parser in parsers.items():
        for action in parser._actions:  # argparse has no public accessor
            _add_completer(name, action)
    whole = Parser(prog="mnist-tune", description="", parents=[parsers.pop("search")], add_help=False)
    commands = whole.add_subparsers()
    for name, parser in parsers.items():
        commands.add_parser(
            name, parents=[parser], add_help=False, help=COMMANDS[name][1], description=COMMANDS[name][1]
        )
    return whole


def _add_completer(command: str, action: Action) -> None:
    """Give an argument its values: choices of its option, words of its name, files or directories of its metavar."""
    if action.choices or action.nargs == 0:
        return
    words = _WORDS.get(f"{command} {action.dest}") or _WORDS.get(action.dest)
    files = _kind_of_files(action.metavar if isinstance(action.metavar, str) else "")
    if files is None:
        action.choices = words() if words else None
        return
    completer = format_completer(f"{command}_{action.dest}", words(), files) if words else _files_alone(files)
    setattr(action, "complete", completer)  # noqa: B010 (shtab's attribute, which argparse doesn't have)


def _files_alone(files: Files) -> Completer:
    import shtab

    return shtab.FILE if files == "file" else shtab.DIRECTORY


def _kind_of_files(metavar: str) -> Files | None:
    kinds = {_FILES[part] for part in metavar.replace(".", "|").split("|") if part in _FILES}
    return "file" if "file" in kinds else "dir" if kinds else None


def format_completer(name: str, words: Sequence[str], files: Files) -> Completer:
    """Return the code that completes an argument with fixed words, and with files or directories.

    Args:
        name: of the argument, unique in the program, such as "train_data".
        words: names without spaces, quotes or other signs that a shell reads, such as names of spaces.
        files: "file" completes directories too.
    """
    # shtab's bash script completes file names where the function's name contains "_file" or "_dir".
    function = f"_mnist_tune_{files}_{name}"
    listed = " ".join(words)
    bash, zsh, fish = _FILE_CODE[files]
    return {
        "bash": function,
        "zsh": function,
        "fish": f"(string split ' ' '{listed}'; {fish})",
        "preamble": {
            "bash": f'{function}() {{\n  compgen -W "{listed}" -- "$1"\n  compgen {bash} -- "$1"\n}}',
            "zsh": f"{function}() {{\n  compadd -- {listed}\n  {zsh}\n}}",
        },
    }


def _spaces() -> tuple[str, ...]:
    from search_spaces.families.registry import SPACES

    return tuple(SPACES)


def _references() -> tuple[str, ...]:
    from search_spaces.families.registry import SPACES, load_family

    return tuple(dict.fromkeys(one.name for space in SPACES for one in load_family(space).references()))


def _presets() -> tuple[str, ...]:
    from tuner.study.presets import PRESETS

    return tuple(PRESETS)


def _sources() -> tuple[str, ...]:
    from tuner.data.sources import SOURCES

    return SOURCES


def _formats() -> tuple[str, ...]:
    from tuner.export.formats import FORMATS

    return tuple(FORMATS)


def _shells() -> tuple[str, ...]:
    return SHELLS


_WORDS: Mapping[str, Callable[[], tuple[str, ...]]] = {
    "search space": _spaces,
    "train space": _spaces,
    "study space": _spaces,
    "spaces name": _spaces,
    "train name": _references,
    "study name": _presets,
    "base": _references,
    "data": _sources,
    "formats": _formats,
    "shell": _shells,
}
"""The name of an argument, perhaps after its command → the words that it takes."""
