"""A search: an oracle's trials, the confirmation of the best, on request a refit of the winner, its evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tuner.core.errors import RunFailed
from tuner.core.quiet_imports import quiet_imports
from tuner.core.records import Trial, TrialRecord, configuration_key, rank_key, tidy_epochs
from tuner.options.run_options import SearchOptions
from tuner.oracle.protocol import Oracle, first_places, make_plan
from tuner.oracle.sampling import SampledConfiguration
from tuner.oracle.warm_starts import warm_starts
from tuner.run.confirmation import Confirmed, confirmed, finalists
from tuner.run.refit import Refitted, format_shortfall, passes_of, refit_trials, refitted
from tuner.run.run_document import drop_beyond
from tuner.run.sessions.evaluating_session import EvaluatingSession
from tuner.run.target import finalists_around, format_missed, has_reached, smallest_first
from tuner.run.time_budget import ConfirmationPlan, Forecast, affordable, affordable_refits
from tuner.run.trial_loop import same_training
from tuner.storage.schema.result import ResultDocument


@dataclass
class Search(EvaluatingSession[SearchOptions]):
    """One invocation of a search."""

    def phases(self) -> ResultDocument:
        """Search, confirmation, refit, evaluation."""
        trials = {**self.state.started, **self.state.finished}
        recorded = {name: SampledConfiguration(trial.configuration, trial.origin) for name, trial in trials.items()}
        # The workers are starting; the parent's own long import runs beside theirs.
        with quiet_imports():
            from tuner.oracle.registry import make_oracle
        warm = warm_starts(self.space, self.options.references)
        oracle = make_oracle(self.space, self.options, warm=warm, recorded=recorded)
        drop_beyond(self.run, first_places(oracle))
        self.run.plan = plan = make_plan(oracle, self.options.algorithm, self.options.max_epochs)
        wanted = self._wanted()
        again = (wanted.top + wanted.refit) * wanted.seeds * self.options.max_epochs
        plan.epochs = tidy_epochs((plan.epochs or 0) + again)
        self.folder.write_run(self.run)
        with self.phase("search", oracle.planned_trials):
            records = self._search(oracle)
        found = self._confirm(records, oracle.planned_trials)
        target = self.options.target_share
        refit, missing = self._refit(found[0], oracle.planned_trials) if wanted.refit else (None, ())
        with self.phase("evaluate", 0):
            result = self.evaluate(found, test=self.options.test, target=target, refit=refit)
        for words in missing:
            self.add_note(words)
        # Last of all, for a run that is resumed before may yet confirm a finalist that reaches it.
        if target is not None and not has_reached(found[0], target):
            self.add_note(format_missed(found[0], target))
        return result

    def _search(self, oracle: Oracle) -> list[TrialRecord]:
        from tuner.run.trial_sources import Networks, SearchSource

        forecast, wanted = self._forecast(), self._wanted()

        def time_is_up() -> bool:
            if self.options.time_budget is None:
                return False
            ended = [record for record in self.state.finished.values() if record.phase != "refit"]
            needed = forecast.confirmation_s(wanted, ended)
            return self.budget.left_s() < self.budget.reserve_s(needed)

        networks = Networks(self.space, self.ref())
        source = SearchSource(oracle, networks, self.options.seed, self._rung_ended)
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
        target = self.options.target_share
        candidates = finalists(records, plan.top) if target is None else finalists_around(records, plan.top, target)
        trials = confirmation_trials(
            candidates, plan.seeds, planned + 1, wanted.seeds, self.options.seed, folds=self.data.has_folds
        )
        source = ListSource(trials, Networks(self.space, self.ref()), self.folder)
        with self.phase("confirm", len(trials)):
            self.engine.run(source)
        found = confirmed(candidates, source.records)
        if not found:
            raise RunFailed(f"No finalist could be confirmed. {source.records[0].error}")
        return found if target is None else smallest_first(found, target)

    def _refit(self, winner: Confirmed, planned: int) -> tuple[Refitted, tuple[str, ...]]:
        """Train the winner on all images; what is to be said of refits that are missing."""
        from tuner.run.trial_sources import Networks, RefitSource

        images = len(self.data.y_train) + len(self.data.y_validation)
        # Numbers follow those of the whole confirmation, though a time budget may have left less of it.
        trials = self._affordable_refits(winner, planned + self.options.confirm_top * self.options.confirm_seeds + 1)
        source = RefitSource(trials, Networks(self.space, self.ref()), self.folder, passes=passes_of(winner, trials))
        if trials:
            with self.phase("refit", len(trials)):
                self.engine.run(source)
        return refitted(winner, source.records, images), format_shortfall(len(winner.records), source.records)

    def _affordable_refits(self, winner: Confirmed, first: int) -> list[Trial]:
        """Those that there is time for; what an earlier invocation trained costs none."""
        trials, known = refit_trials(winner, first), self.state.finished
        done = [trial for trial in trials if trial.trial in known and same_training(trial, known[trial.trial])]
        left = [trial for trial in trials if trial not in done]
        count = affordable_refits(len(left), self.budget.left_s(), self._forecast(), winner.records)
        return [*done, *left[:count]]

    def _wanted(self) -> ConfirmationPlan:
        return ConfirmationPlan(self.options.confirm_top, self.options.confirm_seeds, self.options.refit)

    def _forecast(self) -> Forecast:
        train, validation, test = (len(y) for y in (self.data.y_train, self.data.y_validation, self.data.y_test))
        return Forecast(self.options.max_epochs, self.workers.size, train, test, validation)


def _no_trial_completed(records: Sequence[TrialRecord]) -> str:
    if not records:
        return "No trial completed before the time budget was spent. Give more time, or fewer epochs (--max-epochs)."
    return f"None of {len(records)} trials completed. The last one: {sorted(records, key=rank_key)[-1].error}"
