"""`summary`: the answer, whether it can be trusted, the network, the front and the best configurations at a glance."""

from __future__ import annotations

from dataclasses import dataclass

from reports import formatting as text
from reports.analysis.comparison import ReferenceRow, reference_rows
from reports.analysis.consistency import Consistency, bar_of, consistency
from reports.analysis.network import Block, Network, network
from reports.analysis.pareto import size_front
from reports.analysis.trials import best, explored
from reports.figures.pareto import front_figure
from reports.run_data import Result, RunData
from reports.sections.leaderboard import short_table
from reports.sections.section import Cell, Column, Row, Section, Table, figure, number
from search_spaces.specs import LayerSummary

DIGITS = "These are scikit-learn's 8×8 digits, not MNIST"

_KINDS = {
    "pool": "max pool",
    "separable_conv": "separable",
    "global_average_pooling": "average",
    "batch_norm": "norm",
}


@dataclass(frozen=True)
class Banner:
    """Something that a reader must know first."""

    kind: str
    """"alarm" or "note"."""
    head: str
    words: str = ""


@dataclass(frozen=True)
class StripBlock:
    """A block of the network as the strip shows it."""

    kind: str
    followers: str
    shape: str
    parameters: str
    multiply_adds: str
    height: str
    """Of its picture in pixels: grows with the image's side."""
    width: str
    """The same: grows with the channels."""
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
    small = front_figure(front, _front_words(run), name="front", width=520, height=300) if front.points else None
    return Section(
        id="summary",
        name="Answer",
        title=answer.number,
        how="The interval is Wilson's, 95%, of the exported model on the test images; ± is the standard deviation over "
        "seeds of the same recipe. The test set was used once, by the confirmed winner.",
        body={
            "answer": answer,
            "network": _network_words(net),
            "strip": _strip(net),
            "front": figure(small, _front_words(run)) if small else None,
            "best": short_table(run),
            "references": _reference_table(run),
            "consistency": _consistency_words(run),
        },
    )


def banners(run: RunData) -> tuple[Banner, ...]:
    """What stands above everything else, most serious first."""
    info, found = run.info, []
    if info.data.is_digits:
        found.append(
            Banner(
                "alarm",
                f"{DIGITS}.",
                f"{_why_digits(run)} Their figures say nothing about MNIST.",
            )
        )
    if info.status == "running":
        running = text.plural(len(run.running), "trial")
        found.append(
            Banner(
                "note",
                "This run is still going.",
                f"{running} in training when this was written. The page reloads itself every 20 seconds.",
            )
        )
    if info.status == "interrupted":
        found.append(
            Banner(
                "alarm",
                "This run was interrupted.",
                "What had finished is shown; mnist-tune --out with --resume continues it.",
            )
        )
    if info.status == "failed":
        found.append(Banner("alarm", "This run failed.", info.error or "No reason was recorded."))
    failed = sum(not record.completed for record in run.records)
    if failed:
        found.append(Banner("note", f"{text.plural(failed, 'trial')} of {len(run.records)} failed.", "See failures."))
    found += [Banner("note", "Note.", note) for note in info.notes]
    return tuple(found)


def _why_digits(run: RunData) -> str:
    if run.info.data.fallback:
        return "No MNIST was to be had, so the run took a small set that comes with a library."
    return "They were asked for, to try the program."


def answer_of(run: RunData) -> Answer:
    """The best that the run can say by now."""
    result = run.result
    caveat = f"{DIGITS}." if run.info.data.is_digits else ""
    if result is not None and result.test is not None:
        return _tested(run, result, caveat)
    if result is not None and result.validation.mean is not None:
        seeds = len(result.validation.per_seed)
        return Answer(
            number=f"{text.percent(result.validation.mean)}%",
            interval=f"± {text.percent(result.validation.sd)}" if result.validation.sd is not None else "",
            words=f"of {text.count(run.info.data.validation)} validation images, mean of {text.plural(seeds, 'seed')}; "
            f"the test set was not used; {_size_words(run, result.parameters)}",
            caveat=caveat,
            facts=_facts(run, result),
        )
    top = best(explored(run.records) or run.records)
    if top is not None:
        return Answer(
            number=f"{text.percent(top.val_accuracy)}%",
            interval="",
            words=f"of {text.count(run.info.data.validation)} validation images: the best of {text.plural(len(run.records), 'trial')} "
            f"so far, one seed, not confirmed; {_size_words(run, top.parameters)}",
            caveat=caveat,
            facts=_facts(run, None),
        )
    return Answer("No answer", "", _no_answer(run), caveat, _facts(run, None))


def _tested(run: RunData, result: Result, caveat: str) -> Answer:
    test = result.test
    if test is None:
        return Answer("No answer", "", _no_answer(run), caveat, _facts(run, result))
    value = test.exported_accuracy if test.exported_accuracy is not None else test.accuracy
    errors = f": {text.plural(test.errors, 'error')}" if test.errors is not None else ""
    interval = f"[{text.percent(test.interval[0])}, {text.percent(test.interval[1])}]" if test.interval else ""
    return Answer(
        number=f"{text.percent(value)}%",
        interval=interval,
        words=f"of {text.count(test.n)} test images{errors} with {_size_words(run, result.parameters)}",
        caveat=caveat,
        facts=_facts(run, result),
    )


def _no_answer(run: RunData) -> str:
    if not run.records:
        return "yet: no trial has finished."
    return f"None of {text.plural(len(run.records), 'trial')} completed; the reasons are under failures."


def _size_words(run: RunData, parameters: int) -> str:
    cap = f" of {text.count(run.info.max_params)}" if run.info.max_params is not None else ""
    return f"{text.count(parameters)}{cap} parameters"


def _facts(run: RunData, result: Result | None) -> tuple[tuple[str, str], ...]:
    info, facts = run.info, []
    if result is not None and result.test is not None:
        n = len(result.test.per_seed)
        facts.append(
            (f"Test, mean of {text.plural(n, 'seed')}", f"{text.spread(result.test.accuracy, result.test.sd)} %")
        )
    if result is not None:
        n = len(result.validation.per_seed)
        facts.append(
            (
                f"Validation, mean of {text.plural(n, 'seed')}",
                f"{text.spread(result.validation.mean, result.validation.sd)} %",
            )
        )
        facts.append(("Epochs", text.count(result.epochs)))
    facts.append(("Trials", text.count(len(run.records))))
    if info.elapsed_s:
        facts.append(("Time", text.duration(info.elapsed_s)))
    facts.append(("Data", info.data.name if not info.data.is_digits else "scikit-learn's digits"))
    facts.append(("Space", info.space))
    return tuple(facts)


def _layers(run: RunData) -> tuple[LayerSummary, ...]:
    if run.result is not None and run.result.layers:
        return run.result.layers
    top = best(run.records)
    return top.layers if top is not None else ()


def _network_words(net: Network | None) -> str:
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
    channels = block.shape[-1] if block.shape else 1
    return StripBlock(
        kind=_kind(block),
        followers=", ".join(_KINDS.get(kind, kind.replace("_", " ")) for kind in block.followers),
        shape=text.shape(block.shape),
        parameters=text.count(block.parameters) if block.parameters else text.MISSING,
        multiply_adds=text.count(block.multiply_adds) if block.multiply_adds else text.MISSING,
        height=f"{max(3.0, 40 * here / side):.0f}",
        width=f"{min(64, 3 + channels)}",
        bar=f"{100 * block.parameter_share / largest:.1f}",
    )


def _kind(block: Block) -> str:
    name = _KINDS.get(block.kind, block.kind.replace("_", " "))
    return f"{block.kernel}×{block.kernel} {name}" if block.kernel else name


def _front_words(run: RunData) -> str:
    front = size_front(run).front
    if not front:
        return "Accuracy against parameters"
    top = front[-1]
    return f"{text.percent(top.accuracy)}% with {text.count(top.parameters)} parameters: the best trial of the search"


def _reference_table(run: RunData) -> Table | None:
    result = run.result
    rows = reference_rows(
        run.info.references,
        accuracy=result.test.accuracy
        if result is not None and result.test is not None and run.info.data.is_mnist
        else None,
        parameters=result.parameters if result is not None else None,
    )
    if not rows:
        return None
    return Table(
        caption="Published networks. Most of their figures are of the best epoch on the test set and of one seed; the winner's "
        "is the last epoch's mean over seeds."
        + (" They were measured on MNIST, this run was not." if not run.info.data.is_mnist else ""),
        columns=(
            Column("Reference", number=False),
            Column("Published test", "%"),
            Column(
                "Winner minus it",
                "points",
                note="mean test accuracy of the winner over seeds minus the published figure",
            ),
            Column("Parameters"),
            Column("Winner's share", "of its parameters"),
            Column("Epochs"),
            Column("Network", number=False),
            Column("In this run", number=False),
        ),
        rows=[_reference_cells(row) for row in rows],
        sortable=True,
    )


def _reference_cells(row: ReferenceRow) -> Row:
    reference = row.reference
    taken = "yes" if reference.included else "no, fits" if reference.fits else "no, over the cap"
    return Row(
        cells=(
            Cell(reference.name, detail=reference.source),
            number(reference.published_accuracy, text.percent(reference.published_accuracy)),
            number(row.difference, text.points(row.difference)),
            number(reference.parameters),
            number(
                row.parameter_ratio, f"{row.parameter_ratio:.2f}" if row.parameter_ratio is not None else text.MISSING
            ),
            number(reference.published_epochs),
            Cell(reference.network),
            Cell(taken),
        )
    )


def _consistency_words(run: RunData) -> str:
    result = run.result
    bar = bar_of(run)
    if result is None or bar is None:
        return ""
    found = consistency(run.of(result.trials), bar)
    return _consistency_sentence(found) if found is not None else ""


def _consistency_sentence(found: Consistency) -> str:
    return (
        f"On validation images {found.seeds_above} of {text.plural(found.seeds, 'seed')} of the winner ended at {text.percent(found.bar)}% or more, "
        f"and {found.epochs_above} of their last {text.plural(found.epochs, 'epoch')} were there."
    )
