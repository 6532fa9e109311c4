"""The JSON documents of a run's folder as they come from anybody: what they must look like.

The contract in words is docs/run-folder.md. What is checked here is all that readers rely on: types, ranges, lengths; keys that aren't named
are passed over. What a document means is not looked at; how one is read is in `tuner.json_files`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from tuner.shapes import (
    LARGEST,
    Shape,
    ShapeError,
    either,
    keyed,
    many,
    number,
    one_of,
    optional,
    scalar,
    table,
    text,
    truth,
    whole,
)

MOST_CLASSES = 1000
MOST_EPOCHS = 1_000_000

_TRIAL = re.compile(r"\d{4,12}", re.ASCII)


def _trial_name(value: object) -> None:
    if not isinstance(value, str) or _TRIAL.fullmatch(value) is None:
        raise ShapeError(f"is no name of a trial such as 0001. Received: {str(value)[:40]!r}")


_COUNT = whole()
_SHARE = number(0, 1)
_SIGNED = number()
_EPOCHS = whole(0, MOST_EPOCHS)
_LENGTH = either(number(0.01, 0.99), _EPOCHS)
"""Of a training in epochs; below 1 a share of the images."""
_SIZE = optional(_COUNT)
_PLACE = optional(whole(0, 10**6))
CONFIGURATION = table(scalar)
_ANYTHING_FLAT: Shape = either(optional(scalar), many(optional(scalar)), table(optional(scalar)))

_HYPERPARAMETER = keyed(
    {"name": text, "kind": text},
    {
        "values": optional(many(scalar)),
        "min": optional(_SIGNED),
        "max": optional(_SIGNED),
        "step": optional(_SIGNED),
        "sampling": optional(text),
        "conditions": optional(many(keyed({"name": text, "values": many(scalar)}))),
        "default": optional(scalar),
        "description": optional(text),
    },
)
_REFERENCE = keyed(
    {"name": text, "parameters": _COUNT},
    {
        "network": text,
        "multiply_adds": _SIZE,
        "published_accuracy": optional(_SHARE),
        "published_epochs": optional(_EPOCHS),
        "published_scores": optional(table(_SIGNED)),
        "source": optional(text),
        "fits": optional(truth),
        "included": optional(truth),
        "trial": optional(_trial_name),
        "scaled": optional(_trial_name),
        "assumed": optional(text),
    },
)
_CLASS_COUNTS = many(_COUNT, MOST_CLASSES)
_DATA = keyed(
    {"name": text, "classes": whole(1, MOST_CLASSES), "train": _COUNT, "validation": _COUNT, "test": _COUNT},
    {
        "sha256": optional(text),
        "fallback": optional(truth),
        "class_names": optional(many(text, MOST_CLASSES)),
        "class_counts": optional(table(_CLASS_COUNTS)),
        "mean": optional(_SIGNED),
        "sd": optional(_SIGNED),
        "pixel_histogram": optional(many(_COUNT, 256)),
    },
)
NAMES_OF_CLASSES = keyed({}, {"data": keyed({}, {"class_names": optional(many(text, MOST_CLASSES))})})
"""What of run.json a model needs."""
_RUNG = keyed({"rung": whole(0, 10**6), "size": whole(0, 10**6), "epochs": _LENGTH})
_PLAN = keyed(
    {},
    {
        "algorithm": optional(text),
        "brackets": optional(many(keyed({"bracket": whole(0, 10**6), "rungs": many(_RUNG, 1000)}), 10_000)),
        "trials": _SIZE,
        "epochs": optional(number(0, 10**12)),
        "exhausted": optional(truth),
    },
)
_STUDY = keyed(
    {
        "hyperparameter": text,
        "name": text,
        "base": text,
        "seeds": whole(1, 10_000),
        "arms": many(
            keyed(
                {"label": text, "configuration": CONFIGURATION, "epochs": _EPOCHS},
                {"value": optional(scalar), "parameters": _SIZE},
            ),
            1000,
        ),
    },
    {"preset": optional(truth), "question": optional(text), "diagnostics": optional(many(text))},
)
_IMAGE_FORMAT = keyed({"shape": many(whole(1, 10**6), 8), "dtype": one_of("uint8", "float32")})
_MODEL = keyed(
    {
        "network": _IMAGE_FORMAT,
        "fit": _IMAGE_FORMAT,
        "scale": _SIGNED,
        "offset": _SIGNED,
        "output": one_of("probabilities", "logits", "scores", "binary"),
        "curves": one_of("callbacks", "returned", "none"),
        "portable": truth,
        "savedmodel": truth,
    }
)
SPACE_OF_MODEL = keyed({}, {"space": keyed({}, {"name": text, "model": optional(_MODEL)})})
"""What of run.json says whether a model has code of its own."""
RUN: Shape = keyed(
    {
        "program": keyed({"version": text}),
        "command": many(text),
        "options": table(_ANYTHING_FLAT),
        "seed": whole(0, LARGEST),
        "space": keyed(
            {"name": text},
            {
                "max_params": _SIZE,
                "max_macs": _SIZE,
                "hyperparameters": optional(many(_HYPERPARAMETER, 1000)),
                "model": optional(_MODEL),
            },
        ),
        "data": _DATA,
        "plan": _PLAN,
        "versions": table(scalar),
        "machine": table(_ANYTHING_FLAT),
        "status": one_of("running", "completed", "failed", "interrupted"),
        "times": keyed(
            {"started": text},
            {"ended": optional(text), "elapsed_s": optional(number(0)), "phases": optional(table(optional(number(0))))},
        ),
    },
    {
        "kind": optional(one_of("search", "train", "study")),
        "references": optional(many(_REFERENCE, 1000)),
        "study": optional(_STUDY),
        "journal": optional(keyed({}, {"chained": truth})),
        "nondeterminism": optional(many(text)),
        "notes": optional(many(text)),
        "error": optional(text),
    },
)
"""run.json."""

RUN_TO_RESUME: Shape = keyed(
    {
        "references": many(keyed({"name": text, "included": truth}), 1000),
        "notes": many(text),
        "data": keyed({"sha256": text, "fallback": truth}, {"splits_sha256": text}),
        "times": keyed({"elapsed_s": number(0), "phases": table(number(0))}),
    }
)
"""What of run.json going on with a run needs besides."""

_LAYER = keyed(
    {"name": text, "kind": text, "shape": many(_COUNT, 16), "parameters": _COUNT, "multiply_adds": whole(0, 10**15)},
    {"non_trainable": _COUNT},
)
_TRIAL_KEYS: Mapping[str, Shape] = {
    "trial": _trial_name,
    "phase": one_of("search", "confirm", "refit", "train", "study"),
    "bracket": _PLACE,
    "rung": _PLACE,
    "repetition": whole(0, 10**6),
    "configuration": CONFIGURATION,
    "epochs": _LENGTH,
    "seed": whole(0, LARGEST),
    "parameters": _COUNT,
}
_FOLD = whole(0, 10**6)
_LATER_KEYS: Mapping[str, Shape] = {"time": text, "fold": _FOLD, "origin": text, "previous": text}
STARTED: Shape = keyed(_TRIAL_KEYS, _LATER_KEYS)
"""A line of trials.jsonl."""
FINISHED: Shape = keyed(
    {
        **_TRIAL_KEYS,
        "status": one_of("completed", "failed"),
        "val_accuracy": optional(_SHARE),
        "val_loss": optional(_SIGNED),
        "epochs_run": _EPOCHS,
        "history": table(many(optional(_SIGNED))),
        "duration_s": number(0),
        "worker": whole(0, 10**6),
        "layers": many(_LAYER, 10_000),
        "error": optional(text),
    },
    _LATER_KEYS,
)
"""A line of trials.jsonl."""

_SCORES = many(optional(_SHARE), 10_000)
_PAIR = many(_SIGNED, exactly=2)
_VALIDATION = keyed(
    {},
    {
        "n": optional(_COUNT),
        "mean": optional(_SHARE),
        "sd": optional(number(0)),
        "per_seed": optional(_SCORES),
        "loss_mean": optional(_SIGNED),
    },
)
_TRIALS = many(_trial_name, 10_000)
_FINALIST = keyed(
    {"configuration": CONFIGURATION, "parameters": _COUNT, "trials": _TRIALS, "validation": _VALIDATION},
    {"multiply_adds": _SIZE, "search_trial": optional(_trial_name)},
)
_TEST_NUMBERS = ("precision", "recall", "f1", "auc_roc", "log_loss", "calibration_error")
_TEST = keyed(
    {"n": _COUNT, "accuracy": _SHARE},
    {
        "sd": optional(number(0)),
        "per_seed": optional(many(_SHARE, 10_000)),
        "exported_accuracy": optional(_SHARE),
        "errors": _SIZE,
        "accuracy_ci95": optional(_PAIR),
        **{name: optional(_SIGNED) for name in _TEST_NUMBERS},
    },
)
_COMPARISON = keyed(
    {"label": text, "n": _COUNT, "verdict": one_of("better", "worse", "no difference shown")},
    {"ci95": optional(_PAIR), **{name: optional(_SIGNED) for name in ("difference", "sd", "t", "p", "p_holm")}},
)
RESULT: Shape = keyed(
    {
        "trial": _trial_name,
        "trials": _TRIALS,
        "configuration": CONFIGURATION,
        "parameters": _COUNT,
        "epochs": _LENGTH,
        "validation": _VALIDATION,
    },
    {
        "fold": _FOLD,
        "multiply_adds": _SIZE,
        "layers": optional(many(_LAYER, 10_000)),
        "target": optional(keyed({"accuracy": _SHARE, "reached": truth})),
        "refit": optional(keyed({"trials": _TRIALS, "trial": _trial_name, "images": _COUNT})),
        "test": optional(_TEST),
        "finalists": optional(many(_FINALIST, 10_000)),
        "model": optional(table(_ANYTHING_FLAT)),
        "files": optional(table(text)),
        "study": optional(keyed({}, {"comparisons": optional(many(_COMPARISON)), "conclusion": optional(text)})),
    },
)
"""result.json."""

_TENSOR = keyed(
    {"name": text, "dtype": text, "shape": many(optional(_COUNT), 8), "range": _PAIR}, {"scale": optional(_SIGNED)}
)
_EXPORTED = keyed(
    {
        "file": text,
        "size_bytes": _SIZE,
        "difference": number(0),
        "equal_classes": _SHARE,
        "accuracy": _SHARE,
        "keras_accuracy": _SHARE,
        "latency_s": number(0),
        "latency_method": text,
        "images": keyed({"split": one_of("test", "validation"), "n": _COUNT}),
        "signature": keyed({"input": _TENSOR, "output": _TENSOR}),
    }
)
EXPORTS: Shape = keyed({"formats": table(_EXPORTED)})
"""export.json."""


def event_shape(event: Mapping[str, object]) -> Shape:
    """What a line of the journal must look like."""
    return STARTED if event.get("event") == "started" else FINISHED
