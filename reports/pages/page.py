"""The page of a run: its sections in order, rendered into one HTML file without any other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import templates
from reports.figures.standalone_files import themed_file
from reports.pages.page_data import page_data
from reports.run.reading import read_run
from reports.run.run_data import RunData
from reports.sections.model import confusion, data, errors, model_card, reproduce, robustness, training, weights
from reports.sections.model import ood_images as custom_images
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

PAGE_NAME = "report.html"

RELOAD_S = 20
"""Seconds after which the page of a running run loads itself again."""

SECTIONS: tuple[Callable[[RunData], Section | None], ...] = (
    summary.build,
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
    weights.build,
    data.build,
    failures.build,
    model_card.build,
    reproduce.build,
)
"""In the order of a reader's questions. One that has nothing to say of a run is left out."""

NOT_OF_A_TRAINING = (search.build, hyperparameters.build, pareto.build, fidelity.build)
"""One configuration was trained: nothing was searched, and there is no front."""


def sections_of(run: RunData) -> list[Section]:
    """The sections of a run's page, by its kind."""
    if run.info.kind == "study" and run.info.study is not None:
        return list(_study_sections(run))
    if run.info.kind == "train":
        kept = [build for build in SECTIONS if build not in (summary.build, leaderboard.build, *NOT_OF_A_TRAINING)]
        return [training.build(run), training.trials_section(run), *_built(kept, run)]
    return list(_built(SECTIONS, run))


def _built(builders: Iterable[Callable[[RunData], Section | None]], run: RunData) -> Iterator[Section]:
    return (section for build in builders if (section := build(run)) is not None)


def _study_sections(run: RunData) -> Iterator[Section]:
    yield from (study.summary(run), study_effects.effects_section(run), study_curves.curves_section(run))
    found = list(_built((*study_epochs.OPTIONAL, *study_layers.OPTIONAL, *study_costs.OPTIONAL), run))
    yield from found
    if any(section.id == "capacity" for section in found):
        yield study_rest.size_section(run)
    for build in (study_rest.trials_section, study_rest.best_curves_section, study_rest.weights_section):
        yield build(run)
    yield from (data.build(run), failures.build(run), study_rest.reproduce_section(run))


def render_report(run_dir: Path) -> str:
    """The page of a run as HTML. The same run gives the same text.

    Raises:
        UsageError: where the folder holds no run.
        JournalError: where a file of it is damaged.
    """
    run = read_run(run_dir)
    return render_run(run, reload=run.info.status == "running")


def render_run(run: RunData, *, reload: bool = False) -> str:
    """The page of a run that has been read."""
    sections = sections_of(run)
    return templates.render(
        "page.html.j2",
        {
            "title": _title(run),
            "banners": summary.banners(run),
            "sections": sections,
            "data": page_data(run),
            "reload_s": RELOAD_S if reload else 0,
            "version": run.info.program.version,
        },
    )


def write_report(run_dir: Path) -> Path:
    """Write `report.html` into the run's folder, whole or not at all; returns its path.

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
    """The figures of a run's page, in its order."""
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
