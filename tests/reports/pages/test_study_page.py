"""Pages of studies and trainings: their numbers first, then that any of them renders and claims no more than it can."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reports.analysis.model.training import published_comparison
from reports.analysis.study.effects import Effect, arms_of, effects, is_ordered, spread, trend, varied_settings
from reports.analysis.study.learning import convergence, last_shown, length_steps, paired_interval, settled_at, stopping
from reports.analysis.study.measures import batch_costs, gradient_norms, sizes, units, weight_norms
from reports.figures.study.effects import label_places, looks, short_label
from reports.figures.theme_colours import Ink
from reports.pages.notebook import run_card
from reports.pages.page import figures, page_figures, render_report, sections_of
from reports.run.reading import read_run
from reports.run.run_data import RunData
from reports.sections.model.training import format_comparison
from reports.sections.study.layers import norms_section
from tests.kit.drawings import drawn, set_drawing, svg_of
from tests.kit.marks import slow_after
from tests.kit.page import HOSTILE, Page
from tests.kit.replacing import replace
from tests.kit.run_builder import FakeRun, build_run, write_json
from tests.kit.study_builder import STUDIES, FakeArm, FakeStudy, build_study, build_training, values_of

FIRST = ["summary", "effects", "study-curves"]
LAST = ["leaderboard", "learning-curves", "weights", "data", "failures", "reproduce"]
OWN = {
    "dropout": ["convergence"],
    "l2": ["convergence", "weight-norms"],
    "optimizer": ["convergence"],
    "batch_size": ["convergence", "gradient-noise"],
    "activation": ["convergence", "gradients"],
    "epochs": ["epochs"],
    "early_stopping": ["early-stopping"],
    "capacity": ["convergence", "capacity", "pareto"],
}
"""Which sections depend on what is studied."""
TWO = values_of("dropout", {0.0: 0.0, 0.1: 0.004})


def read(folder: Path, fake: FakeStudy) -> RunData:
    return read_run(build_study(folder / "run", fake))


def made(folder: Path, **changes: Any) -> FakeStudy:
    return FakeStudy(**{"arms": TWO, **changes})


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunData]:
    folder = tmp_path_factory.mktemp("studies")
    return {name: read_run(build_study(folder / name, fake)) for name, fake in STUDIES.items()}


@pytest.fixture(scope="module")
def pages(runs: dict[str, RunData]) -> dict[str, str]:
    return {name: render_report(run.folder) for name, run in runs.items()}


@pytest.fixture(scope="module")
def widest(runs: dict[str, RunData]) -> str:
    """The page of the study with the most arms, with its figures."""
    with drawn():
        return render_report(runs["early_stopping"].folder)


# --- numbers --------------------------------------------------------------------------------------------------------


def test_a_study_is_read(runs: dict[str, RunData]) -> None:
    run = runs["batch_size"]
    plan = run.info.study
    assert run.info.kind == "study"
    assert plan is not None
    assert (plan.base, plan.seeds, plan.diagnostics) == ("32", 3, ("gradient_noise", "step"))
    assert [arm.value for arm in plan.arms] == [8, 32, 128, 512]
    assert run.result is not None
    assert run.result.study is not None
    assert run.result.study.comparison("32") is None
    assert run.result.study.comparison("512") is not None


def test_a_search_without_the_new_keys_is_a_search(tmp_path: Path) -> None:
    run = read_run(build_run(tmp_path / "run", FakeRun(brackets=((0, ((1, 2),)),), failed=0, finalists=1)))
    assert (run.info.kind, run.info.study) == ("search", None)
    assert run.result is not None
    assert run.result.study is None


@pytest.mark.parametrize("name", STUDIES)
def test_effects_agree_with_the_result(runs: dict[str, RunData], name: str) -> None:
    for row in effects(runs[name]):
        if row.arm.base:
            assert (row.pairs, row.difference, row.comparison) == ((), None, None)
        else:
            assert row.comparison is not None
            assert row.difference == pytest.approx(row.comparison.difference)
            assert len(row.pairs) == row.comparison.n == 3 + 2 * (name == "dropout")


def test_pairs_are_of_one_seed(tmp_path: Path) -> None:
    run = read(tmp_path, made(tmp_path, lost=(("0.0", 1), ("0.1", 3))))
    row = effects(run)[1]
    assert [pair.repetition for pair in row.pairs] == [2]
    base = next(record for record in run.records if record.trial == "0002")
    other = next(record for record in run.records if record.trial == row.pairs[0].trial)
    assert row.pairs[0].difference == (other.val_accuracy or 0) - (base.val_accuracy or 0)
    assert [(arm.failed, arm.missing, len(arm.records)) for arm in arms_of(run)] == [(1, 0, 2), (1, 0, 2)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [((), None), ((None, math.nan), None), ((0.5,), (1, 0.5, None)), ((1.0, 3.0, None), (2, 2.0, math.sqrt(2)))],
)
def test_spread(values: Sequence[float | None], expected: tuple[Any, ...] | None) -> None:
    found = spread(values)
    assert (found and (found.n, found.mean, found.sd)) == (expected and pytest.approx(expected))


@pytest.mark.parametrize(
    ("values", "ordered"),
    [((1, 2, 3), True), ((1, 2), False), ((1, 2, 2), False), (("a", 2, 3), False), ((True, 2, 3), False), ((None, 1, 2), False)],
)  # fmt: skip
def test_ordered_arms_are_distinct_numbers(tmp_path: Path, values: Sequence[Any], ordered: bool) -> None:
    arms = tuple(FakeArm(str(k), value, {"dropout": k / 10}) for k, value in enumerate(values))
    found = arms_of(read(tmp_path, made(tmp_path, arms=arms, seeds=1, arrays=False)))
    assert is_ordered(found) is ordered
    colours = [look.colour for look in looks(found).values()]
    assert all((colour in Ink.ORDER) is ordered for colour in colours)


def test_an_arm_keeps_its_look_and_twelve_can_be_told(runs: dict[str, RunData]) -> None:
    arms = arms_of(runs["early_stopping"])
    twelve = [replace(arms[0], place=k, plan=replace(arms[0].plan, value=f"v{k}")) for k in range(12)]
    styles = looks(twelve)
    assert len({(style.colour, style.dash) for style in styles.values()}) == 12


def test_trend_is_within_seeds(tmp_path: Path) -> None:
    falling = values_of("dropout", {0.0: 0.0, 0.1: -0.005, 0.2: -0.01, 0.3: -0.02})
    found = trend(arms_of(read(tmp_path, made(tmp_path, arms=falling, noise=0.0))))
    assert found is not None
    assert (found.arms, found.seeds, found.same_sign) == (4, 3, 3)
    assert found.rho == pytest.approx(-1)


@pytest.mark.parametrize(
    "arms",
    [TWO, values_of("optimizer", {"a": 0.0, "b": 0.0, "c": 0.0, "d": 0.0}), values_of("l2", {0.0: 0.0, 1.0: 0.0, 2.0: 0.0})],
)  # fmt: skip
def test_no_trend_of_few_or_unordered_arms(tmp_path: Path, arms: Sequence[FakeArm]) -> None:
    assert trend(arms_of(read(tmp_path, made(tmp_path, arms=arms)))) is None


def test_no_trend_of_equal_scores(tmp_path: Path) -> None:
    arms = values_of("dropout", {0.0: 0.0, 0.1: 0.0, 0.2: 0.0, 0.3: 0.0})
    assert trend(arms_of(read(tmp_path, made(tmp_path, arms=arms, noise=0.0)))) is None


def test_varied_settings(runs: dict[str, RunData]) -> None:
    assert varied_settings(arms_of(runs["early_stopping"])) == {"trial.patience", "trial.restore_best"}
    assert varied_settings(arms_of(runs["epochs"])) == frozenset()


@pytest.mark.parametrize(
    ("values", "epoch"),
    [
        ((), None),
        ((0.9,), 1),
        ((0.9, math.nan), None),
        ((0.5, 0.98, 0.9809, 0.981), 2),
        ((0.98, 0.9, 0.98), 3),
        ((math.nan, 0.98, 0.98), 2),
        ((0.98, 0.981, 0.98), 1),
    ],
)
def test_settled_at(values: Sequence[float], epoch: int | None) -> None:
    assert settled_at(values) == epoch


def test_convergence_orders_by_speed(runs: dict[str, RunData]) -> None:
    rows = {row.arm.label: row for row in convergence(runs["optimizer"])}
    at_95 = {name: row.reached[0][0] for name, row in rows.items()}
    assert max(at_95["adam"]) < min(at_95["sgd"])
    assert rows["sgd"].reached[3] == ((), 3)
    assert rows["adam"].settled is not None


def test_stopping_counts_what_was_saved_and_lost(runs: dict[str, RunData]) -> None:
    rows = {row.arm.label: row for row in stopping(runs["early_stopping"])}
    first, never = rows["patience 1"], rows["never"]
    assert never.arm.base
    assert never.lost == pytest.approx(0)
    assert first.saved == pytest.approx(1 - first.run.mean / 30)
    assert first.lost == pytest.approx(never.score.mean - first.score.mean)
    assert [row.restored for row in rows.values()] == [False] * 4 + [True] * 4
    assert stopping(runs["dropout"]) == ()


def test_steps_of_epochs(runs: dict[str, RunData]) -> None:
    steps = length_steps(runs["epochs"])
    assert [(step.earlier.plan.epochs, step.later.plan.epochs) for step in steps] == [
        (1, 2),
        (2, 5),
        (5, 10),
        (10, 20),
        (20, 40),
    ]
    assert not steps[-1].shown
    found = last_shown(steps)
    assert found is not None
    assert found.later.plan.epochs in (5, 10)
    assert length_steps(runs["dropout"]) == ()


def test_paired_interval_is_students() -> None:
    low, high = paired_interval((1.0, 2.0, 3.0), 0.95) or (0, 0)
    assert (low, high) == pytest.approx((2 - 4.302653 / math.sqrt(3), 2 + 4.302653 / math.sqrt(3)))
    assert paired_interval((1.0,), 0.95) is None
    assert paired_interval((1.0, 1.0), 0.95) is None


def test_weight_norms_are_means_over_seeds(runs: dict[str, RunData]) -> None:
    run = runs["l2"]
    rows = weight_norms(run)
    assert [row.arm.label for row in rows] == ["0.0", "0.0001", "0.001", "0.01"]
    trials = [record.trial for record in rows[0].arm.records]
    first = np.mean([run.arrays[f"confirm/{trial}/weights/statistics"][0, 3] for trial in trials])
    assert rows[0].norms.values[0] == pytest.approx(first)
    assert (rows[-1].total or 0) < (rows[0].total or 0)
    assert weight_norms(runs["dropout"]) == ()


def test_gradients_and_units(runs: dict[str, RunData]) -> None:
    rows = {row.arm.label: row for row in gradient_norms(runs["activation"])}
    assert rows["tanh"].values[0] < rows["relu"].values[0]
    assert rows["tanh"].seeds == 3
    found = {row.arm.label: row for row in units(runs["activation"])}
    assert found["relu"].dead.values == pytest.approx((0.1, 0.1))
    assert found["relu"].saturated is not None
    assert gradient_norms(runs["dropout"]) == ()


def test_batch_costs(runs: dict[str, RunData]) -> None:
    rows = batch_costs(runs["batch_size"])
    assert [row.batch_size for row in rows] == [8, 32, 128, 512]
    trials = [record.trial for record in rows[0].arm.records]
    noise = [runs["batch_size"].arrays[f"study/{trial}/gradient_noise"] for trial in trials]
    assert rows[0].noise_scale == pytest.approx(4.0 / np.mean([row[1] for row in noise]))
    assert rows[0].step_s is not None
    assert rows[0].step_s.mean == pytest.approx(0.00216)
    assert batch_costs(runs["dropout"]) == ()


def test_a_gradient_lost_in_noise_has_no_noise_scale(runs: dict[str, RunData]) -> None:
    run = runs["batch_size"]
    arrays = dict(run.arrays)
    for trial in (record.trial for record in arms_of(run)[0].records):
        arrays[f"study/{trial}/gradient_noise"] = np.array([math.nan, -0.1, 4.0, 32.0])
    row = batch_costs(replace(run, arrays=arrays))[0]
    assert (row.noise_scale, row.noise_seeds) == (None, None)


def test_sizes(runs: dict[str, RunData]) -> None:
    found = sizes(runs["capacity"])
    assert [size.parameters for size in found] == sorted({size.parameters for size in found})
    assert sizes(runs["dropout"]) == ()


@pytest.mark.parametrize(
    ("ends", "count"), [((0.5, 0.5, 0.5), 3), ((1.0,) * 12, 12), ((0.0,) * 12, 12), ((0.5,), 1), ((), 0)]
)
def test_labels_stay_inside_the_axis(ends: Sequence[float], count: int) -> None:
    places = label_places(ends, 0.0, 1.0)
    assert len(places) == count
    assert all(-1e-9 <= place <= 1 + 1e-9 for place in places)
    ordered = sorted(places)
    assert all(b - a > 0.05 for a, b in pairwise(ordered))


@pytest.mark.parametrize(
    ("label", "expected"),
    [("adam", "adam"), ("", ""), ("a\nb", "a b"), ("a rather long label number 11", "a rather …number 11")],
)
def test_long_labels_keep_their_ends(label: str, expected: str) -> None:
    assert short_label(label, 19) == expected


# --- pages ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STUDIES)
def test_each_study_has_its_sections(pages: dict[str, str], name: str) -> None:
    text = pages[name]
    page = Page(text)
    # The question about optimizers is how they learn: that section is the second there.
    middle = ["summary", "convergence", *FIRST[1:]] if name == "optimizer" else [*FIRST, *OWN[name]]
    assert re.findall(r'<section id="([^"]+)"', text) == [*middle, *LAST]
    assert not re.search(r"\b(None|nan|NaN|True|False|inf|Undefined)\b", page.text)
    assert [identity for identity, number in Counter(page.ids).items() if number > 1] == []
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)


def test_a_page_with_its_figures_is_whole_and_small_enough(widest: str) -> None:
    page = Page(widest)
    assert not re.search(r"\b(None|nan|NaN|True|False|inf|Undefined)\b", page.text)
    assert [identity for identity, number in Counter(page.ids).items() if number > 1] == []
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert "#0001" not in widest
    assert len(widest.encode()) < 2_000_000


@pytest.mark.parametrize("name", STUDIES)
def test_each_study_s_own_figures_are_drawn(runs: dict[str, RunData], name: str) -> None:
    """Those that every study has are on the page of the widest one."""
    shared = ("arm-", "curves-", "study-", "pixels")
    own = [figure for figure in page_figures(runs[name]) if not figure.name.startswith(shared)]
    assert len(own) > 1
    for figure in own:
        svg = svg_of(figure)
        assert not re.search(r"\b(None|nan|NaN|True|False|inf|Undefined)\b", Page(svg).text), figure.name
        assert "#0001" not in svg


def test_the_conclusion_is_the_headline(runs: dict[str, RunData], pages: dict[str, str]) -> None:
    run, text = runs["dropout"], pages["dropout"]
    headline = re.search(r"<h1.*?</h1>", text, re.DOTALL)
    assert headline is not None
    assert run.result is not None
    assert run.result.study is not None
    words = Page(headline.group()).text
    assert re.fullmatch(
        r"0\.1 beats 0\.0 by 0\.\d\d ± 0\.\d\d points over 5 seeds \(95% interval, p [<=] 0\.\d+\)\.", words
    )
    assert run.result.study.conclusion.startswith(words)
    shown = " ".join(Page(text).text.split())
    sentences = re.split(r"(?<=[a-z)]\.) ", run.result.study.conclusion)
    assert len(sentences) > 3
    assert all(" ".join(sentence.split()) in shown for sentence in sentences)
    above_the_fold = text.split('<section id="summary"')[1].split("<details")[0]
    assert above_the_fold.count('<p class="conclusion-rest">') == 2


def test_the_study_of_optimizers_answers_its_own_question_first(pages: dict[str, str]) -> None:
    headline = re.search(r"<h1.*?</h1>", pages["optimizer"], re.DOTALL)
    assert headline is not None
    words = Page(headline.group()).text
    assert re.search(r"reached 9\d% after \d+ epochs \(median\), sgd after \d", words)
    assert re.search(r"From epoch to epoch \w+ changes least in the second half, by 0\.\d\d points", words)


def test_intervals_and_corrected_p_values_say_the_same(runs: dict[str, RunData]) -> None:
    tested = [row for run in runs.values() for row in effects(run) if row.comparison is not None and row.interval]
    assert len(tested) > 8
    for row in tested:
        assert row.comparison is not None
        assert row.interval is not None
        assert row.comparison.p_holm is not None
        low, high = row.interval
        assert (low > 0 or high < 0) == (row.comparison.p_holm < 0.05)
        assert (high - low) >= (row.comparison.interval[1] - row.comparison.interval[0]) - 1e-9  # type: ignore[index]


def test_a_study_never_speaks_of_test_accuracy(pages: dict[str, str]) -> None:
    for text in pages.values():
        summary = text.split('<section id="effects"')[0]
        assert "A study never uses the test set" in summary
        assert not re.search(r"\d% (\[[^]]*\] )?of [\d,]+ test images", summary)


def test_the_effect_plot_has_every_pair(runs: dict[str, RunData]) -> None:
    (plot,) = (figure for figure in page_figures(runs["dropout"]) if figure.name == "effects")
    pairs = [pair.trial for row in effects(runs["dropout"]) for pair in row.pairs]
    assert set(re.findall(r'data-trial="(\d+)"', svg_of(plot))) == set(pairs)
    assert len(pairs) == 15


def test_no_arm_is_called_the_winner(runs: dict[str, RunData], pages: dict[str, str], widest: str) -> None:
    for text in (*pages.values(), widest):
        assert "winner" not in Page(text.split('<section id="data"')[0]).text
    (front,) = (figure for figure in page_figures(runs["capacity"]) if figure.name == "pareto")
    assert ">best arm" in svg_of(front)
    assert "winner" not in Page(svg_of(front)).text


def test_figures_of_a_study_are_files_of_their_own(runs: dict[str, RunData]) -> None:
    found = figures(runs["batch_size"].folder)
    assert {"effects", "study-validation", "study-training", "arm-0", "noise-scale", "memory"} <= set(found)
    assert all(svg.startswith("<svg") for svg in found.values())


LOST_BASE = tuple(("0.0", n) for n in (1, 2, 3))
LOST_OTHER = tuple(("0.1", n) for n in (1, 2, 3))


@pytest.mark.parametrize(
    ("changes", "expected"),
    slow_after(8, [
        ({}, "0.1 beats 0.0 by"),
        ({"seeds": 1}, "One seed each, so no test is possible"),
        ({"status": "running", "result": False}, "No conclusion yet: 6 of 6 trials have finished."),
        ({"missing": LOST_BASE + LOST_OTHER, "result": False, "status": "running"}, "No answer yet: no trial has finished."),
        ({"lost": LOST_BASE}, "Nothing can be compared: no seed of 0.0, the base, has a score."),
        ({"lost": LOST_BASE + LOST_OTHER}, "No answer: none of 6 trials completed."),
        ({"arrays": False}, "The study has kept no weight statistics."),
        ({"hyperparameter": "batch_size", "arms": values_of("batch_size", {8: 0.0, 32: 0.0})}, "Cost and noise"),
        ({"seeds": 1, "status": "running", "result": False, "missing": (("0.1", 1),)}, "1 of 2 trials has finished"),
        ({"status": "interrupted", "result": False, "missing": LOST_OTHER}, "This run was interrupted."),
        ({"status": "interrupted", "missing": (("0.1", 3),)}, "1 planned trial was not run."),
        ({"lost": LOST_OTHER}, "no other arm has a score with a seed that 0.0 has one with"),
        ({"lost": (("0.1", 2),)}, "1 trial failed; their pairs are left out."),
        ({"arms": TWO[:1]}, "Nothing was compared: 0.0 is the only arm."),
        ({"arms": values_of("dropout", {k / 100: 0.0 for k in range(12)})}, "Of 11 tested against dropout 0.0"),
        ({"epochs": 1}, "0.1 beats 0.0 by"),
        ({"noise": 0.0}, "without spread there is no test"),
        ({"data": "digits", "fallback": True}, "These are scikit-learn's 8×8 digits, not MNIST"),
    ]),
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)  # fmt: skip
def test_any_study_renders(tmp_path: Path, changes: dict[str, Any], expected: str) -> None:
    """With its figures where arms have one seed, no scores or no spread, which make others."""
    set_drawing(bool({"seeds", "lost", "noise"} & set(changes)))
    folder = build_study(tmp_path / "run", made(tmp_path, **changes))
    text = render_report(folder)
    page = Page(text)
    assert expected in page.text
    assert not re.search(r"\b(None|nan|NaN|inf)\b", page.text)
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert run_card(folder)
    for section in text.split("<section ")[1:]:
        assert "<svg" in section or "<table" in section or 'class="why"' in section or "<dl" in section


@pytest.mark.draws
@pytest.mark.parametrize("name", ["activation", "early_stopping"])
def test_hostile_labels_are_only_text(tmp_path: Path, name: str) -> None:
    text = render_report(build_study(tmp_path / "run", replace(STUDIES[name], hostile=HOSTILE)))
    page = Page(text)
    assert page.tags["script"] == 2
    assert "<script>alert" not in text
    assert "alert(1)" in page.text
    assert "7*7" in page.text
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)


def test_not_a_number_in_what_was_measured(tmp_path: Path) -> None:
    for name in ("activation", "batch_size"):
        folder = build_study(tmp_path / name, STUDIES[name])
        with np.load(folder / "evaluation.npz") as file:
            arrays = {key: file[key] for key in file.files}
        for key, values in arrays.items():
            if values.dtype.kind == "f" and (key.startswith("study/") or key.endswith("statistics")):
                values.flat[0] = np.nan
        np.savez(folder / "evaluation.npz", **arrays)
        assert not re.search(r"\b(nan|NaN)\b", Page(render_report(folder)).text)
        names = {"gradients", "noise-scale", "step-time", "epoch-time", "weight-norms"}
        measured = [one for one in page_figures(read_run(folder)) if one.name in names]
        assert measured
        assert not any(re.search(r"\b(nan|NaN)\b", Page(svg_of(one)).text) for one in measured)


@pytest.mark.draws
def test_same_study_same_bytes(tmp_path: Path) -> None:
    folders = [build_study(tmp_path / name, made(tmp_path, epochs=2)) for name in "ab"]
    assert render_report(folders[0]) == render_report(folders[1])


def test_an_interval_without_a_verdict_is_explained(runs: dict[str, RunData]) -> None:
    section = next(section for section in sections_of(runs["epochs"]) if section.id == "effects")
    assert "Holm" in section.how
    rows: Sequence[Effect] = effects(runs["epochs"])
    assert any(row.comparison is not None and row.comparison.p_holm != row.comparison.p for row in rows)


# --- trainings ------------------------------------------------------------------------------------------------------


def test_a_training_has_no_search(tmp_path: Path) -> None:
    folder = build_training(tmp_path / "run")
    text = render_report(folder)
    ids = re.findall(r'<section id="([^"]+)"', text)
    assert ids[:3] == ["summary", "leaderboard", "learning-curves"]
    assert not {"search", "hyperparameters", "pareto", "fidelity"} & set(ids)
    assert {"confusion", "errors", "robustness", "weights", "reproduce"} <= set(ids)
    assert 'data-figure="published"' in text
    (published,) = (figure for figure in page_figures(read_run(folder)) if figure.name == "published")
    assert not re.search(r"\b(None|nan|NaN|True|False)\b", Page(text + svg_of(published)).text)


def test_published_stands_beside_ours(tmp_path: Path) -> None:
    run = read_run(build_training(tmp_path / "run"))
    found = published_comparison(run)
    assert found is not None
    assert (found.name, found.published, found.test) == ("one-cycle-7236", 0.9953, 10_000)
    assert run.result is not None
    assert run.result.test is not None
    assert found.difference == pytest.approx(run.result.test.accuracy - 0.9953)
    assert not found.inside
    assert "the published figure lies above our 95% interval" in format_comparison(found)
    inside = replace(found, interval=(0.99, 0.996))
    assert inside.inside
    assert "inside our 95% interval" in format_comparison(inside)
    assert "below our" in format_comparison(replace(found, interval=(0.996, 0.999)))
    assert "no interval" in format_comparison(replace(found, interval=None))


@pytest.mark.parametrize(
    "changes",
    slow_after(3, [{"known": False}, {"seeds": 1}, {"hostile": HOSTILE}, {"meet_test": False}, {"data": "digits", "fallback": True}, {"seeds": 2}]),
    ids="-".join,
)  # fmt: skip
def test_any_training_renders(tmp_path: Path, changes: dict[str, Any]) -> None:
    """With its figures where they are others."""
    set_drawing(bool({"seeds", "hostile"} & set(changes)))
    folder = build_training(tmp_path / "run", **changes)
    text = render_report(folder)
    page = Page(text)
    assert (published_comparison(read_run(folder)) is None) == bool({"known", "meet_test", "data"} & set(changes))
    assert "<script>alert" not in text
    assert not re.search(r"\b(None|nan|NaN)\b", page.text)
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)


def test_a_training_that_has_only_begun(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "run", FakeRun(brackets=(), confirm=False, status="running"))
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    write_json(folder / "run.json", {**run, "kind": "train"})
    assert "no trial has finished" in Page(render_report(folder)).text


def test_weight_norms_are_named_by_the_smallest_and_the_largest(runs: dict[str, RunData]) -> None:
    section = norms_section(runs["l2"])
    assert section is not None
    rows = sorted((row.total or 0.0, row.arm.name) for row in weight_norms(runs["l2"]))
    assert f"with {rows[0][1]}, the smallest, and" in section.title
    assert section.title.endswith(f"with {rows[-1][1]}, the largest")
