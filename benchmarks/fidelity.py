"""`python -m benchmarks.fidelity`: how well short trials predict long ones, by fitted schedules or first epochs.

Random configurations are trained for all epochs, and from scratch for few, with the schedule fitted to each trial. A
search that continues a parent's training sees the first epochs of the long training instead, and saves the parent's
epochs: at the same cost it trains longer. Needs `MNIST_TUNE_DATA`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.measuring import RESULTS, conditions, do_all, mnist
from search_spaces.families.registry import load_family
from tuner.core.errors import MnistTuneError
from tuner.core.machine import cpu_cores
from tuner.core.records import Json
from tuner.data.dataset import save_arrays
from tuner.options.search_options import SearchOptions
from tuner.oracle.registry import make_oracle
from tuner.processes.tasks import Event, SpaceRef, TrainTask
from tuner.workers.local import LocalWorkers

RESULT = RESULTS / "fidelity.json"
SPACE, LONG, SHORT = "compact8k", 15, (1, 2, 5)
CONFIGURATIONS, SAMPLES = 20, 7_500
_SEED = 31337
_RESAMPLES = 2000

Scores = NDArray[np.float64]


def train(configurations: int, samples: int) -> dict[int, list[list[float]]]:
    """Train the configurations; return epochs → one history of validation accuracies a configuration."""
    family, space = load_family(SPACE), SpaceRef(name=SPACE, max_params=None, max_macs=None, classes=10)
    drawn = [family.sample(np.random.default_rng([_SEED, number])) for number in range(configurations)]
    tasks = [
        TrainTask(id=f"{epochs}-{number}", space=space, configuration=values, epochs=epochs, seed=11, stop_early=False)
        for epochs in (LONG, *SHORT)
        for number, values in enumerate(drawn)
    ]
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        save_arrays(mnist(samples), data)
        with LocalWorkers(cpu_cores(), data, Path(folder) / "logs") as pool:
            curves = {event.task: _curve(event) for event in do_all(pool, tasks, _tell)}
    return {e: [curves[f"{e}-{number}"] for number in range(configurations)] for e in (LONG, *SHORT)}


def _curve(event: Event) -> list[float]:
    return [float(accuracy) for accuracy in event.body["history"]["val_accuracy"]]


def _tell(event: Event) -> None:
    sys.stderr.write(f"{event.task}: {_curve(event)[-1]:.4f}\n")


def correlations(histories: Mapping[int, Sequence[Sequence[float]]]) -> list[Json]:
    """Return Spearman's rank correlation of each kind of short training with the last epoch of the long one."""
    final = np.array([history[-1] for history in histories[LONG]])
    looks: list[tuple[str, int, Scores]] = [
        ("fitted", epochs, np.array([history[-1] for history in histories[epochs]])) for epochs in SHORT
    ]
    looks += [
        ("first epochs", epochs, np.array([history[min(epochs, len(history)) - 1] for history in histories[LONG]]))
        for epochs in range(1, LONG // 2 + 1)
    ]
    return [
        {"way": way, "epochs": epochs, "spearman": _spearman(early, final), "ci95": _interval(early, final)}
        for way, epochs, early in looks
    ]


def _spearman(early: Scores, final: Scores) -> float:
    return round(float(stats.spearmanr(early, final).statistic), 3)


def _interval(early: Scores, final: Scores) -> list[float]:
    """Return the correlation's 95% interval by resampling configurations (Efron and Tibshirani 1993)."""
    rng, resampled = np.random.default_rng(1), []
    for _ in range(_RESAMPLES):
        rows = rng.integers(0, len(final), len(final))
        if len(set(final[rows])) > 1 and len(set(early[rows])) > 1:
            resampled.append(stats.spearmanr(early[rows], final[rows]).statistic)
    return [round(float(bound), 3) for bound in np.percentile(resampled, [2.5, 97.5])]


def bracket_epochs(look: Mapping[int, int] | None = None) -> tuple[int, int]:
    """Return the epochs of the default search's brackets, with trials from scratch and with continued ones.

    Args:
        look: a rung's epochs where they differ from the plan.
    """
    rungs = make_oracle(load_family(SPACE), SearchOptions(space=SPACE)).rungs
    scratch = continued = 0
    for rung in rungs:
        epochs = (look or {}).get(int(rung.epochs), int(rung.epochs))
        before = [r for r in rungs if r.bracket == rung.bracket and r.rung == rung.rung - 1]
        parents = (look or {}).get(int(before[0].epochs), int(before[0].epochs)) if before else 0
        scratch += rung.size * epochs
        continued += rung.size * (epochs - parents)
    return scratch, continued


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write and print the result; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fidelity", description=__doc__)
    parser.add_argument("--configurations", type=int, default=CONFIGURATIONS)
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--out", type=Path, default=RESULT)
    given = parser.parse_args(arguments)
    before = conditions(("scipy",))
    try:
        histories = train(given.configurations, given.samples)
    except MnistTuneError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    rows = correlations(histories)
    costs = {"from scratch": bracket_epochs()[0], "continued": bracket_epochs()[1]}
    costs |= {"continued, looking at 3 and 7": bracket_epochs({2: 3, 5: 7})[1]}
    task = {"space": SPACE, "long": LONG, "configurations": given.configurations, "samples": given.samples}
    kept = {**before, **task, "search_epochs": costs, "rows": rows, "histories": histories}
    given.out.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write("".join(f"{r['way']:>12} {r['epochs']:>2}: {r['spearman']} {r['ci95']}\n" for r in rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
