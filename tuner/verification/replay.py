"""A search replayed with the scores of its journal: which configuration each trial has to have, sampled or promoted.

A sample is a function of (seed, bracket, slot, attempt) alone, and a promotion one of the records below; so both follow from the
options and the journal. Bayesian search is the exception: what its model chose depends on the order in which workers
finished, but each choice is one of the candidates of its slot, and these can be sampled again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tuner.core.quiet_imports import quiet_imports
from tuner.core.records import Configuration, TrialRecord, trial_name
from tuner.options.search_options import Algorithm, SearchOptions
from tuner.oracle.budget_fit import rungs_of_plan
from tuner.oracle.protocol import Oracle, make_plan
from tuner.oracle.sampling import ConfigurationSampler, SpaceExhausted
from tuner.oracle.warm_starts import warm_starts
from tuner.storage.schema.run import Plan
from tuner.verification.check import Outcome, Unavailable, count, outcome_of
from tuner.verification.evidence import Evidence

if TYPE_CHECKING:
    pass

_CANDIDATES = 400
"""The number of configurations that the model of a Bayesian search chooses among."""


@dataclass(frozen=True)
class Expected:
    """A trial of a search as the rules make it."""

    trial: str
    bracket: int | None
    rung: int | None
    configuration: Configuration | None
    """None where it can't be replayed: one of several was right."""
    epochs: float
    origin: str
    fault: str | None = None
    """The fault of the journal's configuration, where only that can be said."""


@dataclass(frozen=True)
class Replay:
    """The plan and the trials that follow from a search's options and records."""

    plan: Plan
    """Without the epochs of a confirmation."""
    proposals: dict[str, Expected] = field(default_factory=dict)


def samples(evidence: Evidence) -> Outcome:
    """Check that each configuration of a first rung is the one that the seed gives."""
    evidence.same_family  # noqa: B018 - another space would sample others
    return _compared(evidence, first=True, noun="sampled configuration")


def promotions(evidence: Evidence) -> Outcome:
    """Check that each later rung has the best of the rung below, in their order."""
    if evidence.search_options.algorithm != "hyperband":
        raise Unavailable("only Hyperband promotes")
    return _compared(evidence, first=False, noun="promotion")


def _compared(evidence: Evidence, *, first: bool, noun: str) -> Outcome:
    expected = replay(evidence).proposals
    faults, compared = [], 0
    for record in evidence.of_phase("search"):
        if (not record.rung) is not first:
            continue
        compared += 1
        if record.trial not in expected:
            faults.append(f"trial {record.trial} does not follow from the options and the records")
        else:
            faults += _faults(record, expected[record.trial], older=evidence.older)
    return outcome_of(faults, f"{count(compared, noun)} replayed")


def _faults(record: TrialRecord, expected: Expected, *, older: bool) -> list[str]:
    name = f"trial {record.trial}"
    faults = [] if expected.fault is None else [f"{name} {expected.fault}"]
    if expected.configuration is not None:
        changed = _changed(record.configuration, expected.configuration)
        if changed:
            faults.append(f"{name} has another configuration: {changed}")
    for what in ("bracket", "rung", "epochs"):
        if getattr(record, what) != getattr(expected, what):
            faults.append(f"{name}: {what} is {getattr(record, what)}. Expected {getattr(expected, what)}")
    if record.origin != expected.origin and not (older and not record.origin):
        faults.append(f"{name}: origin is {record.origin!r}. Expected {expected.origin!r}")
    return faults


def _changed(recorded: Configuration, expected: Configuration) -> str:
    names = sorted({*recorded, *expected})
    different = [name for name in names if recorded.get(name) != expected.get(name)]
    return ", ".join(f"{name} is {recorded.get(name)!r}, not {expected.get(name)!r}" for name in different[:2])


def replay(evidence: Evidence) -> Replay:
    """Return the search as its options, its seed and its records make it; once for all checks.

    Raises:
        Unavailable: where the run is no search, its space can't be used, or its algorithm has no replay.
    """
    options = evidence.search_options
    made = _REPLAYS.get(options.algorithm)
    if made is None:
        raise Unavailable(f"no replay of --algorithm {options.algorithm}")
    return evidence.once("replay", lambda: made(evidence, options))


def _hyperband(evidence: Evidence, options: SearchOptions) -> Replay:
    with quiet_imports():
        from tuner.oracle.registry import make_oracle
    family = evidence.family
    if any(record.completed and record.score is None for record in evidence.of_phase("search")):
        raise Unavailable("a completed trial has no score to be promoted by")
    oracle = make_oracle(family, options, warm=warm_starts(family, options.references))
    plan = evidence.run.plan
    if plan.share is not None:
        oracle.replan(rungs_of_plan(oracle.rungs, plan))
    replayed = Replay(make_plan(oracle, options.algorithm, options.max_epochs))
    replayed.plan.share = plan.share
    while fresh := _asked(oracle, replayed):
        for name in fresh:
            if name in evidence.records:
                oracle.tell(evidence.records[name])
    if oracle.exhausted:
        replayed.plan.exhausted = True
    replayed.plan.flat_after = oracle.flat_after
    return replayed


def _asked(oracle: Oracle, replayed: Replay) -> list[str]:
    """Take every proposal that the oracle makes without another record; return the names of these trials."""
    fresh = []
    while (proposal := oracle.ask()) is not None:
        fresh.append(proposal.trial)
        replayed.proposals[proposal.trial] = Expected(
            proposal.trial,
            proposal.bracket,
            proposal.rung,
            proposal.configuration,
            proposal.epochs,
            proposal.origin,
        )
    return fresh


def _flat(evidence: Evidence, options: SearchOptions) -> Replay:
    """Return a random or Bayesian search: slot by slot in the order of the plan."""
    family = evidence.family
    sampler = ConfigurationSampler(family, options.seed, warm_starts(family, options.references), {})
    limit = options.trials_limit
    replayed = Replay(Plan(algorithm=options.algorithm, trials=limit, epochs=limit * options.max_epochs))
    for slot in range(limit):
        name = trial_name(slot + 1)
        record = evidence.records.get(name)
        try:
            replayed.proposals[name] = _flat_trial(sampler, name, slot, options, record)
        except SpaceExhausted:
            replayed.plan.exhausted = True
            break
    return replayed


def _flat_trial(
    sampler: ConfigurationSampler, name: str, slot: int, options: SearchOptions, record: TrialRecord | None
) -> Expected:
    guided = options.algorithm == "bayesian" and slot >= math.ceil(options.trials_limit / 3)
    if guided and record is None:
        return Expected(name, None, None, None, options.max_epochs, "model")
    if guided and record is not None and record.origin != "random":
        return _model_s_choice(sampler, name, slot, options, record)
    sampled = sampler.sample(name, 0, slot)
    return Expected(name, None, None, sampled.configuration, options.max_epochs, sampled.origin)


def _model_s_choice(
    sampler: ConfigurationSampler, name: str, slot: int, options: SearchOptions, record: TrialRecord
) -> Expected:
    configuration = dict(record.configuration)
    candidates = sampler.candidates(slot, _CANDIDATES)
    among = sampler.is_new(configuration) and any(dict(candidate) == configuration for candidate in candidates)
    sampler.take(configuration)
    fault = None if among else f"has a configuration that is none of the {_CANDIDATES} candidates of its slot"
    return Expected(name, None, None, None, options.max_epochs, "model", fault)


_REPLAYS: dict[Algorithm, Callable[[Evidence, SearchOptions], Replay]] = {
    "hyperband": _hyperband,
    "random": _flat,
    "bayesian": _flat,
}
