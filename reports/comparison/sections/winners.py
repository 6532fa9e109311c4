"""`compare`: the answer, and the winners side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports import formatting as text
from reports.analysis.search.trials import best, explored
from reports.comparison.differences import ImagePair, all_same_data, image_pairs
from reports.comparison.runs import NamedRun
from reports.comparison.sections.words import letters
from reports.run.run_data import RunData
from reports.sections.banners import DIGITS, Banner
from reports.sections.section import Cell, Column, Row, Section, Table, number
from reports.sections.testing import was_retested, was_tested
from tuner.core.records import SHORT_WORDS, Objective, TrialRecord
from tuner.storage.schema.result import ResultDocument

LEVEL = 0.05
"""The significance level for the (corrected) p."""


@dataclass(frozen=True)
class Headline:
    """The page's first line."""

    number: str
    interval: str
    words: str


_TESTED: Mapping[Objective, str] = {
    "balanced_accuracy": "mean over classes of recall, of the exported model",
    "int8": "of the exported model's int8 file, with Wilson's interval",
}
"""Other scores of the test set → the note of their column."""


def build(runs: Sequence[NamedRun]) -> Section:
    """Return the section: the headline and the table of winners."""
    pairs = image_pairs(runs)
    headline = _headline(runs, pairs)
    return Section(
        id="compare",
        name="Winners",
        title=headline.number,
        how="Test accuracy is of the exported model, with Wilson's 95% interval; ± is the standard deviation over seeds of the same recipe. "
        f"{_test_use(runs)}",
        body={"headline": headline, "runs": list(runs), "table": _table(runs)},
    )


def _test_use(runs: Sequence[NamedRun]) -> str:
    tested = [run for run in runs if was_tested(run.run)]
    if not tested:
        return "No run has used its test images."
    whose = "its" if len(tested) in (1, len(runs)) else "their"
    who = "Each run" if len(tested) == len(runs) else f"Of these runs {letters(runs, [run.place for run in tested])}"
    again = [run.place for run in tested if was_retested(run.run)]
    twice = f" (a lost evaluation was made again: {letters(runs, again)})" if again else ""
    return (
        f"{who} used {whose} test images once{twice}. Whoever now chooses a run by its test accuracy uses them again, "
        "so the chosen one's figure is a little too good."
    )


def banners(runs: Sequence[NamedRun]) -> tuple[Banner, ...]:
    """Return the banners above the page."""
    top_banners = []
    digits = [run.place for run in runs if run.run.info.data.is_digits]
    if digits:
        top_banners.append(
            Banner("alarm", f"{DIGITS}:", f"{letters(runs, digits)}. Their figures say nothing about MNIST.")
        )
    if not all_same_data(runs):
        names = "; ".join(
            f"{run.letter}: {run.run.info.data.name}, sha256 {run.run.info.data.sha256[:8] or text.MISSING}"
            for run in runs
        )
        top_banners.append(Banner("alarm", "These runs are not all of the same data.", f"Their accuracies do not compare. {names}."))  # fmt: skip
    top_banners += _refits(runs)
    top_banners += [banner for run in runs if (banner := _status(run)) is not None]
    return tuple(top_banners)


def _refits(runs: Sequence[NamedRun]) -> list[Banner]:
    """Return a note if only some of the tested models are refitted ones, trained on more images."""
    results = {run.place: run.run.result for run in runs}
    tested = {place: result for place, result in results.items() if result is not None and result.test is not None}
    refitted = [place for place, result in tested.items() if result.exported.refitted]
    if not refitted or len(refitted) == len(tested):
        return []
    words = "They were trained on the validation images too, those of the other runs were not."
    return [Banner("status", f"Test figures of {letters(runs, refitted)} are of refitted models.", words)]


def _status(run: NamedRun) -> Banner | None:
    status = run.run.info.status
    if status == "completed":
        return None
    words = {
        "running": "is still going: what had finished when this was written is shown.",
        "interrupted": "was interrupted: what had finished is shown.",
        "failed": f"failed: {run.run.info.error or 'no reason was recorded.'}",
    }
    return Banner("status" if status == "running" else "alarm", run.letter, words.get(status, status))


def _headline(runs: Sequence[NamedRun], pairs: Sequence[ImagePair]) -> Headline:
    tested = [pair for pair in pairs if pair.counts is not None]
    if not tested:
        words = f"of test accuracies: the {len(runs)} runs were not measured on the same test images. They stand side by side below."
        return Headline("No comparison", "", words)
    if len(runs) == 2:
        return _two(runs, tested[0])
    return _several(runs, tested)


def _two(runs: Sequence[NamedRun], pair: ImagePair) -> Headline:
    counts, interval = pair.counts, pair.interval
    if counts is None or interval is None:
        return Headline("No comparison", "", "")
    forward = counts.difference >= 0
    better, other = (pair.first, pair.second) if forward else (pair.second, pair.first)
    bounds = interval if forward else (-interval[1], -interval[0])
    names = f"{runs[better].letter} {'is better than' if _differs(pair) else 'is ahead of'} {runs[other].letter}"
    chance = "" if _differs(pair) else "; that may be chance"
    return Headline(
        number=f"{text.points(abs(counts.difference))} points",
        interval=f"[{text.points(bounds[0])}, {text.points(bounds[1])}]",
        words=f"{names} on the same {text.count(counts.n)} test images{chance} ({_format_p(pair.p)}, exact McNemar test)",
    )


def _several(runs: Sequence[NamedRun], tested: Sequence[ImagePair]) -> Headline:
    compared = {place for pair in tested for place in (pair.first, pair.second)}
    scores = [(run, score) for run in runs if run.place in compared and (score := _exported(run.run)) is not None]
    if not scores:
        return Headline("No comparison", "", "of test accuracies: no run kept its own.")
    top, (accuracy, interval) = max(scores, key=lambda item: (item[1][0], -item[0].place))
    top_pairs = [pair for pair in tested if top.place in (pair.first, pair.second)]
    corrected = f", Holm's correction for {len(tested)} pairs" if len(tested) > 1 else ""
    return Headline(
        number=f"{text.percent(accuracy)}%",
        interval=f"[{text.percent(interval[0])}, {text.percent(interval[1])}]" if interval else "",
        words=f"of the test images: {_format_lead(runs, top, top_pairs)} (exact McNemar test{corrected})",
    )


def _format_lead(runs: Sequence[NamedRun], top: NamedRun, pairs: Sequence[ImagePair]) -> str:
    """Return which runs the leading one is better than on the same images, and from which it may differ by chance."""
    others = {pair.second if pair.first == top.place else pair.first: _differs(pair) for pair in pairs}
    worse = [place for place, differs in others.items() if differs]
    unclear = [place for place, differs in others.items() if not differs]
    if not others:
        return f"{top.letter} leads, but no other run was measured on the same images"
    if not worse:
        return f"{top.letter} leads, but its lead over {letters(runs, unclear)} on the same images may be chance"
    better = f"{top.letter} is better than {letters(runs, worse)} on the same images"
    return f"{better}; its lead over {letters(runs, unclear)} may be chance" if unclear else better


def _differs(pair: ImagePair) -> bool:
    return pair.p_corrected is not None and pair.p_corrected < LEVEL


def _format_p(p: float | None) -> str:
    shown = text.probability(p)
    return f"p {shown}" if shown.startswith("<") else f"p = {shown}"


def _exported(run: RunData) -> tuple[float, tuple[float, float] | None] | None:
    test = run.result.test if run.result is not None else None
    if test is None:
        return None
    return (test.exported_accuracy if test.exported_accuracy is not None else test.accuracy, test.interval)


def _table(runs: Sequence[NamedRun]) -> Table:
    others = [score for score in _TESTED if any(score in run.run.other_scores for run in runs)]
    return Table(
        caption="The winner of each run; of a run that confirmed none its best trial so far, one seed.",
        columns=(
            Column("Run", number=False),
            Column("Test", "% [95%]", note="of the exported model, with Wilson's interval"),
            Column("Test, mean ± sd", "%", note="over the winner's seeds"),
            *(Column(f"Test, {SHORT_WORDS[score]}", "% [95%]", note=_TESTED[score]) for score in others),
            Column("Validation, mean ± sd", "%", note="over the winner's seeds"),
            Column("Seeds"),
            Column("Parameters"),
            Column("Multiply-adds"),
            Column("Epochs"),
            Column("Trials", note="of the whole run"),
            Column("Time", note="of the whole run"),
            Column("Space", number=False),
            Column("Data", number=False),
        ),
        rows=[_row(run, others) for run in runs],
        sortable=True,
    )


def _row(run: NamedRun, others: Sequence[Objective]) -> Row:
    info, result = run.run.info, run.run.result
    middle = _winner_cells(run.run, result) if result is not None else _trial_cells(run.run)
    middle = (*middle[:2], *(_other_cell(result, score) for score in others), *middle[2:])
    return Row(
        (
            Cell(run.title, sort=run.place, detail="" if info.status == "completed" else info.status),
            *middle,
            number(len(run.run.every)),
            number(info.times.elapsed_s, text.duration(info.times.elapsed_s)),
            Cell(info.space.name),
            Cell(info.data.name if not info.data.is_digits else "scikit-learn's digits"),
        )
    )


def _winner_cells(run: RunData, result: ResultDocument) -> tuple[Cell, ...]:
    test, scores = result.test, result.validation
    exported = _exported(run)
    return (
        _exported_cell(result, *exported) if exported is not None else Cell(text.MISSING),
        number(test.accuracy, text.spread(test.accuracy, test.sd)) if test is not None else Cell("not used"),
        number(scores.mean, text.spread(scores.mean, scores.sd)),
        number(len(scores.per_seed)),
        number(result.parameters),
        number(result.multiply_adds),
        number(result.epochs, text.epochs(result.epochs)),
    )


def _other_cell(result: ResultDocument | None, score: Objective) -> Cell:
    test = None if result is None else result.test
    if test is None:
        return Cell(text.MISSING)
    value, interval = test.exported_balanced_accuracy, test.balanced_interval
    if score == "int8":
        value, interval = (None, None) if test.int8 is None else (test.int8.accuracy, test.int8.interval)
    return Cell(text.MISSING) if value is None else Cell(text.interval(value, interval), sort=value)


def _exported_cell(result: ResultDocument, accuracy: float, interval: tuple[float, float] | None) -> Cell:
    refit = f"refitted on {text.count(result.exported.images)} images" if result.exported.refitted else ""
    return Cell(text.interval(accuracy, interval), sort=accuracy, detail=refit)


def _trial_cells(run: RunData) -> tuple[Cell, ...]:
    top: TrialRecord | None = best(explored(run.records) or run.records)
    if top is None:
        return tuple(Cell(text.MISSING) for _ in range(7))
    return (
        Cell(text.MISSING),
        Cell(text.MISSING),
        number(top.val_accuracy, text.percent(top.val_accuracy)),
        Cell("1", sort=1, detail="not confirmed"),
        number(top.parameters),
        number(top.multiply_adds if top.layers else None),
        number(top.epochs, text.epochs(top.epochs)),
    )
