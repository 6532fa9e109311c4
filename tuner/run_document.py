"""run.json as it is when a run begins: what was asked for, of whom and with what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tuner.data import Dataset, describe
from tuner.journal import now
from tuner.machine import describe_machine, versions
from tuner.options.run_options import RunOptions, SearchOptions, TrainOptions
from tuner.oracle.warm_starts import warm_starts
from tuner.records import SCHEMA, Json, trial_name
from tuner.spaces.user_space import UserSpace


def new_run(
    options: RunOptions, data: Dataset, space: Any, command: Sequence[str], gpus: int, *, study: Json | None = None
) -> Json:
    """The content of run.json at the start (docs/run-folder.md).

    Args:
        options: what was asked for.
        data: the data set, split.
        space: the space's Keras-free part (untyped: each family has its own class).
        command: the command line.
        gpus: how many GPUs the run uses.
        study: what a study varies; None in other runs.
    """
    installed = versions()
    accelerators = [f"NVIDIA GPU {number}" for number in range(gpus)]
    return {
        "schema": SCHEMA,
        "kind": options.kind,
        "program": {"name": "mnist-tune", "version": installed.get("mnist-tune", "not installed")},
        "command": list(command),
        "options": options.to_json(),
        "seed": options.seed,
        "space": {
            "name": options.space,
            **_caps(options, space),
            **({"model": space.interface.to_json()} if isinstance(space, UserSpace) else {}),
            "hyperparameters": space.hyperparameters_json(),
        },
        "references": _references_json(options, space),
        "data": describe(data),
        **({} if study is None else {"study": study}),
        "plan": {"algorithm": options.kind, "brackets": [], "trials": 0, "epochs": 0},
        "versions": installed,
        "machine": describe_machine(accelerators),
        "journal": {"chained": True},
        "nondeterminism": _nondeterminism(options, gpus),
        "notes": [],
        "status": "running",
        "error": None,
        "times": {"started": now(), "ended": None, "elapsed_s": 0.0, "phases": {}},
    }


def add_nondeterminism(run: Json, options: RunOptions, gpus: int) -> None:
    """Adds what is not the same in another run now that this one goes on with other options, to its run.json's content."""
    known = run.setdefault("nondeterminism", [])
    known += [reason for reason in _nondeterminism(options, gpus) if reason not in known]


def _caps(options: RunOptions, space: Any) -> Json:
    """Those that held the sampler. Where nothing is drawn, a network may be of any size that nobody forbade."""
    if isinstance(options, SearchOptions):
        return {"max_params": space.max_params, "max_macs": space.max_macs}
    return {"max_params": options.max_params, "max_macs": options.max_macs}


def drop_beyond(run: Json, places: int) -> None:
    """Takes back which references are tried, in a run.json's content, where the first rung has fewer places than there are known configurations."""
    for reference in run["references"]:
        for key in ("trial", "scaled"):
            if reference.get(key) is not None and int(reference[key]) > places:
                reference[key] = None
        reference["included"] = reference.get("trial") is not None


def _references_json(options: RunOptions, space: Any) -> list[Json]:
    """All references of a space: which of them a search tries, itself or scaled to fit, or a training trains."""
    fitting = {reference.name for reference in space.references_that_fit()}
    trials: dict[tuple[str, str], str] = {}
    if isinstance(options, SearchOptions):
        known = warm_starts(space, options.references)
        trials = {(own.kind, own.name): trial_name(number) for number, own in enumerate(known, start=1)}
    elif isinstance(options, TrainOptions):
        same = [r.name for r in space.references() if dict(r.values) == dict(options.configuration)]
        trials = {("reference", name): trial_name(1) for name in same[:1]}
    return [
        {
            "name": reference.name,
            "network": reference.network,
            "parameters": space.count_parameters(reference.values),
            "multiply_adds": space.count_multiply_adds(reference.values),
            "published_accuracy": reference.published_accuracy,
            "published_epochs": reference.published_epochs,
            "published_scores": dict(reference.published_scores),
            "source": reference.source,
            "assumed": reference.assumed,
            "fits": reference.name in fitting,
            "included": ("reference", reference.name) in trials,
            "trial": trials.get(("reference", reference.name)),
            "scaled": trials.get(("scaled", reference.name)),
        }
        for reference in space.references()
    ]


def _nondeterminism(options: RunOptions, gpus: int) -> list[str]:
    """Why the same seed may give another run; empty where it gives the same."""
    reasons = {
        "Training ran on a GPU, whose kernels may add numbers up in another order.": gpus > 0,
        "Trials ran on a cluster, whose machines may add numbers up in another order if they are of several kinds.": (
            options.scheduler is not None
        ),
        "A time budget ended the search by the clock.": getattr(options, "time_budget", None) is not None,
        "A trial's time limit ended trials by the clock.": options.trial_timeout is not None,
        "Bayesian search depends on the order in which workers finish.": getattr(options, "algorithm", None)
        == "bayesian",
    }
    return [reason for reason, holds in reasons.items() if holds]
