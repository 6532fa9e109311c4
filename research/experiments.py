"""`python -m research.experiments`: the effect of one change on a network's validation accuracy, by paired seeds.

A change is a list, with commas, of names of `training_changes` and values of hyperparameters (`batch_size=32`); an
empty one is the base. `network=…`, in the notation, trains another network by the base's recipe. All arms train the
same seeds on the same split of MNIST's training set. A third validates: 20,000 images show differences that need three
to four times as many seeds on 6,000. The test set is not used. Each training is stored at its end and not repeated.
`--table` prints the stored arms. Needs `MNIST_TUNE_DATA`.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.measuring import RESULTS, conditions, do_all
from research.distillation import write_teacher
from research.experiment_arms import SPLIT_SEED, Arm, Kept, Trained, table
from research.training_changes import CHANGES, VARIABLE
from search_spaces.families.registry import SPACES, load_family
from search_spaces.hyperparameters.hyperparameter import Value
from tuner.core.errors import MnistTuneError, UsageError
from tuner.core.machine import cpu_cores
from tuner.data.dataset import load_dataset, save_arrays
from tuner.processes.tasks import Event, SpaceRef, TrainTask
from tuner.spaces.named_configurations import named_configuration
from tuner.study.plan import parse_value
from tuner.workers.local import LocalWorkers

RESULT = RESULTS / "experiments.json"
BASE, SPACE, EPOCHS, SEEDS, VALIDATION = "c12-8172", "compact8k", 15, 4, 1 / 3
FIRST_SEED = 70_001
_MODULE = "research.training_changes"


def make_arm(base: str, change: str, samples: int = 0, epochs: int = EPOCHS, validation: float = VALIDATION) -> Arm:
    """Return an arm without trainings.

    Raises:
        UsageError: where the base or the change is unknown.
    """
    space, configuration = _base(base)
    family = load_family(space)
    arm = Arm(base, change, samples, epochs, validation, configuration)
    values = dict(_value(word, space) for word in arm.hyperparameters)
    try:
        return replace(arm, configuration=family.complete(values, base=configuration, strict=True))
    except ValueError as error:
        raise UsageError(str(error)) from error


def _base(name: str) -> tuple[str, Mapping[str, Value]]:
    """Return a base's space and configuration; the name of a space means its defaults."""
    if name in SPACES:
        return name, load_family(name).default_configuration()
    named = named_configuration(name, SPACE)
    return named.space, named.configuration


def _value(word: str, space: str) -> tuple[str, Value]:
    name, _, text = word.partition("=")
    known = {hyperparameter.name: hyperparameter for hyperparameter in load_family(space).hyperparameters}
    if name not in known or not text:
        expected = f"one of {', '.join(CHANGES)}, or a hyperparameter's value such as batch_size=32"
        raise UsageError(f"Unknown change. Expected {expected}. Received: {word}")
    if known[name].kind == "fixed":
        return name, text
    return name, parse_value(known[name], text)


def train(arm: Arm, seeds: Sequence[int], data: Path, kept: Kept, models: Path | None) -> None:
    """Train the missing seeds of an arm, each in a process with the arm's change.

    Raises:
        RunFailed: where a training fails.
        UsageError: where the stored arm has another configuration, since defaults have changed.
    """
    before = kept.arms.get(arm.key)
    if before is not None and dict(before.configuration) != dict(arm.configuration):
        raise UsageError(
            f"{arm.base} + {arm.change or 'nothing'} is stored with another configuration. Expected the same one, or "
            f"another --out. Received: {kept.path}"
        )
    missing = [seed for seed in seeds if seed not in kept.arms.get(arm.key, arm).scores]
    if not missing:
        return
    os.environ[VARIABLE] = ",".join(arm.training_changes)

    def keep(event: Event) -> None:
        trained = _trained(event)
        kept.add(arm, trained)
        sys.stderr.write(f"{arm.base} + {arm.change or 'nothing'}: {trained}\n")

    workers = min(cpu_cores(), len(missing))
    with tempfile.TemporaryDirectory() as logs, LocalWorkers(workers, data, Path(logs), module=_MODULE) as pool:
        do_all(pool, [train_task(arm, seed, models) for seed in missing], keep)


def train_task(arm: Arm, seed: int, models: Path | None = None) -> TrainTask:
    """Return the training of an arm's seed; with a folder the base's models are saved."""
    space, _ = _base(arm.base)
    return TrainTask(
        id=str(seed),
        space=SpaceRef(name=space, max_params=None, max_macs=None, classes=10),
        configuration=dict(arm.configuration),
        epochs=arm.epochs,
        seed=seed,
        keep=str(models / f"{_prefix(arm)}{seed}") if models is not None and not arm.change else None,
        stop_early=False,
    )


def _prefix(arm: Arm) -> str:
    """Return the prefix of a base's models, with the split: teachers must not see the validation images."""
    return f"{arm.base}-{arm.samples}-{arm.epochs}-{round(60_000 * arm.validation)}-"


def _trained(event: Event) -> Trained:
    history = event.body["history"]
    return Trained(
        seed=int(event.task),
        val_accuracy=round(event.body["val_accuracy"], 6),
        val_loss=round(event.body["val_loss"], 6),
        accuracy=round(history["accuracy"][-1], 6),
        minutes=round(event.body["processor_s"] / 60, 2),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, store and print; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m research.experiments", description=__doc__)
    parser.add_argument(
        "--base", default=BASE, help="a reference, a JSON file, a run, RUN:TRIAL, or a space: its defaults"
    )
    parser.add_argument(
        "--change", action="append", default=[], help=f"again for several: {', '.join(CHANGES)}; or NAME=VALUE"
    )
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--samples", type=int, default=0, help="training images; 0: all that don't validate")
    parser.add_argument("--validation", type=float, default=VALIDATION, help="share of the images that validates")
    parser.add_argument("--models", type=Path, help="where the base's models are kept, which are distil's teacher")
    parser.add_argument("--table", action="store_true", help="only print what is kept")
    parser.add_argument("--out", type=Path, default=RESULT, help="what is kept there is added to")
    given = parser.parse_args(arguments)
    kept = Kept.open(given.out, conditions())
    try:
        if not given.table:
            run(given, kept)
    except MnistTuneError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(table(kept))
    return 0


def run(given: argparse.Namespace, kept: Kept) -> None:
    """Train the base, then each change."""
    conditions_of_all = given.samples, given.epochs, given.validation
    arms = [make_arm(given.base, change, *conditions_of_all) for change in ("", *given.change)]
    distilling = [arm for arm in arms if "distil" in arm.training_changes]
    if distilling and given.models is None:
        raise UsageError(
            "distil needs a teacher. Expected --models to name a folder of the base's models. Received: none"
        )
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        save_split(data, given.validation, given.samples)
        for arm in arms:
            if arm in distilling and not write_teacher(data, given.models, _prefix(arm)):
                raise UsageError(f"distil needs a teacher. Expected models (.keras). Received: --models {given.models}")
            train(arm, range(FIRST_SEED, FIRST_SEED + given.seeds), data, kept, given.models)


def save_split(folder: Path, validation: float, samples: int = 0) -> None:
    """Write the arrays of all arms for the workers.

    Raises:
        UsageError: where MNIST is unavailable.
    """
    split = load_dataset("mnist", seed=SPLIT_SEED, validation=validation, train_samples=samples or None)
    save_arrays(split, folder)


if __name__ == "__main__":
    sys.exit(main())
