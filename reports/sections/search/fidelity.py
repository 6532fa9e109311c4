"""`fidelity`: the correlation of the scores of short and long trials."""

from __future__ import annotations

from reports import formatting as text
from reports.analysis.search.fidelity import LEAST_PAIRS, Fidelity, fidelities
from reports.analysis.search.trials import explored, groups_by_epochs
from reports.figures.search.fidelity import fidelity_figure
from reports.run.run_data import RunData
from reports.sections.section import Figure, Section

_MOST_PAIRS = 10
_FEWEST_MARKS = 3
"""The fewest marks of a plot: two always lie on a line."""


def build(run: RunData) -> Section:
    """Return the section: a scatter plot for every two lengths of training."""
    pairs = fidelities(run.records)
    drawn = [item for item in pairs if len(item.configurations) >= _FEWEST_MARKS][:_MOST_PAIRS]
    return Section(
        id="fidelity",
        name="Short against long",
        part="Search",
        title=_title(pairs),
        how="A mark is a configuration that was trained at both lengths, each time from scratch. Spearman's rank correlation is 1 where the short trials rank "
        f"configurations as the long ones do; the interval is Fisher's z with the standard error of Bonett and Wright (2000), 95%. It is given for {LEAST_PAIRS} configurations or more.",
        body={
            "figures": [_figure(item) for item in drawn],
            "caveat": _caveat(pairs),
            "why_none": "" if drawn else _why_none(run, pairs),
            "left_out": _left_out(pairs, len(drawn)),
        },
    )


def _title(pairs: tuple[Fidelity, ...]) -> str:
    known = [item for item in pairs if item.correlation is not None]
    if not known:
        return "Short trials can't be compared with long ones here"
    widest = max(known, key=lambda item: (item.long_epochs / item.short_epochs, len(item.configurations)))
    return f"Ranks after {text.plural(widest.short_epochs, 'epoch')} and after {widest.long_epochs} correlate with {_number(widest)}"


def _number(item: Fidelity) -> str:
    interval = ""
    if item.interval is not None:
        low, high = (text.signed(end, 2) for end in item.interval)
        interval = f" [{low}, {high}]"
    return f"{text.signed(item.correlation, 2)}{interval} (n {len(item.configurations)})"


def _figure(item: Fidelity) -> Figure:
    lengths = f"{item.short_epochs} and {text.plural(item.long_epochs, 'epoch')}"
    count = len(item.configurations)
    if item.correlation is not None:
        title = f"{lengths}: rank correlation {_number(item)}"
    elif count < LEAST_PAIRS:
        title = f"{lengths}: {count} configurations, {LEAST_PAIRS} are wanted for a correlation"
    else:
        title = f"{lengths}: {count} configurations with equal scores, so no ranks to compare"
    return Figure(
        fidelity_figure(item, title),
        title,
        f"{count} of {text.plural(item.all_short, 'configuration')} scored at {text.plural(item.short_epochs, 'epoch')}.",
    )


def _caveat(pairs: tuple[Fidelity, ...]) -> str:
    if not any(len(item.configurations) < item.all_short for item in pairs):
        return ""
    return (
        "The longer trials are a truncated sample: only configurations that were promoted for a good short trial have one. Among these the scores lie "
        "closer together than among all that were sampled, which as a rule lowers the correlation: read it as that among promoted ones."
    )


def _why_none(run: RunData, pairs: tuple[Fidelity, ...]) -> str:
    if pairs:
        most = max(len(item.configurations) for item in pairs)
        return f"{text.plural(most, 'configuration')} at most had a score at two lengths: too few to draw."
    lengths = groups_by_epochs(explored(run.records))
    if len(lengths) == 1:
        return f"All scored trials of the search had {text.plural(lengths[0].epochs, 'epoch')}, so there is nothing to predict."
    if not lengths:
        return "No trial of a search has a score, so there is nothing to compare."
    return "No configuration has a score at two lengths of training."


def _left_out(pairs: tuple[Fidelity, ...], drawn: int) -> str:
    if len(pairs) <= drawn or not drawn:
        return ""
    return f"{drawn} of {len(pairs)} pairs of lengths are drawn: the first {_MOST_PAIRS} with {_FEWEST_MARKS} configurations or more."
