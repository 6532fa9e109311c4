"""A study's answer."""

from __future__ import annotations

import re

from reports import formatting as text
from reports.run.run_data import RunData
from reports.sections.banners import DIGITS
from reports.sections.section import Section

_SENTENCE_END = re.compile(r"(?<=[a-z)]\.) ")
"""Between the first sentence of a conclusion and the rest."""


def summary(run: RunData) -> Section:
    """The conclusion and what it stands on."""
    first, rest = conclusion_of(run)
    return Section(
        id="summary",
        name="Answer",
        title=first,
        how="Each arm was trained with the same seeds as the base, so they are compared pair by pair: Student's t test of the differences, "
        "two-sided, Holm's correction over all comparisons, a difference is called shown where p is below 0.05. ± here is half a 95% "
        "interval of the mean difference. A study never meets the test set: all figures are of validation images.",
        body={
            "kicker": _kicker(run),
            "headline": first,
            "rest": rest,
            "caveat": f"{DIGITS}." if run.info.data.is_digits else "",
            "facts": _facts(run),
        },
        template="study-summary.html.j2",
    )


def conclusion_of(run: RunData) -> tuple[str, str]:
    """The first sentence of the conclusion, and the others; what is known so far where there is none."""
    words = run.result.study.conclusion if run.result is not None and run.result.study is not None else ""
    if words:
        first, *rest = _SENTENCE_END.split(words, maxsplit=1)
        return first, "".join(rest)
    return _so_far(run)


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
        ("Data", "scikit-learn's digits" if info.data.is_digits else info.data.name),
        ("Space", info.space.name),
    ]
    return (*facts, ("Time", text.duration(info.times.elapsed_s))) if info.times.elapsed_s else tuple(facts)
