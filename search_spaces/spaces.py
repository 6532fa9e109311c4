"""The built-in spaces as `keras_tuner.HyperModel`s. The families describe them."""

from __future__ import annotations

from search_spaces.families.cnn3 import Cnn3Family
from search_spaces.families.compact.family import Compact2kFamily, Compact4kFamily, Compact20kFamily, CompactFamily
from search_spaces.families.dense import DenseFamily
from search_spaces.families.micro import MicroFamily
from search_spaces.keras.keras_space import KerasSpace


class Compact2k(KerasSpace, Compact2kFamily):
    """Small convolutional networks of 2,000 parameters at most, with BatchNorm and without biases."""


class Compact4k(KerasSpace, Compact4kFamily):
    """compact8k's networks of 4,000 parameters at most."""


class Compact8k(KerasSpace, CompactFamily):
    """The networks of 8,000 parameters at most."""


class Compact20k(KerasSpace, Compact20kFamily):
    """compact8k's networks of 20,000 parameters at most."""


class Dense(KerasSpace, DenseFamily):
    """Networks of one to three hidden dense layers."""


class Cnn3(KerasSpace, Cnn3Family):
    """Networks of three convolutions with pooling and up to two hidden dense layers."""


class Micro1k(KerasSpace, MicroFamily):
    """Networks of separable convolutions of 1,000 parameters at most."""
