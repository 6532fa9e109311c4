"""The page in a real browser: it works by pointer and keyboard, on paper, on a phone, in the dark, and for those who can't see it."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.kit.marks import slow_after

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install -e '.[dev]'")

from axe_playwright_python.sync_playwright import Axe  # noqa: E402
from playwright.sync_api import Browser, expect  # noqa: E402

import templates  # noqa: E402
from reports.pages.page import write_report  # noqa: E402
from reports.sections.section import Section  # noqa: E402
from tests.kit.browser import DESK, PHONE, Watched, browser_path, opened  # noqa: E402
from tests.kit.run_builder import HYPERBAND_15, FakeRun, build_run, make_record, write_journal  # noqa: E402

PATH = browser_path()
pytestmark = [
    pytest.mark.draws,
    pytest.mark.skipif(PATH is None, reason="no Chromium: install chromium, or set CHROMIUM to its path"),
]
SMALL: dict[str, Any] = {
    "brackets": ((0, ((5, 2), (2, 5))),),
    "failed": 1,
    "finalists": 1,
    "seeds": 2,
    "validation": 300,
    "test": 400,
}
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'</style>"
FIGURES = ("history", "pareto", "curves-accuracy", "slice-0", "bracket-0")
Report = Callable[..., Path]


@pytest.fixture
def whole(full_page: Path) -> Path:
    """The page of a run of 36 trials, of which 0001 and 0004 failed."""
    return full_page


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run with all sections and few trials."""
    return write_report(build_run(tmp_path_factory.mktemp("browser") / "run", FakeRun(**SMALL)))


@pytest.fixture
def view(browser: Browser, whole: Path) -> Iterator[Watched]:
    with opened(browser, whole) as watched:
        yield watched
        assert watched.said == []
        assert watched.asked == []


def row(trial: str) -> str:
    return f'#trials-table tr[data-trial="{trial}"]'


def mark(figure: str, trial: str) -> str:
    return f'svg[data-figure="{figure}"] .mark[data-trial="{trial}"]'


def marked(view: Watched, word: str = "chosen") -> dict[str, set[str]]:
    """For each figure that shows trials, and the table, the trials that have this class."""
    figures = {name: set(view.trials(f'svg[data-figure="{name}"] .mark.{word}[data-trial]')) for name in FIGURES}
    return {**figures, "table": set(view.trials(f"#trials-table tr.{word}"))}


def everywhere(trial: str) -> dict[str, set[str]]:
    return {name: {trial} for name in (*FIGURES, "table")}


def set_range(view: Watched, key: str, low: str = "", high: str = "") -> None:
    details = view.page.locator(".tools details").first
    if details.get_attribute("open") is None:
        details.locator("> summary").click()
    view.page.fill(f'input[name="{key} at least"]', low)
    view.page.fill(f'input[name="{key} at most"]', high)


def shown_rows(view: Watched) -> list[str]:
    return view.trials("#trials-table tbody tr:not([hidden])")


def overflow(view: Watched) -> int:
    return int(view.js("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


# --- linked views -----------------------------------------------------------------------------------------------------


def test_a_row_chooses_the_trial_in_every_figure(view: Watched) -> None:
    view.page.click(f"{row('0018')} td:nth-child(3)")
    assert marked(view) == everywhere("0018")
    assert view.js("location.hash") == "#trial=0018"
    expect(view.page.locator("#foot")).to_contain_text("Trial 0018")
    links = view.page.locator("#foot nav a").all_text_contents()
    assert {"Best configurations", "Search", "Hyperparameters", "Accuracy and size", "Learning curves"} <= set(links)


def test_a_mark_chooses_the_trial_in_the_table_and_escape_lets_it_go(view: Watched) -> None:
    view.page.locator(mark("pareto", "0018")).click()
    assert marked(view)["table"] == {"0018"}
    view.page.locator(mark("history", "0017")).click()
    assert marked(view) == everywhere("0017")
    view.page.keyboard.press("Escape")
    assert set().union(*marked(view).values()) == set()
    assert view.js("location.hash") == ""
    expect(view.page.locator("#foot")).to_be_hidden()


def test_pointing_marks_the_trial_everywhere_and_names_it(view: Watched) -> None:
    view.page.locator(mark("pareto", "0018")).hover()
    assert marked(view, "pointed") == everywhere("0018")
    expect(view.page.locator(".tip")).to_have_text(
        re.compile(r"^Trial 0018, \d\d\.\d\d%, 15 epochs, [\d,]+ parameters$")
    )
    view.page.locator(f"{row('0017')} td:nth-child(3)").hover()
    assert marked(view, "pointed")["pareto"] == {"0017"}
    expect(view.page.locator(".tip")).to_be_hidden()


def test_the_same_configuration_is_marked_and_linked(view: Watched) -> None:
    view.page.click(f"{row('0018')} td:nth-child(3)")
    own = view.js("sameConfiguration(trials.get('0018'))")
    assert own
    assert marked(view, "kin")["table"] == set(own)
    view.page.locator(".panel .link").first.click()
    assert marked(view)["table"] == {own[0]}


def test_any_element_with_a_trial_and_the_class_mark_is_linked(browser: Browser, whole: Path, tmp_path: Path) -> None:
    line = '<path class="mark" data-trial="0018" d="M 0 0 L 40 40" style="fill: none; stroke: red"/>'
    figure = f'<figure><figcaption>one</figcaption><svg class="figure" data-figure="other" width="50" height="50">{line}</svg></figure>'
    page = tmp_path / "page.html"
    page.write_text(whole.read_text(encoding="utf-8").replace("<footer>", f"{figure}<footer>"), encoding="utf-8")
    with opened(browser, page) as view:
        view.page.click(f"{row('0018')} td:nth-child(3)")
        assert view.trials('svg[data-figure="other"] .mark.chosen[data-trial]') == ["0018"]
        assert view.js("getComputedStyle(document.querySelector('[data-figure=other] .chosen')).strokeWidth") == "3px"
        assert view.js("getComputedStyle(document.querySelector('[data-figure=other] .chosen')).fill") == "none"


@pytest.mark.parametrize(("fragment", "words"), [("#trial=0018", "Trial 0018"), ("#trial=9999", "no trial 9999")])
def test_the_address_remembers_the_trial(browser: Browser, whole: Path, fragment: str, words: str) -> None:
    with opened(browser, whole, fragment) as view:
        expect(view.page.locator("#foot")).to_contain_text(words)
        assert marked(view)["pareto"] == ({"0018"} if words.endswith("0018") and "no" not in words else set())
        view.page.click('.contents a[href="#pareto"]')
        expect(view.page.locator("#foot")).to_contain_text(words)
        view.js("location.hash = '#trial=0017'")
        expect(view.page.locator("#foot")).to_contain_text("Trial 0017")
        assert view.said == []


# --- a trial's own panel ------------------------------------------------------------------------------------------------


def test_a_row_opens_the_panel_with_curves_values_and_a_command(view: Watched) -> None:
    view.page.click(f"{row('0018')} td:nth-child(3)")
    panel = view.page.locator("#panel")
    expect(panel).to_be_visible()
    charts = panel.locator("svg.curve")
    assert [str(label).split(" of")[0] for label in charts.evaluate_all("all => all.map((a) => a.getAttribute('aria-label'))")] == ["Accuracy", "Loss", "Learning rate"]  # fmt: skip
    assert charts.first.locator("path.line").count() == 3
    assert "NaN" not in str(panel.inner_html())
    for words in ("1234567", "batch_size", "Multiply-adds", "a run:0018' --seeds 1 --epochs 15"):
        expect(panel).to_contain_text(words)
    view.page.click(".foot .close")
    expect(panel).to_be_hidden()


def test_the_next_steps_name_the_runs_folder_and_are_copied(browser: Browser, whole: Path) -> None:
    with opened(browser, whole, permissions=["clipboard-read", "clipboard-write"]) as view:
        expect(view.page.locator(".next-hint")).to_be_hidden()
        steps = view.page.locator(".next div")
        assert steps.count() == 3
        steps.first.locator("button").click()
        expect(steps.first.locator("[role=status]")).to_have_text("Copied")
        command = str(view.js("navigator.clipboard.readText()"))
        assert shlex.split(command) == ["mnist-tune", "predict", str(whole.parent), "picture.png"]


def test_the_contents_mark_the_section_at_the_top_and_the_last_at_the_end(view: Watched) -> None:
    here = "document.querySelector('.contents [aria-current]').hash"
    assert view.js(f"scrollTo(0, 0); {here}") == "#summary"
    view.js("scrollTo(0, document.documentElement.scrollHeight); 1")
    expect(view.page.locator(".contents a").last).to_have_attribute("aria-current", "true")


def test_a_failed_trial_has_a_panel(view: Watched) -> None:
    view.page.click(f"{row('0001')} td:nth-child(3)")
    expect(view.page.locator("#panel")).to_contain_text("the loss diverged in epoch 1")
    expect(view.page.locator("#panel")).to_contain_text("no curve")


def test_a_trial_of_a_part_of_an_epoch_says_so_and_its_command_is_one_that_runs(
    browser: Browser, tmp_path: Path
) -> None:
    path = write_report(build_run(tmp_path / "run", FakeRun(**{**SMALL, "brackets": ((0, ((5, 0.56), (2, 2))),)})))
    with opened(browser, path, "#trial=0002") as view:
        expect(view.page.locator("#foot")).to_contain_text("0.56 epochs")
        view.page.click("text=Curves and all values")
        panel = view.page.locator("#panel")
        expect(panel).to_contain_text("--epochs 1")
        for words in ("Epochs planned0.56", "Epochs run0.56"):
            assert words in str(panel.text_content())
        assert view.said == []


def test_curves_are_those_of_the_journal(view: Watched, whole: Path) -> None:
    lines = (whole.parent / "trials.jsonl").read_text(encoding="utf-8").splitlines()
    events = [json.loads(line) for line in lines]
    found = next(e for e in events if e["trial"] == "0018" and e["event"] == "finished")
    for metric in ("accuracy", "val_accuracy", "loss", "val_loss", "learning_rate"):
        points = view.js(f"trials.get('0018').curves['{metric}']")
        assert [epoch for epoch, _ in points] == list(range(1, 16))
        assert [value for _, value in points] == pytest.approx(found["history"][metric], rel=5e-3, abs=6e-5)


# --- the table ----------------------------------------------------------------------------------------------------------


def test_sorting_both_ways_with_what_is_missing_last(view: Watched) -> None:
    button = view.page.locator("#trials-table thead th button", has_text="Validation")
    head = view.page.locator("#trials-table thead th", has_text="Validation")

    def column() -> list[float | None]:
        return list(view.js("[...document.querySelector('#trials-table').tBodies[0].rows].map((row) => trials.get(row.dataset.trial).val_accuracy)"))  # fmt: skip

    for direction in ("descending", "ascending"):
        button.click()
        values = column()
        assert head.get_attribute("aria-sort") == direction
        assert values[-2:] == [None, None]
        known = [value for value in values if value is not None]
        assert known == sorted(known, reverse=direction == "descending")


def test_filter_by_words_acts_on_figures_and_is_cleared(view: Watched) -> None:
    view.page.fill("input[name=words]", "one-cycle adam")
    expect(view.page.locator(".tools .count")).not_to_have_text("36 of 36 trials")
    kept = set(shown_rows(view))
    assert kept == set(view.js("[...trials.values()].filter((t) => t.configuration.schedule === 'one-cycle' && /^adam/.test(t.configuration.optimizer)).map((t) => t.trial)"))  # fmt: skip
    for figure in FIGURES:
        assert not kept & set(view.trials(f'svg[data-figure="{figure}"] .mark.out')), figure
        assert set(view.trials(f'svg[data-figure="{figure}"] .mark:not(.out)[data-trial]')) <= kept, figure
    assert "filtered" in view.js("getComputedStyle(document.querySelector('#pareto figcaption'), '::after').content")
    expect(view.page.locator("#foot")).to_contain_text(f"A filter is on: {len(kept)} of 36 trials")
    view.page.locator("#foot").get_by_text("Clear the filter").click()
    assert len(shown_rows(view)) == 36
    assert view.trials(".out") == []
    expect(view.page.locator("#foot")).to_be_hidden()


def test_ranges_and_choices_act_on_figures(view: Watched) -> None:
    set_range(view, "parameters", "2000", "6000")
    set_range(view, "val_accuracy", "99")
    view.page.uncheck('input[name="phase confirm"]')
    expect(view.page.locator(".tools summary").first).to_have_text("Filter by values (3 on)")
    kept = view.js("[...trials.values()].filter((t) => t.parameters >= 2000 && t.parameters <= 6000 && t.val_accuracy >= 0.99 && t.phase === 'search').map((t) => t.trial)")  # fmt: skip
    assert 0 < len(kept) < 30
    assert set(shown_rows(view)) == set(kept)
    assert set(view.trials(mark("history", "x").replace('[data-trial="x"]', ":not(.out)"))) == set(kept)
    assert float(view.js(f"getComputedStyle(document.querySelector('{mark('history', '0002')}')).opacity")) < 0.2


def test_every_numeric_column_has_a_range_and_each_categorical_one_its_choices(view: Watched) -> None:
    names = set(view.js("[...document.querySelectorAll('.fields input')].map((input) => input.name)"))
    wanted = ("val_accuracy", "parameters", "multiply_adds", "epochs", "duration_s", "hp.l2", "hp.batch_size")
    assert {f"{key} at least" for key in wanted} | {f"{key} at most" for key in wanted} <= names
    assert {"hp.optimizer adam", "hp.optimizer sgd", "hp.augmentation true", "phase search"} <= names


def test_columns_hide_one_by_one_and_together(view: Watched) -> None:
    dropout, l2 = (view.page.locator(f'#trials-table th[data-key="hp.{name}"]') for name in ("dropout", "l2"))
    expect(dropout).to_be_hidden()
    expect(l2).to_be_visible()
    view.page.locator(".tools summary", has_text="Columns").click()
    view.page.check('input[name="column hp.dropout"]')
    expect(dropout).to_be_visible()
    view.page.uncheck('input[name="column hp.l2"]')
    expect(l2).to_be_hidden()
    view.page.uncheck('input[name="columns of hyperparameters"]')
    assert view.js("[...document.querySelectorAll('#trials-table .extra')].every((cell) => !cell.offsetWidth)")
    view.page.check('input[name="columns of hyperparameters"]')
    expect(l2).to_be_visible()


@pytest.mark.parametrize("clipboard", [True, False], ids=["clipboard", "no clipboard"])
def test_copies_what_is_shown(browser: Browser, whole: Path, clipboard: bool) -> None:
    with opened(browser, whole, permissions=["clipboard-read"] + ["clipboard-write"] * clipboard) as view:
        read = "navigator.clipboard.readText()"
        if not clipboard:
            view.js(
                "window.reader = navigator.clipboard; Object.defineProperty(navigator, 'clipboard', { value: undefined }); 1"
            )
            read = "reader.readText()"
        set_range(view, "parameters", high="3000")
        view.page.locator(".tools summary", has_text="Columns").click()
        view.page.uncheck('input[name="column hp.filters_1"]')
        view.page.click("text=Copy as CSV")
        expect(view.page.locator(".said")).to_contain_text("Copied")
        rows = list(csv.DictReader(io.StringIO(view.js(read))))
        assert [found["trial"] for found in rows] == shown_rows(view)
        assert all(float(found["parameters"]) <= 3000 for found in rows)
        assert "hp.l2" in rows[0]
        assert not {"hp.filters_1", "hp.dropout"} & set(rows[0])
        view.page.click("text=Copy as JSON")
        view.page.wait_for_timeout(50)
        assert [found["trial"] for found in json.loads(view.js(read))] == shown_rows(view)
        assert view.said == []


def test_copied_texts_are_no_formulas(browser: Browser, tmp_path: Path) -> None:
    """As in trials.csv; numbers stay numbers."""
    run = build_run(tmp_path / "run", FakeRun(brackets=(), failed=0, confirm=False))
    first, second = (
        {"activation": activation, "dropout": -dropout, "schedule": f"-{dropout}"}
        for activation, dropout in (("=1+1", 0.5), ("@x", 0.25))
    )
    records = [make_record("0001", 0.9, configuration=first), make_record("0002", 0.8, configuration=second)]
    write_journal(run / "trials.jsonl", records)
    write_report(run)
    with opened(browser, run / "report.html", permissions=["clipboard-read", "clipboard-write"]) as view:
        view.page.click("text=Copy as CSV")
        expect(view.page.locator(".said")).to_contain_text("Copied")
        rows = list(csv.DictReader(io.StringIO(view.js("navigator.clipboard.readText()"))))
    copied = {(row["hp.activation"], row["hp.dropout"], row["hp.schedule"]) for row in rows}
    assert copied == {("'=1+1", "-0.5", "-0.5"), ("'@x", "-0.25", "-0.25")}


# --- the keyboard -------------------------------------------------------------------------------------------------------


def test_a_figure_and_a_table_are_one_tab_stop_each(view: Watched) -> None:
    stops = view.js(
        "[...document.querySelectorAll('svg.figure, tbody')].map((ring) => ring.querySelectorAll('[tabindex=\"0\"]').length)"
    )
    assert max(stops) == 1
    assert view.js("document.querySelectorAll('svg .mark[tabindex=\"0\"]').length") >= len(FIGURES)


def test_arrow_keys_go_from_mark_to_mark_and_enter_chooses(view: Watched) -> None:
    view.js('document.querySelector(\'svg[data-figure="history"] .mark[tabindex="0"]\').focus()')
    seen = []
    for key in ("Home", "ArrowRight", "ArrowRight", "ArrowLeft", "End"):
        view.page.keyboard.press(key)
        seen.append(view.js("document.activeElement.dataset.trial"))
    assert seen == ["0002", "0003", "0005", "0003", "0030"]
    assert marked(view, "pointed")["table"] == {"0030"}
    view.page.keyboard.press("Enter")
    assert marked(view)["table"] == {"0030"}
    assert view.js("document.activeElement.getAttribute('aria-pressed')") == "true"
    assert view.js("document.querySelector('[data-figure=pareto] [tabindex=\"0\"]').dataset.trial") == "0030"
    view.page.keyboard.press("Enter")
    assert view.js("document.activeElement.id") == "panel"
    view.page.keyboard.press("Escape")
    assert view.js("document.activeElement.dataset.trial") == "0030"
    view.page.keyboard.press("Space")
    assert marked(view)["table"] == {"0030"}


def test_arrow_keys_pass_over_what_is_filtered_out(view: Watched) -> None:
    set_range(view, "epochs", low="15")
    view.page.wait_for_selector("svg .mark.out", state="attached")
    assert view.js(
        "[...document.querySelectorAll('svg .mark[tabindex=\"0\"]')].every((mark) => trials.get(mark.dataset.trial).epochs === 15)"
    )
    view.js('document.querySelector(\'svg[data-figure="history"] .mark[tabindex="0"]\').focus()')
    view.page.keyboard.press("ArrowRight")
    assert view.js("trials.get(document.activeElement.dataset.trial).epochs") == 15


def test_marks_of_another_length_are_reached_when_they_are_shown(view: Watched) -> None:
    stop = 'svg[data-figure="slice-0"] .mark[tabindex="0"]'
    lengths = set()
    for radio in view.page.locator("input[name=slice-length]").all():
        radio.check()
        assert view.js(f"document.querySelector('{stop}').getClientRects().length") == 1
        lengths.add(view.js(f"trials.get(document.querySelector('{stop}').dataset.trial).epochs"))
    assert lengths == {2, 5, 15}


def test_rows_are_walked_and_chosen_by_keyboard(view: Watched) -> None:
    names = shown_rows(view)
    view.js("document.querySelector('#trials-table button.pick[tabindex=\"0\"]').focus()")
    view.page.keyboard.press("ArrowDown")
    view.page.keyboard.press("ArrowDown")
    view.page.keyboard.press("Space")
    assert marked(view)["table"] == {names[2]}
    view.page.keyboard.press("Escape")
    assert marked(view)["table"] == set()


# --- paper, phone, dark, without a script, without eyes -----------------------------------------------------------------


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["390", "1440"])
def test_nothing_is_wider_than_the_page(browser: Browser, whole: Path, viewport: Any) -> None:
    with opened(browser, whole, "#trial=0018", viewport=viewport, has_touch=viewport is PHONE) as view:
        assert overflow(view) <= 0
        view.js("all('details').forEach((one) => { one.open = true; }); openPanel(false)")
        set_range(view, "parameters", "2000")
        assert overflow(view) <= 0
        assert view.said == []


@pytest.mark.parametrize(("run", "scheme"), slow_after(1, [("small", "light"), ("whole", "light"), ("whole", "dark")]))
def test_axe_finds_nothing(browser: Browser, request: pytest.FixtureRequest, run: str, scheme: Any) -> None:
    # The policy of the page forbids the script that looks at it: only here it is set aside.
    with opened(browser, request.getfixturevalue(run), color_scheme=scheme, bypass_csp=True) as view:
        ground = view.js("getComputedStyle(document.body).backgroundColor")
        assert ground == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(21, 23, 26)")
        assert violations(view) == []
        view.page.click("#trials-table tbody tr td:nth-child(3)")
        set_range(view, "parameters", "2000")
        view.js("all('details').forEach((one) => { one.open = true; })")
        assert violations(view) == []


def violations(view: Watched) -> list[str]:
    found = Axe().run(view.page).response["violations"]
    return [f"{one['id']}: {node['target']} {node['failureSummary']}" for one in found for node in one["nodes"][:3]]


def test_prints_on_a4_with_all_sections_and_without_tools(view: Watched) -> None:
    view.page.emulate_media(media="print")
    for hidden in (".contents", ".tools", "#foot"):
        expect(view.page.locator(hidden).first).to_be_hidden()
    assert view.js(
        "[...document.querySelectorAll('.scroll')].every((one) => getComputedStyle(one).overflowX === 'visible')"
    )
    assert view.js("getComputedStyle(document.querySelector('#trials-table thead')).display") == "table-header-group"
    label = "#trials-table th[data-key=parameters] .label"
    assert view.js(f"getComputedStyle(document.querySelector('{label}'), '::before').content") == '"Parameters"'
    expect(view.page.locator(f"{label} button")).to_be_hidden()
    view.js("dispatchEvent(new Event('beforeprint'))")
    assert view.js("[...document.querySelectorAll('.how')].every((one) => one.open)")
    view.js("dispatchEvent(new Event('afterprint'))")
    assert view.js("[...document.querySelectorAll('.how')].some((one) => one.open)") is False
    document = view.page.pdf(format="A4", prefer_css_page_size=True)
    assert document.startswith(b"%PDF")
    boxes = {
        tuple(round(float(side)) for side in box.split()) for box in re.findall(rb"/MediaBox \[([^\]]+)\]", document)
    }
    assert boxes == {(0, 0, 595, 842)}
    assert 4 <= document.count(b"/Type /Page\n") <= 40


def test_complete_without_javascript(browser: Browser, whole: Path) -> None:
    with opened(browser, whole, java_script_enabled=False) as view:
        for name in ("leaderboard", "pareto", "reproduce"):
            expect(view.page.locator(f"#{name}")).to_be_visible()
        expect(view.page.locator("#trials-table tbody tr")).to_have_count(36)
        expect(view.page.locator('#trials-table th[data-key="hp.dropout"]')).to_be_visible()
        expect(view.page.locator("#foot")).to_be_hidden()
        view.page.locator(".how summary").first.click()
        expect(view.page.locator(".how p").first).to_be_visible()
        assert (view.said, view.asked) == ([], [])


# --- every kind of run --------------------------------------------------------------------------------------------------


def one_trial(folder: Path) -> Path:
    return build_run(
        folder, FakeRun(brackets=((0, ((1, 2),)),), failed=0, finalists=1, seeds=1, validation=300, test=400)
    )


def all_failed(folder: Path) -> Path:
    return build_run(
        folder, FakeRun(brackets=((0, ((1, 2),)),), failed=1, confirm=False, status="failed", error="no luck")
    )


def in_the_first_trial(folder: Path) -> Path:
    return build_run(folder, FakeRun(brackets=(), confirm=False, status="interrupted"))


def not_a_number(folder: Path) -> Path:
    build_run(folder, FakeRun(**{**SMALL, "confirm": False}))
    history = dict.fromkeys(("accuracy", "val_accuracy", "loss", "val_loss", "learning_rate"), (0.5, math.nan, 0.7))
    base = make_record(history=history, epochs=3, epochs_run=3)
    records = [replace(base, trial="0001", val_loss=None), replace(base, trial="0002", val_accuracy=None)]
    write_journal(folder / "trials.jsonl", records)
    return folder


def fake(**changes: Any) -> Callable[[Path], Path]:
    return lambda folder: build_run(folder, FakeRun(**{**SMALL, **changes}))


KINDS: dict[str, Callable[[Path], Path]] = {
    "one trial": one_trial,
    "not a number": not_a_number,
    "hostile": fake(hostile=HOSTILE, notes=["a note"], status="failed", error=HOSTILE),
    "no test": fake(meet_test=False),
    "running": fake(status="running", confirm=False),
    "all failed": all_failed,
    "interrupted in the first trial": in_the_first_trial,
    "2 classes": fake(classes=2),
    "100 classes": fake(classes=100, validation=1000, test=1000),
}


@pytest.mark.parametrize("kind", slow_after(3, KINDS))
def test_any_run_opens_without_an_error(browser: Browser, tmp_path: Path, kind: str) -> None:
    page = write_report(KINDS[kind](tmp_path / "run"))
    with opened(browser, page, viewport=PHONE) as view:
        assert overflow(view) <= 0
        for trial in view.js("[...trials.keys()]")[:3]:
            view.js(f"choose({trial!r}); openPanel(false)")
            expect(view.page.locator("#panel")).to_be_visible()
            assert "NaN" not in view.page.locator("#panel").inner_html()
        assert overflow(view) <= 0
        assert view.js("document.scripts.length") == 2
        assert (view.said, view.asked) == ([], [])


def test_a_running_page_keeps_what_the_reader_set(browser: Browser, tmp_path: Path) -> None:
    page = write_report(KINDS["running"](tmp_path / "run"))
    with opened(browser, page) as view:
        view.page.clock.install()
        view.page.reload()
        view.page.fill("input[name=words]", "adam")
        expect(view.page.locator("#foot")).to_contain_text("A filter is on")
        view.page.click("#trials-table tbody tr:not([hidden]) td:nth-child(3)")
        chosen = view.js("state.chosen")
        view.js("scrollTo(0, 500)")
        with view.page.expect_navigation():
            view.page.clock.fast_forward(21_000)
        assert view.page.input_value("input[name=words]") == "adam"
        expect(view.page.locator("#foot")).to_contain_text("A filter is on")
        expect(view.page.locator("#foot")).to_contain_text(f"Trial {chosen}")
        assert view.js("scrollY") == 500
        assert view.said == []


def test_a_page_without_trials_opens(browser: Browser, tmp_path: Path) -> None:
    """That of a comparison: trials of several runs have the same names, so that none can be chosen."""
    section = Section("failures", "One", "One", "", {"why_none": "Nothing.", "table": None})
    context = {"title": "none", "banners": [], "data": {"trials": {}}, "reload_s": 0, "version": "0", "sizes": ""}
    page = tmp_path / "page.html"
    page.write_text(templates.render("page.html.j2", {**context, "sections": [section]}), encoding="utf-8")
    with opened(browser, page) as view:
        view.page.mouse.move(200, 200)
        assert (view.said, view.asked) == ([], [])


@pytest.mark.slow
@pytest.mark.parametrize(("trials", "most"), [(200, 3_000_000), (2_000, 10_000_000)])
def test_thousands_of_trials(browser: Browser, tmp_path: Path, trials: int, most: int) -> None:
    once = sum(size for _, rungs in HYPERBAND_15 for size, _ in rungs)
    page = write_report(build_run(tmp_path / "run", FakeRun(iterations=math.ceil(trials / once))))
    assert page.stat().st_size < most
    with opened(browser, page, "#trial=0018") as view:
        assert len(shown_rows(view)) >= trials
        expect(view.page.locator("#foot")).to_contain_text("Trial 0018")
        view.page.fill("input[name=words]", "one-cycle adam")
        expect(view.page.locator("#foot")).to_contain_text("A filter is on")
        assert 0 < len(shown_rows(view)) < trials / 2
        assert view.js("document.querySelectorAll('[tabindex=\"0\"]').length") < 200
        assert (view.said, view.asked) == ([], [])
