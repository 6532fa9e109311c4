"""The conclusion of a study in words, computed from the numbers. Values are fractions; words are in percentage points."""

from __future__ import annotations

from collections.abc import Sequence

from tuner.stats.paired_tests import NO_SPREAD, corrected_interval, showable_difference
from tuner.study.comparisons import ArmScores, Comparison

_MOST_LISTED = 3


def conclusion(base: ArmScores, arms: Sequence[ArmScores], comparisons: Sequence[Comparison]) -> str:
    """Return what the numbers allow to say, in sentences; the first one is the answer."""
    tested = [comparison for comparison in comparisons if comparison.p_holm is not None]
    if not base.scored:
        first = [f"Nothing can be compared: no seed of {base.label}, the base, has a score."]
    elif not comparisons:
        first = [f"Nothing was compared: {base.label} is the only arm."]
    elif not any(comparison.test.n for comparison in comparisons):
        first = [f"Nothing can be compared: no other arm has a score with a seed that {base.label} has one with."]
    elif not tested and all(comparison.test.n < 2 for comparison in comparisons):
        first = _one_seed(base, comparisons)
    else:
        first = _format_tested(base, comparisons)
    return " ".join([*first, *_format_lost(arms)])


def _format_tested(base: ArmScores, comparisons: Sequence[Comparison]) -> list[str]:
    shown = sorted((c for c in comparisons if c.verdict != "no difference shown"), key=_strongest_first)
    hidden = [c for c in comparisons if c.verdict == "no difference shown" and c.p_holm is not None]
    family = sum(comparison.p_holm is not None for comparison in comparisons)
    sentences = []
    if shown and len(comparisons) > _MOST_LISTED:
        sentences.append(_format_count(base, comparisons))
    sentences += [_format_shown(base, comparison) for comparison in shown]
    if sum(comparison.verdict == "better" for comparison in shown) > 1:
        sentences.append("Those that beat it were not tested against each other.")
    if hidden:
        sentences += _format_hidden(base, hidden, family, alone=not shown)
    if family > 1:
        sentences.append(f"Intervals and p values are corrected for {family} comparisons (Holm).")
    return [*sentences, *_format_untested(base, comparisons)]


def _strongest_first(comparison: Comparison) -> tuple[bool, float]:
    return (comparison.verdict != "better", -_size(comparison))


def _format_count(base: ArmScores, comparisons: Sequence[Comparison]) -> str:
    counts = {v: sum(c.verdict == v for c in comparisons) for v in ("better", "worse", "no difference shown")}
    parts = [f"{counts['better']} beat it"] if counts["better"] else []
    parts += [f"{counts['worse']} {'is' if counts['worse'] == 1 else 'are'} worse"] if counts["worse"] else []
    parts += [f"for {counts['no difference shown']} no difference shows"] if counts["no difference shown"] else []
    return f"Of {len(comparisons)} compared with {base.label}, {_joined(parts)}."


def _format_shown(base: ArmScores, comparison: Comparison) -> str:
    test = comparison.test
    verb = "beats" if comparison.verdict == "better" else "is worse than"
    return (
        f"{comparison.label} {verb} {base.label} by {_points(abs(test.difference or 0.0))} ± {_points(_half(comparison))} points over "
        f"{_seeds(test.n)} (95% interval, {_p(comparison.p_holm)})."
    )


def _format_hidden(base: ArmScores, hidden: Sequence[Comparison], family: int, *, alone: bool) -> list[str]:
    largest = max(hidden, key=_size)
    test = largest.test
    low, high = _interval(largest)
    seeds = _seeds_of([comparison.test.n for comparison in hidden])
    interval = f"{_signed(low)} to {_signed(high)}"
    if len(hidden) == 1:
        first = (
            f"No difference between {largest.label} and {base.label} that {seeds} can show: {_signed(test.difference)} points "
            f"(95% interval {interval}, {_p(largest.p_holm)})."
        )
    else:
        names = "" if alone else f" for {_joined([c.label for c in hidden])}" if len(hidden) <= 4 else " for the others"
        first = (
            f"No difference from {base.label} that {seeds} can show{names}: the largest is that of {largest.label}, {_signed(test.difference)} points "
            f"(95% interval {interval}, {_p(largest.p_holm)})."
        )
    return [first, _format_showable([showable_difference(c.test.sd or 0.0, c.test.n, family) for c in hidden])]


def _format_showable(sizes: Sequence[float]) -> str:
    small, large = _points(min(sizes)), _points(max(sizes))
    size = f"{small} points" if small == large else f"{small} to {large} points, by arm,"
    return f"With this spread a true difference of {size} would be shown four times in five; a smaller one may well be there."


def _format_untested(base: ArmScores, comparisons: Sequence[Comparison]) -> list[str]:
    return [_untested(base, comparison) for comparison in comparisons if comparison.p_holm is None]


def _untested(base: ArmScores, comparison: Comparison) -> str:
    test, name = comparison.test, comparison.label
    if test.n == 0:
        return f"{name} can't be compared: it has no score with a seed that {base.label} has one with."
    if test.n == 1:
        return (
            f"{name} has one seed in common with {base.label}, {_signed(test.difference)} points: no test is possible."
        )
    if abs(test.difference or 0.0) <= NO_SPREAD:
        return f"{name} gave the same accuracy as {base.label} with each of {_seeds(test.n)}."
    return (
        f"{name} differs from {base.label} by {_signed(test.difference)} points with each of {_seeds(test.n)}: without "
        "spread there is no test."
    )


def _one_seed(base: ArmScores, comparisons: Sequence[Comparison]) -> list[str]:
    compared = [comparison for comparison in comparisons if comparison.test.n]
    best = max(compared, key=lambda comparison: comparison.test.difference or 0.0)
    difference = best.test.difference or 0.0
    words = (
        f"{best.label} came out highest, {_points(difference)} points above {base.label}"
        if difference > NO_SPREAD
        else f"none came out above {base.label}"
    )
    common = "One seed each" if base.seeds == 1 else "One seed in common"
    return [f"{common}, so no test is possible: {words}.", "Another seed may turn that round."]


def _format_lost(arms: Sequence[ArmScores]) -> list[str]:
    failed = [f"{arm.failed} of {arm.label}" for arm in arms if arm.failed]
    missing = sum(max(arm.seeds - len(arm.records), 0) for arm in arms)
    words = [f"Trials that failed: {_joined(failed)}; their pairs are left out."] if failed else []
    return words + ([f"{missing} planned {'trial was' if missing == 1 else 'trials were'} not run."] if missing else [])


def _points(value: float) -> str:
    text = f"{100 * value:.2f}"
    return text if float(text) else f"{100 * value:.1g}" if value else "0.00"


def _signed(value: float | None) -> str:
    number = value or 0.0
    return ("+" if number > 0 else "−" if number < 0 else "") + _points(abs(number))


def _p(value: float | None) -> str:
    return "p < 0.001" if value is not None and value < 0.001 else f"p = {value:.3f}" if value is not None else "no p"


def _interval(comparison: Comparison) -> tuple[float, float]:
    """Return the 95% interval, corrected as the p value is, so that both say the same."""
    test = comparison.test
    return corrected_interval(test.difference, test.sd, test.n, test.p, comparison.p_holm) or (0.0, 0.0)


def _half(comparison: Comparison) -> float:
    low, high = _interval(comparison)
    return (high - low) / 2


def _size(comparison: Comparison) -> float:
    return abs(comparison.test.difference or 0.0)


def _seeds(number: int) -> str:
    return f"{number} seed" if number == 1 else f"{number} seeds"


def _seeds_of(numbers: Sequence[int]) -> str:
    return _seeds(max(numbers)) if min(numbers) == max(numbers) else f"{min(numbers)} to {max(numbers)} seeds"


def _joined(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""
