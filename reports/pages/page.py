"""The page of a run: its sections in order, rendered into one self-contained HTML file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import templates
from reports.figures import pictures
from reports.figures.standalone_files import themed_file
from reports.pages.page_data import page_data
from reports.run.reading import read_run
from reports.run.run_data import RunData
from reports.sections import try_it
from reports.sections.model import confusion, data, device, errors, model_card, reproduce, robustness, training, weights
from reports.sections.model import ood_images as custom_images
from reports.sections.model.ood_images import SEEN
from reports.sections.search import (
    failures,
    fidelity,
    hyperparameters,
    leaderboard,
    learning_curves,
    pareto,
    search,
    summary,
)
from reports.sections.section import Figure, Section
from reports.sections.study import costs as study_costs
from reports.sections.study import curves as study_curves
from reports.sections.study import effects as study_effects
from reports.sections.study import epochs as study_epochs
from reports.sections.study import layers as study_layers
from reports.sections.study import rest as study_rest
from reports.sections.study import summary as study
from tuner.storage.files import os_errors_as_usage, write_text
from tuner.storage.schema.data_set import MNIST_SHAPE, DataSet

PAGE_NAME = "report.html"

_SHORT_NAME, _WORDS_PX = 8, 152
"""The letters of a class's name above which it gets more room beside a picture, and how much."""
RELOAD_S = 20
"""Seconds after which the page of a running run reloads."""

Builder: TypeAlias = Callable[[RunData], Section | None]

SECTIONS: tuple[Builder, ...] = (
    summary.build,
    try_it.build,
    leaderboard.build,
    search.build,
    hyperparameters.build,
    pareto.build,
    fidelity.build,
    learning_curves.build,
    confusion.build,
    errors.build,
    robustness.build,
    custom_images.build,
    device.build,
    weights.build,
    data.build,
    failures.build,
    model_card.build,
    reproduce.build,
)
"""The sections in order; a function that returns None has no section for the run."""

NOT_OF_A_TRAINING = (search.build, hyperparameters.build, pareto.build, fidelity.build)
"""The sections that a training's page lacks: it has one configuration and no search."""


OF_A_MODEL = (
    confusion.build,
    errors.build,
    robustness.build,
    custom_images.build,
    device.build,
    weights.build,
    model_card.build,
)
"""The sections about the confirmed model, which an unfinished run lacks."""


def sections_of(run: RunData) -> list[Section]:
    """Return the sections of a run's page, by its kind."""
    if run.info.kind == "study" and run.info.study is not None:
        return [_of_a_study(place, section) for place, section in enumerate(_study_sections(run))]
    if run.info.kind == "train":
        left_out = (summary.build, leaderboard.build, *NOT_OF_A_TRAINING)
        kept = [build for build in _kept(run, SECTIONS) if build not in left_out]
        return [training.build(run), training.trials_section(run), *_built(kept, run)]
    return list(_built(_kept(run, SECTIONS), run))


def _of_a_study(place: int, section: Section) -> Section:
    """Return a section in its part of a study's page: all that do not record are one part, but for the answer."""
    if section.part == "Record":
        return section
    return replace(section, part="Study" if place else "Answer")


def _kept(run: RunData, builders: Iterable[Builder]) -> list[Builder]:
    """Return the sections without those of a model, for a run that has none; the first section says so in a line."""
    return [build for build in builders if run.result is not None or build not in OF_A_MODEL]


def _built(builders: Iterable[Builder], run: RunData) -> Iterator[Section]:
    return (section for build in builders if (section := build(run)) is not None)


_QUESTIONS = {"optimizer": "convergence"}
"""Hyperparameter → the section that answers its study's own question, where that is not about accuracy."""


def _study_sections(run: RunData) -> Iterator[Section]:
    optional_sections = list(_built((*study_epochs.OPTIONAL, *study_layers.OPTIONAL, *study_costs.OPTIONAL), run))
    # The question about optimizers is how fast and how steadily they learn.
    question = _QUESTIONS.get(run.info.study.hyperparameter) if run.info.study is not None else None
    asked = [section for section in optional_sections if section.id == question]
    optional_sections = [section for section in optional_sections if section not in asked]
    yield study.summary(run)
    yield from asked
    yield from (study_effects.effects_section(run), study_curves.curves_section(run))
    yield from optional_sections
    if any(section.id == "capacity" for section in optional_sections):
        yield study_rest.size_section(run)
    for build in (study_rest.trials_section, study_rest.best_curves_section, study_rest.weights_section):
        yield build(run)
    yield from (data.build(run), failures.build(run), study_rest.reproduce_section(run))


def render_report(run_dir: Path) -> str:
    """Return the page of a run as HTML. The same run gives the same text.

    Raises:
        UsageError: where the folder holds no run.
        JournalError: where a file of it is damaged.
    """
    run = read_run(run_dir)
    return render_run(run, reload=run.info.status == "running")


def render_run(run: RunData, *, reload: bool = False) -> str:
    """Return the page of a run that has been read."""
    sections = sections_of(run)
    return templates.render(
        "page.html.j2",
        {
            "title": _title(run),
            "banners": summary.banners(run),
            "sections": sections,
            "data": {**page_data(run), **{name: value for section in sections for name, value in section.data.items()}},
            "sizes": _sizes(run.info.data),
            "reload_s": RELOAD_S if reload else 0,
            "version": run.info.program.version,
        },
    )


def _sizes(data: DataSet) -> str:
    """Return the sizes of pictures and of words beside them as CSS variables; "" for MNIST's, which the style sheet has."""
    image_shape = data.input_shape
    named = any(len(name) > _SHORT_NAME for name in data.class_names)
    words = f"--words: {_WORDS_PX}px" if named else ""
    if image_shape[:2] == MNIST_SHAPE:
        return words
    sides = {"picture": pictures.shown_size(image_shape), "seen": pictures.small_size(image_shape, SEEN)}
    sides["thumbnail"] = pictures.small_size(image_shape)
    return "; ".join((*(f"--{name}: {width}px" for name, (width, _) in sides.items()), *filter(None, [words])))


def write_report(run_dir: Path) -> Path:
    """Write `report.html` into the run's folder, whole or not at all, and return its path.

    Raises:
        UsageError: where the folder holds no run, or can't be written to.
        JournalError: where a file of it is damaged.
    """
    path = run_dir / PAGE_NAME
    page = render_report(run_dir)
    with os_errors_as_usage(path):
        write_text(path, page)
    return path


def figures(run_dir: Path) -> dict[str, str]:
    """Return the figures of a run's page, each a complete SVG file that follows the viewer's theme: name → text.

    Raises:
        UsageError: where the folder holds no run.
        JournalError: where a file of it is damaged.
    """
    return {figure.name: themed_file(figure.drawing, figure.title) for figure in page_figures(read_run(run_dir))}


def page_figures(run: RunData) -> tuple[Figure, ...]:
    """Return the figures of a run's page in order."""
    return tuple(figure for section in sections_of(run) for figure in _figures_in(section.body.values()))


def _figures_in(values: Iterable[object]) -> Iterator[Figure]:
    for value in values:
        if isinstance(value, Figure):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _figures_in(value)


def _title(run: RunData) -> str:
    if run.info.study is not None:
        return f"Study of {run.info.study.hyperparameter} · {run.info.space.name} on {run.info.data.name} · mnist-tune"
    answer = summary.answer_of(run)
    return f"{answer.number} · {run.info.space.name} on {run.info.data.name} · mnist-tune"
