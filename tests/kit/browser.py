"""A real browser, for the tests of a report's page: its path, and records of what a page did. Nothing here asserts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Dialog, Page, Request, ViewportSize, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
PHONE = ViewportSize(width=390, height=844)
DESK = ViewportSize(width=1440, height=900)


def browser_path() -> str | None:
    """Return the path of the system's Chromium: `$CHROMIUM`, else the first on PATH; None where there is none."""
    given = os.environ.get("CHROMIUM")
    return given or next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def launched(path: str) -> Iterator[Browser]:
    """Open a browser without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watched:
    """A page with a record of its forbidden actions: messages and requests."""

    page: Page
    said: list[str] = field(default_factory=list)
    """Console messages, errors and dialogs."""
    asked: list[str] = field(default_factory=list)
    """Addresses other than the page itself and `data:`."""

    def js(self, expression: str) -> Any:
        """Return the value of an expression in the page. `Any`: JSON has no narrower type."""
        return self.page.evaluate(expression)

    def trials(self, selector: str) -> list[str]:
        """Return the names of the trials of the elements that match a selector."""
        return list(self.js(f"[...document.querySelectorAll({selector!r})].map((one) => one.dataset.trial)"))


@contextmanager
def opened(browser: Browser, path: Path, fragment: str = "", **context: Any) -> Iterator[Watched]:
    """Open a report in a context of its own; `context`: Playwright's settings of the context (viewport, color_scheme …)."""
    settings = {"viewport": DESK, "reduced_motion": "reduce", **context}
    with browser.new_context(**settings) as own:
        own.set_default_timeout(20_000)
        watched = Watched(own.new_page())
        _watch(watched, path.as_uri())
        watched.page.goto(path.as_uri() + fragment)
        yield watched


def _watch(watched: Watched, address: str) -> None:
    def asked(request: Request) -> None:
        if not request.url.startswith((address, "data:")):
            watched.asked.append(request.url)

    def dialog(opened: Dialog) -> None:
        watched.said.append(opened.message)
        opened.dismiss()

    watched.page.on("console", lambda message: watched.said.append(message.text))
    watched.page.on("pageerror", lambda error: watched.said.append(str(error)))
    watched.page.on("dialog", dialog)
    watched.page.on("request", asked)
