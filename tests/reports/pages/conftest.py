"""The browser in which pages are opened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


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
