"""`mnist-tune verify` of a run that was really trained: models, retraining, and all ways of tampering with it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from inference.models import find_model
from tests.kit.runs.verified_runs import of_version_0_1_0
from tests.kit.tampering import CAREFUL, CARELESS, Tampering, Victim, better_test_probabilities, flip_byte
from tuner.core.records import Json
from tuner.export import saved_model
from tuner.storage.run_folder import RunFolder
from tuner.verification import retraining
from tuner.verification.check import Check
from tuner.verification.evidence import Request
from tuner.verification.verify import CHECKS, verify

pytestmark = [
    pytest.mark.slow,
    # Keras saves its variables so.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]

SEARCH = (
    "--space", "compact2k", "--data", "digits", "--algorithm", "random", "--max-trials", "3", "--max-epochs", "2", "--confirm-top", "2",
    "--confirm-seeds", "1", "--quiet",
)  # fmt: skip


def mnist_tune(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "mnist_tune", *words], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("real") / "run"
    done = mnist_tune(*SEARCH, "--out", str(path))
    assert done.returncode == 0, done.stderr
    return path


def checked(run: Path, **request: Any) -> Mapping[str, Check]:
    checks = verify(RunFolder(run), Request(**{"inspect_model": find_model, **request}))
    return {check.name: check for check in checks}


def failures(checks: Mapping[str, Check]) -> set[str]:
    return {name for name, check in checks.items() if check.failed}


def test_a_good_run_passes_every_check_and_its_trials_train_to_the_same_bits(real: Path) -> None:
    done = mnist_tune("verify", str(real), "--retrain", "5", "--run-savedmodel", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert {name: check["detail"] for name, check in checks.items() if check["status"] != "passed"} == {
        "promotions": "only Hyperband promotes"
    }
    retrained = [check for name, check in checks.items() if name.endswith("trained again")]
    assert len(retrained) == 5
    assert {check["detail"] for check in retrained} == {"2 epochs, every loss and accuracy bit for bit the same"}


def test_of_version_0_1_0_it_passes_too(real: Path, tmp_path: Path) -> None:
    checks = checked(of_version_0_1_0(shutil.copytree(real, tmp_path / "run")))
    assert failures(checks) == set()
    assert checks["journal chain"].detail.startswith("not chained")


def test_a_savedmodel_is_not_run_unless_its_user_says_so(real: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_model.SavedModel, "open", lambda self, path: pytest.fail("it was run"))
    checks = checked(real)
    assert checks["SavedModel"].status == "passed"
    assert "not run: it is a program" in checks["SavedModel"].detail


def other_weights(victim: Victim) -> None:
    """Changes the first kernel of best.keras."""
    import keras

    path = victim.path / "best.keras"
    model = keras.models.load_model(path, compile=False)
    kernel = model.trainable_weights[0]
    kernel.assign(kernel + 0.5)
    model.save(path)


def other_savedmodel_weights(victim: Victim) -> None:
    """Exports another model as the SavedModel."""
    import keras

    model = keras.models.load_model(victim.path / "best.keras", compile=False)
    kernel = model.trainable_weights[-1]
    kernel.assign(kernel + 1e-3)
    shutil.rmtree(victim.path / "best")
    saved_model.SAVED_MODEL.write(model, victim.path / "best", None)  # type: ignore[arg-type]


def larger_model(victim: Victim) -> None:
    """Puts a model of other parameters in the place of best.keras."""
    import keras

    layers = [keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax")]
    keras.Sequential(layers).save(victim.path / "best.keras")


MODELS = (
    Tampering("another kernel in best.keras", "Keras model", other_weights),
    Tampering("another model as best.keras", "Keras model", larger_model),
    Tampering("test probabilities that the model doesn't give", "Keras model", better_test_probabilities),
    Tampering("best.keras damaged", "Keras model", lambda v: flip_byte(v.path / "best.keras")),
    Tampering("another kernel in the SavedModel", "SavedModel", other_savedmodel_weights),
    Tampering("the SavedModel damaged", "SavedModel", lambda v: flip_byte(v.path / "best" / "variables" / "variables.data-00000-of-00001")),
)  # fmt: skip


@pytest.mark.parametrize("tampering", MODELS, ids=lambda tampering: tampering.name)
def test_tampering_with_a_model_is_seen_by_its_check(tampering: Tampering, real: Path, tmp_path: Path) -> None:
    """The other ways need no model: `test_verify.py`."""
    run = tampering.apply(real, tmp_path / "run")
    assert tampering.check in failures(checked(run))


def a_bit_of_the_loss(event: Json) -> None:
    """Changes the last digit of a trial's loss, wherever it is told."""
    if event["event"] == "finished":
        event["val_loss"] = event["history"]["val_loss"][-1] = event["val_loss"] + 1e-9


def test_retraining_sees_the_last_digit_of_a_loss(real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No other check can: whole and careful, it would be another true run."""
    way = Tampering("a digit of a loss", "", lambda v: v.edit_trial(v.worst, a_bit_of_the_loss))
    run = way.apply(real, tmp_path / "run")
    checks = checked(run, retrain=5)
    (wrong,) = failures(checks)
    assert wrong == f"trial {Victim(run).worst} trained again"
    assert "machine and versions are those of the run" in checks[wrong].detail
    monkeypatch.setattr(retraining, "differences", lambda document: ["processor of the machine"])
    checks = checked(run, retrain=5)
    assert failures(checks) == set()
    assert "not the run's: processor of the machine; 0.0000 apart" in checks[wrong].detail


def test_every_check_is_failed_by_some_tampering() -> None:
    assert {way.check for way in (*CARELESS, *CAREFUL, *MODELS)} == set(CHECKS) - {"promotions"}
