"""The slider that moves the cap: its steps as data, and the page's control."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reports.run.reading import read_run
from reports.run.run_data import RunData
from reports.sections.cap_slider import cap_data
from tests.kit.browser import opened
from tests.kit.run_builder import build_run, make_record, make_run

FIGURES: Any = {"parameters": ("pareto", 720), "multiply_adds": ("pareto-work", 480)}


def measure(run: RunData, key: str = "parameters") -> Any:
    measures: Any = cap_data(run, FIGURES)["measures"]
    return next(item for item in measures if item["key"] == key)


def sized_run(*pairs: tuple[int, float]) -> RunData:
    records = [
        make_record(f"{place:04d}", accuracy, parameters=parameters, configuration={"filters": place}, epochs=15)
        for place, (parameters, accuracy) in enumerate(pairs, start=1)
    ]
    return make_run(records)


def test_a_step_is_a_trial_of_the_front_with_its_interval_and_its_cost() -> None:
    run = sized_run((1000, 0.97), (2000, 0.96), (4000, 0.98))
    small, large = measure(run)["steps"]
    assert [small["trial"], small["size"], large["trial"], large["size"]] == ["0001", 1000, "0003", 4000]
    assert small["score"] == "97.00% [96.54–97.40]"
    assert small["cost"] == "1.00 points below trial 0003, with 25% of its parameters"
    assert large["cost"] == ""


def test_short_trials_are_no_steps() -> None:
    run = sized_run((1000, 0.97), (4000, 0.98))
    short = make_record("0009", 0.99, parameters=500, configuration={"filters": 9}, epochs=2)
    assert [step["size"] for step in measure(replace(run, records=(*run.records, short)))["steps"]] == [1000, 4000]


@pytest.mark.parametrize("pairs", [(), ((1000, 0.97),), ((1000, 0.98), (2000, 0.97))])
def test_no_slider_where_there_is_nothing_to_choose(pairs: tuple[tuple[int, float], ...]) -> None:
    assert cap_data(sized_run(*pairs), FIGURES) == {}


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        (
            ["mnist-tune", "--space", "a b", "--out", "x", "--seed", "2"],
            "mnist-tune --space 'a b' --seed 2 --max-params",
        ),
        (["mnist-tune", "--space", "s", "--max-params", "900", "--force"], "mnist-tune --space s --max-params"),
        (["mnist-tune", "--space", "s", "--max-params=900", "--out=y"], "mnist-tune --space s --max-params"),
        (["train.py", "--space", "s"], ""),
        ([], ""),
    ],
)
def test_the_search_command_is_the_runs_own_without_its_folder_and_cap(command: list[str], wanted: str) -> None:
    run = sized_run((1000, 0.97), (4000, 0.98))
    run.info.command = tuple(command)
    assert measure(run)["search"] == wanted


def test_a_confirmed_configuration_says_so(tmp_path: Path) -> None:
    steps = measure(read_run(build_run(tmp_path / "run")))["steps"]
    confirmed = {step["trial"]: step["confirmed"] for step in steps if step["confirmed"]}
    assert "0017" in confirmed
    assert confirmed["0017"].endswith("mean of 3 seeds")


# --- in a browser -------------------------------------------------------------------------------------------------------


def test_arrow_keys_move_the_cap_and_the_answer_follows(browser: Any, full_page: Path) -> None:
    with opened(browser, full_page) as view:
        slider = view.page.locator(".cap-slider input[type=range]")
        answer, commands = view.page.locator(".cap-answer"), view.page.locator(".move-cap .next")
        assert "Trial 0017" in str(answer.text_content())
        assert commands.locator("div").count() == 0
        slider.focus()
        view.page.keyboard.press("Home")
        assert "No trial of 15 epochs has 1,200 parameters or fewer" in str(answer.text_content())
        view.page.fill(".cap-slider input[type=number]", "3500")
        assert slider.get_attribute("aria-valuetext") == "3,500 parameters"
        best = view.js(
            "[...trials.values()].filter((t) => t.phase === 'search' && t.epochs === 15 && t.parameters <= 3500)"
            ".sort((a, b) => b.val_accuracy - a.val_accuracy)[0].trial"
        )
        assert f"Trial {best} with" in str(answer.text_content())
        confirm, search = (str(code.text_content()) for code in commands.locator("code").all())
        assert shlex.split(confirm) == [
            "mnist-tune",
            "train",
            f"{full_page.parent}:{best}",
            "--seeds",
            "3",
            "--epochs",
            "15",
        ]
        assert search.endswith("--max-params 3500")
        beyond = view.js(
            "[...document.querySelectorAll('svg[data-figure=pareto] .beyond-cap')].map((m) => trials.get(m.dataset.trial).parameters)"
        )
        assert beyond
        assert min(beyond) > 3500
        answer.locator("button").click()
        assert view.js("state.chosen") == best
        assert (view.said, view.asked) == ([], [])


def test_the_line_is_where_the_axis_has_the_cap(browser: Any, full_page: Path) -> None:
    """A cap of exactly one trial's size goes through that trial's mark."""
    with opened(browser, full_page) as view:
        for key, figure in (("parameters", "pareto"), ("multiply_adds", "pareto-work")):
            for trial in ("0018", "0030"):
                size = view.js(f"trials.get('{trial}').{key}")
                view.js(f"document.querySelectorAll('input[name=cap-measure]')[{int(key != 'parameters')}].click()")
                view.page.fill(".cap-slider input[type=number]", str(size))
                line = float(str(view.page.locator(".moved-cap").get_attribute("d")).split()[1])
                mark = view.page.locator(f'svg[data-figure="{figure}"] circle.mark[data-trial="{trial}"]').first
                assert line == pytest.approx(float(str(mark.get_attribute("cx"))), abs=0.6)
