"""`--min-resource`: Hyperband's shortest trials, which may be a part of an epoch, from the option to the page."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import keras
import keras_tuner
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras_tuner import oracles
from msgspec import structs

from mnist_tune import cli
from mnist_tune.api.given_options import command_line, make_options
from reports.pages.page import page_figures, render_report
from reports.pages.trials_csv import trials_csv
from reports.run.reading import read_run
from search_spaces.families.compact.family import CompactFamily
from search_spaces.hyperparameters.recipe import Schedule
from tests.kit.drawings import svg_of
from tests.kit.journal_files import read_journal
from tests.kit.marks import slow_after
from tests.kit.processes.crash import Crashes, contents, result_of
from tests.kit.records import record, trial
from tests.kit.run_builder import FakeRun, build_run, run_document
from tests.kit.runs.followed_runs import a_run, followed
from tests.kit.runs.searches import start
from tests.search_spaces.test_training import schedule_factor
from tuner.core.errors import UsageError
from tuner.core.records import Configuration, Json, tidy_epochs, to_json
from tuner.data.dataset import Dataset, load_dataset
from tuner.data.splits import share_indices
from tuner.options.resume import merge_for_resume, read_options
from tuner.options.search_options import SearchOptions
from tuner.oracle import protocol
from tuner.oracle.protocol import make_plan
from tuner.oracle.registry import make_oracle
from tuner.processes.tasks import SpaceRef, TrainTask, task_from_json, task_to_json
from tuner.run.time_budget import ConfirmationPlan, Forecast
from tuner.spaces.named_configurations import named_configuration
from tuner.storage.run_folder import RunFolder
from tuner.storage.schema.documents import validate
from tuner.storage.schema.run import Bracket, Plan, RunDocument, Rung
from tuner.storage.schema.trials import Finished
from tuner.training import trial as training

# Of Keras 3.15 with NumPy 2: copying a variable out.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


def options(**changes: Any) -> SearchOptions:
    return SearchOptions(**{"space": "compact8k", **changes})


# --- the option -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"min_resource": 0}, "0.05 or more. Received: 0"),
        ({"min_resource": -1.0}, "0.05 or more"),
        ({"min_resource": 0.049}, "0.05 or more"),
        ({"min_resource": math.nan}, "0.05 or more. Received: nan"),
        ({"min_resource": math.inf}, "10,000 or less"),
        ({"min_resource": 15.5}, "15 (--max-epochs) or less. Received: 15.5"),
        ({"min_resource": 1.5, "max_epochs": 1}, "1 (--max-epochs) or less"),
        ({"min_resource": "0.5"}, "Expected a number"),
        ({"min_resource": True}, "Expected a number"),
        ({"min_resource": None}, "Expected a number"),
        ({"min_resource": 0.05, "max_epochs": 10_000, "factor": 2, "iterations": 3}, "is too large"),
        ({"min_resource": math.nan, "algorithm": "random"}, "0.05 or more"),
    ],
)
def test_what_is_out_of_range_is_told_in_a_line(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=re.escape(words)) as caught:
        options(**changes)
    assert "\n" not in str(caught.value)
    assert "--min-resource" in str(caught.value) or "too large" in words


@pytest.mark.parametrize("value", ["0", "nan", "half", "16"])
def test_the_command_refuses_with_code_2(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--space", "dense", "--min-resource", value]) == 2
    told = capsys.readouterr().err
    assert "--min-resource" in told
    assert told.count("\n") == 1


def test_other_algorithms_pass_it_over_as_they_do_the_factor() -> None:
    assert options(algorithm="random", min_resource=20.0, factor=7).min_resource == 20


def test_it_travels_from_python_to_json_and_back() -> None:
    asked = make_options({"space": "dense", "min_resource": 0.25})
    assert SearchOptions.from_json(json.loads(json.dumps(asked.to_json()))) == asked
    assert "--min-resource 0.25" in " ".join(command_line(asked, Path("out")))
    assert "--min-resource" not in command_line(make_options({"space": "dense", "min_resource": 1}), Path("out"))


def test_a_run_from_before_it_goes_on_as_it_began() -> None:
    old = options().to_json()
    del old["min_resource"]
    assert read_options(structs.replace(run_document(FakeRun(), []), options=old)) == options()
    with pytest.raises(UsageError, match=r"--min-resource is 1\.0 in this run"):
        merge_for_resume(options(), {"min_resource": 0.5})


@pytest.mark.parametrize(
    ("epochs", "tidy"), [(15.0, "15"), (15, "15"), (5 / 9, "0.56"), (0.996, "1"), (0.1 + 0.2, "0.3"), (0, "0")]
)
def test_whole_numbers_are_written_as_such(epochs: float, tidy: str) -> None:
    assert json.dumps(tidy_epochs(epochs)) == tidy


# --- the plan ---------------------------------------------------------------------------------------------------------


class Empty:
    """A space of which nothing is drawn."""

    def declare(self, hp: Any) -> None:
        hp.Int("filters", 1, 9)

    def sample(self, rng: np.random.Generator) -> dict[str, Any]:
        raise AssertionError

    def sample_near(self, rng: np.random.Generator, configuration: Configuration) -> dict[str, Any]:
        raise AssertionError


def planned(**changes: Any) -> tuple[protocol.Rung, ...]:
    return make_oracle(Empty(), options(**changes)).rungs


def by_bracket(rungs: tuple[protocol.Rung, ...]) -> list[list[protocol.Rung]]:
    return [[r for r in rungs if r.bracket == bracket] for bracket in sorted({r.bracket for r in rungs})]


PLAN = st.tuples(st.integers(1, 300), st.integers(2, 9))


@settings(max_examples=60, deadline=None)
@given(PLAN)
def test_one_epoch_is_keras_tuners_own_plan(plan: tuple[int, int]) -> None:
    """To the type: what is written of a run is the same to the byte."""
    max_epochs, factor = plan
    theirs = oracles.HyperbandOracle(
        objective=keras_tuner.Objective("val_accuracy", "max"),
        max_epochs=max_epochs,
        factor=factor,
        hyperparameters=keras_tuner.HyperParameters(),
    )
    brackets = reversed(range(theirs._get_num_brackets()))
    wanted = [[(theirs._get_size(b, k), theirs._get_epochs(b, k)) for k in range(b + 1)] for b in brackets]
    for least in (1, 1.0):
        rungs = planned(max_epochs=max_epochs, factor=factor, min_resource=least)
        assert repr([[(r.size, r.epochs) for r in own] for own in by_bracket(rungs)]) == repr(wanted)


@pytest.mark.parametrize(
    ("asked", "lengths"),
    [
        ({"min_resource": 1.0}, [[2, 5, 15], [5, 15], [15]]),
        ({"min_resource": 0.5}, [[0.56, 2, 5, 15], [2, 5, 15], [5, 15], [15]]),
        ({"min_resource": 0.56}, [[2, 5, 15], [5, 15], [15]]),
        ({"min_resource": 0.555}, [[0.56, 2, 5, 15], [2, 5, 15], [5, 15], [15]]),
        ({"min_resource": 0.15}, [[0.19, 0.56, 2, 5, 15], [0.56, 2, 5, 15], [2, 5, 15], [5, 15], [15]]),
        ({"min_resource": 2}, [[5, 15], [15]]),
        ({"min_resource": 1.5}, [[2, 5, 15], [5, 15], [15]]),
        ({"min_resource": 15}, [[15]]),
        ({"min_resource": 0.05, "max_epochs": 1}, [[0.11, 0.33, 1], [0.33, 1], [1]]),
        ({"min_resource": 0.28, "max_epochs": 7, "factor": 5}, [[0.28, 2, 7], [2, 7], [7]]),
        ({"min_resource": 0.12, "max_epochs": 15, "factor": 5}, [[0.12, 0.6, 3, 15], [0.6, 3, 15], [3, 15], [15]]),
    ],
)
def test_rungs_of_a_part_of_an_epoch(asked: dict[str, Any], lengths: list[list[float]]) -> None:
    found = [[rung.epochs for rung in bracket] for bracket in by_bracket(planned(**asked))]
    assert repr(found) == repr(lengths)


def test_sizes_are_keras_tuners_in_units_of_the_shortest() -> None:
    """⌈⌈1 + log₃ 30⌉ / (s + 1) · 3^(s − rung)⌉."""
    found = [[rung.size for rung in bracket] for bracket in by_bracket(planned(min_resource=0.5))]
    assert found == [[34, 12, 4, 2], [15, 5, 2], [8, 3], [5]]


@settings(max_examples=100, deadline=None)
@given(PLAN, st.integers(5, 2000))
def test_every_plan_keeps_what_was_asked_for(plan: tuple[int, int], hundredths: int) -> None:
    (max_epochs, factor), least = plan, Fraction(hundredths, 100)
    least = min(least, Fraction(max_epochs))
    brackets = by_bracket(planned(max_epochs=max_epochs, factor=factor, min_resource=float(least)))
    depth = 0
    while least * factor ** (depth + 1) <= max_epochs:
        depth += 1
    assert [len(bracket) for bracket in brackets] == list(range(depth + 1, 0, -1))
    for bracket in brackets:
        lengths, sizes = [r.epochs for r in bracket], [r.size for r in bracket]
        assert lengths == sorted(set(lengths))
        assert sizes == sorted(sizes, reverse=True)
        assert type(lengths[-1]) is int
        assert lengths[-1] == max_epochs
        assert all(type(n) is (int if n >= 1 else float) and float(least) <= n == round(n, 2) for n in lengths)


def test_the_plan_s_epochs_add_up() -> None:
    plan = make_plan(make_oracle(Empty(), options(min_resource=0.5)), "hyperband", 15)
    assert (
        plan.epochs == 338.04 == 34 * 0.56 + 12 * 2 + 4 * 5 + 2 * 15 + 15 * 2 + 5 * 5 + 2 * 15 + 8 * 5 + 3 * 15 + 5 * 15
    )


# --- the share of the images ------------------------------------------------------------------------------------------

EVEN = np.repeat(np.arange(10), 100)
ODD = np.array([0] * 990 + [1] * 9 + [3])


@pytest.mark.parametrize(
    ("labels", "share", "counts"),
    [
        (EVEN, 0.5, [50] * 10),
        (EVEN, 0.05, [5] * 10),
        (EVEN, 1.0, [100] * 10),
        (ODD, 0.05, [50, 1, 0, 1]),
        (np.arange(10), 0.05, [1] * 10),
        (np.zeros(1, dtype=np.int64), 0.05, [1]),
    ],
)
def test_a_share_is_stratified_and_lacks_no_class(labels: Any, share: float, counts: list[int]) -> None:
    rows = share_indices(labels, share, seed=3)
    assert np.bincount(labels[rows]).tolist() == counts
    assert rows.tolist() == sorted(set(rows.tolist()))


def test_a_share_depends_on_the_seed_alone_and_lies_in_a_larger_one() -> None:
    small, large, other = (set(share_indices(EVEN, s, n).tolist()) for s, n in ((0.2, 3), (0.5, 3), (0.2, 4)))
    assert small == set(share_indices(EVEN, 0.2, 3).tolist())
    assert small < large
    assert small != other


class Spy(keras_tuner.HyperModel):  # type: ignore[misc]
    """Somebody's own HyperModel that remembers what it was given."""

    seen: ClassVar[list[tuple[int, int, str]]] = []

    def build(self, hp: Any) -> Any:
        units = hp.Int("units", 1, 4)
        layers = [
            keras.Input((28, 28)),
            keras.layers.Flatten(),
            keras.layers.Dense(units),
            keras.layers.Dense(10, "softmax"),
        ]
        model = keras.Sequential(layers)
        model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    def fit(self, hp: Any, model: Any, x: Any, y: Any, epochs: int = 1, **kwargs: Any) -> Any:
        Spy.seen.append((len(x), epochs, hashlib.sha256(np.asarray(x).tobytes()).hexdigest()))
        assert np.bincount(y, minlength=10).min() > 0
        return super().fit(hp, model, x, y, epochs=epochs, **kwargs)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_dataset("digits", validation=0.1, seed=1, train_samples=400)


def train(data: Dataset, epochs: float, seed: int = 5, space: str = "compact8k", **changes: Any) -> Json:
    configuration: dict[str, Any] = changes
    if space == "compact8k":
        family = CompactFamily(max_params=1000)
        configuration = {**family.sample(np.random.default_rng(3)), "network": "C4 P C4 GAP 1x1:10", **changes}
    ref = SpaceRef(name=space, max_params=1000 if space == "compact8k" else None, max_macs=None, classes=10)
    task = TrainTask(id="a", space=ref, configuration=configuration, epochs=epochs, seed=seed)
    assert task_from_json(json.loads(json.dumps(task_to_json(task)))) == task
    return training.run_trial(task, data, lambda *_: None)


@pytest.mark.slow
def test_anybodys_model_gets_one_pass_over_the_same_images(digits: Dataset) -> None:
    Spy.seen.clear()
    for units, epochs, seed in ((1, 0.25, 5), (3, 0.25, 5), (1, 0.25, 6), (1, 1, 5)):
        body = train(digits, epochs, seed, f"{__name__}:Spy", units=units)
        assert body["epochs_run"] == 1
    assert [(images, epochs) for images, epochs, _ in Spy.seen] == [(100, 1)] * 3 + [(400, 1)]
    first, second, other, _ = (pixels for *_, pixels in Spy.seen)
    assert first == second != other


@pytest.mark.parametrize("schedule", slow_after(1, ["one-cycle", "constant", "cosine"]))
def test_a_pass_has_a_whole_schedule_and_one_entry(digits: Dataset, schedule: Schedule) -> None:
    """Neither patience nor the rule for hopeless trials has anything to stop in one pass."""
    body = train(digits, 0.5, schedule=schedule, batch_size=16, optimizer="sgd", learning_rate_sgd=0.02)
    assert body["epochs_run"] == 1
    assert all(len(series) == 1 for series in body["history"].values())
    steps = 200 // 16
    last = 1.0 if schedule == "constant" else schedule_factor(schedule, steps - 1, steps)
    assert body["history"]["learning_rate"] == [pytest.approx(0.02 * last, rel=1e-3)]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_short_trial(digits: Dataset) -> None:
    first, again, other = (train(digits, 0.3, seed)["history"]["loss"] for seed in (5, 5, 6))
    assert first == again != other


def test_fewer_images_than_a_batch_are_one_batch(digits: Dataset) -> None:
    small = replace(digits, x_train=digits.x_train[:40], y_train=digits.y_train[:40])
    assert train(small, 0.05, batch_size=256)["epochs_run"] == 1


# --- a run ------------------------------------------------------------------------------------------------------------

SHORT: dict[str, Any] = {"max_epochs": 3, "min_resource": 0.3}


def test_a_run_promotes_from_parts_of_epochs_to_whole_ones(tmp_path: Path) -> None:
    result = start(tmp_path / "run", **SHORT)
    run = RunFolder(tmp_path / "run").read_run()
    lengths = [[rung.epochs for rung in bracket.rungs] for bracket in run.plan.brackets]
    assert repr(lengths) == "[[0.33, 1, 3], [1, 3], [3]]"
    events = [event for event in read_journal(tmp_path / "run" / "trials.jsonl") if event["event"] == "finished"]
    short = [event for event in events if event["epochs"] == 0.33]
    assert len(short) == run.plan.brackets[0].rungs[0].size
    assert {(event["epochs_run"], len(event["history"]["val_accuracy"])) for event in short} == {(1, 1)}
    assert {repr(event["epochs"]) for event in events} == {"0.33", "1", "3"}
    assert result["epochs"] == 3
    assert {event["epochs"] for event in events if event["phase"] == "confirm"} == {3}
    spent = sum(event["epochs"] for event in events)
    assert run.plan.epochs == pytest.approx(spent)
    assert {event["seed"] for event in short} == {short[0]["seed"]}


@pytest.fixture(scope="module")
def crashes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crashes]:
    with Crashes(tmp_path_factory.mktemp("crashes")) as process:
        yield process


@pytest.mark.slow
def test_one_worker_or_four_killed_or_not_it_is_the_same_run(crashes: Crashes, tmp_path: Path) -> None:
    words = ["--space", "compact8k", "--max-epochs", "3", "--min-resource", "0.3", "--confirm-seeds", "2", "--quiet"]
    found = []
    for workers in ("1", "4"):
        out = tmp_path / workers
        assert crashes.run([*words, "--workers", workers], out).code == 0
        found.append((contents(out), result_of(out)))
    killed = tmp_path / "killed"
    crashes.run([*words, "--workers", "2"], killed, lines=9)
    end = crashes.run(words, killed)
    assert end.code == 0, end.output
    assert found[0] == found[1] == (contents(killed), result_of(killed))


@pytest.mark.slow
def test_a_real_run_on_digits(tmp_path: Path) -> None:
    from mnist_tune import search

    small: dict[str, Any] = {"data": "digits", "train_samples": 200, "references": False, "workers": 2, "quiet": True}
    plan: dict[str, Any] = {"max_epochs": 1, "factor": 2, "min_resource": 0.5, "confirm_top": 1, "confirm_seeds": 1}
    run = search("dense", out=tmp_path / "run", **small, **plan)
    assert set(run.trials()["epochs"]) == {0.5, 1}
    assert "0.5 epochs" in (tmp_path / "run" / "report.html").read_text()


# --- what reads it ----------------------------------------------------------------------------------------------------


def test_a_pass_over_a_share_counts_as_that_share() -> None:
    assert [record(epochs=n).epochs_spent for n in (0.56, 1, 5)] == [0.56, 1, 5]
    assert replace(record(epochs=0.56), epochs_run=0).epochs_spent == 0
    forecast = Forecast(epochs=10, workers=1, train_images=1000, test_images=100)
    times = [
        forecast.confirmation_s(ConfirmationPlan(1, 1), [record(epochs=epochs, duration_s=duration)])
        for epochs, duration in ((0.5, 5.0), (1, 10.0), (2, 20.0))
    ]
    assert times[0] == times[1] == times[2]


@pytest.mark.parametrize("epochs", [1.5, -0.5, 0.0, 0.001, 0.999, 15.0, "0.5", True, None, [0.5]])
def test_a_strangers_journal_with_other_numbers_is_refused(epochs: object) -> None:
    with pytest.raises(ValueError, match="epochs"):
        validate({"event": "finished", **json.loads(json.dumps(to_json(record()))), "epochs": epochs}, Finished)


@pytest.mark.parametrize("epochs", [0.05, 0.56, 1, 15])
def test_a_journals_whole_numbers_and_parts_are_read(epochs: float) -> None:
    validate({"event": "finished", **json.loads(json.dumps(to_json(record(epochs=epochs))))}, Finished)


def test_the_terminal_says_parts_of_epochs() -> None:
    run = a_run(plan=Plan(brackets=(Bracket(bracket=0, rungs=(Rung(rung=0, size=3, epochs=0.56),)),), epochs=96.68))
    progress, stream = followed(run=run)
    with progress:
        progress.trial_finished(record(1, epochs=0.56), restored=False)
        assert "rung 0  0.56 epochs  1,000" in stream.getvalue()
        running = trial(2, epochs=0.56)
        progress.trial_started(running)
        assert _shown(progress).count("0/0.56") == 1
        progress.epoch_ended(running, 0, 1, {"val_accuracy": 0.8})
        assert "0.56/0.56" in _shown(progress)


def _shown(progress: Any) -> str:
    from rich.console import Console

    console = Console(file=io.StringIO(), width=100, record=True)
    console.print(progress._view())
    return console.export_text()


FRACTIONS = FakeRun(
    brackets=(
        (0, ((34, 0.56), (12, 2), (4, 5), (2, 15))),
        (1, ((15, 2), (5, 5), (2, 15))),
        (2, ((8, 5), (3, 15))),
        (3, ((5, 15),)),
    ),
    options={"min_resource": 0.5},
)


def test_the_page_says_parts_of_epochs(tmp_path: Path) -> None:
    path = build_run(tmp_path / "run", FRACTIONS)
    page = render_report(path)
    drawn = ("fidelity", "history", "curves", "slice-0", "parallel")
    page += "".join(svg_of(one) for one in page_figures(read_run(path)) if one.name.startswith(drawn))
    for words in ("0.56 epochs (", "34 × 0.56, 12 × 2, 4 × 5, 2 × 15 epochs", "after 0.56 epochs", "that share of the"):
        assert words in page, words
    assert 'data-figure="fidelity-0_56-2"' in page
    for wrong in ("15.0 epochs", "2.0 epochs", ">15.0<", "1 of 0.56", "0 epochs ranked"):
        assert wrong not in page, wrong
    validate(json.loads((path / "run.json").read_text()), RunDocument)
    rows = list(csv.DictReader(io.StringIO(trials_csv(read_run(path)))))
    assert {row["epochs"] for row in rows} == {"0.56", "2", "5", "15"}


def test_a_page_without_them_does_not_mention_them(tmp_path: Path) -> None:
    page = render_report(build_run(tmp_path / "run"))
    assert "less than an epoch" not in page
    assert "that share of the" not in page.replace("0.56", "")


def test_a_run_that_got_no_further_than_parts_renders_and_trains_again(tmp_path: Path) -> None:
    """Where a time budget ended it, say: its winner is the best of what there was."""
    path = build_run(tmp_path / "run", FakeRun(brackets=((0, ((6, 0.11), (2, 0.33))),)))
    assert "0.33 epochs" in render_report(path)
    assert named_configuration(f"{path}:0001").epochs == 1
