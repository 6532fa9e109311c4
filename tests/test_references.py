"""Published networks: their counts are exact, and values and notation agree."""

from __future__ import annotations

import json

import pytest

from search_spaces.family import HYPERPARAMETERS, specs_from_values
from search_spaces.hyperparameters import active, check
from search_spaces.notation import parse
from search_spaces.references import REFERENCES, Reference, references_that_fit
from search_spaces.specs import Dropout, Spec, costs

PARAMETERS = (10_970, 6_664, 7_876, 8_172, 7_752, 6_720, 3_762, 7_884, 9_994, 697)

each_reference = pytest.mark.parametrize("reference", REFERENCES, ids=lambda reference: reference.name)


def without_dropout(specs: tuple[Spec, ...]) -> list[Spec]:
    return [spec for spec in specs if not isinstance(spec, Dropout)]


def test_all_published_architectures_are_there() -> None:
    assert tuple(reference.parameters for reference in REFERENCES) == PARAMETERS
    assert len({reference.name for reference in REFERENCES}) == len(REFERENCES)


@each_reference
def test_count_is_exact(reference: Reference) -> None:
    assert costs(parse(reference.network))[0] == reference.parameters
    assert costs(specs_from_values(reference.values))[0] == reference.parameters


@each_reference
def test_values_give_the_published_network(reference: Reference) -> None:
    assert without_dropout(specs_from_values(reference.values)) == without_dropout(parse(reference.network))


@each_reference
def test_values_are_a_complete_configuration(reference: Reference) -> None:
    assert dict(reference.values) == active(HYPERPARAMETERS, reference.values)
    check(HYPERPARAMETERS, reference.values)
    assert json.loads(json.dumps(dict(reference.values))) == dict(reference.values)


def test_dropout_of_the_separable_network_is_where_it_was_published() -> None:
    reference = next(reference for reference in REFERENCES if reference.name == "separable-697")
    assert specs_from_values(reference.values) == parse(reference.network)


@pytest.mark.parametrize(
    ("max_params", "names"),
    [
        (8_000, ["flat-7884", "head-7752", "linear-6720", "deep-3762", "cosine-7876", "gap-6664", "separable-697"]),
        (1_000, ["separable-697"]),
        (600, []),
    ],
)
def test_references_that_fit_are_best_first(max_params: int, names: list[str]) -> None:
    assert [reference.name for reference in references_that_fit(max_params, 2_500_000)] == names


def test_the_cap_of_multiply_adds_counts_too() -> None:
    assert "flat-7884" not in [reference.name for reference in references_that_fit(8_000, 1_500_000)]


def test_other_numbers_of_classes_count_as_built() -> None:
    assert references_that_fit(700, 2_500_000, classes=10)
    assert not references_that_fit(700, 2_500_000, classes=11)
