"""HyperModels as people write them: each trains, is confirmed, exported and evaluated, or is refused before the first trial."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.kit.paths import TESTS
from tuner.core.records import TRAINING_METRICS, Json
from tuner.data.dataset import Dataset, load_dataset
from tuner.export.formats import FORMATS
from tuner.export.run_export import export_winner
from tuner.processes.tasks import EvaluateTask, ExportTask, SpaceRef, TrainTask
from tuner.rehearsal.probe import Answers, serve
from tuner.spaces.rehearsal_images import images_text, rehearsal_images
from tuner.storage.npz_io import read_npz
from tuner.storage.schema.documents import validate
from tuner.storage.schema.model_interface import ModelInterface
from tuner.training.evaluation import evaluate
from tuner.training.trial import run_trial
from tuner.workers.dask.files import keep, taken

# Of Keras 3.15 with NumPy 2: copying a variable out. The others are of what users' code does.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@dataclass(frozen=True)
class Case:
    """What is to come of a HyperModel that runs."""

    names: tuple[str, ...]
    """Of its hyperparameters, in order."""
    shape: tuple[int, ...] = (28, 28)
    """Of an image as its network takes it."""
    output: str = "probabilities"
    curves: str = "callbacks"
    portable: bool = True
    scale: float = 1.0
    note: str = ""
    """Words that are said."""
    max_params: int | None = None


CHANNEL, FLAT, COLOUR = (28, 28, 1), (784,), (28, 28, 3)
PIXELS = "pixels from 0 to 255, which no layer scales"
ODD = (
    "dense/größe <b>", "Activation Function", "head/rate", "note", "learning_rate", "schedule", "momentum", "nesterov", "decay",
)  # fmt: skip
MIXED = ("model_type", "mlp_layers", "units_0", "dropout", "cnn_layers", "filters_0", "units_1", "units_2", "filters_1", "filters_2")  # fmt: skip
RUNS = {
    "hypermodels:Getting": Case(("num_layers", "units_0", "activation", "dropout", "lr", "units_1", "units_2"), note=PIXELS),
    "hypermodels:GettingInput": Case(("num_layers", "units_0", "units_1", "units_2"), note=PIXELS),
    "hypermodels:Channels": Case(("filters",), CHANNEL),
    "hypermodels:OneHot": Case(("units", "optimizer")),
    "hypermodels:Subclassed": Case(("units",), portable=False, note="needs get_config", max_params=60_000),
    "hypermodels:Logits": Case(("units",), output="logits", note="a softmax makes probabilities"),
    "hypermodels:TfData": Case(("batch", "filters"), CHANNEL, scale=1 / 255, note="the exported model does the same"),
    "hypermodels:Augmented": Case(("rotation",)),
    "hypermodels:Mixed": Case(("policy",)),
    "hypermodels:OwnLayer": Case(("units",), portable=False, note="code of its own (Scale)"),
    "hypermodels:OwnRegisteredLayer": Case(("units",), portable=False, note="code of its own (RegisteredScale)"),
    "hypermodels:OwnCallbacks": Case(("filters",), CHANNEL, curves="returned", note="Pass `callbacks`"),
    "hypermodels:build_model": Case(("filters",), CHANNEL),
    "hypermodels:NoAccuracy": Case(("u",), note="it is measured after each epoch"),
    "hypermodels:OddNames": Case(ODD),
    "hypermodels:Usual": Case(("batch_size", "units", "activation", "dropout", "optimizer", "learning_rate")),
    "hypermodels:Wide": Case(tuple(f"c{i}" for i in range(6)), note=PIXELS),
    "hypermodels:Small": Case(("units", "lr")),
    "tutorial_hypermodels:model_builder": Case(("units", "learning_rate"), output="logits", note=PIXELS),
    "tutorial_hypermodels:mlp_or_cnn": Case(MIXED, CHANNEL),
    "tutorial_hypermodels:ShuffleInFit": Case(("units", "shuffle", "batch_size")),
    "tutorial_hypermodels:NormaliseInFit": Case(("units", "normalize")),
    "tutorial_hypermodels:ReturnsDictionary": Case(("units",), note="it is measured after each epoch"),
    "tutorial_hypermodels:ReturnsNumber": Case(("units",), curves="none", note="there are no learning curves"),
    "tutorial_hypermodels:OwnLoop": Case(("units", "batch_size", "learning_rate"), CHANNEL, output="logits"),
    "tutorial_hypermodels:OwnTrainStep": Case(("units",), portable=False, note="code of its own (Net)"),
    "tutorial_hypermodels:RowsByLstm": Case(("units", "bidirectional")),
    "tutorial_hypermodels:RowsByAttention": Case(("blocks", "heads")),
    "tutorial_hypermodels:Colour": Case(("filters",), COLOUR),
    "tutorial_hypermodels:FlatInput": Case(("units", "dropout"), FLAT),
    "tutorial_hypermodels:MoreCallbacks": Case(("units", "dropout"), FLAT),
    "tutorial_hypermodels:Sigmoids": Case(("units",), output="scores", note="each row is divided by its sum"),
    "tutorial_hypermodels:ByLambda": Case(("units",), portable=False, note="code of its own (Lambda)"),
}  # fmt: skip
REFUSED = {
    "hypermodels:OneHotForgotten": "Expected sparse_categorical_crossentropy, or a `fit` that makes rows of the labels",
    "hypermodels:NoneChoice": "`build` failed. TypeError: A `Choice` can contain only one type of value",
    "hypermodels:Required": "`build` must return a keras.Model. Received: NoneType",
    "hypermodels:TwoOutputs": "The model has 2 outputs (digit, image). Expected one",
    "tutorial_hypermodels:TwelveOutputs": "The model gives 12 numbers an image. Expected 10",
    "hypermodels:Missing": "hypermodels has no Missing. Expected a HyperModel or a function",
    "hypermodels:np.ndarray": "is neither a keras_tuner.HyperModel nor a function build_model(hp). Received: ndarray",
}
QUICK = ("hypermodels:GettingInput", "hypermodels:TfData")


@pytest.fixture(scope="module", name="data")
def _data() -> Dataset:
    return few_digits()


@cache
def few_digits() -> Dataset:
    digits = load_dataset("digits", validation=0.1, seed=1, train_samples=200)
    return replace(digits, x_test=digits.x_test[:60], y_test=digits.y_test[:60])


@pytest.fixture(scope="module", autouse=True)
def _found() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(TESTS / "kit" / "hypermodels"))
        yield
    keras.backend.clear_session()


@pytest.fixture(scope="module")
def getting_input() -> tuple[Answers, SpaceRef]:
    """The answers of a space, and its reference with its interface."""
    answers, answer = described("hypermodels:GettingInput")
    return answers, replace(answers._ref, interface=validate(answer["answer"]["model"], ModelInterface))


def answered(answers: Answers, request: Json) -> Json:
    """The answer as it would come by a pipe."""
    sent: list[Json] = []
    serve(answers, request, lambda document: sent.append(json.loads(json.dumps(document))))
    return sent[-1]


@cache
def described(name: str, max_params: int | None = None) -> tuple[Answers, Json]:
    answers = Answers(SpaceRef(name=name, max_params=max_params, max_macs=None, classes=10))
    request: Json = {"do": "describe", "images": images_text(rehearsal_images(few_digits()))}
    answer: Json = answered(answers, request)
    return answers, answer


def names_of(answer: Json) -> tuple[str, ...]:
    return tuple(own["config"]["name"] for own in answer["hyperparameters"]["space"])


@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in RUNS])
def test_what_trains_in_keras_tuner_runs_from_the_rehearsal_to_the_export(
    name: str, data: Dataset, tmp_path: Path
) -> None:
    case = RUNS[name]
    answers, answer = described(name, case.max_params)
    assert "answer" in answer, answer
    found = answer["answer"]
    # Each hyperparameter once, in the order in which it came up.
    assert names_of(found) == case.names
    interface = validate(found["model"], ModelInterface)
    assert (interface.network.shape, interface.output, interface.curves) == (case.shape, case.output, case.curves)
    assert (interface.portable, interface.savedmodel) == (case.portable, True)
    assert interface.scale == pytest.approx(case.scale)
    assert case.note in " ".join(found["notes"])
    cap = found["max_params"] if case.max_params is None else case.max_params
    configuration = answers.sample([3], cap, None)["configuration"]
    whole_run(replace(answers._ref, interface=interface), configuration, data, tmp_path)


def whole_run(space: SpaceRef, configuration: Json, data: Dataset, folder: Path) -> None:
    """What a run does after its search: a training, the test set, the exports."""
    assert space.interface is not None
    path = folder / "0001"
    task = TrainTask(
        id="a", space=space, configuration=configuration, epochs=2, seed=1, keep=str(path), stop_early=False
    )
    epochs: list[int] = []
    body = run_trial(task, data, lambda epoch, metrics: epochs.append(epoch))
    assert 0 <= body["val_accuracy"] <= 1
    assert np.isfinite(body["val_loss"])
    assert body["undeclared"] == []
    assert epochs == ([1, 2] if space.interface.curves == "callbacks" else [])
    assert len(body["history"]["val_accuracy"]) == (0 if space.interface.curves == "none" else body["epochs_run"])
    arrays = read_npz(path.with_suffix(".npz"))
    share = (arrays["validation_probabilities"].argmax(axis=1) == data.y_validation).mean()
    assert body["val_accuracy"] == pytest.approx(share)
    assert arrays["validation_probabilities"].sum(axis=1) == pytest.approx(1, abs=1e-2)
    kept = str(path.with_suffix(".weights.h5"))
    evaluated = evaluate(
        EvaluateTask(
            id="e", space=space, configuration=configuration, models=(kept,), exported=0,
            arrays=str(folder / "winner.npz"), test=True, seed=1,
        ),
        data,
    )  # fmt: skip
    assert evaluated["faults"] == []
    assert all(note.startswith("The page lacks the network to try: ") for note in evaluated["notes"])
    assert 0 <= evaluated["test"]["accuracy"] <= 1
    export = ExportTask(
        id="x", space=space, configuration=configuration, model=kept,
        keras_file=str(folder / "best.keras"), folder=str(folder / "best"),
    )  # fmt: skip
    written = export_winner(export, data)
    assert written["savedmodel"]
    assert written["difference"] < 1e-4
    assert written["keras"] == (folder / "best.keras").exists()
    assert written["keras"] or (folder / "best.weights.h5").exists()
    classify = FORMATS["savedmodel"].load().open(folder / "best").classify
    images = np.asarray(data.x_test[:50])
    first, again = classify(images), classify(images)
    assert (first == again).all()
    tested = read_npz(folder / "winner.npz")["test/probabilities"][:50]
    assert np.abs(first - tested).max() < 1e-4


@pytest.mark.parametrize("name", REFUSED)
def test_what_can_t_be_searched_is_refused_before_the_first_trial(name: str) -> None:
    _, answer = described(name)
    assert REFUSED[name] in answer.get("error", "")
    assert len(answer["error"]) < 450
    assert not {"\n", "\x1b"} & set(answer["error"])


def test_a_cap_of_the_class_that_nothing_keeps_is_told() -> None:
    answers, answer = described("hypermodels:Subclassed")
    assert answer["answer"]["max_params"] == 3000
    refused = answered(answers, {"do": "sample", "seed": [1], "max_params": 3000, "max_macs": None})
    assert "the smallest of them has 12,730 parameters" in refused["error"]


def test_what_a_network_doesn_t_ask_for_is_no_part_of_its_configuration(
    getting_input: tuple[Answers, SpaceRef],
) -> None:
    answers, _ = getting_input
    layers = {1: ("num_layers", "units_0"), 3: ("num_layers", "units_0", "units_1", "units_2")}
    for count, names in layers.items():
        weighed = answers.weigh({"num_layers": count, "units_0": 16, "units_1": 24, "units_2": 8})
        assert tuple(weighed["configuration"]) == names
    # Two that differ in what is not asked for are one configuration.
    same = [answers.weigh({"num_layers": 1, "units_0": 16, "units_1": units})["configuration"] for units in (8, 64)]
    assert same[0] == same[1]


def test_a_refit_trains_without_validation_and_ends_when_it_is_told(
    getting_input: tuple[Answers, SpaceRef], data: Dataset, tmp_path: Path
) -> None:
    answers, space = getting_input
    task = TrainTask(
        id="a",
        space=space,
        configuration=answers.weigh({})["configuration"],
        epochs=3,
        seed=1,
        keep=str(tmp_path / "1"),
    )
    body = run_trial(replace(task, refit=True, stop_after=2), data, lambda epoch, metrics: None)
    assert (body["val_accuracy"], body["val_loss"], body["epochs_run"]) == (None, None, 2)
    assert set(body["history"]) == set(TRAINING_METRICS)
    assert (tmp_path / "1.weights.h5").exists()


def test_an_early_trial_of_a_part_of_the_images_and_the_same_seed_give_the_same(
    getting_input: tuple[Answers, SpaceRef], data: Dataset
) -> None:
    answers, space = getting_input
    task = TrainTask(id="a", space=space, configuration=answers.weigh({})["configuration"], epochs=0.5, seed=1)
    first, again = (run_trial(task, data, lambda epoch, metrics: None) for _ in range(2))
    assert first["epochs_run"] == 1
    assert first["history"]["loss"] == again["history"]["loss"]
    assert (first["val_accuracy"], first["val_loss"]) == (again["val_accuracy"], again["val_loss"])


@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
def test_what_a_training_left_travels_from_a_cluster_s_worker(suffix: str, tmp_path: Path) -> None:
    there, here = tmp_path / "there" / "0001", tmp_path / "here" / "0001"
    there.parent.mkdir()
    there.with_suffix(".npz").write_bytes(b"arrays")
    there.with_suffix(suffix).write_bytes(b"model")
    files = taken(there)
    assert list(there.parent.iterdir()) == []
    keep(files, here)
    assert {path.name: path.read_bytes() for path in here.parent.iterdir()} == {
        "0001.npz": b"arrays", f"0001{suffix}": b"model",
    }  # fmt: skip
