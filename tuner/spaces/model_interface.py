"""What a user's networks take and give, and what their `fit` takes and returns: found once, by a rehearsal. Knows no Keras."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from tuner.records import Json

Output: TypeAlias = Literal["probabilities", "logits", "scores", "binary"]
"""`logits`: a softmax makes probabilities of them. `scores`: numbers in [0, 1] whose rows don't sum to 1, as sigmoids give; each row is
divided by its sum. `binary`: one number, the probability of the second of two classes."""
Curves: TypeAlias = Literal["callbacks", "returned", "none"]
"""Where the metrics of each epoch come from: the callbacks that `fit` was given, the `History` that it returned, or nowhere."""
Dtype: TypeAlias = Literal["uint8", "float32"]


@dataclass(frozen=True, kw_only=True)
class ImageFormat:
    """The form in which images are handed over."""

    shape: tuple[int, ...]
    """Of one image: (28, 28), (28, 28, 1), (28, 28, 3) or (784,)."""
    dtype: Dtype = "uint8"


@dataclass(frozen=True, kw_only=True)
class ModelInterface:
    """What stands between a user's network and a classifier of uint8 images (n, 28, 28) that gives probabilities (n, classes)."""

    network: ImageFormat
    """What the network is called with."""
    fit: ImageFormat
    """What `fit` is given as `x` and as validation images."""
    scale: float = 1.0
    offset: float = 0.0
    """Pixels are multiplied by `scale` and moved by `offset` where `fit` does the like on the way to the network."""
    output: Output = "probabilities"
    curves: Curves = "callbacks"
    portable: bool = True
    """Whether Keras alone can load the saved model: no class of the user's own, no function in it."""
    savedmodel: bool = True
    """Whether a SavedModel can be made."""

    def to_json(self) -> Json:
        """As `space.model` in run.json."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> ModelInterface:
        """Read what `to_json` wrote."""
        values = {**document, "network": _format(document["network"]), "fit": _format(document["fit"])}
        return cls(**{field.name: values[field.name] for field in dataclasses.fields(cls)})


def _format(document: Mapping[str, Any]) -> ImageFormat:
    return ImageFormat(shape=tuple(document["shape"]), dtype=cast(Dtype, document["dtype"]))
