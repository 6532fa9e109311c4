"""`python -m benchmarks.footprint`: the overhead of a search: start, the parent's time, memory.

A search with short trials on 6,000 images of MNIST is observed from outside. Needs `MNIST_TUNE_DATA`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import psutil

from benchmarks.measuring import RESULTS, ROOT, conditions, quiet_environment
from tuner.core.records import Json

RESULT = RESULTS / "footprint.json"
SEARCH = (
    "--space compact8k --data mnist --train-samples 6000 --no-references --no-test --max-epochs 3 "
    "--confirm-top 1 --confirm-seeds 2 --quiet"
)
_POLL_S = 0.1


@dataclass(frozen=True)
class Figure:
    """A figure and its target."""

    name: str
    value: float
    unit: str
    wanted: float | None
    how: str


def help_time(repetitions: int) -> Figure:
    """Measure the time of `mnist-tune --help` beyond Python's start, in pairs."""
    over = [_seconds(["-m", "mnist_tune", "--help"]) - _seconds(["-c", "pass"]) for _ in range(repetitions + 1)][1:]
    how = f"mnist-tune --help less python -c pass: median of {repetitions} pairs"
    return Figure("help", round(statistics.median(over), 3), "s", 0.3, how)


def _seconds(words: Sequence[str]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *words], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


@dataclass
class Watched:
    """Measurements of a search."""

    seconds: float = 0.0
    parent_cpu_s: float = 0.0
    parent_mb: float = 0.0
    worker_mb: float = 0.0


def watch(words: Sequence[str]) -> Watched:
    """Run a search and measure it; memory is the largest resident size."""
    seen, began = Watched(), time.perf_counter()
    process = psutil.Popen([sys.executable, "-m", "mnist_tune", *words], cwd=ROOT, env=quiet_environment())
    while process.poll() is None:
        try:
            times = process.cpu_times()
            seen.parent_cpu_s = times.user + times.system
            seen.parent_mb = max(seen.parent_mb, process.memory_info().rss / 1e6)
            children = [child.memory_info().rss / 1e6 for child in process.children()]
            seen.worker_mb = max([seen.worker_mb, *children])
        except psutil.NoSuchProcess:
            continue
        time.sleep(_POLL_S)
    seen.seconds = time.perf_counter() - began
    return seen


def first_training_s(journal: Path, began: float) -> float:
    """Return the seconds from a moment until the first training began in its worker."""
    events = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    ended = [event for event in events if event.get("event") == "finished"]
    starts = [datetime.fromisoformat(event["time"]).timestamp() - float(event["duration_s"]) for event in ended]
    return min(starts) - began


def search_figures() -> list[Figure]:
    """Return the figures of one search."""
    with tempfile.TemporaryDirectory() as folder:
        began, out = time.time(), Path(folder) / "run"
        seen = watch([*SEARCH.split(), "--out", str(out)])
        first = first_training_s(out / "trials.jsonl", began)
    share = 100 * seen.parent_cpu_s / seen.seconds
    how = f"a search of MNIST that took {seen.seconds:.0f} s: mnist-tune {SEARCH}"
    return [
        Figure("first_training", round(first, 1), "s", 10.0, f"until the first training runs; {how}"),
        Figure(
            "parent_cpu", round(seen.parent_cpu_s, 1), "s", None, f"the parent's, imports and report included; {how}"
        ),
        Figure("parent_share", round(share, 1), "%", None, f"that, of the run's time; {how}"),
        Figure("parent_memory", round(seen.parent_mb), "MB", None, f"the parent's at most; {how}"),
        Figure("worker_memory", round(seen.worker_mb), "MB", None, f"a worker's at most; {how}"),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write and print the figures; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.footprint", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=10)
    parser.add_argument("--out", type=Path, default=RESULT)
    given = parser.parse_args(arguments)
    if "MNIST_TUNE_DATA" not in os.environ:
        sys.stderr.write("MNIST is unavailable. Expected MNIST_TUNE_DATA to name its mnist.npz.\n")
        return 2
    before = conditions(("psutil",))
    figures = [help_time(given.repetitions), *search_figures()]
    kept: Json = {**before, "figures": [asdict(figure) for figure in figures]}
    given.out.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write("".join(f"{one.value:g} {one.unit} (wanted {one.wanted}): {one.how}\n" for one in figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
