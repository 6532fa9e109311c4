"""A stranger's run in a real browser: whatever its files say, each page shows it as text and runs, loads and asks for nothing of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install -e '.[dev]'")

from playwright.sync_api import Browser  # noqa: E402

import templates  # noqa: E402
from mnist_tune.prediction.page import page_of  # noqa: E402
from reports.comparison.page import write_comparison  # noqa: E402
from reports.pages.notebook import run_card  # noqa: E402
from reports.pages.page import write_report  # noqa: E402
from reports.run.reading import read_run  # noqa: E402
from tests.kit.browser import browser_path, opened  # noqa: E402
from tests.kit.journal_files import read_journal  # noqa: E402
from tests.kit.predictions import prediction  # noqa: E402
from tests.kit.strangers import CONTROLS, MARKUP, Change, built, changed, places  # noqa: E402
from tests.kit.study_builder import FakeArm, FakeStudy, build_study  # noqa: E402
from tuner.core.errors import MnistTuneError  # noqa: E402

PATH = browser_path()
needs_browser = pytest.mark.skipif(PATH is None, reason="no Chromium: install chromium, or set CHROMIUM to its path")
TEXTS = (
    MARKUP,
    "javascript:window.stranger=3",
    "--></style><script>window.stranger=4</script><!--",
    f"\\u2028*/ {CONTROLS}</svg><svg onload=window.stranger=5>",
)
"""What each text of a run is replaced by, in turn."""


def texts_of(document: Any) -> list[tuple[str | int, ...]]:
    """The places of all texts."""
    found = []
    for place in places(document):
        value = document
        for name in place:
            value = value[name]
        if isinstance(value, str) and place[-1] not in ("event", "check"):
            found.append(place)
    return found


def poison(run: Path) -> int:
    """Replaces every text of a run that may be any text; returns how many."""
    count = 0
    for name in ("run.json", "result.json"):
        for place in texts_of(json.loads((run / name).read_bytes())):
            count += _replaced(run, Change(name, place, TEXTS[count % len(TEXTS)]))
    for number, event in enumerate(read_journal(run / "trials.jsonl")[:8]):
        for place in texts_of(event):
            count += _replaced(run, Change("trials.jsonl", (number, *place), TEXTS[count % len(TEXTS)]))
    return count


def _replaced(run: Path, change: Change) -> bool:
    """Whether the run is read with this change; it is taken back where not."""
    path = run / change.file
    before = path.read_bytes()
    changed(run, change)
    try:
        read_run(run)
    except MnistTuneError:
        path.write_bytes(before)
        return False
    return True


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each kind of page of poisoned runs."""
    folder = tmp_path_factory.mktemp("hostile")
    run = built(folder / "run")
    arms = (FakeArm("0", 0.0), FakeArm("0.1", 0.1, {"dropout": 0.1}))
    study = build_study(folder / "study", FakeStudy(arms=arms, seeds=2, epochs=3))
    assert poison(run) > 100
    assert poison(study) > 60
    found = {"search": write_report(run), "study": write_report(study)}
    found["compare"] = write_comparison(
        [run, built(folder / "<img src=x onerror=alert(1)>")], folder / "compare.html", MARKUP
    )
    found["predict"] = folder / "predict.html"
    found["predict"].write_bytes(
        page_of([prediction(text) for text in TEXTS], MARKUP).encode("utf-8", "backslashreplace")
    )
    found["card"] = folder / "card.html"
    found["card"].write_text(f"<!doctype html><meta charset=utf-8>{run_card(run)}", encoding="utf-8")
    return found


@pytest.mark.draws
@needs_browser
@pytest.mark.parametrize("kind", ["search", "study", "compare", "predict", "card"])
def test_a_page_runs_nothing_of_a_stranger_s(kind: str, pages: dict[str, Path], browser: Browser) -> None:
    with opened(browser, pages[kind]) as view:
        view.page.wait_for_timeout(200)
        assert view.js("window.stranger === undefined")
        # A violation of the page's policy is told on the console.
        assert view.said == []
        assert view.asked == []
        assert view.js("document.querySelectorAll('script').length") == (
            2 if kind in ("search", "study", "compare") else 0
        )
        assert view.js(
            "[...document.querySelectorAll('*')].every(e => [...e.attributes].every(a => !a.name.startsWith('on')))"
        )
        assert view.js("[...document.querySelectorAll('a')].every(a => a.getAttribute('href').startsWith('#'))")
        assert (
            view.js(
                "document.querySelectorAll('iframe, object, embed, base, form, link:not([rel=icon][href^=data]), foreignObject').length"
            )
            == 0
        )
        if kind != "predict":
            assert "window.stranger" in view.page.inner_text("body")


@needs_browser
@pytest.mark.parametrize(("policy", "runs"), [(True, False), (False, True)])
def test_the_policy_holds_what_escapes_would_let_through(
    policy: bool, runs: bool, pages: dict[str, Path], browser: Browser, tmp_path: Path
) -> None:
    """A script that got into the page is not run; and without the policy this test would see it run."""
    text = (
        pages["search"].read_text(encoding="utf-8").replace("</main>", "<script>window.stranger=9</script></main>", 1)
    )
    if not policy:
        text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    page = tmp_path / "page.html"
    page.write_text(text, encoding="utf-8")
    with opened(browser, page) as view:
        assert (view.js("window.stranger") == 9) is runs
        assert bool([words for words in view.said if "Content Security Policy" in words]) is policy


def directives(page: str) -> dict[str, str]:
    """Of a page's Content-Security-Policy."""
    match = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    assert match is not None
    return dict(part.strip().partition(" ")[::2] for part in match.group(1).replace("&#39;", "'").split(";"))


@pytest.mark.parametrize("kind", ["search", "study", "compare", "predict"])
def test_the_policy_of_every_page(kind: str, pages: dict[str, Path]) -> None:
    page = pages[kind].read_text(encoding="utf-8")
    policy = directives(page)
    assert policy["default-src"] == "'none'"
    assert policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["img-src"] == "data:"
    assert policy.get("script-src", f"'{templates.script_hash()}'") == f"'{templates.script_hash()}'"
    assert "unsafe-eval" not in page
    # It stands before anything that a stranger wrote.
    assert page.index("Content-Security-Policy") < page.index("<title>")


def test_no_text_that_is_no_text_reaches_a_page(pages: dict[str, Path]) -> None:
    for page in pages.values():
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]", text)
