"""Networks as text and back."""

from __future__ import annotations

import pytest

from search_spaces.networks.notation import format_specs, parse, with_classes
from search_spaces.networks.specs import (
    Activation,
    Conv,
    Crop,
    Dense,
    Dropout,
    GlobalAveragePooling,
    Normalise,
    Pool,
    SeparableConv,
    Spec,
)


@pytest.mark.parametrize(
    ("word", "spec"),
    [
        ("C8", Conv(8)),
        ("C8s", Conv(8, padding="same")),
        ("1x1:8", Conv(8, 1)),
        ("1x1·8", Conv(8, 1)),
        ("1×1·8", Conv(8, 1)),
        ("5x5:8s", Conv(8, 5, "same")),
        ("1x1:8(linear)", Conv(8, 1, batch_norm=False, activation="linear")),
        ("1x1:8(linear,bn)", Conv(8, 1, activation="linear")),
        ("1x1:8(bn,linear)", Conv(8, 1, activation="linear")),
        ("C8(nobn)", Conv(8, batch_norm=False)),
        ("C8(bias, tanh)".replace(" ", ""), Conv(8, bias=True, activation="tanh")),
        ("S5s(bias,leaky_relu,nobn)", SeparableConv(5, 3, "same", True, False, "leaky_relu")),
        ("D128", Dense(128, bias=False, batch_norm=True)),
        ("D128(bias,nobn)", Dense(128)),
        ("P", Pool()),
        ("P3", Pool(3)),
        ("P3/2", Pool(3, 2)),
        ("P/1", Pool(2, 1)),
        ("P3/3", Pool(3)),
        ("avg2", Pool(2, average=True)),
        ("crop24", Crop(24)),
        ("norm", Normalise()),
        ("norm(.5,.5)", Normalise(0.5, 0.5)),
        ("norm(-1,2)", Normalise(-1.0, 2.0)),
        ("GAP", GlobalAveragePooling()),
        ("drop.05", Dropout(0.05)),
        ("drop0.05", Dropout(0.05)),
    ],
)
def test_word(word: str, spec: Spec) -> None:
    assert parse(f"{word} 1x1:10")[0] == spec


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("C8 GAP 1x1:10", Conv(10, 1, batch_norm=False, activation="linear")),
        ("C8 1x1:10 GAP", Conv(10, 1, batch_norm=False, activation="linear")),
        ("C8 GAP 1x1:10(bn)", Conv(10, 1, activation="linear")),
        ("C8 D10(bias)", Dense(10, activation="linear")),
    ],
)
def test_last_layer_with_a_kernel_gives_logits(text: str, last: Spec) -> None:
    assert last in parse(text)


def test_activation_and_dropout_are_those_given() -> None:
    assert parse("C8 drop 1x1:10", "tanh", 0.1)[:2] == (Conv(8, activation="tanh"), Dropout(0.1))
    assert parse("C8 drop 1x1:10", "tanh") == parse("C8 1x1:10", "tanh")


@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize(
    "text",
    [
        "C8 C16s P 1x1:8(linear) C10 drop0.05 GAP 1x1:24 1x1:10",
        "C4s(bias) P3 C8s(bias,tanh) 7x7:10(bias,bn)",
        "C6s(bias,leaky_relu,nobn) S5(bias,linear,bn) GAP D10(bias,relu)",
        "C8(linear,bn) D10(tanh,bn)",
        "D128(bias,nobn) D10(bias)",
        "norm C4 P3/2 D10(bias)",
        "crop24 avg3 C4 P D10(bias)",
        "norm(0.5,0.25) C4 P/1 D10(bias)",
    ],
)
def test_round_trip(text: str, activation: Activation) -> None:
    specs = parse(text, activation)
    written = format_specs(specs, activation)
    assert parse(written, activation) == specs
    assert format_specs(parse(written, activation), activation) == written


@pytest.mark.parametrize(
    ("text", "offender"),
    [
        ("C8 X3 1x1:10", "X3"),
        ("C8 1x3:8 1x1:10", "1x3:8"),
        ("C8(quick) 1x1:10", "quick"),
        ("C8() 1x1:10", "C8()"),
        ("C0 1x1:10", "C0"),
        ("C8 drop1.5 1x1:10", "drop1.5"),
        ("C8 P0 1x1:10", "P0"),
        ("C8 P3/0 1x1:10", "P3/0"),
        ("norm(.5,0) C8", "norm(.5,0)"),
        ("norm(.5) C8", "norm(.5)"),
        ("C8 D10s", "D10s"),
        ("GAP P", "GAP P"),
        ("", "''"),
        ("<script> C8", "<script>"),
    ],
)
def test_bad_text_is_one_line_that_names_the_word(text: str, offender: str) -> None:
    with pytest.raises(ValueError, match="Received") as caught:
        parse(text)
    assert offender in str(caught.value)
    assert "\n" not in str(caught.value)


def test_with_classes_changes_the_logits_only() -> None:
    assert with_classes(parse("C8 GAP 1x1:10"), 26) == parse("C8 GAP 1x1:26")
    assert with_classes(parse("C8 1x1:10 GAP"), 2) == parse("C8 1x1:2 GAP")
    assert with_classes(parse("C8 S10 GAP"), 2) == parse("C8 S2 GAP")
    assert with_classes(parse("C8 D10(bias)"), 2) == parse("C8 D2(bias)")
