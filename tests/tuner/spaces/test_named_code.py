"""Models with code of a user's own: loaded where the user names the space, and nowhere else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.kit.paths import ROOT, TESTS
from tuner.core.errors import UsageError
from tuner.spaces.named_code import check_space_name, is_code, uses_named_code
from tuner.storage.run_folder import RunFolder


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("hm.py:X", "Expected hm:X, in the folder"),
        ("./hm.py:X", "Expected hm:X, in the folder"),
        ("spaces/hm.py:X", "Expected hm:X, in the folder"),
        ("spaces/hm:X", "Expected hm:X, in the folder"),
        ("hm.py:", "Expected hm:Class, in the folder"),
        ("hm.Channels", "Expected hm:Channels"),
        ("package.hm.Channels", "Expected package.hm:Channels"),
        ("hm.py", "Expected hm:Class"),
        ("a b:c", "is package.module:Class"),
        (":X", "is package.module:Class"),
        ("hm:", "is package.module:Class"),
        ("hm:X:Y", "is package.module:Class"),
    ],
)
def test_a_name_that_is_none_says_what_to_type(name: str, words: str) -> None:
    with pytest.raises(ValueError, match=r"own is") as caught:
        check_space_name(name)
    assert words in str(caught.value)
    assert repr(name) in str(caught.value)


@pytest.mark.parametrize("name", ["compact8k", "hm:X", "package.hm:Outer.Inner", "größe:Übung", "unknown"])
def test_a_name_that_may_be_one_is_let_through(name: str) -> None:
    check_space_name(name)
    assert is_code(name) == (":" in name)


def run_of(folder: Path, portable: bool | None, name: str = "hm:X") -> RunFolder:
    form = {"shape": [28, 28], "dtype": "uint8"}
    model = {"network": form, "fit": form, "scale": 1.0, "offset": 0.0, "output": "probabilities", "curves": "none"}
    space = (
        {"name": name}
        if portable is None
        else {"name": name, "model": {**model, "portable": portable, "savedmodel": True}}
    )
    (folder / "run.json").write_text(json.dumps({"schema": 1, "space": space}))
    return RunFolder(folder)


def test_code_is_named_by_its_user_or_not_run(tmp_path: Path) -> None:
    assert uses_named_code(run_of(tmp_path, True), None) is False
    assert uses_named_code(run_of(tmp_path, True), "hm:X") is True
    assert uses_named_code(run_of(tmp_path, False), "hm:X") is True
    with pytest.raises(UsageError, match=r"Expected --space hm:X, if you trust that module\. Without it: .*best"):
        uses_named_code(run_of(tmp_path, False), None)
    with pytest.raises(UsageError, match=r"Expected hm:X\. Received: hm:Y"):
        uses_named_code(run_of(tmp_path, False), "hm:Y")
    assert uses_named_code(run_of(tmp_path, None, "compact8k"), None) is False
    assert uses_named_code(run_of(tmp_path, None, "compact8k"), "compact8k") is False


# A real run of a layer that nobody registered


def call(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-m", "mnist_tune", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own-layer")
    (path / "hypermodels.py").write_text((TESTS / "kit" / "hypermodels" / "hypermodels.py").read_text(encoding="utf-8"))
    words = ["--space", "hypermodels:OwnLayer", "--data", "digits", "--algorithm", "random", "--max-trials", "3"]
    words += [
        "--max-epochs",
        "1",
        "--confirm-top",
        "1",
        "--confirm-seeds",
        "1",
        "--workers",
        "1",
        "--out",
        "run",
        "--quiet",
    ]
    done = call(path, *words)
    assert done.returncode == 0, done.stderr[-2000:]
    image = Image.new("L", (120, 120), 255)
    ImageDraw.Draw(image).line([(60, 20), (60, 100)], fill=0, width=10)
    image.save(path / "one.png")
    return path


@pytest.mark.slow
def test_a_layer_of_one_s_own_goes_from_the_search_to_every_format(folder: Path) -> None:
    run = json.loads((folder / "run" / "run.json").read_bytes())
    assert [own["name"] for own in run["space"]["hyperparameters"]] == ["units"]
    assert run["space"]["model"]["portable"] is False
    # Two configurations, three trials asked for.
    assert run["plan"]["exhausted"] is True
    assert any("ended after 2 of 3 planned trials" in note for note in run["notes"])

    refused = call(folder, "predict", "run", "one.png")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "Expected --space hypermodels:OwnLayer" in refused.stderr
    named = call(folder, "predict", "run", "one.png", "--space", "hypermodels:OwnLayer", "--json")
    saved = call(folder, "predict", "run/best", "one.png", "--json")
    assert (named.returncode, saved.returncode) == (0, 0), named.stderr + saved.stderr
    first, second = (list(json.loads(done.stdout)[0]["probabilities"].values()) for done in (named, saved))
    assert first == pytest.approx(second, abs=1e-4)

    formats = ["savedmodel", "keras", "onnx", "litert"]
    exported = call(folder, "export", "run", "--format", ",".join(formats), "--space", "hypermodels:OwnLayer")
    assert exported.returncode == 0, exported.stderr[-2000:]
    assert set(json.loads((folder / "run" / "export" / "export.json").read_bytes())["formats"]) == set(formats)


@pytest.mark.slow
def test_a_run_of_one_s_own_layer_is_verified_and_made_again_where_files_are_lost(folder: Path) -> None:
    verified = call(folder, "verify", "run", "--space", "hypermodels:OwnLayer")
    assert (verified.returncode, " failed " in verified.stdout.split("\n", 1)[1].rsplit("\n", 2)[0]) == (0, False), (
        verified.stdout
    )
    shutil.copytree(folder / "run", folder / "lost")
    for name in ("best.keras", "result.json"):
        (folder / "lost" / name).unlink()
    resumed = call(folder, "--out", "lost", "--resume", "--space", "hypermodels:OwnLayer", "--quiet")
    assert resumed.returncode == 0, resumed.stderr[-2000:]
    first, again = (json.loads((folder / name / "result.json").read_bytes()) for name in ("run", "lost"))
    assert {key for key in first if first[key] != again[key]} <= {"files", "model"}
    assert (folder / "lost" / "best.keras").is_file()


@pytest.mark.slow
def test_it_is_loaded_from_python_where_its_space_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mnist_tune import load_run

    monkeypatch.syspath_prepend(str(folder))
    run = load_run(folder / "run")
    with pytest.raises(UsageError, match="run only where you name it"):
        run.model()
    model = run.model(space="hypermodels:OwnLayer")
    assert model.predict(np.zeros((2, 28, 28), np.uint8), verbose=0).shape == (2, 10)
