"""The winner on a device: memory over operations, errors by layer, float and int8 accuracy. Absent where a run has kept none."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from mnist_tune.progress.headline import format_headline
from reports.analysis.model.device import layer_errors, loss_of, memory_plan
from reports.comparison.page import write_comparison
from reports.pages.page import page_figures, render_run
from reports.pages.page_data import page_data
from reports.pages.trials_csv import trials_csv
from reports.run.array_checks import ArrayError, check_arrays
from reports.run.reading import read_run
from reports.run.run_data import RunData
from reports.sections.model import device
from reports.sections.model.card import card_of
from reports.sections.search import hyperparameters, leaderboard
from reports.sections.search.ladder import ladder
from reports.sections.search.trials_table import trials_table
from reports.sections.section import Table
from search_spaces.networks.costs import chain
from search_spaces.networks.int8_graph import int8_graph
from search_spaces.networks.memory import MemoryModel
from search_spaces.networks.notation import parse
from search_spaces.networks.specs import INPUT_SHAPE
from tests.kit.drawings import svg_of
from tests.kit.run_builder import FakeRun, build_run, write_journal
from tuner.core.records import TrialRecord
from tuner.storage.schema.documents import write_document
from tuner.storage.schema.result import Int8Scores, ResultDocument, SeedScores, Target

FAKE = FakeRun(
    brackets=((0, ((4, 3), (2, 9))),), finalists=2, seeds=2, failed=0, test=400, validation=300, custom=False
)
LAYERS: dict[str, Any] = {
    "int8/names": np.array(["conv_1", "separable_conv_2 (depthwise)", "dense_3"]),
    "int8/snr_db": np.array([40.0, 20.0, 30.0]),
}
SPECS = parse("C4 P S6 GAP D10")


def memory_arrays() -> dict[str, Any]:
    model, widths = MemoryModel.of(int8_graph(SPECS, INPUT_SHAPE)), chain(SPECS, INPUT_SHAPE)[1]
    tensors = model.placed_tensors(widths)
    return {
        "memory/operations": np.array(model.operation_names),
        "memory/names": np.array([tensor.name for tensor in tensors]),
        "memory/tensors": np.array([tensor[1:] for tensor in tensors], np.int64),
    }


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> RunData:
    return read_run(build_run(tmp_path_factory.mktemp("run") / "run", FAKE))


def result_of(run: RunData) -> ResultDocument:
    if run.result is None or run.result.test is None:
        raise ValueError("a run without a test")
    return run.result


def quantised(run: RunData, *, mean: float = 0.95, **arrays: Any) -> RunData:
    """The same run by int8: its longest trials have other accuracies in 8 bits, the higher the lower their accuracy is."""
    result, info = result_of(run), msgspec.convert(msgspec.to_builtins(run.info), type(run.info))
    info.options["objective"] = "int8"
    scores = SeedScores(mean=mean, sd=0.001, per_seed=(mean - 0.001, mean + 0.001))
    finalists = tuple(
        msgspec.structs.replace(f, validation=msgspec.structs.replace(f.validation, int8_accuracy=scores))
        for f in result.finalists
    )
    int8 = Int8Scores(accuracy=0.94, errors=24, interval=(0.91, 0.96))
    assert result.test is not None
    result = msgspec.structs.replace(
        result,
        finalists=finalists,
        validation=finalists[0].validation,
        test=msgspec.structs.replace(result.test, int8=int8),
        model=msgspec.structs.replace(result.model, int8=True),
    )
    records = tuple(measured(record) for record in run.records)
    return replace(run, info=info, result=result, records=records, arrays={**run.arrays, **arrays})


def measured(record: TrialRecord) -> TrialRecord:
    if record.epochs < 9 or record.val_accuracy is None:
        return record
    return replace(record, objective="int8", val_int8_accuracy=1.9 - record.val_accuracy - 0.001)


# Numbers


def test_the_plan_is_the_network_s(plain: RunData) -> None:
    plan = memory_plan(replace(plain, arrays=memory_arrays()))
    assert plan is not None
    model, widths = MemoryModel.of(int8_graph(SPECS, INPUT_SHAPE)), chain(SPECS, INPUT_SHAPE)[1]
    live = model.live_tensors(widths)
    assert [(t.size_bytes, t.first, t.last) for t in plan.tensors] == [
        (size, first, min(last, len(model.operations))) for size, first, last in live
    ]
    assert plan.operations == tuple(model.operation_names)
    assert plan.operations[3:7] == ("conv 1", "max pool", "depthwise conv 2", "conv 2")
    assert (
        plan.planned_bytes
        >= plan.live_bytes(plan.fullest)
        == max(sum(t.size_bytes for t in live if t.first <= at <= t.last) for at in range(1, len(plan.operations) + 1))
    )


def test_tensors_that_are_needed_together_do_not_overlap(plain: RunData) -> None:
    plan = memory_plan(replace(plain, arrays=memory_arrays()))
    assert plan is not None
    for one in plan.tensors:
        for other in plan.tensors:
            together = one is not other and one.first <= other.last and other.first <= one.last
            apart = one.offset + one.size_bytes <= other.offset or other.offset + other.size_bytes <= one.offset
            assert apart or not together


@pytest.mark.parametrize(
    "values",
    [
        np.zeros((0, 4), np.int64),
        np.array([[16, 0, 99, 0]]),
        np.array([[16, 3, 1, 0]]),
        np.array([[-16, 0, 1, 0]]),
        np.array([[2**62, 0, 1, 0]]),
    ],
)
def test_what_is_no_plan_is_none(plain: RunData, values: Any) -> None:
    arrays = {"memory/operations": np.array(["conv 1"]), "memory/names": np.array(["image"] * len(values))}
    assert memory_plan(replace(plain, arrays={**arrays, "memory/tensors": values})) is None


def test_errors_are_relative_and_what_they_grow_by_adds_up(plain: RunData) -> None:
    first, second, third = layer_errors(replace(plain, arrays=LAYERS))
    assert [first.error, second.error, third.error] == pytest.approx([0.01, 0.1, 10**-1.5])
    assert [first.added, second.added, third.added] == pytest.approx([0.01, 0.99, 0])


@pytest.mark.parametrize("decibels", [[math.nan] * 3, [math.inf, -1e9, 1e9]])
def test_ratios_that_are_no_numbers_are_drawn_nonetheless(plain: RunData, decibels: list[float]) -> None:
    errors = layer_errors(replace(plain, arrays={**LAYERS, "int8/snr_db": np.array(decibels)}))
    assert all(math.isfinite(error.error) and 0 <= error.added <= 1 for error in errors)


def test_the_loss_is_the_difference_of_the_means(plain: RunData) -> None:
    assert loss_of(plain) is None
    loss = loss_of(quantised(plain, mean=0.95))
    assert loss is not None
    assert loss.points == pytest.approx((result_of(plain).validation.mean or 0) - 0.95)


@pytest.mark.parametrize(
    "wrong",
    [
        {"int8/names": np.array(["a"])},
        {"memory/tensors": np.zeros((3, 3), np.int64)},
        {"memory/operations": np.array(["a"]), "memory/names": np.array(["a"])},
        {"test/int8_predictions": np.full(400, 10), "test/labels": np.zeros(400, np.int64), "test/probabilities": np.zeros((400, 10))},
        {"confirm/0001/int8_predictions": np.array([-1])},
    ],
)  # fmt: skip
def test_other_arrays_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ArrayError):
        check_arrays(wrong, 10)


# The page


def test_the_axis_of_the_score_is_that_of_its_trials(plain: RunData) -> None:
    """Trials that are shorter than the longest are not quantised."""
    section = hyperparameters.build(quantised(plain))
    assert section is not None
    axes = section.data["parallel"]
    scores = {axis["epochs"]: axis["score"] for axis in axes.values()}  # type: ignore[attr-defined]
    assert len(scores) > 1
    assert scores == {epochs: "val_int8_accuracy" if epochs >= 9 else "val_accuracy" for epochs in scores}


def test_a_run_that_kept_nothing_has_no_section(plain: RunData) -> None:
    arrays = {name: array for name, array in plain.arrays.items() if not name.startswith("memory/")}
    assert device.build(replace(plain, arrays=arrays)) is None
    assert 'id="device"' not in render_run(replace(plain, arrays=arrays))


def test_a_loss_of_more_than_a_fifth_of_a_point_is_traced(plain: RunData) -> None:
    mean = result_of(plain).validation.mean or 0.0
    section = device.build(quantised(plain, mean=mean - 0.0021, **LAYERS))
    assert section is not None
    assert section.title.startswith("In 8 bits the winner loses 0.21 points")
    assert "Most of the error comes in at separable_conv_2 (depthwise) (99%), conv_1 (1%)" in str(section.body["where"])
    small = device.build(quantised(plain, mean=mean - 0.002, **LAYERS))
    assert small is not None
    assert small.body["where"] == ""


def test_a_winner_that_loses_nothing_is_said_so(plain: RunData) -> None:
    section = device.build(quantised(plain, mean=result_of(plain).validation.mean or 0.0, **LAYERS))
    assert section is not None
    assert section.title.startswith("In 8 bits the winner is as accurate as in floats")


def test_both_figures_are_drawn(plain: RunData) -> None:
    run = quantised(plain, **LAYERS, **memory_arrays())
    drawn = [svg_of(figure) for figure in page_figures(run) if figure.name.startswith("device-")]
    page = render_run(run)
    assert len(drawn) == page.count('data-figure="device-') == 2
    page += "".join(drawn)
    for text in ("depthwise conv 2", "separable_conv_2 (depthwise)", "place in the arena, kB", "Memory is fullest at"):
        assert text in page


def test_float_and_int8_stand_side_by_side(plain: RunData) -> None:
    run = quantised(plain, mean=0.95, **LAYERS)
    section = device.build(run)
    assert section is not None
    table = section.body["accuracies"]
    assert isinstance(table, Table)
    assert [cell.text for cell in table.rows[1].cells][2] == "94.00 [91.00, 96.00]"
    searched, confirmed, tested = (item.others for item in ladder(run))
    assert confirmed == "95.00 ± 0.10% int8"
    assert tested == "94.00% int8 [91.00–96.00]"
    assert searched.endswith("% int8")


def test_columns_and_ranks_are_by_int8(plain: RunData) -> None:
    run = quantised(plain)
    table = trials_table(run)
    assert table is not None
    place = [column.label for column in table.columns].index("int8")
    shown = {row.trial: row.cells[place].text for row in table.rows}
    long = [record for record in run.records if record.epochs == 9]
    assert all(shown[record.trial] == f"{100 * (record.val_int8_accuracy or 0):.2f}" for record in long)
    assert {shown[record.trial] for record in run.records if record.epochs < 9} == {"–"}
    assert run.objective == "int8"
    confirmed = leaderboard.confirmed_table(run)
    assert confirmed is not None
    assert "int8" in [column.label for column in confirmed.columns]
    assert "val_int8_accuracy" in page_data(run)["fields"]  # type: ignore[operator]
    rows = list(csv.DictReader(io.StringIO(trials_csv(run))))
    assert sum(bool(row["val_int8_accuracy"]) for row in rows) == len(long)
    assert "val_int8_accuracy" not in trials_csv(plain)


def test_a_run_whose_long_trials_have_not_begun_is_ranked_by_accuracy(plain: RunData) -> None:
    run = quantised(plain)
    begun = replace(run, records=tuple(record for record in run.records if record.epochs < 9), result=None)
    assert begun.objective == "val_accuracy"
    assert replace(begun, records=()).objective == "int8"


def test_the_card_and_the_terminal_say_both(plain: RunData) -> None:
    run = quantised(plain, mean=0.95, **memory_arrays())
    facts = {name: value for part in card_of(run, result_of(run), ()).facts for name, value in part.rows}
    assert facts["Test accuracy (%) of this model's int8 file [95% interval, Wilson]"] == "94.00 [91.00, 96.00]"
    assert facts["Validation accuracy (%) of the int8 networks, mean of 2 seeds"] == "95.00 ± 0.10"
    assert facts["RAM is fullest"].endswith("bytes of activations at conv 1")
    assert "Its int8 file: 94.00% [91.00%, 96.00%], 24 errors." in format_headline(result_of(run), run.info)
    untested = msgspec.structs.replace(result_of(run), test=None)
    assert "(int8 95.00% ± 0.10)" in format_headline(untested, run.info)


def test_a_comparison_has_its_column(plain: RunData, tmp_path: Path) -> None:
    run = quantised(plain)
    folders = [build_run(tmp_path / name, FAKE) for name in ("a", "b")]
    write_document(folders[0] / "run.json", run.info)
    write_document(folders[0] / "result.json", result_of(run))
    write_journal(folders[0] / "trials.jsonl", list(run.records))
    write_comparison(folders, tmp_path / "compare.html", "1.0")
    page = (tmp_path / "compare.html").read_text()
    assert "Test, int8" in page
    assert "94.00 [91.00, 96.00]" in page


# --at-least


def test_a_goal_by_the_bound_is_told_as_one(plain: RunData) -> None:
    result = result_of(plain)
    finalists = tuple(
        msgspec.structs.replace(finalist, bound=low, flash=9000)
        for finalist, low in zip(result.finalists, (0.951, 0.93), strict=True)
    )
    result = msgspec.structs.replace(
        result, finalists=finalists, flash=9000, target=Target(0.95, True, by="bound", unit="flash")
    )
    run = replace(plain, result=result)
    assert (
        "One of 2 confirmed configurations reaches 95.00% with 95% confidence on validation data: the winner"
        in leaderboard.build(run).title
    )
    table = leaderboard.confirmed_table(run)
    assert table is not None
    place = [column.label for column in table.columns].index("Reaches 95.00%")
    assert [row.cells[place].text for row in table.rows] == ["yes: 95.10 or more", "no: 93.00 or more"]
    assert (
        "It is the smallest finalist whose lower 95% bound of the mean validation accuracy reaches"
        in format_headline(result, run.info)
    )
    facts = {name: value for part in card_of(run, result, ()).facts for name, value in part.rows}
    assert facts["Chosen"].startswith(
        "The smallest finalist whose lower 95% bound of the mean validation accuracy reaches 95.00%"
    )
