"""The main report's sections as a study's page places them: an arm is no winner, and nothing was exported."""

from __future__ import annotations

from dataclasses import replace

from markupsafe import Markup, escape

from reports import formatting as text
from reports.analysis.study import arms_of
from reports.figures.study import short_label
from reports.run_data import RunData
from reports.sections import leaderboard, learning_curves, pareto, reproduce, weights
from reports.sections.section import Figure, Section, Table
from tuner.records import configuration_key


def trials_section(run: RunData) -> Section:
    """Every trial; means over seeds stand under effects."""
    found = leaderboard.build(replace(run, result=None))
    arms = arms_of(run)
    return replace(
        found,
        name="Trials",
        title=f"{text.plural(len(run.records), 'trial')} of {text.plural(len(arms), 'arm')} ended",
        how="Every trial with all that differs between them, best validation accuracy first. One trial is one seed: effects has the means.",
        body={**found.body, "why_none": ""},
    )


def best_curves_section(run: RunData) -> Section:
    """The arm with the best mean, on its own."""
    result = run.result
    alone = run if result is None else replace(run, result=replace(result, finalists=result.finalists[:1]))
    found, name = learning_curves.build(alone), best_arm(run)
    body = dict(found.body)
    if isinstance(curves := body["accuracy"], Figure):
        body["accuracy"] = _of_arm(curves, name)
    title = found.title.replace("The winner does", f"{name}, with the best mean, does", 1)
    return replace(found, name="Best arm's curves", title=title, body=body)


def _of_arm(found: Figure, name: str) -> Figure:
    """The figure with the arm's name in the place of the winner's."""
    title = found.title.replace("the winner", name, 1)
    label = Markup(">{}<").format(short_label(name, 16))
    svg = found.svg.replace(Markup(">winner<"), label).replace(escape(found.title), escape(title))
    return replace(found, svg=svg, title=title)


def weights_section(run: RunData) -> Section:
    """Kernels of one model of the arm with the best mean."""
    found = weights.build(run)
    body = dict(found.body)
    table = body["table"]
    if isinstance(table, Table):
        name = best_arm(run)
        body["table"] = replace(table, caption=f"Kernels of the median seed of {name}, first to last.")
    why = "The study has kept no weight statistics." if body["why_none"] else ""
    return replace(found, body={**body, "why_none": why})


def size_section(run: RunData) -> Section:
    """Accuracy against parameters, where arms differ in these."""
    found = pareto.build(run)
    how = (
        "Marks are trials, one seed each; the step line joins those that no smaller trial equals, so it favours lucky seeds. The large mark is the arm "
        "with the best mean, with its seeds' range. Diamonds are published test accuracies, which are not validation accuracies of this study."
    )
    body = dict(found.body)
    if isinstance(drawn := body["figure"], Figure):
        body["figure"] = replace(drawn, svg=drawn.svg.replace(Markup(">winner"), Markup(">best arm")))
    return replace(found, how=how, body=body)


def reproduce_section(run: RunData) -> Section:
    """As of a search, without an exported model."""
    found = reproduce.build(run)
    return replace(found, body={**found.body, "ledgers": reproduce.ledgers(run, exported=False)})


def best_arm(run: RunData) -> str:
    """The label of the arm with the best mean, or the best trial's."""
    result = run.result
    if result is None:
        return "the best trial"
    key = configuration_key(result.configuration)
    for arm in arms_of(run):
        if configuration_key(arm.plan.configuration) == key and arm.plan.epochs == result.epochs:
            return arm.name
    return "the best arm"
