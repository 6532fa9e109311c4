"""The command line: words in, exit code out. What it does is in `mnist_tune.api`."""

from __future__ import annotations

import logging
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from inference.names import printable
from mnist_tune import __version__
from mnist_tune.arguments import (
    compare_parser,
    report_parser,
    search_parser,
    spaces_parser,
    study_parser,
    train_parser,
)
from mnist_tune.managed import Asked, Surroundings, plain_words, run_managed, surroundings
from mnist_tune.model_arguments import export_parser, predict_parser
from mnist_tune.output import OutputError, open_standard_streams, tell, watched_output
from mnist_tune.signals import ending_like_ctrl_c
from mnist_tune.terminal import write_line
from mnist_tune.verify_parser import verify_parser
from tuner.disk import is_no_space, is_no_temporary_folder
from tuner.errors import Interrupted, MnistTuneError, UsageError

_LONGEST_MESSAGE = 2000
"""Characters: what was received may be as long as somebody likes."""
_NOT_OPTIONS = ("out", "resume", "force", "quiet", "version")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns its exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    command = _COMMANDS.get(words[0]) if words else None
    open_standard_streams()
    # Where it keeps its settings is no concern of whoever reads a report: with an unwritable home it says so on four lines.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    try:
        with ending_like_ctrl_c(), watched_output():
            _refuse_zeros(words)
            if command is not None:
                command(words[1:])
            else:
                _search(words)
    except MnistTuneError as error:
        if not (isinstance(error, OutputError) and error.reader_gone):
            tell(f"mnist-tune: {_one_line(str(error))}")
        return error.exit_code
    except OSError as error:
        if is_no_temporary_folder(error):
            tell("mnist-tune: No folder for temporary files can be written to. Set TMPDIR to one that can.")
            return UsageError.exit_code
        if not is_no_space(error):
            raise
        tell(f"mnist-tune: The disk is full. Make space, and give the command again. Received: {error}")
        return 1
    except KeyboardInterrupt:
        tell("mnist-tune: Interrupted.")
        return Interrupted.exit_code
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
    if words and not words[0].startswith("-"):
        raise UsageError(_unknown_command(words[0]))
    around = surroundings(os.environ)
    parser = search_parser()
    plain, aside = (words, []) if around is None else plain_words(words, parser)
    given = parser.parse_args(plain)
    if "version" in given:
        sys.stdout.write(f"mnist-tune {__version__}\n")
    elif not words and around is None:
        parser.print_help()
    else:
        from mnist_tune.api import run_search

        _run(run_search, given, ["mnist-tune", *plain], around, aside)


def _train(words: list[str]) -> None:
    around = surroundings(os.environ)
    parser = train_parser()
    plain, aside = (words, []) if around is None else plain_words(words, parser)
    given = parser.parse_args(plain)
    from mnist_tune.api import run_training

    _run(run_training, given, ["mnist-tune", "train", *plain], around, aside)


def _run(
    run: Callable[..., Any], given: Namespace, command: list[str], around: Surroundings | None, aside: list[str]
) -> None:
    if around is None:
        run(_named(given), **_how(given), command=command)
    else:
        run_managed(around, run, Asked(_named(given), _how(given), aside), command)


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
    from mnist_tune.run import load_run

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


def _export(words: list[str]) -> None:
    given = export_parser().parse_args(words)
    from mnist_tune.export import run_export

    run_export(given, ["mnist-tune", "export", *words])


def _verify(words: list[str]) -> None:
    given = verify_parser().parse_args(words)
    from mnist_tune.verify import run_verify

    run_verify(given)


_COMMANDS: dict[str, Callable[[list[str]], None]] = {
    "compare": _compare,
    "export": _export,
    "predict": _predict,
    "report": _report,
    "spaces": _spaces,
    "study": _study,
    "train": _train,
    "verify": _verify,
}


def _unknown_command(word: str) -> str:
    import difflib

    near = difflib.get_close_matches(word, _COMMANDS, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"There is no command {word}.{hint} Expected --space NAME, or one of: {', '.join(_COMMANDS)}. See: mnist-tune --help"
