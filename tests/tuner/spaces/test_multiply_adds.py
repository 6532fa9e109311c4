"""Multiply-adds of Keras's layers, counted as they run, against what follows from their shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from search_spaces.families.registry import load_family, load_space
from tuner.spaces.adapter import hyperparameters
from tuner.spaces.operation_costs import einsum_cost
from tuner.spaces.tracing import leaf_layers, summaries


def sequential(*parts: Any, shape: tuple[int, ...] = (28, 28, 1)) -> Callable[[], Any]:
    return lambda: keras.Sequential([keras.Input(shape), *(part() for part in parts)])


def shared() -> Any:
    """One dense layer, called on each half of the rows and again on its own output."""
    image = keras.Input((28, 28))
    dense = layers.Dense(28)
    return keras.Model(image, dense(dense(image)))


def nested() -> Any:
    inner = keras.Sequential([keras.Input((28, 28, 1)), layers.Conv2D(4, 3), layers.Conv2D(2, 3)], name="inner")
    image = keras.Input((28, 28, 1))
    return keras.Model(image, layers.Dense(10)(layers.Flatten()(inner(image))))


def attention() -> Any:
    rows = keras.Input((28, 28))
    return keras.Model(rows, layers.MultiHeadAttention(2, 8)(rows, rows))


class Products(keras.layers.Layer):  # type: ignore[misc]
    """A layer of one's own, with a matrix product that no table knows."""

    def call(self, x: Any) -> Any:
        return keras.ops.matmul(x, keras.ops.transpose(x, (0, 2, 1)))


# The queries, keys and values of 28 rows; the scores and the weighted sums of 2 heads; the output.
ATTENTION = 3 * 28 * 28 * 16 + 2 * (2 * 28 * 28 * 8) + 28 * 16 * 28
CASES: dict[str, tuple[Callable[[], Any], int]] = {
    "dense": (sequential(lambda: layers.Dense(10), shape=(784,)), 7840),
    "dense on rows": (sequential(lambda: layers.Dense(10), shape=(28, 28)), 28 * 28 * 10),
    "convolution": (sequential(lambda: layers.Conv2D(8, 3)), 26 * 26 * 9 * 8),
    "strides": (sequential(lambda: layers.Conv2D(8, 3, strides=2, padding="same")), 14 * 14 * 9 * 8),
    "dilation": (sequential(lambda: layers.Conv2D(8, 3, dilation_rate=2)), 24 * 24 * 9 * 8),
    "groups": (sequential(lambda: layers.Conv2D(8, 3, groups=2), shape=(28, 28, 4)), 26 * 26 * 9 * 2 * 8),
    "one dimension": (sequential(lambda: layers.Conv1D(8, 3), shape=(28, 28)), 26 * 3 * 28 * 8),
    "depthwise": (sequential(lambda: layers.DepthwiseConv2D(3, depth_multiplier=2), shape=(28, 28, 4)), 26 * 26 * 9 * 8),
    "separable": (sequential(lambda: layers.SeparableConv2D(8, 3), shape=(28, 28, 4)), 26 * 26 * (9 * 4 + 4 * 8)),
    "transposed": (sequential(lambda: layers.Conv2DTranspose(8, 3, strides=2), shape=(14, 14, 4)), 14 * 14 * 4 * 9 * 8),
    "lstm": (sequential(lambda: layers.LSTM(8), shape=(28, 28)), 28 * (28 + 8) * 32),
    "gru": (sequential(lambda: layers.GRU(8), shape=(28, 28)), 28 * (28 + 8) * 24),
    "simple recurrent": (sequential(lambda: layers.SimpleRNN(8), shape=(28, 28)), 28 * (28 + 8) * 8),
    "bidirectional": (sequential(lambda: layers.Bidirectional(layers.LSTM(8)), shape=(28, 28)), 2 * 28 * 36 * 32),
    "at each step": (sequential(lambda: layers.TimeDistributed(layers.Dense(5)), shape=(28, 28)), 28 * 28 * 5),
    "einsum": (sequential(lambda: layers.EinsumDense("abc,cd->abd", (28, 6)), shape=(28, 28)), 28 * 28 * 6),
    "attention": (attention, ATTENTION),
    "shared": (shared, 2 * 28 * 28 * 28),
    "nested": (nested, 26 * 26 * 9 * 4 + 24 * 24 * 9 * 4 * 2 + 24 * 24 * 2 * 10),
    "one's own": (sequential(Products, shape=(28, 28)), 28 * 28 * 28),
    "none": (sequential(layers.MaxPooling2D, layers.BatchNormalization), 0),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_multiply_adds_are_those_of_the_shapes(name: str) -> None:
    make, expected = CASES[name]
    model = make()
    rows, known = summaries(model, np.zeros((1, *model.input_shape[1:]), np.float32))
    assert known
    assert sum(row.multiply_adds for row in rows) == expected
    assert sum(row.parameters for row in rows) == sum(int(np.prod(w.shape)) for w in model.trainable_weights)


def test_a_nested_model_s_layers_have_rows_of_their_own() -> None:
    model = nested()
    rows, _ = summaries(model, np.zeros((1, 28, 28, 1), np.float32))
    assert [(row.kind, row.shape) for row in rows] == [
        ("conv2_d", (26, 26, 4)), ("conv2_d", (24, 24, 2)), ("flatten", (1152,)), ("dense", (10,)),
    ]  # fmt: skip
    assert all("call" not in layer.__dict__ for layer in leaf_layers(model))


def test_what_is_counted_is_what_the_spaces_that_come_along_count() -> None:
    family, space = load_family("micro1k"), load_space("micro1k")
    rng = np.random.default_rng(2)
    for _ in range(5):
        values = family.sample(rng)
        rows, known = summaries(space.build(hyperparameters(values)), np.zeros((1, 28, 28), np.uint8))
        assert known
        assert sum(row.multiply_adds for row in rows) == family.count_multiply_adds(values)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="an operation of TensorFlow")
def test_a_python_function_in_a_network_makes_the_count_unknown() -> None:
    import tensorflow as tf

    class Opaque(keras.layers.Layer):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return tf.ensure_shape(tf.py_function(lambda a: a * 2, [x], tf.float32), x.shape)

    model = keras.Sequential([keras.Input((28, 28)), Opaque()])
    rows, known = summaries(model, np.zeros((1, 28, 28), np.float32))
    assert not known
    assert len(rows) == 1


@pytest.mark.parametrize(
    ("equation", "shapes", "expected"),
    [
        ("ab,bc->ac", [(2, 3), (3, 5)], 30),
        ("...b,bc->...c", [(7, 2, 3), (3, 5)], 210),
        ("aecd,abcd->acbe", [(1, 28, 2, 8), (1, 28, 2, 8)], 28 * 28 * 2 * 8),
        ("ab,ab->a", [(4, 1), (4, 6)], 24),
    ],
)
def test_an_einstein_sum_costs_the_product_of_its_indices(
    equation: str, shapes: list[tuple[int, ...]], expected: int
) -> None:
    assert einsum_cost(equation, shapes) == expected
