"""`python -m research.drawn_trainings --limit SECONDS`: train random configurations as in a search's first rung.

Each is added to a table at its end and is not trained again. `guided_draws` simulates searches over the table,
`draw_weights` reweights it. Needs `MNIST_TUNE_DATA`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.measuring import RESULTS
from search_spaces.families.registry import load_family
from tuner.core.errors import MnistTuneError, RunFailed
from tuner.core.machine import cpu_cores
from tuner.core.records import Configuration
from tuner.data.dataset import load_dataset, save_arrays
from tuner.processes.tasks import Event, SpaceRef, TrainTask
from tuner.workers.local import LocalWorkers

TABLE, NEAR_TABLE = RESULTS / "guided-draws.jsonl", RESULTS / "near-draws.jsonl"
SPACE, EPOCHS, SAMPLES, VALIDATION = "compact8k", 2, 10_800, 0.05
SEEDS = (11, 12)
"""Seeds of the score that a search sees, and of the score that evaluates its result."""
_DRAW_SEED = 24_680
_KNOWN = ("flat-7884", "head-7752", "linear-6720")


@dataclass(frozen=True)
class Measured:
    """One training of one configuration."""

    number: int
    seed: int
    val_accuracy: float
    seconds: float
    configuration: Configuration


def drawn(number: int) -> Configuration:
    """Return a random configuration within the cap, sampled as in a search."""
    return load_family(SPACE).sample(np.random.default_rng([_DRAW_SEED, number]))


def drawn_near(number: int) -> Configuration:
    """Return a sample near a known configuration, as in a search: three references and the default in turn."""
    family = load_family(SPACE)
    published = {reference.name: dict(reference.values) for reference in family.references()}
    known = [*(published[name] for name in _KNOWN), family.default_configuration()]
    return family.sample_near(np.random.default_rng([_DRAW_SEED, 1, number]), known[number % len(known)])


def read_table(path: Path) -> list[Measured]:
    """Return the trainings so far."""
    if not path.exists():
        return []
    return [Measured(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def missing(table: Sequence[Measured], configurations: int, seed: int) -> list[int]:
    """Return the numbers of configurations without a training of this seed."""
    known = {measured.number for measured in table if measured.seed == seed}
    return [number for number in range(configurations) if number not in known]


def train(
    path: Path, configurations: int, seed: int, limit_s: float, draw: Callable[[int], Configuration] = drawn
) -> None:
    """Add trainings to the table until it is complete or the time is over; unfinished ones are lost."""
    ends = time.monotonic() + limit_s
    space = SpaceRef(name=SPACE, max_params=None, max_macs=None, classes=10)
    tasks = {
        str(number): TrainTask(id=str(number), space=space, configuration=draw(number), epochs=EPOCHS, seed=seed)
        for number in missing(read_table(path), configurations, seed)
    }
    with tempfile.TemporaryDirectory() as folder, path.open("a", encoding="utf-8") as file:
        data = Path(folder) / "data"
        save_arrays(load_dataset("mnist", validation=VALIDATION, seed=1, train_samples=SAMPLES), data)
        with LocalWorkers(cpu_cores(), data, Path(folder) / "logs") as pool:
            for task in tasks.values():
                pool.submit(task)
            for event in _ended(pool, len(tasks), ends):
                measured = _measured(event, tasks[event.task])
                file.write(json.dumps(asdict(measured)) + "\n")
                file.flush()
                sys.stderr.write(f"{measured.number}: {measured.val_accuracy} in {measured.seconds} s\n")


def _ended(pool: LocalWorkers, count: int, ends: float) -> Iterator[Event]:
    while count and (left := ends - time.monotonic()) > 0:
        event = pool.next_event(left)
        if event is not None and event.kind != "epoch":
            count -= 1
            yield event


def _measured(event: Event, task: TrainTask) -> Measured:
    """Return a finished training; raise RunFailed where it failed."""
    if event.kind == "failed":
        raise RunFailed(f"Configuration {task.id} could not be trained: {event.error}")
    # A training that never improved has none.
    accuracy = round(float(event.body.get("val_accuracy") or 0.0), 5)
    return Measured(int(task.id), task.seed, accuracy, round(event.duration_s, 1), task.configuration)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, and add to the table; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m research.drawn_trainings", description=__doc__)
    parser.add_argument("--limit", type=float, required=True, metavar="SECONDS")
    parser.add_argument("--configurations", type=int, default=170)
    parser.add_argument("--seed", type=int, choices=SEEDS, default=SEEDS[0], help="of the trainings")
    parser.add_argument("--near", action="store_true", help="draws near known configurations, in a table of their own")
    parser.add_argument("--table", type=Path)
    given = parser.parse_args(arguments)
    try:
        table, draw = (NEAR_TABLE, drawn_near) if given.near else (TABLE, drawn)
        train(given.table or table, given.configurations, given.seed, given.limit, draw)
    except MnistTuneError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
