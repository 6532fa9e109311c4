"""Copies of dataclasses and of the schema's structs with changed fields. For tests."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

import msgspec

Replaced = TypeVar("Replaced")


def replace(value: Replaced, /, **changes: Any) -> Replaced:
    """Return a copy of a dataclass or a struct with some fields changed."""
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.replace(value, **changes)
    copied: Replaced = dataclasses.replace(value, **changes)  # type: ignore[type-var]
    return copied
