"""Keras's layers as layers of a chain. Imports Keras."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias, get_args

import keras
import numpy as np

from tuner.storage.schema.network import Function, NetworkLayer
from tuner.training.network_copy.chain import (
    Chain,
    CopiedLayer,
    NotAChain,
    Numbers,
    as_map,
    placed,
    with_affine,
    with_convolution,
    with_depthwise,
    with_function,
)

# Keras has no types: its layers are `Any` here.

Reader: TypeAlias = Callable[[Chain, Any], Chain]
_FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {name: name for name in get_args(Function) if name not in ("normalise", "binary")}
)
_SLOPES = {"leaky_relu": 0.2, "elu": 1.0}
"""The slopes of Keras's functions of these names."""
_LEAST_SD = 1e-7


def with_layer(chain: Chain, layer: Any) -> Chain:
    """Return a chain with a Keras layer more: a layer of its own, or part of the last one.

    Raises:
        NotAChain: where the page can't compute it.
    """
    reader = _READERS.get(type(layer))
    if reader is None and not _is_idle(layer):
        raise NotAChain(f"layer {layer.name} ({type(layer).__name__}) is none that a page computes")
    if getattr(layer, "data_format", "channels_last") != "channels_last":
        raise NotAChain(f"layer {layer.name} has its channels first")
    return chain if reader is None else reader(chain, layer)


def _read_convolution(chain: Chain, layer: Any) -> Chain:
    _check_plain(layer)
    chain = with_convolution(
        chain, layer.name, _values(layer.kernel), _bias(layer), strides=_pair(layer.strides), padding=layer.padding
    )
    return _with_activation_of(chain, layer)


def _read_separable(chain: Chain, layer: Any) -> Chain:
    _check_plain(layer)
    kernel = _values(layer.depthwise_kernel)
    chain = with_depthwise(chain, layer.name, kernel, None, strides=_pair(layer.strides), padding=layer.padding)
    chain = with_convolution(chain, layer.name, _values(layer.pointwise_kernel), _bias(layer))
    return _with_activation_of(chain, layer)


def _read_depthwise(chain: Chain, layer: Any) -> Chain:
    _check_plain(layer)
    kernel, strides = _values(layer.kernel), _pair(layer.strides)
    chain = with_depthwise(chain, layer.name, kernel, _bias(layer), strides=strides, padding=layer.padding)
    return _with_activation_of(chain, layer)


def _read_dense(chain: Chain, layer: Any) -> Chain:
    return _with_activation_of(
        with_convolution(chain, layer.name, _values(layer.kernel)[None, None], _bias(layer)), layer
    )


def _read_batch_norm(chain: Chain, layer: Any) -> Chain:
    if layer.axis not in (-1, 3) and chain[-1].shape[:2] != (1, 1):
        raise NotAChain(f"layer {layer.name} normalises another axis than the channels")
    variance = _values(layer.moving_variance)
    scale = np.ones_like(variance) if layer.gamma is None else _values(layer.gamma)
    shift = np.zeros_like(variance) if layer.beta is None else _values(layer.beta)
    factor = scale / np.sqrt(variance + layer.epsilon)
    return with_affine(chain, layer.name, factor, shift - _values(layer.moving_mean) * factor)


def _read_rescaling(chain: Chain, layer: Any) -> Chain:
    return with_affine(chain, layer.name, *(np.atleast_1d(np.float64(value)) for value in (layer.scale, layer.offset)))


def _read_normalization(chain: Chain, layer: Any) -> Chain:
    factor = 1.0 / np.maximum(np.sqrt(_values(layer.variance)).ravel(), _LEAST_SD)
    if layer.invert or factor.size not in (1, chain[-1].shape[2]):
        raise NotAChain(f"layer {layer.name} normalises in a way that a page doesn't compute")
    return with_affine(chain, layer.name, factor, -_values(layer.mean).ravel() * factor)


def _pooling(kind: Any, *, whole: bool) -> Reader:
    def read(chain: Chain, layer: Any) -> Chain:
        before = chain[-1].shape
        window = before[:2] if whole else _pair(layer.pool_size)
        strides, padding = ((1, 1), "valid") if whole else (_pair(layer.strides), layer.padding)
        shape, start = placed(before, window, strides, padding, before[2])
        return (
            *chain,
            CopiedLayer(
                NetworkLayer(kind=kind, name=layer.name, shape=shape, kernel=window, strides=strides, start=start)
            ),
        )

    return read


def _margins(sign: int) -> Reader:
    """Return the reader of a layer that takes margins from a map (1) or adds zeros to it (-1)."""

    def read(chain: Chain, layer: Any) -> Chain:
        (above, below), (left, right) = layer.cropping if sign == 1 else layer.padding
        height, width, channels = chain[-1].shape
        shape = (height - sign * (above + below), width - sign * (left + right), channels)
        described = NetworkLayer(
            kind="crop", name=layer.name, shape=shape, kernel=(1, 1), start=(sign * above, sign * left)
        )
        return (*chain, CopiedLayer(described))

    return read


def _read_reshape(chain: Chain, layer: Any) -> Chain:
    shape = as_map(tuple(layer.target_shape) if isinstance(layer, keras.layers.Reshape) else (-1,))
    if -1 in shape:
        known = -math.prod(shape)
        shape = as_map(tuple(math.prod(chain[-1].shape) // known if side == -1 else side for side in shape))
    if shape == chain[-1].shape:
        return chain
    return (*chain, CopiedLayer(NetworkLayer(kind="reshape", name=layer.name, shape=shape)))


def _read_activation(chain: Chain, layer: Any) -> Chain:
    return _with_activation_of(chain, layer)


def _read_relu(chain: Chain, layer: Any) -> Chain:
    if layer.threshold or layer.max_value not in (None, 6.0) or (layer.max_value and layer.negative_slope):
        raise NotAChain(f"layer {layer.name} is a ReLU of a kind that a page doesn't compute")
    if layer.negative_slope:
        return with_function(chain, "leaky_relu", float(layer.negative_slope))
    return with_function(chain, "relu6" if layer.max_value else "relu")


def _with_activation_of(chain: Chain, layer: Any) -> Chain:
    function = layer.activation
    if function is None:
        return chain
    name = next((name for name in _FUNCTIONS if keras.activations.get(name) is function), None)
    if name is None:
        raise NotAChain(f"the activation of layer {layer.name} is none that a page computes")
    known = _FUNCTIONS[name]
    return chain if known == "linear" else with_function(chain, known, _SLOPES.get(known, 0.0))


def _is_idle(layer: Any) -> bool:
    """Return whether a layer does nothing once a network is trained: dropout, noise, augmentation."""
    name = type(layer).__name__
    is_custom = not type(layer).__module__.startswith("keras.")
    return not is_custom and (name in _IDLE or (name.startswith("Random") and name != "RandomCrop"))


def _check_plain(layer: Any) -> None:
    groups = getattr(layer, "groups", 1) if not isinstance(layer, keras.layers.DepthwiseConv2D) else 1
    if groups != 1 or any(rate != 1 for rate in _pair(layer.dilation_rate)):
        raise NotAChain(f"layer {layer.name} is a convolution in groups or with dilation")


def _bias(layer: Any) -> Numbers | None:
    return _values(layer.bias) if layer.use_bias else None


def _values(variable: Any) -> Numbers:
    return np.asarray(variable.numpy() if hasattr(variable, "numpy") else variable, np.float64)


def _pair(value: int | Sequence[int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))


_IDLE = (
    "Dropout", "SpatialDropout2D", "GaussianDropout", "GaussianNoise", "AlphaDropout", "ActivityRegularization", "Identity", "InputLayer",
)  # fmt: skip
_READERS: Mapping[type, Reader] = MappingProxyType(
    {
        keras.layers.Conv2D: _read_convolution,
        keras.layers.SeparableConv2D: _read_separable,
        keras.layers.DepthwiseConv2D: _read_depthwise,
        keras.layers.Dense: _read_dense,
        keras.layers.BatchNormalization: _read_batch_norm,
        keras.layers.Rescaling: _read_rescaling,
        keras.layers.Normalization: _read_normalization,
        keras.layers.MaxPooling2D: _pooling("max_pool", whole=False),
        keras.layers.AveragePooling2D: _pooling("mean_pool", whole=False),
        keras.layers.GlobalMaxPooling2D: _pooling("max_pool", whole=True),
        keras.layers.GlobalAveragePooling2D: _pooling("mean_pool", whole=True),
        keras.layers.Cropping2D: _margins(1),
        keras.layers.ZeroPadding2D: _margins(-1),
        keras.layers.Reshape: _read_reshape,
        keras.layers.Flatten: _read_reshape,
        keras.layers.Activation: _read_activation,
        keras.layers.ReLU: _read_relu,
        keras.layers.LeakyReLU: lambda chain, layer: with_function(chain, "leaky_relu", float(layer.negative_slope)),
        keras.layers.ELU: lambda chain, layer: with_function(chain, "elu", float(layer.alpha)),
        keras.layers.Softmax: lambda chain, layer: with_function(chain, "softmax"),
    }
)
"""Keras's layers and how they are read; a class derived from one of them may compute something else."""
