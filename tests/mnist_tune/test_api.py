"""From Python: `search`, `load_run`, and what a run can be asked. With a worker that trains nothing."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

import mnist_tune
from mnist_tune import load_run, search
from mnist_tune.api import runs as api
from tests.kit.run_builder import FakeRun, build_run
from tuner.core.errors import MnistTuneError, UsageError
from tuner.run import launch as engine
from tuner.storage.run_folder import RunFolder

OPTIONS: dict[str, Any] = {"data": "digits", "max_epochs": 3, "quiet": True}


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "start", partial(engine.start, worker_module="tests.kit.processes.fake_worker"))
    monkeypatch.setattr(engine, "resume", partial(engine.resume, worker_module="tests.kit.processes.fake_worker"))


def test_public_names_are_there_and_no_others() -> None:
    assert {name for name in mnist_tune.__all__ if getattr(mnist_tune, name) is None} == set()
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = mnist_tune.no_such_name


def test_a_search_gives_a_run(tmp_path: Path, fake: None, capsys: pytest.CaptureFixture[str]) -> None:
    run = search("compact8k", out=tmp_path / "run", test=False, **OPTIONS)
    assert run.path == tmp_path / "run"
    assert run.best["parameters"] <= 8000
    assert (run.path / "report.html").exists()
    assert len(run.trials()) == 12
    assert capsys.readouterr().out.startswith("Result  Validation accuracy")
    assert run.info["command"] == [
        "mnist-tune", "--space", "compact8k", "--data", "digits", "--max-epochs", "3", "--no-test", "--out", str(run.path)
    ]  # fmt: skip


@pytest.mark.parametrize("cap", [{"max_params": 900}, {"max_ram": 9000}, {"board": "rp2040"}], ids=str)
def test_a_training_and_a_study_refuse_caps_which_would_do_nothing(cap: dict[str, Any], tmp_path: Path) -> None:
    for call, name, kind in ((mnist_tune.train, "dense128", "training"), (mnist_tune.study, "dropout", "study")):
        with pytest.raises(UsageError, match=f"a {kind} samples nothing") as caught:
            call(name, out=tmp_path / "run", **cap)
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_search_with_a_target_says_what_became_of_it(
    tmp_path: Path, fake: None, capsys: pytest.CaptureFixture[str]
) -> None:
    run = search("compact8k", out=tmp_path / "run", target=99.99, **OPTIONS)
    assert run.best["target"] == {"accuracy": 0.9999, "reached": False}
    said = "No finalist's mean validation accuracy reaches"
    assert f"{said} 99.99%." in capsys.readouterr().out
    page = run.report().read_text(encoding="utf-8")
    note = page.index(f"{said.replace(chr(39), '&#39;')} the target of 99.99%")
    assert page.index('<section id="summary"') < note < page.index('<section id="leaderboard"'), "in the first section"
    assert run.info["command"][-4:] == ["--target", "99.99", "--out", str(run.path)]


@pytest.mark.slow
def test_a_finished_run_can_be_resumed_for_its_report(tmp_path: Path, fake: None) -> None:
    out = tmp_path / "run"
    search("compact8k", out=out, test=False, **OPTIONS)
    (out / "report.html").unlink()
    api.run_search({}, out=out, resume=True, force=False, quiet=True)
    assert (out / "report.html").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"epochs": 3}, "epochs"),
        ({"seed": -1}, "--seed"),
        ({"target": 0.994}, "give 99.4"),
        ({"time_budget": "soon"}, "duration"),
        ({"data": "x"}, "--data"),
    ],
)
def test_wrong_options_are_told(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        search("compact8k", out=tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


def test_a_loaded_run_answers(tmp_path: Path) -> None:
    run = load_run(build_run(tmp_path / "run", FakeRun(brackets=((0, ((3, 2),)),), failed=0)))
    assert run.best["test"]["n"] > 0
    frame = run.trials()
    assert {"trial", "val_accuracy", "hp.optimizer"} <= set(frame.columns)
    assert run.report().read_text().startswith("<!")
    figures = run.figures()
    assert figures
    assert all(svg.lstrip().startswith("<svg") for svg in figures.values())


def test_a_run_shows_itself_in_a_notebook(tmp_path: Path) -> None:
    run = load_run(build_run(tmp_path / "run"))
    shown = run._repr_html_()
    assert "%" in shown
    assert "<script" not in shown


def test_a_run_without_a_winner_says_how_to_go_on(tmp_path: Path) -> None:
    path = build_run(tmp_path / "run")
    RunFolder(path).result_json.unlink()
    with pytest.raises(MnistTuneError, match="--resume"):
        _ = load_run(path).best


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a run's folder"):
        load_run(tmp_path)
