"""The page as a whole: any run renders, nothing hostile gets through, the same run gives the same bytes."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reports.pages.page import page_figures, render_report, write_report
from reports.run.reading import read_run
from tests.kit.drawings import set_drawing, svg_of
from tests.kit.marks import slow_after
from tests.kit.page import HOSTILE, SMALL, Page
from tests.kit.run_builder import FakeRun, build_run, write_json
from tuner.core.errors import JournalError, UsageError

IDS = [
    "summary", "leaderboard", "search", "hyperparameters", "pareto", "fidelity", "learning-curves", "confusion", "errors",
    "robustness", "custom-images", "weights", "data", "failures", "model-card", "reproduce",
]  # fmt: skip
ONE = ((0, ((1, 2),)),)
FEW: dict[str, Any] = {"brackets": ((0, ((2, 2),)),), "failed": 0}
"""A run whose search has few figures; those of its model are all there."""


def render(folder: Path, **changes: Any) -> str:
    return render_report(build_run(folder / "run", FakeRun(**changes)))


@pytest.fixture(scope="module")
def whole(full_page: Path) -> str:
    return full_page.read_text(encoding="utf-8")


def test_sections_stand_in_the_order_of_a_readers_questions(whole: str) -> None:
    assert re.findall(r'<section id="([^"]+)"', whole) == IDS
    assert re.findall(r'<li><a href="#([^"]+)"', whole) == IDS
    folded = re.findall(r'<section id="([^"]+)"[^>]*>\s*<details class="fold">', whole)
    linked = re.findall(r'<p class="eyebrow"><a href="#([^"]+)">', whole)
    assert [*linked, *folded] == list(IDS[1:])


def test_every_link_has_its_id_and_no_id_stands_twice(whole: str) -> None:
    page = Page(whole)
    assert [name for name, number in Counter(page.ids).items() if number > 1] == []
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert all(link.startswith(("#", "data:")) for link in page.links)
    assert all(source.startswith("data:image/png;base64,") for source in page.sources)


def test_headline_has_the_answer_its_interval_and_the_size(whole: str) -> None:
    headline = re.search(r"<h1.*?</h1>", whole, re.DOTALL)
    assert headline is not None
    words = Page(headline.group()).text
    assert re.fullmatch(
        r"\d\d\.\d\d% of MNIST's test images right, with [\d,]+ parameters",
        words,
    )


def test_no_undefined_or_python_value_reaches_the_reader(whole: str) -> None:
    words = Page(whole).text
    assert not re.search(r"\b(None|nan|NaN|True|False|inf|Markup|Undefined)\b", words)


def test_a_figure_never_has_a_stand_in_colour_or_a_date(whole: str) -> None:
    assert "#0001" not in whole
    assert "<metadata>" not in whole
    assert "DejaVu" not in whole


def test_marks_know_their_trials(whole: str) -> None:
    history = re.search(r'<svg[^>]*data-figure="history".*?</svg>', whole, re.DOTALL)
    assert history is not None
    assert set(re.findall(r'data-trial="(\d+)"', history.group())) == {
        f"{n:04d}" for n in range(1, 31) if n not in (1, 4)
    }


def test_policy_names_the_script_that_the_page_has(whole: str) -> None:
    policy = re.search(r"script-src &#39;sha256-([^&]+)&#39;|script-src 'sha256-([^']+)'", whole)
    script = re.search(r"<script>(.*?)</script>", whole, re.DOTALL)
    assert policy is not None
    assert script is not None
    digest = base64.b64encode(hashlib.sha256(script.group(1).encode()).digest()).decode()
    assert digest in (policy.group(1), policy.group(2))
    assert "default-src 'none'" in whole


def test_data_enters_once_and_is_json(whole: str) -> None:
    found = re.findall(r'<script type="application/json" id="page-data">(.*?)</script>', whole, re.DOTALL)
    assert len(found) == 1
    assert len(json.loads(found[0])["trials"]) == 36


@pytest.mark.draws
def test_same_run_same_bytes(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "run", FakeRun(**{**SMALL, **FEW}))
    first = render_report(folder)
    shutil.copytree(folder, tmp_path / "copy")
    assert render_report(tmp_path / "copy") == first


def test_page_is_small_enough(whole: str) -> None:
    assert len(whole.encode()) < 2_000_000


@pytest.mark.draws
@pytest.mark.parametrize("classes", [2, 10])
def test_hostile_text_is_only_text(tmp_path: Path, classes: int) -> None:
    brackets = FEW if classes == 2 else {}  # two classes have other figures of the model alone
    made = {**SMALL, "notes": ["a note"], "status": "failed", "error": HOSTILE, "classes": classes, **brackets}
    text = render(tmp_path, hostile=HOSTILE, **made)
    page = Page(text)
    assert page.tags["script"] == 2
    assert not any("alert(1)</" in words for words in page.scripts)
    assert "<script>alert" not in text
    assert "7*7" in text
    assert "alert(1)" in page.text
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)


@pytest.mark.parametrize(
    ("changes", "expected"),
    slow_after(
        9,
        [
            (
                {"brackets": ONE, "failed": 0, "finalists": 1, "seeds": 1},
                ["One configuration was confirmed, with 1 seed"],
            ),
            ({"classes": 100, "validation": 1000, "test": 2000}, ["mistakes of 2,000 images"]),
            ({"arrays": False}, ["No configuration is confirmed yet"]),
            ({"meet_test": False}, ["the test set was not used"]),
            (
                {"status": "running", "confirm": False, "brackets": ((0, ((6, 2), (4, 5))),)},
                ["This run is still going.", "min before the end. The page reloads"],
            ),
            ({"status": "failed", "error": "the disk is full", "confirm": False}, ["the disk is full"]),
            ({"data": "digits", "fallback": True}, ["These are scikit-learn's 8×8 digits, not MNIST"]),
            (
                {"data": "fashion_mnist"},
                [
                    "The data are Fashion-MNIST, not MNIST. The space has references whose published figures",
                    "On validation images its mean is",
                ],
            ),
            (
                {"planned": {(0, 0): 9, (0, 1): 4}, "notes": ["4 trials were not run."]},
                ["2 rungs were cut: 7 of their 13 planned trials ran.", "4 trials were not run."],
            ),
            (
                {"brackets": ONE, "failed": 0, "confirm": False},
                ["1 of 1 trial done when the run ended; nothing is confirmed", "Best so far"],
            ),
            ({"brackets": ((0, ((3, 2),)),), "failed": 0, "classes": 2, "class_names": ["cat", "dog"]}, ["cat"]),
            ({"status": "interrupted", "confirm": False}, ["This run was interrupted."]),
            (
                {"data": "/data/mine.npz"},
                ["The data are /data/mine.npz, not MNIST.", "of /data/mine.npz's test images right"],
            ),
            ({"planned": {(0, 0): 9}}, ["Rung 0 of bracket 0 was cut: 5 of 9 planned trials ran."]),
            (
                {"planned": {(0, 0): 9}, "options": {"time_budget": 60}},
                ["The run had a time budget, and a failed trial is not replaced."],
            ),
            ({"seeds": 1}, ["300 validation images, one seed"]),
        ],
    ),
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_any_run_renders(tmp_path: Path, changes: dict[str, Any], expected: Sequence[str]) -> None:
    """With its figures where they are others: of one configuration, a hundred classes, an unfinished run, two classes."""
    set_drawing(bool({"classes", "seeds"} & set(changes)) or changes.get("status") == "running")
    page = Page(render(tmp_path, **{**SMALL, **changes}))
    assert [words for words in expected if words not in page.text] == []
    assert not re.search(r"\b(None|nan|NaN|inf)\b", page.text)
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)


def test_digits_are_named_in_the_headline_itself(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "run", FakeRun(data="digits", fallback=True, **SMALL))
    text = render_report(folder)
    headline = re.search(r"<h1.*?</h1>", text, re.DOTALL)
    assert headline is not None
    assert "of scikit-learn's 8×8 test digits right" in Page(headline.group()).text
    assert Page(text.split('<section id="leaderboard"')[0]).text.count("8×8 digits, not MNIST") == 1
    assert ">wide-9994<" not in text.split('<section id="pareto"')[1].split("</section>")[0]
    (front,) = (figure for figure in page_figures(read_run(folder)) if figure.name == "pareto")
    assert "wide-9994" not in svg_of(front)


def test_all_failed(tmp_path: Path) -> None:
    folder = tmp_path / "failed"
    build_run(folder, FakeRun(brackets=((0, ((1, 2),)),), failed=1, confirm=False, status="failed", error="no luck"))
    failed = Page(render_report(folder))
    assert "No answer because none of 1 trial completed" in failed.text
    assert "1 of 1 trial failed" in failed.text
    assert "Every trial of the search failed" in failed.text


def test_interrupted_in_the_first_trial(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "run", FakeRun(brackets=(), confirm=False, status="interrupted"))
    page = Page(render_report(folder))
    assert "no trial has finished" in page.text
    (folder / "trials.jsonl").unlink()
    assert "no trial has finished" in Page(render_report(folder)).text


@pytest.mark.draws
def test_not_a_number_in_arrays(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "run", FakeRun(**{**SMALL, **FEW}))
    with np.load(folder / "evaluation.npz") as file:
        arrays = {key: file[key] for key in file.files}
    for key, values in arrays.items():
        if values.dtype.kind == "f" and "histogram_edges" not in key:
            values.flat[0] = np.nan
    np.savez(folder / "evaluation.npz", **arrays)
    assert not re.search(r"\b(nan|NaN)\b", Page(render_report(folder)).text)


def test_running_page_reloads_and_a_finished_one_does_not(tmp_path: Path) -> None:
    running = build_run(tmp_path / "running", FakeRun(status="running", confirm=False, **SMALL))
    done = build_run(tmp_path / "done", FakeRun(**SMALL))
    assert 'data-reload-s="20"' in render_report(running)
    assert "data-reload-s=" not in render_report(done)
    assert 'data-reload-s="20"' in write_report(running).read_text(encoding="utf-8")


def test_write_report_leaves_one_file(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "run", FakeRun(**SMALL))
    before = {path.name for path in folder.iterdir()}
    path = write_report(folder)
    assert path == folder / "report.html"
    assert path.read_text(encoding="utf-8") == render_report(folder)
    assert {path.name for path in folder.iterdir()} == before | {"report.html"}


def test_what_is_not_a_run_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a run's folder"):
        render_report(tmp_path)
    write_json(tmp_path / "run.json", {"schema": 1})
    with pytest.raises(JournalError, match=r"run\.json can't be read"):
        render_report(tmp_path)


def test_a_damaged_evaluation_is_said_in_one_line(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "run", FakeRun(**SMALL))
    (folder / "evaluation.npz").write_bytes(b"PK\x03\x04 torn")
    with pytest.raises(JournalError, match=r"evaluation\.npz can't be read"):
        render_report(folder)
