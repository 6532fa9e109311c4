"""Builders of folders of made-up studies and trainings, without training. Same arguments, same bytes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from tests.kit.run_builder import (
    Array,
    FakeRun,
    build_run,
    confirm_records,
    network_layers,
    picture_arrays,
    probabilities,
    run_document,
    search_records,
    weight_arrays,
    write_journal,
)
from tuner.core.records import TrialRecord, Value
from tuner.run.confirmation import Confirmed
from tuner.run.result import result_document
from tuner.run.sessions.study import confirmed_arms, result_of_study
from tuner.storage.run_folder import RunFolder
from tuner.storage.schema.documents import write_document
from tuner.storage.schema.run import Plan
from tuner.storage.schema.study import Diagnostic, PlannedArm, StudyPlan

BASE_CONFIGURATION: dict[str, Value] = {
    "convolutions_1": 1, "convolutions_2": 1, "filters_1": 6, "filters_2": 8, "filters_3": 8, "padding": "valid",
    "activation": "relu", "dropout": 0.0, "l2": 0.0, "optimizer": "adam", "learning_rate_adam": 0.003, "batch_size": 64,
}  # fmt: skip


@dataclass(frozen=True)
class FakeArm:
    """An arm with the true effects of its value."""

    label: str
    value: Value | None
    changes: Mapping[str, Value] = field(default_factory=dict)
    effect: float = 0.0
    """Added to the accuracy of the base, a fraction."""
    speed: float = 1.0
    """Its speed of learning, relative to the base."""
    epochs: int | None = None
    stops_at: int | None = None
    """The epoch in which its seeds stop, approximately."""


@dataclass(frozen=True, kw_only=True)
class FakeStudy:
    """The properties of a made-up study."""

    arms: Sequence[FakeArm]
    hyperparameter: str = "dropout"
    base: str = ""
    """The label of the base; empty: the first arm's."""
    question: str = "Does dropout help?"
    seeds: int = 3
    epochs: int = 8
    diagnostics: Sequence[Diagnostic] = ()
    accuracy: float = 0.98
    noise: float = 0.0006
    lost: Sequence[tuple[str, int]] = ()
    """(label, repetition) of trials that failed."""
    missing: Sequence[tuple[str, int]] = ()
    """(label, repetition) of trials that were not run."""
    status: str = "completed"
    result: bool = True
    arrays: bool = True
    data: str = "mnist"
    fallback: bool = False
    hostile: str = ""
    seed: int = 5


def values_of(name: str, effects: Mapping[Value, float], **more: Any) -> tuple[FakeArm, ...]:
    """Return arms that vary one hyperparameter, from value → effect."""
    return tuple(FakeArm(str(value), value, {name: value}, effect, **more) for value, effect in effects.items())


def _patience(patience: int, restore: bool, effect: float) -> FakeArm:
    label = "never" if patience >= 30 else f"patience {patience}"
    return FakeArm(
        f"{label}, best weights" if restore else label,
        patience,
        {"trial.patience": patience, "trial.restore_best": restore},
        effect,
        stops_at=min(6 + 3 * patience, 30),
    )


STUDIES: Mapping[str, FakeStudy] = {
    "dropout": FakeStudy(arms=values_of("dropout", {0.0: 0.0, 0.1: 0.004, 0.3: 0.0, 0.5: -0.01}), seeds=5),
    "l2": FakeStudy(
        arms=values_of("l2", {0.0: 0.0, 1e-4: 0.001, 1e-3: 0.0, 1e-2: -0.02}),
        hyperparameter="l2",
        question="Does an L2 penalty on the kernels help, and what does it do to them?",
    ),
    "optimizer": FakeStudy(
        arms=tuple(
            FakeArm(name, name, {"optimizer": name}, effect, speed)
            for name, effect, speed in (("sgd", 0.0, 0.4), ("momentum", 0.003, 1.0), ("adam", 0.003, 1.6), ("adamw", 0.0035, 1.5))
        ),
        hyperparameter="optimizer",
        question="Which optimizer learns fastest, and which most steadily?",
    ),
    "batch_size": FakeStudy(
        arms=values_of("batch_size", {8: -0.002, 32: 0.0, 128: 0.0, 512: -0.004}),
        hyperparameter="batch_size",
        question="How large should a batch be?",
        base="32",
        diagnostics=("gradient_noise", "step"),
    ),
    "activation": FakeStudy(
        arms=values_of("activation", {"relu": 0.0, "tanh": -0.002, "softsign": -0.004, "gelu": 0.001}),
        hyperparameter="activation",
        question="Which activation should the hidden layers have?",
        diagnostics=("gradient_norms", "units"),
    ),
    "epochs": FakeStudy(
        arms=tuple(
            FakeArm(str(n), n, {}, effect, epochs=n)
            for n, effect in ((1, -0.04), (2, -0.02), (5, -0.006), (10, 0.0), (20, 0.0003), (40, 0.0004))
        ),
        hyperparameter="epochs",
        question="Where does more training stop helping?",
        base="10",
    ),
    "early_stopping": FakeStudy(
        arms=tuple(
            _patience(patience, restore, -0.006 / patience + (0.0005 if restore else 0))
            for restore in (False, True)
            for patience in (1, 3, 5, 30)
        ),
        hyperparameter="patience",
        question="How many epochs does early stopping save, and what does it cost?",
        base="never",
        epochs=30,
    ),
    "capacity": FakeStudy(
        arms=values_of("filters_2", {4: -0.01, 8: -0.003, 16: 0.0, 24: 0.002}),
        hyperparameter="filters_2",
        question="How does the gap between training and validation grow with the number of parameters?",
        base="16",
    ),
}  # fmt: skip
"""One study of each kind."""


def build_study(folder: Path, fake: FakeStudy) -> Path:
    """Write a study's folder as a study leaves it, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    plan, records = study_plan(fake), study_records(fake)
    running = 2 if fake.status in ("running", "interrupted") else 0
    run = run_document(_as_run(fake), records)
    run.kind, run.study = "study", plan
    run.plan = Plan(algorithm="study", trials=len(fake.arms) * fake.seeds)
    run.command = ("mnist-tune", "study", fake.hyperparameter + fake.hostile, "--seeds", str(fake.seeds))
    write_document(folder / "run.json", run)
    write_journal(folder / "trials.jsonl", records, open_trials=running)
    if fake.result and any(record.completed for record in records):
        write_document(folder / "result.json", result_of_study(plan, confirmed_arms(plan, records), records))
        if fake.arrays:
            np.savez_compressed(folder / "evaluation.npz", **study_arrays(fake, plan, records))  # type: ignore[arg-type]
    return folder


def _as_run(fake: FakeStudy) -> FakeRun:
    return FakeRun(status=fake.status, data=fake.data, fallback=fake.fallback, hostile=fake.hostile, validation=6000)


def study_plan(fake: FakeStudy) -> StudyPlan:
    """Return `study` of run.json."""
    return StudyPlan(
        name=fake.hyperparameter + fake.hostile,
        preset=True,
        hyperparameter=fake.hyperparameter + fake.hostile,
        question=fake.question + fake.hostile,
        base=(fake.base or fake.arms[0].label) + fake.hostile,
        seeds=fake.seeds,
        arms=tuple(
            PlannedArm(
                label=arm.label + fake.hostile,
                value=arm.value,
                configuration={**BASE_CONFIGURATION, **arm.changes},
                epochs=arm.epochs or fake.epochs,
                parameters=sum(layer.parameters for layer in _layers(arm)),
            )
            for arm in fake.arms
        ),
        diagnostics=tuple(fake.diagnostics),
    )


def _layers(arm: FakeArm) -> tuple[Any, ...]:
    return network_layers({**BASE_CONFIGURATION, **arm.changes}, FakeRun())


def study_records(fake: FakeStudy) -> list[TrialRecord]:
    """Return the trials, arm by arm; a seed changes all arms by the same amount, and each arm a little."""
    rng = np.random.default_rng(fake.seed)
    seeds = rng.normal(0, 0.001, fake.seeds)
    records = []
    for place, arm in enumerate(fake.arms):
        for repetition in range(1, fake.seeds + 1):
            number = place * fake.seeds + repetition
            final = fake.accuracy + arm.effect + seeds[repetition - 1] + rng.normal(0, fake.noise)
            lost = (arm.label, repetition) in fake.lost
            final = round(6000 * min(final, 0.9999)) / 6000
            record = _record(fake, arm, rng, number=number, repetition=repetition, final=final, lost=lost)
            if (arm.label, repetition) not in fake.missing:
                records.append(record)
    return records


def _record(
    fake: FakeStudy, arm: FakeArm, rng: np.random.Generator, *, number: int, repetition: int, final: float, lost: bool
) -> TrialRecord:
    epochs = arm.epochs or fake.epochs
    stop = (arm.stops_at or epochs) + (int(rng.integers(-1, 2)) if arm.stops_at else 0)
    run = 1 if lost else min(epochs, max(1, stop))
    return TrialRecord(
        trial=f"{number:04d}",
        phase="study",
        bracket=None,
        rung=None,
        repetition=repetition,
        configuration={**BASE_CONFIGURATION, **arm.changes},
        epochs=epochs,
        seed=1_000 + repetition,
        parameters=sum(layer.parameters for layer in _layers(arm)),
        status="failed" if lost else "completed",
        val_accuracy=None if lost else final,
        val_loss=None if lost else 3.2 * (1 - final),
        epochs_run=run,
        history={"loss": [math.nan]} if lost else _history(arm, final, run, rng),
        duration_s=19.0 * run,
        worker=number % 2,
        layers=_layers(arm),
        error="the loss diverged in epoch 1" + fake.hostile if lost else None,
    )


def _history(arm: FakeArm, final: float, epochs: int, rng: np.random.Generator) -> dict[str, list[float]]:
    history: dict[str, list[float]] = {name: [] for name in ("loss", "accuracy", "val_loss", "val_accuracy")}
    for epoch in range(1, epochs + 1):
        rest = math.exp(-arm.speed * epoch) * 1.5
        error = min((1 - final) * (1 + 4 * rest) * float(np.exp(rng.normal(0, 0.04))) + 0.2 * rest, 0.9)
        error = 1 - final if epoch == epochs else error
        history["val_accuracy"].append(1 - error)
        history["val_loss"].append(3.2 * error)
        history["accuracy"].append(1 - 0.7 * error)
        history["loss"].append(2.4 * error)
    history["learning_rate"] = [0.003] * epochs
    history["seconds"] = [640 / float(arm.changes.get("batch_size", 64)) + 2 + 0.1 * (n == 0) for n in range(epochs)]
    return history


def study_arrays(fake: FakeStudy, plan: StudyPlan, records: Sequence[TrialRecord]) -> dict[str, Array]:
    """Return `evaluation.npz` of a study: weights shrink with L2, gradients vanish with softsign, time a step depends on batch size."""
    rng = np.random.default_rng(fake.seed + 7)
    labels = (np.arange(200) % 10).astype(np.int64)
    completed = [record for record in records if record.completed]
    arrays: dict[str, Array] = {"validation/labels": labels}
    for record in completed:
        own = weight_arrays(record, rng)
        shrink = 1 / (1 + 200 * float(record.configuration["l2"]))
        own[f"confirm/{record.trial}/weights/statistics"][:, 3] *= shrink
        key = f"confirm/{record.trial}/validation_probabilities"
        arrays |= {**own, key: probabilities(labels, 10, 1 - (record.val_accuracy or 0.9), rng)}
        arrays |= _diagnostics(fake, record, rng)
    return {**arrays, **picture_arrays(FakeRun(), completed[0], rng)}


def _diagnostics(fake: FakeStudy, record: TrialRecord, rng: np.random.Generator) -> dict[str, Array]:
    found: dict[str, Array] = {}
    prefix = f"study/{record.trial}/"
    kernels = [layer.name + fake.hostile for layer in record.layers if layer.kind in ("conv", "dense")]
    activation = str(record.configuration["activation"])
    if "gradient_norms" in fake.diagnostics:
        fade = {"relu": 0.9, "gelu": 0.95}.get(activation, 0.4)
        norms = 0.05 * fade ** np.arange(len(kernels))[::-1] * np.exp(rng.normal(0, 0.1, len(kernels)))
        found |= {prefix + "gradient_norms/names": np.array(kernels), prefix + "gradient_norms/values": norms}
    if "units" in fake.diagnostics:
        names = [layer.name for layer in record.layers if layer.kind == "activation"]
        dead = 0.1 if activation == "relu" else 0.0
        flat = 0.3 if activation in ("tanh", "softsign") else 0.0
        found |= {
            prefix + "units/names": np.array(names),
            prefix + "units/dead": np.full(len(names), dead),
            prefix + "units/saturated": np.full(len(names), flat),
        }
    size = float(record.configuration["batch_size"])
    if "gradient_noise" in fake.diagnostics:
        squared = 0.01 * float(np.exp(rng.normal(0, 0.2)))
        found[prefix + "gradient_noise"] = np.array([4.0 / squared, squared, 4.0, 32.0])
    if "step" in fake.diagnostics:
        found[prefix + "step"] = np.array([0.002 + 2e-5 * size, 4e8 + 2e5 * size])
    return found


# --- trainings ------------------------------------------------------------------------------------------------------


def build_training(folder: Path, *, known: bool = True, **changes: Any) -> Path:
    """Write a training's folder, and return it; `known`: the configuration is a reference."""
    fake = FakeRun(**{"brackets": ((0, ((1, 5),)),), "failed": 0, "finalists": 1, **changes})
    build_run(folder, fake)
    run, result = RunFolder(folder).read_run(), RunFolder(folder).read_result()
    searched = search_records(fake)
    records = [
        replace(record, phase="train", trial=f"{number:04d}")
        for number, record in enumerate(next(iter(confirm_records(fake, searched).values())), start=1)
    ]
    for place, reference in enumerate(run.references):
        reference.included = known and place == 0
    run.kind, run.plan = "train", Plan(algorithm="train", trials=len(records))
    run.command = ("mnist-tune", "train", "one-cycle-7236")
    write_document(folder / "run.json", run)
    write_journal(folder / "trials.jsonl", records)
    names = {f"{number + 1:04d}": f"{number:04d}" for number in range(1, len(records) + 1)}
    if result is not None:
        found = [Confirmed(None, tuple(records), 0)]
        write_document(folder / "result.json", result_document(found, result.test, result.model))
    with np.load(folder / "evaluation.npz") as file:
        arrays = {_renamed(key, names): file[key] for key in file.files}
    np.savez_compressed(folder / "evaluation.npz", **arrays)
    return folder


def _renamed(key: str, names: Mapping[str, str]) -> str:
    head, _, rest = key.partition("/")
    trial, slash, tail = rest.partition("/")
    return f"{head}/{names[trial]}{slash}{tail}" if head == "confirm" else key
