"""Runs for verification: complete ones with fake workers, and one of version 0.1.0."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.kit.tampering import (
    Victim,
    without_chain,
)
from tuner.options.study_options import StudyOptions

WORKER = "tests.kit.processes.verifiable_worker"


MODEL = {"Keras model", "SavedModel"}
"""Checks that need a model, which fake workers don't leave."""


SMALL: dict[str, Any] = {"space": "compact2k", "data": "digits", "workers": 2, "max_epochs": 2}


def studying(**changes: Any) -> StudyOptions:
    given = {"space": "dense", "name": "dropout", "seeds": 3, "epochs": 2, "data": "digits", "workers": 2}
    return StudyOptions(**{**given, **changes})


def of_version_0_1_0(run: Path) -> Path:
    """Change a run to the form of version 0.1.0: no chain, no digests."""
    without_chain(Victim(run))
    Victim(run).edit("run.json", lambda document: document.pop("journal"))
    Victim(run).edit("result.json", lambda document: document.pop("files"))
    return run
