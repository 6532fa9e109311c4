"""The arrays of evaluation.npz by which the page computes the exported network. Imports Keras."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
from numpy.typing import DTypeLike, NDArray

from tuner.spaces.adapter import network_of
from tuner.spaces.network_training import predict
from tuner.spaces.tracing import leaf_layers
from tuner.storage.npz_io import Arrays
from tuner.storage.schema.model_interface import ModelInterface
from tuner.storage.schema.network import encode_layer
from tuner.training.network_copy.chain import (
    Chain,
    CopiedLayer,
    NotAChain,
    image_layer,
    with_affine,
    with_convolution,
    with_function,
)
from tuner.training.network_copy.keras_layers import with_layer
from tuner.training.network_copy.replay import replay

# Keras has no types: models are `Any` here.

MOST_PARAMETERS = 50_000
"""The most trainable parameters of a network that a page carries: in 16 bits and base 85 they are 125 kB."""
LARGEST_DIFFERENCE = 1e-3
"""The largest difference of a probability from the Keras model's."""
COMPARED = 200
"""The most images that are compared."""


def network_arrays(model: Any, interface: ModelInterface | None, images: NDArray[np.uint8]) -> Arrays:
    """Return `network/…`: the layers, their weights, and how far the copy's probabilities are from the model's.

    The kernels are 16-bit integers with a step a layer if that keeps all probabilities of these images within
    `LARGEST_DIFFERENCE`, else in single precision. (Half precision, of the same size, is five times less exact.)

    Args:
        model: a classifier of uint8 images.
        interface: None for a built-in space.
        images: (n, h, w) or (n, h, w, 3), of which the first 200 are compared.

    Returns:
        Nothing for a network of more than 50,000 trainable parameters.

    Raises:
        NotAChain: where the model is no plain chain of layers that the page can compute.
    """
    if sum(math.prod(weight.shape) for weight in model.trainable_weights) > MOST_PARAMETERS:
        return {}
    chain, compared = copied_network(model, interface, images), np.asarray(images[:COMPARED])
    expected = predict(model, compared)
    for precise in (False, True):
        rounded = tuple(_rounded(copied, precise=precise) for copied in chain)
        probabilities = replay(rounded, compared)
        if probabilities.shape != expected.shape:
            break
        difference = float(np.abs(probabilities - expected).max())
        if difference <= LARGEST_DIFFERENCE:
            return _packed(rounded, np.float32 if precise else np.int16, difference)
    raise NotAChain("its layers are no plain chain: one after the other they give other probabilities")


def copied_network(model: Any, interface: ModelInterface | None, images: NDArray[np.uint8]) -> Chain:
    """Return the layers of a classifier, from uint8 images to probabilities.

    Raises:
        NotAChain: where one of them can't be computed in a page.
    """
    network, _ = network_of(model, interface, images[:1])
    chain: Chain = (image_layer(images.shape[1:]),)
    adapted = interface is not None and network is not model
    if interface is not None and adapted:
        chain = _with_input(chain, interface)
    for layer in leaf_layers(network):
        chain = with_layer(chain, layer)
    if interface is None or not adapted or interface.output == "probabilities":
        return chain
    if interface.output == "binary":
        return with_function(chain, "binary", outputs=2)
    return with_function(chain, "softmax" if interface.output == "logits" else "normalise")


def _with_input(chain: Chain, interface: ModelInterface) -> Chain:
    if interface.scale != 1.0 or interface.offset:
        chain = with_affine(chain, "pixels", np.array([interface.scale]), np.array([interface.offset]))
    wanted = image_layer(interface.network.shape).layer
    if wanted.shape == chain[-1].shape:
        return chain
    if wanted.shape == (*chain[-1].shape[:2], 3):
        return with_convolution(chain, "channels", np.ones((1, 1, 1, 3)), None)
    return (*chain, CopiedLayer(wanted))


def _rounded(copied: CopiedLayer, *, precise: bool) -> CopiedLayer:
    """Return a layer with its weights as they are stored."""
    numbers = copied.numbers.astype(np.float32).astype(np.float64)
    largest = float(np.abs(copied.kernel).max(initial=0.0))
    if precise or not largest:
        return replace(copied, kernel=copied.kernel.astype(np.float32).astype(np.float64), numbers=numbers)
    step = largest / np.iinfo(np.int16).max
    layer = msgspec.structs.replace(copied.layer, step=step)
    return CopiedLayer(layer, np.rint(copied.kernel / step) * step, numbers)


def _packed(chain: Chain, kind: DTypeLike, difference: float) -> Arrays:
    return {
        "network/layers": np.array([encode_layer(copied.layer) for copied in chain]),
        "network/kernels": np.concatenate([_stored(copied) for copied in chain]).astype(kind),
        "network/numbers": np.concatenate([copied.numbers for copied in chain]).astype(np.float32),
        "network/difference": np.array(difference),
    }


def _stored(copied: CopiedLayer) -> NDArray[np.float64]:
    step = copied.layer.step
    return (np.rint(copied.kernel / step) if step != 1.0 else copied.kernel).ravel()
