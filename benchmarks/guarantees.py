"""`python -m benchmarks.guarantees`: the measured figures of docs/guarantees.md, in `results/guarantees.json`.

The loop between oracle, journal and workers is measured with 2,000 instant trials in memory, including two flushes of
the journal a trial. `--real` adds real training: the memory of a worker over 200 trials, and eight workers on this
machine.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.measuring import do_all
from search_spaces.families.registry import load_family
from tuner.core.quiet_imports import quiet_imports
from tuner.core.records import HISTORY_METRICS, Json, TrialRecord
from tuner.data.dataset import load_dataset, save_arrays
from tuner.options.search_options import SearchOptions
from tuner.processes.tasks import Event, SpaceRef, Task, TrainTask
from tuner.run.observer import Observer
from tuner.run.trial_loop import TrialLoop, without_history
from tuner.run.trial_sources import Networks, SearchSource
from tuner.storage.journal import Journal, read_state
from tuner.workers.local import LocalWorkers

RESULT = Path(__file__).parent / "results" / "guarantees.json"
TRIALS = 2000
REAL_TRIALS = 200
SPACE, SMALL = "compact8k", "micro1k"
LIBRARIES = ("keras", "keras-tuner", "tensorflow", "numpy", "filelock")
LIMITS = {"loop_cpu_ms": 5.0, "loop_memory_bytes": 1024.0, "resume_s": 5.0, "worker_memory_mb": 1.0}
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Figure:
    """A figure and its limit."""

    name: str
    value: float
    unit: str
    limit: float | None
    how: str

    @property
    def within(self) -> bool:
        """Return whether the figure is within its limit."""
        return self.limit is None or self.value <= self.limit


class InstantWorkers:
    """Workers that complete each task at once, with a history of realistic length."""

    size = 2

    def __init__(self) -> None:
        self._events: deque[Event] = deque()

    def submit(self, task: Task) -> None:
        """Queue the answer."""
        if isinstance(task, TrainTask):
            score = (hash((task.id, task.seed)) % 10_000) / 10_000
            history = {metric: [score] * task.passes for metric in HISTORY_METRICS}
            body = {"val_accuracy": score, "val_loss": 1 - score, "epochs_run": task.passes, "history": history}
            self._events.append(Event(kind="finished", task=task.id, worker=0, body=body, duration_s=1.0))

    def next_event(self, timeout_s: float) -> Event | None:
        """Return the next answer."""
        return self._events.popleft() if self._events else None

    def drop(self) -> None:
        """Drop all answers."""
        self._events.clear()

    def close(self) -> None:
        """Do nothing."""


@dataclass
class Marks(Observer):
    """An observer that measures a resource at every n-th trial."""

    every: int = 100
    measured: Callable[[], float] = time.process_time
    points: list[tuple[int, float]] = field(default_factory=list)
    trials: int = 0

    def trial_finished(self, record: TrialRecord, *, restored: bool) -> None:
        """Measure, at every n-th trial."""
        self.trials += 1
        if self.trials % self.every == 0:
            self.points.append((self.trials, self.measured()))

    def slope(self, first: int) -> float:
        """Return the increase a trial, from the given one on, by least squares."""
        points = np.array([mark for mark in self.points if mark[0] >= first])
        return float(np.polyfit(points[:, 0], points[:, 1], 1)[0])


def source_of(algorithm: str, trials: int) -> SearchSource:
    """Return a search of about this number of trials."""
    with quiet_imports():
        from tuner.oracle.registry import make_oracle
    sizes: Json = {"max_trials": trials} if algorithm == "random" else {"iterations": max(1, trials // 30)}
    options = SearchOptions(space=SPACE, algorithm=algorithm, **sizes)  # type: ignore[arg-type]
    space = load_family(SPACE)
    networks = Networks(space, SpaceRef(name=SPACE, max_params=None, max_macs=None, classes=10))
    return SearchSource(make_oracle(space, options), networks, options.seed, lambda bracket, rung: None)


def run_loop(algorithm: str, trials: int, journal: Path, marks: Marks) -> int:
    """Run a search, or resume it from its journal; return its number of trials."""
    source, state = source_of(algorithm, trials), read_state(journal)
    state.finished = {name: without_history(record) for name, record in state.finished.items()}
    with Journal(journal) as opened:
        TrialLoop(InstantWorkers(), opened, state, marks).run(source)
    return marks.trials


def loop_cpu(algorithm: str, trials: int = TRIALS) -> Figure:
    """Measure the loop's CPU time a trial."""
    with tempfile.TemporaryDirectory() as folder:
        source_of(algorithm, 30)
        began = time.process_time()
        done = run_loop(algorithm, trials, Path(folder) / "trials.jsonl", Marks(every=10**9))
        spent = time.process_time() - began
    how = f"{algorithm}, {done:,} trials: CPU a trial of oracle, journal and loop"
    return Figure(f"loop_cpu_{algorithm}", round(1000 * spent / done, 2), "ms", LIMITS["loop_cpu_ms"], how)


def loop_memory(algorithm: str, trials: int = TRIALS) -> Figure:
    """Measure the growth of the loop's memory."""
    marks = Marks(every=trials // 20, measured=_traced_bytes)
    with tempfile.TemporaryDirectory() as folder:
        source_of(algorithm, 30)
        gc.collect()
        tracemalloc.start(1)
        run_loop(algorithm, trials, Path(folder) / "trials.jsonl", marks)
        tracemalloc.stop()
    value = round(marks.slope(trials // 4), 0)
    how = f"{algorithm}, {marks.trials:,} trials: slope of what tracemalloc counts, from a quarter of them on"
    return Figure(f"loop_memory_{algorithm}", value, "bytes a trial", LIMITS["loop_memory_bytes"], how)


def _traced_bytes() -> float:
    gc.collect()
    return float(tracemalloc.get_traced_memory()[0])


def resume_time(trials: int = TRIALS) -> Figure:
    """Measure the time to replay a journal to the end of its search."""
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "trials.jsonl"
        run_loop("hyperband", trials, journal, Marks(every=10**9))
        size = journal.stat().st_size
        began = time.process_time()
        done = run_loop("hyperband", trials, journal, Marks(every=10**9))
        spent = time.process_time() - began
    how = f"a journal of {done:,} trials ({size / 1e6:.1f} MB) read and replayed: CPU, without Keras's import"
    return Figure("resume", round(spent, 2), "s", LIMITS["resume_s"], how)


def tasks(count: int) -> list[TrainTask]:
    """Return the smallest trainings of convolutions, one epoch each, each of another network."""
    from search_spaces.families.registry import load_family

    family, space = load_family(SMALL), SpaceRef(name=SMALL, max_params=None, max_macs=None, classes=10)
    draws = [family.sample(np.random.default_rng([3, number])) for number in range(count)]
    return [
        TrainTask(id=f"{number:04d}", space=space, configuration=draw, epochs=1, seed=7)
        for number, draw in enumerate(draws)
    ]


def worker_memory(trials: int = REAL_TRIALS, samples: int = 200) -> list[Figure]:
    """Measure a worker's resident memory over real trials of ever new networks; it restarts after 50."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        save_arrays(load_dataset("digits", validation=0.1, seed=1, train_samples=samples), data)
        resident_mb: list[float] = []
        with LocalWorkers(1, data, Path(folder) / "logs") as pool:
            for task in tasks(trials):
                do_all(pool, [task])
                resident_mb.append(_resident_mb(pool.pids()[0]))
    # After the last trial of a worker the value is that of its idle replacement.
    steady = [(number, value) for number, value in enumerate(resident_mb) if (number + 1) % pool.trials_a_process]
    numbers, values = np.array(steady).T
    slope = float(np.polyfit(numbers, values, 1)[0])
    how = f"one worker, {trials} real trials of ever new networks on {samples} digits"
    return [
        Figure("worker_memory_slope", round(slope, 3), "MB a trial", LIMITS["worker_memory_mb"], f"{how}: slope"),
        Figure("worker_memory_most", round(max(values), 0), "MB", None, f"{how}: the most"),
    ]


def _resident_mb(pid: int) -> float:
    return float(psutil.Process(pid).memory_info().rss) / 2**20


def many_workers(size: int, trials: int, module: str) -> Figure:
    """Count lost, late and failed trials with more workers than cores."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        save_arrays(load_dataset("digits", validation=0.1, seed=1, train_samples=200), data)
        with LocalWorkers(size, data, Path(folder) / "logs", timeout_s=600, module=module) as pool:
            ended = do_all(pool, tasks(trials), may_fail=True)
    failed = sum(event.kind != "finished" for event in ended)
    real = "real" if module == "tuner.workers.worker" else "fake"
    how = f"{size} workers on {os.cpu_count()} cores, {trials} {real} trials: lost, late or failed"
    return Figure(f"many_workers_{real}", failed, "trials", 0.0, how)


PARTS: dict[str, Callable[[], list[Figure]]] = {
    "loop": lambda: [loop_cpu("hyperband"), loop_cpu("random")],
    "memory": lambda: [loop_memory("hyperband"), loop_memory("random")],
    "resume": lambda: [resume_time()],
    "workers": lambda: [many_workers(8, 200, "tests.kit.processes.fake_worker")],
    "real": lambda: [*worker_memory(), many_workers(8, 24, "tuner.workers.worker")],
}


def measured(part: str) -> list[Figure]:
    """Return the figures of a part, measured in its own process."""
    words = [sys.executable, "-m", "benchmarks.guarantees", "--part", part]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    return [Figure(**figure) for figure in json.loads(done.stdout.splitlines()[-1])]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write the figures; return 1 where a limit is exceeded, else 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guarantees", description=__doc__)
    parser.add_argument("--real", action="store_true", help="with real training too: some minutes")
    parser.add_argument("--part", choices=PARTS, help="this part alone, as JSON; nothing is written")
    given = parser.parse_args(arguments)
    if given.part:
        sys.stdout.write(json.dumps([asdict(figure) for figure in PARTS[given.part]()]) + "\n")
        return 0
    figures: list[Figure] = []
    for part in PARTS:
        if part != "real" or given.real:
            figures += measured(part)
    sys.stdout.write("".join(f"{_row(figure)}\n" for figure in figures))
    RESULT.write_text(json.dumps(document(figures), indent=2) + "\n", encoding="utf-8")
    return 0 if all(figure.within for figure in figures) else 1


def _row(figure: Figure) -> str:
    limit = "" if figure.limit is None else f" (at most {figure.limit:g})"
    verdict = "" if figure.within else ": exceeded"
    return f"{figure.value:>10g} {figure.unit}{limit}{verdict}  {figure.how}"


def document(figures: Sequence[Figure]) -> dict[str, Any]:
    """Return the document of the result."""
    return {
        "what": "python -m benchmarks.guarantees: the load figures of docs/guarantees.md, each part in its own process",
        "versions": {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
        "machine": {
            "system": platform.system(),
            "cores": os.cpu_count(),
            "load_1min": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        },
        "figures": [asdict(figure) for figure in figures],
    }


if __name__ == "__main__":
    sys.exit(main())
