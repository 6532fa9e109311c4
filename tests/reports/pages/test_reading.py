"""Reading a search on its page: brushes, axes, the best fifth, empty figures, the address, the drawer, the header."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.browser import DESK, Watched, opened

FIGURE = 'svg[data-figure="parallel-2"]'
AXES = "packed.parallel['parallel-2'].axes.map((axis) => axis.name)"


@pytest.fixture(scope="module")
def shared(browser: Any, full_page: Path) -> Iterator[Watched]:
    with opened(browser, full_page) as watched:
        yield watched


@pytest.fixture
def view(shared: Watched) -> Iterator[Watched]:
    """The page without a filter or a chosen trial; shared, since opening it is what takes the time."""
    yield shared
    shared.js("clearFilters(); choose('')")
    assert (shared.said, shared.asked) == ([], [])


@pytest.fixture
def fresh(browser: Any, full_page: Path) -> Iterator[Watched]:
    """The page for a test that moves, hides, sorts or pins."""
    with opened(browser, full_page) as watched:
        yield watched
        assert (watched.said, watched.asked) == ([], [])


def drag(view: Watched, row: int, start: float, end: float) -> None:
    """Drags along an axis of the parallel coordinates, from one place between 0 and 1 to another."""
    view.page.locator(FIGURE).scroll_into_view_if_needed()
    ends = view.js(
        f"((svg) => [{start}, {end}].map((at) => {{ const p = new DOMPoint(156 + at * 452, 30 + 46 * {row}).matrixTransform(svg.getScreenCTM()); return [p.x, p.y]; }}))(document.querySelector('{FIGURE}'))"
    )
    view.page.mouse.move(*ends[0])
    view.page.mouse.down()
    view.page.mouse.move(*ends[1], steps=4)
    view.page.mouse.up()


def kept(view: Watched) -> set[str]:
    return set(view.trials("#trials-table tbody tr:not([hidden])"))


def passing(view: Watched, test: str) -> set[str]:
    return set(view.js(f"[...trials.values()].filter((t) => {test}).map((t) => t.trial)"))


# --- brushes ----------------------------------------------------------------------------------------------------------


def test_a_stretch_of_a_numeric_axis_is_the_filter_of_its_setting(view: Watched) -> None:
    row = view.js(AXES).index("l2")
    low, high = (
        value for _, value in view.js(f"[0, 2].map((k) => packed.parallel['parallel-2'].axes[{row}].ticks[k])")
    )
    drag(view, row, 0.25, 0.75)
    found = view.js("getFilter('hp.l2')")
    assert found["low"] == pytest.approx(low * (high / low) ** 0.25, rel=0.02)
    assert found["high"] == pytest.approx(low * (high / low) ** 0.75, rel=0.02)
    assert kept(view) == passing(view, f"t.configuration.l2 >= {found['low']} && t.configuration.l2 <= {found['high']}")
    assert view.page.locator(f"{FIGURE} .brushes rect").count() == 1
    drag(view, row, 0.5, 0.5)
    assert view.js("state.shown") is None
    assert view.page.locator(f"{FIGURE} .brushes rect").count() == 0


def test_a_stretch_of_categories_ticks_their_boxes(view: Watched) -> None:
    row = view.js(AXES).index("optimizer")
    drag(view, row, 0.52, 0.98)
    wanted = view.js(
        f"packed.parallel['parallel-2'].axes[{row}].ticks.filter(([place]) => place > 0.5).map(([, value]) => value)"
    )
    assert sorted(view.js("getFilter('hp.optimizer')")) == sorted(wanted)
    assert kept(view) == passing(view, f"{wanted}.includes(t.configuration.optimizer)")


def test_a_stretch_of_the_score_is_a_range_of_accuracies(view: Watched) -> None:
    drag(view, len(view.js(AXES)), 0.5, 1.02)
    found = view.js("getFilter('val_accuracy')")
    assert found["high"] is None or found["high"] > 100
    middle = view.js("(([low, high]) => 100 * (1 - 10 ** -((low + high) / 2)))(packed.parallel['parallel-2'].limits)")
    assert found["low"] == pytest.approx(middle, abs=0.05)


def test_the_best_fifth_at_a_click_and_back(view: Watched) -> None:
    button = view.page.get_by_role("button", name="Best 20%").first
    button.click()
    scores = sorted(
        view.js("[...trials.values()].filter((t) => t.epochs === 2 && t.val_accuracy).map((t) => t.val_accuracy)")
    )
    assert kept(view) == passing(view, f"t.epochs === 2 && t.val_accuracy >= {scores[-2]}")
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    assert view.js("state.shown") is None


# --- axes -------------------------------------------------------------------------------------------------------------


def shown_axes(view: Watched) -> list[str]:
    """The names of the axes from above, as the figure places them."""
    return list(view.js(f"all('{FIGURE} [id$=-name]').filter((one) => one.getClientRects().length && one.textContent).sort((a, b) => a.getBoundingClientRect().y - b.getBoundingClientRect().y).map((one) => one.textContent.trim())"))  # fmt: skip


def test_axes_move_and_hide_and_their_lines_follow(fresh: Watched) -> None:
    names = shown_axes(fresh)
    line = f"document.querySelector('{FIGURE} path.mark').getAttribute('d').split(' ').slice(1).map(Number)"
    before, height = fresh.js(line), fresh.js(f"document.querySelector('{FIGURE}').viewBox.baseVal.height")
    fresh.page.locator(".parallel-tools summary").first.click()
    fresh.page.get_by_role("button", name=f"Move {names[0]} down").first.click()
    assert shown_axes(fresh) == [names[1], names[0], *names[2:]]
    after = fresh.js(line)
    assert (after[0], after[2], after[4:]) == (before[2], before[0], before[4:])
    assert after[1::2] == before[1::2]
    fresh.page.locator(".axes input").first.click()
    assert fresh.js("document.activeElement.labels[0].textContent.trim()") == names[1]
    assert shown_axes(fresh) == [names[0], *names[2:]]
    assert len(fresh.js(line)) == len(before) - 2
    assert fresh.js(f"document.querySelector('{FIGURE}').viewBox.baseVal.height") == height - 46


def test_a_name_is_dragged_to_another_place(fresh: Watched) -> None:
    names = shown_axes(fresh)
    fresh.page.locator(FIGURE).scroll_into_view_if_needed()
    grip = fresh.page.locator(f"{FIGURE} .grip").first.bounding_box()
    below = fresh.page.locator(f"{FIGURE} .grip").nth(2).bounding_box()
    assert grip is not None
    assert below is not None
    fresh.page.mouse.move(grip["x"] + 40, grip["y"] + grip["height"] / 2)
    fresh.page.mouse.down()
    fresh.page.mouse.move(grip["x"] + 40, below["y"] + below["height"] / 2, steps=6)
    fresh.page.mouse.up()
    assert shown_axes(fresh)[:3] == [names[1], names[2], names[0]]


# --- the filter -------------------------------------------------------------------------------------------------------


def test_an_empty_figure_says_so_and_clears(view: Watched) -> None:
    view.js("setFilters({ epochs: { low: 15 } })")
    said = view.page.locator("figure", has=view.page.locator(FIGURE)).locator(".none-passes")
    assert "No trial of this figure passes the filter" in str(said.text_content())
    assert (
        view.page.locator("figure", has=view.page.locator('svg[data-figure="pareto"]')).locator(".none-passes").count()
        == 0
    )
    said.locator("button").click()
    assert view.page.locator(".none-passes").count() == 0


def test_marks_are_shown_by_the_choice_that_they_stand_under(fresh: Watched) -> None:
    """The lengths of training and the front's sizes are chosen apart."""
    shown = fresh.js("""(() => {
      const choice = '<input type="radio" name="front-size" class="pick-1"><input type="radio" name="front-size" class="pick-0" checked>';
      const marks = '<div class="length length-0"><i></i></div><div class="length length-1"><b></b></div>';
      document.body.insertAdjacentHTML("beforeend", `<div class="slices" id="other">${choice}${marks}</div>`);
      all("input[name=slice-length]").forEach((one) => (one.checked = one.className === "pick-1"));
      return ["i", "b"].map((name) => inShownLength(document.querySelector(`#other ${name}`)));
    })()""")
    assert shown == [True, False]


def test_six_filters_are_shown_and_the_others_are_one_click_away(view: Watched) -> None:
    view.page.locator(".tools > details > summary").first.click()
    assert (
        view.js("all('.tools fieldset').filter((one) => one.checkVisibility() && one.closest('.fields')).length") == 6
    )
    view.page.locator(".tools .more > summary").click()
    assert view.js("all('.tools .fields fieldset').filter((one) => one.checkVisibility()).length") > 20


def test_bars_outside_a_range_are_pale(view: Watched) -> None:
    view.js("setFilters({ parameters: { low: 2000, high: 6000 } })")
    bars = "document.querySelector('input[name=\"parameters at least\"]').closest('fieldset').querySelectorAll('.histogram rect')"
    assert view.js(f"[...{bars}].filter((bar) => bar.classList.contains('off') && bar.height.baseVal.value).length") > 0
    view.js("clearFilters()")
    assert (
        view.js(f"[...{bars}].filter((bar) => bar.classList.contains('off') && bar.height.baseVal.value).length") == 0
    )


def test_the_address_carries_trial_filter_and_order(browser: Any, full_page: Path, fresh: Watched) -> None:
    fresh.js("setFilters({ parameters: { low: 2000, high: 6000 }, 'hp.optimizer': ['adam', 'sgd'] })")
    fresh.page.locator("#trials-table thead th button", has_text="Loss").click()
    fresh.js("choose('0018')")
    fresh.page.click('.contents a[href="#pareto"]')
    fresh.page.wait_for_function("location.hash.includes('at=pareto')")
    fragment, names = fresh.js("location.hash"), fresh.trials("#trials-table tbody tr:not([hidden])")
    assert names
    with opened(browser, full_page, fragment) as other:
        assert other.trials("#trials-table tbody tr:not([hidden])") == names
        assert other.js("state.chosen") == "0018"
        assert other.js("location.hash") == fragment
        other.js("clearFilters(); choose('')")
        assert "parameters" not in other.js("location.hash")
        assert other.said == []


# --- the table --------------------------------------------------------------------------------------------------------


def test_five_measures_and_five_settings_come_first_and_no_column_is_empty(view: Watched) -> None:
    shown = view.js("all('#trials-table thead th').filter((th) => th.checkVisibility()).map((th) => th.dataset.key)")
    assert shown[:6] == ["trial", "val_accuracy", "val_loss", "parameters", "epochs", "status"]
    assert len(shown) == 11
    assert all(key.startswith("hp.") for key in shown[6:])
    empty = "[...document.querySelector('#trials-table').tHead.rows[0].cells].filter((th) => [...document.querySelector('#trials-table').tBodies[0].rows].every((row) => row.cells[th.cellIndex].textContent === '–')).length"
    assert view.js(empty) == 0


def test_a_header_is_one_tab_stop_with_arrow_keys(view: Watched) -> None:
    assert view.js("all('table.sortable').every((table) => all('thead [tabindex=\"0\"]', table).length === 1)")
    view.js("document.querySelector('#trials-table thead button').focus()")
    for key, wanted in (("ArrowRight", "val_accuracy"), ("End", None), ("Home", "trial")):
        view.page.keyboard.press(key)
        here = view.js("document.activeElement.closest('th').dataset.key")
        assert here == wanted or (wanted is None and here.startswith("hp."))
    assert view.js("all('#trials-table thead [tabindex=\"0\"]').length") == 1


def test_a_table_that_goes_on_fades_at_its_end(browser: Any, full_page: Path) -> None:
    with opened(browser, full_page, viewport={**DESK, "width": 900}) as view:
        region = "document.querySelector('#trials-table').closest('.scroll')"
        view.page.locator(".tools summary", has_text="Columns").click()
        view.page.locator('input[name="columns of hyperparameters"]').check()
        view.page.wait_for_function(f"{region}.classList.contains('goes-on')")
        view.js(f"{region}.scrollTo({{ left: 1e5 }})")
        view.page.wait_for_function(f"!{region}.classList.contains('goes-on')")


# --- the drawer -------------------------------------------------------------------------------------------------------


def heads(view: Watched) -> list[str]:
    return list(view.page.locator("#panel .values").first.locator("thead small").all_text_contents())


def test_the_drawer_shows_what_differs_from_the_winner_first(fresh: Watched) -> None:
    fresh.js("choose('0018'); openPanel(false)")
    winner = fresh.js("packed.best.trial")
    assert heads(fresh) == ["0018", winner]
    rows = fresh.page.locator("#panel .values").first.locator("tbody tr").all()
    texts = [row.locator("td").all_text_contents() for row in rows]
    assert texts
    assert all(one != other for one, other in texts)
    same = fresh.page.locator("#panel details .values tbody tr").count()
    assert len(rows) + same >= fresh.js("Object.keys(trials.get('0018').configuration).length")
    box = fresh.page.locator("#panel").bounding_box()
    assert box is not None
    assert box["x"] + box["width"] == pytest.approx(1440, abs=1)
    assert fresh.js("document.querySelector('main').getBoundingClientRect().right") <= box["x"]


def test_two_trials_are_pinned_side_by_side_and_the_address_has_them(
    browser: Any, full_page: Path, fresh: Watched
) -> None:
    for trial in ("0013", "0017"):
        fresh.js(f"choose('{trial}'); openPanel(false)")
        fresh.page.click("#foot .pin")
        assert fresh.page.locator("#foot .pin").get_attribute("aria-pressed") == "true"
        assert fresh.js("document.activeElement.className") == "pin"
    assert heads(fresh) == ["0017", "0013"]
    fresh.js("choose('0018')")
    assert heads(fresh) == ["0018", "0013", "0017"]
    assert fresh.page.locator("#panel svg.curve").first.locator("path.line").count() == 4
    with opened(browser, full_page, fresh.js("location.hash")) as other:
        other.js("openPanel(false)")
        assert heads(other) == ["0018", "0013", "0017"]


def test_the_drawer_opens_without_moving_what_the_reader_looks_at(fresh: Watched) -> None:
    row = fresh.page.locator('#trials-table tr[data-trial="0018"]')
    row.scroll_into_view_if_needed()
    before = row.bounding_box()
    row.locator("td").nth(1).click()
    after = row.bounding_box()
    assert before is not None
    assert after is not None
    assert after["y"] == pytest.approx(before["y"], abs=2)


@pytest.mark.parametrize("width", [1200, 1440, 1920])
def test_the_drawer_leaves_every_column_room(browser: Any, full_page: Path, width: int) -> None:
    with opened(browser, full_page, viewport={"width": width, "height": 900}) as view:
        view.js("choose('0018'); openPanel(false)")
        widths = view.js("all(':is(.beside, .pair, .glance) > *').filter((one) => one.checkVisibility() && one.getClientRects().length && one.childElementCount).map((one) => one.clientWidth)")  # fmt: skip
        assert widths
        assert min(widths) > 200
