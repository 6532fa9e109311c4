"""The fixed runs, and what is held fast of each."""

from __future__ import annotations

import tempfile
from pathlib import Path

from reports.comparison.page import render_comparison
from reports.pages.page import render_run
from reports.run.reading import read_run
from tests.gold.numbers import numbers_of, text_of
from tests.gold.page import scrubbed
from tests.kit.run_builder import FakeRun, build_run

FINISHED = FakeRun(validation=1200, test=2000)
OTHER = FakeRun(validation=1200, test=2000, seed=2, failed=0)
UNFINISHED = FakeRun(brackets=((0, ((6, 2), (2, 5))),), confirm=False, status="interrupted", validation=300, test=400)


def gold_texts() -> dict[str, str]:
    """Name of a gold file → what it would be now."""
    with tempfile.TemporaryDirectory() as folder:
        paths = {
            name: build_run(Path(folder) / name, fake)
            for name, fake in (("finished", FINISHED), ("unfinished", UNFINISHED))
        }
        texts: dict[str, str] = {}
        for name, path in paths.items():
            run = read_run(path)
            texts[f"{name}.numbers.json"] = text_of(numbers_of(run))
            texts[f"{name}.page.txt"] = scrubbed(render_run(run))
        paths["other"] = build_run(Path(folder) / "other", OTHER)
        texts["compared.page.txt"] = scrubbed(render_comparison(list(paths.values()), "0.0"))
    return texts
