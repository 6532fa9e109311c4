"""The copy of a model for float pixels, from which the int8 file is converted."""

from __future__ import annotations

import keras
import numpy as np

from search_spaces.keras.model import build_model
from search_spaces.networks.notation import parse
from tuner.export.litert import with_float_input


def test_the_copy_normalises_as_the_model_does() -> None:
    model = build_model(parse("norm D10(linear)"))
    images = np.random.default_rng(1).integers(0, 256, (8, 28, 28), dtype=np.uint8)
    (layer,) = (layer for layer in model.layers if isinstance(layer, keras.layers.Normalization))
    layer.adapt(images[..., None].astype("float32") / 255.0)
    expected, copied = model(images), with_float_input(model)(images.astype("float32"))
    np.testing.assert_allclose(np.asarray(copied), np.asarray(expected), atol=1e-5)
