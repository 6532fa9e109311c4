"""Training under a service's variables: where data come from, where files go, how options are written; nothing without them."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_tune import cli
from mnist_tune.cli import search, train
from mnist_tune.sagemaker.environment import SageMakerEnvironment, channel_data, read_environment
from mnist_tune.sagemaker.main import RECORDS
from mnist_tune.sagemaker.words import plain_words
from tests.kit.paths import ROOT
from tuner.core.errors import UsageError
from tuner.data.sources import find_data
from tuner.run import launch

VARIABLES = ("SM_MODEL_DIR", "SM_OUTPUT_DATA_DIR", "SM_CHANNEL_TRAINING", "SM_NUM_GPUS")
TINY = ["--space", "dense", "--algorithm", "random", "--max_trials", "1", "--max_epochs", "1", "--no_references", "True", "--no_test", "",
        "--confirm_top", "1", "--confirm_seeds", "1", "--workers", "1"]  # fmt: skip
"""As a service writes it."""


@pytest.fixture(autouse=True)
def outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable is set, and a run that names no folder goes to the test's."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def small_digits(path: Path) -> Path:
    """400 of scikit-learn's digits as an .npz file."""
    raw = find_data("digits").raw.arrays
    sizes = {"x_train": 300, "y_train": 300, "x_test": 100, "y_test": 100}
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **{name: raw[name][:n] for name, n in sizes.items()})  # type: ignore[index, arg-type]
    return path


def idx_folder(folder: Path) -> Path:
    """The same as IDX files."""
    raw = find_data("digits").raw.arrays
    folder.mkdir(parents=True, exist_ok=True)
    for key, name in (("x_train", "train-images-idx3-ubyte"), ("y_train", "train-labels-idx1-ubyte"),
                      ("x_test", "t10k-images-idx3-ubyte"), ("y_test", "t10k-labels-idx1-ubyte")):  # fmt: skip
        array = np.asarray(raw[key])[:300].astype(np.uint8)  # type: ignore[index]
        sizes = np.array(array.shape, ">u4").tobytes()
        with gzip.open(folder / f"{name}.gz", "wb") as file:
            file.write(bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes())
    return folder


@pytest.fixture
def managed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a container: channel, model, output. Trains nothing."""
    small_digits(tmp_path / "ml" / "training" / "mnist.npz")
    set_variables(monkeypatch, tmp_path / "ml")
    take_workers(monkeypatch, "tests.kit.processes.fake_worker")
    return tmp_path / "ml"


def take_workers(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    """Has runs take other workers, here in this process."""
    for begin in (launch.start, launch.resume):
        monkeypatch.setattr(begin, "__kwdefaults__", {**(begin.__kwdefaults__ or {}), "worker_module": module})


def set_variables(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    for name, value in variables(folder).items():
        monkeypatch.setenv(name, value)


def variables(folder: Path) -> dict[str, str]:
    places = (str(folder / "model"), str(folder / "output"), str(folder / "training"), "0")
    return dict(zip(VARIABLES, places, strict=True))


def document(path: Path) -> Any:
    return json.loads(path.read_text())


def listing(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# Options


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--max_epochs", "5"], ["--max-epochs", "5"]),
        (["--max_epochs=5"], ["--max-epochs", "5"]),
        (["--no-test", ""], ["--no-test"]),
        (["--no_test", "True"], ["--no-test"]),
        (["--no-test", "1", "--seed", "2"], ["--no-test", "--seed", "2"]),
        (["--no-test", "False"], []),
        (["--quiet=false", "--force"], ["--force"]),
        (["--no-test", "--seed", "2"], ["--no-test", "--seed", "2"]),
        (["--max-params", "", "--seed", "3"], ["--seed", "3"]),
        (["--seed", "-1"], ["--seed", "-1"]),
        (["--target", "99.4"], ["--target", "99.4"]),
        (["--target", ""], []),
        (["--data", "my_file.npz"], ["--data", "my_file.npz"]),
        (["--unknown_thing", "x"], ["--unknown-thing", "x"]),
        (["--model_dir", "s3://bucket/model", "--seed", "1"], ["--seed", "1"]),
        (["--seed"], ["--seed"]),
        ([], []),
    ],
)
def test_options_as_a_service_writes_them(words: list[str], expected: list[str]) -> None:
    assert plain_words(words, search.make_command_parser())[0] == expected


def test_a_word_behind_a_switch_that_is_no_yes_stays() -> None:
    assert plain_words(["--no-test", "dense128"], train.make_command_parser())[0] == ["--no-test", "dense128"]


def test_an_ignored_option_is_noted() -> None:
    assert plain_words(["--model_dir", "s3://b"], search.make_command_parser())[1] == ["--model_dir s3://b ignored"]


# Variables


def test_without_variables_there_are_no_read_environment() -> None:
    assert read_environment({}) is None
    assert read_environment({"SM_MODEL_DIR": "", "SM_HOSTS": "[]"}) is None


def test_each_variable_stands_for_itself(tmp_path: Path) -> None:
    assert read_environment({"SM_NUM_GPUS": "2"}) == SageMakerEnvironment(gpus=2)
    assert read_environment({"SM_MODEL_DIR": str(tmp_path)}) == SageMakerEnvironment(model=tmp_path)
    assert read_environment({"SM_CHANNEL_TRAINING": "in"}) == SageMakerEnvironment(channel=tmp_path / "in")


@pytest.mark.parametrize("value", ["many", "-1", "1.5", "²", "\x1b[31m"])
def test_a_number_of_gpus_that_is_none(value: str) -> None:
    with pytest.raises(UsageError, match="SM_NUM_GPUS") as caught:
        read_environment({"SM_NUM_GPUS": value})
    assert str(caught.value).isprintable()


# The channel


def test_one_archive_or_idx_files_are_the_data(tmp_path: Path) -> None:
    archive = small_digits(tmp_path / "a" / "mnist.npz")
    (tmp_path / "a" / "README.txt").touch()
    (tmp_path / "a" / ".other.npz").touch()
    (tmp_path / "a" / "folder.npz").mkdir()
    assert channel_data(tmp_path / "a") == archive
    assert channel_data(idx_folder(tmp_path / "b")) == tmp_path / "b"


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ([], "no files"),
        (["notes.txt"], "notes.txt"),
        (["a.npz", "b.npz"], "a.npz, b.npz"),
        (["a.npz", "train-images-idx3-ubyte"], "a.npz, train-images"),
        ([f"{k}.txt" for k in range(9)], "5.txt, …"),
        (["\x1b[31mred\n.txt", "<b>'.txt"], r"\\x1b\[31mred\\n.txt"),
        ([b"\xff.npz".decode("utf-8", "surrogateescape")], r"UTF-8.*\\udcff.npz"),
    ],
)
def test_a_channel_without_data_or_with_too_many_is_one_line(tmp_path: Path, names: list[str], told: str) -> None:
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(UsageError, match=told) as caught:
        channel_data(tmp_path)
    assert str(caught.value).isprintable()


def test_a_channel_that_isn_t_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        channel_data(tmp_path / "none")


# A run


def test_a_search_reads_and_writes_where_the_variables_say(managed: Path, capsys: Any) -> None:
    assert cli.main(TINY) == 0
    assert listing(managed / "model") == {"1", "best.keras"}
    assert listing(managed / "output") == set(RECORDS)
    run = document(managed / "output" / "run.json")
    assert run["status"] == "completed"
    assert run["options"]["data"] == str(managed / "training" / "mnist.npz")
    assert (run["data"]["name"], run["options"]["device"]) == ("mnist", "cpu")
    note, few_steps = run["notes"]
    assert "training images are few" in few_steps
    for variable in VARIABLES:
        assert variable in note
    assert "--max-epochs" in run["command"]
    assert run["command"][-4:] == ["--data", run["options"]["data"], "--device", "cpu"]
    out = capsys.readouterr().out
    assert "data" in out
    assert "SM_CHANNEL_TRAINING" in out.replace("\n", "")
    assert f"Wrote {managed / 'model' / '1'}" in out


def test_a_training_too(managed: Path) -> None:
    assert cli.main(["train", "dense128", "--epochs", "1", "--seeds", "1", "--workers", "1", "--no_test", ""]) == 0
    assert listing(managed / "model") == {"1", "best.keras"}
    assert document(managed / "output" / "run.json")["options"]["test"] is False


def test_a_given_option_beats_a_variable(managed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SM_NUM_GPUS", "8")
    assert cli.main([*TINY, "--data", "digits", "--device", "cpu", "--out", str(managed / "run")]) == 0
    run = document(managed / "run" / "run.json")
    assert (run["data"]["name"], run["options"]["device"]) == ("digits", "cpu")
    assert "SM_CHANNEL_TRAINING ignored in favour of --data" in run["notes"][0]
    assert "SM_NUM_GPUS ignored in favour of --device" in run["notes"][0]


def test_idx_files_in_a_channel_are_read(managed: Path) -> None:
    (managed / "training" / "mnist.npz").unlink()
    idx_folder(managed / "training")
    assert cli.main(TINY) == 0
    assert document(managed / "output" / "run.json")["data"]["test"] == 300


def test_a_given_gpu_that_isn_t_there_is_told(managed: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("SM_NUM_GPUS", "1")
    monkeypatch.setattr(launch, "count_gpus", lambda: 0)
    assert cli.main([*TINY, "--out", str(managed / "run")]) == 2
    assert "needs a GPU" in capsys.readouterr().err


def _file_in_the_way(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("a file")


@pytest.mark.parametrize("place", ["model", "output"])
def test_a_place_that_can_t_be_written_to_is_told_before_anything_is_trained(
    managed: Path, place: str, capsys: Any
) -> None:
    _file_in_the_way(managed / place)
    assert cli.main([*TINY, "--out", str(managed / "run")]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "expected a folder that can be written to" in err
    assert not (managed / "run").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_write_permission_is_told(managed: Path, capsys: Any) -> None:
    (managed / "model").mkdir(mode=0o500)
    assert cli.main([*TINY, "--out", str(managed / "run")]) == 2
    assert "SM_MODEL_DIR" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["model/1", "model/best.keras", "output/report.html"])
def test_what_is_there_is_written_over_only_with_force(managed: Path, name: str, capsys: Any) -> None:
    _file_in_the_way(managed / name)
    assert cli.main([*TINY, "--out", str(managed / "run")]) == 2
    assert "holds" in capsys.readouterr().err
    assert (managed / name).read_text() == "a file"


def test_force_writes_over_a_model(managed: Path) -> None:
    (managed / "model" / "1").mkdir(parents=True)
    (managed / "model" / "1" / "old").touch()
    assert cli.main([*TINY, "--force", "True"]) == 0
    assert not (managed / "model" / "1" / "old").exists()


def test_a_channel_without_data_is_one_line_and_nothing_is_made(managed: Path, capsys: Any) -> None:
    (managed / "training" / "mnist.npz").unlink()
    assert cli.main([*TINY, "--out", str(managed / "run")]) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err.count("\n")) == ("", 1)
    assert not (managed / "run").exists()


def test_no_words_are_a_mistake_where_a_service_runs_it(managed: Path, capsys: Any) -> None:
    assert cli.main([]) == 2
    assert "--space NAME" in capsys.readouterr().err


def test_a_run_that_fails_brings_its_records_and_no_model(managed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    take_workers(monkeypatch, "tests.no_such_worker")
    assert cli.main([*TINY, "--out", str(managed / "run")]) == 1
    assert listing(managed / "model") == set()
    assert {"run.json", "report.html"} <= listing(managed / "output")
    assert document(managed / "output" / "run.json")["status"] == "failed"


def test_a_folder_of_output_may_be_the_run_s_own(managed: Path) -> None:
    assert cli.main([*TINY, "--out", str(managed / "output")]) == 0
    assert {"evaluation.npz", *RECORDS} <= listing(managed / "output")
    assert listing(managed / "model") == {"1", "best.keras"}


# An interruption


def test_the_same_command_begins_and_goes_on_with_a_run(managed: Path) -> None:
    checkpoints = managed / "checkpoints"
    checkpoints.mkdir()
    words = [*TINY, "--out", str(checkpoints), "--resume", "True"]
    assert cli.main(words) == 0
    begun = document(checkpoints / "run.json")
    assert "so a new one starts" in begun["notes"][0]
    journal = (checkpoints / "trials.jsonl").read_bytes()
    (checkpoints / "trials.jsonl").write_bytes(b"".join(journal.splitlines(keepends=True)[:-1]))
    (checkpoints / "run.json").write_text(json.dumps({**begun, "status": "running"}))
    (checkpoints / ".work" / "data").mkdir(parents=True)
    (checkpoints / ".work" / "data" / "dataset.json").write_text("{}")
    assert cli.main(words) == 0
    again = document(managed / "output" / "run.json")
    assert (again["status"], again["times"]["started"]) == ("completed", begun["times"]["started"])
    assert cli.main(words) == 0


def test_what_a_run_left_that_was_killed_before_it_began_is_no_obstacle(managed: Path) -> None:
    (managed / "run" / ".work" / "data").mkdir(parents=True)
    assert cli.main([*TINY, "--out", str(managed / "run"), "--resume", ""]) == 0


def test_what_is_not_a_run_s_stays(managed: Path, capsys: Any) -> None:
    _file_in_the_way(managed / "run" / "mine.txt")
    assert cli.main([*TINY, "--out", str(managed / "run"), "--resume", ""]) == 2
    assert "taken" in capsys.readouterr().err
    assert (managed / "run" / "mine.txt").exists()


def test_going_on_needs_a_folder(managed: Path, capsys: Any) -> None:
    assert cli.main([*TINY, "--resume", "True"]) == 2
    assert "--resume needs" in capsys.readouterr().err


# Outside


def test_without_variables_options_keep_their_names(tmp_path: Path, capsys: Any) -> None:
    assert cli.main(["--space", "dense", "--max_epochs", "1"]) == 2
    assert "max_epochs" in capsys.readouterr().err
    assert cli.main(["--out", str(tmp_path / "none"), "--resume"]) == 2


def container(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command as a service runs it."""
    environment = {**os.environ, **variables(folder), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "mnist_tune", *words],
        capture_output=True, text=True, check=False, env=environment, cwd=folder,
    )  # fmt: skip


def test_the_command_as_a_service_runs_it_tells_a_mistake_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "training").mkdir()
    done = container(tmp_path, *TINY)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


SERVE = """
import sys, numpy as np, tensorflow as tf
loaded = tf.saved_model.load(sys.argv[1])
answer = loaded.serve(np.zeros((3, 28, 28), np.uint8)).numpy()
assert answer.shape == (3, 10) and np.allclose(answer.sum(axis=1), 1, atol=1e-5)
"""


@pytest.mark.slow
def test_the_command_as_a_service_runs_it_trains_and_leaves_a_model_that_serves(tmp_path: Path) -> None:
    small_digits(tmp_path / "training" / "mnist.npz")
    words = [word for word in TINY if word not in ("--no_test", "")]
    done = container(tmp_path, *words, "--model_dir", "s3://bucket/model", "--out", str(tmp_path / "checkpoints"))
    assert done.returncode == 0, done.stderr
    assert "SM_MODEL_DIR" in done.stdout
    assert listing(tmp_path / "output") == set(RECORDS)
    assert (tmp_path / "model" / "1" / "saved_model.pb").is_file()
    served = subprocess.run(
        [sys.executable, "-c", SERVE, str(tmp_path / "model" / "1")], capture_output=True, text=True, check=False
    )
    assert served.returncode == 0, served.stderr
    with np.load(tmp_path / "checkpoints" / "evaluation.npz") as arrays:
        assert len(arrays["custom/drawn/labels"]) == 500
