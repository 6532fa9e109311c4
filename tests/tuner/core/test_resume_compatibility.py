"""A run after a long absence: which versions' runs are gone on with, and what is said of the others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import mnist_tune
from mnist_tune import cli, load_run
from tests.kit.paths import TESTS
from tests.kit.strangers import built
from tuner.core.errors import JournalError, UsageError
from tuner.core.records import SCHEMA, TrialRecord
from tuner.core.resume_compatibility import RESUMED_MINORS, check_version
from tuner.options.resume import merge_for_resume, read_options
from tuner.options.search_options import SearchOptions
from tuner.run import launch
from tuner.run.observer import Observer
from tuner.storage.journal import read_state
from tuner.storage.run_folder import RunFolder

OLD = TESTS / "data" / "run-0.1.0"
"""As version 0.1.0 wrote it before it knew trainings and studies (run.json has no `kind`), interrupted after five trials of a worker that trains nothing."""


class Restored(Observer):
    """Keeps which trials came from the journal, and which were run."""

    def __init__(self) -> None:
        self.old: list[str] = []
        self.new: list[str] = []

    def trial_finished(self, record: TrialRecord, *, restored: bool) -> None:
        (self.old if restored else self.new).append(record.trial)


def test_a_run_of_version_0_1_0_is_gone_on_with(tmp_path: Path) -> None:
    run = RunFolder(shutil.copytree(OLD, tmp_path / "run"))
    before = read_state(run.journal).finished
    document = run.read_run_to_resume()
    assert "kind" not in json.loads(run.run_json.read_bytes())
    check_version(document.program.version, mnist_tune.__version__)
    watcher = Restored()
    options = merge_for_resume(read_options(document), {})
    assert isinstance(options, SearchOptions)
    assert launch.resume(options, run, watcher, worker_module="tests.kit.processes.fake_worker") is not None
    after = read_state(run.journal).finished
    assert watcher.old == list(before)
    assert watcher.new != []
    assert {name: after[name] for name in before} == before
    assert run.read_run().status == "completed"


def test_its_report_is_rendered(tmp_path: Path) -> None:
    run = shutil.copytree(OLD, tmp_path / "run")
    assert cli.main(["report", str(run)]) == 0
    assert "This run was interrupted." in (run / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("begun_by", "ours", "told"),
    [
        ("0.1.0", "0.1.0", None),
        ("0.1.7", "0.1.0", None),
        ("0.1.0", "0.1.9", None),
        ("0.1.0", "0.2.0", None),
        ("0.1.0.dev3", "0.1.0", None),
        ("not installed", "0.1.0", None),
        ("0.0.9", "0.2.0", r"pip install 'mnist-tune==0\.0\.\*'"),
        ("0.2.0", "0.1.0", "Upgrade: pip install"),
        ("1.0.0", "0.9.3", "Upgrade: pip install"),
        ("0.10.0", "0.9.3", "newer"),
        ("", "0.1.0", "names no version"),
        ("one", "0.1.0", "names no version"),
        ("0.1\n", "0.1.0", "names no version"),
        ("9" * 50 + ".1.0", "0.1.0", "names no version"),
    ],
)
def test_which_versions_are_gone_on_with(begun_by: str, ours: str, told: str | None) -> None:
    if told is None:
        return check_version(begun_by, ours)
    with pytest.raises(UsageError, match=told) as caught:
        check_version(begun_by, ours)
    assert "\n" not in " ".join(str(caught.value).split())


def test_this_version_goes_on_with_its_own_runs() -> None:
    assert tuple(map(int, mnist_tune.__version__.split(".")[:2])) in RESUMED_MINORS


def changed(tmp_path: Path, **changes: Any) -> Path:
    run = built(tmp_path / "run", status="interrupted")
    document = json.loads((run / "run.json").read_bytes())
    document["options"] = {"space": "dense", "data": "digits", "seed": 1, "test": True}
    (run / "run.json").write_text(json.dumps({**document, **changes}))
    return run


@pytest.mark.parametrize(
    ("changes", "told", "code"),
    [
        ({"program": {"version": "9.0.0"}}, "Upgrade", 2),
        ({"program": {"version": "0.0.1"}}, "mnist-tune==0.0.*", 2),
        ({"schema": 2}, "written by a newer version. Expected schema 1. Received: 2. Upgrade", 1),
        ({"schema": 0}, "written by another version. Expected schema 1. Received: 0", 1),
        ({"schema": None}, "Received: None", 1),
        ({"options": {"space": "dense", "bogus": 1}}, "options that this version doesn't have: bogus", 2),
        ({"options": {}}, "has no space", 2),
        ({"options": {"space": "dense", "algorithm": "gone"}}, "--algorithm", 2),
        ({"options": {"space": "dense", "max_epochs": "3"}}, "--max-epochs has a wrong type", 2),
        ({"kind": "train"}, "has no configuration, name", 2),
    ],
)
def test_what_can_t_be_gone_on_with_is_refused_with_the_reason(  # noqa: PLR0917 - fixtures
    changes: dict[str, Any],
    told: str,
    code: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(launch, "_go", lambda *_: pytest.fail("it was gone on with"))
    run = changed(tmp_path, **changes)
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    assert cli.main(["--out", str(run), "--resume"]) == code
    err = capsys.readouterr().err
    assert told in err
    assert err.count("\n") == 1
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before


def test_a_report_of_another_schema_is_refused(tmp_path: Path) -> None:
    assert SCHEMA == 1
    for name in ("run.json", "result.json"):
        run = built(tmp_path / name)
        (run / name).write_text(json.dumps({**json.loads((run / name).read_bytes()), "schema": 2}))
        with pytest.raises(JournalError, match=r"schema 1\. Received: 2"):
            load_run(run).report()
