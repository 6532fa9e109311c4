"""A search: an oracle's trials, the confirmation of the best, with `--refit` a refit of the winner, its evaluation."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tuner.core.errors import RunFailed
from tuner.core.quiet_imports import quiet_imports
from tuner.core.records import Trial, TrialRecord, configuration_key, rank_key, tidy_epochs
from tuner.options.search_options import SearchOptions
from tuner.oracle.budget_fit import (
    PILOT_TRIALS,
    TrialTime,
    fitted_rungs,
    format_fit,
    longest_s,
    measured_time,
    rungs_of_plan,
)
from tuner.oracle.protocol import Oracle, Rung, first_places, make_plan
from tuner.oracle.sampling import SampledConfiguration
from tuner.oracle.warm_starts import warm_starts
from tuner.run.confirmation import Confirmed, confirmed, finalists
from tuner.run.refit import Refitted, format_shortfall, passes_of, refit_trials, refitted
from tuner.run.run_document import drop_beyond
from tuner.run.sessions.evaluating_session import EvaluatingSession
from tuner.run.target import finalists_around, format_missed, goal_of, has_reached, smallest_first
from tuner.run.time_budget import ConfirmationPlan, Forecast, affordable, affordable_refits, confirmation_plans
from tuner.run.trial_loop import same_training
from tuner.storage.journal import read_state
from tuner.storage.schema.result import ResultDocument


@dataclass
class Search(EvaluatingSession[SearchOptions]):
    """One invocation of a search."""

    _trial_time: TrialTime | None = None
    """The seconds of a trial, once a time budget had them measured."""
    _reserved: ConfirmationPlan | None = None
    """The confirmation for which time is reserved; None: the whole one."""

    def phases(self) -> ResultDocument:
        """Run search, confirmation, refit and evaluation."""
        trials = {**self.state.started, **self.state.finished}
        recorded = {name: SampledConfiguration(trial.configuration, trial.origin) for name, trial in trials.items()}
        # The workers are starting; the parent's own long import runs beside theirs.
        with quiet_imports():
            from tuner.oracle.registry import make_oracle
        warm = warm_starts(self.space, self.options.references)
        oracle = make_oracle(self.space, self.options, warm=warm, recorded=recorded)
        share = self.run.plan.share
        if share is not None:
            oracle.replan(rungs_of_plan(oracle.rungs, self.run.plan))
            self._reserve_beside(oracle.rungs)
        elif (
            self.options.time_budget is not None
            and oracle.rungs
            and not any(t.bracket or t.rung for t in trials.values())
        ):
            oracle.hold()
        self._write_plan(oracle, share)
        with self.phase("search", oracle.planned_trials):
            records = self._search(oracle)
        ranked = self._confirm(records, oracle.planned_trials)
        goal = goal_of(self.options, self.run.data)
        refit, missing = self._refit(ranked[0], oracle.planned_trials) if self.options.refit else (None, ())
        with self.phase("evaluate", 0):
            result = self.evaluate(ranked, test=self.options.test, goal=goal, refit=refit)
        for words in missing:
            self.add_note(words)
        # Last of all: a run that is interrupted before and resumed may still confirm a finalist that reaches it.
        if goal is not None and not has_reached(ranked[0], goal):
            self.add_note(format_missed(ranked[0], goal))
        return result

    def _write_plan(self, oracle: Oracle, share: float | None) -> None:
        """Write the plan to run.json: the search's trials, and their epochs with those of the confirmation and the refits."""
        drop_beyond(self.run, first_places(oracle))
        self.run.plan = plan = make_plan(oracle, self.options.algorithm, self.options.max_epochs)
        plan.share, wanted = share, self._wanted()
        again = (wanted.top + wanted.refit) * wanted.seeds * self.options.max_epochs
        plan.epochs = tidy_epochs((plan.epochs or 0) + again)
        self.folder.write_run(self.run)

    def _fit_to_budget(self, oracle: Oracle) -> None:
        """Fit a held plan to the time budget, once some trials of the first rung have shown their times."""
        if not oracle.held:
            return
        ended = [record for record in self.state.finished.values() if record.phase == "search"]
        if sum(r.completed for r in ended) < PILOT_TRIALS and not oracle.rung_has_ended(0, 0):
            return
        time = self._trial_time = self._measured_time(ended)
        if time is None:
            oracle.replan(oracle.rungs)
            return
        before = oracle.rungs
        started = max(oracle.started, len(ended) + len(self.state.started))
        for search_s in self._search_times(ended, time):
            fit = fitted_rungs(before, search_s, time, self.workers.size, started=started, ended=len(ended))
            if fit.fits:
                break
        oracle.replan(fit.rungs)
        self._write_plan(oracle, fit.share)
        if fit.rungs != before:
            self.add_note(format_fit(before, fit, time))
            self.observer.plan_changed(self.run)

    def _reserve_beside(self, rungs: Sequence[Rung]) -> None:
        """Choose the confirmation that a resumed run reserves time for, beside the rungs to which it was fitted."""
        ended = [record for record in self.state.finished.values() if record.phase == "search"]
        time = self._trial_time = self._measured_time(ended)
        if time is None or self.options.time_budget is None:
            return
        done_s = math.fsum(time.of(record.epochs) for record in ended) / self.workers.size
        for search_s in self._search_times(ended, time):
            if longest_s(rungs, time, self.workers.size) - done_s <= search_s:
                break

    def _measured_time(self, ended: Sequence[TrialRecord]) -> TrialTime | None:
        # The loop's records are without histories; the journal has them.
        records = read_state(self.folder.journal).finished
        return measured_time([records[record.trial] for record in ended])

    def _search_times(self, ended: Sequence[TrialRecord], time: TrialTime) -> Iterator[float]:
        """Yield the seconds that the whole confirmation leaves to the search, then those that smaller ones leave.

        The last one asked for is reserved: a trial of full length is worth more than a larger confirmation of short ones.
        """
        left_s, forecast = self.budget.left_s(), self._forecast()
        for plan in confirmation_plans(self._wanted()):
            self._reserved = plan
            yield left_s - self.budget.reserve_s(forecast.confirmation_s(plan, ended, time))

    def _search(self, oracle: Oracle) -> list[TrialRecord]:
        from tuner.run.trial_sources import Networks, SearchSource

        forecast = self._forecast()

        def time_is_up() -> bool:
            if self.options.time_budget is None:
                return False
            ended = [record for record in self.state.finished.values() if record.phase != "refit"]
            needed = forecast.confirmation_s(self._reserved or self._wanted(), ended, self._trial_time)
            return self.budget.left_s() < self.budget.reserve_s(needed)

        networks = Networks(self.space, self.ref())
        source = SearchSource(
            oracle,
            networks,
            self.options.seed,
            self._rung_ended,
            self.options.objective,
            self.options.max_epochs,
            on_report=lambda: self._fit_to_budget(oracle),
        )
        if not self.engine.run(source, time_is_up=time_is_up):
            ended = sum(record.phase == "search" for record in self.state.finished.values())
            self.add_note(f"The time budget ended the search after {ended} of {oracle.planned_trials} trials.")
        records = [record for record in self.state.finished.values() if record.phase == "search"]
        if oracle.exhausted:
            self.run.plan.exhausted = True
            tried = len({configuration_key(record.configuration) for record in records})
            self.add_note(
                f"No configuration within the caps is left that was not tried ({tried} were): the search ended after {len(records)} of "
                f"{oracle.planned_trials} planned trials."
            )
        if oracle.flat_after is not None:
            self.run.plan.flat_after = oracle.flat_after
            self.add_note(
                f"The search ended after bracket {oracle.flat_after}, which beat none before it (--stop-when-flat): {len(records)} of "
                f"{oracle.planned_trials} planned trials ran."
            )
        if not any(record.completed for record in records):
            raise RunFailed(_no_trial_completed(records))
        return records

    def _rung_ended(self, bracket: int, rung: int) -> None:
        self.set_status("running")
        self.observer.rung_ended(bracket, rung)

    def _confirm(self, records: list[TrialRecord], planned: int) -> list[Confirmed]:
        from tuner.run.trial_sources import ListSource, Networks, confirmation_trials

        wanted = self._wanted()
        plan = affordable(wanted, self.budget.left_s(), self._forecast(), records)
        if (plan.top, plan.seeds) != (wanted.top, wanted.seeds):
            self.add_note(
                f"The time budget left {plan.top} of {wanted.top} finalists and {plan.seeds} of {wanted.seeds} seeds to confirm."
            )
        goal, networks = goal_of(self.options, self.run.data), Networks(self.space, self.ref())
        if goal is not None and goal.unit == "flash":
            # The loop's records lack the flash size.
            records = [replace(record, flash=networks.memory(record.configuration)[1]) for record in records]
        candidates = finalists(records, plan.top) if goal is None else finalists_around(records, plan.top, goal)
        trials = confirmation_trials(
            candidates,
            plan.seeds,
            planned + 1,
            wanted.seeds,
            self.options.seed,
            folds=self.data.has_folds,
            objective=self.options.objective,
        )
        source = ListSource(trials, networks, self.folder)
        with self.phase("confirm", len(trials)):
            self.engine.run(source)
        ranked = confirmed(candidates, source.records)
        if not ranked:
            raise RunFailed(f"No finalist could be confirmed. {source.records[0].error}")
        return smallest_first(ranked, goal)

    def _refit(self, winner: Confirmed, planned: int) -> tuple[Refitted, tuple[str, ...]]:
        """Train the winner on all images; return the refits, and notes about missing ones."""
        from tuner.run.trial_sources import Networks, RefitSource

        images = len(self.data.y_train) + len(self.data.y_validation)
        # Number the refits after the whole confirmation, even if a time budget left less of it.
        trials = self._affordable_refits(winner, planned + self.options.confirm_top * self.options.confirm_seeds + 1)
        source = RefitSource(trials, Networks(self.space, self.ref()), self.folder, passes=passes_of(winner, trials))
        if trials:
            with self.phase("refit", len(trials)):
                self.engine.run(source)
        return refitted(winner, source.records, images), format_shortfall(len(winner.records), source.records)

    def _affordable_refits(self, winner: Confirmed, first: int) -> list[Trial]:
        """Return the refits that there is time for; those of an earlier invocation cost none."""
        trials, known = refit_trials(winner, first), self.state.finished
        done = [trial for trial in trials if trial.trial in known and same_training(trial, known[trial.trial])]
        left = [trial for trial in trials if trial not in done]
        count = affordable_refits(len(left), self.budget.left_s(), self._forecast(), winner.records)
        return [*done, *left[:count]]

    def _wanted(self) -> ConfirmationPlan:
        return ConfirmationPlan(self.options.confirm_top, self.options.confirm_seeds, self.options.refit)

    def _forecast(self) -> Forecast:
        train, validation, test = (len(y) for y in (self.data.y_train, self.data.y_validation, self.data.y_test))
        return Forecast(self.options.max_epochs, self.trainings_at_once, train, test, validation)


def _no_trial_completed(records: Sequence[TrialRecord]) -> str:
    if not records:
        return "No trial completed before the time budget was spent. Give more time, or fewer epochs (--max-epochs)."
    return f"None of {len(records)} trials completed. The last one: {sorted(records, key=rank_key)[-1].error}"
