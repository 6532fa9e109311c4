"""Balanced accuracy on the page: where it is the objective, where the classes of the test set are unbalanced, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mnist_tune.progress.headline import format_headline
from reports.analysis.search.pareto import size_front
from reports.analysis.search.trials import best, explored
from reports.comparison.page import write_comparison
from reports.pages.page import render_run
from reports.pages.page_data import page_data
from reports.pages.trials_csv import trials_csv
from reports.run.reading import read_run
from reports.run.run_data import RunData
from reports.sections.search import leaderboard, summary
from reports.sections.search.ladder import ladder
from reports.sections.search.trials_table import trials_table
from reports.sections.section import Table
from tests.kit.run_builder import FakeRun, build_run, write_journal
from tuner.core.records import TrialRecord
from tuner.storage.schema.documents import write_document
from tuner.storage.schema.result import SeedScores

FAKE = FakeRun(brackets=((0, ((5, 9),)),), finalists=2, seeds=2, failed=1, test=400, arrays=False, custom=False)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> RunData:
    """A run by accuracy, of equal classes and without a balanced accuracy, as older runs are."""
    return read_run(build_run(tmp_path_factory.mktemp("run") / "run", FAKE))


def measured(record: TrialRecord, **changes: Any) -> TrialRecord:
    """The record with a balanced accuracy, which is the higher the lower its accuracy is."""
    value = None if record.val_accuracy is None else 1.5 - record.val_accuracy
    return replace(record, val_balanced_accuracy=None if value is None else min(value, 1.0), **changes)


def balanced(run: RunData, *, objective: bool = False, unbalanced: bool = False) -> RunData:
    """The same run with balanced accuracies, for that objective or of unbalanced classes."""
    result, info = run.result, run.info
    if result is None or result.test is None:
        raise ValueError("a run without a test")
    scores = SeedScores(mean=0.71, sd=0.01, per_seed=(0.70, 0.72))
    test = msgspec.structs.replace(
        result.test,
        balanced_accuracy=0.8123,
        balanced_accuracy_sd=0.004,
        balanced_accuracy_per_seed=(0.81, 0.815),
        exported_balanced_accuracy=0.8345,
        balanced_interval=(0.8012, 0.8678),
    )
    finalists = tuple(
        msgspec.structs.replace(f, validation=msgspec.structs.replace(f.validation, balanced_accuracy=scores))
        for f in result.finalists
    )
    result = msgspec.structs.replace(result, test=test, finalists=finalists, validation=finalists[0].validation)
    info = msgspec.convert(msgspec.to_builtins(info), type(info))
    if unbalanced:
        counts = {**info.data.class_counts, "test": (70, *[40] * 8, 10)}
        info.data = msgspec.structs.replace(info.data, class_counts=counts)
    changes: Any = {"objective": "balanced_accuracy"} if objective else {}
    info.options.update(changes)
    return replace(run, info=info, result=result, records=tuple(measured(r, **changes) for r in run.records))


def heads(table: Table | None) -> list[str]:
    return [] if table is None else [column.label for column in table.columns]


@pytest.mark.parametrize("why", ["objective", "unbalanced"])
def test_the_page_gives_both(plain: RunData, why: str) -> None:
    run = balanced(plain, **{why: True})
    assert [item.name for item in ladder(run)] == ["Best trial of the search", "Confirmed", "Test"]
    searched, confirmed, tested = (item.others for item in ladder(run))
    top = best(explored(run.records))
    assert top is not None
    assert searched == f"{100 * (top.val_balanced_accuracy or 0):.2f}% balanced"
    assert confirmed == "71.00 ± 1.00% balanced"
    assert tested == "83.45% balanced [80.12–86.78]"
    assert not any(item.others for item in ladder(plain))
    for table in (leaderboard.short_table(run), leaderboard.confirmed_table(run), trials_table(run)):
        assert "Balanced" in heads(table)
        assert table is not None
        assert {len(row.cells) for row in table.rows} == {len(table.columns)}
    page = render_run(run)
    assert "Balanced accuracy is the mean over classes of recall" in page
    assert "Balanced test accuracy (%) of this model" in page
    assert "val_balanced_accuracy" in page_data(run)["fields"]  # type: ignore[operator]
    ranked = "Trials were ranked by it." if why == "objective" else "Trials were ranked by accuracy."
    assert ranked in page


def test_a_run_of_equal_classes_by_accuracy_is_as_before(plain: RunData) -> None:
    before, after = render_run(plain), render_run(balanced(plain))
    assert "alanced" not in before.partition("<script")[0]
    assert after == before
    assert "val_balanced_accuracy" not in trials_csv(plain)
    assert "val_balanced_accuracy" in trials_csv(balanced(plain)).splitlines()[0]


def test_the_search_is_shown_by_the_objective(plain: RunData) -> None:
    by_accuracy, by_balance = best(plain.records), best(balanced(plain, objective=True).records)
    assert by_accuracy is not None
    assert by_balance is not None
    scores = {record.trial: record.val_accuracy or 0.0 for record in plain.records if record.completed}
    assert scores[by_accuracy.trial] == max(scores[r.trial] for r in plain.records if r.completed)
    assert scores[by_balance.trial] == min(scores.values())
    run = balanced(plain, objective=True)
    assert {point.mean for point in size_front(run).confirmed} == {0.71}
    assert max(point.accuracy for point in size_front(run).points) == by_balance.val_balanced_accuracy
    assert size_front(run).published == ()
    page = render_run(run)
    assert "the line is the best balanced validation accuracy so far" in page
    assert "One setting at a time: balanced validation accuracy, %" in page
    assert "best balanced validation accuracy first" in page


def test_an_unfinished_run_says_both(plain: RunData) -> None:
    run = replace(balanced(plain, objective=True), result=None)
    top = best(run.records)
    assert top is not None
    assert f"{100 * (top.val_balanced_accuracy or 0):.2f}% balanced" in summary.answer_of(run).measures[0]


def test_the_terminal_says_both(plain: RunData) -> None:
    run = balanced(plain, objective=True)
    assert run.result is not None
    assert "(balanced 81.23% ± 0.40)" in format_headline(run.result, run.info)
    untested = msgspec.structs.replace(run.result, test=None)
    assert "(balanced 71.00% ± 1.00)" in format_headline(untested, run.info)
    assert plain.result is not None
    assert "balanced" not in format_headline(plain.result, plain.info)


def test_runs_of_different_objectives_compare_by_accuracy(plain: RunData, tmp_path: Path) -> None:
    one = build_run(tmp_path / "one", FAKE)
    run = balanced(plain, objective=True)
    other = build_run(tmp_path / "other", FAKE)
    write_document(other / "run.json", run.info)
    write_document(other / "result.json", run.result)  # type: ignore[arg-type]
    write_journal(other / "trials.jsonl", run.records)
    write_comparison([one, other], tmp_path / "compare.html", "1")
    page = (tmp_path / "compare.html").read_text(encoding="utf-8")
    assert "Test, balanced" in page
    assert "83.45 [80.12, 86.78]" in page
    assert "Validation accuracy against parameters" in page
    write_comparison([other, build_run(tmp_path / "third", replace(FAKE, seed=2))], tmp_path / "again.html", "1")


@pytest.mark.parametrize("value", [None, 3, "f1", ["balanced_accuracy"]])
def test_an_unknown_objective_of_a_stranger_renders(plain: RunData, value: Any) -> None:
    run = balanced(plain)
    run.info.options["objective"] = value
    assert "Balanced accuracy is" not in render_run(run)
