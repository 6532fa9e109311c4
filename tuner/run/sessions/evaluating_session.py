"""A session whose winner is evaluated and exported, by one task each; trained models are kept whatever fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from tuner.core.errors import RunFailed
from tuner.core.records import Configuration, Json, TrialRecord
from tuner.options.run_options import Options
from tuner.processes.tasks import EvaluateTask, Event, ExportTask, Task
from tuner.run.confirmation import Confirmed
from tuner.run.refit import Refitted
from tuner.run.result import collect_arrays, result_document
from tuner.run.sessions.session import Session
from tuner.run.target import Goal
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
        self, ranked: Sequence[Confirmed], *, test: bool, goal: Goal | None = None, refit: Refitted | None = None
    ) -> ResultDocument:
        """Evaluate the winner on the test set, export it, and write result.json.

        Args:
            ranked: the confirmed configurations, the winner first.
            test: evaluate on the test set.
            goal: the score that the winner should reach; None without one.
            refit: the winner's refits, which replace its confirmed models if there are any; None without `--refit`.
        """
        records, exported = self.evaluated_records(ranked[0], refit)
        models = [self.kept_model(record) for record in records]
        arrays = self.folder.work / "winner.npz"
        try:
            int8 = self.kept_int8(records[exported])
            test_scores = self.evaluate_models(ranked[0], models, exported, arrays, test=test, int8=int8)
        except RunFailed:
            # Trained models are kept, and resuming evaluates them again.
            model = self._keep_model(models[exported], "The winner was not evaluated, and no SavedModel was made.")
            model = self.keep_int8(records[exported], model)
            collect_arrays(self.folder, self.data, ranked, None, refit)
            self.write_result(result_document(ranked, None, model, goal, refit))
            raise
        model = self.keep_int8(records[exported], self.export_model(ranked[0].configuration, models[exported]))
        collect_arrays(self.folder, self.data, ranked, arrays, refit)
        return self.write_result(result_document(ranked, test_scores, model, goal, refit))

    def write_result(self, result: ResultDocument) -> ResultDocument:
        """Write result.json, with the digests of the existing files; return the result."""
        self.folder.write_result(with_digests(self.folder, result))
        return result

    def evaluated_records(self, winner: Confirmed, refit: Refitted | None) -> tuple[Sequence[TrialRecord], int]:
        """Return the records of the models that are evaluated on the test set, and the index of the exported one."""
        if refit is not None and refit.records:
            return refit.records, refit.exported
        return winner.records, winner.median

    def evaluate_models(
        self, winner: Confirmed, models: Sequence[Path], exported: int, arrays: Path, *, test: bool, int8: Path | None
    ) -> TestScores | None:
        """Evaluate the winner's models in a worker, which writes the figures' arrays; return None without a test.

        Args:
            winner: the configuration.
            models: a file a seed.
            exported: the index of the exported one.
            arrays: the file of the arrays.
            test: evaluate on the test set.
            int8: the int8 file of the exported one; None where models are not quantised.
        """
        user_images = self.folder.own_images
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
                own_images=str(user_images.absolute()) if user_images.exists() else None,
                int8=None if int8 is None else str(int8.absolute()),
            ),
        )
        self._add_messages(evaluated)
        return None if evaluated["test"] is None else validate(evaluated["test"], TestScores)

    def kept_model(self, record: TrialRecord) -> Path:
        """Return the path of a trial's model; raise `RunFailed` where it is missing."""
        kept = self.folder.kept_model(record.trial)
        if kept is None:
            raise RunFailed(f"The model of trial {record.trial} is gone. Expected it in {self.folder.work}.")
        return kept

    def kept_int8(self, record: TrialRecord) -> Path | None:
        """Return the path of a trial's int8 file; None where the objective is another."""
        path = self.folder.kept_int8(record.trial)
        return path if record.objective == "int8" and path.is_file() else None

    def keep_int8(self, record: TrialRecord, model: ModelFiles) -> ModelFiles:
        """Copy a trial's int8 file into the folder, where there is one; return `model` of result.json with it."""
        path = self.kept_int8(record)
        if path is None:
            return model
        write_bytes(self.folder.int8_model, path.read_bytes())
        return replace(model, int8=True)

    def _keep_model(self, kept: Path, note: str) -> ModelFiles:
        """Copy the winner's kept model into the folder; return `model` of result.json."""
        whole = kept.suffix == MODEL_SUFFIX
        write_bytes(self.folder.keras_model if whole else self.folder.weights, kept.read_bytes())
        return ModelFiles(keras=whole, note=note)

    def export_model(self, configuration: Configuration, kept: Path) -> ModelFiles:
        """Export the winner's model as a Keras file and a SavedModel; return `model` of result.json.

        Args:
            configuration: the winner's configuration.
            kept: the model or weights that a training kept, or best.keras itself.
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
        self._add_messages(answer)
        return model

    def _add_messages(self, answer: Json) -> None:
        for fault in answer.get("faults", ()):
            self.faults.append(fault)
            self.add_note(fault)
        for note in answer.get("notes", ()):
            self.add_note(note)


def do_task(workers: Workers, task: Task) -> Json:
    """Run one task, and wait for it.

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
