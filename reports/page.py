"""The page of a run: its sections in order, rendered into one HTML file without any other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import templates
from reports.page_data import page_data
from reports.run_data import RunData, read_run
from reports.sections import (
    confusion,
    data,
    errors,
    failures,
    hyperparameters,
    leaderboard,
    learning_curves,
    pareto,
    reproduce,
    robustness,
    search,
    summary,
    weights,
)
from reports.sections.section import Figure, Section

PAGE_NAME = "report.html"

RELOAD_S = 20
"""How often the page of a run that still goes on asks for a newer one."""

SECTIONS: tuple[Callable[[RunData], Section], ...] = (
    summary.build,
    leaderboard.build,
    search.build,
    hyperparameters.build,
    pareto.build,
    learning_curves.build,
    confusion.build,
    errors.build,
    robustness.build,
    weights.build,
    data.build,
    failures.build,
    reproduce.build,
)
"""In the order of a reader's questions."""


def render_report(run_dir: Path) -> str:
    """The page of a run as HTML. The same run gives the same text.

    Raises:
        UsageError: where the folder holds no run.
        JournalError: where a file of it is damaged.
    """
    run = read_run(run_dir)
    return render_run(run, reload=run.info.status == "running")


def render_run(run: RunData, *, reload: bool = False) -> str:
    """The page of a run that has been read."""
    sections = [build(run) for build in SECTIONS]
    return templates.render(
        "page.html.j2",
        {
            "title": _title(run),
            "banners": summary.banners(run),
            "sections": sections,
            "data": page_data(run),
            "reload_s": RELOAD_S if reload else 0,
            "version": run.info.version,
        },
    )


def write_report(run_dir: Path) -> Path:
    """Writes `report.html` into the run's folder, whole or not at all; returns its path."""
    page = render_report(run_dir)
    path = run_dir / PAGE_NAME
    unfinished = path.with_name(f".{PAGE_NAME}.{os.getpid()}")
    try:
        unfinished.write_text(page, encoding="utf-8", newline="\n")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def figures(run_dir: Path) -> dict[str, str]:
    """The figures of a run's page, each a complete SVG file that follows the viewer's theme: name → text.

    Raises:
        UsageError: where the folder holds no run.
        JournalError: where a file of it is damaged.
    """
    run = read_run(run_dir)
    found = (figure for build in SECTIONS for figure in _figures_in(build(run).body.values()))
    return {figure.name: figure.standalone(templates.colours()) for figure in found}


def _figures_in(values: Iterable[object]) -> Iterator[Figure]:
    for value in values:
        if isinstance(value, Figure):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _figures_in(value)


def _title(run: RunData) -> str:
    answer = summary.answer_of(run)
    return f"{answer.number} · {run.info.space} on {run.info.data.name} · mnist-tune"
