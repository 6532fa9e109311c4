"""A run's card in a notebook: the answer, the best configurations, and the page's path."""

from __future__ import annotations

from pathlib import Path

import templates
from reports.run.reading import read_run
from reports.sections.search.leaderboard import short_table
from reports.sections.search.summary import answer_of, banners


def run_card(run_dir: Path) -> str:
    """Return a run's card as HTML that needs no style sheet.

    Raises:
        UsageError: where the folder holds no run.
        JournalError: where a file of it is damaged.
    """
    run = read_run(run_dir)
    context = {
        "answer": answer_of(run),
        "banners": banners(run),
        "best": short_table(run),
        "folder": str(run_dir),
        "page": str(run_dir / "report.html"),
    }
    return templates.render("card.html.j2", context)
