"""Several runs side by side: the statistics of pairs, who is compared with whom, and the page."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_tune import cli
from reports.comparison.differences import SeedDifferences, image_pairs, seed_pairs
from reports.comparison.page import render_comparison, write_comparison
from reports.comparison.runs import letter, name_runs, readable
from reports.comparison.settings import ABSENT, settings_of
from reports.formatting import points_interval, probability
from reports.run.reading import read_run
from tests.kit.page import HOSTILE, SMALL, Page
from tests.kit.replacing import replace
from tests.kit.run_builder import FakeRun, build_run
from tuner.core.errors import UsageError
from tuner.stats.paired_tests import holm

IDS = ["compare", "compare-images", "compare-seeds", "compare-fronts", "compare-curves", "compare-settings"]


def build(folder: Path, name: str, **changes: Any) -> Path:
    return build_run(folder / name, FakeRun(**{**SMALL, **changes}))


def page_of(*folders: Path) -> Page:
    return Page(render_comparison(folders, "0.0"))


def edit(path: Path, **changes: Any) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    for key, value in changes.items():
        document[key] = {**document[key], **value} if isinstance(value, dict) else value
    path.write_text(json.dumps(document), encoding="utf-8")


def edit_arrays(folder: Path, **changes: Any) -> None:
    with np.load(folder / "evaluation.npz") as file:
        arrays = {key: file[key] for key in file.files}
    np.savez(folder / "evaluation.npz", **{**arrays, **changes})


# --- statistics ------------------------------------------------------------------------------------------------------


def test_seed_differences() -> None:
    found = SeedDifferences((0.01, 0.0, -0.01))
    assert (found.mean, found.sd) == pytest.approx((0.0, 0.01))
    # Student's 97.5% point with two degrees of freedom is 4.3027.
    assert found.interval == pytest.approx((-4.3027 * 0.01 / math.sqrt(3), 4.3027 * 0.01 / math.sqrt(3)), rel=1e-4)
    assert (SeedDifferences((0.1,)).sd, SeedDifferences((0.1,)).interval) == (None, None)


# --- who is compared -------------------------------------------------------------------------------------------------


def test_the_same_models_differ_in_nothing(tmp_path: Path) -> None:
    folders = [build(tmp_path, name) for name in ("one", "copy")]
    runs = name_runs(folders, [read_run(folder) for folder in folders])
    (pair,) = image_pairs(runs)
    assert pair.counts is not None
    assert (pair.counts.first_only, pair.counts.second_only, pair.p) == (0, 0, 1.0)
    (seeds,) = seed_pairs(runs)
    assert seeds.differences is not None
    assert seeds.differences.values == (0.0, 0.0)
    assert seeds.repetitions == (1, 2)


def test_every_pair_is_told_and_corrected(tmp_path: Path) -> None:
    folders = [build(tmp_path, str(seed), seed=seed) for seed in (1, 2, 3)]
    pairs = image_pairs(name_runs(folders, [read_run(folder) for folder in folders]))
    assert [(pair.first, pair.second) for pair in pairs] == [(0, 1), (0, 2), (1, 2)]
    assert [pair.p_corrected for pair in pairs] == list(holm([pair.p for pair in pairs]))
    assert all(pair.counts is not None and pair.counts.n == 400 for pair in pairs)


@pytest.mark.parametrize(
    ("damage", "images", "seeds"),
    [
        ("untested", "missing", None),
        ("no arrays", "missing", None),
        ("unconfirmed", "missing", "missing"),
        ("data", "data", "data"),
        ("labels", "labels", None),
        ("validation", None, "labels"),
        ("seeds", None, "seeds"),
    ],
)
def test_what_does_not_compare_says_why(tmp_path: Path, damage: str, images: str | None, seeds: str | None) -> None:
    first = build(tmp_path, "first")
    second = build(
        tmp_path,
        "second",
        meet_test=damage != "untested",
        arrays=damage != "no arrays",
        confirm=damage != "unconfirmed",
    )
    if damage == "data":
        edit(second / "run.json", data={"sha256": "f" * 64})
    if damage == "labels":
        edit_arrays(second, **{"test/labels": np.roll(np.arange(400) % 10, 1)})
    if damage == "validation":
        edit_arrays(second, **{"validation/labels": np.roll(np.arange(300) % 10, 1)})
    runs = [read_run(folder) for folder in (first, second)]
    if damage == "seeds":
        runs[1] = replace(runs[1], records=tuple(replace(record, seed=1) for record in runs[1].records))
    named = name_runs((first, second), runs)
    assert image_pairs(named)[0].obstacle == images
    assert seed_pairs(named)[0].obstacle == seeds
    if damage != "seeds":
        assert "A − B" in page_of(first, second).text


def test_settings_are_split_by_value() -> None:
    found = settings_of(
        [
            {"same": 1, "float": 1, "flag": True, "only here": "x", "list": ["a"]},
            {"same": 1, "float": 1.0, "flag": 1, "list": ["a"]},
        ]
    )
    assert [(setting.name, setting.values) for setting in found.differing] == [
        ("flag", (True, 1)),
        ("only here", ("x", ABSENT)),
    ]
    assert [setting.name for setting in found.same] == ["same", "float", "list"]


@pytest.mark.parametrize(("place", "expected"), [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA")])
def test_letters(place: int, expected: str) -> None:
    assert letter(place) == expected


def test_names_are_told_apart_and_readable(tmp_path: Path) -> None:
    folders = [tmp_path / "x" / "run", tmp_path / "y" / "run", tmp_path / "z" / "other"]
    for folder in folders:
        build(folder.parent, folder.name)
    named = name_runs(folders, [read_run(folder) for folder in folders])
    assert [run.name for run in named] == [str(folders[0]), str(folders[1]), "other"]
    assert readable("a\nb\x00\udcff") == "a b �"


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (probability(0.0374), "0.037"),
        (probability(0.374), "0.37"),
        (probability(0.00031), "0.0003"),
        (probability(1e-9), "< 0.0001"),
        (probability(None), "–"),
        (points_interval(0.0012, (-0.0003, 0.0027)), "+0.12 [−0.03, +0.27]"),
        (points_interval(0.0012, None), "+0.12"),
        (points_interval(None, (0.0, 0.1)), "–"),
    ],
)
def test_formatting(shown: str, expected: str) -> None:
    assert shown == expected


# --- the page --------------------------------------------------------------------------------------------------------


@pytest.mark.draws
def test_page_holds_together(tmp_path: Path) -> None:
    folders = [build(tmp_path, name, seed=seed) for seed, name in enumerate(("one", "two", "three"), start=1)]
    text = render_comparison(folders, "0.0")
    page = Page(text)
    assert re.findall(r'<section id="([^"]+)"', text) == IDS
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert len(set(page.ids)) == len(page.ids)
    assert not re.search(r"\b(None|nan|NaN|inf|True|False|Absent)\b", page.text)
    assert "#0001" not in text
    assert "Holm's correction for 3 pairs" in page.text
    assert "p corrected" in page.text
    assert render_comparison(folders, "0.0") == text


def test_headline_of_two_says_who_is_better(tmp_path: Path) -> None:
    first, second = build(tmp_path, "first"), build(tmp_path, "second")
    labels = np.arange(400) % 10
    edit_arrays(first, **{"test/probabilities": np.eye(10)[labels]})
    wrong = np.where(np.arange(400) < 40, (labels + 1) % 10, labels)
    edit_arrays(second, **{"test/probabilities": np.eye(10)[wrong]})
    for folders, better in (((first, second), "A"), ((second, first), "B")):
        page = page_of(*folders)
        other = "AB".replace(better, "")
        assert "+10.00 points" in page.text
        assert (
            f"{better} is better than {other} on the same 400 test images (p < 0.0001, exact McNemar test)" in page.text
        )


@pytest.mark.draws
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"meet_test": False}, "B has no test predictions"),
        ({"status": "running", "confirm": False}, "is still going"),
        ({"status": "interrupted"}, "was interrupted"),
        ({"status": "failed", "error": "the disk is full", "confirm": False}, "the disk is full"),
        ({"data": "digits", "fallback": True}, "not MNIST"),
        ({"classes": 2, "data": "pairs"}, "not all of the same data"),
        ({"brackets": (), "confirm": False}, "No trial has a score"),
        ({"brackets": ((0, ((1, 2),)),), "failed": 1, "confirm": False, "status": "failed"}, "no confirmed winner"),
        ({"seeds": 1}, "Over 1 seed A − B"),
        ({"options": {"factor": 4}}, "factor"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_any_runs_render(tmp_path: Path, changes: dict[str, Any], expected: str) -> None:
    page = page_of(build(tmp_path, "first"), build(tmp_path, "second", **changes))
    assert expected in page.text
    assert not re.search(r"\b(None|nan|NaN|inf)\b", page.text)


@pytest.mark.draws
def test_accuracies_of_other_data_are_not_ranked(tmp_path: Path) -> None:
    text = page_of(build(tmp_path, "first"), build(tmp_path, "second", classes=3)).text
    assert "ends highest" not in text
    assert "the most accurate" not in text
    assert "No comparison" in text


def test_more_runs_than_colours(tmp_path: Path) -> None:
    folders = [build(tmp_path, f"run-{seed}", seed=seed) for seed in range(8)]
    text = render_comparison(folders, "0.0")
    assert "H</b>" in text
    assert text.count("var(--category-0)") > text.count("var(--category-5)")


@pytest.mark.draws
def test_hostile_text_is_only_text(tmp_path: Path) -> None:
    name = "<script>alert(1)<" + "&\"'{{ 7*7 }}$x$"
    page = page_of(build(tmp_path, name, hostile=HOSTILE), build(tmp_path, "second", status="failed", error=HOSTILE))
    assert page.tags["script"] == 2
    assert "{{ 7*7 }}" in page.text
    assert "49" not in page.text.split("Winners", 1)[0]


def test_values_that_rounding_makes_alike_are_told_in_full(tmp_path: Path) -> None:
    first, second = build(tmp_path, "first"), build(tmp_path, "second")
    edit(first / "result.json", configuration={"l2": 0.00012345})
    edit(second / "result.json", configuration={"l2": 0.00012346})
    text = page_of(first, second).text
    assert "0.00012345" in text
    assert "0.00012346" in text


# --- the command -----------------------------------------------------------------------------------------------------


def test_command_writes_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [str(build(tmp_path, name)) for name in ("one", "two")]
    monkeypatch.chdir(tmp_path)
    assert cli.main(["compare", *runs]) == 0
    assert capsys.readouterr().out == "Wrote compare.html\n"
    first = Path("compare.html").read_bytes()
    assert cli.main(["compare", *runs]) == 2
    assert "--force" in capsys.readouterr().err
    assert cli.main(["compare", runs[0], "-o", "other.html", runs[1]]) == 0
    assert cli.main(["compare", *runs, "--force"]) == 0
    assert Path("compare.html").read_bytes() == first == Path("other.html").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["compare.html", "one", "other.html", "two"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "Received: none"),
        (("one",), "Expected two folders of runs or more"),
        (("one", "one"), "can't be compared with itself"),
        (("one", "./one/../one"), "can't be compared with itself"),
        (("one", "nothing"), "not a run's folder"),
        (("one", "two", "-o", "one"), "is a folder"),
        (("one", "two", "-o", "no/such/page.html"), "is not a folder"),
        (("one", "two", "--bogus"), "--bogus"),
    ],
)
def test_a_mistake_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: Sequence[str],
    told: str,
) -> None:
    for name in ("one", "two"):
        build(tmp_path, name)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["compare", *words]) == 2
    captured = capsys.readouterr()
    assert told in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    assert not Path("compare.html").exists()


def test_what_can_t_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [build(tmp_path, name) for name in ("one", "two")]

    def full(*_: Any, **__: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match="No space left on device"):
        write_comparison(runs, tmp_path / "page.html", "0.0")
    assert {path.name for path in tmp_path.iterdir()} == {"one", "two"}
