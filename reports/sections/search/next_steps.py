"""Next steps for the reader of a run: commands to copy."""

from __future__ import annotations

from dataclasses import dataclass

from reports.run.run_data import RunData


@dataclass(frozen=True)
class NextStep:
    """A command and its purpose. The page's script puts the run's folder in the place of RUN."""

    purpose: str
    before: str
    """The words of the command before the run's folder."""
    after: str


def next_steps(run: RunData) -> tuple[NextStep, ...]:
    """Return the commands for a run with a model, or to resume one that broke off; none while it runs."""
    if run.result is not None:
        return (
            NextStep("Classify a picture", "mnist-tune predict ", " picture.png"),
            NextStep("Export it", "mnist-tune export ", " --format litert-int8"),
            NextStep("Train it again", "mnist-tune train ", " --seeds 3"),
        )
    if run.info.status in ("interrupted", "failed"):
        return (NextStep("Resume it", "mnist-tune --out ", " --resume"),)
    return ()
