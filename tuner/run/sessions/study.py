"""A study: one hyperparameter varied over its arms, several seeds each. The test set is not used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from tuner.core.errors import RunFailed, UsageError
from tuner.core.records import Trial, TrialRecord
from tuner.options.study_options import StudyOptions
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
        """Run the trials of all arms, then compare them."""
        study = planned_study(self.run)
        trials = study_trials(study, self.options.seed)
        self.set_plan("study", trials)
        networks, measured = Networks(self.space, self.ref()), study.diagnostics
        source = ListSource(trials, networks, self.folder, measured, stop_early=False)
        with self.phase("study", len(trials)):
            self.engine.run(source)
        ranked_arms = confirmed_arms(study, source.records)
        if not ranked_arms:
            raise RunFailed(f"None of {len(trials)} trials completed. The last one: {source.records[-1].error}")
        with self.phase("evaluate", 0):
            return self._compare(study, ranked_arms, source.records)

    def _compare(
        self, study: StudyPlan, ranked_arms: Sequence[Confirmed], records: Sequence[TrialRecord]
    ) -> ResultDocument:
        arrays = self.folder.work / "winner.npz"
        best = ranked_arms[0]
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
        self._add_messages(evaluated)
        collect_arrays(self.folder, self.data, ranked_arms, arrays)
        return self.write_result(result_of_study(study, ranked_arms, records))


def planned_study(run: RunDocument) -> StudyPlan:
    """Return the study's plan.

    Raises:
        UsageError: where run.json has none.
    """
    if run.study is None:
        raise UsageError("run.json lost its study. Expected the key study. Received: none. Restore it from a copy.")
    return run.study


def result_of_study(
    study: StudyPlan, ranked_arms: Sequence[Confirmed], records: Sequence[TrialRecord]
) -> ResultDocument:
    """Return result.json of a study.

    Args:
        study: what it varies.
        ranked_arms: its arms, best first.
        records: all of its trials that have ended.

    Raises:
        ValueError: where no arm has the base's label.
    """
    return replace(result_document(ranked_arms, None, ModelFiles()), kind="study", study=study_result(study, records))


def study_trials(study: StudyPlan, run_seed: int) -> list[Trial]:
    """Return a trial for every arm and seed, one repetition of all arms after the other, so that a part compares."""
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
    """Return the arms with at least one completed seed, best first."""
    ranked_arms = []
    for arm in study.arms:
        arm_records = [record for record in records if is_of_arm(record, arm)]
        completed = tuple(sorted((r for r in arm_records if r.completed), key=lambda record: record.repetition))
        if completed:
            ranked_arms.append(Confirmed(None, completed, len(arm_records) - len(completed)))
    return sorted(ranked_arms, key=Confirmed.sort_key)


def is_of_arm(record: TrialRecord, arm: PlannedArm) -> bool:
    """Return whether a trial is one of an arm's."""
    return dict(record.configuration) == arm.configuration and record.epochs == arm.epochs
