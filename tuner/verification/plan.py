"""Checks of what the run was to do: its options, its plan, and that every planned trial and no other is in the journal."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from tuner.core.errors import UsageError
from tuner.core.records import Json, Objective, TrialRecord, objective_of_trial, tidy_epochs
from tuner.options.resume import read_options
from tuner.options.search_options import SearchOptions
from tuner.options.study_options import StudyOptions
from tuner.options.train_options import TrainOptions
from tuner.run.run_document import hyperparameters_of
from tuner.run.sessions.study import study_trials
from tuner.storage.schema.documents import as_json
from tuner.storage.schema.run import Hyperparameter, Plan
from tuner.study.plan import make_study
from tuner.verification.check import Outcome, Unavailable, count, disagreements, failed, outcome_of
from tuner.verification.evidence import Evidence
from tuner.verification.repetitions import expected_trials, study_of
from tuner.verification.replay import replay


def options(evidence: Evidence) -> Outcome:
    """Check that the options can be this program's, and that seed, space, caps and sizes of the splits are theirs."""
    run = evidence.run
    try:
        run_options = read_options(run)
    except UsageError as error:
        return failed(str(error))
    faults = _differences(
        {"seed": run.seed, "space": run.space.name}, {"seed": run_options.seed, "space": run_options.space}
    )
    data = run.data
    if run_options.train_samples is not None:
        faults += _differences({"training images": data.train}, {"training images": run_options.train_samples})
    elif not data.given_validation:
        wanted = int((data.train + data.validation) * run_options.validation + 0.5)
        faults += _differences({"validation images": data.validation}, {"validation images": wanted})
    if not isinstance(run_options, SearchOptions):
        caps = {"max_params": run_options.max_params, "max_macs": run_options.max_macs}
        faults += _differences({name: getattr(run.space, name) for name in caps}, caps)
    return outcome_of(faults, f"{count(len(run.options), 'option')}; seed, space and splits are theirs")


def plan(evidence: Evidence) -> Outcome:
    """Check the plan of run.json against the options: trials, rungs and epochs."""
    run = evidence.run
    if not run.plan.trials and not evidence.records:
        raise Unavailable(f"the run had not planned yet: it is {run.status}")
    expected = expected_plan(evidence)
    faults = disagreements(as_json(run.plan), as_json(expected), "plan")
    if evidence.older and run.plan.epochs is None:
        faults = [fault for fault in faults if not fault.startswith("plan.epochs")]
    if run.plan.share is not None and not evidence.by_the_clock:
        faults.append("plan.share is of a search with a time budget. This run had none")
    if evidence.kind == "study":
        faults += _study_faults(evidence)
    rungs = len(expected.rungs)
    words = f"{count(rungs, 'rung')}, " if rungs else ""
    return outcome_of(faults, f"{words}{count(expected.trials or 0, 'trial')}, {expected.epochs:g} epochs")


def expected_plan(evidence: Evidence) -> Plan:
    """Return `plan` of run.json as the options make it.

    Raises:
        Unavailable: where the options or the space can't be used.
    """
    options = evidence.options
    if isinstance(options, StudyOptions):
        trials = study_trials(study_of(evidence), options.seed)
        return _flat_plan("study", len(trials), sum(trial.epochs for trial in trials))
    if isinstance(options, TrainOptions):
        return _flat_plan("train", options.seeds, options.seeds * options.epochs)
    return _search_plan(evidence, evidence.search_options)


def _search_plan(evidence: Evidence, options: SearchOptions) -> Plan:
    exhausted = bool(evidence.run.plan.exhausted)
    if options.algorithm == "hyperband" or exhausted:
        search_plan = replay(evidence).plan
        if not exhausted:  # a time limit or an interrupt may have come first
            search_plan = replace(search_plan, exhausted=None)
        if evidence.run.plan.flat_after is None:
            search_plan = replace(search_plan, flat_after=None)
    else:
        search_plan = _flat_plan(options.algorithm, options.trials_limit, options.trials_limit * options.max_epochs)
    again = (options.confirm_top + options.refit) * options.confirm_seeds * options.max_epochs
    return replace(search_plan, epochs=tidy_epochs((search_plan.epochs or 0) + again))


def _flat_plan(algorithm: str, trials: int, epochs: float) -> Plan:
    return Plan(algorithm=algorithm, trials=trials, epochs=epochs)


def _study_faults(evidence: Evidence) -> list[str]:
    """Compare a study's arms with its options; not where they are held at another run's winner, whose folder is not looked for."""
    options, study = evidence.options, study_of(evidence)
    if not isinstance(options, StudyOptions) or options.base is not None:
        return []
    try:
        return disagreements(as_json(study), as_json(make_study(options, evidence.family)), "study")
    except UsageError as error:
        return [f"the study can't be made of its options: {error}"]


def trials(evidence: Evidence) -> Outcome:
    """Check that the journal has every trial of the plan, and no other, each with the objective of the options."""
    wanted = set(expected_trials(evidence))
    if evidence.kind == "search":
        replayed = replay(evidence)
        wanted |= set(replayed.proposals)
    names = set(evidence.records)
    faults = [f"trial {name} is not of the plan" for name in sorted(names - wanted)]
    if evidence.by_the_clock:
        faults = []  # An invocation that had more time may have left trials of other finalists.
    missing = sorted(wanted - names)
    if evidence.completed and not evidence.by_the_clock:
        faults += [f"trial {name} is missing" for name in missing]
    faults += [
        f"trial {record.trial} was ranked by {record.objective}. Expected {expected}, as the options say"
        for record in evidence.records.values()
        if record.objective != (expected := _objective_of(evidence, record))
    ]
    cut = "" if not missing else f"; {len(missing)} not run: {'a clock' if evidence.completed else evidence.run.status}"
    return outcome_of(faults, f"{len(names):,} of {count(len(wanted), 'trial')}{cut}")


def _objective_of(evidence: Evidence, record: TrialRecord) -> Objective:
    """Return the score by which a trial is ranked, by the options."""
    objective: Objective = getattr(evidence.options, "objective", "val_accuracy")
    if record.phase != "search":
        return objective
    return objective_of_trial(objective, record.epochs, evidence.search_options.max_epochs)


def _differences(recorded: Json, expected: Json) -> list[str]:
    return [
        f"{name} of run.json is {recorded[name]}; by the options it is {value}"
        for name, value in expected.items()
        if recorded[name] != value
    ]


def same_space(evidence: Evidence) -> Outcome:
    """Check the hyperparameters, caps and published networks of run.json against the space's own."""
    run, family = evidence.run, evidence.same_family
    recorded, known = run.space.hyperparameters, hyperparameters_of(family)
    faults = disagreements(_undescribed(recorded), _undescribed(known), "hyperparameters")
    if evidence.kind == "search":
        memory = {"max_ram": evidence.options.ram_cap, "max_flash": evidence.options.flash_cap}
        caps = {"max_params": family.max_params, "max_macs": family.max_macs, **memory}
        faults += [
            f"{name} of run.json is {getattr(run.space, name)}, the space's is {cap}"
            for name, cap in caps.items()
            if getattr(run.space, name) != cap
        ]
    faults += _reference_faults(evidence)
    number = len(recorded)
    return outcome_of(
        faults,
        f"{count(number, 'hyperparameter')}, caps, {count(len(run.references), 'published network')}",
    )


def _undescribed(hyperparameters: Sequence[Hyperparameter]) -> list[Json]:
    """Return hyperparameters (JSON) without their descriptions, which may be worded anew."""
    return [as_json(replace(item, description="")) for item in hyperparameters]


def _reference_faults(evidence: Evidence) -> list[str]:
    family = evidence.family
    known = {
        reference.name: {
            "parameters": family.count_parameters(reference.values),
            "multiply_adds": family.count_multiply_adds(reference.values),
            "published_accuracy": reference.published_accuracy,
            "published_epochs": reference.published_epochs,
        }
        for reference in family.references()
    }
    faults = []
    for item in evidence.run.references:
        if item.name in known:
            expected = known[item.name]
            faults += disagreements({key: getattr(item, key) for key in expected}, expected, f"reference {item.name}")
        elif not evidence.older:
            faults.append(f"reference {item.name} is none of the space's")
    return faults
