"""`python -m benchmarks.peers METHOD DATA OUT SEED`: a peer's search, as in its documentation, until it is stopped.

Each finished trial is a line of OUT/peer-NUMBER.jsonl, as in a run's journal.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.time_to_quality import FACTOR, MAX_EPOCHS, SPACE
from search_spaces.families.family import Family
from search_spaces.families.registry import load_family
from search_spaces.hyperparameters.hyperparameter import Value
from tuner.core.machine import cpu_cores
from tuner.data.dataset import Dataset, open_arrays

if TYPE_CHECKING:
    import optuna

# Keras, Keras Tuner and Optuna's objectives are `Any` here: the first two have no types.

_FOR_EVER = 10**6


class Log:
    """A process's log of finished trials."""

    def __init__(self, out: Path, number: int) -> None:
        self._path = out / f"peer-{number}.jsonl"

    def ended(self, accuracy: float, epochs: int, configuration: Mapping[str, Value]) -> None:
        """Add a trial."""
        event = {"event": "finished", "val_accuracy": accuracy, "epochs": epochs, "configuration": dict(configuration)}
        with self._path.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(event) + "\n")


def search_with_keras_tuner(data: Path, out: Path, seed: int) -> None:
    """Run `keras_tuner.Hyperband` in one process with all threads.

    Two fixes: tensorboard is installed, which `run_trial` imports; and samples above the cap, nine in ten, are
    replaced, since `max_model_size` would fail them all, which ends the search or leaves its brackets empty.
    """
    import keras
    import keras_tuner

    from benchmarks.plain_keras import PlainSpace

    family, log, arrays = load_family(SPACE), Log(out, 0), _arrays(open_arrays(data))

    class Told(keras_tuner.Hyperband):  # type: ignore[misc]
        def on_trial_end(self, trial: Any) -> None:
            super().on_trial_end(trial)
            if trial.status == "COMPLETED":
                log.ended(trial.score, int(trial.hyperparameters["tuner/epochs"]), family.values(trial.hyperparameters))

    keras.utils.set_random_seed(seed)
    tuner = Told(
        PlainSpace(family),
        objective="val_accuracy",
        max_epochs=MAX_EPOCHS,
        factor=FACTOR,
        hyperband_iterations=_FOR_EVER,
        seed=seed,
        directory=out,
        project_name="keras-tuner",
    )
    _draw_again(tuner.oracle, family)
    tuner.search(*arrays[:2], validation_data=arrays[2:], verbose=0)


def _draw_again(oracle: Any, family: Family) -> None:
    """Make an oracle of Keras Tuner sample until a configuration is within the cap."""
    draw = oracle._random_values

    def within() -> Any:
        values = draw()
        while values is not None and not family.fits(family.active(values)):
            values = draw()
        return values

    oracle._random_values = within


def search_with_optuna(data: Path, out: Path, seed: int, sampler: str) -> None:
    """Run Optuna in one process a core, one thread each, with a shared journal."""
    processes = [
        multiprocessing.get_context("spawn").Process(target=_optuna_process, args=(data, out, seed, sampler, number))
        for number in range(cpu_cores())
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()


def _optuna_process(data: Path, out: Path, seed: int, sampler: str, number: int) -> None:
    import keras
    import optuna
    import tensorflow as tf
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    own_seed = (seed + 7919 * number) % 2**32
    keras.utils.set_random_seed(own_seed)
    study = optuna.create_study(
        study_name="peer",
        storage=JournalStorage(JournalFileBackend(str(out / "optuna.log"))),
        direction="maximize",
        load_if_exists=True,
        **_sampler_and_pruner(sampler, own_seed),
    )
    study.optimize(_objective(load_family(SPACE), _arrays(open_arrays(data)), Log(out, number)))


def _sampler_and_pruner(sampler: str, seed: int) -> dict[str, Any]:
    import optuna

    if sampler == "random":
        return {"sampler": optuna.samplers.RandomSampler(seed=seed), "pruner": optuna.pruners.NopPruner()}
    return {
        # As its documentation advises for several processes.
        "sampler": optuna.samplers.TPESampler(seed=seed, constant_liar=True),
        "pruner": optuna.pruners.HyperbandPruner(min_resource=1, max_resource=MAX_EPOCHS, reduction_factor=FACTOR),
    }


def _objective(family: Family, arrays: Sequence[Any], log: Log) -> Callable[[optuna.Trial], float]:
    import keras
    import optuna

    from benchmarks.plain_keras import PlainSpace

    class Reports(keras.callbacks.Callback):  # type: ignore[misc]
        def __init__(self, trial: optuna.Trial, values: Mapping[str, Value]) -> None:
            super().__init__()
            self.trial, self.values, self.accuracy = trial, values, 0.0

        def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
            self.accuracy = float((logs or {})["val_accuracy"])
            self.trial.report(self.accuracy, step=epoch + 1)
            if epoch + 1 < MAX_EPOCHS and self.trial.should_prune():
                log.ended(self.accuracy, epoch + 1, self.values)
                raise optuna.TrialPruned

    def objective(trial: optuna.Trial) -> float:
        hp = Suggests(trial)
        family.declare(hp)
        values = family.active(hp.values)
        if not family.fits(values):
            raise optuna.TrialPruned
        space, reports = PlainSpace(family), Reports(trial, values)
        try:
            space.fit(
                hp,
                space.build(hp),
                *arrays[:2],
                epochs=MAX_EPOCHS,
                validation_data=tuple(arrays[2:]),
                callbacks=[reports],
                verbose=0,
            )
        finally:
            keras.backend.clear_session()
        log.ended(reports.accuracy, MAX_EPOCHS, values)
        return reports.accuracy

    return objective


class Suggests:
    """An adapter of `HyperParameters` to an Optuna trial, which suggests only active hyperparameters."""

    def __init__(self, trial: optuna.Trial) -> None:
        self.values: dict[str, Any] = {}
        self._trial = trial
        self._active = [True]

    @contextlib.contextmanager
    def conditional_scope(self, parent_name: str, parent_values: Sequence[Any]) -> Iterator[None]:
        """Limit declarations to values of an active parent."""
        self._active.append(self._active[-1] and self.values.get(parent_name) in parent_values)
        try:
            yield
        finally:
            self._active.pop()

    def Fixed(self, name: str, value: Any, **_: Any) -> None:
        """Set the value."""
        if self._active[-1]:
            self.values[name] = value

    def Choice(self, name: str, values: Sequence[Any], **_: Any) -> None:
        """Suggest a choice."""
        if self._active[-1]:
            self.values[name] = self._trial.suggest_categorical(name, values)

    def Boolean(self, name: str, **_: Any) -> None:
        """Suggest a boolean."""
        self.Choice(name, [False, True])

    def Int(self, name: str, min_value: int, max_value: int, **options: Any) -> None:
        """Suggest a whole number."""
        if self._active[-1]:
            log = options.get("sampling") == "log"
            step = 1 if log else options.get("step") or 1
            self.values[name] = self._trial.suggest_int(name, min_value, max_value, step=step, log=log)

    def Float(self, name: str, min_value: float, max_value: float, **options: Any) -> None:
        """Suggest a number."""
        if self._active[-1]:
            log = options.get("sampling") == "log"
            step = None if log else options.get("step")
            self.values[name] = self._trial.suggest_float(name, min_value, max_value, step=step, log=log)


def _arrays(data: Dataset) -> tuple[Any, ...]:
    arrays = (data.x_train, data.y_train, data.x_validation, data.y_validation)
    return tuple(np.asarray(array) for array in arrays)


def main(words: Sequence[str]) -> None:
    """Run a method until the process is stopped."""
    method, data, out, seed = words
    if method == "keras-tuner":
        search_with_keras_tuner(Path(data), Path(out), int(seed))
    else:
        search_with_optuna(Path(data), Path(out), int(seed), method)


if __name__ == "__main__":
    main(sys.argv[1:])
