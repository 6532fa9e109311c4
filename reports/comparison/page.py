"""The page that compares several runs: its sections in order, rendered into one self-contained HTML file."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import templates
from reports.comparison.runs import NamedRun, read_runs
from reports.comparison.sections import curves, fronts, images, seeds, settings, winners
from reports.sections.section import Section
from tuner.core.errors import UsageError
from tuner.storage.files import write_text

PAGE_NAME = "compare.html"

SECTIONS: tuple[Callable[[Sequence[NamedRun]], Section], ...] = (
    winners.build,
    images.build,
    seeds.build,
    fronts.build,
    curves.build,
    settings.build,
)
"""The sections in the order of a reader's questions."""


def render_comparison(folders: Sequence[Path], version: str) -> str:
    """Return the page of these runs as HTML. The same runs give the same text.

    Args:
        folders: of the runs, two or more, each once.
        version: of the program that writes the page.

    Raises:
        UsageError: where there are fewer than two, one is given twice, or a folder holds no run.
        JournalError: where a file of a run is damaged.
    """
    runs = read_runs(folders)
    return templates.render(
        "page.html.j2",
        {
            "title": f"{' · '.join(run.title for run in runs)} · mnist-tune",
            "banners": winners.banners(runs),
            "sizes": "",
            "sections": _sections(runs),
            # Trials of several runs have the same names, so none can be selected here.
            "data": {"trials": {}},
            "reload_s": 0,
            "version": version,
        },
    )


def _sections(runs: Sequence[NamedRun]) -> list[Section]:
    """Return the sections that have something to show; the first one has the reasons of the others."""
    first, *others = [build(runs) for build in SECTIONS]
    reasons = [words for section in others if not _says_something(section) for words in _reasons(section)]
    first = replace(first, body={**first.body, "reasons": reasons})
    return [first, *filter(_says_something, others)]


def _reasons(section: Section) -> list[str]:
    obstacles = section.body.get("obstacles", ())
    lines = [*(obstacles if isinstance(obstacles, (list, tuple)) else ()), section.body.get("why_none", "")]
    return [f"{section.name}: {words}" for words in lines if words]


def _says_something(section: Section) -> bool:
    """Return False for a section that would only say why it is empty: unfinished runs have no such parts."""
    content = [section.body[name] for name in ("figure", "table") if name in section.body]
    return not content or any(part is not None for part in content)


def write_comparison(folders: Sequence[Path], path: Path, version: str, *, force: bool = False) -> Path:
    """Write the page, whole or not at all, and return its path.

    Raises:
        UsageError: as `render_comparison`; where the file exists and `force` is not given; where it can't be written.
        JournalError: where a file of a run is damaged.
    """
    _refuse(path, force=force)
    page = render_comparison(folders, version)
    try:
        write_text(path, page)
    except OSError as error:
        raise UsageError(
            f"{path} can't be written: {error.strerror or error}. Give another file with -o FILE."
        ) from error
    return path


def _refuse(path: Path, *, force: bool) -> None:
    if os.path.isdir(path):  # never raises, whatever the name
        raise UsageError(f"{path} is a folder. Expected a file to write the page to, such as {path / PAGE_NAME}.")
    if not os.path.isdir(path.parent):
        raise UsageError(f"{path.parent} is not a folder, so {path.name} can't be written there. Make it first.")
    if os.path.lexists(path) and not force:
        raise UsageError(f"{path} exists already. Give another file with -o FILE, or write over it with --force.")
