"""The use of NVIDIA GPUs while something runs, by nvidia-smi."""

from __future__ import annotations

import statistics
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class GpuUse:
    """Samples of nvidia-smi, one a second."""

    busy: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    def summary(self) -> tuple[float, ...]:
        """Return the mean of busy percent, its maximum, mean MiB, maximum; empty without samples."""
        if not self.busy:
            return ()
        return tuple(
            round(value, 1) for values in (self.busy, self.memory) for value in (statistics.mean(values), max(values))
        )


@contextmanager
def watched(gpus: int) -> Iterator[GpuUse]:
    """Sample the use of the GPUs within the context."""
    use, end = GpuUse(), threading.Event()
    words = ["nvidia-smi", "--query-gpu=utilization.gpu,memory.used", "--format=csv,noheader,nounits"]

    def sample() -> None:
        while not end.wait(1.0):
            try:
                lines = subprocess.run(
                    words, capture_output=True, text=True, timeout=10, check=True
                ).stdout.splitlines()
                rows = [[float(part) for part in line.split(",")] for line in lines]
            except (OSError, ValueError, subprocess.SubprocessError):
                continue
            use.busy.append(statistics.mean(row[0] for row in rows))
            use.memory.append(sum(row[1] for row in rows))

    thread = threading.Thread(target=sample, daemon=True)
    if gpus:
        thread.start()
    try:
        yield use
    finally:
        end.set()
        if gpus:
            thread.join(15)


def gpu_names() -> list[str]:
    """Return each GPU's name and driver; none without nvidia-smi."""
    words = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(words, capture_output=True, text=True, timeout=20, check=True).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        return []
