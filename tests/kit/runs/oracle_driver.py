"""A driver of oracles without training: made-up scores, one worker or several, records in any order."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from search_spaces.families.compact.family import CompactFamily
from tests.kit.records import record
from tuner.core.records import Configuration, TrialRecord, configuration_key
from tuner.options.search_options import SearchOptions
from tuner.oracle.protocol import Oracle, Proposal
from tuner.oracle.registry import make_oracle
from tuner.oracle.sampling import SampledConfiguration
from tuner.oracle.warm_starts import WarmStart

Score = Callable[[Proposal], float | None]


def score_by_content(proposal: Proposal) -> float:
    """Return a score that depends on configuration and epochs alone."""
    return int(configuration_key(proposal.configuration), 16) % 1000 / 1000 + proposal.epochs / 1e6


def options(**changes: Any) -> SearchOptions:
    return SearchOptions(space="compact8k", **changes)


def make(recorded: dict[str, Configuration] | None = None, references: int = 0, **changes: Any) -> Oracle:
    family = CompactFamily()
    known = [WarmStart("reference", own.name, dict(own.values)) for own in family.references_that_fit()[:references]]
    journal = {
        trial: SampledConfiguration(configuration, "near default") for trial, configuration in (recorded or {}).items()
    }
    return make_oracle(family, options(**changes), warm=known, recorded=journal)


def drive(
    oracle: Oracle, workers: int = 1, score: Score = score_by_content, shuffle: int = 0, **changes: Any
) -> dict[str, TrialRecord]:
    """Run a search whose trials end in a random order; `changes`: fields of every record."""
    rng = random.Random(shuffle)
    running: list[Proposal] = []
    records: dict[str, TrialRecord] = {}
    while True:
        while len(running) < workers and (proposal := oracle.ask()) is not None:
            running.append(proposal)
        if not running:
            return records
        proposal = running.pop(rng.randrange(len(running)))
        value = score(proposal)
        records[proposal.trial] = record(
            int(proposal.trial),
            val_accuracy=value,
            status="failed" if value is None else "completed",
            configuration=proposal.configuration,
            epochs=proposal.epochs,
            bracket=proposal.bracket,
            rung=proposal.rung,
            origin=proposal.origin,
            **changes,
        )
        oracle.tell(records[proposal.trial])
