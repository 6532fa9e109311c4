"""The front over several runs: which rows are kept, and what is no row."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import fronts, plots
from reports.run.reading import read_run
from tests.kit.run_builder import FakeRun, build_run


def rows(path: Path) -> list[dict[str, object]]:
    return list(json.loads(path.read_text(encoding="utf-8"))["winners"])


def test_a_winner_is_kept_once(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "run", FakeRun())
    result = read_run(folder).result
    assert result is not None
    out = tmp_path / "front.json"
    for _ in range(2):
        assert fronts.main([str(folder), "--out", str(out)]) == 0
    (row,) = rows(out)
    assert row["parameters"] == result.parameters
    assert row["validation"] == [round(own, 5) for own in result.validation.per_seed]
    assert result.test is not None
    assert row["test"] == [round(own, 5) for own in result.test.per_seed]


def test_rows_stand_by_size(tmp_path: Path) -> None:
    out = tmp_path / "front.json"
    one = fronts.winner_of(read_run(build_run(tmp_path / "run", FakeRun())))
    for size in (900, 20_000, 4_000):
        fronts.add(out, [fronts.Winner(**{**vars(one), "parameters": size})])
    assert [row["parameters"] for row in rows(out)] == [900, 4_000, 20_000]


def test_a_folder_that_is_no_run_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fronts.main([str(tmp_path), "--out", str(tmp_path / "front.json")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "front.json").exists()


def test_a_run_without_a_winner_is_refused(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "run", FakeRun())
    (folder / "result.json").unlink()
    assert fronts.main([str(folder), "--out", str(tmp_path / "front.json")]) == 2


def test_published_networks_stand_once_each_and_with_an_accuracy() -> None:
    known = plots.published()
    assert len({own.name for own in known}) == len(known)
    assert {"c12-8172", "separable-697"} <= {own.name for own in known}
    assert all(own.published_accuracy for own in known)
