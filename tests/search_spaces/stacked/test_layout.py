"""Different networks in common slots: nothing of a network is lost, and none has to wait for another."""

from __future__ import annotations

import numpy as np
import pytest

from search_spaces.families.registry import load_family
from search_spaces.networks.costs import resolve
from search_spaces.networks.notation import parse
from search_spaces.stacked.alignment import places, supersequence
from search_spaces.stacked.layout import kind_of, make_layout


@pytest.mark.parametrize(
    ("sequences", "length"),
    [
        (["", ""], 0),
        (["CPC"], 3),
        (["CPC", "CPC"], 3),
        (["CCP", "CPP"], 4),
        (["CPCG", "CCPG", "PG"], 5),
        (["AB", "BA"], 3),
        (["ABC", "DEF"], 6),
    ],
)
def test_a_supersequence_holds_each_sequence_in_order(sequences: list[str], length: int) -> None:
    merged = supersequence(sequences)
    assert len(merged) == length
    for sequence in sequences:
        assert "".join(merged[place] for place in places(sequence, merged)) == sequence


def test_places_outside_of_the_slots_are_an_error() -> None:
    with pytest.raises(ValueError, match="Expected slots that contain"):
        places("CP", "PC")


@pytest.mark.parametrize("space", ["compact8k", "micro1k", "dense", "cnn3"])
def test_every_layer_of_every_network_is_in_one_slot(space: str) -> None:
    family, rng = load_family(space), np.random.default_rng(7)
    networks = [family.specs(family.sample(rng)) for _ in range(6)]
    layout = make_layout(networks, family.problem.input_shape)
    for number, specs in enumerate(networks):
        chain = resolve(specs, family.problem.input_shape)
        layers = [slot.layers[number] for slot in layout.slots if slot.layers[number] is not None]
        assert tuple(layers) == chain
        for slot in layout.slots:
            layer = slot.layers[number]
            assert layer is None or kind_of(layer) == slot.kind
            assert all(own <= side for own, side in zip(slot.before[number], slot.canvas, strict=True))
    assert layout.classes == family.classes


def test_one_network_has_no_padding() -> None:
    specs = parse("C8 P C16s GAP 1x1:10")
    layout = make_layout([specs], (28, 28, 1))
    assert [slot.canvas for slot in layout.slots] == [layer.input_shape for layer in resolve(specs)]
    assert layout.multiply_adds == load_family("compact8k").count_multiply_adds({"network": "C8 P C16s GAP 1x1:10"})


def test_networks_that_end_in_several_places_are_refused() -> None:
    with pytest.raises(ValueError, match="end in one place"):
        make_layout([parse("C8 1x1:10")], (8, 8, 1))
