"""The first section of a study's page: its conclusion."""

from __future__ import annotations

import re

from reports import formatting as text
from reports.analysis.study.learning import convergence
from reports.run.run_data import RunData
from reports.sections.data_name import format_data
from reports.sections.section import Section
from reports.sections.study.epochs import format_learning

_MOST_SENTENCES = 2
"""The sentences below the headline; the others are folded."""
_SENTENCE_END = re.compile(r"(?<=[a-z)]\.) ")
"""The gap after a sentence of a conclusion."""


def summary(run: RunData) -> Section:
    """Return the section: the conclusion and its basis."""
    first, rest = conclusion_of(run)
    answer = _own_answer(run)
    sentences = [sentence for sentence in _SENTENCE_END.split(rest) if sentence]
    if answer:
        sentences = [first, *sentences]
    shown, folded = sentences[:_MOST_SENTENCES], sentences[_MOST_SENTENCES:]
    headline = answer or first
    return Section(
        id="summary",
        name="Answer",
        title=headline,
        how="Each arm was trained with the same seeds as the base, so they are compared pair by pair: Student's t test of the differences, "
        "two-sided, Holm's correction over all comparisons, a difference is called shown where p is below 0.05. ± here is half a 95% "
        "interval of the mean difference, corrected in the same way. A study never uses the test set: all figures are of validation images.",
        body={
            "kicker": _kicker(run),
            "headline": headline,
            "sentences": shown,
            "more": folded,
            "more_words": f"{text.plural(len(folded), 'more sentence')}" if folded else "",
            "facts": _facts(run),
        },
        template="study-summary.html.j2",
    )


def conclusion_of(run: RunData) -> tuple[str, str]:
    """Return the first sentence of the conclusion, and the others; the results so far if there is none."""
    words = run.result.study.conclusion if run.result is not None and run.result.study is not None else ""
    if words:
        first, *rest = _SENTENCE_END.split(words, maxsplit=1)
        return first, "".join(rest)
    return _so_far(run)


def _own_answer(run: RunData) -> str:
    """Return the answer to the question of a study of optimizers, which is not that of accuracy; "" of other studies."""
    if run.info.study is None or run.info.study.hyperparameter != "optimizer" or run.result is None:
        return ""
    return format_learning(convergence(run))


def _so_far(run: RunData) -> tuple[str, str]:
    plan = run.info.study
    planned = len(plan.arms) * plan.seeds if plan is not None else 0
    if not run.records:
        return "No answer yet: no trial has finished.", ""
    if not any(record.completed for record in run.records):
        return (
            f"No answer: none of {text.plural(len(run.records), 'trial')} completed.",
            "The reasons are under failures.",
        )
    done = (
        f"{len(run.records)} of {text.plural(planned, 'trial')} {'has' if len(run.records) == 1 else 'have'} finished."
    )
    return (
        f"No conclusion yet: {done}",
        "What follows is what they show so far; nothing is tested before the study is done.",
    )


def _kicker(run: RunData) -> str:
    plan = run.info.study
    if plan is None:
        return ""
    return f"Study of {plan.hyperparameter}. {plan.question}"


def _facts(run: RunData) -> tuple[tuple[str, str], ...]:
    plan, info = run.info.study, run.info
    if plan is None:
        return ()
    epochs = sorted({arm.epochs for arm in plan.arms})
    lengths = text.count(epochs[0]) if len(epochs) == 1 else f"{epochs[0]} to {epochs[-1]}"
    facts = [
        ("Base", plan.base),
        ("Arms", text.count(len(plan.arms))),
        ("Seeds", f"{plan.seeds} each"),
        ("Epochs", lengths),
        ("Validation images", text.count(info.data.validation)),
        ("Test images", "not used"),
        ("Data", format_data(info.data)),
        ("Space", info.space.name),
    ]
    return (*facts, ("Time", text.duration(info.times.elapsed_s))) if info.times.elapsed_s else tuple(facts)
