"""`python -m research.weight_averages`: the value of a moving average of a training's weights, by its window.

All averages are of one training, so differences from its last weights don't depend on seeds. A window is a fraction of
the training's steps. Averages are of the trainable weights, of BatchNorm's moving statistics, or of both. Seeds and
images are those of `experiments`; the test set is not used. Needs `MNIST_TUNE_DATA`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import RESULTS, conditions, do_all
from research.experiments import BASE, EPOCHS, FIRST_SEED, SEEDS, VALIDATION, make_arm, save_split, train_task
from research.watched_weights import AVERAGED
from tuner.core.errors import MnistTuneError
from tuner.core.machine import cpu_cores
from tuner.core.records import Json
from tuner.processes.tasks import Event
from tuner.stats.intervals import student_interval
from tuner.storage.files import write_bytes
from tuner.workers.local import LocalWorkers

RESULT = RESULTS / "weight-averages.json"
_MODULE = "research.watched_weights"


def table(trainings: Sequence[Json]) -> str:
    """Return a table in Markdown: windows, means, paired differences from the last weights with 95% intervals."""
    last = np.array([training["last"] for training in trainings])
    lines = [
        "| averaged | window | seeds | mean, % | difference, points |",
        "|---|---|---|---|---|",
        f"| nothing | | {len(last)} | {100 * last.mean():.3f} | |",
    ]
    kinds = [(training["of"], training["window"]) for training in trainings[0]["averages"]]
    for place, (of, window) in sorted(enumerate(kinds), key=lambda item: list(AVERAGED).index(item[1][0])):
        scores = np.array([training["averages"][place]["val_accuracy"] for training in trainings])
        difference = _interval(100 * (scores - last))
        lines.append(f"| {of} | {100 * window:g}% | {len(last)} | {100 * scores.mean():.3f} | {difference} |")
    return "\n".join(lines) + "\n"


def _interval(pairs: NDArray[np.float64]) -> str:
    interval = student_interval(pairs.tolist())
    return f"{pairs.mean():+.3f}" + (f" [{interval[0]:+.3f}, {interval[1]:+.3f}]" if interval else "")


def main(arguments: Sequence[str] | None = None) -> int:
    """Train the missing seeds, store each training at its end, and print; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m research.weight_averages", description=__doc__)
    parser.add_argument("--base", default=BASE, help="as in research.experiments")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--table", action="store_true", help="only print the stored trainings")
    parser.add_argument("--out", type=Path, default=RESULT, help="the result file, which is added to")
    given = parser.parse_args(arguments)
    kept: Json = json.loads(given.out.read_text(encoding="utf-8")) if given.out.exists() else {"arms": []}
    try:
        if not given.table:
            _train(given, _arm(kept, given), lambda: _write(given.out, kept))
    except MnistTuneError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    for arm in kept["arms"]:
        sys.stdout.write(f"`{arm['base']}`, {arm['epochs']} epochs\n\n{table(arm['trainings'])}\n")
    return 0


def _arm(kept: Json, given: argparse.Namespace) -> Json:
    arms: list[Json] = kept["arms"]
    for arm in arms:
        if (arm["base"], arm["epochs"]) == (given.base, given.epochs):
            return arm
    configuration = make_arm(given.base, "", epochs=given.epochs).configuration
    arms.append({"base": given.base, "epochs": given.epochs, "configuration": dict(configuration), "trainings": []})
    return arms[-1]


def _write(path: Path, kept: Json) -> None:
    write_bytes(path, f"{json.dumps({**conditions(), 'arms': kept['arms']}, indent=1)}\n".encode())


def _train(given: argparse.Namespace, kept: Json, write: Callable[[], None]) -> None:
    known = {one["seed"] for one in kept["trainings"]}
    missing = [seed for seed in range(FIRST_SEED, FIRST_SEED + given.seeds) if seed not in known]
    arm = make_arm(given.base, "", epochs=given.epochs)

    def keep(event: Event) -> None:
        accuracies = {name: event.body[name] for name in ("last", "averages")}
        kept["trainings"].append({"seed": int(event.task), **accuracies})
        kept["trainings"].sort(key=lambda one: one["seed"])
        write()
        sys.stderr.write(f"{given.base}: seed {event.task}: {accuracies}\n")

    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        save_split(data, VALIDATION)
        workers = max(1, min(cpu_cores(), len(missing)))
        with LocalWorkers(workers, data, Path(folder) / "logs", module=_MODULE) as pool:
            do_all(pool, [train_task(arm, seed) for seed in missing], keep)


if __name__ == "__main__":
    sys.exit(main())
