"""A study: one thing varied over its arms, several seeds each, everything else held. The test set is never met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from tuner.core.errors import RunFailed, UsageError
from tuner.core.records import Trial, TrialRecord
from tuner.options.run_options import StudyOptions
from tuner.processes.tasks import EvaluateTask
from tuner.run.confirmation import Confirmed
from tuner.run.result import collect_arrays, result_document
from tuner.run.sessions.evaluating_session import EvaluatingSession, do_task
from tuner.run.trial_sources import ListSource, Networks, repeated
from tuner.storage.schema.result import ModelFiles, ResultDocument
from tuner.storage.schema.run import RunDocument
from tuner.storage.schema.study import PlannedArm, StudyPlan
from tuner.study.result import study_result


@dataclass
class Study(EvaluatingSession[StudyOptions]):
    """One invocation of a study; what it varies is in run.json."""

    def phases(self) -> ResultDocument:
        """The trials of all arms, then the comparison."""
        study = planned_study(self.run)
        trials = study_trials(study, self.options.seed)
        self.set_plan("study", trials)
        networks, measured = Networks(self.space, self.ref()), study.diagnostics
        source = ListSource(trials, networks, self.folder, measured, stop_early=False)
        with self.phase("study", len(trials)):
            self.engine.run(source)
        found = confirmed_arms(study, source.records)
        if not found:
            raise RunFailed(f"None of {len(trials)} trials completed. The last one: {source.records[-1].error}")
        with self.phase("evaluate", 0):
            return self._compare(study, found, source.records)

    def _compare(self, study: StudyPlan, found: Sequence[Confirmed], records: Sequence[TrialRecord]) -> ResultDocument:
        arrays = self.folder.work / "winner.npz"
        best = found[0]
        model = self.kept_model(best.records[best.median])
        evaluated = do_task(
            self.workers,
            EvaluateTask(
                id="evaluate",
                space=self.ref(),
                configuration=dict(best.configuration),
                models=(str(model.absolute()),),
                exported=0,
                arrays=str(arrays.absolute()),
                test=False,
                seed=self.options.seed,
            ),
        )
        self._tell_faults(evaluated)
        collect_arrays(self.folder, self.data, found, arrays)
        return self.write_result(result_of_study(study, found, records))


def planned_study(run: RunDocument) -> StudyPlan:
    """Return what a run of this kind varies.

    Raises:
        UsageError: where run.json doesn't say it.
    """
    if run.study is None:
        raise UsageError("run.json lost its study. Expected the key study. Received: none. Restore it from a copy.")
    return run.study


def result_of_study(study: StudyPlan, found: Sequence[Confirmed], records: Sequence[TrialRecord]) -> ResultDocument:
    """Return result.json of a study.

    Args:
        study: what it varies.
        found: its arms, best first.
        records: all of its trials that have ended.

    Raises:
        ValueError: where no arm has the base's label.
    """
    return replace(result_document(found, None, ModelFiles()), kind="study", study=study_result(study, records))


def study_trials(study: StudyPlan, run_seed: int) -> list[Trial]:
    """Every arm with every seed, one repetition of all arms after the other: cut short, it still compares all arms."""
    arms = study.arms
    return [
        repeated(
            (repetition - 1) * len(arms) + place + 1,
            phase="study",
            repetition=repetition,
            configuration=arm.configuration,
            epochs=arm.epochs,
            parameters=arm.parameters,
            run_seed=run_seed,
        )
        for repetition in range(1, study.seeds + 1)
        for place, arm in enumerate(arms)
    ]


def confirmed_arms(study: StudyPlan, records: Sequence[TrialRecord]) -> list[Confirmed]:
    """The arms that at least one seed of completed, best first."""
    found = []
    for arm in study.arms:
        own = [record for record in records if is_of_arm(record, arm)]
        completed = tuple(sorted((r for r in own if r.completed), key=lambda record: record.repetition))
        if completed:
            found.append(Confirmed(None, completed, len(own) - len(completed)))
    return sorted(found, key=Confirmed.sort_key)


def is_of_arm(record: TrialRecord, arm: PlannedArm) -> bool:
    """Return whether a trial is one of an arm's."""
    return dict(record.configuration) == arm.configuration and record.epochs == arm.epochs
