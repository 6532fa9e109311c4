"""`python -m benchmarks.scale`: the simulated duration of a search with 1 to 1,000 workers, and its lower bound.

Oracle and loop are real, workers and clock are simulated. A training's duration is sampled from a recorded run's
seconds an epoch by its configuration.
"""

from __future__ import annotations

import argparse
import hashlib
import heapq
import json
import platform
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tuner.core.records import Json, TrialRecord, configuration_key
from tuner.options.search_options import SearchOptions
from tuner.oracle.registry import make_oracle
from tuner.processes.tasks import Event, SpaceRef, Task, TrainTask
from tuner.run.confirmation import finalists
from tuner.run.observer import Observer
from tuner.run.trial_loop import TrialLoop
from tuner.run.trial_sources import ListSource, Networks, SearchSource, confirmation_trials
from tuner.spaces.user_space import make_family
from tuner.storage.journal import Journal, JournalState, read_state
from tuner.storage.run_folder import RunFolder

RESULT = Path(__file__).parent / "results" / "scale.json"
WORKERS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000)
ITERATIONS = (1, 10, 50)
ROUND_TRIP_S = 0.02
"""Time between two trainings of a worker, measured with local processes and rounded up."""
_SPACE = "compact8k"


@dataclass(frozen=True)
class Recorded:
    """The durations of trainings in a recorded run."""

    start_s: float
    """Duration of a training without its epochs: building, tracing."""
    epochs_s: tuple[float, ...]
    """Seconds an epoch, one a configuration, sorted."""


@dataclass
class SimulatedWorkers:
    """Workers with a simulated clock."""

    size: int
    recorded: Recorded
    now_s: float = 0.0
    busy_s: float = 0.0
    _ending: list[tuple[float, int, TrainTask]] = field(default_factory=list)
    _count: int = 0

    def submit(self, task: Task) -> None:
        """Start a training at once: the loop submits at most one task a worker."""
        assert isinstance(task, TrainTask)
        self._count += 1
        takes_s = duration_s(task, self.recorded)
        self.busy_s += takes_s
        heapq.heappush(self._ending, (self.now_s + ROUND_TRIP_S + takes_s, self._count, task))

    def next_event(self, timeout_s: float) -> Event | None:
        """Return the final event of the training that ends first."""
        self.now_s, _, task = heapq.heappop(self._ending)
        return Event(
            kind="finished", task=task.id, worker=0, body=body_of(task), duration_s=duration_s(task, self.recorded)
        )

    def drop(self) -> None:
        """Drop all trainings."""
        self._ending.clear()

    def close(self) -> None:
        """Do nothing."""


@dataclass(frozen=True)
class Simulated:
    """One search with a number of workers; times in seconds."""

    iterations: int
    workers: int
    trials: int
    makespan_s: float
    search_s: float
    work_s: float
    """The sum of all trainings."""
    ideal_s: float
    """Work over workers, or `chain_s` where that is longer."""
    chain_s: float
    """Longest chain of dependent trainings: the slowest trials of the slowest bracket, then a confirmation."""
    efficiency: float
    """Work over workers × makespan."""


def duration_s(training: TrainTask | TrialRecord, recorded: Recorded) -> float:
    """Return a training's duration, with a recorded duration of an epoch, chosen by the configuration."""
    return recorded.start_s + training.epochs * recorded.epochs_s[_place(training, "time", len(recorded.epochs_s))]


def body_of(task: TrainTask) -> Json:
    """Return a record's figures: a score by the configuration, with noise in each rung."""
    score = 0.9 + 0.09 * _place(task, "score", 10_000) / 10_000 + 0.005 * _place(task, f"{task.epochs}", 100) / 100
    history = {"val_accuracy": [score] * task.passes, "val_loss": [1 - score] * task.passes}
    return {"val_accuracy": score, "val_loss": 1 - score, "epochs_run": task.passes, "history": history}


def _place(training: TrainTask | TrialRecord, what: str, among: int) -> int:
    text = f"{what} {configuration_key(training.configuration)}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % among


def recorded_of(journal: Path) -> Recorded:
    """Return the durations of a run's trainings: the start, and the epochs without the first, which also traces."""
    ended = [record for record in read_state(journal).finished.values() if record.completed and record.epochs_run > 1]
    epochs = {configuration_key(r.configuration): _median(r.history["seconds"][1:]) for r in ended}
    rest = [r.duration_s - r.epochs_run * _median(r.history["seconds"][1:]) for r in ended]
    return Recorded(start_s=_median(rest), epochs_s=tuple(sorted(epochs.values())))


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def simulate(workers: int, iterations: int, recorded: Recorded) -> Simulated:
    """Simulate a search: Hyperband with its default options, then the confirmation."""
    options = SearchOptions(space=_SPACE, iterations=iterations)
    ref = SpaceRef(name=_SPACE, max_params=None, max_macs=None, classes=10)
    networks = Networks(make_family(ref), ref)
    pool = SimulatedWorkers(workers, recorded)
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "trials.jsonl") as journal:
        state = JournalState()
        engine = TrialLoop(pool, journal, state, Observer())
        engine.run(
            SearchSource(make_oracle(networks.space, options), networks, options.seed, lambda bracket, rung: None)
        )
        search_s, records = pool.now_s, list(state.finished.values())
        candidates = finalists(records, options.confirm_top)
        engine.run(_confirmation(candidates, options, networks, RunFolder(Path(folder))))
        trials = len(state.finished)
    chain_s = _longest_bracket_s(records, recorded) + max(duration_s(candidate, recorded) for candidate in candidates)
    return Simulated(
        iterations=iterations,
        workers=workers,
        trials=trials,
        makespan_s=round(pool.now_s, 1),
        search_s=round(search_s, 1),
        work_s=round(pool.busy_s, 1),
        chain_s=round(chain_s, 1),
        ideal_s=round(max(pool.busy_s / workers, chain_s), 1),
        efficiency=round(pool.busy_s / (workers * pool.now_s), 4),
    )


def _confirmation(
    candidates: Sequence[TrialRecord], options: SearchOptions, networks: Networks, folder: RunFolder
) -> ListSource:
    seeds = options.confirm_seeds
    return ListSource(
        confirmation_trials(candidates, seeds, 1_000_000, seeds, options.seed, folds=False), networks, folder
    )


def _longest_bracket_s(records: Sequence[TrialRecord], recorded: Recorded) -> float:
    """Return the duration of the longest bracket, whose rungs wait for the slowest trial of the last one."""
    slowest: dict[tuple[int, int], float] = {}
    for record in records:
        place = (record.bracket or 0, record.rung or 0)
        slowest[place] = max(slowest.get(place, 0.0), duration_s(record, recorded))
    brackets = {bracket for bracket, _ in slowest}
    return max(sum(longest for (b, _), longest in slowest.items() if b == bracket) for bracket in brackets)


def main() -> None:
    """Simulate every size, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="the folder of the recorded run")
    parser.add_argument("--out", type=Path, default=RESULT)
    given = parser.parse_args()
    recorded = recorded_of(given.run / "trials.jsonl")
    simulations = [simulate(workers, iterations, recorded) for iterations in ITERATIONS for workers in WORKERS]
    document = {"versions": {"python": platform.python_version()}, "recorded": asdict(recorded)}
    given.out.write_text(json.dumps({**document, "simulated": [asdict(one) for one in simulations]}, indent=1) + "\n")
    sys.stdout.write(table(simulations) + "\n")


def table(simulations: Sequence[Simulated]) -> str:
    """Return the simulations as a table in Markdown; times in minutes."""
    lines = ["| iterations | trials | workers | time (min) | ideal (min) | busy |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {one.iterations} | {one.trials} | {one.workers} | {one.makespan_s / 60:.1f} | {one.ideal_s / 60:.1f} "
        f"| {one.efficiency:.0%} |"
        for one in simulations
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
