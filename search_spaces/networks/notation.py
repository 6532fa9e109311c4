"""Networks as text: "C8 C16 P 1x1:8(linear) C10 C16s GAP 1x1:24 1x1:10", and back.

| word | layer |
|---|---|
| `C8` | 3×3 convolution with 8 filters, no padding, no bias, BatchNorm, activation |
| `1x1:8`, `1x1·8`, `7x7:10` | convolution with another kernel |
| `S5` | 3×3 separable convolution |
| `C8s`, `S5s`, `5x5:8s` | convolution with "same" padding |
| `D128` | dense layer on the whole map |
| `P`, `P3`, `P3/2` | max pooling of 2×2, 3×3, 3×3 with stride 2; else the stride is the window's size |
| `avg2` | mean of each 2×2; as the first layer, an image of half the side |
| `crop24` | the middle 24×24 of the map |
| `GAP` | global average pooling |
| `drop.05`, `drop` | dropout; without a number at the rate of `parse` |
| `norm(.5,.5)`, `norm` | pixels in [0, 1] normalised by mean and sd; by default those of the training images |

Options follow a layer with a kernel in parentheses, separated by commas: `bias`, `bn`, `nobn`, or an activation
(`relu`, `tanh`, `softsign`, `gelu`, `leaky_relu`); `linear` is neither activation nor BatchNorm. The last layer with a
kernel gives the logits and is linear unless its options say otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from search_spaces.networks.specs import (
    ACTIVATIONS,
    WEIGHTED,
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
    WeightedSpec,
)

_KERNEL_WORD = re.compile(
    r"(?:(?P<letter>[CS])|(?P<kernel>\d+)[x×](?P=kernel)[:·]|(?P<dense>D))(?P<width>\d+)(?P<same>s)?(?:\((?P<options>[^()]*)\))?"
)
_POOL_WORD = re.compile(r"P(?P<size>\d+)?(?:/(?P<stride>\d+))?")
_AVERAGE_WORD = re.compile(r"avg(?P<size>\d+)")
_CROP_WORD = re.compile(r"crop(?P<size>\d+)")
_NORMALISE_WORD = re.compile(r"norm(?:\((?P<mean>-?\d*\.?\d+),(?P<sd>\d*\.?\d+)\))?")
_DROPOUT_WORD = re.compile(r"drop(?P<rate>\d*\.?\d+)?")
_OPTIONS = ("bias", "bn", "nobn", *ACTIVATIONS)


def parse(text: str, activation: Activation = "relu", dropout: float = 0.0) -> tuple[Spec, ...]:
    """Return the specs of a text.

    Args:
        text: words as in the module's table, separated by blanks.
        activation: for layers without one in their options.
        dropout: the rate of a `drop` without a number; at 0 these words are omitted.

    Raises:
        ValueError: where a word is unknown; names it.
    """
    words = text.split()
    last = max((i for i, word in enumerate(words) if _KERNEL_WORD.fullmatch(word)), default=None)
    if last is None:
        raise ValueError(
            f"A network needs a layer with a kernel. Expected words like 'C8 P GAP 1x1:10'. Received: {text!r}"
        )
    specs = (_parse_word(word, "linear" if i == last else activation, dropout) for i, word in enumerate(words))
    return tuple(spec for spec in specs if spec is not None)


def is_notation(text: str) -> bool:
    """Return whether at least one word of a text is a layer, so that the text is meant as a network."""
    return any(_is_layer(word) for word in text.split())


def _is_layer(word: str) -> bool:
    try:
        _parse_word(word, "relu", 0.0)
    except ValueError:
        return False
    return True


def format_specs(specs: Sequence[Spec], activation: Activation = "relu") -> str:
    """Return the text of a network; `parse` with the same `activation` is the inverse."""
    last = max((i for i, spec in enumerate(specs) if isinstance(spec, WEIGHTED)), default=None)
    return " ".join(_format_spec(spec, "linear" if i == last else activation) for i, spec in enumerate(specs))


def with_classes(specs: Sequence[Spec], classes: int) -> tuple[Spec, ...]:
    """Return the network with as many logits as classes."""
    last = max(i for i, spec in enumerate(specs) if isinstance(spec, WEIGHTED))
    return tuple(_with_width(spec, classes) if i == last else spec for i, spec in enumerate(specs))


def _with_width(spec: Spec, width: int) -> Spec:
    if isinstance(spec, Dense):
        return replace(spec, units=width)
    if isinstance(spec, (Conv, SeparableConv)):
        return replace(spec, filters=width)
    return spec


def _parse_word(word: str, activation: Activation, dropout: float) -> Spec | None:
    if word == "GAP":
        return GlobalAveragePooling()
    for pattern, make in _SIZED_WORDS:
        if match := pattern.fullmatch(word):
            return make(match, word)
    if match := _NORMALISE_WORD.fullmatch(word):
        return _normalise(match, word)
    if match := _DROPOUT_WORD.fullmatch(word):
        return _dropout(float(match["rate"]) if match["rate"] else dropout, word)
    if match := _KERNEL_WORD.fullmatch(word):
        return _kernel_layer(match, word, activation)
    raise ValueError(
        f"Expected a word like C8, C8s, S5, 1x1:8, D128, P, avg2, crop24, GAP, drop.05 or norm. Received: {word!r}"
    )


def _average_pool(match: re.Match[str], word: str) -> Pool:
    return Pool(_positive(match["size"], word), average=True)


def _crop(match: re.Match[str], word: str) -> Crop:
    return Crop(_positive(match["size"], word))


def _pool(match: re.Match[str], word: str) -> Pool:
    size = _positive(match["size"] or "2", word)
    stride = _positive(match["stride"] or str(size), word)
    return Pool(size) if stride == size else Pool(size, stride)


_SIZED_WORDS = ((_POOL_WORD, _pool), (_AVERAGE_WORD, _average_pool), (_CROP_WORD, _crop))
"""Pattern of a word → the layer that it makes."""


def _normalise(match: re.Match[str], word: str) -> Normalise:
    if match["mean"] is None:
        return Normalise()
    if not float(match["sd"]):
        raise ValueError(f"Expected a standard deviation above 0. Received: {word!r}")
    return Normalise(float(match["mean"]), float(match["sd"]))


def _dropout(rate: float, word: str) -> Dropout | None:
    if not 0.0 <= rate < 1.0:
        raise ValueError(f"Expected a dropout rate in [0, 1). Received: {word!r}")
    return Dropout(rate) if rate else None


def _kernel_layer(match: re.Match[str], word: str, activation: Activation) -> WeightedSpec:
    width = _positive(match["width"], word)
    spec: WeightedSpec
    if match["dense"]:
        if match["same"]:
            raise ValueError(f"A dense layer has no padding. Received: {word!r}")
        spec = Dense(width, bias=False, batch_norm=True)
    else:
        kind = SeparableConv if match["letter"] == "S" else Conv
        kernel = _positive(match["kernel"] or "3", word)
        spec = kind(width, kernel, "same" if match["same"] else "valid")
    spec = replace(spec, activation=activation, batch_norm=activation != "linear")
    return _with_options(spec, match["options"], word)


def _with_options(spec: WeightedSpec, options: str | None, word: str) -> WeightedSpec:
    # "linear" removes BatchNorm, which a "bn" must be able to restore.
    for option in sorted(options.split(",") if options is not None else (), key=lambda o: o.strip() in ("bn", "nobn")):
        spec = _with_option(spec, option.strip(), word)
    return spec


def _with_option(spec: WeightedSpec, option: str, word: str) -> WeightedSpec:
    if option == "bias":
        return replace(spec, bias=True)
    if option in ("bn", "nobn"):
        return replace(spec, batch_norm=option == "bn")
    if option == "linear":
        return replace(spec, activation="linear", batch_norm=False)
    for activation in ACTIVATIONS:
        if option == activation:
            return replace(spec, activation=activation)
    raise ValueError(f"Expected options among {', '.join(_OPTIONS)}. Received: {option!r} in {word!r}")


def _positive(digits: str, word: str) -> int:
    number = int(digits)
    if number < 1:
        raise ValueError(f"Expected numbers of 1 and more. Received: {word!r}")
    return number


def _format_spec(spec: Spec, activation: Activation) -> str:
    if isinstance(spec, GlobalAveragePooling):
        return "GAP"
    if isinstance(spec, Pool | Crop):
        return _format_sized(spec)
    if isinstance(spec, Normalise):
        return "norm" if spec.mean is None or spec.sd is None else f"norm({spec.mean:.15g},{spec.sd:.15g})"
    if isinstance(spec, Dropout):
        return f"drop{spec.rate:.15g}"
    options = _format_options(spec, activation)
    return _format_kernel(spec) + (f"({','.join(options)})" if options else "")


def _format_sized(spec: Pool | Crop) -> str:
    if isinstance(spec, Crop):
        return f"crop{spec.size}"
    if spec.average:
        return f"avg{spec.size}"
    size = "P" if spec.size == 2 else f"P{spec.size}"
    return size if spec.step == spec.size else f"{size}/{spec.step}"


def _format_kernel(spec: WeightedSpec) -> str:
    if isinstance(spec, Dense):
        return f"D{spec.units}"
    same = "s" if spec.padding == "same" else ""
    if isinstance(spec, SeparableConv):
        return f"S{spec.filters}{same}"
    kernel = "C" if spec.kernel == 3 else f"{spec.kernel}x{spec.kernel}:"
    return f"{kernel}{spec.filters}{same}"


def _format_options(spec: WeightedSpec, activation: Activation) -> list[str]:
    """Return the options that differ from the default: this activation, and BatchNorm unless it is linear."""
    options = ["bias"] if spec.bias else []
    if spec.activation != activation:
        options.append(spec.activation)
    expected_norm = activation != "linear" and spec.activation != "linear"
    if spec.batch_norm != expected_norm:
        options.append("bn" if spec.batch_norm else "nobn")
    return options
