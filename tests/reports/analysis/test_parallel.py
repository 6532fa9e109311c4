"""Lines across hyperparameters, what the best have in common, and the words of the section where there are too few trials."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from reports.analysis.search.factors import EPOCHS
from reports.analysis.search.parallel import common_among_best, parallel, scattered
from reports.analysis.search.slices import effect, slices, thinned
from reports.analysis.search.trials import groups_by_epochs
from reports.figures.search.parallel import parallel_figure
from reports.figures.search.slices import slice_figure
from reports.pages.page import render_report
from reports.run.reading import read_run
from reports.sections.search import hyperparameters as section
from reports.sections.section import Figure
from reports.sections.settings.importances import verdict_of
from reports.sections.settings.one_at_a_time import slice_figures
from tests.kit.replacing import replace
from tests.kit.run_builder import FakeRun, build_run, make_record, make_run, run_document
from tuner.core.records import TrialRecord, Value
from tuner.storage.schema.run import Hyperparameter

SPACE = [
    Hyperparameter("rate", "float", low=0.001, high=1.0, sampling="log"),
    Hyperparameter("act", "choice", ("tanh", "relu")),
    Hyperparameter("shift", "float", low=0.0, high=1.0, sampling="linear"),
]


def trial(number: int, accuracy: float, **settings: Value) -> TrialRecord:
    return make_record(f"{number:04d}", accuracy, configuration=settings)


FOUR = [
    trial(1, 0.90, rate=0.01, act="relu", same=1),
    trial(2, 0.92, rate=0.1, act="tanh", shift=0.5, same=1),
    trial(3, 0.91, rate=1.0, act="relu", shift=0.0, same=1),
    trial(4, 0.95, rate=0.1, act="relu", shift=1.0, same=1),
]


def test_axes_and_places() -> None:
    found = parallel(2, FOUR, SPACE, most=9)
    assert found is not None
    assert found.trials == ("0001", "0003", "0002", "0004")
    assert found.fifths == (0, 1, 2, 3)
    rate, act, shift = found.axes
    assert rate.places == pytest.approx((0.0, 1.0, 0.5, 0.5))
    assert [value for _, value in rate.ticks] == pytest.approx([0.01, 0.1, 1.0])
    assert shift.places == (None, 0.0, 0.5, 1.0)
    assert [value for _, value in act.ticks] == ["tanh", "relu"]
    relu = [place for place, name in zip(act.places, found.trials, strict=True) if name != "0002"]
    assert all(place is not None and 0.5 < place < 1 for place in relu)
    assert len(set(relu)) == 3
    assert found.left_out == 0


def test_few_axes_are_those_asked_for_then_those_that_most_trials_have() -> None:
    chosen = parallel(2, FOUR, SPACE, most=2)
    assert chosen is not None
    assert ([axis.name for axis in chosen.axes], chosen.left_out) == (["rate", "act"], 1)
    asked = parallel(2, FOUR, SPACE, most=2, first=["shift", "act"])
    assert asked is not None
    assert [axis.name for axis in asked.axes] == ["act", "shift"]


@pytest.mark.parametrize(
    "records",
    [[], FOUR[:1], [trial(1, 0.9, a=1, b=2), trial(2, 0.8, a=1, b=3)], [trial(1, 0.9), trial(2, 0.8)]],
    ids=["none", "one", "one setting varies", "no settings"],
)
def test_no_lines(records: list[TrialRecord]) -> None:
    assert parallel(2, records, [], most=9) is None


def test_true_is_not_one() -> None:
    mixed = [trial(1, 0.9, x=True, y=1), trial(2, 0.8, x=1, y=2), trial(3, 0.7, x="a", y=3)]
    found = parallel(2, mixed, [], most=9)
    assert found is not None
    assert len(found.axes[0].ticks) == 3


def test_scattered_places_lie_apart() -> None:
    places = sorted(scattered(k) for k in range(50))
    assert places[0] > -1
    assert places[-1] < 1
    assert min(b - a for a, b in pairwise(places)) > 0.01


def test_each_line_is_its_trials_mark() -> None:
    found = parallel(2, FOUR, SPACE, most=9)
    assert found is not None
    svg = parallel_figure(found, [0.9, 0.95], "lines").svg()
    marks = re.findall(r'<path class="mark" data-trial="(\d+)" d="M ([^"]*)"', svg)
    assert sorted(name for name, _ in marks) == ["0001", "0002", "0003", "0004"]
    assert all(len(points.split()) == 8 for _, points in marks)
    assert not re.search(r"\d\.\d\d", "".join(points for _, points in marks))
    assert "not used" in svg
    assert parallel_figure(found, [0.9, 0.95], "lines").svg() == svg


def test_what_the_best_have_in_common() -> None:
    records = [trial(k, 0.9 + k / 1000, act="relu" if k > 30 else "tanh", noise=k % 3) for k in range(40)]
    found = common_among_best(records, ["noise", "act"])
    assert found is not None
    assert (found.name, found.value, found.best, found.of_best, found.all, found.of_all) == ("act", "relu", 8, 8, 9, 40)
    rates = [trial(k, 0.9 + k / 1000, rate=k / 100) for k in range(40)]
    side = common_among_best(rates, ["rate"])
    assert side is not None
    assert (side.above, side.median, side.best) == (True, 0.19, 8)


def test_chance_is_not_common() -> None:
    records = [trial(k, 0.9 + k * 7 % 40 / 1000, act="relu" if k % 2 else "tanh", rate=k * 3 % 11) for k in range(40)]
    assert common_among_best(records, ["act", "rate"]) is None
    assert common_among_best(records[:9], ["act"]) is None
    assert common_among_best([], []) is None


# --- the section ----------------------------------------------------------------------------------------------------


def words(folder: Path, **changes: Any) -> dict[str, Any]:
    return dict(section.build(read_run(build_run(folder / "run", FakeRun(**changes)))).body)


def test_few_trials_are_said_and_not_drawn(tmp_path: Path) -> None:
    body = words(tmp_path, validation=300, test=400)
    assert body["importance"] is None
    assert "are wanted (2 a setting and as many for the epochs, 30 at least)" in body["importance_why"]
    assert "left out: they repeat the best" in body["note"]


@pytest.mark.slow
def test_enough_trials_have_importances(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "run", FakeRun(iterations=4, validation=300, test=400, arrays=False, failed=0))
    body = section.build(read_run(folder)).body
    figure = body["importance"]
    assert isinstance(figure, Figure)
    assert re.search(
        r"explains \d+%, the epochs \d+%, of the spread that a forest foretells over \d+ trials", figure.title
    )
    page = render_report(folder)
    assert "filters of stage 1&#39;s convolutions" in page
    rungs = page.split('<section id="search"')[1].split("<table>")[1].split("</table>")[0]
    assert ">–<" not in rungs.replace("<td>–</td>", "")
    assert rungs.count("<tr") == 1 + 6 * 4
    names = {"parallel-2", "parallel-15", "history", "timeline", "fidelity-2-15", "pareto-work"}
    assert re.search(r"data-figure=\"importance\"", page)
    assert names <= set(re.findall(r'data-figure="([^"]+)"', page))


def test_slices_of_many_trials_show_the_best_and_a_sample() -> None:
    records = [trial(k, 0.5 + k / 1000, a=k % 3, b=k) for k in range(300)]
    groups = groups_by_epochs(records)
    every = slices(groups, ["a", "b"], [])
    assert thinned(every, groups, 600) == every
    few = thinned(every, groups, 200)
    names = [point.trial for point in few[0].groups[0].points]
    assert len(names) == len(set(names)) == 100
    assert {f"{k:04d}" for k in range(250, 300)} <= set(names)
    assert min(names) == "0000"
    assert few[0].groups[0].medians == every[0].groups[0].medians
    assert len(few[1].groups[0].points) == 100


def test_noise_has_no_importances() -> None:
    records = [trial(k, 0.9 + k * 7919 % 97 / 1000, a=k * 31 % 17, b=k * 17 % 13) for k in range(60)]
    assert "foretells next to nothing" in str(section.build(make_run(records)).body["importance_why"])
    same = [trial(k, 0.9, a=k, b=-k) for k in range(60)]
    assert "the same score" in str(section.build(make_run(same)).body["importance_why"])


def test_published_networks_are_left_out_with_a_word() -> None:
    document = run_document(FakeRun(), [])
    space = document.space.hyperparameters
    assert not any(item.kind == "fixed" for item in space)
    fixed = Hyperparameter("network", "fixed", ("drawn",))
    run = make_run(
        [trial(1, 0.9, network="drawn", a=1), trial(2, 0.95, network="C8 GAP"), trial(3, 0.8, network="drawn", a=2)]
    )
    info = replace(run.info, space=replace(run.info.space, hyperparameters=(fixed,)))
    body = section.build(run.__class__(run.folder, info, run.records)).body
    assert "1 trial of a published network is left out" in str(body["note"])
    assert 'data-trial="0002"' not in "".join(item.drawing.svg() for item in body["figures"])  # type: ignore[attr-defined]


def test_importances_are_of_all_lengths_and_the_epochs_are_a_factor() -> None:
    def length(k: int) -> int:
        return 2 if k % 2 else 9

    records = [
        replace(trial(k, 0.8 + 0.05 * (length(k) == 9) + 0.001 * (k % 4), a=k % 4, b=k * 7 % 5), epochs=length(k))
        for k in range(80)
    ]
    verdict = verdict_of(groups_by_epochs(records), [])
    assert verdict.importances is not None
    shares = {share.names[0]: share.share for share in verdict.importances.main}
    assert max(shares, key=lambda name: shares[name]) == EPOCHS
    assert shares[EPOCHS] > 0.7
    assert verdict.settings[0].names[0] == "a"
    same = verdict_of(groups_by_epochs([replace(record, epochs=2) for record in records]), [])
    assert same.importances is None or EPOCHS not in {share.names[0] for share in same.importances.main}


def test_the_settings_that_explain_most_are_shown_and_the_winners_come_first() -> None:
    records = [
        trial(k, 0.8 + 0.02 * (k % 3), strong=k % 3, weak=k * 7 % 5, **{f"x{n}": (k * (n + 3)) % 7 for n in range(7)})
        for k in range(42)
    ]
    run = make_run([*records])
    body = section.build(run).body
    shown, folded = (
        [figure.title for figure in body[key]]  # type: ignore[attr-defined]
        for key in ("figures", "folded")
    )
    assert shown[0] == "strong"
    assert len(shown) == 6
    assert len(folded) == 2
    assert body["folded_words"] == "2 more settings"
    groups = groups_by_epochs(records)
    every = slices(groups, ["strong", "weak"], [])
    assert effect(every[0], 0) == pytest.approx(1.0)
    assert effect(every[1], 0) < 0.5
    only_weak = slice_figures(every, groups, (), {"weak": 1}, "validation accuracy")
    assert [figure.title for figure in only_weak.shown] == ["weak", "strong"]


@pytest.mark.draws
def test_a_triangle_is_at_the_winners_value() -> None:
    records = [trial(k, 0.9 + k / 1000, act=("relu", "tanh")[k % 2]) for k in range(6)]
    (item,) = slices(groups_by_epochs(records), ["act"], [])
    marked = slice_figure(item, [0.9, 0.91], 0, "one", "tanh").svg()
    assert '-winner"' in marked
    assert "<use" not in slice_figure(item, [0.9, 0.91], 0, "one", "never drawn").svg().partition('-winner"')[2][:400]


@pytest.mark.draws
@pytest.mark.parametrize(("winner", "marked"), [(0.01, 1), ("relu", 0), (99.0, 0), (None, 0)])
def test_a_winner_s_value_that_is_no_place_on_the_axis_is_not_marked(winner: Value | None, marked: int) -> None:
    records = [trial(number, 0.9 + number / 100, rate=10.0**-number) for number in (1, 2, 3)]
    (rate,) = slices(groups_by_epochs(records), ["rate"], SPACE)
    assert str(slice_figure(rate, [0.91, 0.93], 0, "rate", winner).__html__()).count('winner"') == marked
