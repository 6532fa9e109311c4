"""The parts of the page: Answer, Try it, Search, Model, Record. Sections that only record are folded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from reports.sections.section import Section

_GROUPS = {
    "try-it": "Try it",
    "leaderboard": "Search",
    "search": "Search",
    "hyperparameters": "Search",
    "pareto": "Search",
    "fidelity": "Search",
    "learning-curves": "Model",
    "confusion": "Model",
    "errors": "Model",
    "robustness": "Model",
    "custom-images": "Model",
    "device": "Model",
    "weights": "Record",
    "data": "Record",
    "failures": "Record",
    "model-card": "Record",
    "reproduce": "Record",
}
"""Id → part, of a search's and a training's page; the first section is the answer."""


def grouped(sections: Iterable[Section], *, study: bool) -> list[Section]:
    """Return the sections with their parts.

    Args:
        sections: in the page's order.
        study: of a study, whose sections are one part, but for those that record.
    """
    result = []
    for place, section in enumerate(sections):
        if place == 0:
            group = "Answer"
        elif study:
            group = "Record" if _GROUPS.get(section.id) == "Record" else "Study"
        else:
            group = _GROUPS[section.id]
        result.append(replace(section, group=group, folded=group == "Record"))
    return result
