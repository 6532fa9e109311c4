"""`python -m docs.pictures RUN`: take the pictures of README and docs from the page of a search.

`--head FOLDER` writes the head of the page, light and dark, at twice the pixels. `--labelled` writes it with a number at each part,
which docs/gallery.md explains. `--log FILE`, the text that the command wrote to the
terminal, its command line first, makes the animation: the command, the page, a trial chosen, a digit drawn. Needs Playwright and a
Chromium; the published pictures are set in Inter (Debian's `fonts-inter`).
"""

from __future__ import annotations

import argparse
import html
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

from tests.kit.browser import browser_path, launched

ANIMATION = Path(__file__).parent / "mnist-tune.webp"
LABELLED = Path(__file__).parent / "labelled-report.png"
PARTS = {
    "#summary-title": 1,
    "#summary .measures": 2,
    "#summary .ladder": 3,
    "#summary .afterwards": 4,
    "#summary .strip": 5,
    "#summary .glance figure": 6,
    "#summary .glance table": 7,
    "#summary .claims": 8,
    "#summary details.how": 9,
    "nav.contents": 10,
}
"""A selector of each part of a page's head → its number in the picture."""
HEAD = ViewportSize(width=1440, height=900)
STAGE = ViewportSize(width=1100, height=690)
LIMIT_BYTES = 1_500_000
PROMPT = "$ "

_TERMINAL = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; background: #16181d; color: #e4e6eb; font: 16px/1.6 "DejaVu Sans Mono", monospace; }}
pre {{ margin: 0; padding: 32px 40px; white-space: pre-wrap; font: inherit; }}
b {{ color: #7fb8f0; font-weight: 400; }}
</style><pre>{text}</pre>"""

# Numbers left of the parts, in the page's accent colour; the rest of the page, from the second section on, is cut off.
_NUMBERS = """(parts) => {
  for (const [selector, number] of Object.entries(parts)) {
    const part = document.querySelector(selector);
    if (!part) throw new Error(`The page has no ${selector}`);
    const box = part.getBoundingClientRect();
    const mark = document.createElement("b");
    mark.textContent = number;
    mark.style.cssText = "position: absolute; width: 26px; height: 26px; border-radius: 50%; z-index: 9; text-align: center;"
      + "font: 600 15px/26px sans-serif; background: var(--winner); color: var(--paper);"
      + `left: ${Math.max(4, box.left - 34)}px; top: ${box.top + scrollY + 2}px`;
    document.body.append(mark);
  }
  return Math.ceil(document.querySelector("#summary").getBoundingClientRect().bottom + scrollY);
}"""

# A three, in a unit square: two arcs, drawn from the top left. Centre, radius and the angles of each arc's ends.
_ARCS = (((0.48, 0.32), 0.17, -2.7, 1.6), ((0.48, 0.67), 0.19, -1.5, 2.7))


@dataclass(frozen=True)
class Frame:
    """One picture of the animation and how long it stays."""

    picture: Image.Image
    duration_ms: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Take the requested pictures."""
    parser = argparse.ArgumentParser(description="Take the pictures of README and docs from the page of a search.")
    parser.add_argument("run", type=Path, help="the folder of the search")
    parser.add_argument("--head", type=Path, help="the folder for report.png and report-dark.png")
    parser.add_argument("--labelled", action="store_true", help=f"write docs/{LABELLED.name}")
    parser.add_argument("--log", type=Path, help="what the command wrote to the terminal, its command line first")
    given = parser.parse_args(arguments)
    address = (given.run / "report.html").resolve().as_uri()
    path = browser_path()
    if path is None:
        raise SystemExit("No Chromium was found. Install chromium, or set CHROMIUM to its path.")
    with launched(path) as browser:
        if given.head is not None:
            take_head(browser, address, given.head / "report.png")
            take_head(browser, address, given.head / "report-dark.png", dark=True)
        if given.labelled:
            take_labelled(browser, address, LABELLED)
        if given.log is not None:
            log = given.log.read_text(encoding="utf-8")
            write_animation([*terminal_frames(browser, log), *page_frames(browser, address)], ANIMATION)


def take_head(browser: Browser, address: str, path: Path, *, dark: bool = False) -> None:
    """Write the first screen of a page as a PNG of 2880 by 1800 pixels; in the dark with a trial of the front chosen."""
    context = browser.new_context(
        viewport=HEAD, device_scale_factor=2, color_scheme="dark" if dark else "light", reduced_motion="reduce"
    )
    page = _opened(context, address)
    if dark:
        _choose_trial(page)
        page.evaluate("window.scrollTo(0, 0)")
    _save(_shot(page), path)
    context.close()


def take_labelled(browser: Browser, address: str, path: Path) -> None:
    """Write the first section of a page as a PNG at twice the pixels, with a number at each of its parts."""
    context = browser.new_context(viewport=HEAD, device_scale_factor=2, color_scheme="light", reduced_motion="reduce")
    page = _opened(context, address)
    height = page.evaluate(_NUMBERS, PARTS)
    page.set_viewport_size(ViewportSize(width=HEAD["width"], height=height))
    _save(_shot(page), path)
    context.close()


def _opened(context: BrowserContext, address: str) -> Page:
    """Open a page whose commands name a reader's folder, not the one on this machine."""
    page = context.new_page()
    page.goto(address)
    page.evaluate(
        "document.querySelectorAll('.run-folder').forEach((folder) => { folder.textContent = 'runs/first'; })"
    )
    return page


def _save(picture: Image.Image, path: Path) -> None:
    # Two hundred and fifty-six colours show a page of greys and one accent as it is, in a third of the bytes.
    picture.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


def terminal_frames(browser: Browser, log: str) -> Iterator[Frame]:
    """Yield the command being typed, and its output line by line.

    Args:
        browser: It renders the text.
        log: The command in its first line, its output below.
    """
    command, *output = log.strip().splitlines()
    page = browser.new_context(viewport=STAGE).new_page()
    typed = command.removeprefix(PROMPT)
    for end in range(0, len(typed) + 1, 4):
        yield Frame(_terminal(page, typed[:end], []), 70)
    yield Frame(_terminal(page, typed, []), 500)
    for count in range(1, len(output) + 1):
        yield Frame(_terminal(page, typed, output[:count]), 170)
    yield Frame(_terminal(page, typed, output), 1200)
    page.context.close()


def page_frames(browser: Browser, address: str) -> Iterator[Frame]:
    """Yield the head of the page, a chosen trial, and a digit being drawn with the network's prediction."""
    page = _opened(browser.new_context(viewport=STAGE, reduced_motion="reduce"), address)
    yield Frame(_shot(page), 1500)
    _choose_trial(page)
    yield Frame(_shot(page), 1500)
    page.keyboard.press("Escape")
    page.locator("#try-it").evaluate("(section) => section.scrollIntoView({block: 'start'})")
    yield Frame(_shot(page), 500)
    canvas = page.locator("#try-it canvas").first
    box = canvas.bounding_box()
    if box is None:
        raise SystemExit("The page has no canvas to draw on. Expected a run whose model is carried in its page.")
    for arc in _ARCS:
        for step, (x, y) in enumerate(arc_points(*arc, count=16)):
            page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=3)
            if step == 0:
                page.mouse.down()
            if step % 2:
                yield Frame(_shot(page), 70)
        page.mouse.up()
    page.wait_for_timeout(300)
    yield Frame(_shot(page), 2500)
    page.context.close()


def arc_points(
    centre: tuple[float, float], radius: float, start: float, end: float, *, count: int
) -> Iterator[tuple[float, float]]:
    """Yield `count` points of an arc, in order; angles in radians, y downwards."""
    for step in range(count):
        angle = start + (end - start) * step / (count - 1)
        yield centre[0] + radius * math.cos(angle), centre[1] + radius * math.sin(angle)


def write_animation(frames: Sequence[Frame], path: Path) -> None:
    """Write an endless animation as WebP; refuse one that is too large for a README."""
    first, *rest = (frame.picture for frame in frames)
    durations = [frame.duration_ms for frame in frames]
    first.save(
        path, save_all=True, append_images=rest, duration=durations, loop=0, quality=70, method=6, minimize_size=True
    )
    size = path.stat().st_size
    if size > LIMIT_BYTES:
        raise SystemExit(f"{path.name} has {size:,} bytes. Expected at most {LIMIT_BYTES:,}: take fewer frames.")


def _terminal(page: Page, typed: str, output: Sequence[str]) -> Image.Image:
    lines = "\n".join(html.escape(line) for line in output)
    cursor = "" if output else "▌"
    page.set_content(_TERMINAL.format(text=f"<b>{PROMPT}</b>{html.escape(typed)}{cursor}\n{lines}"))
    return _shot(page)


def _choose_trial(page: Page) -> None:
    page.locator("#pareto [data-trial]").nth(1).click()


def _shot(page: Page) -> Image.Image:
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


if __name__ == "__main__":
    main()
