"""Names of a run's best configuration: a search has a winner, a study an arm, a training the one that it trained."""

from __future__ import annotations

from reports.analysis.study.effects import arms_of
from reports.run.run_data import RunData
from tuner.core.records import configuration_key


def best_name(run: RunData) -> str:
    """Return the name within a sentence: "the winner", "dropout 0.1", "dense128"."""
    if run.result is None:
        return "the best trial so far"
    if run.info.kind == "study":
        return best_arm(run)
    return trained_name(run) if run.info.kind == "train" else "the winner"


def best_label(run: RunData) -> str:
    """Return the name beside a line of a figure."""
    labels = {"the best trial so far": "best so far", "the winner": "winner"}
    name = best_name(run)
    return labels.get(name, name)


def best_arm(run: RunData) -> str:
    """Return the name of the arm with the best mean; before the study has ended "the best trial"."""
    result = run.result
    if result is None:
        return "the best trial"
    key = configuration_key(result.configuration)
    for arm in arms_of(run):
        if configuration_key(arm.plan.configuration) == key and arm.plan.epochs == result.epochs:
            return arm.name
    return "the best arm"


def trained_name(run: RunData) -> str:
    """Return the name of the reference that a training trained, else "the configuration"."""
    names = [reference.name for reference in run.info.references if reference.included]
    return names[0] if names else "the configuration"
