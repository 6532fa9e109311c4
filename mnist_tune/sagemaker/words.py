"""The service's options, normalised: there each has a value, and may have underscores in its name."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from tuner.core.text import escape_unprintable

_TRUE, _FALSE = ("", "true", "1", "yes"), ("false", "0", "no")


def plain_words(words: Sequence[str], parser: argparse.ArgumentParser) -> tuple[list[str], list[str]]:
    """Return options in the parser's form, and notes on the ignored ones.

    The service writes `--max_epochs 5 --no_test True`. A switch's value says whether it is set ("" is yes); any other
    option with an empty value is absent. `--model_dir`, which SageMaker's TensorFlow estimator adds, is ignored: the
    model goes to `SM_MODEL_DIR`.
    """
    kept: list[str] = []
    ignored: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        if not word.startswith("--"):
            kept.append(word)
            continue
        name, equals, value = word.partition("=")
        name = name.replace("_", "-")
        if not equals and left and not left[0].startswith("--"):
            equals, value = " ", left.pop(0)
        if name == "--model-dir":
            ignored.append(f"--model_dir {escape_unprintable(value)} ignored")
        else:
            kept += _plain(name, value if equals else None, parser)
    return kept, ignored


def _plain(name: str, value: str | None, parser: argparse.ArgumentParser) -> list[str]:
    """Return the arguments of one option; none where its value means that it is absent."""
    action = parser._option_string_actions.get(name)  # argparse has no public accessor
    if value is None or action is None:
        return [name] if value is None else [name, value]
    if action.nargs != 0:
        return [name, value] if value else []
    if value.lower() in _FALSE:
        return []
    # Any other value is the next argument: `--no-test dense128`.
    return [name] if value.lower() in _TRUE else [name, value]
