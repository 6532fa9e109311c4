"""What a run's best configuration is called: a search has a winner, a study an arm, a training the one that it trained."""

from __future__ import annotations

from reports.analysis.study.effects import arms_of
from reports.run.run_data import RunData
from tuner.core.records import configuration_key


def best_name(run: RunData) -> str:
    """As a sentence has it in its middle: "the winner", "dropout 0.1", "dense128"."""
    if run.result is None:
        return "the best trial so far"
    if run.info.kind == "study":
        return best_arm(run)
    return trained_name(run) if run.info.kind == "train" else "the winner"


def best_label(run: RunData) -> str:
    """As a figure has it beside a line."""
    labels = {"the best trial so far": "best so far", "the winner": "winner"}
    name = best_name(run)
    return labels.get(name, name)


def best_arm(run: RunData) -> str:
    """The label of the arm with the best mean, or the best trial's."""
    result = run.result
    if result is None:
        return "the best trial"
    key = configuration_key(result.configuration)
    for arm in arms_of(run):
        if configuration_key(arm.plan.configuration) == key and arm.plan.epochs == result.epochs:
            return arm.name
    return "the best arm"


def trained_name(run: RunData) -> str:
    """The reference that a training trained, else that it is a configuration of somebody's."""
    own = [reference.name for reference in run.info.references if reference.included]
    return own[0] if own else "the configuration"
