"""Colour data sets and models of other shapes than MNIST's: made up, small, the same every time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tuner.data.dataset import Dataset

CLOTHES = (
    "dress", "hat", "long sleeve", "coat", "trousers", "shirt", "shoes", "shorts", "skirt", "T-shirt", "swimming trunks", "Überwurf",
)  # fmt: skip


def paint(label: int, shape: tuple[int, ...], random: np.random.Generator) -> NDArray[np.uint8]:
    """Return an image of a class: a ground of the class's colour (grey: of its brightness), with noise."""
    phases = label * 2 * np.pi / len(CLOTHES) + np.arange(3) * 2.1
    colour = 127 + 100 * np.cos(phases)
    values = colour if len(shape) == 3 else 20.0 * label
    return np.clip(values + random.normal(0, 12, shape), 0, 255).astype(np.uint8)


def picture_data(shape: tuple[int, ...] = (16, 20, 3), each: int = 12) -> Dataset:
    """Return a data set of twelve classes of clothes, `each` images of each class in every split."""
    random = np.random.default_rng(3)
    labels = np.arange(each * len(CLOTHES), dtype=np.int64) % len(CLOTHES)
    splits = [np.stack([paint(int(label), shape, random) for label in labels]) for _ in range(3)]
    return Dataset(
        name="clothes",
        sha256="0" * 64,
        fallback=False,
        class_names=CLOTHES,
        x_train=splits[0],
        y_train=labels,
        x_validation=splits[1],
        y_validation=labels,
        x_test=splits[2],
        y_test=labels,
    )


def picture_model(shape: tuple[int, ...] = (16, 20, 3), classes: int = len(CLOTHES)) -> Any:  # a Keras model
    """Return a small convolutional network with its preprocessing inside, with untrained weights that a seed fixes."""
    import keras

    keras.utils.set_random_seed(1)
    image = keras.Input(shape, dtype="uint8", name="images")
    tensor = keras.layers.Rescaling(1 / 255, dtype="float32")(image)
    if len(shape) == 2:
        tensor = keras.layers.Reshape((*shape, 1))(tensor)
    for filters in (6, 8):
        tensor = keras.layers.Conv2D(filters, 3, strides=2, padding="same")(tensor)
        tensor = keras.layers.Activation("relu")(tensor)
    tensor = keras.layers.GlobalAveragePooling2D()(tensor)
    return keras.Model(image, keras.layers.Dense(classes, "softmax")(tensor))


def trained_model(data: Dataset, epochs: int = 40) -> Any:
    """Return the model, trained on the data."""
    import keras

    model = picture_model(data.x_train.shape[1:], data.classes)
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
    model.fit(np.asarray(data.x_train), np.asarray(data.y_train), batch_size=32, epochs=epochs, verbose=0)
    return model


def photograph(label: int, size: tuple[int, int] = (90, 60), mode: str = "RGB") -> Image.Image:
    """Return a picture of a class; `size`: width and height."""
    pixels = paint(label, (size[1], size[0], 3), np.random.default_rng(label))
    return Image.fromarray(pixels).convert(mode)
