"""The data set's name as a reader writes it."""

from __future__ import annotations

from tuner.storage.schema.data_set import DataSet

_NAMES = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST", "cifar10": "CIFAR-10", "cifar100": "CIFAR-100"}
_LONGEST = 40


def format_data(data: DataSet) -> str:
    """Return the name: "MNIST", "scikit-learn's digits", or a user's own, shortened to 40 characters."""
    if data.is_digits:
        return "scikit-learn's digits"
    return _NAMES.get(data.name) or shortened(data.name)


def format_images(data: DataSet, split: str) -> str:
    """Return the images of a split ("test", "validation") with their owner: "MNIST's test images"."""
    if data.is_digits:
        return f"scikit-learn's 8×8 {split} digits"
    return f"{possessive(format_data(data))} {split} images"


def possessive(name: str) -> str:
    """Return the possessive of a name: "clothing's", "shoes'"."""
    return f"{name}'" if name.endswith("s") else f"{name}'s"


def shortened(name: str) -> str:
    """Return a name of 40 characters at most."""
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
