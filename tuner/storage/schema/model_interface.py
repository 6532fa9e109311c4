"""`space.model` of run.json: what a user's networks take and give, found once by a rehearsal. Knows no Keras."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from tuner.storage.schema.fields import Real

Output: TypeAlias = Literal["probabilities", "logits", "scores", "binary"]
"""`logits`: a softmax makes probabilities of them. `scores`: numbers in [0, 1] whose rows don't sum to 1, as sigmoids give; each row is
divided by its sum. `binary`: one number, the probability of the second of two classes."""
Curves: TypeAlias = Literal["callbacks", "returned", "none"]
"""The source of each epoch's metrics: the callbacks that `fit` was given, the `History` that it returned, or none."""
Dtype: TypeAlias = Literal["uint8", "float32"]
_Shape: TypeAlias = Annotated[tuple[Annotated[int, Meta(ge=1, le=10**6)], ...], Meta(max_length=8)]


@dataclass(frozen=True, kw_only=True)
class ImageFormat:
    """The form in which images are handed over."""

    shape: _Shape
    """The shape of one image, such as (28, 28), (28, 28, 1), (28, 28, 3) or (784,)."""
    dtype: Dtype = "uint8"


@dataclass(frozen=True, kw_only=True)
class ModelInterface:
    """The adapter between a user's network and a classifier of the data set's uint8 images that gives probabilities (n, classes)."""

    network: ImageFormat
    """The images that the network is called with."""
    fit: ImageFormat
    """The images that `fit` is given as `x` and for validation."""
    images: _Shape = (28, 28)
    """The shape of the data set's images: (h, w), or (h, w, 3) in colour."""
    scale: Real = 1.0
    offset: Real = 0.0
    """Pixels are multiplied by `scale` and moved by `offset` where `fit` does the like on the way to the network."""
    output: Output = "probabilities"
    curves: Curves = "callbacks"
    portable: bool = True
    """True where Keras alone can load the saved model: no class of the user's own, no function in it."""
    savedmodel: bool = True
    """True where a SavedModel can be made."""
