"""Fixtures of `tests.kit.predictions`, which pytest finds by name."""

from tests.kit.predictions import folder, model

__all__ = ["folder", "model"]
