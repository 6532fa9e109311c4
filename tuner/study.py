"""A study: one thing varied over its arms, several seeds each, everything else held. The test set is never met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tuner.confirmation import Confirmed
from tuner.digests import with_digests
from tuner.errors import RunFailed
from tuner.evaluating_session import EvaluatingSession, do_task
from tuner.options.run_options import StudyOptions
from tuner.records import Json, Trial, TrialRecord
from tuner.result import collect_arrays, result_json
from tuner.run_folder import write_json
from tuner.sources import ListSource, Networks, repeated
from tuner.study_result import study_result
from tuner.tasks import EvaluateTask

NO_MODEL: Json = {"savedmodel": False, "keras": False, "difference": None, "note": None}


@dataclass
class Study(EvaluatingSession[StudyOptions]):
    """One invocation of a study; what it varies is in run.json."""

    def phases(self) -> Json:
        """The trials of all arms, then the comparison."""
        study = self.run["study"]
        trials = study_trials(study, self.options.seed)
        self.set_plan("study", trials)
        networks, measured = Networks(self.space, self.ref()), tuple(study["diagnostics"])
        source = ListSource(trials, networks, self.folder, measured, stop_early=False)
        with self.phase("study", len(trials)):
            self.engine.run(source)
        found = confirmed_arms(study, source.records)
        if not found:
            raise RunFailed(f"None of {len(trials)} trials completed. The last one: {source.records[-1].error}")
        with self.phase("evaluate", 0):
            return self._compare(found, source.records)

    def _compare(self, found: Sequence[Confirmed], records: Sequence[TrialRecord]) -> Json:
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
        result = {
            **result_json(found, None, NO_MODEL),
            "kind": "study",
            "study": study_result(self.run["study"], records),
        }
        write_json(self.folder.result_json, with_digests(self.folder, result))
        return result


def study_trials(study: Json, run_seed: int) -> list[Trial]:
    """Every arm with every seed, one repetition of all arms after the other: cut short, it still compares all arms."""
    arms = study["arms"]
    return [
        repeated(
            (repetition - 1) * len(arms) + place + 1,
            phase="study",
            repetition=repetition,
            configuration=arm["configuration"],
            epochs=arm["epochs"],
            parameters=arm["parameters"],
            run_seed=run_seed,
        )
        for repetition in range(1, study["seeds"] + 1)
        for place, arm in enumerate(arms)
    ]


def confirmed_arms(study: Json, records: Sequence[TrialRecord]) -> list[Confirmed]:
    """The arms that at least one seed of completed, best first."""
    found = []
    for arm in study["arms"]:
        own = [record for record in records if is_of_arm(record, arm)]
        completed = tuple(sorted((r for r in own if r.completed), key=lambda record: record.repetition))
        if completed:
            found.append(Confirmed(None, completed, len(own) - len(completed)))
    return sorted(found, key=Confirmed.sort_key)


def is_of_arm(record: TrialRecord, arm: Mapping[str, object]) -> bool:
    """Whether a trial is one of an arm's."""
    return dict(record.configuration) == arm["configuration"] and record.epochs == arm["epochs"]
