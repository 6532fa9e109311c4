"""Restoring lost files of a completed run: models by training them once more, the result from the journal.

A trial is a pure function of its line in the journal, so every other file can be made again from the journal; the
journal itself can't. Undamaged files are never replaced.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import replace

from tuner.core.disk_full import is_no_space
from tuner.core.errors import Interrupted, NoSpace, RunFailed, UsageError
from tuner.core.records import TEST_MET_AGAIN, Trial, TrialRecord, configuration_key, tidy_epochs
from tuner.options.run_options import RunOptions
from tuner.options.search_options import SearchOptions
from tuner.options.study_options import StudyOptions
from tuner.options.train_options import TrainOptions
from tuner.run.confirmation import Confirmed, confirmed, longest_distinct
from tuner.run.lost_files import ARRAYS, INT8, MODEL, RESULT, SAVED_MODEL, Lack, class_names, find_lack
from tuner.run.observer import Observer
from tuner.run.refit import Refitted, passes_of, refitted
from tuner.run.result import collect_arrays, result_document
from tuner.run.sessions.evaluating_session import EvaluatingSession
from tuner.run.sessions.study import confirmed_arms, planned_study, result_of_study
from tuner.run.target import goal_of, smallest_first
from tuner.run.trial_loop import TrialLoop, without_history
from tuner.run.trial_sources import ListSource, Networks, RefitSource
from tuner.stats.metrics import score_int8, score_seeds, score_test_set
from tuner.storage.journal import Journal, JournalState, read_state
from tuner.storage.npz_io import Arrays
from tuner.storage.run_folder import RunFolder, with_digests
from tuner.storage.schema.documents import validate
from tuner.storage.schema.result import ModelFiles, ResultDocument, TestScores
from tuner.storage.schema.run import RunDocument


def restore_without_training(
    options: RunOptions, folder: RunFolder, observer: Observer, run: RunDocument, lack: Lack
) -> ResultDocument | None:
    """Write result.json from the journal and evaluation.npz (a study needs only the journal); return its content.

    Raises:
        UsageError: where the journal has no winner.
    """
    state = read_state(folder.journal)
    ranked = found_again(options, run, state)
    if isinstance(options, StudyOptions):
        result = _study_again(run, ranked, state)
    else:
        test = recompute_test(lack.arrays, class_names(run)) if options.test and lack.arrays is not None else None
        model = ModelFiles(savedmodel=folder.saved_model.is_dir(), keras=True, int8=folder.int8_model.is_file())
        result = result_document(
            ranked, test, model, goal_of(options, run.data), refit_again(options, run, state, ranked[0])
        )
    notes = []
    folder.write_result(with_digests(folder, result if lack.result is None else lack.result))
    if RESULT in lack.parts:
        notes.append("result.json was lost, and made again from the journal.")
    if ARRAYS in lack.parts:
        notes.append(
            "evaluation.npz was lost. What was measured of a study's models can't be made again without them all: "
            "begin the study again (--force) to have it."
        )
    for note in notes:
        observer.note(note)
    run.notes += [note for note in notes if note not in run.notes]
    folder.write_run(run)
    folder.clean()
    observer.run_ended(run)
    return result


def _study_again(run: RunDocument, ranked_arms: Sequence[Confirmed], state: JournalState) -> ResultDocument:
    try:
        return result_of_study(planned_study(run), ranked_arms, list(state.finished.values()))
    except ValueError as error:
        raise UsageError(
            f"The study of this run can't be compared again: {error} Restore run.json from a copy."
        ) from error


def found_again(options: RunOptions, run: RunDocument, state: JournalState) -> list[Confirmed]:
    """Return the confirmed configurations of a completed run from its journal, the winner first.

    Raises:
        UsageError: where the journal has none.
    """
    records = list(state.finished.values())
    if isinstance(options, StudyOptions):
        ranked = confirmed_arms(planned_study(run), records)
    elif isinstance(options, SearchOptions):
        ranked = confirmed(longest_distinct(records), [record for record in records if record.phase == "confirm"])
        ranked = smallest_first(ranked, goal_of(options, run.data))
    else:
        completed = sorted((record for record in records if record.completed), key=lambda record: record.repetition)
        ranked = [Confirmed(None, tuple(completed), len(records) - len(completed))] if completed else []
    if not ranked:
        raise UsageError(
            "The journal of this run holds no confirmed trial, so nothing of it can be made again. "
            "Restore trials.jsonl from a copy, or start a new run."
        )
    return ranked


def refit_again(options: RunOptions, run: RunDocument, state: JournalState, winner: Confirmed) -> Refitted | None:
    """Return the winner's refits from the journal; None without `--refit`."""
    if not (isinstance(options, SearchOptions) and options.refit):
        return None
    key, seeds = configuration_key(winner.configuration), {record.repetition for record in winner.records}
    records = [
        record
        for record in state.finished.values()
        if record.phase == "refit" and record.repetition in seeds and configuration_key(record.configuration) == key
    ]
    return refitted(winner, records, run.data.train + run.data.validation)


def recompute_test(arrays: Arrays, class_names: Sequence[str]) -> TestScores:
    """Return `test` of result.json from the predictions in evaluation.npz; nothing is evaluated on the test set."""
    labels = arrays["test/labels"]
    metrics = score_test_set(arrays["test/probabilities"], labels, class_names)
    int8 = arrays.get("test/int8_predictions")
    scores = {} if int8 is None else {"int8": score_int8(int8, labels)}
    return validate({**metrics, **score_seeds(arrays["test/predictions_per_seed"], labels), **scores}, TestScores)


@dataclass
class Restoration(EvaluatingSession[Any]):
    """One invocation that trains models of a completed run again. The run stays completed; its journal is not written."""

    def execute(self) -> ResultDocument:
        """Make missing files again; existing files are left alone whatever happens."""
        try:
            result = self._with_workers()
            self.folder.write_run(self.run)
            self.folder.clean()
            self.observer.run_ended(self.run)
        except KeyboardInterrupt as interrupt:
            raise Interrupted(f"Interrupted. What the run has is kept; {self._format_go_on()}") from interrupt
        except OSError as error:
            if not is_no_space(error):
                raise
            raise NoSpace(
                f"The disk is full. What the run has is kept. Make space, then {self._format_go_on()}"
            ) from error
        return result

    def _with_workers(self) -> ResultDocument:
        self.state = read_state(self.folder.journal)
        self.state.finished = {name: without_history(record) for name, record in self.state.finished.items()}
        # A separate journal, so that a killed restoration does not repeat finished trainings.
        path = self.folder.work / "restored.jsonl"
        with contextlib.closing(self._make_workers()) as workers, Journal(path) as journal:
            self.workers = workers
            self.engine = TrialLoop(workers, journal, read_state(path), self.observer)
            return self.phases()

    def phases(self) -> ResultDocument:
        """Train the needed models, evaluate where the arrays are lost, export, and write the result."""
        lack = find_lack(self.options, self.folder, self.run)
        ranked = found_again(self.options, self.run, self.state)
        refit = refit_again(self.options, self.run, self.state, ranked[0])
        records, exported = self.evaluated_records(ranked[0], refit)
        needed = [records[exported]] if ARRAYS not in lack.parts and {MODEL, INT8} & set(lack.parts) else []
        if ARRAYS in lack.parts:
            needed = list({record.trial: record for record in (*ranked[0].records, *records)}.values())
        self._note_what_is_made(lack, needed)
        self._train(ranked[0], needed)
        test = self._evaluate(ranked, refit, lack) if ARRAYS in lack.parts else None
        model = ModelFiles()
        if {MODEL, SAVED_MODEL, RESULT} & set(lack.parts):
            model = self.export_model(ranked[0].configuration, self._exported(records[exported], lack))
        if INT8 in lack.parts:
            self.keep_int8(records[exported], model)
        model = replace(model, int8=self.folder.int8_model.is_file())
        if lack.result is not None:
            return self.write_result(lack.result)
        if test is None and self.options.test and lack.arrays is not None:
            test = recompute_test(lack.arrays, self.data.class_names)
        return self.write_result(result_document(ranked, test, model, goal_of(self.options, self.run.data), refit))

    def _note_what_is_made(self, lack: Lack, needed: Sequence[TrialRecord]) -> None:
        trained = f" Trained again with their seeds: {', '.join(record.trial for record in needed)}." if needed else ""
        self.add_note(f"Lost or damaged, and made again from the journal: {', '.join(lack.parts)}.{trained}")
        epochs = tidy_epochs(sum(record.epochs for record in needed))
        self.observer.run_began(replace(self.run, plan=replace(self.run.plan, epochs=epochs)))

    def _exported(self, record: TrialRecord, lack: Lack) -> Path:
        """Return the file of the exported model: the one trained again, else the run's own."""
        if MODEL in lack.parts:
            return self.kept_model(record)
        return self.folder.keras_model if self.folder.keras_model.exists() else self.folder.weights

    def _train(self, winner: Confirmed, records: Sequence[TrialRecord]) -> None:
        """Train trials again, and add a note where that gives other numbers.

        Raises:
            RunFailed: where one fails now.
        """
        networks = Networks(self.space, self.ref())
        for refits in (False, True):
            trials = [_trial_of(record) for record in records if (record.phase == "refit") == refits]
            if not trials:
                continue
            early = not isinstance(self.options, TrainOptions)
            source = (
                RefitSource(trials, networks, self.folder, passes=passes_of(winner, trials))
                if refits
                else ListSource(trials, networks, self.folder, stop_early=early)
            )
            self.observer.phase_began(trials[0].phase, len(trials))
            self.engine.run(source)
            self._compare(records, source.records)

    def _compare(self, before: Sequence[TrialRecord], after: Sequence[TrialRecord]) -> None:
        failed = next((record for record in after if not record.completed), None)
        if failed is not None:
            raise RunFailed(
                f"Trial {failed.trial} can't be trained again, so its model can't be made again. {failed.error}"
            )
        first = {record.trial: _last_values(record) for record in before}
        others = [record.trial for record in after if _last_values(record) != first[record.trial]]
        if others:
            self.add_note(
                f"Trained again, {', '.join(others)} gave other numbers than in the journal: the machine, the number of its cores or "
                "a library is another one. The journal and what was not made again have the first ones."
            )

    def _evaluate(self, ranked: Sequence[Confirmed], refit: Refitted | None, lack: Lack) -> TestScores | None:
        """Write evaluation.npz again; evaluate on the test set, with a note, if the run did so before."""
        records, exported = self.evaluated_records(ranked[0], refit)
        models = [self.kept_model(record) for record in records]
        if MODEL not in lack.parts:
            models[exported] = self._exported(records[exported], lack)
        if self.options.test:
            self.add_note(
                f"{TEST_MET_AGAIN}, by the winner's models trained again, to make evaluation.npz again. Nothing was chosen by it."
            )
        arrays = self.folder.work / "winner.npz"
        whole = records[exported].objective == "int8" and INT8 not in lack.parts
        int8 = self.folder.int8_model if whole else self.kept_int8(records[exported])
        test = self.evaluate_models(ranked[0], models, exported, arrays, test=self.options.test, int8=int8)
        if len(ranked) > 1:
            self.add_note("The arrays of the other finalists were not made again: evaluation.npz has the winner's.")
        collect_arrays(self.folder, self.data, ranked[:1], arrays, refit)
        _check_test(self.add_note, lack.result, test)
        return test


def _check_test(note: Any, result: ResultDocument | None, test: TestScores | None) -> None:
    first = None if result is None else result.test
    if first is not None and test is not None and not np.isclose(first.accuracy, test.accuracy, atol=1e-9):
        note(
            f"Evaluated again, the winner's test accuracy is {test.accuracy:.2%}; result.json keeps the first, {first.accuracy:.2%}."
        )


def _last_values(record: TrialRecord) -> tuple[Any, ...]:
    """Return the numbers that two trainings of a trial must have in common."""
    return (record.val_accuracy, record.val_loss, record.epochs_run, record.history.get("loss"))


def _trial_of(record: TrialRecord) -> Trial:
    return Trial(**{name: getattr(record, name) for name in Trial.__dataclass_fields__})
