"""The int8 network: the file, its classes, its errors by layer. Converting takes seconds, so few networks are converted."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from search_spaces.keras.model import build_model
from search_spaces.networks.memory import network_memory
from search_spaces.networks.notation import parse
from tuner.export.formats import FORMATS, ExportError
from tuner.export.int8 import layer_errors, predict_int8, quantise

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)

Images = NDArray[np.uint8]


@pytest.fixture(scope="module")
def images() -> Images:
    return np.random.default_rng(1).integers(0, 256, (40, 28, 28)).astype(np.uint8)


def built(network: str) -> Any:
    import keras

    keras.utils.set_random_seed(1)
    return build_model(parse(network), l2=0.0, name="net")


@pytest.fixture(scope="module")
def model() -> Any:
    return built("C4 P S6 GAP D10")


@pytest.fixture(scope="module")
def content(model: Any, images: Images) -> bytes:
    return quantise(model, images)


def test_the_classes_are_those_of_the_exported_file(content: bytes, images: Images, tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    exported = FORMATS["litert-int8"].load().open(path).classify(images)
    assert predict_int8(content, images).tolist() == exported.argmax(axis=1).tolist()


def test_the_size_is_within_the_estimate(content: bytes) -> None:
    assert len(content) <= network_memory(parse("C4 P S6 GAP D10")).flash


def test_the_interpreter_has_one_thread(content: bytes, images: Images, monkeypatch: pytest.MonkeyPatch) -> None:
    from ai_edge_litert import interpreter

    asked = []
    real = interpreter.Interpreter

    def noted(*args: Any, **settings: Any) -> Any:
        asked.append(settings.get("num_threads"))
        return real(*args, **settings)

    monkeypatch.setattr(interpreter, "Interpreter", noted)
    predict_int8(content, images[:1])
    assert asked == [1]


@pytest.mark.slow
def test_every_layer_s_error_is_measured(model: Any, content: bytes, images: Images) -> None:
    errors = layer_errors(model, content, images[:5])
    assert errors.names == (
        "scale", "conv_1", "pool_1", "separable_conv_2 (depthwise)", "separable_conv_2", "global_average_pooling_1", "dense_3", "softmax",
    )  # fmt: skip
    assert errors.snr_db.shape == (8,)
    # 8 bits of a value have about 50 dB; below 10 dB nothing is left of it.
    assert bool(np.all(errors.snr_db[1:] > 10))
    assert bool(np.all(errors.snr_db[1:] < 80))


@pytest.mark.slow
def test_a_coarser_network_has_larger_errors(
    model: Any, content: bytes, images: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One whose activations were calibrated by black images clips all others."""
    clipped = quantise(model, np.zeros_like(images))
    fine, coarse = (layer_errors(model, one, images[:3]).snr_db for one in (content, clipped))
    assert coarse[1] < fine[1] - 10


def test_what_can_t_be_quantised_is_said_in_a_line(images: Images, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def write(self, *_: Any) -> None:
            raise ValueError("no kernel of this kind. More words")

    class Fake:
        file = "model.tflite"

        def load(self) -> Broken:
            return Broken()

    monkeypatch.setitem(cast(dict[str, Any], FORMATS), "litert-int8", Fake())
    with pytest.raises(ExportError, match=r"The network can't be quantised to int8: no kernel of this kind$"):
        quantise(None, images)


@pytest.mark.slow
@pytest.mark.parametrize(
    "network",
    [
        "norm C8s S16(leaky_relu) P GAP D10",
        "crop20 C8(tanh) avg2 S8(softsign,nobn,bias) GAP 1x1:10",
        "C6(gelu) P D16(relu) D10",
        "D32(relu,bn) drop.2 D10",
    ],
)
def test_the_operations_of_both_networks_are_the_same(network: str, images: Images) -> None:
    model = built(network)
    content = quantise(model, images)
    assert content == quantise(model, images)
    errors = layer_errors(model, content, images[:3])
    assert len(errors.names) == len(errors.snr_db) > 2
