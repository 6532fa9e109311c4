"""Trainings and studies as whole runs, with a worker that trains nothing: files, resumption, determinism."""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

from search_spaces.families.registry import find_reference, load_family
from tests.kit.runs.runs import FAKE, studying, training
from tuner.core.errors import RunFailed, UsageError
from tuner.core.records import Json
from tuner.options.resume import merge_for_resume, read_options
from tuner.options.run_options import RunOptions
from tuner.run import launch
from tuner.run.observer import Observer
from tuner.spaces.named_configurations import named_configuration
from tuner.storage.journal import read_state
from tuner.storage.run_folder import RunFolder
from tuner.storage.schema.documents import as_json

Whole: TypeAlias = Callable[[str], tuple[Path, Json]]


def start(path: Path, options: RunOptions) -> Json:
    return as_json(launch.start(options, RunFolder(path), Observer(), command=["mnist-tune"], worker_module=FAKE))


KINDS: dict[str, RunOptions] = {"train": training(), "study": studying()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """Kind → the folder of an undisturbed run and its result; not to be changed."""

    @functools.cache
    def made(kind: str) -> tuple[Path, Json]:
        path = tmp_path_factory.mktemp(kind) / "run"
        return path, start(path, KINDS[kind])

    return made


def resume(path: Path) -> Json | None:
    options = read_options(RunFolder(path).read_run())
    result = launch.resume(options, RunFolder(path), Observer(), worker_module=FAKE)
    return None if result is None else as_json(result)


def forget_the_end(path: Path) -> None:
    """Makes a finished run one that lost its power before its last trial ended."""
    run = RunFolder(path).read_run()
    run.status = "interrupted"
    RunFolder(path).write_run(run)
    journal = path / "trials.jsonl"
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:-1]))
    for name in ("result.json", "evaluation.npz"):
        (path / name).unlink()


def test_a_training_leaves_what_a_search_does(tmp_path: Path) -> None:
    result = start(tmp_path / "run", training(seeds=4))
    run = RunFolder(tmp_path / "run").read_run()
    records = read_state(tmp_path / "run" / "trials.jsonl").finished.values()
    assert (run.kind, run.plan.trials, run.plan.epochs) == ("train", 4, 60)
    assert [(r.phase, r.repetition, r.bracket) for r in sorted(records, key=lambda r: r.trial)] == [
        ("train", n, None) for n in (1, 2, 3, 4)
    ]
    assert len({record.seed for record in records}) == 4
    assert result["validation"]["n"] == 4
    assert result["test"]["n"] == 100
    assert (tmp_path / "run" / "best.keras").is_file()
    (tried,) = (reference for reference in run.references if reference.included)
    assert (tried.name, tried.trial) == ("dense128", "0001")


def test_a_training_leaves_the_test_set_alone_where_it_is_told_to(tmp_path: Path) -> None:
    assert start(tmp_path / "run", training(test=False))["test"] is None


def test_a_network_over_the_space_s_cap_can_be_trained(tmp_path: Path) -> None:
    values = find_reference("c12-8172")[1].values
    options = training(space="compact8k", name="c12-8172", configuration=dict(values), seeds=1)
    assert start(tmp_path / "run", options)["parameters"] == 8172
    assert RunFolder(tmp_path / "run").read_run().space.max_params is None


def test_a_study_trains_every_arm_with_every_seed_and_never_meets_the_test_set(whole: Whole) -> None:
    path, result = whole("study")
    run = RunFolder(path).read_run()
    records = list(read_state(path / "trials.jsonl").finished.values())
    assert len(records) == 9
    assert {record.phase for record in records} == {"study"}
    assert result["test"] is None
    assert (result["kind"], [arm["n"] for arm in result["study"]["arms"]]) == ("study", [3, 3, 3])
    assert [c["label"] for c in result["study"]["comparisons"]] == ["0.1", "0.3"]
    assert result["study"]["conclusion"]
    means = [finalist["validation"]["mean"] for finalist in result["finalists"]]
    assert means == sorted(means, reverse=True)
    assert not (path / "best.keras").exists()
    assert run.study is not None
    assert run.study.base == "0.0"


def test_arms_are_compared_in_pairs_of_one_seed(whole: Whole) -> None:
    records = read_state(whole("study")[0] / "trials.jsonl").finished.values()
    seeds = {(record.repetition, record.seed) for record in records}
    assert len(seeds) == 3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("changes", [{"workers": 1}, {"workers": 4}])
def test_workers_change_nothing(tmp_path: Path, whole: Whole, kind: str, changes: dict[str, Any]) -> None:
    second = start(tmp_path / "other", merge_for_resume(KINDS[kind], changes))
    assert without_times(whole(kind)[1]) == without_times(second)


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_was_cut_short_ends_as_one_that_was_not(tmp_path: Path, whole: Whole, kind: str) -> None:
    path, undisturbed = whole(kind)
    shutil.copytree(path, tmp_path / "run")
    forget_the_end(tmp_path / "run")
    again = resume(tmp_path / "run")
    assert again is not None
    assert without_times(again) == without_times(undisturbed)


def without_times(result: Json) -> str:
    text = json.dumps(result, sort_keys=True)
    document = json.loads(text)
    for arm in document.get("study", {}).get("arms", ()):
        del arm["duration_mean_s"]
    return json.dumps(document, sort_keys=True)


def test_a_done_run_is_not_run_again(tmp_path: Path, whole: Whole) -> None:
    shutil.copytree(whole("study")[0], tmp_path / "run")
    assert resume(tmp_path / "run") is None


def test_a_training_of_which_no_seed_completes_fails(tmp_path: Path) -> None:
    configuration = {**training().configuration, "fail": "ValueError: no"}
    with pytest.raises(RunFailed, match="ValueError: no"):
        start(tmp_path / "run", training(configuration=configuration, seeds=2))


def test_a_study_s_diagnostics_are_kept_apart_from_its_models_arrays(tmp_path: Path) -> None:
    start(tmp_path / "run", studying(name="batch_size"))
    with np.load(tmp_path / "run" / "evaluation.npz") as arrays:
        assert "study/0001/step" in arrays.files
        assert "confirm/0001/validation_probabilities" in arrays.files
        assert not any(name.startswith("confirm/0001/study") for name in arrays.files)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "run"
    start(path, training(seeds=2, epochs=3))
    return path


def test_a_configuration_is_known_by_many_names(finished: Path, tmp_path: Path) -> None:
    reference = named_configuration("dense128")
    plain = tmp_path / "plain.json"
    plain.write_text(json.dumps({"units_1": 64}))
    named = tmp_path / "named.json"
    named.write_text(json.dumps({"space": "dense", "configuration": {"units_1": 64}}))
    assert named_configuration(str(finished)).configuration == reference.configuration
    assert named_configuration(f"{finished}:0002").epochs == 3
    assert named_configuration(f"{finished}:2").configuration == reference.configuration
    assert named_configuration(str(plain), "dense") == named_configuration(str(named))
    assert named_configuration(str(plain), "dense").configuration["units_1"] == 64
    assert load_family("dense").count_parameters(named_configuration(str(named)).configuration) < 101_770


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "no JSON"),
        ("[]", "object of names and values"),
        ('{"units_1": [1]}', "numbers, texts and booleans"),
        ('{"unit_1": 64}', "units_1"),
        ('{"units_1": 100000}', "units_1"),
        ('{"units_1": "many"}', "units_1"),
        ('{"space": "densse", "configuration": {}}', "dense"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused_in_one_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "given.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=words) as caught:
        named_configuration(str(path), "dense")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [("dense129", "Did you mean 'dense128'"), ("missing.json", "can't be read"), ("{run}:0099", "no such trial")],
)
def test_a_name_that_stands_for_nothing_is_refused_in_one_line(finished: Path, name: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        named_configuration(name.format(run=finished))


def test_a_file_without_a_space_needs_one(tmp_path: Path) -> None:
    path = tmp_path / "given.json"
    path.write_text("{}")
    with pytest.raises(UsageError, match="--space"):
        named_configuration(str(path))
