"""`python -m benchmarks.gpu`: what trials cost on a GPU, in about ten minutes (`--minutes`).

Trials of compact8k on 8×8 digits and on MNIST: with 1, 2, 4 and 8 workers a GPU, by one program (`--stack-trials`) where JAX is
installed, and by plain Keras Tuner. For each: trial-epochs a second, the GPU's use by nvidia-smi, and where the time goes. Keras's
backend is TensorFlow where it is installed, else JAX. MNIST needs `MNIST_TUNE_DATA`. A case that isn't done when the time is over is
ended. The file is written after each case. `--cpu` is a smoke test without a GPU, kept only where `--out` is given.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from benchmarks.gpu_use import gpu_names, watched
from benchmarks.measuring import RESULTS, ROOT, conditions
from search_spaces.families.registry import load_family
from tuner.core.errors import MnistTuneError, RunFailed
from tuner.core.records import Json
from tuner.data.dataset import Dataset, load_dataset, open_arrays, save_arrays
from tuner.processes.environment import count_gpus
from tuner.processes.tasks import Event, SpaceRef, TrainTask
from tuner.workers.local import LocalWorkers, Workers
from tuner.workers.stacked import StackedWorkers

Side: TypeAlias = Literal["workers", "one program", "keras-tuner"]

RESULT = RESULTS / "gpu.json"
SPACE = "compact8k"
NO_GPU = "No GPU: nvidia-smi lists none. Nothing was measured; --cpu runs a smoke test on the processor.\n"
_SEED = 20261
_PEER_TIMEOUT_S = 240.0


@dataclass(frozen=True)
class Case:
    """One measurement."""

    data: str
    side: Side
    workers: int
    """Processes a GPU; with one program, the most trials in it."""
    trials: int
    epochs: int

    @property
    def name(self) -> str:
        return f"{self.data}, {self.side}, {self.workers}"


@dataclass
class Measured:
    """The measured times of a case. Seconds of trials are sums over trials."""

    seconds: float
    trial_epochs_a_second: float
    gpu_use: tuple[float, ...] = ()
    """Percent of the time in which a kernel ran, and MiB of memory: mean and largest."""
    starting_s: float = 0.0
    """Time until the first epoch of the first trial ended: processes, imports, first compilation."""
    first_epochs_s: float = 0.0
    """Excess of first epochs over later ones: tracing and compiling."""
    steady_s: float = 0.0
    """Time of all epochs at the speed of later ones."""
    other_s: float = 0.0
    """Time of trials outside their epochs: building models, cleaning up."""
    failed: int = 0


def cases(trials: int, workers: Sequence[int], data: Sequence[str], epochs: int) -> list[Case]:
    """Return the measurements, the most important first."""
    sides: list[tuple[Side, int]] = [("workers", workers[0]), ("one program", trials), ("keras-tuner", 1)]
    sides += [("workers", count) for count in workers[1:]]
    return [Case(name, side, count, trials, epochs) for side, count in sides for name in data]


def tasks_of(case: Case) -> list[TrainTask]:
    """Return the trials of a case, the same ones for every side: sampled networks, one batch size."""
    family = load_family(SPACE)
    space = SpaceRef(name=SPACE, max_params=None, max_macs=None, classes=10)
    rngs = [np.random.default_rng([_SEED, number]) for number in range(case.trials)]
    return [
        TrainTask(
            id=f"{number:04d}",
            space=space,
            configuration={**family.sample(rng), "batch_size": 64},
            epochs=case.epochs,
            seed=7,
            stop_early=False,
        )
        for number, rng in enumerate(rngs, start=1)
    ]


def measure(case: Case, data_folder: Path, gpus: int, deadline: float) -> Measured:
    """Train the trials of a case, and return the measured times.

    Raises:
        RunFailed: where workers can't be started, or aren't done at the deadline (of `time.monotonic`).
        SubprocessError: where Keras Tuner fails, or isn't done.
    """
    with watched(gpus) as use, tempfile.TemporaryDirectory() as logs:
        began = time.perf_counter()
        if case.side == "keras-tuner":
            _train_by_keras_tuner(case, data_folder, gpus, deadline)
            found = Measured(time.perf_counter() - began, 0.0)
        else:
            with contextlib.closing(_workers(case, data_folder, Path(logs), gpus)) as pool:
                events, first = _train(pool, tasks_of(case), deadline)
            found = _divided(events, time.perf_counter() - began, first - began)
    found.trial_epochs_a_second = round((case.trials - found.failed) * case.epochs / found.seconds, 3)
    found.gpu_use = use.summary()
    return found


def _workers(case: Case, data_folder: Path, logs: Path, gpus: int) -> Workers:
    size = case.workers * max(1, gpus)
    if case.side == "workers":
        return LocalWorkers(size, data_folder, logs, gpus=gpus)

    def others() -> Workers:
        return LocalWorkers(1, data_folder, logs, gpus=gpus)

    return StackedWorkers(case.workers, data_folder, logs, gpus, 1, learns=False, make_others=others)


def _train(pool: Workers, tasks: Sequence[TrainTask], deadline: float) -> tuple[list[Event], float]:
    """Train all; return each trial's end, and the time of the first epoch's end.

    Raises:
        RunFailed: where they aren't done at the deadline.
    """
    for task in tasks:
        pool.submit(task)
    ended: list[Event] = []
    first: float | None = None
    while len(ended) < len(tasks):
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            raise RunFailed(f"{len(ended)} of {len(tasks)} trials were done when the time was over")
        event = pool.next_event(left_s)
        if event is None:
            continue
        first = time.perf_counter() if first is None else first
        if event.kind != "epoch":
            ended.append(event)
    return ended, time.perf_counter() if first is None else first


def _divided(events: Sequence[Event], seconds: float, starting_s: float) -> Measured:
    """Divide the time of trials into parts, by the seconds of their epochs."""
    found = Measured(round(seconds, 2), 0.0, starting_s=round(starting_s, 2))
    for event in events:
        if event.kind == "failed":
            found.failed += 1
            continue
        epochs = [float(value) for value in event.body["history"]["seconds"]]
        later = statistics.median(epochs[1:]) if len(epochs) > 1 else epochs[0]
        found.first_epochs_s += max(0.0, epochs[0] - later)
        found.steady_s += later * len(epochs)
        found.other_s += max(0.0, event.duration_s - sum(epochs))
    for name in ("first_epochs_s", "steady_s", "other_s"):
        setattr(found, name, round(getattr(found, name), 2))
    return found


def _train_by_keras_tuner(case: Case, data_folder: Path, gpus: int, deadline: float) -> None:
    words = [sys.executable, "-m", "benchmarks.gpu", "--peer", str(data_folder), "--trials", str(case.trials)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **({} if gpus else {"CUDA_VISIBLE_DEVICES": "-1"})}
    subprocess.run(
        [*words, "--epochs", str(case.epochs)],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        timeout=min(_PEER_TIMEOUT_S, deadline - time.monotonic()),
    )


def train_as_peer(case: Case, data_folder: Path) -> None:
    """Train the trials by a plain `keras_tuner.Tuner`, in sequence. Without augmentation, whose usual layers need TensorFlow."""
    import keras_tuner

    from benchmarks.plain_keras import ListOracle, PlainSpace

    data = open_arrays(data_folder)
    with tempfile.TemporaryDirectory() as folder:
        tuner = keras_tuner.Tuner(
            oracle=ListOracle([task.configuration for task in tasks_of(case)]),
            hypermodel=PlainSpace(load_family(SPACE), augments=False),
            directory=folder,
            project_name="plain",
        )
        images, labels = np.asarray(data.x_train), np.asarray(data.y_train)
        validation = (np.asarray(data.x_validation), np.asarray(data.y_validation))
        tuner.search(images, labels, epochs=case.epochs, validation_data=validation, verbose=0)


def dataset(name: str, samples: int | None) -> Dataset:
    """Return a data set, its training images cut to `samples`."""
    return load_dataset(name, validation=0.1, seed=1, train_samples=samples)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write and print; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--cpu", action="store_true", help="a smoke test on the processor")
    parser.add_argument("--minutes", type=float, default=10.0, help="a case that isn't done then is ended")
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8], help="a GPU")
    parser.add_argument("--data", nargs="+", default=["digits", "mnist"])
    parser.add_argument("--samples", type=int, help="training images; all if left out")
    parser.add_argument("--out", type=Path, help=f"{RESULT.name} if left out; with --cpu nothing is written")
    parser.add_argument("--peer", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if importlib.util.find_spec("tensorflow") is None:
        os.environ.setdefault("KERAS_BACKEND", "jax")
    if given.peer:
        train_as_peer(Case("", "keras-tuner", 1, given.trials, given.epochs), given.peer)
        return 0
    gpus = 0 if given.cpu else count_gpus()
    if not gpus and not given.cpu:
        sys.stdout.write(NO_GPU)
        return 0
    out: Path | None = given.out or (None if given.cpu else RESULT)
    kept = {**conditions(("keras",)), "gpus": gpu_names() if gpus else []}
    rows: list[Json] = []
    try:
        for row in _measure_all(given, gpus):
            rows.append(row)
            if out is not None:
                out.write_text(json.dumps({**kept, "rows": rows}, indent=1) + "\n", encoding="utf-8")
    except MnistTuneError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    if rows and out is not None:
        sys.stdout.write(f"Wrote {out}\n")
    return 0


def _measure_all(given: argparse.Namespace, gpus: int) -> Iterator[Json]:
    """Yield the row of each case as soon as it is measured."""
    deadline = time.monotonic() + 60 * given.minutes
    with tempfile.TemporaryDirectory() as parent:
        folders = {name: Path(parent) / name for name in given.data}
        for name, folder in folders.items():
            save_arrays(dataset(name, given.samples), folder)
        for case in cases(given.trials, given.workers, given.data, given.epochs):
            if time.monotonic() >= deadline:
                sys.stdout.write(f"{case.name}: left out, {given.minutes:g} minutes are over\n")
                continue
            if case.side == "one program" and importlib.util.find_spec("jax") is None:
                sys.stdout.write(f"{case.name}: left out, JAX is not installed\n")
                continue
            yield _row(case, folders[case.data], gpus, deadline)


def _row(case: Case, folder: Path, gpus: int, deadline: float) -> Json:
    try:
        found = measure(case, folder, gpus, deadline)
    except (MnistTuneError, subprocess.SubprocessError) as error:
        sys.stdout.write(f"{case.name}: failed, {error}\n")
        return {**asdict(case), "error": str(error)}
    sys.stdout.write(
        f"{case.name}: {found.trial_epochs_a_second} trial-epochs a second in {found.seconds:.1f} s; start {found.starting_s} s, first "
        f"epochs {found.first_epochs_s} s, steady {found.steady_s} s, other {found.other_s} s; GPU {found.gpu_use or 'none'}"
        f"{f'; {found.failed} failed' if found.failed else ''}\n"
    )
    sys.stdout.flush()
    return {**asdict(case), **asdict(found)}


if __name__ == "__main__":
    sys.exit(main())
