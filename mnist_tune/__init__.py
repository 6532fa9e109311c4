"""Hyperparameter search for small image classifiers, from the command line and from Python.

    from mnist_tune import load_run, search, study, train

The names are loaded when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mnist_tune.api import search, study, train
    from mnist_tune.run import Run, load_run

__version__ = "0.1.0"
__all__ = ["Run", "__version__", "load_run", "search", "study", "train"]
_HOMES = {"Run": "run", "load_run": "run", "search": "api", "study": "api", "train": "api"}


def __getattr__(name: str) -> Any:  # any of the public names
    if name in _HOMES:
        return getattr(importlib.import_module(f"mnist_tune.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
