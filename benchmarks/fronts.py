"""`python -m benchmarks.fronts RUN …`: size and accuracy of several runs' winners, for docs/accuracy.md.

A row replaces an earlier one of the same space, network and kind of run. `benchmarks.plots` draws the figure.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.measuring import RESULTS
from reports.analysis.model.comparison import winning_reference
from reports.run.reading import read_run
from reports.run.run_data import RunData
from tuner.core.errors import MnistTuneError, UsageError

RESULT = RESULTS / "front.json"


@dataclass(frozen=True)
class Winner:
    """The winner of a run."""

    kind: str
    """search or train."""
    space: str
    known: str
    """The name of the reference that won; empty where a sampled configuration did."""
    parameters: int
    multiply_adds: int | None
    validation: tuple[float, ...]
    """Accuracy of each seed."""
    test: tuple[float, ...]
    """Accuracy of each seed; empty where the test set was not used."""
    minutes: float
    """Duration of the whole run."""

    @property
    def key(self) -> tuple[str, str, str, int]:
        return self.kind, self.space, self.known, self.parameters


def winner_of(run: RunData) -> Winner:
    """Return a run's winner; raise UsageError where there is none, or the run is a study."""
    result, info = run.result, run.info
    if result is None or info.kind == "study" or info.data.name != "mnist":
        raise UsageError(f"{run.folder} has no winner. Expected a finished search or training on mnist.")
    known = winning_reference(run)
    return Winner(
        kind=info.kind,
        space=info.space.name,
        known=known.name if known is not None else "",
        parameters=result.parameters,
        multiply_adds=result.multiply_adds,
        validation=tuple(round(accuracy, 5) for accuracy in result.validation.per_seed),
        test=tuple(round(accuracy, 5) for accuracy in result.test.per_seed) if result.test is not None else (),
        minutes=round((info.times.elapsed_s or 0.0) / 60, 1),
    )


def add(path: Path, winners: Sequence[Winner]) -> None:
    """Add rows to the file, sorted by size."""
    kept = json.loads(path.read_text(encoding="utf-8"))["winners"] if path.exists() else []
    rows = {winner.key: winner for winner in (*(Winner(**row) for row in kept), *winners)}
    document = {
        "winners": [
            asdict(winner) for winner in sorted(rows.values(), key=lambda winner: (winner.parameters, winner.key))
        ]
    }
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the runs and add their winners; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fronts", description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    parser.add_argument("--out", type=Path, default=RESULT, help="what is kept there is added to")
    given = parser.parse_args(arguments)
    try:
        add(given.out, [winner_of(read_run(folder)) for folder in given.runs])
    except MnistTuneError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
