"""The text about the use of the test set: every section asks here, so that no two say different things."""

from __future__ import annotations

from reports.run.run_data import RunData
from tuner.core.records import TEST_MET_AGAIN


def was_tested(run: RunData) -> bool:
    """Return whether the winner met the test set."""
    return run.result is not None and run.result.test is not None


def is_left_alone(run: RunData) -> bool:
    """Return whether the run never meets its test set: --no-test, or a study."""
    return run.info.kind == "study" or run.info.options.get("test") is False


def was_met_again(run: RunData) -> bool:
    """Return whether a lost evaluation was made again."""
    return any(note.startswith(TEST_MET_AGAIN) for note in run.info.notes)


def format_test_use(run: RunData) -> str:
    """Return one or two sentences: by whom the test set was used, or that it was not."""
    if was_tested(run):
        refitted = run.result is not None and run.result.refit is not None
        winner = (
            "the configuration's seeds"
            if run.info.kind == "train"
            else f"the {'refitted' if refitted else 'confirmed'} winner"
        )
        again = (
            " A lost evaluation was made again with the same models: nothing was chosen by it."
            if was_met_again(run)
            else ""
        )
        return f"The test set was used once, by {winner}.{again}"
    if run.result is not None or is_left_alone(run):
        chosen = "" if run.info.kind == "train" else ", by which the winner is chosen, so they flatter it"
        return f"The test set is not used: all figures are of validation images{chosen}."
    return "The test set has not been used yet: that is for the end."


def format_why_not_tested(run: RunData) -> str:
    """Return why nothing of the test set is shown, as the beginning of a sentence."""
    if is_left_alone(run):
        return "The test set was left alone"
    return "The test set has not been used"
