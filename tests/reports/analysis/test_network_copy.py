"""The network as the page gets it: checked against the run's images and itself, and where its last map lies in the image."""

from __future__ import annotations

import base64
from typing import Any, get_args

import msgspec
import numpy as np
import pytest

from reports.analysis.model.network_copy import encoded, linear_end, network_copy
from reports.run.array_checks import ArrayError, check_arrays
from tests.kit.paths import ROOT
from tests.kit.run_builder import make_run
from tests.kit.wrong_arrays import WRONG_ARRAYS
from tuner.storage.npz_io import Arrays
from tuner.storage.schema.network import Function, Kind, NetworkLayer, encode_layer

IMAGE = NetworkLayer(kind="reshape", name="image", shape=(28, 28, 1))
CONV = NetworkLayer(kind="conv", name="conv", shape=(26, 26, 2), kernel=(3, 3, 1, 2), numbers=2, activation="relu")
POOL = NetworkLayer(kind="max_pool", name="pool", shape=(13, 13, 2), kernel=(2, 2), strides=(2, 2))
SAME = NetworkLayer(
    kind="conv", name="same", shape=(13, 13, 3), kernel=(3, 3, 2, 3), start=(-1, -1), numbers=3, activation="tanh"
)
MEAN = NetworkLayer(kind="mean_pool", name="mean", shape=(1, 1, 3), kernel=(13, 13))
LOGITS = NetworkLayer(
    kind="conv", name="logits", shape=(1, 1, 10), kernel=(1, 1, 3, 10), numbers=10, activation="softmax"
)
CHAIN = (IMAGE, CONV, POOL, SAME, MEAN, LOGITS)


def network(*layers: NetworkLayer, kernels: int = 102, numbers: int = 15, kind: Any = np.int16) -> Arrays:
    return {
        "network/layers": np.array([encode_layer(layer) for layer in layers or CHAIN]),
        "network/kernels": np.arange(kernels).astype(kind),
        "network/numbers": np.zeros(numbers, np.float32),
        "network/difference": np.array(2e-5),
    }


@pytest.mark.parametrize(("kind", "integers"), [(np.int16, True), (np.float32, False)])
def test_a_network_that_fits_is_handed_to_the_page(kind: Any, integers: bool) -> None:
    arrays = network(kind=kind)
    check_arrays(arrays, 10)
    found = network_copy(make_run(arrays=arrays))
    assert found is not None
    assert (found.integers, found.difference) == (integers, 2e-5)
    first = found.to_json()["layers"][1]  # type: ignore[index]
    assert first == {
        "kind": "conv",
        "name": "conv",
        "shape": (26, 26, 2),
        "kernel": (3, 3, 1, 2),
        "numbers": 2,
        "activation": "relu",
    }


def changed(place: int, **changes: Any) -> Arrays:
    return network(
        *(msgspec.structs.replace(layer, **changes) if at == place else layer for at, layer in enumerate(CHAIN))
    )


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        network(kernels=101),
        network(numbers=16),
        network(*CHAIN[1:]),
        network(*CHAIN[:-1], kernels=72, numbers=5),
        changed(0, shape=(28, 28, 3)),
        changed(1, kernel=(3, 3, 2, 1)),
        changed(3, kernel=(3, 3, 2)),
        changed(2, kernel=(2,)),
        changed(2, kind="scale"),
        changed(4, kind="reshape"),
        changed(4, kind="depthwise"),
        {**network(), "network/layers": np.array(["<script>", "{}"])},
    ],
    ids=range(13),
)  # fmt: skip
def test_a_network_that_doesn_t_fit_itself_or_the_images_is_left_out(arrays: Arrays) -> None:
    assert network_copy(make_run(arrays=arrays)) is None


FLAT = NetworkLayer(kind="reshape", name="flat", shape=(1, 1, 784))
CROP = NetworkLayer(kind="crop", name="crop", shape=(28, 28, 1), kernel=(1, 1))


def headed(*layers: NetworkLayer, kernels: int = 10, numbers: int = 10) -> Arrays:
    """An image and these layers, then its mean and ten logits."""
    height, width, channels = layers[-1].shape
    mean = NetworkLayer(kind="mean_pool", name="mean", shape=(1, 1, channels), kernel=(height, width))
    logits = msgspec.structs.replace(LOGITS, kernel=(1, 1, channels, 10))
    return network(IMAGE, *layers, mean, logits, kernels=kernels, numbers=numbers)


@pytest.mark.parametrize(
    "arrays",
    [
        headed(CROP),
        headed(msgspec.structs.replace(CROP, shape=(31, 20, 1), start=(-2, 8))),
        headed(NetworkLayer(kind="max_pool", name="same", shape=(10, 28, 1), kernel=(3, 40), strides=(3, 1), start=(-1, -19))),
        network(IMAGE, FLAT, msgspec.structs.replace(LOGITS, kernel=(1, 1, 784, 10)), kernels=7840, numbers=10),
    ],
    ids=["crop", "margins", "wider than the map", "dense"],
)  # fmt: skip
def test_windows_as_keras_places_them_fit(arrays: Arrays) -> None:
    assert network_copy(make_run(arrays=arrays)) is not None


@pytest.mark.parametrize(
    "arrays",
    [
        changed(1, shape=(27, 26, 2)),
        changed(1, shape=(10**6, 26, 2)),
        changed(1, start=(0, -1)),
        changed(2, kernel=(10**6, 10**6)),
        changed(2, strides=(1, 2)),
        changed(3, start=(-1, 0)),
        changed(4, kernel=(14, 14)),
        headed(msgspec.structs.replace(CROP, kernel=(2, 2))),
        headed(msgspec.structs.replace(CROP, strides=(2, 2), shape=(14, 14, 1))),
        headed(msgspec.structs.replace(CROP, start=(28, 0))),
        headed(msgspec.structs.replace(CROP, shape=(10**4, 10**4, 1))),
        headed(NetworkLayer(kind="max_pool", name="same", shape=(28, 28, 1), kernel=(501, 501), start=(-237, -237))),
        headed(*[msgspec.structs.replace(CROP, shape=(1000, 1000, 1))] * 40),
        headed(*[NetworkLayer(kind="max_pool", name="same", shape=(28, 28, 1), kernel=(99, 99), start=(-49, -49))] * 20),
        headed(NetworkLayer(kind="conv", name="wide", shape=(28, 28, 40_000), kernel=(1, 1, 1, 40_000), numbers=40_000), kernels=440_000, numbers=40_010),
        network(*CHAIN, NetworkLayer(kind="reshape", name="two", shape=(1, 1, 10), activation="binary")),
    ],
    ids=range(16),
)  # fmt: skip
def test_windows_that_don_t_fit_and_too_much_work_are_left_out(arrays: Arrays) -> None:
    assert network_copy(make_run(arrays=arrays)) is None


@pytest.mark.parametrize("name", list(network()))
def test_wrong_arrays_are_refused_or_left_out(name: str) -> None:
    for array in WRONG_ARRAYS:
        arrays = {**network(), name: array}
        try:
            check_arrays(arrays, 10)
        except ArrayError:
            continue
        network_copy(make_run(arrays=arrays))


def test_the_last_map_s_place_in_the_image() -> None:
    end = linear_end(CHAIN)
    assert end is not None
    # The first pixel of the convolution has its centre at 1, of the pooling at 1.5; the padded one moves nothing.
    assert (end.start, end.down, end.right) == (4, (1.5, 2.0), (1.5, 2.0))


@pytest.mark.parametrize(
    "layers",
    [
        (IMAGE, LOGITS),
        (IMAGE, CONV, msgspec.structs.replace(MEAN, activation="relu"), LOGITS),
        (*CHAIN[:-1], msgspec.structs.replace(LOGITS, activation="sigmoid")),
        (IMAGE, CONV, msgspec.structs.replace(IMAGE, shape=(52, 26, 1)), SAME, MEAN, LOGITS),
        (*CHAIN[:-1], msgspec.structs.replace(MEAN, kernel=(1, 1), activation="softmax"), LOGITS),
        (*CHAIN, NetworkLayer(kind="reshape", name="again", shape=(1, 1, 10), activation="softmax")),
    ],
    ids=[
        "linear from the image",
        "one position",
        "no softmax",
        "another order of places",
        "softmax within",
        "softmax twice",
    ],
)
def test_without_a_linear_end_evidence_is_found_by_covering(layers: tuple[NetworkLayer, ...]) -> None:
    assert linear_end(layers) is None


def test_numbers_are_written_in_five_signs_for_four_bytes() -> None:
    values = np.array([-3, 7, 32767, -32768, 12], np.int16)
    text = encoded(values, "<i2")
    assert len(text) == 15
    assert not set(text) & set("&<>'\"\\")
    back = base64.b85decode(text.translate(str.maketrans(",./", "&<>")))
    assert np.frombuffer(back, "<i2")[:5].tolist() == values.tolist()


def test_the_run_folder_s_page_names_every_key_kind_and_function() -> None:
    words = (ROOT / "docs" / "run-folder.md").read_text(encoding="utf-8")
    part = words[words.index("### The network as data") :].split("\n## ")[0]
    names = {*NetworkLayer.__struct_fields__, *get_args(Kind), *get_args(Function)}
    assert {name for name in names if f"`{name}`" not in part and f'"{name}"' not in part} == set()
