"""compact8k's hyperparameters for images of any shape: MNIST's may be cropped, larger ones shrunk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from search_spaces.families.compact.shape import DRAWN_NETWORK, IMAGE_SIDE, LAYERS, LEAST_IMAGE_SIDE, is_width
from search_spaces.hyperparameters.hyperparameter import Hyperparameter, Value, changed, integer
from search_spaces.hyperparameters.training import picture_training
from search_spaces.networks.problem import Problem
from search_spaces.networks.specs import INPUT_SHAPE

_LEAST_POOLED_SIDE, _MOST_DEFAULT_SIDE, _MOST_POOLING = 16, 48, 6
_DEEPER: Mapping[str, Mapping[str, Any]] = {
    "stage3_convs": {"default": 2, "weights": (0.15, 0.25, 0.3, 0.3)},
    "separable_2": {"default": True},
    "separable_3": {"default": True},
}
"""Changes for images that are larger than MNIST's."""

_SMALLEST: Mapping[str, Value] = {
    "stage1_convs": 1,
    "stage2_convs": 1,
    "stage3_convs": 0,
    "separable_1": True,
    "separable_2": True,
    "separable_3": True,
    "padding_1": "valid",
    "padding_2": "valid",
    "padding_3": "valid",
    "transition_1": "none",
    "transition_1_activation": "linear",
    "transition_2": "none",
    "transition_2_activation": "linear",
    "head": "gap",
    "head_batch_norm": False,
    **{width.name: int(width.minimum or 0) for width in LAYERS if is_width(width.name)},
}


def shape_hyperparameters(problem: Problem) -> tuple[Hyperparameter, ...]:
    """Return the hyperparameters that the costs depend on, all conditional on a sampled network.

    MNIST's images may be cropped, since their margins are empty. Larger images than those may be shrunk, and have a
    third stage by default.
    """
    if problem.input_shape == INPUT_SHAPE:
        return (IMAGE_SIDE, *LAYERS)
    layers = changed(LAYERS, _DEEPER) if is_larger(problem) else LAYERS
    windows = _pooling_windows(problem)
    return (_image_pooling(problem, max(windows)), *layers) if len(windows) > 1 else layers


def is_larger(problem: Problem) -> bool:
    """Return whether the images are larger than MNIST's."""
    return min(problem.image_shape[:2]) > INPUT_SHAPE[0]


def hyperparameters_for(hyperparameters: tuple[Hyperparameter, ...], problem: Problem) -> tuple[Hyperparameter, ...]:
    """Return a space's hyperparameters for a problem: of another shape of images, other ones describe the network.

    Args:
        hyperparameters: as in `HYPERPARAMETERS`, perhaps with other defaults.
        problem: what the networks are for.
    """
    trained = hyperparameters if problem.digits else picture_training(hyperparameters, problem.is_colour)
    if problem.input_shape == INPUT_SHAPE:
        return trained
    by_name = {tuned.name: tuned for tuned in trained}
    shape = [
        replace(tuned, default=by_name[tuned.name].default) if is_width(tuned.name) else tuned
        for tuned in shape_hyperparameters(problem)
    ]
    others = [tuned for tuned in trained if tuned.name not in {"network", IMAGE_SIDE.name, *(t.name for t in LAYERS)}]
    return (by_name["network"], *shape, *others)


def smallest_shape(problem: Problem) -> Mapping[str, Value]:
    """Return the shape of the smallest network; all but the image, counts and transitions are the cheapest in any network."""
    names = {tuned.name for tuned in shape_hyperparameters(problem)}
    image: dict[str, Value] = {"image_side": LEAST_IMAGE_SIDE, "image_pooling": max(_pooling_windows(problem))}
    return {**{name: value for name, value in image.items() if name in names}, **_SMALLEST}


def pooled_area(problem: Problem) -> float:
    """Return the area of the image as the default configuration shrinks it, as a multiple of MNIST's."""
    return problem.area / _default_window(problem) ** 2


def _pooling_windows(problem: Problem) -> tuple[int, ...]:
    """Return the windows of means that leave enough of the image."""
    least = min(problem.image_shape[:2])
    return tuple(
        window for window in range(1, _MOST_POOLING + 1) if window == 1 or least // window >= _LEAST_POOLED_SIDE
    )


def _default_window(problem: Problem) -> int:
    """Return the smallest window that leaves at most 48 pixels of the shorter side."""
    least = min(problem.image_shape[:2])
    return next((window for window in _pooling_windows(problem) if least // window <= _MOST_DEFAULT_SIDE), 1)


def _image_pooling(problem: Problem, most: int) -> Hyperparameter:
    return integer(
        "image_pooling",
        "side of the window by whose means the image is shrunk; 1: it is not",
        (1, most),
        _default_window(problem),
        DRAWN_NETWORK,
    )
