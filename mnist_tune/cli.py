"""The command line: words in, exit code out. What it does is in `mnist_tune.api`."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mnist_tune import __version__
from mnist_tune.arguments import (
    compare_parser,
    predict_parser,
    report_parser,
    search_parser,
    spaces_parser,
    study_parser,
    train_parser,
)
from mnist_tune.terminal import printable, write_line
from tuner.errors import Interrupted, MnistTuneError, UsageError

_LONGEST_MESSAGE = 2000
"""Characters: what was received may be as long as somebody likes."""
_NOT_OPTIONS = ("out", "resume", "force", "quiet", "version")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns its exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    command = _COMMANDS.get(words[0]) if words else None
    try:
        _refuse_zeros(words)
        if command is not None:
            command(words[1:])
        else:
            _search(words)
    except MnistTuneError as error:
        sys.stderr.write(f"mnist-tune: {_one_line(str(error))}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("mnist-tune: Interrupted.\n")
        return Interrupted.exit_code
    except BrokenPipeError:
        # Whoever read the output has gone; the interpreter must not try to flush it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def _refuse_zeros(words: Sequence[str]) -> None:
    """No file has such a name, and each system call would say so in its own way; a shell can't pass one on anyway."""
    for word in words:
        if "\0" in word:
            raise UsageError(f"A word of a command can't hold a zero byte. Received: {word}")


def _one_line(message: str) -> str:
    words = printable(" ".join(message.split()))
    return (
        words
        if len(words) <= _LONGEST_MESSAGE
        else f"{words[: _LONGEST_MESSAGE // 2]} … {words[-_LONGEST_MESSAGE // 2 :]}"
    )


def _search(words: list[str]) -> None:
    parser = search_parser()
    if words and not words[0].startswith("-"):
        raise UsageError(_unknown_command(words[0]))
    given = parser.parse_args(words)
    if "version" in given:
        sys.stdout.write(f"mnist-tune {__version__}\n")
        return
    if not words:
        parser.print_help()
        return
    _run(given, ["mnist-tune", *words])


def _run(given: Namespace, command: list[str]) -> None:
    from mnist_tune.api import run_search

    run_search(_named(given), **_how(given), command=command)


def _train(words: list[str]) -> None:
    given = train_parser().parse_args(words)
    from mnist_tune.api import run_training

    run_training(_named(given), **_how(given), command=["mnist-tune", "train", *words])


def _study(words: list[str]) -> None:
    given = study_parser().parse_args(words)
    from mnist_tune.api import run_study

    run_study(_named(given), **_how(given), command=["mnist-tune", "study", *words])


def _spaces(words: list[str]) -> None:
    from mnist_tune.spaces import print_space, print_spaces

    name = getattr(spaces_parser().parse_args(words), "name", None)
    if name is None:
        print_spaces()
    else:
        print_space(name)


def _named(given: Namespace) -> dict[str, Any]:
    """The options that were typed; a name that wasn't is not among them."""
    return {
        name: value
        for name, value in vars(given).items()
        if name not in _NOT_OPTIONS and (name, value) != ("name", None)
    }


def _how(given: Namespace) -> dict[str, Any]:
    return {
        "out": getattr(given, "out", None),
        "resume": getattr(given, "resume", False),
        "force": getattr(given, "force", False),
        "quiet": getattr(given, "quiet", False),
    }


def _report(words: list[str]) -> None:
    from mnist_tune.api import load_run

    given = report_parser().parse_args(words)
    run = load_run(given.run)
    if given.figures is not None:
        _figures(run.path, Path(given.figures), force=given.force)
    write_line(f"Wrote {printable(str(run.report()))}")


def _figures(run: Path, folder: Path, *, force: bool) -> None:
    from reports.figure_files import write_figures

    number = write_figures(run, folder, force=force)
    write_line(f"Wrote {number} figure{'' if number == 1 else 's'} to {printable(str(folder))}")


def _compare(words: list[str]) -> None:
    given = compare_parser().parse_intermixed_args(words)
    from reports.comparison.page import write_comparison

    path = write_comparison([Path(run) for run in given.runs], Path(given.out), __version__, force=given.force)
    write_line(f"Wrote {printable(str(path))}")


def _predict(words: list[str]) -> None:
    given = predict_parser().parse_intermixed_args(words)
    from mnist_tune.predict import run_predict

    run_predict(given)


_COMMANDS: dict[str, Callable[[list[str]], None]] = {
    "compare": _compare,
    "predict": _predict,
    "report": _report,
    "spaces": _spaces,
    "study": _study,
    "train": _train,
}


def _unknown_command(word: str) -> str:
    import difflib

    near = difflib.get_close_matches(word, _COMMANDS, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"There is no command {word}.{hint} Expected --space NAME, or one of: {', '.join(_COMMANDS)}. See: mnist-tune --help"
