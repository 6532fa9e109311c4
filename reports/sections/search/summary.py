"""`summary`: the answer with its uncertainty, what to do next, the network, the front and the best configurations."""

from __future__ import annotations

from reports import formatting as text
from reports.analysis.model.consistency import (
    LAST_EPOCHS,
    AccuracyThreshold,
    Consistency,
    accuracy_threshold,
    consistency,
)
from reports.analysis.model.network import network
from reports.analysis.search.pareto import Front, size_front
from reports.analysis.search.target import target_of
from reports.analysis.search.trials import best
from reports.figures.search.pareto import front_figure
from reports.run.run_data import RunData
from reports.sections.banners import Banner, banners
from reports.sections.model.network_strip import format_network, strip
from reports.sections.model.refit import format_refit, format_seeds
from reports.sections.scores import format_scores
from reports.sections.search.headline import Answer, answer_of
from reports.sections.search.ladder import ladder
from reports.sections.search.leaderboard import short_table
from reports.sections.search.next_steps import next_steps
from reports.sections.search.published import format_reference, reference_tables
from reports.sections.search.target import format_chosen
from reports.sections.section import Figure, Section
from reports.sections.testing import format_test_use, was_tested
from search_spaces.networks.costs import LayerSummary
from tuner.storage.schema.result import ResultDocument

__all__ = ["Answer", "Banner", "answer_of", "banners", "build"]


def build(run: RunData) -> Section:
    """Return the section."""
    answer = answer_of(run)
    net = network(_layers(run), channels=_channels(run))
    front = size_front(run)
    return Section(
        id="summary",
        name="Answer",
        part="Answer",
        title=f"{answer.number} {answer.words}",
        how=_how(run),
        body={
            "answer": answer,
            "ladder": ladder(run),
            "next": next_steps(run),
            "network": format_network(net),
            "strip": strip(net),
            "front": _front(run, front),
            "best": short_table(run),
            "references": reference_tables(run),
            "pending": _pending(run),
            "claims": _claims(run),
        },
    )


def _how(run: RunData) -> str:
    spread = "± is the standard deviation over seeds of the same recipe."
    if was_tested(run):
        spread = f"The interval is Wilson's, 95%, of the exported model on the test images; {spread}"
    return f"{spread} {format_test_use(run)}{format_scores(run)}"


def _channels(run: RunData) -> int:
    """Return the channels of an image."""
    return run.info.data.input_shape[2] if run.info.data.in_colour else 1


def _layers(run: RunData) -> tuple[LayerSummary, ...]:
    if run.result is not None and run.result.layers:
        return run.result.network
    top = best(run.records)
    return top.layers if top is not None else ()


def _pending(run: RunData) -> str:
    """Return what the page of a run without a result will have in addition."""
    if run.result is not None or run.info.kind == "study":
        return ""
    when = "come with the result" if run.info.status == "running" else "need a confirmed model"
    return f"Confusion, errors, robustness, memory, weights and the model card {when}."


def _front(run: RunData, front: Front) -> Figure | None:
    if not front.points:
        return None
    words = _format_front(run)
    return Figure(
        front_figure(
            front, words, name="front", target=target_of(run), score_name=run.score_name, width=520, height=300
        ),
        words,
    )


def _format_front(run: RunData) -> str:
    front = size_front(run).front
    if not front:
        return "Accuracy against parameters"
    top = front[-1]
    return f"{text.percent(top.accuracy)}% with {text.count(top.parameters)} parameters: the best trial of the search"


def _claims(run: RunData) -> tuple[str, ...]:
    """Return the sentences below the answer: the choice, the comparison with references, the consistency."""
    return tuple(
        words
        for words in (format_refit(run), format_chosen(run), format_reference(run), _format_consistency(run))
        if words
    )


def _format_consistency(run: RunData) -> str:
    result, bar = run.result, accuracy_threshold(run)
    if result is None or bar is None:
        return ""
    counts = consistency(run.of(result.trials), bar.accuracy)
    if counts is None:
        return ""
    return f"{_consistency_sentence(counts, bar)}{_tested_seeds(run, result, bar)}"


def _consistency_sentence(counts: Consistency, bar: AccuracyThreshold) -> str:
    whose, least = "", text.exact_percent(counts.bar)
    if bar.reference is not None:
        least = text.percent(counts.bar)
        whose = f", what the best reference reached here ({bar.reference}, {text.plural(bar.epochs, 'epoch')})"
    return (
        f"On validation images {counts.seeds_above} of {text.plural(counts.seeds, 'seed')} of the winner ended at "
        f"{least}% or more{whose}. In {_last_epochs(counts)}, {counts.epochs_above} of "
        f"{text.plural(counts.epochs, 'measurement')} {'was' if counts.epochs_above == 1 else 'were'} at {least}% or more"
    )


def _last_epochs(counts: Consistency) -> str:
    """Return the epochs of each seed that were counted; a short training has fewer than five."""
    each = counts.epochs // counts.seeds
    return "the last epoch" if each == 1 else f"the last {min(each, LAST_EPOCHS)} epochs"


def _tested_seeds(run: RunData, result: ResultDocument, bar: AccuracyThreshold) -> str:
    """Return the end of the sentence: the seeds that reach the threshold on test images, if it applies to them."""
    if result.test is None or bar.reference is not None or not result.test.per_seed:
        return "."
    above = sum(value >= bar.accuracy for value in result.test.per_seed)
    return f". On test images {above} of {format_seeds(result, len(result.test.per_seed))} ended there."
