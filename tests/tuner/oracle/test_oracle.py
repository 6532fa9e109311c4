"""What is proposed: the plan, the promotions, the cap, and that timing changes nothing."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from search_spaces.families.compact.family import CompactFamily
from tests.kit.runs.oracle_driver import drive, make, score_by_content
from tuner.core.errors import UsageError
from tuner.core.records import TrialRecord, configuration_key
from tuner.options.search_options import SearchOptions
from tuner.oracle.protocol import Proposal
from tuner.run.run_document import add_nondeterminism


def shape(records: dict[str, TrialRecord]) -> list[tuple[int | None, int | None, float]]:
    return [(r.bracket, r.rung, r.epochs) for _, r in sorted(records.items())]


def content(records: dict[str, TrialRecord]) -> dict[str, tuple[str, float]]:
    return {name: (configuration_key(r.configuration), r.epochs) for name, r in records.items()}


def test_fifteen_epochs_factor_three_give_the_brackets_of_the_paper() -> None:
    records = drive(make())
    sizes = [(b, r, e, shape(records).count((b, r, e))) for b, r, e in sorted(set(shape(records)))]
    assert sizes == [(0, 0, 2, 12), (0, 1, 5, 4), (0, 2, 15, 2), (1, 0, 5, 6), (1, 1, 15, 2), (2, 0, 15, 4)]


def test_the_best_of_a_rung_are_promoted_in_order() -> None:
    records = drive(make())
    rung = sorted((r for r in records.values() if (r.bracket, r.rung) == (0, 0)), key=lambda r: -(r.val_accuracy or 0))
    promoted = [r for _, r in sorted(records.items()) if (r.bracket, r.rung) == (0, 1)]
    assert [p.configuration for p in promoted] == [r.configuration for r in rung[:4]]


@pytest.mark.parametrize(("workers", "shuffle"), [(1, 0), (2, 1), (4, 2), (16, 3)])
def test_workers_and_timing_change_nothing(workers: int, shuffle: int) -> None:
    assert content(drive(make(), workers, shuffle=shuffle)) == content(drive(make()))


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
def test_every_seed_is_a_seed_of_its_own(seed: int) -> None:
    first, again, other = (drive(make(seed=s)) for s in (seed, seed, 7))
    assert content(first) == content(again)
    assert content(first) != content(other)


def test_no_configuration_is_drawn_twice_and_every_one_keeps_the_caps() -> None:
    family = CompactFamily()
    drawn = [r.configuration for r in drive(make(iterations=2)).values() if r.rung == 0]
    assert len({configuration_key(c) for c in drawn}) == len(drawn) == 44
    assert all(family.fits(c) for c in drawn)


def test_failed_trials_shrink_a_rung_but_starve_nothing() -> None:
    def mostly_failing(proposal: Proposal) -> float | None:
        failing = proposal.bracket == 0 and proposal.rung == 0 and int(proposal.trial) <= 10
        return None if failing else score_by_content(proposal)

    counts = shape(drive(make(), score=mostly_failing))
    assert counts.count((0, 1, 5)) == 2
    assert counts.count((0, 2, 15)) == 2
    assert counts.count((2, 0, 15)) == 4


def test_a_search_whose_every_trial_fails_ends() -> None:
    assert len(drive(make(), score=lambda _: None)) == 22


def test_bracket_numbers_run_on_over_iterations() -> None:
    assert {r.bracket for r in drive(make(iterations=2)).values()} == {0, 1, 2, 3, 4, 5}


def test_references_take_the_first_places_without_extra_trials() -> None:
    family, with_them, without = CompactFamily(), drive(make(references=3)), drive(make())
    best = [dict(reference.values) for reference in family.references_that_fit()[:3]]
    assert [with_them[f"{n:04d}"].configuration for n in (1, 2, 3)] == best
    assert len(with_them) == len(without)


def test_recorded_configurations_are_put_back_instead_of_drawn() -> None:
    other = drive(make(seed=5))["0003"].configuration
    assert (again := drive(make(recorded={"0003": other}))["0003"]).configuration == other
    assert again.origin == "near default"


def test_every_proposal_says_how_its_configuration_was_come_by() -> None:
    names = [own.name for own in CompactFamily().references_that_fit()[:2]]
    ended = drive(make(references=2))
    assert [ended[f"{n:04d}"].origin for n in (1, 2)] == [f"reference {name}" for name in names]
    drawn = {one.origin for one in ended.values() if one.rung == 0 and one.trial > "0002"}
    assert drawn == {"random", *(f"near reference {name}" for name in names)}
    of = {configuration_key(one.configuration): one.origin for one in ended.values() if one.rung == 0}
    assert all(one.origin == of[configuration_key(one.configuration)] for one in ended.values())
    assert {one.origin for one in drive(make()).values()} == {"random"}


def test_bayesian_says_what_its_model_chose() -> None:
    ended = drive(make(algorithm="bayesian", max_trials=9, references=1))
    origins = [one.origin for one in ended.values()]
    assert origins[0].startswith("reference ")
    assert origins[1:3] == ["random"] * 2
    assert origins[3:] == ["model"] * 6


@pytest.mark.parametrize("algorithm", ["random", "bayesian"])
def test_random_and_bayesian_keep_cap_and_seed(algorithm: str) -> None:
    family = CompactFamily()
    runs = [drive(make(algorithm=algorithm, max_trials=9)) for _ in range(2)]
    assert content(runs[0]) == content(runs[1])
    assert len(runs[0]) == 9
    assert len({configuration_key(r.configuration) for r in runs[0].values()}) == 9
    assert all(family.fits(r.configuration) and r.epochs == 15 for r in runs[0].values())


@pytest.mark.slow
def test_bayesian_runs_with_failures_and_several_workers() -> None:
    def some_fail(proposal: Proposal) -> float | None:
        return None if int(proposal.trial) % 3 == 0 else score_by_content(proposal)

    assert len(drive(make(algorithm="bayesian", max_trials=9), workers=3, score=some_fail)) == 9


def test_no_warning_reaches_the_user() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        drive(make(max_epochs=3))
    assert caught == []


# --stop-when-flat


def better_in(*brackets: int) -> Callable[[Proposal], float]:
    """Return a score by which each of these brackets beats those before it, and no other does."""

    def score(proposal: Proposal) -> float:
        bracket = proposal.bracket or 0
        step = sum(number <= bracket for number in brackets) if bracket in brackets else -1
        return 0.5 + 0.1 * step + 0.01 * (score_by_content(proposal) or 0.0)

    return score


@pytest.mark.parametrize(
    ("improving", "run", "flat_after"),
    [
        ((0,), {0, 1}, 1),
        ((0, 1), {0, 1, 2}, 2),
        ((0, 1, 2, 3), {0, 1, 2, 3, 4}, 4),
        (tuple(range(6)), set(range(6)), None),
    ],
)
def test_a_bracket_that_beats_none_before_it_is_the_last(
    improving: tuple[int, ...], run: set[int], flat_after: int | None
) -> None:
    oracle = make(iterations=2, stop_when_flat=True)
    ended = drive(oracle, score=better_in(*improving))
    assert {record.bracket for record in ended.values()} == run
    assert oracle.flat_after == flat_after
    whole = content(drive(make(iterations=2), score=better_in(*improving)))
    assert content(ended) == {name: whole[name] for name in content(ended)}


def test_the_last_bracket_of_all_is_the_end_anyway() -> None:
    oracle = make(stop_when_flat=True)
    assert len(drive(oracle, score=better_in(0, 1))) == len(drive(make()))
    assert oracle.flat_after is None


@pytest.mark.parametrize(("workers", "shuffle"), [(2, 1), (16, 3)])
def test_the_end_does_not_depend_on_workers(workers: int, shuffle: int) -> None:
    ended = drive(make(iterations=3, stop_when_flat=True), workers, shuffle=shuffle)
    assert content(ended) == content(drive(make(iterations=3, stop_when_flat=True)))


def test_brackets_whose_trials_all_fail_are_no_end_until_one_has_a_score() -> None:
    oracle = make(iterations=2, stop_when_flat=True)
    ended = drive(oracle, score=lambda proposal: None if (proposal.bracket or 0) < 2 else score_by_content(proposal))
    assert {record.bracket for record in ended.values()} >= {0, 1, 2, 3}


@pytest.mark.parametrize("algorithm", ["random", "bayesian"])
def test_only_hyperband_has_brackets(algorithm: Any) -> None:
    with pytest.raises(UsageError, match=r"--stop-when-flat goes with --algorithm hyperband.*Received"):
        SearchOptions(space="compact8k", algorithm=algorithm, stop_when_flat=True)


@pytest.mark.parametrize(("algorithm", "learns"), [("hyperband", False), ("random", False), ("bayesian", True)])
def test_a_search_that_learns_says_that_the_order_matters(algorithm: Any, learns: bool) -> None:
    options = SearchOptions(space="compact8k", algorithm=algorithm)
    assert options.learns is learns
    run: Any = SimpleNamespace(nondeterminism=[])
    add_nondeterminism(run, options, gpus=0)
    told = ["Bayesian search depends on the order in which workers finish."]
    assert run.nondeterminism == (told if learns else [])
