"""Layer specs: counts, shapes, and the rule for maps that are too small."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import search_spaces
from search_spaces.keras.model import build_model
from search_spaces.networks.costs import (
    LayerSummary,
    chain,
    chain_costs,
    costs,
    largest_activation_bytes,
    resolve,
    summarise,
)
from search_spaces.networks.notation import parse
from search_spaces.networks.specs import (
    INPUT_SHAPE,
    Conv,
    Dense,
    Dropout,
    GlobalAveragePooling,
    Normalise,
    Pool,
    SeparableConv,
    Spec,
)


@pytest.mark.parametrize(
    ("spec", "parameters", "multiply_adds", "shape"),
    [
        (Conv(8), 72 + 16, 26 * 26 * 72, (26, 26, 8)),
        (Conv(8, padding="same"), 72 + 16, 28 * 28 * 72, (28, 28, 8)),
        (Conv(8, bias=True, batch_norm=False), 72 + 8, 26 * 26 * 72, (26, 26, 8)),
        (Conv(5, kernel=1), 5 + 10, 28 * 28 * 5, (28, 28, 5)),
        (SeparableConv(4, bias=True, batch_norm=False), 9 + 4 + 4, 26 * 26 * 13, (26, 26, 4)),
        (Dense(10), 7850, 7840, (10,)),
        (Dense(10, bias=False, batch_norm=True), 7840 + 20, 7840, (10,)),
        (Pool(), 0, 0, (14, 14, 1)),
        (Pool(3), 0, 0, (9, 9, 1)),
        (Pool(3, 2), 0, 0, (13, 13, 1)),
        (Pool(2, 3), 0, 0, (9, 9, 1)),
        (Normalise(), 0, 0, (28, 28, 1)),
        (Dropout(0.1), 0, 0, (28, 28, 1)),
        (GlobalAveragePooling(), 0, 0, (1, 1, 1)),
    ],
)
def test_costs_of_one_layer(spec: Spec, parameters: int, multiply_adds: int, shape: tuple[int, ...]) -> None:
    assert costs([spec]) == (parameters, multiply_adds)
    assert summarise([spec])[-1].shape == shape


def test_counts_of_a_network_agree_with_each_other() -> None:
    specs = (Conv(8), Conv(12), Pool(), SeparableConv(9), Dropout(0.1), GlobalAveragePooling(), Conv(10, 1))
    layers = summarise(specs)
    assert costs(specs)[0] == sum(layer.parameters for layer in layers)
    assert costs(specs)[1] == sum(layer.multiply_adds for layer in layers)
    assert chain_costs(*chain(specs)) == costs(specs)
    assert largest_activation_bytes(specs) == 24 * 24 * 12 * 4


def test_shapes_after_a_dense_layer_are_flat_until_another_kind_makes_a_map() -> None:
    layers = summarise([Dropout(0.1), Dense(8, batch_norm=True), Dropout(0.1), Conv(4, 1), Dropout(0.1)])
    assert [layer.shape for layer in layers] == [(28, 28, 1), (8,), (8,), (8,), (1, 1, 4), (1, 1, 4), (1, 1, 4)]


def test_names_number_layers_with_a_kernel_together() -> None:
    specs = (Conv(8), Pool(), Conv(8, batch_norm=False), Pool(), GlobalAveragePooling(), Dense(10, batch_norm=True))
    assert [layer.name for layer in summarise(specs)] == [
        "conv_1",
        "batch_norm_1",
        "pool_1",
        "conv_2",
        "pool_2",
        "global_average_pooling_1",
        "dense_3",
        "batch_norm_3",
    ]


def test_batch_norm_has_as_many_moving_statistics_as_parameters() -> None:
    assert [(layer.parameters, layer.non_trainable) for layer in summarise([Conv(8)])] == [(72, 0), (16, 16)]


def test_a_valid_convolution_on_a_small_map_becomes_same() -> None:
    shapes = [layer.shape for layer in resolve([Conv(4)], (2, 2, 1))]
    assert shapes == [(2, 2, 4)]


def test_a_pooling_on_one_pixel_is_left_out() -> None:
    assert resolve([Pool()], (1, 1, 4)) == ()
    assert costs([Pool(), Dense(10)], (1, 1, 4)) == (50, 40)


@pytest.mark.parametrize(
    ("text", "side"), [("crop21 C4", 19), ("avg3 C4", 7), ("crop28 C4", 26), ("C4 crop30 avg40 C4", 24)]
)
def test_a_smaller_image_has_the_parameters_of_the_whole_one(text: str, side: int) -> None:
    """A crop or a mean that doesn't fit its map is omitted."""
    specs = parse(f"{text} GAP 1x1:10")
    model = build_model(specs)
    assert summarise(specs)[-3].shape[:2] == (side, side)
    assert costs(specs)[0] == sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    shapes = {layer.name: tuple(layer.output.shape[1:]) for layer in model.layers}
    assert all(shapes[layer.name] == layer.shape for layer in summarise(specs))


def test_a_crop_is_the_middle_and_a_mean_that_of_its_square() -> None:
    image = np.random.default_rng(0).integers(0, 256, (1, 28, 28), np.uint8)
    model = build_model(parse("crop25 avg2 GAP 1x1:10"))
    crop, mean = (keras.Model(model.input, model.get_layer(name).output) for name in ("crop_1", "average_pool_1"))
    np.testing.assert_allclose(crop.predict(image, verbose=0)[0, :, :, 0], image[0, 1:26, 1:26] / 255, atol=1e-6)
    expected = image[0, 1:25, 1:25].reshape(12, 2, 12, 2).mean((1, 3)) / 255
    np.testing.assert_allclose(mean.predict(image, verbose=0)[0, :, :, 0], expected, atol=1e-6)


def test_the_deepest_network_keeps_a_map() -> None:
    specs: list[Spec] = [*[Conv(4)] * 13, Pool(), *[Conv(4)] * 3, Pool(), *[Conv(4)] * 3, Pool()]
    assert min(min(layer.shape) for layer in resolve(specs)) >= 1


def test_no_layers_cost_nothing() -> None:
    assert costs([]) == (0, 0)
    assert summarise([]) == ()
    assert largest_activation_bytes([]) == 0
    assert INPUT_SHAPE == (28, 28, 1)


def test_summary_survives_json() -> None:
    summary = summarise([Conv(8)])[1]
    assert LayerSummary.from_json(json.loads(json.dumps(dataclasses.asdict(summary)))) == summary


def test_what_needs_no_keras_imports_none() -> None:
    folder = Path(search_spaces.__file__).parent
    modules = [".".join(path.relative_to(folder.parent).with_suffix("").parts) for path in folder.rglob("*.py")]
    planning = [f"search_spaces.stacked.{name}" for name in ("alignment", "layout", "grouping")]
    light = [module for module in modules if not re.search(r"keras|stacked|search_spaces\.spaces", module)] + planning
    assert len(light) > 15
    imports = "; ".join(f"import {module.removesuffix('.__init__')}" for module in sorted(light))
    forbidden = "{'keras', 'keras_tuner', 'tensorflow', 'jax'}"
    code = f"import sys; import search_spaces; {imports}; sys.exit(bool({forbidden} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
