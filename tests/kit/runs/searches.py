"""Searches with fake workers: started, resumed or killed at a moment, and the files that they leave."""

from __future__ import annotations

import atexit
import functools
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from tuner.core.records import Json, Trial
from tuner.options.search_options import SearchOptions
from tuner.run import launch as search
from tuner.run.observer import Observer
from tuner.storage.journal import read_state
from tuner.storage.run_folder import RunFolder
from tuner.storage.schema.documents import as_json

FAKE = "tests.kit.processes.fake_worker"


def options(**changes: Any) -> SearchOptions:
    return SearchOptions(**{"space": "compact8k", "data": "digits", "max_epochs": 9, "workers": 2, **changes})


def start(path: Path, observer: Observer | None = None, *, force: bool = False, **changes: Any) -> Json:
    return as_json(
        search.start(
            options(**changes),
            RunFolder(path),
            observer or Observer(),
            command=["mnist-tune"],
            force=force,
            worker_module=FAKE,
        )
    )


def resume(path: Path, **changes: Any) -> Json | None:
    result = search.resume(options(**changes), RunFolder(path), Observer(), worker_module=FAKE)
    return None if result is None else as_json(result)


def whole(**changes: Any) -> tuple[Path, Json]:
    """Return the folder of an undisturbed run and its result; made once for all tests of a process, so not to be changed."""
    path, text = _whole(tuple(sorted(changes.items())))
    return path, json.loads(text)


@functools.cache
def _whole(changes: tuple[tuple[str, Any], ...]) -> tuple[Path, str]:
    folder = Path(tempfile.mkdtemp(prefix="mnist-tune-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder / "run", json.dumps(start(folder / "run", **dict(changes)))


def contents(path: Path) -> set[tuple[str, str, float, int, float | None]]:
    return {
        (r.trial, json.dumps(dict(r.configuration)), r.epochs, r.seed, r.val_accuracy)
        for r in read_state(path / "trials.jsonl").finished.values()
    }


class Killed(Observer):
    """An observer that stops a run, as a kill would, after a number of trials of a phase."""

    def __init__(self, phase: str, after: int) -> None:
        self.phase, self.after = phase, after

    def trial_started(self, trial: Trial) -> None:
        if trial.phase == self.phase:
            self.after -= 1
            if self.after < 0:
                raise SystemExit
