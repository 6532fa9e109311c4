"""What the page, the card and a notebook say of a target; of runs without one they say what they always did (tests/reports/pages/test_gold.py)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from reports.analysis.model.consistency import AccuracyThreshold, accuracy_threshold, consistency
from reports.analysis.search.target import (
    TargetOutcome,
    reaches_target,
    target_of,
    target_outcome,
)
from reports.comparison.page import render_comparison
from reports.figures.search.pareto import near_target
from reports.formatting import exact_percent
from reports.pages.notebook import run_card
from reports.pages.page import page_figures, render_report
from reports.run.reading import read_run
from reports.run.run_data import RunData
from reports.sections.model.card import card_of
from reports.sections.model.reproduce import ledgers
from reports.sections.search import leaderboard, pareto, summary
from reports.sections.search.target import format_caption, format_chosen, format_title
from reports.sections.section import Table
from tests.kit.drawings import svg_of
from tests.kit.marks import slow_after
from tests.kit.replacing import replace
from tests.kit.run_builder import FakeRun, build_run, make_record, make_run
from tuner.core.errors import JournalError
from tuner.storage.schema.result import Finalist, Target

FAKE = FakeRun(
    brackets=((0, ((6, 2), (4, 5))),),
    finalists=3,
    seeds=2,
    failed=0,
    validation=6000,
    test=400,
    arrays=False,
    custom=False,
)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> RunData:
    """A run with three finalists and no target."""
    return read_run(build_run(tmp_path_factory.mktemp("run") / "run", FAKE))


def with_target(run: RunData, accuracy: float, *, reached: bool, order: tuple[int, ...] = (0, 1, 2)) -> RunData:
    """The same, its finalists in this order, the first the winner."""
    result = run.result
    if result is None:
        raise ValueError("a run without a result")
    finalists = tuple(result.finalists[place] for place in order)
    first = finalists[0]
    winner = replace(
        result,
        target=Target(accuracy, reached),
        finalists=finalists,
        trials=first.trials,
        configuration=first.configuration,
        parameters=first.parameters,
        validation=first.validation,
    )
    return replace(run, result=winner)


def mean(run: RunData, place: int) -> float:
    result = run.result
    if result is None or result.finalists[place].validation.mean is None:
        raise ValueError("a finalist without a mean")
    return float(result.finalists[place].validation.mean or 0)


def table(value: object) -> Table:
    if not isinstance(value, Table):
        raise ValueError("no table")
    return value


def test_a_reached_target_is_said_where_the_winner_stands(plain: RunData) -> None:
    bar = mean(plain, 1)
    run = with_target(plain, bar, reached=True, order=(1, 0, 2))
    result = run.result
    assert result is not None
    best = result.finalists[1]
    words = (
        f"The smallest finalist whose mean validation accuracy reaches {exact_percent(bar)}%; "
        f"the most accurate one has {100 * mean(plain, 0):.2f}% with {best.parameters:,} parameters."
    )
    assert format_chosen(run) == words
    assert words in list(summary.build(run).body["claims"])  # type: ignore[call-overload]
    assert ("Chosen", words) in card_of(run, result, ()).facts[0].rows
    assert format_title(run) == leaderboard.build(run).title
    assert format_title(run).startswith(
        f"2 of 3 confirmed configurations reach {exact_percent(bar)}% on validation data"
    )
    assert f"with {result.parameters:,} parameters" in format_title(run)
    found = table(leaderboard.confirmed_table(run))
    (place,) = [n for n, column in enumerate(found.columns) if column.label.startswith("Reaches")]
    assert [row.cells[place].text for row in found.rows] == ["yes", "yes", "no"]
    assert all(len(row.cells) == len(found.columns) for row in found.rows)
    short = leaderboard.short_table(run)
    for caption in (found.caption, table(short).caption):
        assert f"The smallest that reaches the target, {exact_percent(bar)}%, wins." in caption


def test_a_single_one_that_reaches_it_is_named(plain: RunData) -> None:
    run = with_target(plain, mean(plain, 0), reached=True)
    words = f"One of 3 confirmed configurations reaches {exact_percent(mean(plain, 0))}% on validation data: the winner"
    assert format_title(run) == words


@pytest.mark.parametrize(
    ("value", "shown"), [(99.45, "99.45"), (99, "99"), (99.456, "99.456"), (None, None), ("x", "x")]
)
def test_the_option_is_shown_as_it_was_typed(plain: RunData, value: Any, shown: str | None) -> None:
    run = replace(plain, info=replace(plain.info, options={"target": value}))
    (options,) = [dict(found.rows) for found in ledgers(run) if found.head == "Options"] or [{}]
    assert options.get("target") == shown


def test_a_winner_that_is_the_most_accurate_too_is_not_held_against_itself(plain: RunData) -> None:
    run = with_target(plain, mean(plain, 2), reached=True)
    assert format_chosen(run) == (
        f"The smallest finalist whose mean validation accuracy reaches {exact_percent(mean(plain, 2))}%."
    )


def test_a_missed_target_is_said_in_every_place(plain: RunData) -> None:
    run = with_target(plain, 0.9999, reached=False)
    result = run.result
    assert result is not None
    has = f"has {exact_percent(mean(plain, 0))}%"
    assert format_chosen(run).startswith("No finalist's mean validation accuracy reaches 99.99%")
    assert format_chosen(run).endswith(f"{has}.")
    assert (
        format_title(run) == f"None of 3 confirmed configurations reaches 99.99% on validation data; the winner {has}"
    )
    assert format_caption(run) == " None reaches the target, 99.99%."
    assert ("Chosen", format_chosen(run)) in card_of(run, result, ()).facts[0].rows


def test_without_a_target_nothing_is_said_of_one(plain: RunData) -> None:
    assert (format_chosen(plain), format_title(plain), format_caption(plain)) == ("", "", "")
    assert target_outcome(plain) is None
    assert target_of(plain) is None
    assert "arget" not in leaderboard.build(plain).how + pareto.build(plain).how
    assert not any("Reaches" in column.label for column in table(leaderboard.confirmed_table(plain)).columns)


def test_one_finalist_has_a_title_and_no_count(plain: RunData) -> None:
    result = plain.result
    assert result is not None
    alone = replace(plain, result=replace(result, finalists=result.finalists[:1], target=Target(0.5, True)))
    assert format_title(alone) == ""
    assert leaderboard.build(alone).title == "One configuration was confirmed, with 2 seeds"
    assert format_chosen(alone) == "The smallest finalist whose mean validation accuracy reaches 50.00%."
    nobody = replace(plain, result=replace(result, finalists=(), target=Target(0.5, True)))
    assert target_outcome(nobody) is None


def test_finalists_are_counted(plain: RunData) -> None:
    found = target_outcome(with_target(plain, mean(plain, 1), reached=True, order=(2, 1, 0)))
    assert isinstance(found, TargetOutcome)
    assert (found.finalists, found.reaching) == (3, 2)
    assert found.best.validation.mean == mean(plain, 0)


@pytest.mark.parametrize(("score", "expected"), [(None, False), (0.993, False), (0.9939999, True), (0.995, True)])
def test_who_comes_up_to_it(plain: RunData, score: float | None, expected: bool) -> None:
    result = plain.result
    assert result is not None
    first: Finalist = result.finalists[0]
    assert (
        reaches_target(
            replace(first, validation=replace(first.validation, mean=score)), Target(0.994, True), "val_accuracy"
        )
        is expected
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [(99.4, 0.994), (99, 0.99), (100, 1.0), (None, None), (True, None), ("99.4", None), (0.994, None), (101, None),
     (10**400, None), (float("nan"), None), ([99], None)],
)  # fmt: skip
def test_a_run_that_still_goes_has_its_target_among_its_options(value: Any, expected: float | None) -> None:
    run = make_run()
    assert target_of(replace(run, info=replace(run.info, options={"target": value}))) == expected


@pytest.mark.parametrize("data", ["mnist", "digits"])
def test_seeds_are_held_against_the_run_s_own_target(plain: RunData, data: str) -> None:
    run = with_target(plain, 0.98765, reached=True)
    assert accuracy_threshold(
        replace(run, info=replace(run.info, data=replace(run.info.data, name=data)))
    ) == AccuracyThreshold(0.98765)
    assert "of the winner ended at 98.765% or more" in " ".join(map(str, summary.build(run).body["claims"]))  # type: ignore[call-overload]


def test_an_epoch_in_32_bits_is_at_the_bar() -> None:
    short = make_record(history={"val_accuracy": [0.99, 0.9939999]})
    found = consistency([short], 0.994)
    assert found is not None
    assert (found.seeds_above, found.epochs_above) == (1, 1)


# The figure


@pytest.mark.parametrize(
    ("target", "drawn"), [(None, False), (0.99, True), (0.994, True), (0.5, False), (0.99999, False), (1.0, False)]
)
def test_a_target_far_from_all_is_not_drawn(target: float | None, drawn: bool) -> None:
    assert near_target(target, [0.985, 0.99, 0.995]) == (target if drawn else None)


def test_the_target_is_a_line_in_every_front(plain: RunData) -> None:
    run = with_target(plain, mean(plain, 1), reached=True)
    body = pareto.build(run).body
    for drawn in (body["figure"], body["work"], summary.build(run).body["front"]):
        assert re.search(r'id="[^"]*target"', svg_of(drawn))
        assert f"target {100 * mean(plain, 1):.6g}%" in svg_of(drawn)
    assert "The dotted line is the target" in pareto.build(run).how
    assert 'target"' not in svg_of(pareto.build(plain).body["figure"])


# Whole pages


def changed(folder: Path, target: object, fake: FakeRun = FAKE) -> Path:
    build_run(folder, fake)
    document = json.loads((folder / "result.json").read_bytes())
    (folder / "result.json").write_text(json.dumps({**document, "target": target}))
    return folder


def test_a_page_and_a_notebook_have_it(tmp_path: Path) -> None:
    folder = changed(tmp_path / "run", {"accuracy": 0.5, "reached": True})
    page = render_report(folder)
    assert "The smallest finalist whose mean validation accuracy reaches 50.00%" in page
    assert "Reaches 50.00%" in page
    assert "The smallest that reaches the target, 50.00%, wins." in run_card(folder)


@pytest.mark.parametrize(
    "target",
    [1, "99.4", [], {}, {"accuracy": 0.9}, {"accuracy": 99.4, "reached": True}, {"accuracy": 0.9, "reached": 1}],
)
def test_what_is_no_target_is_refused(tmp_path: Path, target: object) -> None:
    with pytest.raises(JournalError, match=r"result\.json can't be read"):
        read_run(changed(tmp_path / "run", target))


@pytest.mark.parametrize("accuracy", slow_after(1, [0, 1.0, 0.0, 1, 1e-300]))
@pytest.mark.parametrize("reached", [True, False])
def test_a_stranger_s_target_renders_wherever_it_lies(tmp_path: Path, accuracy: float, reached: bool) -> None:
    folder = changed(tmp_path / "run", {"accuracy": accuracy, "reached": reached}, replace(FAKE, validation=300))
    assert f"reaches {exact_percent(accuracy)}%" in render_report(folder)
    fronts = [figure for figure in page_figures(read_run(folder)) if figure.name.startswith("pareto")]
    assert fronts
    assert all(svg_of(figure).startswith("<svg") for figure in fronts)


def test_an_older_run_and_null_have_none(tmp_path: Path) -> None:
    assert read_run(changed(tmp_path / "run", None)).result == read_run(build_run(tmp_path / "old", FAKE)).result


@pytest.mark.parametrize(
    ("fraction", "words"),
    [(0.994, "99.40"), (0.99456, "99.456"), (0.993967, "99.3967"), (1.0, "100.00"), (0.5, "50.00"), (None, "–")],
)
def test_as_many_digits_as_a_bar_needs(fraction: float | None, words: str) -> None:
    assert exact_percent(fraction) == words


@pytest.mark.draws
@pytest.mark.parametrize("targets", [(99.45, 99.41), (99.45, 99.45)])
def test_a_comparison_has_targets_in_full(tmp_path: Path, targets: tuple[float, float]) -> None:
    runs = [
        build_run(tmp_path / f"{place}", replace(FAKE, validation=300, options={"target": target}))
        for place, target in enumerate(targets)
    ]
    page = render_comparison(runs, "0.0")
    assert all(f"{target}" in page for target in targets)
    assert "99.5<" not in page
