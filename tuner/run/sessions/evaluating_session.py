"""A session whose winner is evaluated and exported: by one task each, and what was trained is kept whatever fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tuner.core.errors import RunFailed
from tuner.core.records import Configuration, Json, TrialRecord
from tuner.options.run_options import Options
from tuner.processes.tasks import EvaluateTask, Event, ExportTask, Task
from tuner.run.confirmation import Confirmed
from tuner.run.refit import Refitted
from tuner.run.result import collect_arrays, result_document
from tuner.run.sessions.session import Session
from tuner.run.trial_loop import stop_if_no_space
from tuner.storage.files import write_bytes
from tuner.storage.run_folder import MODEL_SUFFIX, with_digests
from tuner.storage.schema.documents import validate
from tuner.storage.schema.result import ModelFiles, ResultDocument, TestScores
from tuner.workers.local import Workers

_POLL_S = 1.0


@dataclass
class EvaluatingSession(Session[Options]):
    """One invocation of a run that ends with a winner."""

    def evaluate(
        self, found: Sequence[Confirmed], *, test: bool, target: float | None = None, refit: Refitted | None = None
    ) -> ResultDocument:
        """Let the winner of the confirmed meet the test set, exports it, and writes result.json.

        Args:
            found: the winner first.
            test: whether the test set is met.
            target: the validation accuracy that the winner was to reach, in (0, 1]; None without one.
            refit: the winner's refits, which stand in for its confirmed models if there are any; None where none was asked for.
        """
        records, exported = self.evaluated_records(found[0], refit)
        models = [self.kept_model(record) for record in records]
        arrays = self.folder.work / "winner.npz"
        try:
            test_scores = self.evaluate_models(found[0], models, exported, arrays, test=test)
        except RunFailed:
            # What was trained stands, and resuming evaluates it again.
            model = self._keep_model(models[exported], "The winner was not evaluated, and no SavedModel was made.")
            collect_arrays(self.folder, self.data, found, None, refit)
            self.write_result(result_document(found, None, model, target, refit))
            raise
        model = self.export_model(found[0].configuration, models[exported])
        collect_arrays(self.folder, self.data, found, arrays, refit)
        return self.write_result(result_document(found, test_scores, model, target, refit))

    def write_result(self, result: ResultDocument) -> ResultDocument:
        """Write result.json, with the digests of the files that are there; return the result."""
        self.folder.write_result(with_digests(self.folder, result))
        return result

    def evaluated_records(self, winner: Confirmed, refit: Refitted | None) -> tuple[Sequence[TrialRecord], int]:
        """Return the records of the models that meet the test set, and which of them is exported."""
        if refit is not None and refit.records:
            return refit.records, refit.exported
        return winner.records, winner.median

    def evaluate_models(
        self, winner: Confirmed, models: Sequence[Path], exported: int, arrays: Path, *, test: bool
    ) -> TestScores | None:
        """Have a worker evaluate the winner's models, and leave the arrays of the figures at a path; None without a test."""
        own = self.folder.own_images
        evaluated = do_task(
            self.workers,
            EvaluateTask(
                id="evaluate",
                space=self.ref(),
                configuration=dict(winner.configuration),
                models=tuple(str(path.absolute()) for path in models),
                exported=exported,
                arrays=str(arrays.absolute()),
                test=test,
                seed=self.options.seed,
                custom=True,
                own_images=str(own.absolute()) if own.exists() else None,
            ),
        )
        self._tell_faults(evaluated)
        return None if evaluated["test"] is None else validate(evaluated["test"], TestScores)

    def kept_model(self, record: TrialRecord) -> Path:
        """
        Raises:
            RunFailed: where the model that a training kept is gone.
        """
        kept = self.folder.kept_model(record.trial)
        if kept is None:
            raise RunFailed(f"The model of trial {record.trial} is gone. Expected it in {self.folder.work}.")
        return kept

    def _keep_model(self, kept: Path, note: str) -> ModelFiles:
        """Leave the winner's model as it was kept; `model` of result.json."""
        whole = kept.suffix == MODEL_SUFFIX
        write_bytes(self.folder.keras_model if whole else self.folder.weights, kept.read_bytes())
        return ModelFiles(keras=whole, note=note)

    def export_model(self, configuration: Configuration, kept: Path) -> ModelFiles:
        """Leave the winner's model as a Keras file and a SavedModel; return `model` of result.json.

        Args:
            configuration: the winner's.
            kept: what a training left of it, or best.keras itself.
        """
        if self.ref().interface is None:
            write_bytes(self.folder.keras_model, kept.read_bytes())
            kept = self.folder.keras_model
        task = ExportTask(
            id="export",
            space=self.ref(),
            configuration=dict(configuration),
            model=str(kept.absolute()),
            keras_file=str(self.folder.keras_model.absolute()),
            folder=str(self.folder.saved_model.absolute()),
        )
        try:
            answer = do_task(self.workers, task)
            model = validate(answer, ModelFiles)
        except RunFailed as error:
            answer = {"faults": [str(error)]}
            model = self._keep_model(kept, str(error))
        if model.note:
            self.add_note(model.note)
        self._tell_faults(answer)
        return model

    def _tell_faults(self, answer: Json) -> None:
        for fault in answer.get("faults", ()):
            self.faults.append(fault)
            self.add_note(fault)


def do_task(workers: Workers, task: Task) -> Json:
    """Has one task done, and waits for it.

    Raises:
        RunFailed: where it failed.
    """
    workers.submit(task)
    event: Event | None = None
    while event is None or event.kind == "epoch":
        event = workers.next_event(_POLL_S)
    stop_if_no_space(event)
    if event.kind == "failed":
        raise RunFailed(f"The winner could not be handled ({task.kind}). {event.error}")
    return event.body
