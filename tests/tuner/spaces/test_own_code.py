"""Somebody's own HyperModel that does what none should: each ends as one line, in time, and harms nothing but itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.kit.data_files import build_arrays, write_npz
from tests.kit.paths import ROOT
from tuner.core.errors import MnistTuneError
from tuner.processes.tasks import SpaceRef
from tuner.spaces import probe_client as probe_process
from tuner.spaces.user_space import UserSpace
from tuner.storage.journal import read_state

pytestmark = pytest.mark.slow

SOUND = """
import os, sys, time
import keras, keras_tuner
{at_import}

class Space(keras_tuner.HyperModel):
    {body}

    def build(self, hp):
        {in_build}
        image = keras.Input((28, 28), dtype="uint8")
        x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(image))
        x = keras.layers.Dense(hp.Int("units", 2, {units}), activation="relu")(x)
        model = keras.Model(image, keras.layers.Dense(3, activation="softmax")(x))
        model.compile("adam", loss={loss}, metrics=["accuracy"])
        return model

    def fit(self, hp, model, *args, **kwargs):
        {in_fit}
        return model.fit(*args, **kwargs)
"""
DEFAULTS = {
    "at_import": "", "body": "pass", "in_build": "pass", "in_fit": "pass", "units": "4", "loss": '"sparse_categorical_crossentropy"',
}  # fmt: skip
PROBED = {
    "import raises": ({"at_import": "raise RuntimeError('no\\n\\x1b[31mgood')"}, "no"),
    "import exits": ({"at_import": "sys.exit(0)"}, "SystemExit"),
    "import dies": ({"at_import": "os._exit(0)"}, "can't be used"),
    "import is no Python": ({"at_import": "def"}, "SyntaxError"),
    "import never ends": ({"at_import": "time.sleep(600)"}, "did not build and train a model on a few images within"),
    "build exits": ({"in_build": "sys.exit('bye')"}, "SystemExit: bye"),
    "build never ends": ({"in_build": "while True: pass"}, "did not build and train a model on a few images within"),
    "build returns text": ({"in_build": "return 'a model'"}, "must return a keras.Model. Received: str"),
    "fit raises": ({"in_fit": "raise RuntimeError('not today')"}, "not today"),
    "fit exits": ({"in_fit": "sys.exit(3)"}, "SystemExit: 3"),
    "fit never ends": ({"in_fit": "time.sleep(600)"}, "did not build and train a model on a few images within"),
    "fit dies": ({"in_fit": "os._exit(7)"}, "its process ended without a message"),
    "fit trains another model": ({"in_fit": "return"}, "no weight changed"),
    "a cap that is none": ({"body": "max_params = 'lots'"}, "max_params must be a whole number"),
    "larger than its cap": ({"body": "max_params = 5"}, "the smallest of them has"),
    "prints a lot, then dies": (
        {"in_build": "sys.stdout.write('x' * 20_000_000 + '\\nlast words\\n'); os._exit(1)"},
        "last words",
    ),
}


def write(folder: Path, **changes: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "strange_space.py").write_text(SOUND.format(**{**DEFAULTS, **changes}))
    return folder


@pytest.mark.parametrize("kind", PROBED)
def test_what_is_seen_before_a_run_begins(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    changes, words = PROBED[kind]
    monkeypatch.syspath_prepend(str(write(tmp_path / "space", **changes)))
    if "never" in kind:
        monkeypatch.setattr(probe_process, "ANSWER_S", 15.0)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with pytest.raises(MnistTuneError, match=words) as caught:
        UserSpace(SpaceRef(name="strange_space:Space", max_params=None, max_macs=None, classes=3)).sample(
            np.random.default_rng(1)
        )
    assert len(str(caught.value)) < 1000
    assert list(temporary.iterdir()) == []


LATER = "len(args[0]) > 150 and "
"""What the rehearsal, on fewer images, doesn't see."""
RUN = {
    "fit exits": ({"in_fit": f"{LATER}sys.exit(3)"}, 1, "SystemExit: 3"),
    "fit never ends": ({"in_fit": f"{LATER}time.sleep(600)"}, 1, "took longer than 5 s"),
    "fit dies": ({"in_fit": f"{LATER}os._exit(7)"}, 1, "exit code 7"),
    "the loss is no number": ({"loss": "lambda y, p: keras.ops.sum(p) * float('nan')"}, 1, "the loss was no number"),
    "prints a lot": ({"in_fit": "print('x' * 5_000_000)"}, 0, ""),
}


@pytest.mark.parametrize("kind", RUN)
def test_what_is_seen_while_a_run_goes_on(kind: str, tmp_path: Path) -> None:
    changes, code, words = RUN[kind]
    here = write(tmp_path / "space", **changes)
    data = write_npz(tmp_path / "data.npz", build_arrays(train=300, test=30))
    command = [
        sys.executable,
        "-m",
        "mnist_tune",
        "--space",
        "strange_space:Space",
        "--data",
        str(data),
        "--algorithm",
        "random",
    ]
    command += [
        "--max-trials",
        "3",
        "--max-epochs",
        "1",
        "--workers",
        "1",
        "--trial-timeout",
        "5s",
        "--confirm-top",
        "1",
        "--confirm-seeds",
        "1",
    ]
    command += ["--out", "run", "--quiet"]
    began = time.monotonic()
    done = subprocess.run(
        command,
        cwd=here,
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == code, done.stderr[-2000:]
    assert time.monotonic() - began < 300
    assert done.stderr.count("\n") == code, done.stderr[-2000:]
    assert words in done.stderr
    status = json.loads((here / "run" / "run.json").read_bytes())["status"]
    assert status == ("failed" if code else "completed")
    assert (here / "run" / "report.html").is_file()
    failed = [record for record in read_state(here / "run" / "trials.jsonl").finished.values() if not record.completed]
    assert (len(failed) > 0) is bool(code)
