"""`python -m benchmarks.report`: time and size of a report, for runs of 36, 200 and 2,000 trials.

Each rendering is a separate process, imports included, like `mnist-tune report`. The runs are synthetic
(`tests.kit.run_builder`).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from tests.kit.run_builder import FakeRun, build_run

RESULT = Path(__file__).parent / "results" / "report.json"
REPETITIONS = 3
LIBRARIES = ("matplotlib", "numpy", "seaborn", "jinja2")

RENDER = """
import sys, time
from pathlib import Path
from reports.pages.page import write_report
write_report(Path(sys.argv[1]))
print(time.process_time())
"""
"""A program that prints its CPU seconds, imports included."""


@dataclass(frozen=True)
class Size:
    """A synthetic run and the limits of its report."""

    trials: int
    fake: FakeRun
    limit_s: float | None = None
    """CPU seconds: one thread renders, and wall times of a busy machine are meaningless."""
    limit_bytes: int | None = None


SIZES = (
    Size(36, FakeRun()),
    Size(200, FakeRun(iterations=6, finalists=4, seeds=5), 5.0, 3_000_000),
    Size(2000, FakeRun(iterations=66, finalists=4, seeds=5), 20.0, 10_000_000),
)
"""Hyperband with 15 epochs and factor 3 has 30 trials an iteration; the rest are confirmations."""


@dataclass(frozen=True)
class Measured:
    """The report of one run; seconds are medians over the repetitions."""

    trials: int
    repetitions: int
    wall_s: float
    cpu_s: float
    size_bytes: int
    limit_s: float | None
    limit_bytes: int | None

    @property
    def within(self) -> bool:
        """Return whether the report is within its limits."""
        return self.cpu_s <= (self.limit_s or self.cpu_s) and self.size_bytes <= (self.limit_bytes or self.size_bytes)


def measure(size: Size, folder: Path, repetitions: int) -> Measured:
    """Render a run several times, each in a new process."""
    run = build_run(folder / str(size.trials), size.fake)
    times = [_render(run) for _ in range(repetitions)]
    return Measured(
        trials=size.trials,
        repetitions=repetitions,
        wall_s=round(statistics.median(wall for wall, _ in times), 2),
        cpu_s=round(statistics.median(cpu for _, cpu in times), 2),
        size_bytes=(run / "report.html").stat().st_size,
        limit_s=size.limit_s,
        limit_bytes=size.limit_bytes,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write the rows; return 1 where a limit is exceeded, else 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=REPETITIONS, metavar="N", help="of each size (default: 3)")
    parser.add_argument("--trials", type=int, nargs="*", metavar="N", help="these sizes alone; nothing is written")
    given = parser.parse_args(arguments)
    sizes = [size for size in SIZES if given.trials is None or size.trials in given.trials]
    with tempfile.TemporaryDirectory() as folder:
        rows = [measure(size, Path(folder), given.repetitions) for size in sizes]
    sys.stdout.write(table(rows))
    if given.trials is None:
        RESULT.write_text(json.dumps(document(rows), indent=2) + "\n", encoding="utf-8")
        sys.stdout.write(f"Wrote {RESULT.relative_to(RESULT.parents[2])}\n")
    return 0 if all(row.within for row in rows) else 1


def table(rows: Sequence[Measured]) -> str:
    """Return a table, one line a run."""
    lines = [f"{'trials':>7} {'wall, s':>8} {'CPU, s':>8} {'MB':>6}  limits"]
    for row in rows:
        limits = "" if row.limit_s is None else f"{row.limit_s:g} s CPU, {(row.limit_bytes or 0) / 1e6:g} MB"
        verdict = "" if row.within else ": exceeded"
        lines.append(f"{row.trials:>7,} {row.wall_s:>8.2f} {row.cpu_s:>8.2f} {row.size_bytes / 1e6:>6.2f}  {limits}{verdict}")  # fmt: skip
    return "\n".join(lines) + "\n"


def document(rows: Sequence[Measured]) -> dict[str, object]:
    """Return the document of the result."""
    return {
        "what": "python -m benchmarks.report: a report rendered in a fresh process, medians over the repetitions",
        "versions": {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
        "machine": {"system": platform.system(), "cores": os.cpu_count(), "load_1min": _load()},
        "rows": [asdict(row) for row in rows],
    }


def _load() -> float | None:
    """Return the load of the last minute; above the number of cores wall times are too long."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def _render(run: Path) -> tuple[float, float]:
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", RENDER, str(run)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).resolve().parent.parent,
    )
    return time.perf_counter() - start, float(done.stdout)


if __name__ == "__main__":
    sys.exit(main())
