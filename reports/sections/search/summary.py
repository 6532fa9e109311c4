"""`summary`: the answer, whether it can be trusted, the network, the front and the best configurations at a glance."""

from __future__ import annotations

from dataclasses import dataclass

from reports import formatting as text
from reports.analysis.model.consistency import (
    AccuracyThreshold,
    Consistency,
    accuracy_threshold,
    consistency,
)
from reports.analysis.model.network import Block, Network, network
from reports.analysis.search.pareto import Front, size_front
from reports.analysis.search.target import target_of
from reports.analysis.search.trials import best, explored
from reports.figures.search.pareto import front_figure
from reports.run.run_data import RunData
from reports.sections.banners import Banner, banners, caveat
from reports.sections.folds import images_words
from reports.sections.model.refit import format_refit, format_seeds
from reports.sections.search.leaderboard import short_table
from reports.sections.search.published import format_reference, reference_table
from reports.sections.search.target import format_chosen
from reports.sections.section import Figure, Section
from reports.sections.testing import format_test_use, was_tested
from search_spaces.networks.costs import LayerSummary
from tuner.storage.schema.result import ResultDocument, TestScores

__all__ = ["Answer", "Banner", "answer_of", "banners", "build"]

_WIDEST, _THICKEST, _THINNEST = 72, 4.0, 2.0
"""Of a layer's picture in the strip, and of a channel's slice of it, in pixels."""

_KINDS = {
    "pool": "max pool",
    "separable_conv": "separable",
    "global_average_pooling": "average",
    "batch_norm": "norm",
}


@dataclass(frozen=True)
class StripBlock:
    """A block of the network as the strip shows it."""

    kind: str
    followers: str
    shape: str
    parameters: str
    multiply_adds: str
    height: str
    """The height of its picture in pixels: grows with the image's side."""
    width: str
    """The width of its picture in pixels: grows with the channels."""
    pitch: str
    """The width of a slice of its picture, one a channel; 0 where they are too thin to be seen."""
    bar: str
    """Its share of the parameters in percent."""


@dataclass(frozen=True)
class Answer:
    """The headline."""

    number: str
    """"99.46%", or a word where there is none."""
    interval: str
    words: str
    caveat: str
    facts: tuple[tuple[str, str], ...]


def build(run: RunData) -> Section:
    """The first screen."""
    answer = answer_of(run)
    net = network(_layers(run))
    front = size_front(run)
    return Section(
        id="summary",
        name="Answer",
        title=answer.number,
        how=_how(run),
        body={
            "answer": answer,
            "network": _format_network(net),
            "strip": _strip(net),
            "front": _front(run, front),
            "best": short_table(run),
            "references": reference_table(run),
            "claims": _claims(run),
        },
    )


def _how(run: RunData) -> str:
    spread = "± is the standard deviation over seeds of the same recipe."
    if was_tested(run):
        spread = f"The interval is Wilson's, 95%, of the exported model on the test images; {spread}"
    return f"{spread} {format_test_use(run)}"


def answer_of(run: RunData) -> Answer:
    """The best that the run can say by now."""
    result = run.result
    doubt = caveat(run)
    if result is not None and result.test is not None:
        return _tested(run, result, result.test, doubt)
    if result is not None and result.validation.mean is not None:
        seeds = len(result.validation.per_seed)
        return Answer(
            number=f"{text.percent(result.validation.mean)}%",
            interval=f"± {text.percent(result.validation.sd)}" if result.validation.sd is not None else "",
            words=f"of {images_words(run)}, mean of {text.plural(seeds, 'seed')}; "
            f"the test set was not used; {_format_size(run, result.parameters)}, {text.plural(result.epochs, 'epoch')}",
            caveat=doubt,
            facts=_facts(run, result),
        )
    top = best(explored(run.records) or run.records)
    if top is not None:
        return Answer(
            number=f"{text.percent(top.val_accuracy)}%",
            interval="",
            words=f"of {text.count(run.info.data.validation)} validation images: the best of {text.plural(len(run.records), 'trial')} "
            f"so far, one seed, not confirmed; {_format_size(run, top.parameters)}",
            caveat=doubt,
            facts=_facts(run, None),
        )
    return Answer("No answer", "", _no_answer(run), doubt, _facts(run, None))


def _tested(run: RunData, result: ResultDocument, test: TestScores, doubt: str) -> Answer:
    value = test.exported_accuracy if test.exported_accuracy is not None else test.accuracy
    interval = f"[{text.percent(test.interval[0])}, {text.percent(test.interval[1])}]" if test.interval else ""
    images = f"{text.count(test.n)} test images"
    errors = f"{text.plural(test.errors, 'error')} of {images}" if test.errors is not None else f"of {images}"
    return Answer(
        number=f"{text.percent(value)}%",
        interval=interval,
        words=f"{errors}, {_format_size(run, result.parameters)}, {_format_effort(run, result)}",
        caveat=doubt,
        facts=_facts(run, result),
    )


def _format_effort(run: RunData, result: ResultDocument) -> str:
    epochs = text.plural(result.epochs, "epoch")
    if result.refit is not None:
        epochs = f"refitted on {text.count(result.refit.images)} images, {epochs}"
    verb = "found" if run.info.kind == "search" else "trained"
    return f"{epochs}, {verb} in {text.duration(run.info.times.elapsed_s)}" if run.info.times.elapsed_s else epochs


def _no_answer(run: RunData) -> str:
    if not run.records:
        return "yet: no trial has finished."
    return f"None of {text.plural(len(run.records), 'trial')} completed; the reasons are under failures."


def _format_size(run: RunData, parameters: int) -> str:
    cap = f" of {text.count(run.info.space.max_params)}" if run.info.space.max_params is not None else ""
    return f"{text.count(parameters)}{cap} parameters"


def _facts(run: RunData, result: ResultDocument | None) -> tuple[tuple[str, str], ...]:
    info, facts = run.info, []
    if result is not None and result.test is not None:
        seeds = format_seeds(result, len(result.test.per_seed))
        facts.append((f"Test, mean of {seeds}", f"{text.spread(result.test.accuracy, result.test.sd)} %"))
    if result is not None:
        n = len(result.validation.per_seed)
        facts.append(
            (
                f"Validation, mean of {text.plural(n, 'seed')}",
                f"{text.spread(result.validation.mean, result.validation.sd)} %",
            )
        )
    facts.append(("Trials", text.count(len(run.every))))
    if info.times.elapsed_s and (result is None or result.test is None):
        facts.append(("Time", text.duration(info.times.elapsed_s)))
    facts.append(("Data", info.data.name if not info.data.is_digits else "scikit-learn's digits"))
    facts.append(("Space", info.space.name))
    return tuple(facts)


def _layers(run: RunData) -> tuple[LayerSummary, ...]:
    if run.result is not None and run.result.layers:
        return run.result.network
    top = best(run.records)
    return top.layers if top is not None else ()


def _format_network(net: Network | None) -> str:
    if net is None:
        return ""
    moving = f" and {text.count(net.non_trainable)} moving statistics" if net.non_trainable else ""
    return (
        f"{text.count(net.parameters)} trainable parameters{moving}, {text.count(net.multiply_adds)} multiply-adds an image, "
        f"largest activation {text.count(net.largest_activation)} values"
    )


def _strip(net: Network | None) -> tuple[StripBlock, ...]:
    if net is None:
        return ()
    largest = max(block.parameter_share for block in net.blocks) or 1.0
    side = max(block.shape[0] if len(block.shape) > 1 else 1 for block in net.blocks)
    return tuple(_strip_block(block, side, largest) for block in net.blocks)


def _strip_block(block: Block, side: int, largest: float) -> StripBlock:
    here = block.shape[0] if len(block.shape) > 1 else 1
    channels = max(block.shape[-1], 1) if block.shape else 1
    pitch = min(_THICKEST, _WIDEST / channels)
    pitch = pitch if pitch >= _THINNEST else 0.0
    return StripBlock(
        kind=_kind(block),
        followers=", ".join(_KINDS.get(kind, kind.replace("_", " ")) for kind in block.followers),
        shape=text.shape(block.shape),
        parameters=text.count(block.parameters) if block.parameters else text.MISSING,
        multiply_adds=text.count(block.multiply_adds) if block.multiply_adds else text.MISSING,
        height=f"{max(3.0, 40 * here / side):.0f}",
        width=f"{pitch * channels:.0f}" if pitch else f"{_WIDEST}",
        pitch=f"{pitch:.2f}",
        bar=f"{100 * block.parameter_share / largest:.1f}",
    )


def _kind(block: Block) -> str:
    name = _KINDS.get(block.kind, block.kind.replace("_", " "))
    return f"{block.kernel}×{block.kernel} {name}" if block.kernel else name


def _front(run: RunData, front: Front) -> Figure | None:
    if not front.points:
        return None
    words = _format_front(run)
    return Figure(front_figure(front, words, name="front", target=target_of(run), width=520, height=300), words)


def _format_front(run: RunData) -> str:
    front = size_front(run).front
    if not front:
        return "Accuracy against parameters"
    top = front[-1]
    return f"{text.percent(top.accuracy)}% with {text.count(top.parameters)} parameters: the best trial of the search"


def _claims(run: RunData) -> tuple[str, ...]:
    """Return what stands beside the answer: how it was chosen, how it compares, and how consistent it is."""
    return tuple(
        words
        for words in (format_refit(run), format_chosen(run), format_reference(run), _format_consistency(run))
        if words
    )


def _format_consistency(run: RunData) -> str:
    result, bar = run.result, accuracy_threshold(run)
    if result is None or bar is None:
        return ""
    found = consistency(run.of(result.trials), bar.accuracy)
    if found is None:
        return ""
    return f"{_consistency_sentence(found, bar)}{_tested_seeds(run, result, bar)}"


def _consistency_sentence(found: Consistency, bar: AccuracyThreshold) -> str:
    whose, least = "", text.exact_percent(found.bar)
    if bar.reference is not None:
        least = text.percent(found.bar)
        whose = f", what the best reference reached here ({bar.reference}, {text.plural(bar.epochs, 'epoch')})"
    return (
        f"On validation images {found.seeds_above} of {text.plural(found.seeds, 'seed')} of the winner ended at "
        f"{least}% or more{whose}, and {found.epochs_above} of their last "
        f"{text.plural(found.epochs, 'epoch')} were there"
    )


def _tested_seeds(run: RunData, result: ResultDocument, bar: AccuracyThreshold) -> str:
    """On the test images too, where the bar is one that was set for them."""
    if result.test is None or bar.reference is not None or not result.test.per_seed:
        return "."
    above = sum(value >= bar.accuracy for value in result.test.per_seed)
    return f"; on test images {above} of {format_seeds(result, len(result.test.per_seed))}."
