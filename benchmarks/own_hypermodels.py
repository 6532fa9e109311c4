"""`python -m benchmarks.own_hypermodels [NAME…]`: typical user HyperModels, in plain Keras Tuner and here.

Each of `tests.kit.hypermodels.hypermodels` and `tests.kit.hypermodels.tutorial_hypermodels` is searched on
scikit-learn's digits by `keras_tuner.RandomSearch` (two trials of one epoch) and by a whole run of ours (two trials,
confirmation, test set, export, report). The result is `benchmarks/results/own_hypermodels.json`; `--table` prints it
for docs/own-space.md.
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from tuner.core.records import Json

RESULTS = Path(__file__).parent / "results" / "own_hypermodels.json"
PAGE = Path(__file__).parent.parent / "docs" / "own-space.md"
MARK = "<!-- the cases -->"
_LONGEST_S = 600.0
_STOCK = """
import importlib, sys, tempfile, warnings
warnings.simplefilter("ignore")
import keras_tuner
from tuner.data.dataset import load_dataset
from tuner.spaces.loading import make_space
from tuner.processes.tasks import SpaceRef
data = load_dataset("digits", validation=0.1, seed=1)
space = make_space(SpaceRef(name=sys.argv[1], max_params=None, max_macs=None, classes=10))
shape = tuple(map(int, sys.argv[2].split(",")))
oracle = keras_tuner.RandomSearch(space, objective="val_accuracy", max_trials=2, seed=1, directory=tempfile.mkdtemp())
x, validation = data.x_train.reshape(-1, *shape), data.x_validation.reshape(-1, *shape)
oracle.search(x, data.y_train, epochs=1, validation_data=(validation, data.y_validation), verbose=0)
# A trial that failed is swallowed, and has no score.
trials = oracle.oracle.trials.values()
if not any(trial.score is not None for trial in trials):
    sys.exit([line for trial in trials for line in trial.message.splitlines() if "Error" in line][-1])
"""
_SHAPES = ("28,28", "28,28,1", "784")


def cases() -> list[str]:
    """Return the names of all HyperModels, as `module:Name`."""
    import keras_tuner

    import tests.kit.hypermodels.hypermodels
    import tests.kit.hypermodels.tutorial_hypermodels

    names = []
    for module in (tests.kit.hypermodels.hypermodels, tests.kit.hypermodels.tutorial_hypermodels):
        for name, member in vars(module).items():
            is_class = (
                inspect.isclass(member)
                and issubclass(member, keras_tuner.HyperModel)
                and member.__module__ == module.__name__
            )
            if is_class or (inspect.isfunction(member) and list(inspect.signature(member).parameters) == ["hp"]):
                names.append(f"{module.__name__}:{name}")
    return names


def in_keras_tuner(name: str) -> str:
    """Return "trains", or Keras Tuner's error, with images in the first accepted shape."""
    said = ""
    for shape in _SHAPES:
        done = _run([sys.executable, "-c", _STOCK, name, shape], {"TF_CPP_MIN_LOG_LEVEL": "3"})
        if done.returncode == 0:
            return "trains"
        said = said or _error(done.stderr)
    return said


def here(name: str) -> Json:
    """Return the outcome of a run: exit code, output, seconds to the first trial and in total."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        words = ["--space", name, "--data", "digits", "--algorithm", "random", "--max-trials", "2", "--max-epochs", "1"]
        words += ["--confirm-top", "1", "--confirm-seeds", "1", "--out", str(out), "--quiet"]
        began = time.time()
        done = _run([sys.executable, "-m", "mnist_tune", *words], {})
        taken = time.time() - began
        first = None
        journal = out / "trials.jsonl"
        lines = journal.read_text(encoding="utf-8").splitlines() if journal.exists() else []
        if lines:
            first = datetime.fromisoformat(json.loads(lines[0])["time"]).timestamp() - began
        return {
            "code": done.returncode,
            "said": done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "",
            "first_trial_s": first,
            "run_s": taken,
            "files": sorted(path.name for path in out.iterdir()) if out.is_dir() else [],
        }


def _run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    given = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", **environment}
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=_LONGEST_S, env=given)


def _error(stderr: str) -> str:
    lines = [
        line.strip() for line in stderr.splitlines() if "Error" in line and not line.startswith(("E0000", "W0000"))
    ]
    return (lines[-1] if lines else "no word")[:120]


def table(results: dict[str, Json]) -> str:
    """Return the results as a table in Markdown."""
    rows = [
        "HyperModels as people write them, in plain Keras Tuner (`RandomSearch`, two trials of one epoch on scikit-learn's digits) and here (a",
        "whole run of two trials). The seconds to the first trial, imports, discovery and rehearsal among them, are of two cores that did other work",
        "too. In Keras Tuner a model that tells no `val_accuracy` fails, for that is the objective; `Colour` was given no colour images there.",
        "`python -m benchmarks.own_hypermodels` measures them again.",
        "",
        "| HyperModel | in Keras Tuner | here | first trial after (s) |",
        "|---|---|---|---|",
    ]
    for name, result in results.items():
        ours, first = result["here"], result["here"]["first_trial_s"]
        stock = "trains" if result["keras_tuner"] == "trains" else "fails"
        outcome = "trained, confirmed, exported, reported"
        if ours["code"]:
            outcome = "refused: " + ours["said"].split("can't be used. ")[-1]
        shown = outcome.replace("|", "\\|")
        rows.append(f"| `{name.partition('.')[2]}` | {stock} | {shown} | {'–' if first is None else f'{first:.0f}'} |")
    return "\n".join(rows)


def main() -> None:
    """Run the named cases, all by default; write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--table", action="store_true", help="write the table from what is kept")
    given = parser.parse_args()
    results: dict[str, Json] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    if not given.table:
        for name in given.names or cases():
            results[name] = {"keras_tuner": in_keras_tuner(name), "here": here(name)}
            RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            sys.stdout.write(f"{name} {json.dumps(results[name])}\n")
            sys.stdout.flush()
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(text[: text.index(MARK)] + f"{MARK}\n\n{table(results)}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
