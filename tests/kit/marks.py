"""Marks that many tests share."""

from __future__ import annotations

from collections.abc import Iterable

import pytest


def slow_after(number: int, cases: Iterable[object]) -> list[object]:
    """Return cases for `parametrize`: the first `number` unchanged; the others, which test the same claim with other values, marked slow.

    A tuple is the values of several arguments.
    """
    return [case if place < number else _slow(case) for place, case in enumerate(cases)]


def _slow(case: object) -> object:
    return pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.slow)
