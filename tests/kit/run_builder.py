"""Builders of run folders with made-up values that look like real ones, without training. Same arguments, same bytes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from reports.run.run_data import RunData
from search_spaces.networks.costs import LayerSummary
from tests.kit.journal_files import encode_line
from tuner.core.records import Json, Phase, Trial, TrialRecord, Value, configuration_key, rank_key, to_json
from tuner.run.confirmation import Confirmed
from tuner.run.refit import refitted
from tuner.run.result import result_document
from tuner.storage.schema.documents import validate, write_document
from tuner.storage.schema.result import ModelFiles, ResultDocument, TestScores
from tuner.storage.schema.run import RunDocument

Array = npt.NDArray[Any]
HYPERBAND_15 = ((0, ((12, 2), (4, 5), (2, 15))), (1, ((6, 5), (2, 15))), (2, ((4, 15),)))
"""(bracket, ((size, epochs) of each rung)): the brackets of 15 epochs and factor 3."""

KINDS = ("noise", "blur", "rotation", "shift", "scale", "contrast", "occlusion")


@dataclass(frozen=True, kw_only=True)
class FakeRun:
    """The properties of a made-up run."""

    brackets: Sequence[tuple[int, Sequence[tuple[int, float]]]] = HYPERBAND_15
    iterations: int = 1
    failed: int = 2
    seeds: int = 3
    finalists: int = 2
    classes: int = 10
    class_names: Sequence[str] = ()
    data: str = "mnist"
    image_shape: tuple[int, ...] = (28, 28)
    references: bool = True
    """True if the space has published networks; false for data that are not MNIST's kind."""
    fallback: bool = False
    test: int = 10_000
    validation: int = 6_000
    status: str = "completed"
    error: str | None = None
    notes: Sequence[str] = ()
    confirm: bool = True
    refit: bool = False
    """True if the winner was trained again on all images."""
    folds: bool = False
    """True if each confirmed seed validated on other images; false in older runs."""
    arrays: bool = True
    meet_test: bool = True
    custom: bool = True
    """True if the winner was evaluated on drawn digits and the user's images; false in runs of version 0.1.0."""
    hostile: str = ""
    """A text for each place that a user's or a library's text may reach."""
    seed: int = 1
    options: Mapping[str, object] = field(default_factory=dict)
    planned: Mapping[tuple[int, int], int] = field(default_factory=dict)
    """(bracket, rung) → its planned size, where another number of trials ran."""


def build_run(folder: Path, fake: FakeRun | None = None) -> Path:
    """Write a run's folder as a finished (or broken) search leaves it, and return it."""
    fake = fake or FakeRun()
    folder.mkdir(parents=True, exist_ok=True)
    if (files := _built.get(repr(fake))) is None:
        empty = not any(folder.iterdir())
        _write_run(folder, fake)
        if empty:
            _built[repr(fake)] = {path.name: path.read_bytes() for path in folder.iterdir()}
            if len(_built) > _MOST_BUILT:
                del _built[next(iter(_built))]
        return folder
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


_MOST_BUILT = 32
_built: dict[str, dict[str, bytes]] = {}
"""Description of a run → the content of its files, of the last ones: many tests build the same run."""


def _write_run(folder: Path, fake: FakeRun) -> None:
    searched = search_records(fake)
    confirmed = confirm_records(fake, searched) if fake.confirm else {}
    records = [*searched, *(record for trials in confirmed.values() for record in trials)]
    records += refit_records(fake, confirmed)
    write_document(folder / "run.json", run_document(fake, records))
    write_journal(folder / "trials.jsonl", records, open_trials=2 if fake.status in ("running", "interrupted") else 0)
    if confirmed:
        arrays = evaluation_arrays(fake, confirmed)
        write_document(folder / "result.json", result_of(fake, confirmed, arrays))
        if fake.arrays:
            np.savez_compressed(folder / "evaluation.npz", **arrays)  # type: ignore[arg-type]


def make_record(trial: str = "0001", accuracy: float | None = 0.98, **changes: Any) -> TrialRecord:
    """Return one finished trial with readable defaults; failed where the accuracy is None."""
    base = TrialRecord(
        trial=trial,
        phase="search",
        bracket=0,
        rung=0,
        repetition=0,
        configuration={"filters": 8},
        epochs=2,
        seed=7,
        parameters=1000,
        status="failed" if accuracy is None else "completed",
        val_accuracy=accuracy,
        val_loss=None if accuracy is None else 2 * (1 - accuracy),
        epochs_run=2,
        history={},
        duration_s=10.0,
        worker=0,
    )
    return replace(base, **changes)


def make_run(records: Sequence[TrialRecord] = (), **changes: Any) -> RunData:
    """Return a run in memory."""
    return RunData(Path("run"), run_document(FakeRun(), list(records)), tuple(records), **changes)


def write_json(path: Path, document: Json) -> None:
    """Write a JSON file."""
    path.write_text(json.dumps(document, allow_nan=False), encoding="utf-8")


def write_journal(path: Path, records: Sequence[TrialRecord], open_trials: int = 0) -> None:
    """Write the journal of these records; the next `open_trials` names have only started."""
    lines = []
    for record, (start, end) in zip(records, _schedule(records), strict=True):
        started = Trial(**{name: getattr(record, name) for name in Trial.__dataclass_fields__})
        lines.append(encode_line({"event": "started", "time": clock(start), **to_json(started)}))
        document = to_json(record)
        document.pop("finished_at", None)
        lines.append(encode_line({"event": "finished", "time": clock(end), **document}))
    template = records[0] if records else make_record()
    for number in range(open_trials):
        started = Trial(**{name: getattr(template, name) for name in Trial.__dataclass_fields__})
        started = replace(started, trial=f"{len(records) + number + 1:04d}")
        lines.append(encode_line({"event": "started", "time": clock(20 * len(records)), **to_json(started)}))
    path.write_bytes(b"".join(lines))


def _schedule(records: Sequence[TrialRecord]) -> list[tuple[float, float]]:
    """Return when each trial began and ended: in the order given, each on its own worker."""
    free: dict[int, float] = {}
    last = 0.0
    found = []
    for record in records:
        last = max(last, free.get(record.worker, 0.0) + record.duration_s)
        free[record.worker] = last + 0.5
        found.append((last - record.duration_s, last))
    return found


def clock(seconds: float) -> str:
    """Return a moment of the run as text."""
    moment = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    return moment.isoformat(timespec="milliseconds")


# --- trials ---------------------------------------------------------------------------------------------------------


def draw_configuration(rng: np.random.Generator, hostile: str = "") -> dict[str, Value]:
    """Return a sampled configuration of a space like compact8k."""
    optimizer = str(rng.choice(["sgd", "momentum", "adam", "adamw"]))
    fast = optimizer in ("sgd", "momentum")
    values: dict[str, Value] = {
        "convolutions_1": int(rng.integers(1, 4)),
        "convolutions_2": int(rng.integers(1, 4)),
        "filters_1": int(rng.integers(4, 17)),
        "filters_2": int(rng.integers(4, 25)),
        "filters_3": int(rng.integers(8, 33)),
        "padding": str(rng.choice(["valid", "same"])),
        "transition": bool(rng.integers(0, 2)),
        "activation": str(rng.choice(["relu", "tanh", "softsign", "gelu"], p=[0.4, 0.15, 0.15, 0.3])) + hostile,
        "dropout": float(rng.choice([0.0, 0.01, 0.03, 0.05, 0.1])),
        "l2": float(np.round(10 ** rng.uniform(-6, -3), 8)),
        "optimizer": optimizer,
        ("learning_rate_sgd" if fast else "learning_rate_adam"): float(
            np.round(10 ** (rng.uniform(-2, -0.5) if fast else rng.uniform(-3.5, -1.5)), 6)
        ),
        "schedule": str(rng.choice(["constant", "cosine", "one-cycle"])),
        "batch_size": int(rng.choice([32, 64, 128, 256, 512])),
        "augmentation": bool(rng.integers(0, 2)),
        "label_smoothing": float(rng.choice([0.0, 0.05, 0.1])),
    }
    if values["augmentation"]:
        values["rotation"] = float(np.round(rng.uniform(3, 15), 1))
        values["shift"] = float(np.round(rng.uniform(0.0, 0.1), 3))
    return values


def network_layers(configuration: Mapping[str, Value], fake: FakeRun) -> tuple[LayerSummary, ...]:
    """Return the layers of a configuration, roughly counted."""
    height, width, channels = (*fake.image_shape, 1)[:3]
    layers = [LayerSummary("rescaling", "rescaling", (height, width, channels), 0, 0)]
    classes, side, wider = fake.classes, height, width - height
    number = 0
    stages = [[int(configuration["filters_1"])] * int(configuration["convolutions_1"])]
    stages.append([int(configuration["filters_2"])] * int(configuration["convolutions_2"]))
    for stage, filters in enumerate(stages):
        for count in filters:
            number += 1
            side -= 0 if configuration["padding"] == "same" or side < 6 else 2
            weights = 9 * channels * count
            layers.append(
                LayerSummary(
                    f"conv_{number}", "conv", (side, side + wider, count), weights, weights * side * (side + wider)
                )
            )
            layers.append(
                LayerSummary(f"norm_{number}", "batch_norm", (side, side + wider, count), 2 * count, 0, 2 * count)
            )
            layers.append(LayerSummary(f"act_{number}", "activation", (side, side + wider, count), 0, 0))
            channels = count
        if stage == 0:
            side, wider = side // 2, (side + wider) // 2 - side // 2
            layers.append(LayerSummary("pool", "pool", (side, side + wider, channels), 0, 0))
    layers.append(LayerSummary("gap", "global_average_pooling", (channels,), 0, 0))
    layers.append(LayerSummary("logits", "dense", (classes,), (channels + 1) * classes, channels * classes))
    return tuple(layers)


def quality(configuration: Mapping[str, Value], parameters: int) -> float:
    """Return the error that a configuration has after many epochs."""
    error = 0.006 * (5000 / max(parameters, 300)) ** 0.35
    error *= {"relu": 1.0, "gelu": 0.97}.get(str(configuration["activation"])[:4], 1.5)
    error *= {"constant": 1.5, "cosine": 1.05, "one-cycle": 1.0}[str(configuration["schedule"])]
    rate = float(configuration.get("learning_rate_sgd", 8 * float(configuration.get("learning_rate_adam", 0.01))))
    error *= 1 + 0.35 * abs(math.log10(rate / 0.08))
    error *= 0.8 if configuration["augmentation"] else 1.0
    return float(error * (1 + 0.8 * float(configuration["dropout"])))


def train(fake: FakeRun, trial: Trial, rng: np.random.Generator, layers: tuple[LayerSummary, ...]) -> TrialRecord:
    """Return a completed record of a trial that was never trained."""
    final = quality(trial.configuration, trial.parameters) * (1 + 2.2 / trial.epochs) * (0.4 + 0.06 * fake.classes)
    final = min(0.6, final * float(np.exp(rng.normal(0, 0.07))))
    passes = math.ceil(trial.epochs)
    history: dict[str, list[float]] = {name: [] for name in ("loss", "accuracy", "val_loss", "val_accuracy")}
    for epoch in range(1, passes + 1):
        error = final * (1 + 9 * ((passes - epoch) / passes) ** 2) * float(np.exp(rng.normal(0, 0.08)))
        error = min(error, 0.9) if epoch < passes else final
        history["val_accuracy"].append(round((1 - error) * fake.validation) / fake.validation)
        history["val_loss"].append(3.2 * error)
        history["accuracy"].append(1 - 1.3 * min(error, 0.7))
        history["loss"].append(4.0 * error)
    peak = float(trial.configuration.get("learning_rate_sgd", trial.configuration.get("learning_rate_adam", 0.01)))
    history["learning_rate"] = [
        max(peak * math.sin(math.pi * (epoch + 0.5) / passes), peak / 1000) for epoch in range(passes)
    ]
    history["seconds"] = [trial.share * (19.0 + 0.1 * epoch) for epoch in range(passes)]
    fields = {name: getattr(trial, name) for name in Trial.__dataclass_fields__}
    return TrialRecord(
        **fields,
        status="completed",
        val_accuracy=history["val_accuracy"][-1],
        val_loss=history["val_loss"][-1],
        epochs_run=passes,
        history=history,
        duration_s=19.3 * trial.epochs,
        worker=int(trial.trial) % 2,
        layers=layers,
    )


def fail(fake: FakeRun, record: TrialRecord, number: int) -> TrialRecord:
    """Return the same trial, failed."""
    reasons = ("the loss diverged in epoch 1", "ran out of memory: 2.1 GiB asked for, 0.4 GiB free")
    history = {"loss": [math.nan], "val_accuracy": [math.nan], "val_loss": [math.nan], "accuracy": [math.nan]}
    return replace(
        record,
        status="failed",
        val_accuracy=None,
        val_loss=None,
        epochs_run=1,
        history=history,
        error=reasons[number % 2] + fake.hostile,
    )


def search_records(fake: FakeRun) -> list[TrialRecord]:
    """Return the trials of all brackets, in the order of the plan."""
    rng = np.random.default_rng(fake.seed)
    records: list[TrialRecord] = []
    failed = 0
    for iteration in range(fake.iterations):
        for bracket, rungs in fake.brackets:
            candidates = [draw_fitting(rng, fake) for _ in range(rungs[0][0])]
            for rung, (size, epochs) in enumerate(rungs):
                here: list[TrialRecord] = []
                for configuration in candidates[:size]:
                    trial = make_trial(
                        len(records) + len(here) + 1,
                        "search",
                        configuration,
                        epochs,
                        fake,
                        bracket=bracket + iteration * len(fake.brackets),
                        rung=rung,
                    )
                    record = train(fake, trial, rng, network_layers(configuration, fake))
                    if failed < fake.failed and rung == 0 and int(trial.trial) % 3 == 1:
                        record = fail(fake, record, failed)
                        failed += 1
                    here.append(record)
                records += here
                candidates = [r.configuration for r in sorted(here, key=rank_key) if r.completed]  # type: ignore[misc]
    return records


def draw_fitting(rng: np.random.Generator, fake: FakeRun) -> dict[str, Value]:
    """Return a sampled configuration under 8,000 parameters."""
    while True:
        configuration = draw_configuration(rng, fake.hostile)
        if sum(layer.parameters for layer in network_layers(configuration, fake)) <= 8000:
            return configuration


def make_trial(
    number: int,
    phase: Phase,
    configuration: Mapping[str, Value],
    epochs: float,
    fake: FakeRun,
    **places: int,
) -> Trial:
    """Return a trial of a configuration."""
    repetition = places.get("repetition", 0)
    return Trial(
        trial=f"{number:04d}",
        phase=phase,
        bracket=places.get("bracket"),
        rung=places.get("rung"),
        repetition=repetition,
        configuration=configuration,
        epochs=epochs,
        seed=1_234_567 + repetition,
        parameters=sum(layer.parameters for layer in network_layers(configuration, fake)),
        fold=repetition if fake.folds and phase == "confirm" else 0,
    )


def confirm_records(fake: FakeRun, searched: Sequence[TrialRecord]) -> dict[str, list[TrialRecord]]:
    """Return each finalist's repetitions by its configuration's key, best mean first."""
    completed = [record for record in searched if record.completed]
    if not completed:
        return {}
    longest = max(record.epochs for record in completed)
    best: dict[str, TrialRecord] = {}
    for record in sorted(completed, key=rank_key):
        if record.epochs == longest:
            best.setdefault(configuration_key(record.configuration), record)
    rng = np.random.default_rng(fake.seed + 100)
    found: dict[str, list[TrialRecord]] = {}
    number = len(searched)
    for key, record in list(best.items())[: fake.finalists]:
        for repetition in range(1, fake.seeds + 1):
            number += 1
            trial = make_trial(number, "confirm", record.configuration, longest, fake, repetition=repetition)
            found.setdefault(key, []).append(train(fake, trial, rng, record.layers))
    return dict(sorted(found.items(), key=lambda item: -mean_accuracy(item[1])))


def refit_records(fake: FakeRun, confirmed: Mapping[str, Sequence[TrialRecord]]) -> list[TrialRecord]:
    """Return the refits of the winner's seeds, without validation figures, numbered after the confirmation."""
    if not fake.refit or not confirmed:
        return []
    first = max(int(record.trial) for records in confirmed.values() for record in records)
    return [
        replace(
            record,
            trial=f"{first + record.repetition:04d}",
            phase="refit",
            val_accuracy=None,
            val_loss=None,
            history={m: values for m, values in record.history.items() if not m.startswith("val_")},
            duration_s=1.1 * record.duration_s,
        )
        for record in next(iter(confirmed.values()))
    ]


def mean_accuracy(records: Sequence[TrialRecord]) -> float:
    """Return the mean validation accuracy."""
    return float(np.mean([record.val_accuracy or 0.0 for record in records]))


# --- arrays ---------------------------------------------------------------------------------------------------------


def probabilities(labels: Array, classes: int, error: float, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Return probabilities that classify about this fraction of the labels wrongly."""
    logits = rng.normal(0, 1.0, (len(labels), classes))
    logits[np.arange(len(labels)), labels] += 9
    wrong = rng.random(len(labels)) < error
    near = (labels + 1 + rng.geometric(0.5, len(labels))) % classes
    logits[wrong, labels[wrong]] -= rng.uniform(5, 9, int(wrong.sum()))
    logits[wrong, near[wrong]] += rng.uniform(4, 9, int(wrong.sum()))
    exponential = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponential / exponential.sum(axis=1, keepdims=True), dtype=np.float32)


def fake_images(fake: FakeRun, labels: Array, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Return images of the run's shape that depend on the label: strokes for MNIST's shape, else discs on a ground."""
    if fake.image_shape == (28, 28):
        return fake_digits(labels, rng)
    height, width = fake.image_shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    images = np.zeros((len(labels), *fake.image_shape))
    for index, label in enumerate(labels):
        angle, channels = 2 * math.pi * float(label) / fake.classes, fake.image_shape[2:] or (1,)
        disc = (np.hypot(x - 0.4 * math.cos(angle), y - 0.4 * math.sin(angle)) < rng.uniform(0.3, 0.6))[..., None]
        ground, paint = rng.uniform(120, 255, channels), 127 + 127 * np.cos(angle + np.arange(channels[0]) * 2.1)
        images[index] = np.where(disc, paint, ground * (1 - 0.2 * y[..., None])).reshape(fake.image_shape)
    return np.asarray(np.clip(images + rng.normal(0, 6, images.shape), 0, 255), dtype=np.uint8)


def fake_digits(labels: Array, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Return images (n, 28, 28) with strokes that depend on the label."""
    grid = np.linspace(-1, 1, 28)
    x, y = np.meshgrid(grid, grid)
    images = np.zeros((len(labels), 28, 28))
    for index, label in enumerate(labels):
        angle = math.pi * float(label) / 7 + float(rng.normal(0, 0.12))
        u, v = x * math.cos(angle) + y * math.sin(angle), y * math.cos(angle) - x * math.sin(angle)
        ring = np.exp(-(((np.hypot(1.2 * u, v) - 0.5 - 0.02 * (int(label) % 3)) / 0.12) ** 2))
        bar = np.exp(-((u / 0.13) ** 2)) * (np.abs(v) < 0.75)
        images[index] = bar if int(label) % 2 else ring * (u > -0.3 - 0.05 * int(label))
    return np.asarray(np.clip(255 * images + rng.normal(0, 3, images.shape), 0, 255), dtype=np.uint8)


def weight_arrays(record: TrialRecord, rng: np.random.Generator) -> dict[str, Array]:
    """Return `confirm/<trial>/weights/…`."""
    kernels = [layer for layer in record.layers if layer.kind in ("conv", "dense")]
    rows, counts, edges, shapes = [], [], [], []
    channels = 1
    for layer in kernels:
        filters = layer.shape[-1]
        shapes.append(f"3×3×{channels}×{filters}" if layer.kind == "conv" else f"{channels}×{filters}")
        size = (9 * channels if layer.kind == "conv" else channels) * filters
        weights = rng.normal(0, (2 / (size / filters)) ** 0.5, size)
        near = float((np.abs(weights) < 0.01 * np.abs(weights).max()).mean())
        low, high = float(weights.min()), float(weights.max())
        norm = float(np.linalg.norm(weights))
        rows.append([size, float(weights.mean()), float(weights.std()), norm, low, high, near, filters, 0])
        count, edge = np.histogram(weights, bins=40)
        counts.append(count)
        edges.append(edge)
        channels = filters
    prefix = f"{'refit' if record.phase == 'refit' else 'confirm'}/{record.trial}/weights/"
    return {
        prefix + "names": np.array([layer.name for layer in kernels]),
        prefix + "shapes": np.array(shapes),
        prefix + "statistics": np.array(rows),
        prefix + "histogram_counts": np.array(counts),
        prefix + "histogram_edges": np.array(edges),
    }


def evaluation_arrays(fake: FakeRun, confirmed: Mapping[str, Sequence[TrialRecord]]) -> dict[str, Array]:
    """Return the arrays of `evaluation.npz`."""
    rng = np.random.default_rng(fake.seed + 7)
    labels = np.arange(fake.validation) % fake.classes
    arrays: dict[str, Array] = {"validation/labels": labels.astype(np.int64)}
    for records in confirmed.values():
        for record in records:
            error = 1 - (record.val_accuracy or 0.9)
            key = f"confirm/{record.trial}/validation_probabilities"
            arrays[key] = probabilities(labels, fake.classes, error, rng)
            if record.fold:
                arrays[f"confirm/{record.trial}/validation_labels"] = labels.astype(np.int64)
            arrays |= weight_arrays(record, rng)
    arrays |= picture_arrays(fake, next(iter(confirmed.values()))[0], rng)
    if fake.meet_test:
        arrays |= measured_arrays(fake, confirmed, rng)
    for refit in refit_records(fake, confirmed):
        arrays |= weight_arrays(refit, rng)
    if fake.custom:
        arrays |= drawn_arrays(fake) | own_arrays(fake)
    return arrays


def drawn_arrays(fake: FakeRun) -> dict[str, Array]:
    """Return `custom/drawn/…`: 200 digits, one of them rejected; none where the classes are not digits."""
    rng = np.random.default_rng(fake.seed + 11)
    labels = np.arange(200 if fake.data == "mnist" and fake.classes == 10 else 0) % 10
    scores = probabilities(labels, 10, 0.06, rng)
    scores[3:4] = np.nan
    wrong = np.flatnonzero(np.nan_to_num(scores).argmax(axis=1) != labels)
    shown = np.concatenate([wrong[:5], np.arange(20, 24)])[: len(labels)]
    return {
        "custom/drawn/seed": np.array(fake.seed),
        "custom/drawn/labels": labels.astype(np.int64),
        "custom/drawn/probabilities": scores,
        "custom/drawn/warnings": np.array(
            ["several digits or marks" if k == 3 else "" for k in range(len(labels))], np.str_
        ),
        "custom/drawn/shown": shown.astype(np.int64),
        "custom/drawn/originals": rng.integers(0, 255, (len(shown), 50, 50), dtype=np.uint8),
        "custom/drawn/seen": fake_digits(labels[shown], rng),
    }


def own_arrays(fake: FakeRun) -> dict[str, Array]:
    """Return `custom/own/…`: a right image, a wrong one, one of an unknown class, a blank one, a damaged one."""
    rng = np.random.default_rng(fake.seed + 13)
    labels = np.array([0, 1, -1, 1, 0])
    scores = np.full((5, fake.classes), 0.1 / fake.classes, np.float32)
    scores[[0, 1, 2], [0, 0, 1]] += 0.9
    scores[3:] = np.nan
    names = ("0/right.png", "1/wrong.png", "unknown.png", "1/blank.png", "0/damaged.png")
    return {
        "custom/own/names": np.array([name + fake.hostile for name in names]),
        "custom/own/labels": labels,
        "custom/own/warnings": np.array(["", "", "", "blank: no ink was found", "damaged" + fake.hostile]),
        "custom/own/readable": np.array([True, True, True, True, False]),
        "custom/own/probabilities": scores,
        "custom/own/shown": np.arange(5),
        "custom/own/originals": rng.integers(0, 255, (5, 64, 64, 3), dtype=np.uint8),
        "custom/own/sizes": np.array([[64, 48], [40, 64], [64, 64], [64, 64], [0, 0]]),
        "custom/own/seen": fake_images(fake, np.maximum(labels, 0), rng),
    }


def picture_arrays(fake: FakeRun, record: TrialRecord, rng: np.random.Generator) -> dict[str, Array]:
    """Return kernels, feature maps and samples of the training images."""
    filters = record.layers[1].shape[-1]
    labels = np.arange(2 * fake.classes) % fake.classes if fake.classes <= 10 else np.arange(40) % fake.classes
    images = fake_images(fake, labels, rng)
    convolutions = [layer for layer in record.layers if layer.kind in ("conv", "pool")]
    arrays: dict[str, Array] = {
        "kernels": rng.normal(0, 0.4, (3, 3, *fake.image_shape[2:], filters)).astype(np.float32),
        "features/example": images[3 % len(images)],
        "features/names": np.array([layer.name for layer in convolutions]),
        "images/samples": images,
        "images/sample_labels": labels.astype(np.int64),
        "images/augmented": np.roll(images, (1, -2), axis=(1, 2)),
    }
    source = images[3 % len(images)].astype(np.float64) / 255
    source = source if source.ndim == 2 else source.mean(axis=2)
    for place, layer in enumerate(convolutions):
        rows, columns = (
            np.linspace(0, side - 1, layer.shape[axis]).astype(np.int64) for axis, side in enumerate(source.shape)
        )
        small = source[np.ix_(rows, columns)]
        scale = rng.normal(0.6, 0.5, layer.shape[-1])
        arrays[f"features/{place}"] = np.maximum(0, small[:, :, None] * scale).astype(np.float32)
    return arrays


def measured_arrays(
    fake: FakeRun, confirmed: Mapping[str, Sequence[TrialRecord]], rng: np.random.Generator
) -> dict[str, Array]:
    """Return the arrays of the evaluation on the test set."""
    winner = next(iter(confirmed.values()))
    labels = np.arange(fake.test) % fake.classes
    error = 1 - mean_accuracy(winner)
    scores = [probabilities(labels, fake.classes, error, rng) for _ in winner]
    exported = scores[len(scores) // 2]
    own = exported[np.arange(len(labels)), labels]
    wrong = np.flatnonzero(exported.argmax(axis=1) != labels)
    wrong = wrong[np.argsort(own[wrong], kind="stable")][:200]
    right = np.flatnonzero(exported.argmax(axis=1) == labels)
    shown = np.concatenate([wrong, right[np.argsort(own[right], kind="stable")][:60]])
    levels = np.array([np.linspace(0, top, 6) for top in (0.5, 2.0, 45.0, 6.0, 0.5, 0.9, 14.0)])
    drop = np.array([[0.12], [0.2], [0.35], [0.5], [0.25], [0.08], [0.4]])
    base = float((exported.argmax(axis=1) == labels).mean())
    return {
        "test/labels": labels.astype(np.int64),
        "test/probabilities": exported,
        "test/predictions_per_seed": np.array([score.argmax(axis=1) for score in scores], dtype=np.int64),
        "robustness/kinds": np.array(KINDS),
        "robustness/units": np.array(["sd", "pixels", "degrees", "pixels", "of size", "of contrast", "pixels"]),
        "robustness/levels": levels,
        "robustness/accuracy": base - drop * np.linspace(0, 1, 6) ** 2,
        "images/test_indices": shown.astype(np.int64),
        "images/test": fake_images(fake, labels[shown], rng),
    }


# --- documents ------------------------------------------------------------------------------------------------------


def run_document(fake: FakeRun, records: Sequence[TrialRecord]) -> RunDocument:
    """Return `run.json`."""
    done = fake.status == "completed"
    names = list(fake.class_names) or [str(index) + fake.hostile for index in range(fake.classes)]
    per_class = [6000 // fake.classes * 9] * fake.classes
    document = {
        "program": {"name": "mnist-tune", "version": "0.1.0"},
        "command": ["mnist-tune", "--space", "compact8k" + fake.hostile, "--data", fake.data, "--seed", "1"],
        "options": {"space": "compact8k", "data": fake.data, "max_epochs": 15, "factor": 3, **fake.options},
        "seed": fake.seed,
        "space": {
            "name": "compact8k" + fake.hostile,
            "max_params": 8000,
            "max_macs": 2_500_000,
            "hyperparameters": hyperparameters(fake.hostile),
        },
        "references": references(fake.hostile) if fake.references else [],
        "data": {
            "name": fake.data,
            "sha256": "0123456789abcdef" * 4,
            "fallback": fake.fallback,
            "image_shape": list(fake.image_shape),
            "classes": fake.classes,
            "class_names": names,
            "train": 54_000,
            "validation": fake.validation,
            "test": fake.test,
            "class_counts": {
                "train": per_class,
                "validation": [fake.validation // fake.classes] * fake.classes,
                "test": [fake.test // fake.classes] * fake.classes,
            },
            "mean": 0.1307,
            "sd": 0.3081,
            "pixel_histogram": [3_000_000, *(4000 + 20 * abs(128 - k) for k in range(254)), 300_000],
        },
        "plan": {
            "algorithm": "hyperband",
            "brackets": [
                {
                    "bracket": bracket + iteration * len(fake.brackets),
                    "rungs": [
                        {"rung": k, "size": fake.planned.get((bracket, k), size), "epochs": n}
                        for k, (size, n) in enumerate(rungs)
                    ],
                }
                for iteration in range(fake.iterations)
                for bracket, rungs in fake.brackets
            ],
            "trials": fake.iterations * sum(size for _, rungs in fake.brackets for size, _ in rungs),
            "epochs": fake.iterations * sum(size * n for _, rungs in fake.brackets for size, n in rungs)
            + fake.finalists * fake.seeds * max((n for _, rungs in fake.brackets for _, n in rungs), default=0),
        },
        "versions": {"python": "3.12.4", "keras": "3.15.1", "tensorflow": "2.21.0", "backend": "tensorflow"},
        "machine": {
            "system": "Linux 6.8",
            "processor": "AMD EPYC" + fake.hostile,
            "cores": 2,
            "memory_bytes": 8_000_000_000,
            "accelerators": [],
        },
        "nondeterminism": [],
        "notes": [note + fake.hostile for note in fake.notes],
        "status": fake.status,
        "error": fake.error,
        "times": {
            "started": clock(0),
            "ended": clock(3900) if done else None,
            "elapsed_s": 3905.0,
            "phases": {"search": 2800.0, "confirm": 1000.0, "evaluate": 100.0} if done else {},
        },
    }
    return validate(document, RunDocument)


def hyperparameters(hostile: str = "") -> list[Json]:
    """Return the space's hyperparameters as in `run.json`."""

    def item(name: str, kind: str, values: Sequence[Value] | None = None, **more: object) -> Json:
        blank = {"values": values, "min": None, "max": None, "step": None, "sampling": None, "conditions": []}
        return {"name": name, "kind": kind, "default": None, **blank, **more}

    rates = {"kind": "float", "sampling": "log"}
    return [
        item("convolutions_1", "int", min=1, max=3),
        item("convolutions_2", "int", min=1, max=3),
        item("filters_1", "int", min=4, max=16, sampling="linear", description="filters of stage 1's convolutions"),
        item("filters_2", "int", min=4, max=24, sampling="linear"),
        item("filters_3", "int", min=8, max=32, sampling="linear"),
        item("padding", "choice", ["valid", "same"], description="of all convolutions" + hostile),
        item("transition", "boolean"),
        item("activation", "choice", [name + hostile for name in ("relu", "tanh", "softsign", "gelu")]),
        item("dropout", "choice", [0.0, 0.01, 0.03, 0.05, 0.1]),
        item("l2", min=1e-6, max=1e-3, **rates),
        item("optimizer", "choice", ["sgd", "momentum", "adam", "adamw"]),
        item("learning_rate_sgd", min=0.01, max=0.3, **rates),
        item("learning_rate_adam", min=0.0003, max=0.03, **rates),
        item("schedule", "choice", ["constant", "cosine", "one-cycle"]),
        item("batch_size", "choice", [32, 64, 128, 256, 512]),
        item("augmentation", "boolean"),
        item("rotation", "float", min=3.0, max=15.0, conditions=[{"name": "augmentation", "values": [True]}]),
        item("shift", "float", min=0.0, max=0.1, conditions=[{"name": "augmentation", "values": [True]}]),
        item("label_smoothing", "choice", [0.0, 0.05, 0.1]),
    ]


def references(hostile: str = "") -> list[Json]:
    """Return published networks as in `run.json`."""
    rows = [
        ("one-cycle-7236", "C8 C16 P 1×1·8 C12 C16 C20 GAP 1×1·10", 7236, 0.9953, 15, True),
        ("plain-6664", "C8 C10 P 1×1·8 C16 C16 1×1·10 C20 1×1·10 GAP", 6664, 0.9936, 15, True),
        ("tiny-697", "C6s P S5 S9 S10 S8 GAP dense 10", 697, 0.9903, 2000, False),
        ("wide-9994", "C10 C30 1×1·10 P C14 C14 C14 C14s GAP 1×1·10", 9994, 0.9961, 15, False),
    ]
    return [
        {
            "name": name + hostile,
            "network": network,
            "parameters": parameters,
            "multiply_adds": 400 * parameters,
            "published_accuracy": accuracy,
            "published_epochs": epochs,
            "source": "a public notebook" + hostile,
            "assumed": "momentum .9" + hostile if included else "",
            "trial": f"{place:04d}" if included else None,
            "fits": parameters <= 8000,
            "included": included,
        }
        for place, (name, network, parameters, accuracy, epochs, included) in enumerate(rows, start=2)
    ]


def result_of(
    fake: FakeRun, confirmed: Mapping[str, Sequence[TrialRecord]], arrays: Mapping[str, Array]
) -> ResultDocument:
    """Return `result.json`."""
    found = [Confirmed("0018", tuple(records), 0) for records in confirmed.values()]
    refits = refit_records(fake, confirmed)
    test = scores_of(fake, arrays) if fake.meet_test else None
    model = ModelFiles(savedmodel=True, keras=True, difference=3e-7)
    refit = refitted(found[0], refits, 54_000 + fake.validation) if refits else None
    return result_document(found, test, model, refit=refit)


def scores_of(fake: FakeRun, arrays: Mapping[str, Array]) -> TestScores:
    """Return the test scores, counted from the arrays."""
    labels, table = arrays["test/labels"], arrays["test/probabilities"]
    per_seed = [float((row == labels).mean()) for row in arrays["test/predictions_per_seed"]]
    share = float((table.argmax(axis=1) == labels).mean())
    half = 1.96 * math.sqrt(share * (1 - share) / fake.test)
    return TestScores(
        n=fake.test,
        accuracy=float(np.mean(per_seed)),
        sd=float(np.std(per_seed, ddof=1)) if len(per_seed) > 1 else None,
        per_seed=tuple(per_seed),
        exported_accuracy=share,
        errors=round((1 - share) * fake.test),
        interval=(share - half, min(1.0, share + half)),
        precision=share,
        recall=share,
        f1=share,
        auc_roc=0.9999,
        log_loss=0.0187,
        calibration_error=0.0021,
    )
