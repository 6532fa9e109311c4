"""A run's sections adapted to a study's page: it has arms instead of a winner, and no exported model."""

from __future__ import annotations

from dataclasses import replace

from msgspec import structs

from reports import formatting as text
from reports.analysis.search.naming import best_arm
from reports.analysis.study.effects import arms_of
from reports.run.run_data import RunData
from reports.sections.model import reproduce, weights
from reports.sections.search import leaderboard, learning_curves, pareto
from reports.sections.section import Section, Table


def trials_section(run: RunData) -> Section:
    """Return the section of all trials; means over seeds are in the effects section."""
    section = leaderboard.build(replace(run, result=None))
    arms = arms_of(run)
    return replace(
        section,
        name="Trials",
        title=f"{text.plural(len(run.records), 'trial')} of {text.plural(len(arms), 'arm')} ended",
        how="Every trial with all that differs between them, best validation accuracy first. One trial is one seed: effects has the means.",
        body={**section.body, "why_none": ""},
    )


def best_curves_section(run: RunData) -> Section:
    """Return the learning curves of the arm with the best mean."""
    result = run.result
    alone = run if result is None else replace(run, result=structs.replace(result, finalists=result.finalists[:1]))
    return replace(learning_curves.build(alone), name="Best arm's curves")


def weights_section(run: RunData) -> Section:
    """Return the section on the kernels of one model of the arm with the best mean."""
    section = weights.build(run)
    body = dict(section.body)
    table = body["table"]
    if isinstance(table, Table):
        name = best_arm(run)
        body["table"] = replace(table, caption=f"Kernels of the median seed of {name}, first to last.")
    why = "The study has kept no weight statistics." if body["why_none"] else ""
    # The norms of all arms are in `norms_section`.
    return replace(section, body={**body, "why_none": why, "norms": None, "norm_table": None})


def size_section(run: RunData) -> Section:
    """Return the section on accuracy against parameters."""
    section = pareto.build(run)
    how = (
        "Marks are trials, one seed each; the step line joins those that no smaller trial equals, so it favours lucky seeds. The large mark is the arm "
        "with the best mean, with its seeds' range. Diamonds are published test accuracies, which are not validation accuracies of this study."
    )
    return replace(section, how=how)


def reproduce_section(run: RunData) -> Section:
    """Return the section on reproducing the study."""
    section = reproduce.build(run)
    return replace(section, body={**section.body, "ledgers": reproduce.ledgers(run, exported=False)})
