"""How well short trials foretold long ones."""

from __future__ import annotations

import pytest

from reports.analysis.search.fidelity import LEAST_PAIRS, fidelities
from reports.sections.search import fidelity as section
from tests.kit.run_builder import make_record, make_run
from tuner.core.records import TrialRecord


def pair(number: int, short: float, long: float | None, **changes: object) -> list[TrialRecord]:
    """The short trial of a configuration and, where it was promoted, the long one."""
    made = [make_record(f"{number:04d}", short, configuration={"a": number})]
    if long is not None:
        made.append(make_record(f"{number + 100:04d}", long, configuration={"a": number}, epochs=5, rung=1))
    return made


def test_configurations_are_met_at_two_lengths() -> None:
    records = [record for k in range(10) for record in pair(k, 0.9 + k / 1000, 0.95 + k / 1000 if k < 8 else None)]
    (found,) = fidelities(records)
    assert (found.short_epochs, found.long_epochs) == (2, 5)
    assert (len(found.configurations), found.all_short) == (8, 10)
    assert (found.correlation, found.interval) == (1.0, None)
    assert (found.configurations[0].short_trial, found.configurations[0].long_trial) == ("0000", "0100")


def test_a_correlation_wants_eight_and_different_scores() -> None:
    few = [record for k in range(LEAST_PAIRS - 1) for record in pair(k, 0.9 + k / 1000, 0.95)]
    assert fidelities(few)[0].correlation is None
    equal = [record for k in range(LEAST_PAIRS) for record in pair(k, 0.9 + k / 1000, 0.95)]
    assert fidelities(equal)[0].correlation is None


def test_confirmations_failures_and_single_lengths_are_left_out() -> None:
    assert fidelities([]) == ()
    assert fidelities(pair(1, 0.9, None)) == ()
    confirmed = make_record("0200", 0.99, configuration={"a": 1}, epochs=5, phase="confirm")
    failed = make_record("0201", None, configuration={"a": 1}, epochs=5)
    assert fidelities([*pair(1, 0.9, None), confirmed, failed]) == ()


@pytest.mark.parametrize(
    ("records", "title", "why"),
    [
        ([], "can't be compared", "No trial of a search has a score"),
        ([make_record("0001", 0.9)], "can't be compared", "had 2 epochs"),
        (pair(1, 0.9, 0.95), "can't be compared", "1 configuration at most"),
        ([*pair(1, 0.9, None), make_record("0002", 0.9, epochs=5)], "can't be compared", "No configuration has a score at two"),
    ],
)  # fmt: skip
def test_words_where_nothing_can_be_drawn(records: list[TrialRecord], title: str, why: str) -> None:
    built = section.build(make_run(records))
    assert title in built.title
    assert why in str(built.body["why_none"])
    assert built.body["figures"] == []


def test_the_caveat_stands_where_the_claim_stands() -> None:
    promoted = [record for k in range(12) for record in pair(k, 0.9 + k / 1000, 0.95 + k % 5 / 1000 if k < 9 else None)]
    built = section.build(make_run(promoted))
    assert "(n 9)" in built.title
    assert "truncated sample" in str(built.body["caveat"])
    everyone = section.build(
        make_run([record for k in range(9) for record in pair(k, 0.9 + k / 1000, 0.95 + k / 1000)])
    )
    assert everyone.body["caveat"] == ""
    assert "1.00 (n 9)" in everyone.title
