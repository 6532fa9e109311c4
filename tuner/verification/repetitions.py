"""Checks of trials that repeat a configuration: a search's confirmation and refits, trainings, studies; and of all seeds and folds."""

from __future__ import annotations

from collections.abc import Mapping

from tuner.core.records import Trial, TrialRecord
from tuner.options.search_options import SearchOptions
from tuner.options.study_options import StudyOptions
from tuner.options.train_options import TrainOptions
from tuner.run.confirmation import Confirmed, confirmed, trial_seed
from tuner.run.refit import refit_trials
from tuner.run.sessions.study import confirmed_arms, study_trials
from tuner.run.target import goal_of, smallest_first
from tuner.run.trial_sources import confirmation_trials, repeated
from tuner.storage.schema.study import StudyPlan
from tuner.verification.check import Contradiction, Outcome, Unavailable, count, disagreements, outcome_of
from tuner.verification.evidence import Evidence

_COMPARED = ("phase", "bracket", "rung", "repetition", "epochs", "parameters", "objective")


def seeds(evidence: Evidence) -> Outcome:
    """Check that each trial has the seed of its repetition: the same for every configuration."""
    run_seed = evidence.run.seed
    faults = [
        f"trial {record.trial} has the seed {record.seed}. Expected {trial_seed(run_seed, record.repetition)}"
        for record in evidence.records.values()
        if record.seed != trial_seed(run_seed, record.repetition)
    ]
    faults += [
        f"trial {record.trial} of a search is repetition {record.repetition}. Expected 0"
        for record in evidence.of_phase("search")
        if record.repetition != 0
    ]
    number = len({record.seed for record in evidence.records.values()})
    return outcome_of(faults, f"{count(len(evidence.records), 'trial')}, {count(number, 'seed')}")


def folds(evidence: Evidence) -> Outcome:
    """Check that each trial validates on the fold of its phase and repetition."""
    whole = {event.trial for event in evidence.events if event.whole}
    faults, compared = [], 0
    for record in evidence.records.values():
        if evidence.older and record.trial not in whole:
            continue
        expected = record.repetition if record.phase in ("confirm", "train") and evidence.has_folds else 0
        compared += 1
        if record.fold != expected:
            faults.append(f"trial {record.trial} validates on fold {record.fold}. Expected {expected}")
    if not compared and evidence.records:
        raise Unavailable("an earlier version made the run, which had no folds")
    return outcome_of(faults, count(compared, "trial"))


def repetitions(evidence: Evidence) -> Outcome:
    """Check that the trials of a confirmation, a refit, a training or a study are those of the rule: configuration, epochs, repetition."""
    expected = expected_trials(evidence)
    faults, compared = [], 0
    for record in counting(evidence, "confirm", "refit", "train", "study"):
        if record.trial not in expected:
            faults.append(f"trial {record.trial} of phase {record.phase} is none of the rule's")
            continue
        compared += 1
        faults += _faults(record, expected[record.trial])
    if not compared and not faults:
        raise Unavailable("no trial repeats a configuration yet")
    return outcome_of(faults, count(compared, "trial"))


def counting(evidence: Evidence, *phases: str) -> list[TrialRecord]:
    """Return the records of some phases that count for the result.

    A run that a clock cut short and that was resumed may hold trials of finalists that are none any more: there, those count that
    result.json names.
    """
    records = evidence.of_phase(*phases)
    if not evidence.by_the_clock:
        return records
    try:
        result = evidence.result
    except Unavailable:
        return []
    named = {*result.trials, *result.exported.trials}
    named |= {trial for finalist in result.finalists for trial in finalist.trials}
    return [record for record in records if record.trial in named]


def _faults(record: TrialRecord, expected: Trial) -> list[str]:
    name = f"trial {record.trial}"
    if dict(record.configuration) != dict(expected.configuration):
        return [f"{name} has another configuration than the rule gives it"]
    recorded, wanted = ({what: getattr(one, what) for what in _COMPARED} for one in (record, expected))
    return disagreements(recorded, wanted, name)


def expected_trials(evidence: Evidence) -> Mapping[str, Trial]:
    """Return trial → the trial as the rule makes it, of all that are not a search's own.

    Raises:
        Unavailable: where options, journal or the study's plan are missing.
    """
    options = evidence.options
    if isinstance(options, StudyOptions):
        return {trial.trial: trial for trial in study_trials(study_of(evidence), options.seed)}
    if isinstance(options, TrainOptions):
        return {trial.trial: trial for trial in _train_trials(evidence, options)}
    confirmations = confirmation(evidence)
    return confirmations | refits(evidence)


def study_of(evidence: Evidence) -> StudyPlan:
    """Return what a study varies, as run.json has it.

    Raises:
        Contradiction: where the study's trials can't be made of it.
    """
    study = evidence.run.study
    if study is None:
        raise Contradiction("run.json has no study")
    return study


def _train_trials(evidence: Evidence, options: TrainOptions) -> list[Trial]:
    records = evidence.of_phase("train")
    # Counted again by the check `parameters`.
    parameters = records[0].parameters if records else 0
    return [
        repeated(
            number,
            phase="train",
            repetition=number,
            configuration=dict(options.configuration),
            epochs=options.epochs,
            parameters=parameters,
            run_seed=options.seed,
            fold=number if evidence.has_folds else 0,
            objective=options.objective,
        )
        for number in range(1, options.seeds + 1)
    ]


def confirmation(evidence: Evidence) -> dict[str, Trial]:
    """Return the trials of a search's confirmation: every finalist with every seed."""
    options = evidence.search_options
    return {
        trial.trial: trial
        for trial in confirmation_trials(
            evidence.candidates(),
            options.confirm_seeds,
            evidence.planned_trials + 1,
            options.confirm_seeds,
            options.seed,
            folds=evidence.has_folds,
            objective=options.objective,
        )
    }


def refits(evidence: Evidence) -> dict[str, Trial]:
    """Return the trials of a search's refit; none without `--refit`, or where nothing is confirmed."""
    options = evidence.search_options
    finalists = ranked(evidence) if options.refit else []
    if not finalists:
        return {}
    first = evidence.planned_trials + options.confirm_top * options.confirm_seeds + 1
    return {trial.trial: trial for trial in refit_trials(finalists[0], first)}


def ranked(evidence: Evidence) -> list[Confirmed]:
    """Return the confirmed configurations by the rule, the winner first; empty where none is confirmed yet."""
    options = evidence.options
    if isinstance(options, StudyOptions):
        return confirmed_arms(study_of(evidence), evidence.of_phase("study"))
    if isinstance(options, TrainOptions):
        records = evidence.of_phase("train")
        completed = tuple(record for record in records if record.completed)
        return [Confirmed(None, completed, len(records) - len(completed))] if completed else []
    return _finalists(evidence, evidence.search_options)


def _finalists(evidence: Evidence, options: SearchOptions) -> list[Confirmed]:
    wanted = confirmation(evidence)
    records = [
        record
        for record in counting(evidence, "confirm")
        if record.trial in wanted and dict(record.configuration) == dict(wanted[record.trial].configuration)
    ]
    return smallest_first(confirmed(evidence.candidates(), records), goal_of(options, evidence.run.data))
