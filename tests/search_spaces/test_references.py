"""Published networks: their counts are exact, and values and notation agree."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from search_spaces.families.compact.family import CompactFamily
from search_spaces.families.family import Family
from search_spaces.families.references import Reference, best_first
from search_spaces.families.registry import SPACES, find_reference, load_family
from search_spaces.networks.costs import costs
from search_spaces.networks.notation import parse
from search_spaces.networks.specs import Dropout, Spec, activation_of

PARAMETERS = {
    "basic-10970": 10_970,
    "gap-6664": 6_664,
    "cosine-7876": 7_876,
    "light-6984": 6_984,
    "onecycle-7236": 7_236,
    "augmented-7236": 7_236,
    "c12-8172": 8_172,
    "head-7752": 7_752,
    "linear-6720": 6_720,
    "deep-3762": 3_762,
    "flat-7884": 7_884,
    "wide-9994": 9_994,
    "separable-697": 697,
    "separable-7922": 7_922,
    "separable-7825": 7_825,
    "cnn3-bn": 88_470,
    "dense128": 101_770,
}
OF_OTHER_SPACES = {"dense128": "dense", "cnn3-bn": "cnn3", "separable-697": "micro1k"}
OWNED = [(space, own) for space in SPACES for own in load_family(space).references()]

each_reference = pytest.mark.parametrize(
    ("space", "reference"), OWNED, ids=[f"{space}:{reference.name}" for space, reference in OWNED]
)


def without_dropout(specs: tuple[Spec, ...]) -> list[Spec]:
    return [spec for spec in specs if not isinstance(spec, Dropout)]


def test_all_are_there() -> None:
    assert {own.name: own.parameters for _, own in OWNED} == PARAMETERS
    assert all(len({own.name for own in family.references()}) == len(family.references()) for family in families())


def families() -> list[Family]:
    return [load_family(space) for space in SPACES]


@each_reference
def test_count_is_exact(space: str, reference: Reference) -> None:
    assert costs(parse(reference.network))[0] == reference.parameters
    assert load_family(space).count_parameters(reference.values) == reference.parameters


def test_a_configuration_older_than_separable_stages_means_what_it_did() -> None:
    family = load_family("compact8k")
    reference = next(own for own in family.published if own.name == "flat-7884")
    older = {name: value for name, value in reference.values.items() if not name.startswith("separable_")}
    assert len(older) < len(reference.values)
    assert family.specs(older) == family.network(older) == family.specs(reference.values)


@each_reference
def test_values_give_the_published_network(space: str, reference: Reference) -> None:
    family = load_family(space)
    published = parse(reference.network, activation_of(reference.values))
    assert without_dropout(family.specs(reference.values)) == without_dropout(published)


@each_reference
def test_values_are_a_complete_configuration_within_the_ranges(space: str, reference: Reference) -> None:
    family = load_family(space)
    assert dict(reference.values) == family.active(reference.values)
    assert family.complete(reference.values) == dict(reference.values)
    assert json.loads(json.dumps(dict(reference.values))) == dict(reference.values)


@each_reference
def test_published_figures_are_fractions(space: str, reference: Reference) -> None:
    del space
    assert reference.published_accuracy is None or 0.99 < reference.published_accuracy < 1.0
    assert set(reference.published_scores) <= {"precision", "recall", "f1", "auc_roc", "log_loss"}
    assert all(0.0 <= score <= 1.0 for score in reference.published_scores.values())


@pytest.mark.parametrize(
    ("max_params", "names"),
    [
        (
            8_000,
            [
                "separable-7825",
                "separable-7922",
                "flat-7884",
                "head-7752",
                "linear-6720",
                "augmented-7236",
                "deep-3762",
                "cosine-7876",
                "onecycle-7236",
                "gap-6664",
                "light-6984",
            ],
        ),
        (4_000, ["deep-3762"]),
        (600, []),
    ],
)
def test_references_that_fit_are_best_first(max_params: int, names: list[str]) -> None:
    assert [reference.name for reference in CompactFamily(max_params).references_that_fit()] == names


def test_those_without_an_accuracy_come_last() -> None:
    known = CompactFamily().references()[0]
    unknown = replace(known, name="unknown", published_accuracy=None, parameters=1)
    assert [own.name for own in best_first([unknown, known])] == [known.name, "unknown"]


def test_means_of_several_seeds_come_before_single_figures() -> None:
    single = CompactFamily().references()[0]
    mean = replace(single, name="mean", published_accuracy=0.97, published_seeds=3)
    unknown = replace(single, name="unknown", published_accuracy=None, published_seeds=3)
    assert [own.name for own in best_first([single, unknown, mean])] == ["mean", single.name, "unknown"]


def test_the_cap_of_multiply_adds_counts_too() -> None:
    family = CompactFamily(8_000, 1_500_000)
    assert "flat-7884" not in [reference.name for reference in family.references_that_fit()]


def test_other_numbers_of_classes_count_as_built() -> None:
    assert CompactFamily(3_762, classes=10).references_that_fit()
    assert not CompactFamily(3_762, classes=11).references_that_fit()


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_reference_is_found_in_its_space(name: str) -> None:
    space, reference = find_reference(name)
    assert reference.name == name
    assert space == OF_OTHER_SPACES.get(name, "compact8k")


@pytest.mark.parametrize(("name", "nearest"), [("dense-128", "dense128"), ("flat7884", "flat-7884"), ("", "")])
def test_an_unknown_reference_names_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(ValueError, match=f"Received: {name!r}. Did you mean '{nearest}") as caught:
        find_reference(name)
    assert "\n" not in str(caught.value)
