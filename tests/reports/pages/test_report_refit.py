"""What the page, the card, the tables and a comparison say of a run whose winner was refitted; and that its refits are never ranked, drawn or averaged."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from reports.analysis.model.classification import scored_winner
from reports.analysis.model.weights import finalist_norms, layer_weights
from reports.analysis.search.leaderboard import trial_rows
from reports.analysis.search.timeline import timeline
from reports.analysis.search.trials import accuracy_of, scored
from reports.comparison.differences import winner_trials
from reports.comparison.page import render_comparison
from reports.comparison.runs import NamedRun
from reports.comparison.sections import winners
from reports.pages.notebook import run_card
from reports.pages.page import page_figures, render_run
from reports.pages.page_data import FIELDS, page_data
from reports.pages.trials_csv import trials_csv, trials_frame
from reports.run.reading import read_run
from reports.run.run_data import Exports, RunData
from reports.sections.model import confusion, data, weights
from reports.sections.model.card import card_of, card_text
from reports.sections.model.refit import format_exported, format_refit, format_seeds
from reports.sections.model.reproduce import ledgers
from reports.sections.search import failures, learning_curves, summary
from reports.sections.search.ladder import ladder
from reports.sections.search.trials_table import trials_table
from reports.sections.section import Table
from tests.gold.numbers import numbers_of, plain
from tests.kit.drawings import set_drawing, svg_of
from tests.kit.page import Page
from tests.kit.replacing import replace
from tests.kit.run_builder import FakeRun, build_run, write_journal
from tuner.core.records import TRAINING_METRICS, TrialRecord
from tuner.storage.journal import read_state
from tuner.storage.schema.documents import validate
from tuner.storage.schema.export import ExportDocument
from tuner.storage.schema.result import Refit, ResultDocument

SMALL: dict[str, Any] = {
    "brackets": ((0, ((6, 2), (4, 5))),),
    "finalists": 2,
    "seeds": 3,
    "failed": 1,
    "validation": 600,
    "test": 400,
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same run without and with a refit, and with one but without the test set."""
    base = tmp_path_factory.mktemp("runs")
    fakes: dict[str, dict[str, Any]] = {
        "plain": {},
        "refit": {"refit": True},
        "untested": {"refit": True, "meet_test": False},
    }
    return {name: build_run(base / name, FakeRun(**SMALL, **changes)) for name, changes in fakes.items()}


@pytest.fixture(scope="module")
def runs(folders: dict[str, Path]) -> dict[str, RunData]:
    return {name: read_run(path) for name, path in folders.items()}


def result_of(run: RunData) -> ResultDocument:
    if run.result is None:
        raise ValueError("a run without a result")
    return run.result


def refit_of(run: RunData) -> Refit:
    refit = result_of(run).refitted
    if not refit:
        raise ValueError("a run without a refit")
    return refit


def table(value: object) -> Table:
    if not isinstance(value, Table):
        raise ValueError("no table")
    return value


# What a reader has of them


def test_refits_stand_apart_from_the_trials_that_compare(runs: dict[str, RunData]) -> None:
    old, new = runs["plain"], runs["refit"]
    assert new.records == old.records
    assert [record.trial for record in new.refits] == list(refit_of(new).trials)
    assert len(new.every) == len(old.every) + 3
    assert new.of(refit_of(new).trials) == new.refits
    assert (old.refits, result_of(old).exported.refitted, result_of(old).exported.trial) == (
        (),
        False,
        result_of(old).trial,
    )
    assert result_of(new).exported.trial == refit_of(new).trial != result_of(new).trial
    assert (result_of(new).trial, result_of(new).trials) == (result_of(old).trial, result_of(old).trials)


def test_no_number_of_the_search_or_of_the_confirmation_changes(runs: dict[str, RunData]) -> None:
    assert plain(numbers_of(runs["refit"])) == plain(numbers_of(runs["plain"]))


ACCURACIES = st.one_of(st.none(), st.floats(0, 1, allow_nan=False))
HISTORIES = st.dictionaries(
    st.sampled_from(["val_accuracy", "val_loss", "accuracy", "loss", "other"]), st.lists(st.floats(0, 1), max_size=4)
)


@pytest.mark.slow
def test_whatever_a_journal_claims_a_refit_has_no_validation_figures(
    folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Somebody's journal may have them: they are left out before anything looks."""
    known = plain(numbers_of(read_run(folders["plain"])))

    @settings(max_examples=30, deadline=None)
    @given(st.lists(st.tuples(ACCURACIES, ACCURACIES, HISTORIES, st.booleans()), min_size=3, max_size=3))
    def holds(drawn: Sequence[Any]) -> None:
        check_claims(folders, tmp_path_factory, drawn, known)

    holds()


def check_claims(
    folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory, drawn: Sequence[Any], known: object
) -> None:
    """A run whose refits claim these figures says what the run without a refit says."""
    path = shutil.copytree(folders["refit"], tmp_path_factory.mktemp("claims") / "run")
    records = list(read_state(path / "trials.jsonl").finished.values())
    claimed = [
        replace(one, val_accuracy=accuracy, val_loss=loss, history=history, status="completed" if ended else "failed")
        for one, (accuracy, loss, history, ended) in zip(records[-3:], drawn, strict=True)
    ]
    write_journal(path / "trials.jsonl", [*records[:-3], *claimed])
    run = read_run(path)
    assert plain(numbers_of(run)) == known
    for refit in run.refits:
        assert (refit.val_accuracy, refit.val_loss) == (None, None)
        assert set(refit.history) <= set(TRAINING_METRICS)
        assert not scored([refit])
        assert np.isnan(accuracy_of(refit))
    confirmed = {record.trial for record in run.records}
    rows = [row.trial for row in trial_rows(run.every)]
    completed = [row for row in rows if (record := run.record(row)) is not None and record.completed]
    assert [row in confirmed for row in completed] == sorted((row in confirmed for row in completed), reverse=True)
    page = render_run(run)
    assert "nan%" not in page.lower()


def test_the_table_of_all_trials_has_them_without_validation(runs: dict[str, RunData]) -> None:
    run = runs["refit"]
    found = table(trials_table(run))
    assert found.caption == f"All {len(run.every)} trials, best validation accuracy first; a refit has none."
    names = [column.label for column in found.columns]
    rows = {row.trial: dict(zip(names, row.cells, strict=True)) for row in found.rows}
    for record in run.refits:
        row = rows[record.trial]
        assert (row["Validation"].text, row["Loss"].text, row["98% at"].text) == ("–", "–", "–")
        assert row["Training"].text not in ("", "–")
        assert row["Phase"].text == f"refit {record.repetition}"
        exported = record.trial == refit_of(run).trial
        assert row["Status"].text == ("exported" if exported else "completed")
    assert [row.trial for row in found.rows if row.winner] == [
        row.trial for row in found.rows if row.trial in (*result_of(run).trials, refit_of(run).trial)
    ]
    assert "refit" not in table(trials_table(runs["plain"])).caption


def test_csv_frame_and_script_have_them_without_validation(folders: dict[str, Path], runs: dict[str, RunData]) -> None:
    run = runs["refit"]
    rows = list(csv.DictReader(io.StringIO(trials_csv(run))))
    refits = [row for row in rows if row["phase"] == "refit"]
    assert [row["trial"] for row in refits] == list(refit_of(run).trials)
    assert {(row["val_accuracy"], row["val_loss"]) for row in refits} == {("", "")}
    assert all(float(row["train_accuracy"]) > 0 for row in refits)
    frame = trials_frame(folders["refit"])
    assert list(frame["phase"].unique()) == ["search", "confirm", "refit"]
    assert frame[frame["phase"] == "refit"]["val_accuracy"].isna().all()
    packed: Any = page_data(run)["trials"]
    for name in refit_of(run).trials:
        values, _, curves = packed[name]
        assert dict(zip(FIELDS, values, strict=True))["val_accuracy"] is None
        accuracy, val_accuracy, loss, val_loss, _ = curves
        assert (bool(accuracy), val_accuracy, bool(loss), val_loss) == (True, [], True, [])


def test_hours_and_failures_count_them(runs: dict[str, RunData]) -> None:
    run = runs["refit"]
    assert len(timeline(run.every).bars) == len(run.every)
    lost = replace(run.refits[0], status="failed", error="no refit")
    broken = replace(run, refits=(lost, *run.refits[1:]))
    assert failures.build(broken).title.startswith(f"2 of {len(run.every)} trials failed")
    assert f"2 trials of {len(run.every)} failed." in [banner.head for banner in summary.banners(broken)]


# What is said


def test_which_figures_are_of_which_models(runs: dict[str, RunData]) -> None:
    run = runs["refit"]
    words = format_refit(run)
    assert words == (
        "The exported model and the test figures are of 3 models refitted on all 54,600 training images, the validation images included; "
        "validation figures are of the confirmed models, trained without these."
    )
    assert words in list(summary.build(run).body["claims"])  # type: ignore[call-overload]
    assert ("Refitted", words) in card_of(run, result_of(run), ()).facts[0].rows
    assert any(part.endswith("over 3 refitted seeds") for part in summary.answer_of(run).measures)
    assert ladder(run)[-1].of == "400 test images, the refitted model"
    assert "by the refitted winner" in summary.build(run).how
    assert "trained again on training and validation images together" in data.build(run).how
    assert "Refits are not drawn" in learning_curves.build(run).how
    assert dict(ledgers(run)[0].rows)["Exported trial"] == refit_of(run).trial
    one = replace(run, result=replace(result_of(run), refitted=replace(refit_of(run), trials=("0017",))))
    assert "are of a model refitted on all" in format_refit(one)


def test_without_the_test_set_the_exported_model_has_no_figure(runs: dict[str, RunData]) -> None:
    run = runs["untested"]
    assert format_refit(run).startswith(
        "The exported model was refitted on all 54,600 training images, the validation images included, so it has no figure"
    )
    card = card_of(run, result_of(run), ())
    assert any("no figure here is its own" in limit for limit in card.limits)
    assert not any(limit.startswith("It was never evaluated on the test set: ") for limit in card.limits)
    assert "Validation accuracy (%), mean of 3 seeds before the refit" in dict(card.facts[2].rows)
    assert "this model was trained on them too" in dict(card.facts[1].rows)["Validation images"]
    # The confirmed model's predictions of images that it was not trained on.
    found = scored_winner(run)
    assert found is not None
    assert found.split == "validation"
    key = f"confirm/{result_of(run).trial}/validation_probabilities"
    np.testing.assert_allclose(found.probabilities, run.arrays[key])
    assert "the exported one was trained on them" in str(confusion.build(run).body["split"])


def test_test_figures_say_that_they_are_of_the_refit(runs: dict[str, RunData]) -> None:
    run = runs["refit"]
    assert format_exported(run) == ", refitted on 54,600 images,"
    assert confusion.build(run).body["split"] == "The exported model, refitted on 54,600 images, on 400 test images."
    assert format_seeds(result_of(run), 1) == "1 refitted seed"


def test_weights_are_the_exported_model_s(runs: dict[str, RunData]) -> None:
    run = runs["refit"]
    exported, confirmed = refit_of(run).trial, result_of(run).trial
    own, other = (layer_weights(run, name) for name in (exported, confirmed))
    assert len(own) == len(other) > 0
    assert own != other
    built = weights.build(run)
    rows = table(built.body["table"]).rows
    assert [row.cells[5].text for row in rows] == [f"{layer.norm:.2f}" for layer in own]
    assert (
        table(built.body["table"]).caption == "Kernels of the exported model, refitted on 54,600 images, first to last."
    )
    assert "in the confirmed models" in table(built.body["norm_table"]).caption
    assert finalist_norms(run) == finalist_norms(runs["plain"])
    assert "for each of 54,600 training images" in str(built.body["per_sample"])
    assert "for each of 54,000 training images" in str(weights.build(runs["plain"]).body["per_sample"])


def test_an_export_verified_on_validation_images_measures_nothing(runs: dict[str, RunData]) -> None:
    tensor = {"name": "x", "dtype": "uint8", "shape": [None, 28, 28], "range": [0, 255]}
    file = {"file": "model.keras", "size_bytes": 1, "difference": 0.0, "equal_classes": 1.0, "accuracy": 1.0, "keras_accuracy": 1.0,
            "latency_s": 0.1, "latency_method": "m", "signature": {"input": tensor, "output": tensor}}  # fmt: skip
    for split, name, expected in (
        ("validation", "untested", True),
        ("test", "refit", False),
        ("validation", "plain", False),
    ):
        written = {"formats": {"keras": {**file, "images": {"split": split, "n": 500}}}}
        document = validate(written, ExportDocument)
        run = runs[name]
        (words,) = card_of(run, result_of(run), (Exports("", document),)).verified
        assert ("it was trained on them, so that is no measure of it" in words) is expected
        assert ("nothing was chosen by them" in words) is not expected
        assert ("Refitted" in card_text(run, document, "")) is (name != "plain")


def test_without_a_refit_nothing_is_said_of_one(folders: dict[str, Path], runs: dict[str, RunData]) -> None:
    run = runs["plain"]
    assert (format_refit(run), format_exported(run), format_seeds(result_of(run), 3)) == ("", "", "3 seeds")
    assert "refit" not in Page(render_run(run)).text.lower()
    drawn = [one for one in page_figures(run) if one.name.startswith(("history", "timeline", "curves", "finalist"))]
    assert drawn
    assert not any("refit" in svg_of(one).lower() for one in drawn)
    assert "refit" not in run_card(folders["plain"]).lower()


def test_none_is_as_without(folders: dict[str, Path], tmp_path: Path, runs: dict[str, RunData]) -> None:
    """What was asked for and could not be had: the notes tell of it."""
    path = shutil.copytree(folders["plain"], tmp_path / "run")
    document = json.loads((path / "result.json").read_text())
    (path / "result.json").write_text(json.dumps({**document, "refit": None}))
    run = read_run(path)
    assert (result_of(run).refitted, result_of(run).exported.refitted) == (None, False)
    changes = {"folder": runs["plain"].folder, "arrays": runs["plain"].arrays}
    assert replace(run, result=replace(result_of(run), refitted=UNSET), **changes) == runs["plain"]


@pytest.mark.parametrize("name", ["plain", "refit", "untested"])
def test_pages_cards_and_comparisons_are_made(folders: dict[str, Path], runs: dict[str, RunData], name: str) -> None:
    page = render_run(runs[name])
    assert ("refitted on all 54,600 training images" in page) is (name != "plain")
    assert run_card(folders[name])
    other = "untested" if name == "plain" else "plain"
    compared = render_comparison([folders[name], folders[other]], "0.0")
    assert ("refitted on 54,600 images" in compared) is (name == "refit")


def test_a_comparison_pairs_confirmed_seeds_and_marks_refitted_models(runs: dict[str, RunData]) -> None:
    run, other = runs["refit"], runs["plain"]
    assert winner_trials(run) == winner_trials(other)
    named = [NamedRun(place, "AB"[place], "run", one) for place, one in enumerate((run, other))]
    found = table(winners.build(named).body["table"])
    assert [row.cells[1].detail for row in found.rows] == ["refitted on 54,600 images", ""]
    (banner,) = winners.banners(named)
    assert banner.head == "Test figures of A are of refitted models."
    untested = NamedRun(0, "A", "run", runs["untested"])
    for alike in (named[:1] * 2, named[1:] * 2, [untested, named[1]]):
        assert winners.banners(alike) == ()


@pytest.mark.parametrize("status", ["running", "interrupted", "failed"])
def test_a_run_within_its_refit_has_a_page(folders: dict[str, Path], tmp_path: Path, status: str) -> None:
    """The confirmation is over, one refit has ended, another is running. Its figures are the same whatever its status."""
    set_drawing(status == "running")
    path = shutil.copytree(folders["refit"], tmp_path / "run")
    records: list[TrialRecord] = list(read_state(path / "trials.jsonl").finished.values())[:-2]
    write_journal(path / "trials.jsonl", records, open_trials=1)
    for name in ("result.json", "evaluation.npz"):
        (path / name).unlink()
    document = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps({**document, "status": status, "error": None}))
    run = read_run(path)
    assert (len(run.refits), run.result) == (1, None)
    assert "nan%" not in render_run(run).lower()
    assert summary.answer_of(run).number != "No answer"
