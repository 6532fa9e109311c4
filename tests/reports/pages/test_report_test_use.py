"""What pages say of the test set, folded or not, for every kind of run: never two different things."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from reports.comparison.page import write_comparison
from reports.pages.page import render_report
from tests.kit.marks import slow_after
from tests.kit.run_builder import FakeRun, build_run
from tests.kit.study_builder import FakeArm, FakeStudy, build_study
from tuner.core.records import TEST_MET_AGAIN, Json

SMALL: dict[str, Any] = {
    "brackets": ((0, ((3, 2), (2, 5))),), "failed": 1, "finalists": 1, "seeds": 2, "validation": 80, "test": 80,
}  # fmt: skip
LEFT_ALONE: dict[str, Any] = {"meet_test": False, "options": {"test": False}}
USED = re.compile(
    r"test set was used|evaluated on the test set in one pass|used its test images|interval is Wilson's|"
    r"exported model on the test images, made worse step",
    re.IGNORECASE,
)
NOT_USED = re.compile(
    r"test set (?:was|is|has) (?:not|left)|test set was left alone|never evaluated on the test set|not been used",
    re.IGNORECASE,
)
AGAIN = "made again with the same models"


def build(folder: Path, kind: str, **changes: Any) -> Path:
    if kind == "study":
        arms = (FakeArm("0", 0.0), FakeArm("0.1", 0.1))
        return build_study(folder, FakeStudy(arms=arms, seeds=2, epochs=3))
    run = build_run(folder, FakeRun(**{**SMALL, **changes}))
    if kind == "train":
        edit(run, kind="train")
    return run


def edit(run: Path, **changes: object) -> None:
    document: Json = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**document, **changes}))


def words_of(page: str) -> str:
    """The page's texts without its scripts and styles."""
    return re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)


def said(run: Path) -> str:
    return words_of(render_report(run))


@pytest.mark.parametrize(
    ("kind", "changes"), slow_after(1, [("search", {}), ("search", {"refit": True}), ("train", {})])
)
def test_a_run_that_met_its_test_set_says_so_everywhere(kind: str, changes: dict[str, Any], tmp_path: Path) -> None:
    page = said(build(tmp_path / "run", kind, **changes))
    assert USED.search(page)
    assert not NOT_USED.search(page)
    assert AGAIN not in page
    if kind == "search":
        assert f"used once, by the {'refitted' if changes else 'confirmed'} winner" in page
    else:
        assert "all seeds were evaluated on the test set in one pass" in page


@pytest.mark.parametrize(
    ("kind", "changes"),
    slow_after(
        1, [("search", LEFT_ALONE), ("train", LEFT_ALONE), ("search", {**LEFT_ALONE, "refit": True}), ("study", {})]
    ),
)
def test_a_run_that_left_its_test_set_alone_says_so_everywhere(
    kind: str, changes: dict[str, Any], tmp_path: Path
) -> None:
    run = build(tmp_path / "run", kind, **changes)
    page = said(run)
    assert USED.findall(page) == []
    if kind != "study":
        assert NOT_USED.search(page)
        assert "yet: that is for the end" not in page
        assert ("flatters" in page or "flatter it" in page) == (kind == "search")
        assert "No errors to show yet" not in page
        assert "It was never evaluated on the test set" in page
        assert ("images that it was chosen on" in page or "images and chosen on them" in page) == (kind == "search")


@pytest.mark.parametrize(
    ("status", "left_alone"),
    slow_after(1, [("running", False), ("running", True), ("interrupted", False), ("failed", True)]),
)
def test_a_run_that_has_no_result_yet_does_not_speak_of_one(status: str, left_alone: bool, tmp_path: Path) -> None:
    changes = {"options": {"test": False}} if left_alone else {}
    page = said(build(tmp_path / "run", "search", status=status, confirm=False, **changes))
    assert USED.findall(page) == []
    assert ("The test set has not been used yet: that is for the end." in page) == (not left_alone)
    assert ("The test set is not used: all figures are of validation images" in page) == left_alone


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["search", "train"])
def test_a_lost_evaluation_that_was_made_again_is_said(kind: str, tmp_path: Path) -> None:
    run = build(tmp_path / "run", kind)
    edit(run, notes=[f"{TEST_MET_AGAIN}, by the winner's models trained again."])
    assert AGAIN in said(run)


@pytest.mark.slow
def test_a_comparison_says_which_runs_used_their_test_images(tmp_path: Path) -> None:
    tested, again = build(tmp_path / "tested", "search"), build(tmp_path / "again", "search")
    alone, other = build(tmp_path / "alone", "search", **LEFT_ALONE), build(tmp_path / "other", "search", **LEFT_ALONE)
    edit(again, notes=[f"{TEST_MET_AGAIN}, by the winner's models trained again."])
    for runs, words in (
        ([tested, build(tmp_path / "second", "search")], "Each run used its test images once. Whoever"),
        ([tested, again], "Each run used its test images once (a lost evaluation was made again: B). Whoever"),
        ([tested, alone], "Of these runs A used its test images once. Whoever"),
        ([alone, other], "No run has used its test images."),
    ):
        page = words_of(write_comparison(runs, tmp_path / "page.html", "0.1.0", force=True).read_text())
        assert words in page


@pytest.mark.slow
def test_what_is_not_of_a_run_is_not_explained(tmp_path: Path) -> None:
    hyperband, training = said(build(tmp_path / "a", "search")), said(build(tmp_path / "b", "train"))
    assert "In a bracket, those that are promoted" in hyperband
    assert "never promoted" in hyperband
    assert "never promoted" not in training
    random = build(tmp_path / "c", "search")
    document = json.loads((random / "run.json").read_text())
    edit(
        random,
        plan={**document["plan"], "algorithm": "random", "brackets": []},
        space={**document["space"], "max_params": None},
        nondeterminism=["A time budget ended the search by the clock."],
    )
    page = said(random)
    assert "In a bracket" not in page
    assert "the dashed line the cap" not in page
    assert "Workers and their number do not matter" not in page
    assert "What may differ even then is listed below" in page
