"""run.json as it is when a run begins: what was asked for, of whom and with what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tuner.data import Dataset, describe
from tuner.journal import now
from tuner.machine import describe_machine, versions
from tuner.options import SearchOptions
from tuner.records import SCHEMA, Json

_REFERENCES_TRIED = 3


def new_run(options: SearchOptions, data: Dataset, space: Any, command: Sequence[str], gpus: int) -> Json:
    """The content of run.json at the start (docs/run-folder.md).

    Args:
        options: what was asked for.
        data: the data set, split.
        space: the space's Keras-free part (untyped: each family has its own class).
        command: the command line.
        gpus: how many GPUs the run uses.
    """
    installed = versions()
    accelerators = [f"NVIDIA GPU {number}" for number in range(gpus)]
    return {
        "schema": SCHEMA,
        "program": {"name": "mnist-tune", "version": installed.get("mnist-tune", "not installed")},
        "command": list(command),
        "options": options.to_json(),
        "seed": options.seed,
        "space": {
            "name": options.space,
            "max_params": space.max_params,
            "max_macs": space.max_macs,
            "hyperparameters": space.hyperparameters_json(),
        },
        "references": _references_json(options, space),
        "data": describe(data),
        "plan": {"algorithm": options.algorithm, "brackets": [], "trials": 0},
        "versions": installed,
        "machine": describe_machine(accelerators),
        "nondeterminism": _nondeterminism(options, gpus),
        "notes": [],
        "status": "running",
        "error": None,
        "times": {"started": now(), "ended": None, "elapsed_s": 0.0, "phases": {}},
    }


def _references_json(options: SearchOptions, space: Any) -> list[Json]:
    """All references of a space; the best that fit the caps are tried."""
    fitting = [reference.name for reference in space.references_that_fit()]
    tried = fitting[:_REFERENCES_TRIED] if options.references else []
    return [
        {
            "name": reference.name,
            "network": reference.network,
            "parameters": space.count_parameters(reference.values),
            "multiply_adds": space.count_multiply_adds(reference.values),
            "published_accuracy": reference.published_accuracy,
            "published_epochs": reference.published_epochs,
            "source": reference.source,
            "assumed": reference.assumed,
            "fits": reference.name in fitting,
            "included": reference.name in tried,
            "trial": f"{tried.index(reference.name) + 1:04d}" if reference.name in tried else None,
        }
        for reference in space.references()
    ]


def _nondeterminism(options: SearchOptions, gpus: int) -> list[str]:
    """Why the same seed may give another run; empty where it gives the same."""
    reasons = {
        "Training ran on a GPU, whose kernels may add numbers up in another order.": gpus > 0,
        "A time budget ended the search by the clock.": options.time_budget is not None,
        "A trial's time limit ended trials by the clock.": options.trial_timeout is not None,
        "Bayesian search depends on the order in which workers finish.": options.algorithm == "bayesian",
    }
    return [reason for reason, holds in reasons.items() if holds]
