"""Configurations in little memory are configurations like others."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping

import pytest

from tests.kit.records import record
from tuner.core.records import Value, configuration_key
from tuner.run.compact_configuration import CompactConfiguration
from tuner.run.trial_loop import without_history

TABLE: list[dict[str, Value]] = [
    {},
    {"a": 1},
    {"b": True, "a": 0.1 + 0.2, "näme": "wörd", "": ""},
    {f"name_{n}": n for n in range(300)},
]


@pytest.mark.parametrize("values", TABLE, ids=["empty", "one", "kinds", "many"])
def test_it_is_what_was_packed(values: dict[str, Value]) -> None:
    packed = CompactConfiguration(values)
    assert dict(packed) == values
    assert list(packed) == list(values)
    assert packed == values
    assert values == packed
    assert len(packed) == len(values)
    assert configuration_key(packed) == configuration_key(values)
    assert json.dumps(dict(packed)) == json.dumps(values)
    assert copy.deepcopy(packed) == values
    assert isinstance(packed, Mapping)


def test_others_differ() -> None:
    packed = CompactConfiguration({"a": 1, "b": 2})
    assert packed != {"a": 1}
    assert packed != {"a": 1, "b": 3}
    assert packed != CompactConfiguration({"b": 1, "a": 2})
    assert packed.get("c") is None
    with pytest.raises(KeyError, match="c"):
        packed["c"]


def test_true_stays_true() -> None:
    assert CompactConfiguration({"a": True})["a"] is True


def test_a_compact_configuration_is_taken_as_it_is() -> None:
    packed = CompactConfiguration({"a": 1, "b": 0.5})
    assert CompactConfiguration.of(packed) is packed
    assert CompactConfiguration.of({"a": 1, "b": 0.5}) == packed


def test_a_promoted_trial_shares_the_configuration_of_the_trial_below_it() -> None:
    first = without_history(record(configuration={"filters": 3}))
    promoted = without_history(record(2, rung=1, configuration=first.configuration))
    assert promoted.configuration is first.configuration
