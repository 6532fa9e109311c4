"""The browser in which pages are opened, and a page with its figures that several modules look at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reports.pages.page import write_report
from tests.kit.drawings import drawn
from tests.kit.run_builder import build_run


@pytest.fixture(scope="session")
def full_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run of 36 trials, 10 scored ones of 2 epochs, with all its figures; beside its run, and not to be changed."""
    with drawn():
        return write_report(build_run(tmp_path_factory.mktemp("full") / "a run"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One for a module; not for the session, since Playwright keeps an event loop running while a browser is open."""
    pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install -e '.[dev]'")
    from tests.kit.browser import browser_path, launched

    path = browser_path()
    if path is None:
        pytest.skip("no Chromium: install chromium, or set CHROMIUM to its path")
    with launched(path) as opened:
        yield opened
