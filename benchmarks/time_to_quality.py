"""`python -m benchmarks.time_to_quality`: the time until a search finds a good configuration, compared with its peers.

Each method searches one space on the same images until a configuration reaches the target: in a trial, and in the mean
of three other seeds that confirm it. During the confirmation the search is paused, and so is its clock. A peer runs as
in its documentation: Keras Tuner's Hyperband in one process with all threads, Optuna in one process a core with one
thread each. Samples above the cap, nine in ten, are replaced (Keras Tuner) or pruned at once (Optuna). Needs
`MNIST_TUNE_DATA`.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.measuring import RESULTS, ROOT, conditions, do_all, quiet_environment
from search_spaces.hyperparameters.hyperparameter import Value
from tuner.core.errors import MnistTuneError
from tuner.core.machine import cpu_cores
from tuner.core.records import Json, configuration_key
from tuner.data.dataset import load_dataset, save_arrays
from tuner.processes.tasks import SpaceRef, TrainTask
from tuner.workers.local import LocalWorkers

RESULT = RESULTS / "time-to-quality.json"
SPACE, CAP = "compact8k", 8000
SAMPLES, TARGET, MAX_EPOCHS, FACTOR = 12_000, 0.985, 15, 3
CONFIRM_SEEDS = 3
LIMIT_S = 1200.0
_POLL_S = 0.1
_MOST_CANDIDATES = 8
"""The most confirmations of one search: each takes minutes."""


@dataclass(frozen=True)
class Scored:
    """A finished trial, as its search reported it."""

    seconds: float
    """Time on the search's clock."""
    accuracy: float
    epochs: int | float
    configuration: Mapping[str, Value]


@dataclass(frozen=True)
class Confirmation:
    """The accuracies of three other seeds of a configuration."""

    seconds: float
    """The time at which the search found the configuration."""
    search_accuracy: float
    epochs: int | float
    accuracies: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Return the mean over seeds."""
        return float(np.mean(self.accuracies))


@dataclass(frozen=True)
class SearchResult:
    """One search of one method."""

    method: str
    seed: int
    seconds: float | None
    """Time until the first confirmed configuration; None: not within the limit."""
    limit_s: float
    trials: int
    confirmations: tuple[Confirmation, ...]
    anytime: tuple[tuple[float, float], ...]
    """(seconds, best validation accuracy so far), at each improvement."""


def seed_of(number: int) -> int:
    """Return a search's seed, hashed: adjacent seeds give Keras Tuner shifted copies of one sequence."""
    return int.from_bytes(hashlib.sha256(f"time to quality {number}".encode()).digest()[:3], "big") + 1


def our_search(*extra: str) -> Callable[[Path, Path, int], list[str]]:
    """Return our command, with further options."""

    def words(data: Path, out: Path, seed: int) -> list[str]:
        search = (
            f"--space {SPACE} --data mnist --train-samples {SAMPLES} --no-references --no-test --iterations 40 --quiet"
        )
        limits = f"--max-epochs {MAX_EPOCHS} --factor {FACTOR} --seed {seed}"
        return [sys.executable, "-m", "mnist_tune", *search.split(), *limits.split(), *extra, "--out", str(out / "run")]

    return words


def peer_search(name: str) -> Callable[[Path, Path, int], list[str]]:
    """Return the command of a peer's search, in `benchmarks.peers`."""
    return lambda data, out, seed: [sys.executable, "-m", "benchmarks.peers", name, str(data), str(out), str(seed)]


METHODS: dict[str, Callable[[Path, Path, int], list[str]]] = {
    "mnist-tune": our_search(),
    "mnist-tune --min-resource 0.5": our_search("--min-resource", "0.5"),
    "Keras Tuner Hyperband": peer_search("keras-tuner"),
    "Optuna TPE + Hyperband": peer_search("optuna"),
    "random search": peer_search("random"),
}


def scored(out: Path) -> Iterator[tuple[float, float | int, Mapping[str, Value]]]:
    """Return accuracy, epochs and configuration of the finished trials, in the order of writing."""
    for journal in (out / "run" / "trials.jsonl", *sorted(out.glob("peer-*.jsonl"))):
        if not journal.exists():
            continue
        for line in journal.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError):  # an incomplete line
                event = json.loads(line)
                if event.get("event") == "finished" and event.get("val_accuracy") is not None:
                    yield event["val_accuracy"], event["epochs"], event["configuration"]


@dataclass
class Clock:
    """A search's clock, which pauses with the search."""

    began: float
    stopped_s: float = 0.0

    @property
    def now(self) -> float:
        return time.monotonic() - self.began - self.stopped_s


def search(method: str, number: int, data: Path, limit_s: float, target: float) -> SearchResult:
    """Run a search until its first confirmed configuration, or the limit."""
    trials: list[Scored] = []
    confirmations: list[Confirmation] = []
    words = METHODS[method]
    with tempfile.TemporaryDirectory() as folder, _running(words(data, Path(folder), seed_of(number))) as process:
        clock = Clock(time.monotonic())
        while clock.now < limit_s and process.poll() is None and not _reached(confirmations, target):
            time.sleep(_POLL_S)
            for trial in _new(Path(folder), trials, clock):
                trials.append(trial)
                if trial.accuracy >= target and len(confirmations) < _MOST_CANDIDATES:
                    with _standing_still(process, clock):
                        confirmations.append(confirm(trial, data))
                    sys.stderr.write(f"{method} {number}: {confirmations[-1]}\n")
                    if _reached(confirmations, target):
                        break
    seconds = confirmations[-1].seconds if _reached(confirmations, target) else None
    return SearchResult(method, seed_of(number), seconds, limit_s, len(trials), tuple(confirmations), anytime(trials))


def _reached(confirmations: Sequence[Confirmation], target: float) -> bool:
    return bool(confirmations) and confirmations[-1].mean >= target


def _new(folder: Path, known: Sequence[Scored], clock: Clock) -> list[Scored]:
    """Return the trials that have finished since."""
    keys = {_key(trial.configuration, trial.epochs) for trial in known}
    return [
        Scored(clock.now, accuracy, epochs, configuration)
        for accuracy, epochs, configuration in scored(folder)
        if _key(configuration, epochs) not in keys
    ]


def _key(configuration: Mapping[str, Value], epochs: float) -> tuple[str, float]:
    return configuration_key(configuration), float(epochs)


def anytime(trials: Sequence[Scored]) -> tuple[tuple[float, float], ...]:
    """Return the best validation accuracy so far, at each improvement."""
    steps: list[tuple[float, float]] = []
    for trial in trials:
        if not steps or trial.accuracy > steps[-1][1]:
            steps.append((round(trial.seconds, 1), trial.accuracy))
    return tuple(steps)


@contextlib.contextmanager
def _running(words: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a search in a new process group, and stop the whole group at the end."""
    process = subprocess.Popen(
        words,
        cwd=ROOT,
        env=quiet_environment(),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextlib.contextmanager
def _standing_still(process: subprocess.Popen[bytes], clock: Clock) -> Iterator[None]:
    os.killpg(process.pid, signal.SIGSTOP)
    stopped = time.monotonic()
    try:
        yield
    finally:
        clock.stopped_s += time.monotonic() - stopped
        os.killpg(process.pid, signal.SIGCONT)


def confirm(trial: Scored, data: Path) -> Confirmation:
    """Train the configuration from scratch with other seeds and equal epochs, by our trainer for every method."""
    space = SpaceRef(name=SPACE, max_params=None, max_macs=None, classes=10)
    seeds = range(9001, 9001 + CONFIRM_SEEDS)
    tasks = [
        TrainTask(id=str(seed), space=space, configuration=dict(trial.configuration), epochs=trial.epochs, seed=seed)
        for seed in seeds
    ]
    with tempfile.TemporaryDirectory() as logs, LocalWorkers(cpu_cores(), data, Path(logs)) as pool:
        accuracies = tuple(round(float(event.body["val_accuracy"]), 5) for event in do_all(pool, tasks))
    return Confirmation(round(trial.seconds, 1), trial.accuracy, trial.epochs, accuracies)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, add to the result and print; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.time_to_quality", description=__doc__)
    parser.add_argument("--method", choices=METHODS, action="append", help="again for several; else all")
    parser.add_argument("--seed", type=int, action="append", help="number of a seed, from 1; else 1, 2 and 3")
    parser.add_argument("--limit", type=float, default=LIMIT_S, help="seconds of one search")
    parser.add_argument("--target", type=float, default=TARGET)
    parser.add_argument("--out", type=Path, default=RESULT, help="the result file, which is added to")
    given = parser.parse_args(arguments)
    before = conditions(("optuna", "tensorboard"))
    try:
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder)
            for number in given.seed or (1, 2, 3):
                save_arrays(
                    load_dataset("mnist", validation=0.1, seed=seed_of(number), train_samples=SAMPLES),
                    data / str(number),
                )
                for method in given.method or METHODS:
                    result = search(method, number, data / str(number), given.limit, given.target)
                    keep(given.out, before, given.target, result)
                    sys.stdout.write(f"{method}, seed {number}: {result.seconds} s, {result.trials} trials\n")
                    sys.stdout.flush()
    except MnistTuneError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def keep(path: Path, before: Json, target: float, result: SearchResult) -> None:
    """Add a search to the result, in place of an earlier one of the same method and seed."""
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"searches": []}
    others = [other for other in kept["searches"] if (other["method"], other["seed"]) != (result.method, result.seed)]
    task = {"space": SPACE, "cap": CAP, "train_samples": SAMPLES, "target": target, "max_epochs": MAX_EPOCHS}
    document = {**before, **task, "searches": [*others, asdict(result)]}
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
