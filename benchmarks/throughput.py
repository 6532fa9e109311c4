"""`python -m benchmarks.throughput`: equal trials by plain Keras Tuner and by us, in pairs; trial-epochs a second.

Both sides train one list of sampled configurations within the cap. Keras Tuner trains them in sequence with Keras's
`fit` on all threads, as in its documentation; we train them on one worker a core. Each side is a process whose start
counts: imports, workers, tracing, validation after every epoch. The sides alternate. Keras Tuner takes part a second
time with the environment variables of our workers (oneDNN, the allocator). Needs `MNIST_TUNE_DATA`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.measuring import RESULTS, ROOT, conditions, do_all, geometric_mean, mnist, quiet_environment
from search_spaces.families.registry import load_family
from search_spaces.hyperparameters.hyperparameter import Value
from search_spaces.networks.costs import costs
from tuner.core.errors import MnistTuneError, RunFailed
from tuner.core.machine import cpu_cores, processor_name
from tuner.core.records import Json
from tuner.data.dataset import open_arrays, save_arrays
from tuner.processes.kernels import training_variables
from tuner.processes.tasks import SpaceRef, TrainTask
from tuner.workers.local import LocalWorkers

RESULT = RESULTS / "throughput.json"
SPACE = "compact8k"
SIDES = ("keras-tuner", "mnist-tune")
TUNED_PEER = "keras-tuner with our variables"
ALL_SIDES = (*SIDES, TUNED_PEER)
FLOPS_A_MULTIPLY_ADD = 2 * 3
"""A multiplication and an addition; one forward pass, and twice as much backward."""
_SEED = 20260
_PEAK_SIZE = 2048

Values = dict[str, Value]


@dataclass(frozen=True)
class Workload:
    """The trainings of both sides."""

    name: str
    trials: int
    epochs: int
    samples: int
    augments: bool

    def configurations(self) -> list[Values]:
        """Return the configurations, equal at every call."""
        family = load_family(SPACE)
        drawn = [family.sample(np.random.default_rng([_SEED, number])) for number in range(self.trials)]
        if self.augments:
            return drawn
        return [family.active({**values, "augmentation": "none"}) for values in drawn]

    def multiply_adds(self) -> int:
        """Return the mean multiply-adds of one image's forward pass."""
        family = load_family(SPACE)
        return round(float(np.mean([costs(family.specs(values))[1] for values in self.configurations()])))


@dataclass(frozen=True)
class Timed:
    """One side's time for a workload."""

    workload: str
    side: str
    pair: int
    seconds: float
    cpu_s: float
    """User and system time of its processes."""
    val_accuracy: tuple[float, ...]
    """Final accuracy of each trial: both sides must learn."""


WORKLOADS = (
    Workload("images as they are", 8, 3, 12_000, augments=False),
    Workload("augmented as drawn", 6, 2, 12_000, augments=True),
)


def train_with_keras_tuner(workload: Workload, data_folder: Path) -> list[float]:
    """Train the list by a plain `keras_tuner.Tuner`, with Keras alone."""
    import keras
    import keras_tuner

    from benchmarks.plain_keras import ListOracle, PlainSpace

    data = open_arrays(data_folder)
    keras.utils.set_random_seed(7)
    with tempfile.TemporaryDirectory() as folder:
        tuner = keras_tuner.Tuner(
            oracle=ListOracle(workload.configurations()),
            hypermodel=PlainSpace(load_family(SPACE), workload.augments),
            directory=folder,
            project_name="plain",
        )
        tuner.search(
            np.asarray(data.x_train),
            np.asarray(data.y_train),
            epochs=workload.epochs,
            validation_data=(np.asarray(data.x_validation), np.asarray(data.y_validation)),
            verbose=0,
        )
        return [float(trial.score) for trial in tuner.oracle.trials.values()]


def train_with_us(workload: Workload, data_folder: Path) -> list[float]:
    """Train the list by our workers."""
    space = SpaceRef(name=SPACE, max_params=None, max_macs=None, classes=10)
    tasks = [
        TrainTask(id=f"{number:04d}", space=space, configuration=values, epochs=workload.epochs, seed=7)
        for number, values in enumerate(workload.configurations())
    ]
    with tempfile.TemporaryDirectory() as logs, LocalWorkers(cpu_cores(), data_folder, Path(logs)) as pool:
        return [float(event.body["val_accuracy"]) for event in do_all(pool, tasks)]


def time_side(workload: Workload, side: str, pair: int, data_folder: Path) -> Timed:
    """Time one side's process, from start to end."""
    words = [sys.executable, "-m", "benchmarks.throughput", "--side", side, "--workload", workload.name]
    began, cpu_before = time.perf_counter(), _children_cpu_s()
    done = subprocess.run(
        [*words, "--arrays", str(data_folder)],
        cwd=ROOT,
        env=quiet_environment(training_variables() if side == TUNED_PEER else None),
        capture_output=True,
        text=True,
        check=False,
    )
    seconds, cpu_s = time.perf_counter() - began, _children_cpu_s() - cpu_before
    if done.returncode:
        raise RunFailed(f"{side} can't be timed: {(done.stderr.strip() or 'no word').splitlines()[-1]}")
    scores = json.loads(done.stdout.splitlines()[-1])
    return Timed(workload.name, side, pair, round(seconds, 2), round(cpu_s, 1), tuple(round(s, 4) for s in scores))


def _children_cpu_s() -> float:
    """Return the processor time of all child processes that have ended, and of theirs."""
    times = os.times()
    return times.children_user + times.children_system


def measure(workload: Workload, pairs: int) -> list[Timed]:
    """Time both sides in pairs, with alternating order."""
    timed: list[Timed] = []
    with tempfile.TemporaryDirectory() as folder:
        data_folder = Path(folder)
        save_arrays(mnist(workload.samples), data_folder)
        for pair in range(pairs):
            for side in ALL_SIDES if pair % 2 == 0 else reversed(ALL_SIDES):
                timed.append(time_side(workload, side, pair, data_folder))
                sys.stderr.write(f"{timed[-1]}\n")
    return timed


def peak_flops() -> float:
    """Measure the peak of all cores: float32 matrix products, one process a core with one thread each."""
    code = (
        f"import time, numpy as np; n = {_PEAK_SIZE}; a = np.ones((n, n), 'float32'); a @ a; t = time.perf_counter();"
        "[a @ a for _ in range(20)]; print(20 * 2 * n ** 3 / (time.perf_counter() - t))"
    )
    one_thread = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    running = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=quiet_environment(one_thread))
        for _ in range(cpu_cores())
    ]
    return sum(float(process.communicate()[0]) for process in running)


def row(workload: Workload, timed: Sequence[Timed], peak: float) -> Json:
    """Return the result of a workload's pairs."""
    seconds = {side: [one.seconds for one in timed if one.side == side] for side in ALL_SIDES}
    ratios = _ratios(seconds, SIDES[0])
    trial_epochs = workload.trials * workload.epochs
    images = trial_epochs * workload.samples * 9 // 10
    least_s = images * workload.multiply_adds() * FLOPS_A_MULTIPLY_ADD / peak
    return {
        **asdict(workload),
        "processor": processor_name(),
        "multiply_adds": workload.multiply_adds(),
        "pairs": len(ratios),
        "trial_epochs_a_second": {
            side: [round(trial_epochs / duration, 3) for duration in seconds[side]] for side in ALL_SIDES
        },
        "cpu_s": {side: [one.cpu_s for one in timed if one.side == side] for side in ALL_SIDES},
        "ratio": round(geometric_mean(ratios), 2),
        "ratios": [round(ratio, 2) for ratio in ratios],
        "ratios_with_our_variables": [round(ratio, 2) for ratio in _ratios(seconds, TUNED_PEER)],
        "limit_trial_epochs_a_second": round(trial_epochs / least_s, 2),
        "val_accuracy": {side: [one.val_accuracy for one in timed if one.side == side] for side in ALL_SIDES},
    }


def _ratios(seconds: Mapping[str, Sequence[float]], peer: str) -> list[float]:
    """Return a peer's time over ours, pair by pair."""
    return [theirs / ours for theirs, ours in zip(seconds[peer], seconds[SIDES[1]], strict=True)]


def _other_rows(path: Path, rows: Sequence[Json]) -> list[Json]:
    """Return the stored rows of workloads that were not measured now."""
    kept = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.exists() else []
    return [other for other in kept if other["name"] not in {one["name"] for one in rows}]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write and print the rows; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.throughput", description=__doc__)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--side", choices=ALL_SIDES, help="this side alone, its scores as JSON; nothing is written")
    parser.add_argument("--workload", choices=[workload.name for workload in WORKLOADS])
    parser.add_argument("--arrays", type=Path, help="with --side: the folder of the workers' arrays")
    given = parser.parse_args(arguments)
    chosen = [workload for workload in WORKLOADS if given.workload in (None, workload.name)]
    try:
        if given.side:
            train = train_with_us if given.side == SIDES[1] else train_with_keras_tuner
            sys.stdout.write(json.dumps(train(chosen[0], given.arrays)) + "\n")
            return 0
        before, peak = conditions(("tensorboard",)), peak_flops()
        rows = [row(workload, measure(workload, given.pairs), peak) for workload in chosen]
    except MnistTuneError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    conditions_now = {**before, "peak_gflops": round(peak / 1e9, 1), "cores": os.cpu_count()}
    kept = {**conditions_now, "rows": [*_other_rows(given.out, rows), *rows]}
    given.out.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write("".join(f"{one['name']}: {one['ratio']} times, pairs {one['ratios']}\n" for one in rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
