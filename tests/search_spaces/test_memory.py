"""RAM and flash of int8 networks: the operations, the planner, and both by hand-computed examples."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from search_spaces.families.compact.family import CompactFamily
from search_spaces.families.registry import SPACES, load_family
from search_spaces.networks.costs import chain
from search_spaces.networks.int8_graph import int8_graph, runs_in_tflm
from search_spaces.networks.memory import MemoryModel, network_memory, overlaps, planned_bytes
from search_spaces.networks.notation import parse
from search_spaces.networks.specs import Activation, Shape
from search_spaces.sampling.capped import CapError

MNIST: Shape = (28, 28, 1)


def kinds(network: str, activation: Activation = "relu", shape: Shape = MNIST) -> str:
    return " ".join(operation.kind for operation in int8_graph(parse(network, activation), shape).operations)


def model(network: str, activation: Activation = "relu", shape: Shape = MNIST) -> tuple[MemoryModel, list[int]]:
    specs = parse(network, activation)
    return MemoryModel.of(int8_graph(specs, shape)), chain(specs, shape)[1]


@pytest.mark.parametrize(
    ("network", "activation", "expected"),
    [
        ("C8 GAP 1x1:10(linear)", "relu", "quantize mul reshape conv mean conv reshape softmax quantize"),
        ("C8 P S4 D10(linear)", "relu", "quantize mul reshape conv max_pool depthwise_conv conv reshape fully_connected softmax quantize"),
        ("C8 drop.1 GAP D10(linear)", "tanh", "quantize mul reshape conv tanh mean fully_connected softmax quantize"),
        ("D8 D10(linear)", "softsign", "quantize mul reshape fully_connected abs add div fully_connected softmax quantize"),
        ("crop20 C8 GAP D10(linear)", "gelu", "quantize mul reshape strided_slice conv gelu mean fully_connected softmax quantize"),
        ("avg2 C8 GAP D10(linear)", "leaky_relu", "quantize mul reshape average_pool conv leaky_relu mean fully_connected softmax quantize"),
        ("norm(.5,.5) D10(linear)", "relu", "quantize mul mul add reshape fully_connected softmax quantize"),
    ],
)  # fmt: skip
def test_operations(network: str, activation: Activation, expected: str) -> None:
    assert kinds(network, activation) == expected


def test_colour_images_need_no_axis_of_channels() -> None:
    assert kinds("C8 GAP D10(linear)", shape=(32, 32, 3)) == "quantize mul conv mean fully_connected softmax quantize"


def test_the_mean_of_one_position_is_no_operation() -> None:
    assert "mean" not in kinds("P4 P4 C8 GAP D10(linear)")


@pytest.mark.parametrize(
    ("sizes", "lives", "expected"),
    [
        ([], [], 0),
        ([32], [(0, 1)], 32),
        ([48, 32, 64], [(0, 1), (1, 2), (2, 3)], 96),
        # 160 lies at 0, 144 above it, 128 below 144 again.
        ([160, 144, 128], [(0, 1), (1, 2), (2, 3)], 304),
        # 144 at 0; 128 beside 160 at 160 … 288; 112 is needed with both: no gap is left below.
        ([144, 112, 128, 160], [(0, 1), (1, 2), (2, 3), (3, 4)], 400),
        ([16, 16, 16], [(0, 2), (0, 2), (0, 2)], 48),
    ],
)
def test_the_planner_places_the_largest_first(sizes: list[int], lives: list[tuple[int, int]], expected: int) -> None:
    assert planned_bytes(sizes, overlaps(tuple(lives))) == expected


def test_live_tensors_of_a_small_network() -> None:
    made, widths = model("C8 GAP D10(linear)")
    sizes = [tensor.size_bytes for tensor in made.live_tensors(widths)]
    # Image, quantized, scaled, with channels: 784; 26 × 26 × 8; 8 → 16; 10 → 16 three times; sums of the mean: 4 × 8.
    assert sizes == [784, 784, 784, 784, 5408, 16, 16, 16, 16, 32]


def test_a_softsign_keeps_its_input() -> None:
    made, widths = model("D8 D10(linear)", "softsign")
    spans = [(tensor.first, tensor.last) for tensor in made.live_tensors(widths)]
    assert spans[4] == (4, 7)
    assert spans[5:7] == [(5, 6), (6, 7)]


def test_another_filter_adds_its_weights_bias_and_scales() -> None:
    made, widths = model("C8 C8 GAP D10(linear)")
    wider = [1, 8, 9, 10]
    # 3 × 3 × 8 weights, 10 of the dense layer; int32 bias, two scales of 4 bytes, two zero points of 8.
    assert made.flash(wider) - made.flash(widths) == 72 + 10 + 28


def test_ram_is_the_plan_and_the_interpreter() -> None:
    made, widths = model("C8 GAP D10(linear)")
    channels = 2 * (32 + 48)
    assert made.ram(widths) >= 784 + 5408 + made.arena_bytes + channels
    assert made.ram(widths) - (784 + 5408 + made.arena_bytes + channels) < 16


@pytest.mark.parametrize("most", [-16, 0, 16])
def test_the_quick_answer_is_the_slow_one(most: int) -> None:
    made, widths = model("C8s C16s P S24 GAP D10(linear)", "tanh")
    ram = made.ram(widths)
    assert made.ram_is_within(widths, ram + most) == (most >= 0)


def test_relu_needs_less_than_other_activations() -> None:
    needs = [network_memory(parse("C8 C8 GAP D10(linear)", name)) for name in ("relu", "tanh", "softsign")]
    assert all(less.ram < more.ram and less.flash < more.flash for less, more in pairwise(needs))


def test_tflm_lacks_gelu() -> None:
    assert not runs_in_tflm(parse("C8 GAP D10(linear)", "gelu"))
    assert runs_in_tflm(parse("C8 GAP D10(linear)", "tanh"))


KINDS = [name for name in SPACES if name not in ("compact2k", "compact4k")]
"""Compact2k and compact4k are compact8k under other caps of parameters."""
CAPS = [
    {"max_ram": 12_000},
    {"max_flash": 12_000},
    {"max_ram": 9_000, "max_flash": 12_000},
    {"max_ram": 30_000, "max_flash": 20_000},
]


@pytest.mark.parametrize("caps", CAPS, ids=str)
@pytest.mark.parametrize("name", KINDS)
def test_every_sample_is_within_the_caps(name: str, caps: dict[str, int]) -> None:
    family = load_family(name, **caps)
    rng = np.random.default_rng(3)
    samples = [family.sample(rng) for _ in range(25)]
    samples += [family.sample_near(rng, values) for values in samples[:5]] + [family.default_configuration()]
    needs = [family.memory(values) for values in samples]
    assert all(need.ram <= caps.get("max_ram", need.ram) for need in needs)
    assert all(need.flash <= caps.get("max_flash", need.flash) for need in needs)
    assert all(family.fits(values) and values["activation"] != "gelu" for values in samples)


def test_samples_use_the_cap() -> None:
    family = CompactFamily(max_flash=15_000)
    needs = [family.memory(family.sample(np.random.default_rng(seed))).flash for seed in range(20)]
    assert sorted(needs)[10] > 11_000


def test_several_activations_are_sampled() -> None:
    family = CompactFamily(max_ram=20_000)
    assert {family.sample(np.random.default_rng(seed))["activation"] for seed in range(40)} == {
        "relu",
        "tanh",
        "softsign",
    }


@pytest.mark.parametrize("name", KINDS)
def test_without_a_cap_of_memory_gelu_is_sampled_and_large_networks_are(name: str) -> None:
    plain, capped = load_family(name), load_family(name, max_ram=30_000)
    samples = [plain.sample(np.random.default_rng(seed)) for seed in range(60)]
    under_cap = [capped.sample(np.random.default_rng(seed)) for seed in range(60)]
    assert "gelu" in {values["activation"] for values in samples}
    assert "gelu" not in {values["activation"] for values in under_cap}
    assert max(plain.memory(values).ram for values in samples) > max(capped.memory(v).ram for v in under_cap)


@pytest.mark.parametrize(
    "caps", [{"max_ram": 1_000}, {"max_flash": 1_000}, {"max_ram": 1_000, "max_flash": 1_000}], ids=str
)
@pytest.mark.parametrize("name", SPACES)
def test_caps_that_no_network_fits_name_the_smallest(name: str, caps: dict[str, int]) -> None:
    with pytest.raises(CapError, match=r"bytes of RAM and .* bytes of flash") as caught:
        load_family(name, **caps)
    least = caught.value.smallest
    assert least.memory is not None
    assert f"{least.memory.ram:,} bytes of RAM and {least.memory.flash:,} bytes of flash" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", KINDS)
def test_the_smallest_network_fits_caps_of_its_size(name: str) -> None:
    with pytest.raises(CapError) as caught:
        load_family(name, max_ram=1_000)
    least = caught.value.smallest.memory
    assert least is not None
    family = load_family(name, max_ram=least.ram)
    assert family.memory(family.sample(np.random.default_rng(1))).ram <= least.ram


@pytest.mark.parametrize("cap", ["max_ram", "max_flash"])
@pytest.mark.parametrize("name", ["cnn3", "dense", "micro1k"])
def test_no_sample_needs_less_memory_than_the_network_that_is_named_smallest(name: str, cap: str) -> None:
    with pytest.raises(CapError) as caught:
        load_family(name, **{cap: 1_000})
    least = getattr(caught.value.smallest.memory, cap.removeprefix("max_"))
    family = load_family(name, **{cap: least})
    needs = [
        getattr(family.memory(family.sample(np.random.default_rng(seed))), cap.removeprefix("max_"))
        for seed in range(5)
    ]
    assert needs == [least] * 5


def test_the_smallest_network_of_cnn3_does_without_normalisation_under_a_cap_of_memory() -> None:
    """Its two operations need memory. Without such a cap the shape alone counts, so that samples stay the same."""
    assert load_family("cnn3", max_flash=30_000).smallest_network().network.startswith("C2")
    assert load_family("cnn3").smallest_network().network.startswith("norm(")
