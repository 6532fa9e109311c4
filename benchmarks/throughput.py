"""`python -m benchmarks.throughput`: the same trials by plain Keras Tuner and by us, in pairs; trial-epochs a second.

A list of configurations is drawn once, all of them within the cap. Keras Tuner trains them one after the other with Keras's own
`fit`, on all threads, as its documentation does; we train them on as many workers as there are cores. Each side is a process of its
own, whose start counts: imports, workers, tracing, validation after every epoch. The sides take turns. Needs `MNIST_TUNE_DATA`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.measuring import RESULTS, ROOT, conditions, do_all, geometric_mean, mnist, quiet_environment
from search_spaces.families.registry import load_family
from search_spaces.hyperparameters.hyperparameter import Value
from search_spaces.networks.costs import costs
from tuner.core.errors import MnistTuneError, RunFailed
from tuner.core.machine import cpu_cores
from tuner.core.records import Json
from tuner.data.dataset import open_arrays, save_arrays
from tuner.processes.tasks import SpaceRef, TrainTask
from tuner.workers.local import LocalWorkers

RESULT = RESULTS / "throughput.json"
SPACE = "compact8k"
SIDES = ("keras-tuner", "mnist-tune")
FLOPS_A_MULTIPLY_ADD = 2 * 3
"""A multiplication and an addition; forward, and twice as much backward."""
_SEED = 20260
_PEAK_SIZE = 2048

Values = dict[str, Value]


@dataclass(frozen=True)
class Workload:
    """What both sides train."""

    name: str
    trials: int
    epochs: int
    samples: int
    augments: bool

    def configurations(self) -> list[Values]:
        """The list, the same at every call."""
        family = load_family(SPACE)
        drawn = [family.sample(np.random.default_rng([_SEED, number])) for number in range(self.trials)]
        if self.augments:
            return drawn
        return [family.active({**values, "augmentation": "none"}) for values in drawn]

    def multiply_adds(self) -> int:
        """Of one image, forward, the mean of the list."""
        family = load_family(SPACE)
        return round(float(np.mean([costs(family.specs(values))[1] for values in self.configurations()])))


@dataclass(frozen=True)
class Timed:
    """One side's time for a workload."""

    workload: str
    side: str
    pair: int
    seconds: float
    val_accuracy: tuple[float, ...]
    """Of each trial, at its end: both sides learn."""


WORKLOADS = (
    Workload("images as they are", 8, 3, 12_000, augments=False),
    Workload("augmented as drawn", 6, 2, 12_000, augments=True),
)


def train_with_keras_tuner(workload: Workload, data_folder: Path) -> list[float]:
    """The list by a plain `keras_tuner.Tuner`, whose models are built and fitted with Keras alone."""
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
    """The list by our workers."""
    space = SpaceRef(name=SPACE, max_params=None, max_macs=None, classes=10)
    tasks = [
        TrainTask(id=f"{number:04d}", space=space, configuration=values, epochs=workload.epochs, seed=7)
        for number, values in enumerate(workload.configurations())
    ]
    with tempfile.TemporaryDirectory() as logs, LocalWorkers(cpu_cores(), data_folder, Path(logs)) as pool:
        return [float(event.body["val_accuracy"]) for event in do_all(pool, tasks)]


def time_side(workload: Workload, side: str, pair: int, data_folder: Path) -> Timed:
    """One side in a process of its own, from its start to its end."""
    words = [sys.executable, "-m", "benchmarks.throughput", "--side", side, "--workload", workload.name]
    began = time.perf_counter()
    done = subprocess.run(
        [*words, "--arrays", str(data_folder)],
        cwd=ROOT,
        env=quiet_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - began
    if done.returncode:
        raise RunFailed(f"{side} can't be timed: {(done.stderr.strip() or 'no word').splitlines()[-1]}")
    scores = json.loads(done.stdout.splitlines()[-1])
    return Timed(workload.name, side, pair, round(seconds, 2), tuple(round(score, 4) for score in scores))


def measure(workload: Workload, pairs: int) -> list[Timed]:
    """Both sides in turns, the one that begins changing from pair to pair."""
    found: list[Timed] = []
    with tempfile.TemporaryDirectory() as folder:
        data_folder = Path(folder)
        save_arrays(mnist(workload.samples), data_folder)
        for pair in range(pairs):
            for side in SIDES if pair % 2 == 0 else reversed(SIDES):
                found.append(time_side(workload, side, pair, data_folder))
                sys.stderr.write(f"{found[-1]}\n")
    return found


def peak_flops() -> float:
    """Return what the cores do at most, measured: float32 matrix products, a process a core with one thread each."""
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
    """Return what a workload's pairs say."""
    seconds = {side: [one.seconds for one in timed if one.side == side] for side in SIDES}
    ratios = [plain / ours for plain, ours in zip(*seconds.values(), strict=True)]
    trial_epochs = workload.trials * workload.epochs
    images = trial_epochs * workload.samples * 9 // 10
    least_s = images * workload.multiply_adds() * FLOPS_A_MULTIPLY_ADD / peak
    return {
        **asdict(workload),
        "multiply_adds": workload.multiply_adds(),
        "pairs": len(ratios),
        "trial_epochs_a_second": {side: [round(trial_epochs / own, 3) for own in seconds[side]] for side in SIDES},
        "ratio": round(geometric_mean(ratios), 2),
        "ratios": [round(ratio, 2) for ratio in ratios],
        "limit_trial_epochs_a_second": round(trial_epochs / least_s, 2),
        "val_accuracy": {side: [one.val_accuracy for one in timed if one.side == side] for side in SIDES},
    }


def _other_rows(path: Path, rows: Sequence[Json]) -> list[Json]:
    """Return what is kept of workloads that were not measured now."""
    kept = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.exists() else []
    return [own for own in kept if own["name"] not in {one["name"] for one in rows}]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, prints, keeps; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.throughput", description=__doc__)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--side", choices=SIDES, help="this side alone, its scores as JSON; nothing is kept")
    parser.add_argument("--workload", choices=[own.name for own in WORKLOADS])
    parser.add_argument("--arrays", type=Path, help="with --side: the data as workers take it")
    given = parser.parse_args(arguments)
    chosen = [own for own in WORKLOADS if given.workload in (None, own.name)]
    try:
        if given.side:
            train = train_with_keras_tuner if given.side == SIDES[0] else train_with_us
            sys.stdout.write(json.dumps(train(chosen[0], given.arrays)) + "\n")
            return 0
        before, peak = conditions(("tensorboard",)), peak_flops()
        rows = [row(own, measure(own, given.pairs), peak) for own in chosen]
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
