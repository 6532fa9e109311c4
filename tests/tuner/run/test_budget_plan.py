"""A search under a time budget: its plan is fitted to the time of its first trials, kept, said and verified."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from inference.models import find_model
from tests.kit.replacing import replace
from tests.kit.runs.oracle_driver import make
from tests.kit.runs.searches import Killed, resume, start
from tuner.core.errors import UsageError
from tuner.options.search_options import SearchOptions
from tuner.oracle.budget_fit import TrialTime
from tuner.run.observer import Observer
from tuner.run.sessions import search
from tuner.run.sessions.search import Search
from tuner.run.time_budget import ConfirmationPlan, Forecast
from tuner.storage.journal import read_state
from tuner.storage.run_folder import RunFolder
from tuner.storage.schema.run import RunDocument
from tuner.verification.evidence import Request
from tuner.verification.verify import verify

BUDGET: dict[str, Any] = {"time_budget": 3600.0, "max_epochs": 9, "workers": 2, "confirm_top": 1, "confirm_seeds": 2}


def slow_trials(monkeypatch: pytest.MonkeyPatch, epoch_s: float) -> None:
    """Trials that are measured as slow: the fake workers take no time."""
    monkeypatch.setattr(search, "measured_time", lambda records: TrialTime(0.0, epoch_s) if records else None)


def sizes(run: RunDocument) -> list[tuple[int, float]]:
    return [(rung.size, rung.epochs) for rung in run.plan.rungs]


def ran(path: Path) -> Mapping[float, int]:
    records = [r for r in read_state(path / "trials.jsonl").finished.values() if r.phase == "search"]
    return {epochs: sum(r.epochs == epochs for r in records) for epochs in (1, 3, 9)}


def failures(path: Path) -> dict[str, str]:
    """The failures among the checks of plan and journal."""
    checks = verify(RunFolder(path), Request(inspect_model=find_model))
    looked_at = {"plan", "trials", "samples", "promotions", "repetitions", "seeds"}
    assert looked_at <= {check.name for check in checks}
    return {check.name: check.detail for check in checks if check.failed and check.name in looked_at}


class Heard(Observer):
    """The plans and notes that an observer is told."""

    def __init__(self) -> None:
        self.plans: list[int] = []
        self.notes: list[str] = []

    def plan_changed(self, run: RunDocument) -> None:
        self.plans.append(run.plan.trials or 0)

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_slow_trials_make_the_plan_smaller_and_some_are_still_trained_to_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow_trials(monkeypatch, 100.0)
    heard, path = Heard(), tmp_path / "run"
    start(path, heard, **BUDGET)
    run = RunFolder(path).read_run()
    assert run.plan.share is not None
    assert (run.plan.trials or 0) < sum(rung.size for rung in make(max_epochs=9).rungs)
    planned: dict[float, int] = {}
    for size, epochs in sizes(run):
        planned[epochs] = planned.get(epochs, 0) + size
    assert ran(path) == {1: 0, 3: 0, 9: 0, **planned}
    assert planned[9] >= 1
    assert heard.plans == [run.plan.trials]
    (note,) = [note for note in run.notes if "too short for Hyperband's" in note]
    assert f"The search has {run.plan.trials}" in note
    assert failures(path) == {}


def test_a_trial_of_full_length_goes_before_the_confirmation_s_seeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The smallest bracket has 120 epochs of 15.5 s to go. Half of the budget, which the whole confirmation leaves, is less."""
    slow_trials(monkeypatch, 15.5)
    path = tmp_path / "run"
    start(path, **{**BUDGET, "max_epochs": 81, "workers": 1, "confirm_top": 2, "confirm_seeds": 3})
    run = RunFolder(path).read_run()
    assert not any("may end before" in note for note in run.notes)
    records = read_state(path / "trials.jsonl").finished.values()
    assert max(record.epochs for record in records if record.phase == "search") == 81


def test_a_resumed_run_reserves_what_it_reserved_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow_trials(monkeypatch, 15.5)
    path, given = tmp_path / "run", {**BUDGET, "max_epochs": 81, "workers": 1, "confirm_top": 2, "confirm_seeds": 3}
    reserved: list[ConfirmationPlan] = []
    real = Forecast.confirmation_s

    def confirmation_s(forecast: Forecast, plan: ConfirmationPlan, *others: Any) -> float:
        reserved.append(plan)
        return real(forecast, plan, *others)

    monkeypatch.setattr(Forecast, "confirmation_s", confirmation_s)
    with pytest.raises(SystemExit):
        start(path, Killed("search", after=4), **given)
    before = reserved[-1]
    assert (before.top, before.seeds) != (2, 3)
    reserved.clear()
    monkeypatch.setattr(Search, "_confirm", lambda *_: sys.exit())
    with pytest.raises(SystemExit):
        resume(path, **given)
    assert reserved[-1] == before


def test_quick_trials_leave_the_plan_as_it_is(tmp_path: Path) -> None:
    heard, path = Heard(), tmp_path / "run"
    start(path, heard, **{**BUDGET, "max_epochs": 3})
    run = RunFolder(path).read_run()
    assert (run.plan.share, heard.plans) == (1.0, [])
    assert not any("Hyperband" in note for note in run.notes)
    assert failures(path) == {}


def test_a_resumed_run_keeps_the_plan_that_it_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow_trials(monkeypatch, 100.0)
    path = tmp_path / "run"
    with pytest.raises(SystemExit):
        start(path, Killed("search", after=7), **BUDGET)
    before = RunFolder(path).read_run().plan
    assert before.share is not None
    slow_trials(monkeypatch, 1.0)
    resume(path, **BUDGET)
    assert RunFolder(path).read_run().plan == before
    assert sum(ran(path).values()) == before.trials
    assert failures(path) == {}


def test_a_run_that_was_killed_before_its_first_trials_ended_is_fitted_when_it_is_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow_trials(monkeypatch, 100.0)
    path = tmp_path / "run"
    with pytest.raises(SystemExit):
        start(path, Killed("search", after=2), **BUDGET)
    assert RunFolder(path).read_run().plan.share is None
    resume(path, **BUDGET)
    plan = RunFolder(path).read_run().plan
    assert plan.share is not None
    assert sum(ran(path).values()) == plan.trials


def test_a_search_that_is_past_its_first_rung_is_not_fitted_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unbudgeted = {**BUDGET, "time_budget": None, "max_epochs": 3}
    path = tmp_path / "run"
    with pytest.raises(SystemExit):
        start(path, Killed("search", after=5), **unbudgeted)
    slow_trials(monkeypatch, 100.0)
    resume(path, **{**unbudgeted, "time_budget": 3600.0})
    plan = RunFolder(path).read_run().plan
    assert (plan.share, plan.trials) == (None, sum(ran(path).values()))


def test_a_plan_with_a_share_needs_a_time_budget_and_hyperband_s_sizes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow_trials(monkeypatch, 100.0)
    path = tmp_path / "run"
    start(path, **BUDGET)
    folder = RunFolder(path)
    run = folder.read_run()
    folder.write_run(replace(run, nondeterminism=[]))
    assert "had none" in failures(path)["plan"]
    bracket = run.plan.brackets[0]
    grown = replace(bracket, rungs=(replace(bracket.rungs[0], size=99), *bracket.rungs[1:]))
    folder.write_run(replace(run, plan=replace(run.plan, brackets=(grown, *run.plan.brackets[1:]))))
    assert "plan" in failures(path)


def test_a_budget_and_stacked_trials_are_refused_together() -> None:
    with pytest.raises(
        UsageError, match=r"--stack-trials divides a program's time .* Received: both\. Leave one of them out\."
    ):
        SearchOptions(space="compact8k", stack_trials=4, time_budget=600.0)
