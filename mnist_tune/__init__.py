"""Hyperparameter search for small image classifiers, from the command line and from Python.

    from mnist_tune import load_run, search, study, train

Each name is loaded at its first use, so importing the package is fast.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from mnist_tune.version import __version__

if TYPE_CHECKING:
    from mnist_tune.api.run import Run, load_run
    from mnist_tune.api.runs import search, study, train

__all__ = ["Run", "__version__", "load_run", "search", "study", "train"]
_HOMES = {"Run": "run", "load_run": "run", "search": "runs", "study": "runs", "train": "runs"}


def __getattr__(name: str) -> Any:  # any of the public names
    if name in _HOMES:
        return getattr(importlib.import_module(f"mnist_tune.api.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
