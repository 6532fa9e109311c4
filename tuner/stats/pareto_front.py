"""The Pareto front of a size, the smaller the better, and a value, the larger the better."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

Item = TypeVar("Item")


def pareto_front(
    items: Iterable[Item],
    *,
    size: Callable[[Item], float],
    value: Callable[[Item], float],
    # `Any`: whatever sorts, a tuple as a rule.
    best_first: Callable[[Item], Any],
) -> list[Item]:
    """Return the items that no other one as small or smaller equals in value, smallest first; of equals in both the first in `best_first`.

    Args:
        items: in any order.
        size: of an item.
        value: of an item, a finite number.
        best_first: sort key of items of one size, the largest value first.
    """
    front: list[Item] = []
    for item in sorted(items, key=lambda item: (size(item), best_first(item))):
        if not front or value(item) > value(front[-1]):
            front.append(item)
    return front
