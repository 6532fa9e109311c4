"""What the page says of the winner's behaviour: stops in the curves, weight norms, samples, banners."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reports.analysis.model.curves import Stop, band, curve
from reports.analysis.model.weights import finalist_norms
from reports.figures.search.curves import LabelledBand, accuracy_curves
from reports.run.reading import read_run
from reports.run.run_data import RunData
from reports.sections.banners import banners
from reports.sections.model import data, errors, reproduce, robustness, weights
from reports.sections.search import learning_curves
from tests.kit.replacing import replace
from tests.kit.run_builder import FakeRun, build_run, make_record, make_run
from tuner.core.records import TrialRecord


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunData:
    fake = FakeRun(brackets=((0, ((5, 2), (2, 5))),), seeds=3, validation=300, test=400)
    return read_run(build_run(tmp_path_factory.mktemp("behaviour") / "run", fake))


def learned(trial: str, last: float, **changes: object) -> TrialRecord:
    history = {"accuracy": [0.5, last], "val_accuracy": [0.6, last], "val_loss": [1.0, 0.1], "loss": [1.0, 0.1]}
    return make_record(trial, last, history={**history, "learning_rate": [0.1, 0.0]}, **changes)


# --- learning curves ------------------------------------------------------------------------------------------------


def test_an_early_stop_has_its_cross_even_below_the_axis() -> None:
    winner = learned("0001", 0.99)
    own = band([winner], "val_accuracy")
    assert own is not None
    stops = [Stop("0007", 1, 15, 0.11), Stop("0008", 2, 15, None)]
    svg = accuracy_curves([curve(winner, "val_accuracy")], [LabelledBand("w", own, winner=True)], [], "x", stops).svg()
    assert svg.count('data-trial="0007"') == 1
    assert 'data-trial="0008"' not in svg
    assert "stopped early, below the axis" in svg


def test_early_stops_are_named() -> None:
    section = learning_curves.build(make_run([learned("0001", 0.99), learned("0002", 0.2, epochs=15)]))
    assert section.body["stops"] == "Early stopping ended 1 trial, each at a cross: 0002 after 2 of 15 epochs."
    assert learning_curves.build(make_run([learned("0001", 0.9)])).body["stops"] == "Early stopping struck no trial."


@pytest.mark.parametrize(
    ("records", "title"),
    [
        ([], "No learning curve to show yet"),
        ([make_record("0001", None)], "No learning curve to show yet"),
        ([make_record("0001", 0.9)], "No learning curve was recorded"),
    ],
    ids=["none", "failed", "no history"],
)
def test_without_a_curve_there_is_a_word_and_no_figure(records: list[TrialRecord], title: str) -> None:
    section = learning_curves.build(make_run(records))
    assert section.title == title
    assert section.body["accuracy"] is None
    assert section.body["others"] == []
    assert section.body["why_none"]


def test_two_thousand_trials_keep_the_figure_small() -> None:
    many = [learned(f"{n:04d}", 0.5 + n / 5000) for n in range(1, 2001)]
    figure = learning_curves.build(make_run(many)).body["accuracy"]
    assert figure is not None
    assert len(figure.drawing.svg()) < 120_000  # type: ignore[attr-defined]
    assert "Grey: 150 of the other 1,999 trials" in figure.caption  # type: ignore[attr-defined]


# --- weights --------------------------------------------------------------------------------------------------------


def test_norms_of_finalists_are_means_over_their_seeds(run: RunData) -> None:
    found = finalist_norms(run)
    assert run.result is not None
    assert [norms.place for norms in found] == [1, 2]
    trials = run.result.finalists[0].trials
    table = np.array([run.arrays[f"confirm/{trial}/weights/statistics"][:, 3] for trial in trials])
    totals = np.sqrt((table**2).sum(axis=1))
    assert found[0].seeds == 3
    assert found[0].total.mean == pytest.approx(totals.mean())
    assert found[0].total.sd == pytest.approx(totals.std(ddof=1))
    assert [layer.norm.mean for layer in found[0].layers] == pytest.approx(list(table.mean(axis=0)))
    assert found[0].root_mean_square.mean == pytest.approx(totals.mean() / found[0].weights ** 0.5)


def test_a_seed_without_finite_norms_is_passed_over(run: RunData) -> None:
    assert run.result is not None
    key = f"confirm/{run.result.finalists[0].trials[0]}/weights/statistics"
    spoiled = {**run.arrays, key: np.full_like(run.arrays[key], np.nan)}
    assert finalist_norms(replace(run, arrays=spoiled))[0].seeds == 2
    assert finalist_norms(make_run()) == ()
    assert weights.build(make_run()).body["norms"] is None


# --- errors, robustness, data ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"), [(0.0, "0.0"), (0.0001, "<0.1"), (0.25, "25.0"), (0.9999, ">99.9"), (1.0, "100.0")]
)
def test_a_probability_is_never_rounded_to_certainty(value: float, expected: str) -> None:
    assert errors.format_probability(value) == expected


def test_robustness_table_holds_every_step(run: RunData) -> None:
    table = robustness.build(run).body["table"]
    assert len(table.rows) == 7  # type: ignore[attr-defined]
    assert [len(row.cells) for row in table.rows] == [len(table.columns)] * 7  # type: ignore[attr-defined]
    assert robustness.build(make_run()).body["table"] is None


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (lambda images: images, "The winner was trained without augmentation: on the images as they are."),
        (
            lambda images: np.where(np.arange(len(images))[:, None, None] == 0, 255 - images, images),
            "1 of 20 images differ",
        ),
        (lambda images: images[:3], "The winner was trained without augmentation"),
    ],
)
def test_augmented_images_stand_beside_the_plain_ones(run: RunData, changed: object, expected: str) -> None:
    images = run.arrays["images/samples"]
    arrays = {**run.arrays, "images/augmented": changed(images)}  # type: ignore[operator]
    body = data.build(replace(run, arrays=arrays)).body
    assert expected in str(body["augmentation"])
    assert len(body["samples"]) == 10  # type: ignore[arg-type]
    assert ("beside itself" in str(body["sample_head"])) == ("differ" in expected)


def test_class_balance_in_words(run: RunData) -> None:
    def words(counts: tuple[int, ...]) -> object:
        own = replace(run.info.data, class_counts={"train": counts}, classes=len(counts))
        return data.build(replace(run, info=replace(run.info, data=own))).body["balance"]

    assert words((5, 10)) == "2 classes; the largest has 2.00 times the training images of the smallest."
    assert words((5, 5, 0)) == "3 classes, as many training images of each. 1 class has no training image."
    assert words(()) == ""


# --- banners and reproduction ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind", "head"),
    [
        ("digits", "alarm", "These are scikit-learn's 8×8 digits, not MNIST."),
        ("fashion_mnist", "note", "The data are Fashion-MNIST, not MNIST."),
        ("x" * 99, "note", f"The data are {'x' * 39}…, not MNIST."),
    ],
)
def test_data_but_mnist_are_named_in_a_banner(run: RunData, name: str, kind: str, head: str) -> None:
    other = replace(run, info=replace(run.info, data=replace(run.info.data, name=name)))
    assert (banners(other)[0].kind, banners(other)[0].head) == (kind, head)
    assert not any("not MNIST" in banner.head for banner in banners(run))


def test_a_search_without_rungs_can_be_cut_too(run: RunData) -> None:
    info = replace(run.info, plan=replace(run.info.plan, brackets=(), trials=50))
    assert banners(replace(run, info=info))[0].head == "The search was cut: 7 of 50 planned trials ran."
    assert not any("cut" in banner.head for banner in banners(replace(run, info=replace(info, status="interrupted"))))


@pytest.mark.parametrize("why", [{"flat_after": 1}, {"exhausted": True}])
def test_a_search_that_says_itself_why_it_ended_was_not_cut(run: RunData, why: dict[str, Any]) -> None:
    info = replace(run.info, plan=replace(run.info.plan, brackets=(), trials=50, **why))
    assert not any("cut" in banner.head for banner in banners(replace(run, info=info)))


def test_what_was_not_deterministic_is_said(run: RunData) -> None:
    assert reproduce.build(run).body["deterministic"]
    doubtful = reproduce.build(replace(run, info=replace(run.info, nondeterminism=["A GPU."])))
    assert doubtful.body["deterministic"] == ""
    assert doubtful.body["nondeterminism"] == ["A GPU."]
    assert re.search("seed 1 will differ", doubtful.title)


@pytest.mark.slow
def test_one_page_of_two_hundred_trials_is_small(tmp_path: Path) -> None:
    from reports.pages.page import render_report

    brackets = ((0, ((120, 2), (40, 5), (13, 15))), (1, ((20, 5), (7, 15))))
    page = render_report(build_run(tmp_path / "run", FakeRun(brackets=brackets, finalists=5)))
    assert len(page.encode()) < 3_000_000
