"""The text about the use of the test set, the same in every section."""

from __future__ import annotations

from reports.run.run_data import RunData
from tuner.core.records import TEST_MET_AGAIN


def was_tested(run: RunData) -> bool:
    """Return True if the winner was evaluated on the test set."""
    return run.result is not None and run.result.test is not None


def never_tests(run: RunData) -> bool:
    """Return True if the run never uses its test set: with --no-test, or in a study."""
    return run.info.kind == "study" or run.info.options.get("test") is False


def was_retested(run: RunData) -> bool:
    """Return True if a lost evaluation on the test set was repeated."""
    return any(note.startswith(TEST_MET_AGAIN) for note in run.info.notes)


def format_test_use(run: RunData) -> str:
    """Return one or two sentences about the use of the test set."""
    if was_tested(run):
        refitted = run.result is not None and run.result.exported.refitted
        winner = (
            "the configuration's seeds"
            if run.info.kind == "train"
            else f"the {'refitted' if refitted else 'confirmed'} winner"
        )
        again = (
            " A lost evaluation was made again with the same models: nothing was chosen by it."
            if was_retested(run)
            else ""
        )
        return f"The test set was used once, by {winner}.{again}"
    if run.result is not None or never_tests(run):
        chosen = "" if run.info.kind == "train" else ", by which the winner is chosen, so they flatter it"
        return f"The test set is not used: all figures are of validation images{chosen}."
    return "The test set has not been used yet: that is for the end."


def format_why_not_tested(run: RunData) -> str:
    """Return the reason for missing test results, as the beginning of a sentence."""
    if never_tests(run):
        return "The test set was not used"
    return "The test set has not been used"
