"""The command line: words in, exit code out. What it does is in `mnist_tune.api`."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence

from mnist_tune import __version__
from mnist_tune.arguments import predict_parser, report_parser, search_parser
from tuner.errors import Interrupted, MnistTuneError, UsageError

_NOT_OPTIONS = ("out", "resume", "force", "quiet", "version")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns its exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    command = _COMMANDS.get(words[0]) if words else None
    try:
        if command is not None:
            command(words[1:])
        else:
            _search(words)
    except MnistTuneError as error:
        sys.stderr.write(f"mnist-tune: {' '.join(str(error).split())}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("mnist-tune: Interrupted.\n")
        return Interrupted.exit_code
    except BrokenPipeError:
        # Whoever read the output has gone; the interpreter must not try to flush it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


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
    options = {name: value for name, value in vars(given).items() if name not in _NOT_OPTIONS}
    from mnist_tune.api import run_search

    run_search(
        options,
        out=getattr(given, "out", None),
        resume=getattr(given, "resume", False),
        force=getattr(given, "force", False),
        quiet=getattr(given, "quiet", False),
        command=command,
    )


def _report(words: list[str]) -> None:
    from mnist_tune.api import load_run

    path = load_run(report_parser().parse_args(words).run).report()
    sys.stdout.write(f"Wrote {path}\n")


def _predict(words: list[str]) -> None:
    given = predict_parser().parse_intermixed_args(words)
    from mnist_tune.predict import run_predict

    run_predict(given)


_COMMANDS: dict[str, Callable[[list[str]], None]] = {"report": _report, "predict": _predict}


def _unknown_command(word: str) -> str:
    import difflib

    near = difflib.get_close_matches(word, _COMMANDS, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"There is no command {word}.{hint} Expected --space NAME, or one of: {', '.join(_COMMANDS)}. See: mnist-tune --help"
