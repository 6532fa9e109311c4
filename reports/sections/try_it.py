"""`try-it`: the exported network in the page: a pad to draw on, its answer, and where the evidence for it is."""

from __future__ import annotations

from reports.analysis.model.network_copy import NetworkCopy, network_copy
from reports.run.run_data import RunData
from reports.sections.section import Section

_MNIST = (28, 28)
_DARK = 0.5
"""Images whose mean is below are drawn with a bright pen on black."""


def build(run: RunData) -> Section | None:
    """Return the section; None for a run whose network isn't in its folder, as one of more than 50,000 parameters."""
    network = network_copy(run)
    if network is None:
        return None
    data = run.info.data
    digits = data.shows_digits and data.input_shape == _MNIST
    return Section(
        id="try-it",
        name="Try it",
        part="Try it",
        title="Draw a digit: the winner answers in this page" if digits else "Show the winner a picture: it answers in this page",
        how=_how(network, digits=digits),
        data={
            "network": {
                **network.to_json(),
                "classes": [data.class_name(index) for index in range(data.classes)],
                "digits": digits,
                "dark": not digits and not data.in_colour and data.mean is not None and data.mean < _DARK,
                "resize": run.info.options.get("resize", "crop"),
            }
        },
        body={
            "without_script": "Drawing needs JavaScript, which is off. `mnist-tune predict` with this run's folder and a picture "
            "answers the same question.",
            "input": "×".join(map(str, data.input_shape)),
            "pad": "Pad to draw a digit on" if digits else "Pad for a picture",
            "invitation": "Draw with mouse, pen or finger, or drop a picture here.",
            "evidence": "Exact: what each place adds to the score of the class."
            if network.linear
            else "How much less likely the class gets while a place is covered.",
            "examples": "Test images, as the network was given them:",
        },
    )  # fmt: skip


def _how(network: NetworkCopy, *, digits: bool) -> str:
    prepared = (
        "A digit is cut out, scaled to a box of 20×20 pixels and centred by its mass, as MNIST's were."
        if digits
        else "A picture is resized as the training images were."
    )
    evidence = (
        "The layers behind the last map are linear, so each place of it adds a known amount to a class's score (class activation "
        "map, Zhou et al. 2016): blue speaks for the class, vermilion against it."
        if network.linear
        else "The evidence is found by covering one place of the picture after the other (Zeiler and Fergus 2014): where the class "
        "gets less likely it is blue, where it gets more likely vermilion."
    )
    return (
        f"The exported network is in this file and computed by it; no picture leaves it. Its probabilities are within "
        f"{network.difference:.1g} of the Keras model's on validation images. {prepared} {evidence} In the maps of the layers ink is "
        "a strong response, vermilion one below zero. An error below opens with its evidence at a click on its picture."
    )
