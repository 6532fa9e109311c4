"""`train` with a network in the notation: what it is taken for, its recipe, and networks that are refused before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from mnist_tune.api.given_options import default_folder, make_train_options
from search_spaces.families.registry import load_family
from search_spaces.networks.notation import is_notation
from tests.kit.runs.runs import FAKE, training
from tuner.core.errors import UsageError
from tuner.run import launch
from tuner.run.observer import Observer
from tuner.spaces.named_configurations import NETWORK_SPACES, named_configuration
from tuner.storage.run_folder import RunFolder

NETWORK = "C8s S16 P GAP 1x1:10"


@pytest.mark.parametrize("text", [NETWORK, "D10", "C8 Q GAP", "a C8", " C8  GAP 1x1:10 "])
def test_a_text_with_a_layer_is_meant_as_a_network(text: str) -> None:
    assert is_notation(text)


@pytest.mark.parametrize("text", ["", "dense128", "head-7752", "my run:0001", "runs/first", "c8", "C", "C0", "8"])
def test_a_text_without_a_layer_is_not(text: str) -> None:
    assert not is_notation(text)


def test_a_network_is_trained_by_the_defaults_of_its_space() -> None:
    named = named_configuration(NETWORK)
    defaults = load_family("compact8k").default_configuration()
    assert named.space == "compact8k"
    assert named.epochs is None
    assert named.configuration["network"] == NETWORK
    recipe = {name: value for name, value in named.configuration.items() if name != "network"}
    assert recipe == {name: defaults[name] for name in recipe}
    assert {"optimizer", "learning_rate_momentum", "schedule", "batch_size", "augmentation"} <= set(recipe)


@pytest.mark.parametrize("space", NETWORK_SPACES)
def test_every_compact_space_takes_a_network(space: str) -> None:
    named = named_configuration(NETWORK, space)
    assert named.space == space
    # 3·3·8 and BatchNorm, 3·3·8 + 8·16 and BatchNorm, 16·10.
    assert load_family(space).count_parameters(named.configuration) == 72 + 16 + 72 + 128 + 32 + 160


def test_blanks_don_t_make_another_network() -> None:
    assert named_configuration("  C8s   S16 P\tGAP 1x1:10 ") == named_configuration(NETWORK)


def test_a_file_of_that_name_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("D10").write_text('{"units_1": 64}')
    assert named_configuration("D10", "dense").configuration["units_1"] == 64


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("C8s Q GAP 1x1:10", "Expected a word like C8.*Received: 'Q'"),
        ("GAP", "needs a layer with a kernel"),
        ("C8(loud) GAP 1x1:10", "Received: 'loud'"),
        ("C8 P0 GAP 1x1:10", "numbers of 1 and more"),
        ("C8 drop1.5 GAP 1x1:10", "dropout rate"),
        ("C8 norm(.5,0) GAP 1x1:10", "standard deviation"),
        ("D8s D10", "no padding"),
        ("C8,S16,P GAP 1x1:10", "Received: 'C8,S16,P'"),
        ("C8 → GAP 1x1:10", "Received: '→'"),
        ("3x5:8 GAP 1x1:10", "Received: '3x5:8'"),
    ],
)
def test_a_wrong_network_is_refused_in_one_line(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        named_configuration(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("space", ["micro1k", "cnn3", "dense", "my_space:Mine", "compact9k"])
def test_another_space_takes_none(space: str) -> None:
    with pytest.raises(UsageError, match=f"Expected one of compact8k, .*Received: --space {space}"):
        named_configuration(NETWORK, space)


def test_the_options_hold_the_network_and_the_folder_has_no_blank() -> None:
    options = make_train_options({"name": NETWORK})
    assert (options.name, options.space, options.epochs) == (NETWORK, "compact8k", 15)
    assert default_folder(options).name.startswith("network-")
    assert default_folder(make_train_options({"name": "C8 P3/2 GAP 1x1:10"})).parent == Path("runs")
    assert default_folder(make_train_options({"name": "dense128"})).name.startswith("dense128-")


def test_it_is_trained_as_any_configuration(tmp_path: Path) -> None:
    named = named_configuration(NETWORK)
    options = training(space=named.space, name=NETWORK, configuration=named.configuration, seeds=2)
    result = launch.start(options, RunFolder(tmp_path / "run"), Observer(), command=["mnist-tune"], worker_module=FAKE)
    assert result.parameters == 480
    assert result.configuration["network"] == NETWORK


@pytest.mark.parametrize(
    ("network", "map_size"), [("C8s S16 P 1x1:10", "13×13"), ("C8 P 7x7:10", "7×7"), ("D16 C8s GAP 1x1:10", "")]
)
def test_a_network_needs_one_output_for_each_class(tmp_path: Path, network: str, map_size: str) -> None:
    named = named_configuration(network)
    options = training(space=named.space, name=network, configuration=named.configuration, seeds=1)
    folder = RunFolder(tmp_path / "run")
    if not map_size:
        launch.start(options, folder, Observer(), command=["mnist-tune"], worker_module=FAKE)
        return
    with pytest.raises(UsageError, match=f"Expected 1×1.*Received: {map_size} after") as caught:
        launch.start(options, folder, Observer(), command=["mnist-tune"], worker_module=FAKE)
    assert "\n" not in str(caught.value)
    assert not folder.path.exists()
