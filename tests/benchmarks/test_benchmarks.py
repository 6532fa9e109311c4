"""The measurements run, and what is kept of them can be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import report
from tests.kit.page import SMALL
from tests.kit.run_builder import FakeRun


@pytest.mark.parametrize("size", report.SIZES, ids=lambda size: str(size.trials))
def test_made_up_runs_have_the_trials_that_are_said(size: report.Size) -> None:
    searched = size.fake.iterations * sum(n for _, rungs in size.fake.brackets for n, _ in rungs)
    assert searched + size.fake.finalists * size.fake.seeds == size.trials


def test_a_report_is_measured(tmp_path: Path) -> None:
    small = report.Size(7, FakeRun(**{**SMALL, "confirm": False}), limit_s=600.0, limit_bytes=10)
    found = report.measure(small, tmp_path, 1)
    assert found.cpu_s > 0
    assert found.size_bytes > 10_000
    assert not found.within
    assert "exceeded" in report.table([found])
    assert json.loads(json.dumps(report.document([found])))["rows"][0]["trials"] == 7


def test_what_is_kept_names_its_versions_and_repetitions() -> None:
    kept = json.loads(report.RESULT.read_text(encoding="utf-8"))
    assert set(kept["versions"]) == {"python", *report.LIBRARIES}
    assert [row["trials"] for row in kept["rows"]] == [size.trials for size in report.SIZES]
    assert all(row["repetitions"] >= 3 for row in kept["rows"])
