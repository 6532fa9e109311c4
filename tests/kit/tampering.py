"""Manipulations of a run, each with the check of `mnist-tune verify` that detects it. For a search with seeds confirmed on folds.

A careful tamperer writes checksums, chain and digests anew; a careless one doesn't.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.kit.journal_files import chain_lines, encode_line, read_journal
from tuner.core.records import Json
from tuner.stats.metrics import score_seeds, score_test_set
from tuner.storage.npz_io import read_npz, write_npz
from tuner.storage.run_folder import RunFolder, file_digests


@dataclass(frozen=True)
class Victim:
    """A copy of a run to manipulate."""

    path: Path

    def document(self, name: str) -> Json:
        found: Json = json.loads((self.path / name).read_text(encoding="utf-8"))
        return found

    def edit(self, name: str, change: Callable[[Json], object]) -> None:
        """Change run.json or result.json."""
        document = self.document(name)
        change(document)
        (self.path / name).write_text(json.dumps(document), encoding="utf-8")

    @property
    def journal(self) -> Path:
        return self.path / "trials.jsonl"

    @property
    def lines(self) -> list[bytes]:
        return self.journal.read_bytes().splitlines(keepends=True)

    def edit_lines(self, change: Callable[[list[bytes]], list[bytes]]) -> None:
        """Change lines of the journal as they are."""
        self.journal.write_bytes(b"".join(change(self.lines)))

    def edit_events(self, change: Callable[[list[Json]], object]) -> None:
        """Change events of the journal, and correct its checksums and chain."""
        events = read_journal(self.journal)
        change(events)
        self.journal.write_bytes(chain_lines(events))

    def edit_trial(self, trial: str, change: Callable[[Json], object]) -> None:
        """Change every line of a trial."""

        def change_lines(events: list[Json]) -> None:
            for event in events:
                if event["trial"] == trial:
                    change(event)

        self.edit_events(change_lines)

    def finished(self, phase: str = "search") -> list[Json]:
        """Return the finished events of a phase, best first."""
        found = [e for e in read_journal(self.journal) if e["event"] == "finished" and e["phase"] == phase]
        return sorted(found, key=lambda event: -event["val_accuracy"])

    @property
    def best(self) -> str:
        return str(self.finished()[0]["trial"])

    @property
    def worst(self) -> str:
        return str(self.finished()[-1]["trial"])

    @property
    def exported(self) -> str:
        return str(self.document("result.json")["trial"])

    @property
    def images(self) -> int:
        """The number of validation images."""
        return int(self.document("run.json")["data"]["validation"])

    def reseal(self) -> None:
        """Write the digests of all files again."""
        result = self.path / "result.json"
        document = {**self.document("result.json"), "files": file_digests(RunFolder(self.path))}
        result.write_text(json.dumps(document), encoding="utf-8")


@dataclass(frozen=True)
class Tampering:
    """A manipulation."""

    name: str
    check: str
    """The check that fails."""
    change: Callable[[Victim], object]
    careful: bool = True
    """True if the digests of result.json are written again."""

    def apply(self, run: Path, copy: Path) -> Path:
        """Manipulate a copy of a run, and return it."""
        victim = Victim(shutil.copytree(run, copy))
        self.change(victim)
        if self.careful:
            victim.reseal()
        return copy


def scored(right: int, images: int) -> Callable[[Json], None]:
    """Return a change that gives a trial a score, in its history too."""

    def change(event: Json) -> None:
        if event["event"] == "finished":
            event["val_accuracy"] = event["history"]["val_accuracy"][-1] = right / images

    return change


def at(*path: Any) -> Callable[[Json], None]:
    """Return a change that sets a value; `path`: the keys that lead to it, then the value."""
    *keys, last, value = path

    def change(document: Json) -> None:
        for key in keys:
            document = document[key]
        document[last] = value

    return change


def less_ram(event: Json) -> None:
    """Give a finished trial half of its RAM."""
    if event["event"] == "finished":
        event["ram"] = (event["ram"] or 1000) // 2


def both(*changes: Callable[[Json], object]) -> Callable[[Json], None]:
    def change_all(document: Json) -> None:
        for change in changes:
            change(document)

    return change_all


def put_into_best(victim: Victim) -> None:
    (victim.path / "best").mkdir(exist_ok=True)
    (victim.path / "best" / "more.pb").write_bytes(b"1")


def flip_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def swap_finalists(victim: Victim) -> None:
    """Make the second finalist the winner."""

    def change(result: Json) -> None:
        second = result["finalists"][1]
        result["finalists"].reverse()
        result["trial"], result["trials"] = second["trials"][0], second["trials"]
        for name in ("configuration", "parameters", "multiply_adds", "validation"):
            result[name] = second[name]

    victim.edit("result.json", change)


def better_test_probabilities(victim: Victim) -> None:
    """Make all test images right in evaluation.npz, and count the figures of result.json again."""
    path = victim.path / "evaluation.npz"
    arrays = read_npz(path)
    labels = arrays["test/labels"]
    arrays["test/probabilities"] = (0.01 + 0.9 * np.eye(10)[labels]).astype(np.float32)
    arrays["test/predictions_per_seed"] = np.array([labels for _ in arrays["test/predictions_per_seed"]])
    write_npz(path, arrays)
    names = victim.document("run.json")["data"]["class_names"]
    figures = score_test_set(arrays["test/probabilities"], labels, names)
    scores = score_seeds(arrays["test/predictions_per_seed"], labels)
    victim.edit("result.json", lambda result: result["test"].update({**figures, **scores}))


def shuffled_validation(victim: Victim) -> None:
    """Replace the winner's validation probabilities."""
    path = victim.path / "evaluation.npz"
    arrays = read_npz(path)
    key = f"confirm/{victim.exported}/validation_probabilities"
    arrays[key] = np.roll(arrays[key], 1, axis=1)
    write_npz(path, arrays)


def without_chain(victim: Victim) -> None:
    events = read_journal(victim.journal)
    plain = [{k: v for k, v in event.items() if k not in ("previous", "check")} for event in events]
    victim.journal.write_bytes(b"".join(encode_line(event) for event in plain))


def fail_the_best(victim: Victim) -> None:
    """Declare the best trial of the search failed."""
    changes = {"status": "failed", "val_accuracy": None, "val_loss": None, "error": "ValueError: no"}
    victim.edit_trial(victim.best, lambda event: event["event"] == "finished" and event.update(changes))


def one_more_trial(victim: Victim) -> None:
    def change(events: list[Json]) -> None:
        last = [{**event, "trial": "0099"} for event in events if event["trial"] == victim.worst]
        events.extend(last)

    victim.edit_events(change)


def without_trial(trial: Callable[[Victim], str]) -> Callable[[Victim], None]:
    def remove(victim: Victim) -> None:
        name = trial(victim)

        def change(events: list[Json]) -> None:
            events[:] = [event for event in events if event["trial"] != name]

        victim.edit_events(change)

    return remove


def finish_first(events: list[Json]) -> None:
    """Put the end of the first trial before its start."""
    place = next(n for n, e in enumerate(events) if e["event"] == "finished" and e["trial"] == events[0]["trial"])
    events.insert(0, events.pop(place))


def widened(run: Json) -> None:
    """Widen the range of a hyperparameter."""
    next(item for item in run["space"]["hyperparameters"] if item["max"] is not None)["max"] += 1


def layer_s_multiply_adds(event: Json) -> None:
    if event["event"] == "finished":
        event["layers"][0]["multiply_adds"] -= 1


def with_values(**values: Any) -> Callable[[Json], None]:
    return lambda event: event["configuration"].update(values)


def another_l2(event: Json) -> None:
    event["configuration"]["l2"] = 1e-05 if event["configuration"].get("l2") != 1e-05 else 1e-04


CARELESS = (
    Tampering("a digit of a score changed", "journal checksums", lambda v: v.edit_lines(
        lambda lines: [line.replace(b'"status":"completed","val_accuracy":0.', b'"status":"completed","val_accuracy":0.9') for line in lines]
    ), careful=False),
    Tampering("a line removed", "journal chain", lambda v: v.edit_lines(lambda lines: [*lines[:2], *lines[3:]]), careful=False),
    Tampering("two lines swapped", "journal chain", lambda v: v.edit_lines(lambda lines: [lines[0], lines[2], lines[1], *lines[3:]]), careful=False),
    Tampering("a line inserted", "journal chain", lambda v: v.edit_lines(lambda lines: [*lines[:2], lines[1], *lines[2:]]), careful=False),
    Tampering("the last line removed", "digests", lambda v: v.edit_lines(lambda lines: lines[:-1]), careful=False),
    Tampering("the journal deleted", "journal checksums", lambda v: v.journal.unlink(), careful=False),
    Tampering("result.json deleted", "documents", lambda v: (v.path / "result.json").unlink(), careful=False),
    Tampering("a link among the files", "documents", lambda v: os.symlink("/etc/hostname", v.path / "notes.txt"), careful=False),
    Tampering("run.json with a text for a number", "documents", lambda v: v.edit("run.json", at("seed", "1")), careful=False),
    Tampering("the Keras file changed", "digests", lambda v: flip_byte(v.path / "best.keras"), careful=False),
    Tampering("evaluation.npz exchanged", "digests", shuffled_validation, careful=False),
    Tampering("a file put into the exported folder", "digests", put_into_best, careful=False),
    Tampering("the digests removed", "digests", lambda v: v.edit("result.json", lambda result: result.pop("files")), careful=False),
)  # fmt: skip

CAREFUL = (
    Tampering("the chain removed", "journal chain", without_chain),
    Tampering("a trial finished before it started", "journal order", lambda v: v.edit_events(finish_first)),
    Tampering("the seed of run.json", "options", lambda v: v.edit("run.json", at("seed", 7))),
    Tampering("the seed of run.json and of its options", "seeds", lambda v: v.edit("run.json", both(at("seed", 7), at("options", "seed", 7)))),
    Tampering("an option out of its range", "options", lambda v: v.edit("run.json", at("options", "max_epochs", 0))),
    Tampering("fewer validation images", "options", lambda v: v.edit("run.json", at("data", "validation", 90))),
    Tampering("a hyperparameter's range widened", "space", lambda v: v.edit("run.json", widened)),
    Tampering("a published accuracy lowered", "space", lambda v: v.edit("run.json", at("references", 0, "published_accuracy", 0.5))),
    Tampering("the cap raised in run.json", "space", lambda v: v.edit("run.json", at("space", "max_params", 9000))),
    Tampering("the cap lowered below a network", "caps", lambda v: v.edit(
        "run.json", both(at("space", "max_params", 1300), at("options", "max_params", 1300))
    )),
    Tampering("fewer trials planned", "plan", lambda v: v.edit("run.json", at("plan", "trials", 2))),
    Tampering("fewer epochs planned", "plan", lambda v: v.edit("run.json", at("plan", "epochs", 3))),
    Tampering("a bad trial left out", "trials", without_trial(lambda v: v.worst)),
    Tampering("a confirmed trial left out", "trials", without_trial(lambda v: str(v.finished("confirm")[-1]["trial"]))),
    Tampering("a trial added", "trials", one_more_trial),
    Tampering("the seed of a trial", "seeds", lambda v: v.edit_trial(v.best, at("seed", 5))),
    Tampering("the fold of a confirmed trial", "folds", lambda v: v.edit_trial(v.exported, at("fold", 0))),
    Tampering("a value out of its range", "configurations", lambda v: v.edit_trial(v.worst, with_values(batch_size=77))),
    Tampering("a hyperparameter that the space lacks", "configurations", lambda v: v.edit_trial(v.worst, with_values(luck=1))),
    Tampering("another configuration that is allowed", "samples", lambda v: v.edit_trial(v.worst, another_l2)),
    Tampering("where a configuration comes from", "samples", lambda v: v.edit_trial(v.worst, at("origin", "model"))),
    Tampering("the epochs of a trial", "samples", lambda v: v.edit_trial(v.worst, at("epochs", 3))),
    Tampering("the worst trial made the best", "repetitions", lambda v: v.edit_trial(v.worst, scored(v.images, v.images))),
    Tampering("the best trial made a failure", "repetitions", fail_the_best),
    Tampering("fewer parameters told", "parameters", lambda v: v.edit_trial(v.best, at("parameters", 900))),
    Tampering("less RAM told", "memory", lambda v: v.edit_trial(v.best, less_ram)),
    Tampering("fewer multiply-adds told", "multiply-adds", lambda v: v.edit_trial(v.best, layer_s_multiply_adds)),
    Tampering("a score without its history", "histories", lambda v: v.edit_trial(v.worst, at("val_accuracy", 0.5))),
    Tampering("a score that no number of images gives", "accuracies", lambda v: v.edit_trial(v.worst, scored(1001, 2003))),
    Tampering("a confirmed trial scored higher", "kept probabilities", lambda v: v.edit_trial(v.exported, scored(v.images, v.images))),
    Tampering("another winner", "winner", swap_finalists),
    Tampering("fewer parameters of the winner told", "winner", lambda v: v.edit("result.json", at("parameters", 900))),
    Tampering("a higher mean", "validation figures", lambda v: v.edit("result.json", at("validation", "mean", 0.999))),
    Tampering("a finalist's mean", "validation figures", lambda v: v.edit("result.json", at("finalists", 1, "validation", "mean", 0.1))),
    Tampering("the model said not to be exported", "exported files", lambda v: v.edit("result.json", at("model", "keras", False))),
    Tampering("other validation probabilities kept", "kept probabilities", shuffled_validation),
    Tampering("a higher test accuracy", "test figures", lambda v: v.edit("result.json", at("test", "accuracy", 0.999))),
    Tampering("fewer test errors", "test figures", lambda v: v.edit("result.json", at("test", "errors", 1))),
    Tampering("the test figures left out", "test figures", lambda v: v.edit("result.json", at("test", None))),
    Tampering("other data named", "data", lambda v: v.edit("run.json", at("data", "sha256", "0" * 64))),
    Tampering("another mean of the pixels", "data", lambda v: v.edit("run.json", at("data", "mean", 0.5))),
)  # fmt: skip
