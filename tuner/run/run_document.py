"""run.json at the beginning of a run: options, space, data, versions and machine."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from typing import Any

from tuner.core.machine import (
    cpu_cores,
    memory_bytes,
    processor_features,
    processor_name,
    versions,
)
from tuner.core.records import Json, trial_name
from tuner.data.dataset import Dataset, describe
from tuner.options.run_options import RunOptions
from tuner.options.search_options import SearchOptions
from tuner.options.train_options import TrainOptions
from tuner.oracle.warm_starts import warm_starts
from tuner.processes.kernels import allocator_variables, kernel_variables
from tuner.storage.journal import now
from tuner.storage.schema.documents import validate
from tuner.storage.schema.run import (
    Hyperparameter,
    Hyperparameters,
    JournalForm,
    Machine,
    Plan,
    Program,
    Reference,
    RunDocument,
    Space,
    Times,
)
from tuner.storage.schema.study import StudyPlan


def new_run(
    options: RunOptions, data: Dataset, space: Any, command: Sequence[str], gpus: int, *, study: StudyPlan | None = None
) -> RunDocument:
    """Return run.json at the start (docs/run-folder.md).

    Args:
        options: the options of the run.
        data: the data set, split.
        space: the space's Keras-free part (untyped: each family has its own class).
        command: the command line.
        gpus: the number of GPUs that the run uses.
        study: the plan of a study; None in other runs.
    """
    installed = versions()
    accelerators = [f"NVIDIA GPU {number}" for number in range(gpus)]
    return RunDocument(
        kind=options.kind,
        program=Program(version=installed.get("mnist-tune", "not installed")),
        command=tuple(command),
        options=options.to_json(),
        seed=options.seed,
        space=Space(
            name=options.space,
            **_caps(options, space),
            model=space.interface,
            hyperparameters=hyperparameters_of(space),
        ),
        references=_references(options, space),
        data=describe(data),
        study=study,
        plan=Plan(algorithm=options.kind, trials=0, epochs=0),
        versions=installed,
        machine=describe_machine(accelerators),
        journal=JournalForm(chained=True),
        nondeterminism=_nondeterminism(options, gpus),
        status="running",
        times=Times(started=now()),
    )


def hyperparameters_of(space: Any) -> tuple[Hyperparameter, ...]:
    """Return a space's hyperparameters as run.json has them."""
    return validate(space.hyperparameters_json(), Hyperparameters)


def add_nondeterminism(run: RunDocument, options: RunOptions, gpus: int) -> None:
    """Add the reasons for nondeterminism of a resumed run's options to run.json."""
    run.nondeterminism += [reason for reason in _nondeterminism(options, gpus) if reason not in run.nondeterminism]


def _caps(options: RunOptions, space: Any) -> Json:
    """Return the caps of the sampler in a search; those of the options where nothing is sampled."""
    if isinstance(options, SearchOptions):
        memory = {"max_ram": options.ram_cap, "max_flash": options.flash_cap}
        return {"max_params": space.max_params, "max_macs": space.max_macs, **memory}
    return {"max_params": options.max_params, "max_macs": options.max_macs}


def drop_beyond(run: RunDocument, places: int) -> None:
    """Unmark the references that are not tried because the first rung has fewer places than there are warm starts."""
    for reference in run.references:
        reference.trial = _within(reference.trial, places)
        reference.scaled = _within(reference.scaled, places)
        reference.included = reference.trial is not None


def _within(trial: str | None, places: int) -> str | None:
    return trial if trial is not None and int(trial) <= places else None


def _references(options: RunOptions, space: Any) -> tuple[Reference, ...]:
    """Return all references of a space, each with the trial that tries it, itself or scaled to fit."""
    fitting = {reference.name for reference in space.references_that_fit()}
    trials: dict[tuple[str, str], str] = {}
    if isinstance(options, SearchOptions):
        known = warm_starts(space, options.references)
        trials = {(start.kind, start.name): trial_name(number) for number, start in enumerate(known, start=1)}
    elif isinstance(options, TrainOptions):
        same = [r.name for r in space.references() if dict(r.values) == dict(options.configuration)]
        trials = {("reference", name): trial_name(1) for name in same[:1]}
    return tuple(
        Reference(
            name=reference.name,
            network=reference.network,
            parameters=space.count_parameters(reference.values),
            multiply_adds=space.count_multiply_adds(reference.values),
            published_accuracy=reference.published_accuracy,
            published_epochs=reference.published_epochs,
            published_scores=dict(reference.published_scores),
            source=reference.source,
            assumed=reference.assumed,
            fits=reference.name in fitting,
            included=("reference", reference.name) in trials,
            trial=trials.get(("reference", reference.name)),
            scaled=trials.get(("scaled", reference.name)),
        )
        for reference in space.references()
    )


def _nondeterminism(options: RunOptions, gpus: int) -> list[str]:
    """Return the reasons why the same seed may give another run; empty where it gives the same."""
    reasons = {
        "Training ran on a GPU, whose kernels may add numbers up in another order.": gpus > 0,
        "Trials ran on a cluster, whose machines may add numbers up in another order if they are of several kinds.": (
            options.scheduler is not None
        ),
        "Trials trained together on JAX (--stack-trials): the trials beside one change the order of its sums, and dropout has other random "
        "numbers than in a trial that trains alone.": getattr(options, "stack_trials", None) is not None,
        "A time budget ended the search by the clock.": getattr(options, "time_budget", None) is not None,
        "A trial's time limit ended trials by the clock.": options.trial_timeout is not None,
    }
    if isinstance(options, SearchOptions):
        reasons[f"{options.algorithm.capitalize()} search depends on the order in which workers finish."] = (
            options.learns
        )
    return [reason for reason, holds in reasons.items() if holds]


def describe_machine(accelerators: Sequence[str] = ()) -> Machine:
    """Return `machine` of run.json. `accelerators`: their names, which the caller knows."""
    return Machine(
        system=f"{platform.system()} {platform.machine()}".strip(),
        processor=processor_name(),
        cores=cpu_cores(),
        memory_bytes=memory_bytes(),
        accelerators=tuple(accelerators),
        features=tuple(processor_features()),
        kernel_variables=kernel_variables(),
        allocator_variables=allocator_variables(),
    )
